"""The operations on batches, on state and sandbox time, without HTTP.

No background task processes batches. Each request about a batch derives its status from the time, and the first
one after the end settles the outcome.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from math import ceil, gcd
from typing import Any, Final

import orjson
from attrs import frozen

from ._caller import Caller
from ._clock import Clock, rfc3339
from ._errors import ApiError, errored_body
from ._faults import OutcomeShares
from ._lifecycle import (
    ARCHIVED_AFTER,
    EXPIRES_AFTER,
    Facts,
    Schedule,
    Status,
    done_until,
    ends_at,
    status_at,
    unfinished_outcome,
)
from ._replies import complete_message, reply_to
from ._reply_function import ReplyError, ReplyFunction
from ._store import BatchRow, Filter, Matches, Owner, Store, StoredRequest
from ._upload import Upload

__all__ = ["Batch", "Batches", "Page"]

SLICE: Final = 256
"""The number of results that are generated at a time."""


@frozen
class Batch:
    """A batch with its status at a given time."""

    row: BatchRow
    status: Status
    archived_at: float | None

    def to_wire(self, base_url: str) -> dict[str, Any]:
        """Return the batch object of the API. `base_url` is the sandbox's address for the client."""
        row, ended = self.row, self.status == "ended"
        readable = ended and self.archived_at is None
        return {
            "id": row.id,
            "type": "message_batch",
            "processing_status": self.status,
            "request_counts": {
                "processing": 0 if ended else row.size,
                "succeeded": row.succeeded,
                "errored": row.errored,
                "canceled": row.canceled,
                "expired": row.expired,
            },
            "created_at": rfc3339(row.created_at),
            "expires_at": rfc3339(row.created_at + EXPIRES_AFTER),
            "ended_at": _time(row.ended_at),
            "cancel_initiated_at": _time(row.cancel_at),
            "archived_at": _time(self.archived_at),
            "results_url": f"{base_url}/v1/messages/batches/{row.id}/results" if readable else None,
        }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339(seconds)


@frozen
class Page:
    """A page of batches, newest first."""

    batches: list[Batch]
    has_more: bool


class Batches:
    """All batches of a sandbox. The methods block, and can be called from any thread.

    Args:
        store: The state.
        clock: The sandbox time.
        instant: True if a batch ends at the first request about it.
        seed: The seed of ids and faults.
        reply: The reply function.
        shares: A function that returns the shares of errored and expired requests.
        queue_limit: The largest number of requests in processing for a key.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        instant: bool,
        seed: int,
        reply: ReplyFunction | None,
        shares: Callable[[], OutcomeShares],
        queue_limit: int | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.instant = instant
        self.seed = seed
        self.shares = shares
        self._queue_limit = queue_limit
        self._reply = reply
        self._reply_lock = threading.Lock()

    def upload(self, caller: Caller) -> Upload:
        """Return a new upload.

        Raises:
            ApiError: The queue of the caller is full.
        """
        self._admit(caller.key, 1)
        return Upload(
            self.store,
            self.clock,
            self.seed,
            self.shares(),
            caller,
            lambda size: self._admit(caller.key, size),
        )

    def _admit(self, key: str, size: int) -> None:
        """Refuse a batch that would exceed the queue limit of its key."""
        if self._queue_limit is None:
            return
        waiting = [batch for batch in map(self._glance, self.store.unsettled(key)) if batch.status != "ended"]
        if sum(batch.row.size for batch in waiting) + size > self._queue_limit:
            ends = [end for end in map(self.ends_at, waiting) if end is not None]
            seconds = (min(ends) - self.clock.now()) / self.clock.speed if ends else 1.0
            raise ApiError(
                "rate_limit_error",
                f"This batch would exceed the limit of {self._queue_limit:,} requests in processing.",
                headers={"retry-after": str(max(1, ceil(seconds)))},
            )

    def retrieve(self, batch_id: str, owner: Owner | None = None) -> Batch:
        """Return a batch of an owner; without one, any batch. This and the other methods settle an ended batch.

        Raises:
            ApiError: The batch does not exist.
        """
        return self._look(self._find(batch_id, owner))

    def page(
        self, owner: Owner | None, *, limit: int, after_id: str | None = None, before_id: str | None = None
    ) -> Page:
        """Return at most `limit` batches right after (older) or right before (newer) the given one.

        Raises:
            ApiError: The cursor is not the id of a batch.
        """
        if before_id is not None:
            number = self._cursor("before_id", before_id, owner)
            rows = self.store.oldest_after(limit + 1, number, owner=owner)
            page = rows[:limit][::-1]
        else:
            before = None if after_id is None else self._cursor("after_id", after_id, owner)
            rows = self.store.newest(limit + 1, before=before, owner=owner)
            page = rows[:limit]
        return Page([self._look(row) for row in page], has_more=len(rows) > limit)

    def cancel(self, batch_id: str, owner: Owner | None = None) -> Batch:
        """Cancel a batch. Requests that are running still finish.

        Raises:
            ApiError: The batch has ended, or does not exist.
        """
        with self.store.locked():
            row = self._find(batch_id, owner)
            if self._glance(row).status == "ended":
                raise ApiError(
                    "invalid_request_error",
                    f"Batch {batch_id} cannot be canceled because it has already ended.",
                )
            row = self.store.cancel(row.number, self.clock.now())
        return self._glance(row)

    def delete(self, batch_id: str, owner: Owner | None = None) -> None:
        """Delete an ended batch.

        Raises:
            ApiError: The batch has not ended, or does not exist.
        """
        batch = self.retrieve(batch_id, owner)
        if batch.status != "ended":
            raise ApiError(
                "invalid_request_error",
                f"Batch {batch_id} cannot be deleted while it is {batch.status}: wait for it to end.",
            )
        self.store.delete(batch.row.number)

    def ended(self, batch_id: str, owner: Owner | None = None) -> BatchRow:
        """Return a batch with readable results.

        Raises:
            ApiError: The batch has not ended, its results are archived, or it does not exist.
        """
        batch = self.retrieve(batch_id, owner)
        if batch.status != "ended":
            raise ApiError(
                "not_found_error",
                f"Batch {batch_id} has no results yet: it is {batch.status}, and has not ended.",
            )
        if batch.archived_at is not None:
            raise ApiError(
                "not_found_error",
                f"The results of batch {batch_id} were archived at {rfc3339(batch.archived_at)}.",
            )
        return batch.row

    def slices(self, row: BatchRow) -> int:
        """Return the number of slices of the results of a batch."""
        return -(-row.size // SLICE)

    def result_lines(self, row: BatchRow, index: int) -> list[bytes]:
        """Return slice number `index` of the results of an ended batch, each line with its line feed."""
        ranks = range(index * SLICE, min((index + 1) * SLICE, row.size))
        positions = [_position(row.size, rank) for rank in ranks]
        answers: Mapping[int, bytes] = (
            {} if self._reply is None else self.store.answered(row.number, positions)
        )
        return [
            self._line(row, request, answers.get(request.position))
            for request in self.store.requests(row, positions)
        ]

    def progress(self, batch: Batch) -> float:
        """Return the finished share of the work of a batch, from 0 to 1. The API itself does not show it."""
        if batch.status == "ended":
            return 1.0
        if self.instant:
            return 0.0
        return min(1.0, (self.clock.now() - batch.row.created_at) / max(batch.row.work, 1.0))

    def ends_at(self, batch: Batch) -> float | None:
        """Return the end of a batch, or `None` in an instant sandbox before the first request about the batch."""
        return ends_at(self._facts(batch.row))

    def watch(self, limit: int) -> list[Batch]:
        """Return the newest batches for the page, which does not end the batches of an instant sandbox."""
        return [self._watched(row) for row in self.store.newest(limit)]

    def watch_one(self, batch_id: str) -> Batch:
        """Return one batch for the page."""
        return self._watched(self._find(batch_id))

    def matches(self, batch: Batch, wanted: Filter, start: int, limit: int) -> Matches:
        """Return the requests of a batch that a filter matches, from position `start` on."""
        if not wanted.text and wanted.outcome in ("", "processing" if batch.row.ended_at is None else ""):
            start = max(0, min(start, batch.row.size - 1))
            positions = list(range(start, min(start + limit, batch.row.size)))
            return Matches(positions, batch.row.size, start, max(0, start - limit) if start else None)
        if batch.row.ended_at is None:
            if wanted.outcome not in ("", "processing"):
                return Matches([], 0, 0, None)
            wanted = wanted._replace(outcome="")
        return self.store.matches(batch.row, wanted, start, limit)

    def lines_at(self, batch: Batch, positions: Sequence[int]) -> list[tuple[StoredRequest, bytes | None]]:
        """Return requests of a batch, each with its results line once the batch has ended."""
        requests = self.store.requests(batch.row, positions)
        if batch.row.ended_at is None:
            return [(request, None) for request in requests]
        answers = self.store.answered(batch.row.number, positions)
        return [
            (request, self._line(batch.row, request, answers.get(request.position))) for request in requests
        ]

    def _watched(self, row: BatchRow) -> Batch:
        return self._glance(row) if self.instant else self._look(row)

    def _line(self, row: BatchRow, request: StoredRequest, answer: bytes | None) -> bytes:
        result: dict[str, Any]
        if request.outcome == "succeeded":
            message = orjson.Fragment(answer) if answer is not None else self._message(row, request)
            result = {"type": "succeeded", "message": message}
        elif request.outcome == "errored" and request.error is not None:
            result = {"type": "errored", "error": orjson.Fragment(request.error)}
        else:
            result = {"type": request.outcome}
        return orjson.dumps(
            {"custom_id": request.custom_id, "result": result}, option=orjson.OPT_APPEND_NEWLINE
        )

    def _message(self, row: BatchRow, request: StoredRequest) -> dict[str, Any]:
        return reply_to(orjson.loads(request.params), f"{row.id}:{request.position}")

    def _find(self, batch_id: str, owner: Owner | None = None) -> BatchRow:
        row = self.store.find(batch_id, owner)
        if row is None:
            raise ApiError("not_found_error", f"No batch has the id {batch_id!r}.")
        return row

    def _cursor(self, name: str, batch_id: str, owner: Owner | None) -> int:
        number = self.store.cursor(batch_id, owner)
        if number is None:
            raise ApiError("invalid_request_error", f"{name}: no batch has the id {batch_id!r}")
        return number

    def _facts(self, row: BatchRow) -> Facts:
        return Facts(
            size=row.size,
            schedule=Schedule(row.startup, row.step),
            work=row.work,
            created_at=row.created_at,
            cancel_at=row.cancel_at,
            looked_at=row.looked_at,
            instant=self.instant,
        )

    def _glance(self, row: BatchRow) -> Batch:
        """Return a batch with its status, without settling it."""
        now = self.clock.now()
        status = "ended" if row.ended_at is not None else status_at(self._facts(row), now)
        archived_at = row.created_at + ARCHIVED_AFTER
        return Batch(row, status, archived_at if status == "ended" and now >= archived_at else None)

    def _look(self, row: BatchRow) -> Batch:
        """Return a batch with its status, settled if it has ended."""
        if row.ended_at is None and self.instant and row.looked_at is None:
            row = self.store.look(row.number, self.clock.now())
        batch = self._glance(row)
        if batch.status == "ended" and row.ended_at is None:
            self._ask_reply_function(row)
            with self.store.locked():
                current = self.store.find(row.id) or row
                batch = self._glance(current if current.ended_at is not None else self._settle(current))
        return batch

    def _settle(self, row: BatchRow) -> BatchRow:
        facts = self._facts(row)
        end = ends_at(facts)
        return self.store.settle(
            row,
            ended_at=self.clock.now() if end is None else end,
            done_until=done_until(facts),
            unfinished=unfinished_outcome(facts),
        )

    def _ask_reply_function(self, row: BatchRow) -> None:
        """Call the reply function once for each request. Its errors count in the outcome."""
        if self._reply is None:
            return
        with self._reply_lock:
            for start in range(0, row.size, SLICE):
                positions = range(start, min(start + SLICE, row.size))
                known = self.store.answered(row.number, positions)
                requests = [
                    request
                    for request in self.store.requests(row, positions)
                    if request.position not in known and request.error is None
                ]
                self._answer(row, requests, self._reply)

    def _answer(self, row: BatchRow, requests: list[StoredRequest], reply: ReplyFunction) -> None:
        messages: list[tuple[int, bytes]] = []
        errors: list[tuple[StoredRequest, bytes]] = []
        for request in requests:
            identity = f"{row.id}:{request.position}"
            params = orjson.loads(request.params)
            try:
                answer = reply({"custom_id": request.custom_id, "params": params})
                message = (
                    reply_to(params, identity)
                    if answer is None
                    else complete_message(answer, params, identity)
                )
                messages.append((request.position, orjson.dumps(message)))
            except ReplyError as wanted:
                errors.append((request, errored_body(wanted.kind, wanted.message, identity)))
            except Exception as crash:  # any error of a reply function is the error of one request
                story = f"The reply function raised {type(crash).__name__}: {crash}"
                errors.append((request, errored_body("api_error", story, identity)))
        self.store.answer(row.number, messages, errors)


def _position(size: int, rank: int) -> int:
    """Return the position of the request of result number `rank`: a fixed shuffle without memory."""
    stride = max(int(size * 0.618), 1)
    while gcd(stride, size) != 1:
        stride += 1
    return (stride * rank + size // 2) % size
