"""Prices: US dollars by model and kind of token, from `genai-prices` (extra `cost`) or from the user.

A price is never guessed. A model that is not listed, a batch price that is not listed, and a kind of token
without a price are `None`, and shown as unpriced: the list gives the full price in silence where it has none for
batches, so its variants are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

import attrs

from claude_batches._errors import ClaudeBatchesError
from claude_batches.jobs._tables._extras import require
from claude_batches.jobs._tables._shapes import is_mapping

__all__ = ["KINDS", "Prices", "Rates", "UnpricedError", "tokens_of"]

#: The kinds of tokens and calls that have prices: our name, and that of the price list.
KINDS = {
    "input_tokens": "input_mtok",
    "output_tokens": "output_mtok",
    "cache_write_5m_tokens": "cache_write_mtok",
    "cache_write_1h_tokens": "cache_write_1h_mtok",
    "cache_read_tokens": "cache_read_mtok",
    "web_searches": "web_searches_kcount",
}
_UNITS = {kind: Decimal(1000 if kind == "web_searches" else 1_000_000) for kind in KINDS}


class UnpricedError(ClaudeBatchesError, ValueError):
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


@attrs.frozen
class _Listed:
    """The prices of a model as listed: by the size of a request's whole input, where they depend on it."""

    thresholds: tuple[int, ...]
    rates: tuple[Rates, ...]

    def level(self, whole_input: int) -> int:
        return sum(whole_input > threshold for threshold in self.thresholds)


class Prices:
    """A list of prices.

    Args:
        overrides: The user's prices, which come first: by model (an exact name, or a beginning that ends in `*`), a
            mapping of kinds (`input_tokens`, `output_tokens`, `cache_write_5m_tokens`, `cache_write_1h_tokens`,
            `cache_read_tokens`, `web_searches`) to dollars a million, or a thousand searches. They are meant for
            batches; with a key `standard` of the same form they tell the price without batching, too.
        at: The time whose prices count; now by default.

    Raises:
        UnpricedError: An override names an unknown kind, or is not a number.
    """

    def __init__(
        self, overrides: Mapping[str, Mapping[str, Any]] | None = None, *, at: datetime | None = None
    ) -> None:
        self._at = at or datetime.now(tz=UTC)
        self._own = {model: _own(model, prices) for model, prices in (overrides or {}).items()}
        self._listed = lru_cache(maxsize=1024)(self._find)

    def level(self, model: str | None, context: Mapping[str, str], whole_input: int) -> int:
        """Return the price level of a request: prices of some models depend on the size of its input.

        Args:
            model: The model.
            context: The context; see `rates`.
            whole_input: All input tokens of the request, cached or not.
        """
        listed = self._listed(model, tuple(sorted(context.items())))
        return 0 if listed is None else listed.level(whole_input)

    def rates(self, model: str | None, context: Mapping[str, str], level: int = 0) -> Rates | None:
        """Return the prices of a model, `None` if they are not known.

        Args:
            model: The model.
            context: `{"processing": "batch"}` for the requests of a batch, `{"speed": "fast"}`, or nothing.
            level: The price level; see `level`.
        """
        listed = self._listed(model, tuple(sorted(context.items())))
        return None if listed is None else listed.rates[min(level, len(listed.rates) - 1)]

    def of_usage(self, model: str | None, usage: Any) -> Decimal | None:
        """Return the cost of one message, `None` if it is unpriced.

        Args:
            model: The model that answered.
            usage: Its usage, as a mapping or an object.
        """
        tokens, tier, speed = tokens_of(usage)
        context = context_of(tier, speed)
        if context is None:
            return None
        rates = self.rates(model, context, self.level(model, context, whole_input(tokens)))
        return None if rates is None else rates.cost(tokens)

    def pricer(self, model: str | None, usage: Any) -> float | None:
        """Return the cost of one message as a number, for tables.

        Args:
            model: The model that answered.
            usage: Its usage.
        """
        cost = self.of_usage(model, usage)
        return None if cost is None else float(cost)

    # --------------------------------------------------------------------------------------------------------

    def _find(self, model: str | None, context: tuple[tuple[str, str], ...]) -> _Listed | None:
        if model is None:
            return None
        own = self._overriding(model)
        if own is not None:
            rates = own[0] if dict(context) == {"processing": "batch"} else None if context else own[1]
            return None if rates is None else _Listed((), (rates,))
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


def _listed(model_price: Any) -> _Listed:
    """Return listed prices with those that depend on the input's size resolved for each size."""
    found: dict[str, Any] = {kind: getattr(model_price, name, None) for kind, name in KINDS.items()}
    tiered = {kind: price for kind, price in found.items() if hasattr(price, "tiers")}
    thresholds = sorted({tier.start for price in tiered.values() for tier in price.tiers})

    def at(price: Any, above: int) -> Decimal | None:
        if not hasattr(price, "tiers"):
            return cast("Decimal | None", price)
        reached = [tier for tier in price.tiers if tier.start <= above]
        return cast("Decimal", max(reached, key=lambda tier: tier.start).price if reached else price.base)

    return _Listed(
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
        tier: Its service tier. Only `batch` has the batch price; one that is not told counts as `standard`.
        speed: Its speed.
    """
    if tier not in (None, "standard", "batch"):
        return None
    context = {"processing": "batch"} if tier == "batch" else {}
    if speed not in (None, "standard"):
        context["speed"] = speed
    return context


def whole_input(tokens: Mapping[str, int]) -> int:
    """Return all input tokens, cached or not.

    Args:
        tokens: Numbers by kind.
    """
    return sum(
        tokens[kind]
        for kind in ("input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "cache_read_tokens")
    )


def tokens_of(usage: Any) -> tuple[dict[str, int], str | None, str | None]:
    """Return the numbers of a usage by kind, its service tier and its speed.

    Args:
        usage: The usage, as a mapping or an object.
    """
    get = _getter(usage)
    creation = get("cache_creation")
    written = get("cache_creation_input_tokens") or 0
    if creation is None:
        # Where it isn't told how long they are kept, it is the default of 5 minutes.
        short, long = written, 0
    else:
        part = _getter(creation)
        short, long = part("ephemeral_5m_input_tokens") or 0, part("ephemeral_1h_input_tokens") or 0
        # Both 0 with tokens written: an older form of the same.
        short += max(written - short - long, 0)
    tools = get("server_tool_use")
    tokens = {
        "input_tokens": get("input_tokens") or 0,
        "output_tokens": get("output_tokens") or 0,
        "cache_write_5m_tokens": short,
        "cache_write_1h_tokens": long,
        "cache_read_tokens": get("cache_read_input_tokens") or 0,
        "web_searches": 0 if tools is None else _getter(tools)("web_search_requests") or 0,
    }
    return tokens, get("service_tier"), get("speed")


def _getter(value: Any) -> Callable[[str], Any]:
    if is_mapping(value):
        return value.get

    def get(name: str) -> Any:
        return getattr(value, name, None)

    return get
