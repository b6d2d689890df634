"""The six operations of the API, on state and sandbox time, knowing nothing of HTTP.

Time moves a batch on, but nobody watches it: whoever looks at a batch works out what has become of it, and
the first to find that it has ended settles its outcome for good.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import gcd
from typing import Any, Final

import orjson

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
from ._store import BatchRow, Store, StoredRequest
from ._upload import Upload
from ._validation import check_params

__all__ = ["Batch", "Batches", "Page"]

SLICE: Final = 256
"""How many results are made at a time."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch at the moment when it was looked at."""

    row: BatchRow
    status: Status
    archived_at: float | None

    def to_wire(self, base_url: str) -> dict[str, Any]:
        """The batch object of the API; `base_url` is where the client reached the sandbox."""
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


@dataclass(frozen=True, slots=True)
class Page:
    """One page of batches, newest first."""

    batches: list[Batch]
    has_more: bool


class Batches:
    """All batches of a sandbox. Its methods block, and may be called from any thread."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        instant: bool,
        seed: int,
        reply: ReplyFunction | None,
        shares: Callable[[], OutcomeShares],
    ) -> None:
        self.store = store
        self.clock = clock
        self.instant = instant
        self.seed = seed
        self.shares = shares
        self._reply = reply
        self._reply_lock = threading.Lock()

    def upload(self) -> Upload:
        """Start to take in the body of a create call."""
        return Upload(self.store, self.clock, self.seed, self.shares())

    def retrieve(self, batch_id: str) -> Batch:
        """Look at a batch.

        Raises:
            ApiError: there is none with this id.
        """
        return self._look(self._find(batch_id))

    def page(self, *, limit: int, after_id: str | None = None, before_id: str | None = None) -> Page:
        """A page of at most `limit` batches right after (older) or right before (newer) the given one."""
        if before_id is not None:
            rows = self.store.oldest_after(limit + 1, self._cursor("before_id", before_id))
            page = rows[:limit][::-1]
        else:
            before = None if after_id is None else self._cursor("after_id", after_id)
            rows = self.store.newest(limit + 1, before=before)
            page = rows[:limit]
        return Page([self._look(row) for row in page], has_more=len(rows) > limit)

    def cancel(self, batch_id: str) -> Batch:
        """Ask for a batch to stop; what is running already still finishes."""
        with self.store.locked():
            row = self._find(batch_id)
            if self._glance(row).status == "ended":
                raise ApiError(
                    "invalid_request_error",
                    f"Batch {batch_id} cannot be canceled because it has already ended.",
                )
            row = self.store.cancel(row.number, self.clock.now())
        return self._glance(row)

    def delete(self, batch_id: str) -> None:
        """Forget a batch that has ended."""
        batch = self.retrieve(batch_id)
        if batch.status != "ended":
            raise ApiError(
                "invalid_request_error",
                f"Batch {batch_id} cannot be deleted while it is {batch.status}: wait for it to end.",
            )
        self.store.delete(batch.row.number)

    def ended(self, batch_id: str) -> BatchRow:
        """A batch whose results can be read.

        Raises:
            ApiError: it has not ended, or its results are archived.
        """
        batch = self.retrieve(batch_id)
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
        """How many slices the results of a batch come in."""
        return -(-row.size // SLICE)

    def result_lines(self, row: BatchRow, index: int) -> list[bytes]:
        """Slice number `index` of the results of a batch that has ended, each line with its line feed."""
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
        """How much of its work a batch has done, from 0 to 1, which the API itself never tells."""
        if batch.status == "ended":
            return 1.0
        if self.instant:  # where all is done at once when somebody looks
            return 0.0
        return min(1.0, (self.clock.now() - batch.row.created_at) / max(batch.row.work, 1.0))

    def ends_at(self, batch: Batch) -> float | None:
        """When a batch ends, or `None` while an instant sandbox waits for somebody to look."""
        return ends_at(self._facts(batch.row))

    def watch(self, limit: int) -> list[Batch]:
        """The newest batches, for somebody who only watches: an instant sandbox goes on waiting."""
        return [self._watched(row) for row in self.store.newest(limit)]

    def watch_one(self, batch_id: str) -> Batch:
        """One batch, for somebody who only watches."""
        return self._watched(self._find(batch_id))

    def lines_at(self, batch: Batch, positions: range) -> list[tuple[StoredRequest, bytes | None]]:
        """Some requests of a batch, each with its result line if there is one by now."""
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

    def _find(self, batch_id: str) -> BatchRow:
        row = self.store.find(batch_id)
        if row is None:
            raise ApiError("not_found_error", f"No batch has the id {batch_id!r}.")
        return row

    def _cursor(self, name: str, batch_id: str) -> int:
        number = self.store.cursor(batch_id)
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
        """The state of a batch, without anything happening to it."""
        now = self.clock.now()
        status = "ended" if row.ended_at is not None else status_at(self._facts(row), now)
        archived_at = row.created_at + ARCHIVED_AFTER
        return Batch(row, status, archived_at if status == "ended" and now >= archived_at else None)

    def _look(self, row: BatchRow) -> Batch:
        """The state of a batch, settled if it has ended."""
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
        """Let the user's function answer all requests: its errors count, and it is asked once a request."""
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
        errors: list[tuple[int, bytes]] = []
        for request in requests:
            identity = f"{row.id}:{request.position}"
            params = orjson.loads(request.params)
            if check_params(params) is not None:
                continue
            try:
                answer = reply({"custom_id": request.custom_id, "params": params})
                message = (
                    reply_to(params, identity)
                    if answer is None
                    else complete_message(answer, params, identity)
                )
                messages.append((request.position, orjson.dumps(message)))
            except ReplyError as wanted:
                errors.append((request.position, errored_body(wanted.kind, wanted.message, identity)))
            except Exception as crash:  # whatever a user's function does wrong is one request's error
                story = f"The reply function raised {type(crash).__name__}: {crash}"
                errors.append((request.position, errored_body("api_error", story, identity)))
        self.store.answer(row.number, messages, errors)


def _position(size: int, rank: int) -> int:
    """Which request result number `rank` answers: a fixed shuffle that needs no memory."""
    stride = max(int(size * 0.618), 1)
    while gcd(stride, size) != 1:
        stride += 1
    return (stride * rank + size // 2) % size
