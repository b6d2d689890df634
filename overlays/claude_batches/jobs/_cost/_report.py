"""Reports of costs, counted by model before anything is priced."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple, cast

import attrs

from ..._words import counted
from ._prices import KINDS, Prices, named, tokens_of

__all__ = ["CostCounter", "ModelCost", "Report"]


class _Group(NamedTuple):
    """Usages with the same prices."""

    model: str | None
    tier: str | None
    speed: str | None
    level: int
    kept: bool


class CostCounter:
    """Counts usages by model, tier and price level; the memory depends on the number of models alone.

    Args:
        prices: The prices.
    """

    def __init__(self, prices: Prices | None = None) -> None:
        self._prices = prices or Prices()
        self._counts: dict[_Group, list[int]] = {}
        self._regional = 0

    def add(self, model: str | None, usage: Any, *, kept: bool = True) -> None:
        """Count the usage of one message.

        Args:
            model: The model that answered.
            usage: Its usage, as a mapping or an object.
            kept: False for a failed attempt that was billed: its answer was cut, paused or unparsable, and another
                attempt followed.
        """
        numbers, tier, speed = tokens_of(usage)
        listed = self._prices.tier(model, tier, speed)
        key = _Group(model, tier, speed, 0 if listed is None else listed.level(numbers), kept)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0] * (len(KINDS) + 1)
        for index, number in enumerate(numbers):
            counts[index] += number
        counts[-1] += 1
        geo = (
            cast("dict[str, Any]", usage).get("inference_geo")
            if isinstance(usage, dict)
            else getattr(usage, "inference_geo", None)
        )
        if geo is not None:
            self._regional += geo not in ("global", "not_available")

    def report(self) -> Report:
        """Return the report of all that was counted."""
        lines: dict[tuple[str | None, str | None], ModelCost] = {}
        for group, counts in self._counts.items():
            *numbers, requests = counts
            tokens = named(numbers)
            cost = self._cost(group, tokens)
            # Prices without batching are those of the standard tier; other tiers have theirs agreed one by one.
            standard = (
                self._cost(group._replace(tier="standard"), tokens) if group.tier != "priority" else None
            )
            line = ModelCost(
                model=group.model,
                tier=group.tier,
                requests=requests,
                **tokens,
                cost=cost,
                standard_cost=standard,
                failed_cost=Decimal(0) if group.kept else cost,
                failed_requests=0 if group.kept else requests,
            )
            key = (group.model, group.tier)
            lines[key] = lines[key] + line if key in lines else line
        return Report(
            tuple(sorted(lines.values(), key=lambda line: (line.model or "", line.tier or ""))),
            self._regional,
        )

    def _cost(self, group: _Group, tokens: dict[str, int]) -> Decimal | None:
        listed = self._prices.tier(group.model, group.tier, group.speed)
        return None if listed is None else listed.rates[min(group.level, len(listed.rates) - 1)].cost(tokens)


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


@attrs.frozen(kw_only=True)
class ModelCost:
    """The usage and cost of one model in one tier. Costs are US dollars, `None` where unpriced."""

    model: str | None
    tier: str | None
    requests: int
    input_tokens: int
    output_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    cache_read_tokens: int
    web_searches: int
    cost: Decimal | None
    standard_cost: Decimal | None
    """The cost of the same without batching."""
    failed_cost: Decimal | None
    """The part of the cost that went into attempts whose answer was not kept."""
    failed_requests: int

    def __add__(self, other: ModelCost) -> ModelCost:
        """Return the sum with another line of the same model."""
        return ModelCost(
            model=self.model,
            tier=self.tier,
            **{
                name: getattr(self, name) + getattr(other, name)
                for name in (*KINDS, "requests", "failed_requests")
            },
            cost=_sum(self.cost, other.cost),
            standard_cost=_sum(self.standard_cost, other.standard_cost),
            failed_cost=_sum(self.failed_cost, other.failed_cost),
        )

    @property
    def cache_hit_rate(self) -> float | None:
        """The share of the input that was read from the cache, of all input; `None` without input."""
        whole = (
            self.input_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
            + self.cache_read_tokens
        )
        return self.cache_read_tokens / whole if whole else None

    @property
    def saved(self) -> Decimal | None:
        """The difference to the cost without batching; `None` where one of them is not known."""
        return None if self.cost is None or self.standard_cost is None else self.standard_cost - self.cost


@attrs.frozen
class Report:
    """The costs of a job. `str()` of it is a table."""

    models: tuple[ModelCost, ...]
    regional_requests: int = 0
    """Requests that ran in a chosen region: its surcharge is not in the price list, and not in the costs."""
    lost_requests: int = 0
    """Requests that were sent and have no result: those of batches that were given up, say."""
    lost_cost: Decimal | None = Decimal(0)
    """The most that these can have cost, `None` where it is not known. `max_cost` counts it, and the costs don't."""
    pending_requests: int = 0
    """Requests that were sent and whose results are not collected."""
    pending_cost: Decimal | None = None
    """The most that these can cost, `None` where it is not known or was not asked for. `max_cost` counts it, and the
    costs don't."""

    @property
    def cost(self) -> Decimal:
        """The cost of all that is priced; see `unpriced`."""
        return sum((line.cost for line in self.models if line.cost is not None), Decimal(0))

    @property
    def saved(self) -> Decimal:
        """The difference to the cost without batching, where both are known."""
        return sum((line.saved for line in self.models if line.saved is not None), Decimal(0))

    @property
    def failed_cost(self) -> Decimal:
        """The cost of attempts whose answer was not kept, where it is known."""
        return sum((line.failed_cost for line in self.models if line.failed_cost is not None), Decimal(0))

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The models whose cost is not known, and not in `cost`."""
        return tuple(sorted({line.model or "unknown" for line in self.models if line.cost is None}))

    @property
    def cache_hit_rate(self) -> float | None:
        """The share of all input that was read from the cache; `None` without input."""
        read = sum(line.cache_read_tokens for line in self.models)
        whole = read + sum(
            line.input_tokens + line.cache_write_5m_tokens + line.cache_write_1h_tokens
            for line in self.models
        )
        return read / whole if whole else None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values; costs are decimal text, so that no digit is lost."""
        return {
            "cost": str(self.cost),
            "saved": str(self.saved),
            "failed_cost": str(self.failed_cost),
            "unpriced": list(self.unpriced),
            "cache_hit_rate": self.cache_hit_rate,
            "regional_requests": self.regional_requests,
            "lost_requests": self.lost_requests,
            "lost_cost": None if self.lost_cost is None else str(self.lost_cost),
            "pending_requests": self.pending_requests,
            "pending_cost": None if self.pending_cost is None else str(self.pending_cost),
            "models": [
                {
                    name: str(value) if isinstance(value, Decimal) else value
                    for name, value in attrs.asdict(line).items()
                }
                for line in self.models
            ],
        }

    def __str__(self) -> str:
        return "\n".join(self._text())

    def _text(self) -> Iterator[str]:
        header = (
            "model",
            "tier",
            "requests",
            "input",
            "output",
            "cache 5m",
            "cache 1h",
            "cache read",
            "searches",
        )
        rows = [
            (
                line.model or "unknown",
                line.tier or "-",
                *(
                    f"{number:,}"
                    for number in (
                        line.requests,
                        line.input_tokens,
                        line.output_tokens,
                        line.cache_write_5m_tokens,
                        line.cache_write_1h_tokens,
                        line.cache_read_tokens,
                        line.web_searches,
                    )
                ),
                "unpriced" if line.cost is None else f"${line.cost:,.4f}",
            )
            for line in self.models
        ]
        table = [(*header, "cost"), *rows]
        widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
        for row in table:
            yield "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
        yield f"cost ${self.cost:,.4f}, saved by batching ${self.saved:,.4f}, failed attempts ${self.failed_cost:,.4f}"
        if self.cache_hit_rate is not None:
            yield f"input read from the cache: {self.cache_hit_rate:.0%}"
        if self.unpriced:
            yield f"without a price, and not in the sums: {', '.join(self.unpriced)} (give prices=)"
        if self.regional_requests:
            requests = counted(self.regional_requests, "request")
            yield f"{requests} ran in a chosen region; its surcharge is not in the sums"
        if self.lost_requests:
            yield f"{self.lost()}, which is not in the sums"
        if self.pending_requests:
            yield (
                self.pending() if self.pending_cost is None else f"{self.pending()}, which is not in the sums"
            )

    def lost(self) -> str:
        """Return what is known of the requests that were sent and have no result, as text."""
        requests = counted(self.lost_requests, "request")
        most = "an unknown amount" if self.lost_cost is None else f"up to ${self.lost_cost:,.4f}"
        return f"{requests} without a result may have cost {most}"

    def pending(self) -> str:
        """Return what is known of the requests whose results are not collected, as text."""
        requests = counted(self.pending_requests, "request is", "requests are")
        most = "" if self.pending_cost is None else f" and can cost up to ${self.pending_cost:,.4f}"
        return f"{requests} in process{most}"
