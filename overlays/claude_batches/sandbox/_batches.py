"""The six operations of the API, on state and sandbox time, knowing nothing of HTTP.

Time moves a batch on, but nobody watches it: whoever looks at a batch works out what has become of it, and
the first to find that it has ended settles its outcome for good.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import gcd
from random import Random
from typing import Any, Final

import orjson

from ._clock import Clock, rfc3339
from ._errors import STATUS_OF, ApiError, error_body
from ._faults import OutcomeShares
from ._ids import derived_id
from ._ingest import MAX_REQUESTS, RequestSplitter
from ._lifecycle import (
    ARCHIVED_AFTER,
    EXPIRES_AFTER,
    Facts,
    Schedule,
    Status,
    done_until,
    ends_at,
    schedule,
    status_at,
    unfinished_outcome,
)
from ._replies import complete_message, last_user_text, read_steering, reply_to
from ._store import BatchRow, Store, StoredRequest
from ._validation import check_envelope, check_params

__all__ = ["Batch", "Batches", "Page", "ReplyError", "ReplyFunction", "Upload", "parse_limit"]

SLICE: Final = 256
"""How many results are made at a time."""

_ROWS_A_COMMIT: Final = 1000
_BYTES_A_COMMIT: Final = 4 * 1024 * 1024

ReplyFunction = Callable[[dict[str, Any]], str | dict[str, Any] | None]
"""Answers a request (`{"custom_id": ..., "params": ...}`) in place of the sandbox.

It gives the reply's text, or a dictionary with any fields of a message (the sandbox fills in the others), or
`None` to leave this request to the sandbox. It may raise `ReplyError`.
"""


class ReplyError(Exception):
    """Raised by a reply function to make its request end as `errored`.

    Args:
        kind: a kind of error, `overloaded_error` say.
        message: what the error tells a person.
    """

    def __init__(self, kind: str = "api_error", message: str = "The reply function failed.") -> None:
        if kind not in STATUS_OF:
            raise ValueError(f"{kind!r} is not a kind of error; these are: {', '.join(STATUS_OF)}")
        super().__init__(message)
        self.kind = kind
        self.message = message


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
        return Upload(self)

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
        row = self._find(batch_id)
        with self.store.locked():
            now = self.clock.now()
            if self._glance(row).status == "ended":
                raise ApiError(
                    "invalid_request_error",
                    f"Batch {batch_id} cannot be canceled because it has already ended.",
                )
            row = self.store.cancel(row.number, now)
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
        return min(1.0, (self.clock.now() - batch.row.created_at) / max(batch.row.work, 1.0))

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
                errors.append((request.position, _errored(wanted.kind, wanted.message, identity)))
            except Exception as crash:  # whatever a user's function does wrong is one request's error
                story = f"The reply function raised {type(crash).__name__}: {crash}"
                errors.append((request.position, _errored("api_error", story, identity)))
        self.store.answer(row.number, messages, errors)


class Upload:
    """The body of one create call, taken in piece by piece."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._store = batches.store
        self._shares = batches.shares()
        self._splitter = RequestSplitter()
        self._custom_ids: set[str] = set()
        self._waiting: list[StoredRequest] = []
        self._waiting_bytes = 0
        self._number = self._store.begin(derived_id("upload", id(self), batches.clock.now()))

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            ApiError: the batch is refused. Call `abandon()`.
        """
        for element in self._splitter.feed(chunk):
            self._add(element)

    def finish(self) -> Batch:
        """Make a batch of what was taken in."""
        self._splitter.close()
        size = len(self._custom_ids)
        if size == 0:
            raise ApiError("invalid_request_error", "requests: List should have at least 1 item")
        self._flush()
        pace = schedule(size)
        row = self._store.acknowledge(
            self._number,
            id=derived_id("msgbatch", self._batches.seed, self._number),
            size=size,
            startup=pace.startup,
            step=pace.step,
            created_at=self._batches.clock.now(),
        )
        return Batch(row, "in_progress", None)

    def abandon(self) -> None:
        """Forget what was taken in."""
        self._store.discard(self._number)

    def _add(self, element: bytes) -> None:
        index = len(self._custom_ids)
        if index == MAX_REQUESTS:
            raise ApiError("request_too_large", f"requests: List should have at most {MAX_REQUESTS} items")
        try:
            request = orjson.loads(element)
        except orjson.JSONDecodeError as problem:
            raise ApiError(
                "invalid_request_error", f"The request body is not valid JSON: requests.{index}: {problem}"
            ) from problem
        custom_id, params = check_envelope(index, request)
        if custom_id in self._custom_ids:
            raise ApiError(
                "invalid_request_error", f"requests.{index}.custom_id: {custom_id!r} is there twice"
            )
        self._custom_ids.add(custom_id)
        outcome, error, slow = self._fate(custom_id, params)
        try:
            stored = orjson.dumps(params)
        except orjson.JSONEncodeError as problem:
            raise ApiError("invalid_request_error", f"requests.{index}.params: {problem}") from problem
        self._waiting.append(StoredRequest(index, custom_id, stored, outcome, error, slow))
        self._waiting_bytes += len(element)
        if len(self._waiting) >= _ROWS_A_COMMIT or self._waiting_bytes >= _BYTES_A_COMMIT:
            self._flush()

    def _flush(self) -> None:
        self._store.add(self._number, self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0

    def _fate(self, custom_id: str, params: dict[str, Any]) -> tuple[str, bytes | None, float]:
        """What becomes of a request that gets to run: its outcome, its error, and how slow it is."""
        identity = f"{self._number}:{custom_id}"
        refusal = check_params(params)
        if refusal is not None:
            return "errored", _errored(refusal.kind, refusal.message, identity), 0.0
        steering = read_steering(last_user_text(params))
        if steering.error is not None:
            return (
                "errored",
                _errored(steering.error, "The request asked the sandbox for this error.", identity),
                0.0,
            )
        if steering.expire or steering.cancel:
            return "expired" if steering.expire else "canceled", None, 0.0
        if self._shares.errored or self._shares.expired:
            lot = Random(f"{self._batches.seed}:{identity}").random()
            if lot < self._shares.errored:
                return (
                    "errored",
                    _errored("api_error", "The sandbox's faults picked this request.", identity),
                    0.0,
                )
            if lot < self._shares.errored + self._shares.expired:
                return "expired", None, 0.0
        return "succeeded", None, steering.slow


def _errored(kind: str, message: str, identity: str) -> bytes:
    return orjson.dumps(error_body(kind, message, derived_id("req", identity)))


def _position(size: int, rank: int) -> int:
    """Which request result number `rank` answers: a fixed shuffle that needs no memory."""
    stride = max(int(size * 0.618), 1)
    while gcd(stride, size) != 1:
        stride += 1
    return (stride * rank + size // 2) % size


def parse_limit(text: str) -> int:
    """The `limit` of a list call.

    Raises:
        ApiError: it is not a whole number from 1 to 1000.
    """
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= 1000:
        raise ApiError("invalid_request_error", "limit: Input should be a whole number from 1 to 1000")
    return int(text)
