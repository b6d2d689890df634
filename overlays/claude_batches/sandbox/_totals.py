"""The tokens of an ended batch and their estimated cost, counted in the background for the page.

Counting needs all results, which the sandbox generates on demand. For 100,000 requests that takes seconds, so the
page shows the totals once they are there.
"""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from typing import Any, Final

import orjson
from attrs import frozen

from ._batches import Batch, Batches
from ._store import BatchRow

__all__ = ["TokenTotals", "Totals"]

_BATCH_SHARE: Final = 2
"""A batch costs half of the standard price, where a price list has no price for batches."""


@frozen
class TokenTotals:
    """The tokens of a batch.

    Attributes:
        input_tokens: The input tokens of the succeeded requests.
        output_tokens: Their output tokens.
        cost: Their estimated cost in US dollars; `None` without `genai-prices`, or for an unknown model.
    """

    input_tokens: int
    output_tokens: int
    cost: Decimal | None


class Totals:
    """The totals of batches, each counted once.

    Args:
        batches: The batches.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="claude-batches-totals")
        self._closed = threading.Event()
        self._known: dict[int, Future[TokenTotals | None]] = {}

    def of(self, batch: Batch) -> TokenTotals | None:
        """Return the totals of an ended batch, or `None` while they are counted."""
        if batch.row.ended_at is None:
            return None
        if batch.row.number not in self._known:
            self._known[batch.row.number] = self._pool.submit(self._count, batch.row)
        future = self._known[batch.row.number]
        return future.result() if future.done() and not future.cancelled() else None

    def close(self) -> None:
        """Stop counting."""
        self._closed.set()
        self._pool.shutdown(cancel_futures=True)

    def _count(self, row: BatchRow) -> TokenTotals | None:
        by_model: dict[str, list[int]] = {}
        for index in range(self._batches.slices(row)):
            if self._closed.is_set():
                return None
            try:
                lines = self._batches.result_lines(row, index)
            except sqlite3.Error:  # the batch is being deleted, or the sandbox is being closed
                return None
            for line in lines:
                result = orjson.loads(line)["result"]
                if result["type"] == "succeeded":
                    _add(by_model, result["message"])
        return TokenTotals(
            sum(tokens[0] for tokens in by_model.values()),
            sum(tokens[1] for tokens in by_model.values()),
            _cost(by_model),
        )


def _add(by_model: dict[str, list[int]], message: dict[str, Any]) -> None:
    """Add the usage of a message. A reply function may return one without usage."""
    usage: dict[str, Any] = message.get("usage") or {}
    totals = by_model.setdefault(str(message.get("model")), [0, 0])
    totals[0] += usage.get("input_tokens") or 0
    totals[1] += usage.get("output_tokens") or 0


def _cost(by_model: dict[str, list[int]]) -> Decimal | None:
    try:
        from genai_prices import Usage, calc_price
    except ModuleNotFoundError:
        return None
    cost = Decimal(0)
    for model, (input_tokens, output_tokens) in by_model.items():
        usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
        try:
            price = calc_price(usage, model, provider_id="anthropic", price_context={"processing": "batch"})
        except LookupError:
            return None
        listed = getattr(price.model, "price_variants", None)
        cost += price.total_price if listed else price.total_price / _BATCH_SHARE
    return cost
