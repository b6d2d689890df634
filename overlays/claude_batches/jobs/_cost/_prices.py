"""Prices: US dollars by model and kind of token, from `genai-prices` (extra `cost`) or from the user.

A price is never guessed. A model that is not listed, a batch price that is not listed, and a kind of token
without a price are `None`, and shown as unpriced: the list gives the full price in silence where it has none for
batches, so its variants are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

import attrs

from .._errors import JobError
from .._tables._extras import require
from .._tables._shapes import is_mapping

__all__ = ["BATCH", "KINDS", "Listed", "Numbers", "Prices", "Rates", "UnpricedError", "named", "tokens_of"]

#: The kinds of tokens and calls that have prices: our name, and that of the price list.
KINDS = {
    "input_tokens": "input_mtok",
    "output_tokens": "output_mtok",
    "cache_write_5m_tokens": "cache_write_mtok",
    "cache_write_1h_tokens": "cache_write_1h_mtok",
    "cache_read_tokens": "cache_read_mtok",
    "web_searches": "web_searches_kcount",
}
BATCH = {"processing": "batch"}
_UNITS = {kind: Decimal(1000 if kind == "web_searches" else 1_000_000) for kind in KINDS}


class UnpricedError(JobError, ValueError):
    """A price is needed and not known."""


@attrs.frozen
class Rates:
    """The prices of a model: dollars for a million tokens, or a thousand searches; `None` where not known."""

    input_tokens: Decimal | None
    output_tokens: Decimal | None
    cache_write_5m_tokens: Decimal | None = None
    cache_write_1h_tokens: Decimal | None = None
    cache_read_tokens: Decimal | None = None
    web_searches: Decimal | None = None

    def cost(self, tokens: Mapping[str, int]) -> Decimal | None:
        """Return the cost of tokens, `None` if a kind of them has no price.

        Args:
            tokens: Numbers by kind, with the names of this class.
        """
        total = Decimal(0)
        for kind, number in tokens.items():
            if number:
                rate: Decimal | None = getattr(self, kind)
                if rate is None:
                    return None
                total += rate * number / _UNITS[kind]
        return total


#: Numbers of tokens and calls in the order of `KINDS`.
Numbers = tuple[int, int, int, int, int, int]


@attrs.frozen
class Listed:
    """The prices of a model as listed: by the size of a request's whole input, where they depend on it."""

    thresholds: tuple[int, ...]
    rates: tuple[Rates, ...]
    """The prices below the first threshold, above it, and so on."""
    each: tuple[tuple[float | None, ...], ...] = attrs.field(init=False)
    """The same for one token or call, as numbers in the order of `KINDS`."""

    def __attrs_post_init__(self) -> None:
        each = tuple(
            tuple(
                None if price is None else float(price / _UNITS[kind])
                for kind, price in ((kind, getattr(rates, kind)) for kind in KINDS)
            )
            for rates in self.rates
        )
        object.__setattr__(self, "each", each)

    def level(self, numbers: Numbers) -> int:
        """Return the index of the prices for a request.

        Args:
            numbers: Its numbers.
        """
        if not self.thresholds:
            return 0
        whole = numbers[0] + numbers[2] + numbers[3] + numbers[4]
        return sum(whole > threshold for threshold in self.thresholds)


class Prices:
    """A list of prices.

    Args:
        overrides: The user's prices, which come first: by model (an exact name, or a beginning that ends in `*`), a
            mapping of kinds (`input_tokens`, `output_tokens`, `cache_write_5m_tokens`, `cache_write_1h_tokens`,
            `cache_read_tokens`, `web_searches`) to dollars a million, or a thousand searches. They are meant for
            batches; with a key `standard` of the same form they tell the price without batching, too.
        at: The time whose prices count; now by default.
        listed: Takes models without prices of the user from the price list (extra `cost`).

    Raises:
        UnpricedError: An override names an unknown kind, or is not a number.
    """

    def __init__(
        self,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        at: datetime | None = None,
        listed: bool = True,
    ) -> None:
        self.overrides: Mapping[str, Mapping[str, Any]] = dict(overrides or {})
        """The user's prices."""
        self.plain: bool = at is None and listed
        """Tells if the user's prices are all that was given."""
        self._at = at or datetime.now(tz=UTC)
        self._with_list = listed
        self._own = {model: _own(model, prices) for model, prices in (overrides or {}).items()}
        self._listed: Callable[..., Listed | None] = lru_cache(maxsize=1024)(self._find)
        self.tier: Callable[[str | None, str | None, str | None], Listed | None] = lru_cache(maxsize=1024)(
            self._of_tier
        )
        """The listed prices by model, service tier and speed of a usage; `None` if they are not known."""

    def rates(
        self, model: str | None, context: Mapping[str, str] = BATCH, whole_input: int = 0
    ) -> Rates | None:
        """Return the prices of a model, `None` if they are not known.

        Args:
            model: The model.
            context: `{"processing": "batch"}` for the requests of a batch, `{"speed": "fast"}`, or nothing.
            whole_input: All input tokens of the request, cached or not: some prices depend on them.
        """
        listed = self._listed(model, tuple(sorted(context.items())))
        return None if listed is None else listed.rates[listed.level((whole_input, 0, 0, 0, 0, 0))]

    def of_usage(self, model: str | None, usage: Any) -> Decimal | None:
        """Return the cost of one message, `None` if it is unpriced.

        Args:
            model: The model that answered.
            usage: Its usage, as a mapping or an object.
        """
        numbers, tier, speed = tokens_of(usage)
        listed = self.tier(model, tier, speed)
        return None if listed is None else listed.rates[listed.level(numbers)].cost(named(numbers))

    def pricer(self, model: str | None, usage: Any) -> float | None:
        """Return the cost of one message as a number, for tables.

        Args:
            model: The model that answered.
            usage: Its usage.
        """
        numbers, tier, speed = tokens_of(usage)
        listed = self.tier(model, tier, speed)
        if listed is None:
            return None
        total = 0.0
        for number, price in zip(numbers, listed.each[listed.level(numbers)], strict=True):
            if number:
                if price is None:
                    return None
                total += number * price
        return total

    # --------------------------------------------------------------------------------------------------------

    def _of_tier(self, model: str | None, tier: str | None, speed: str | None) -> Listed | None:
        context = context_of(tier, speed)
        return None if context is None else self._listed(model, tuple(sorted(context.items())))

    def _find(self, model: str | None, context: tuple[tuple[str, str], ...]) -> Listed | None:
        if model is None:
            return None
        own = self._overriding(model)
        if own is not None:
            rates = own[0] if dict(context) == {"processing": "batch"} else None if context else own[1]
            return None if rates is None else Listed((), (rates,))
        if not self._with_list:
            return None
        prices = require("genai_prices", "cost", "the price of a model")
        try:
            found = prices.calc_price(
                prices.Usage(),
                model,
                provider_id="anthropic",
                genai_request_timestamp=self._at,
                price_context=dict(context),
            )
        except LookupError:
            return None
        variants: list[Any] = found.model.price_variants or []
        for key, value in context:
            if not any(
                variant.when.get(key) == value
                and (variant.constraint is None or variant.constraint.active(self._at))
                for variant in variants
            ):
                return None
        return _listed(found.model_price)

    def _overriding(self, model: str) -> tuple[Rates, Rates | None] | None:
        if model in self._own:
            return self._own[model]
        matching = [name for name in self._own if name.endswith("*") and model.startswith(name[:-1])]
        return self._own[max(matching, key=len)] if matching else None


def _listed(model_price: Any) -> Listed:
    """Return listed prices with those that depend on the input's size resolved for each size."""
    found: dict[str, Any] = {kind: getattr(model_price, name, None) for kind, name in KINDS.items()}
    tiered = {kind: price for kind, price in found.items() if hasattr(price, "tiers")}
    thresholds = sorted({tier.start for price in tiered.values() for tier in price.tiers})

    def at(price: Any, above: int) -> Decimal | None:
        if not hasattr(price, "tiers"):
            return cast("Decimal | None", price)
        reached = [tier for tier in price.tiers if tier.start <= above]
        return cast("Decimal", max(reached, key=lambda tier: tier.start).price if reached else price.base)

    return Listed(
        tuple(thresholds),
        tuple(
            Rates(**{kind: at(price, threshold) for kind, price in found.items()})
            for threshold in (-1, *thresholds)
        ),
    )


def _own(model: str, prices: Mapping[str, Any]) -> tuple[Rates, Rates | None]:
    standard = prices.get("standard")
    own = {kind: price for kind, price in prices.items() if kind != "standard"}
    unknown = own.keys() - KINDS.keys()
    if unknown:
        raise UnpricedError(
            f"the prices of {model!r} have unknown kinds {', '.join(map(repr, sorted(unknown)))}; "
            f"there are {', '.join(KINDS)}"
        )
    try:
        numbers = {kind: None if price is None else Decimal(str(price)) for kind, price in own.items()}
    except ArithmeticError:
        raise UnpricedError(f"the prices of {model!r} are not all numbers") from None
    if any(price is not None and not (price.is_finite() and price >= 0) for price in numbers.values()):
        raise UnpricedError(f"the prices of {model!r} are not all numbers from 0")
    rates = Rates(**{"input_tokens": None, "output_tokens": None, **numbers})
    return rates, None if standard is None else _own(model, standard)[0]


def context_of(tier: str | None, speed: str | None) -> dict[str, str] | None:
    """Return the context of a usage's prices, `None` for a tier whose prices are agreed one by one.

    Args:
        tier: Its service tier. Only `batch` has the batch price; an unknown one counts as `standard`.
        speed: Its speed.
    """
    if tier not in (None, "standard", "batch"):
        return None
    context = {"processing": "batch"} if tier == "batch" else {}
    if speed not in (None, "standard"):
        context["speed"] = speed
    return context


def named(numbers: Sequence[int]) -> dict[str, int]:
    """Return numbers by kind.

    Args:
        numbers: They, in the order of `KINDS`.
    """
    return dict(zip(KINDS, numbers, strict=True))


def tokens_of(usage: Any) -> tuple[Numbers, str | None, str | None]:
    """Return the numbers of a usage, its service tier and its speed.

    Args:
        usage: The usage, as a mapping or an object.
    """
    get = _getter(usage)
    creation = get("cache_creation")
    written = get("cache_creation_input_tokens") or 0
    if creation is None:
        # Without a time to live it is the default of 5 minutes.
        short, long = written, 0
    else:
        part = _getter(creation)
        short, long = part("ephemeral_5m_input_tokens") or 0, part("ephemeral_1h_input_tokens") or 0
        # Both 0 with tokens written: an older form of the same.
        short += max(written - short - long, 0)
    tools = get("server_tool_use")
    numbers = (
        get("input_tokens") or 0,
        get("output_tokens") or 0,
        short,
        long,
        get("cache_read_input_tokens") or 0,
        0 if tools is None else _getter(tools)("web_search_requests") or 0,
    )
    return numbers, get("service_tier"), get("speed")


def _getter(value: Any) -> Callable[[str], Any]:
    # A dict first: the test for a mapping takes longer than all the rest.
    if isinstance(value, dict) or is_mapping(value):
        return cast("Mapping[str, Any]", value).get

    def get(name: str) -> Any:
        return getattr(value, name, None)

    return get
