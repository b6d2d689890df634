"""The values that the templates of the page print, taken from batches and requests."""

from __future__ import annotations

from typing import Any, Final

import orjson
from attrs import frozen

from ._batches import Batch
from ._lifecycle import EXPIRES_AFTER
from ._replies import last_user_text
from ._store import Matches, StoredRequest
from ._totals import TokenTotals

__all__ = ["OUTCOMES", "BatchView", "PageTurn", "RequestView", "duration", "excerpt", "page_turn", "pretty"]

OUTCOMES: Final = ("succeeded", "errored", "canceled", "expired")
_EXCERPT: Final = 120


@frozen
class BarPart:
    """One coloured part of a progress bar; `start` and `share` are fractions of its width."""

    name: str
    start: float
    share: float


@frozen
class BatchView:
    """A batch as the page shows it.

    Attributes:
        batch: The batch.
        progress: The finished share of its work, from 0 to 1.
        ends_at: The time of its end, or `None` in an instant sandbox until the first request about it.
        base_url: The address under which the browser reaches the sandbox.
        totals: The tokens, once they are counted.
    """

    batch: Batch
    progress: float
    ends_at: float | None
    base_url: str
    totals: TokenTotals | None = None

    @property
    def id(self) -> str:
        """The id of the batch."""
        return self.batch.row.id

    @property
    def size(self) -> int:
        """The number of its requests."""
        return self.batch.row.size

    @property
    def ended(self) -> bool:
        """True once the batch has ended."""
        return self.batch.status == "ended"

    @property
    def state(self) -> str:
        """The processing status, or `archived`."""
        return "archived" if self.batch.archived_at is not None else self.batch.status

    @property
    def created_at(self) -> float:
        """The time of creation."""
        return self.batch.row.created_at

    @property
    def duration(self) -> float:
        """The seconds from creation to the end."""
        return (self.batch.row.ended_at or self.created_at) - self.created_at

    @property
    def percent(self) -> int:
        """The progress in percent, rounded down: only a batch that has ended shows 100."""
        return 100 if self.ended else min(int(100 * self.progress), 99)

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        """The number of requests of each outcome."""
        return [(name, getattr(self.batch.row, name)) for name in OUTCOMES]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """The outcomes, preceded by the requests in processing."""
        return [("processing", 0 if self.ended else self.size), *self.outcomes]

    @property
    def bar(self) -> list[BarPart]:
        """The outcomes of an ended batch, the progress of a running one."""
        if not self.ended:
            return [BarPart("processing", 0.0, self.progress)]
        parts: list[BarPart] = []
        start = 0.0
        for name, count in self.outcomes:
            parts.append(BarPart(name, start, count / self.size))
            start += count / self.size
        return parts

    @property
    def times(self) -> list[tuple[str, float]]:
        """The times that are known, each with its name."""
        row = self.batch.row
        times = {
            "Created": row.created_at,
            "Cancel requested": row.cancel_at,
            "Ended": row.ended_at,
            "Expires": row.created_at + EXPIRES_AFTER if row.ended_at is None else None,
            "Archived": self.batch.archived_at,
        }
        return [(name, at) for name, at in times.items() if at is not None]

    @property
    def wire(self) -> dict[str, Any]:
        """The batch object of the API."""
        return self.batch.to_wire(self.base_url)


@frozen
class RequestView:
    """A request with its result, if there is one."""

    position: int
    custom_id: str
    params: dict[str, Any]
    outcome: str
    result: dict[str, Any] | None

    @classmethod
    def of(cls, request: StoredRequest, line: bytes | None) -> RequestView:
        """Return the view of a stored request and its results line."""
        result = None if line is None else orjson.loads(line)["result"]
        return cls(
            request.position,
            request.custom_id,
            orjson.loads(request.params),
            "processing" if result is None else request.outcome,
            result,
        )

    @property
    def asks(self) -> str:
        """The text of the last user message."""
        try:
            return last_user_text(self.params)
        except (KeyError, TypeError):  # invalid messages can have any form
            return ""

    @property
    def says(self) -> str:
        """The first text of the result, the call of a tool, or the error."""
        if self.result is None or self.result["type"] not in ("succeeded", "errored"):
            return ""
        if self.result["type"] == "errored":
            error = self.result["error"]["error"]
            return f"{error['type']}: {error['message']}"
        for block in self.result["message"]["content"]:
            if block["type"] == "text":
                return str(block["text"])
            if block["type"] == "tool_use":
                return f"{block['name']}({orjson.dumps(block['input']).decode()})"
        return str(self.result["message"]["stop_reason"])


@frozen
class PageTurn:
    """The range of requests on a page, and the first positions of the pages beside it."""

    place: str
    previous: int | None
    next: int | None


def page_turn(matches: Matches) -> PageTurn | None:
    """Return the links between pages, or `None` if one page shows all requests that match."""
    shown = len(matches.positions)
    if shown == matches.total:
        return None
    last = matches.before + shown
    return PageTurn(
        f"{matches.before + 1:,} to {last:,} of {matches.total:,}" if shown else f"0 of {matches.total:,}",
        matches.previous,
        matches.positions[-1] + 1 if last < matches.total else None,
    )


def excerpt(text: str) -> str:
    """Return the start of a text."""
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."


def pretty(value: object) -> str:
    """Return indented JSON."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def duration(seconds: float) -> str:
    """Return a duration in its two largest units, such as `1 min 5 s`."""
    whole = round(seconds)
    units = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    return " ".join([f"{count} {unit}" for count, unit in units if count][:2]) or "0 s"
