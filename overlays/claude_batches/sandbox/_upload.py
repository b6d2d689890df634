"""The upload of a batch: from the bytes of a create body to rows, with all checks on the way."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

import orjson

from ._caller import Caller
from ._clock import Clock
from ._errors import ApiError, errored_body
from ._faults import OutcomeShares
from ._ids import derived_id, random_request_id
from ._ingest import MAX_REQUESTS, RequestSplitter
from ._lifecycle import schedule
from ._replies import last_user_text, read_steering
from ._store import BatchRow, Owner, Store, StoredRequest
from ._validation import check_envelope, check_params

__all__ = ["Upload"]

_ROWS_A_COMMIT: Final = 1000
_BYTES_A_COMMIT: Final = 1024 * 1024


class Upload:
    """The body of one create request, taken in piece by piece.

    Args:
        store: The state.
        clock: The sandbox time.
        seed: The seed of ids and faults.
        shares: The shares of errored and expired requests.
        caller: The caller.
        admit: A function of the number of requests, which raises if the queue is full.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        seed: int,
        shares: OutcomeShares,
        caller: Caller,
        admit: Callable[[int], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._seed = seed
        self._shares = shares
        self._caller = caller
        self._admit = admit
        self._splitter = RequestSplitter()
        self._custom_ids: set[str] = set()
        self._waiting: list[StoredRequest] = []
        self._waiting_bytes = 0
        self._number = self._store.begin(random_request_id())

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            ApiError: The batch is refused. Call `abandon()`.
        """
        for element in self._splitter.feed(chunk):
            self._add(element)

    def finish(self) -> BatchRow:
        """Create the batch.

        Raises:
            ApiError: The batch is refused. Call `abandon()`.
        """
        self._splitter.close()
        size = len(self._custom_ids)
        if size == 0:
            raise ApiError("invalid_request_error", "requests: List should have at least 1 item")
        self._flush()
        pace = schedule(size)
        with self._store.locked():
            self._admit(size)
            return self._store.acknowledge(
                self._number,
                id=derived_id("msgbatch", self._seed, self._number),
                owner=Owner(self._caller.key, self._caller.workspace),
                size=size,
                startup=pace.startup,
                step=pace.step,
                created_at=self._clock.now(),
            )

    def abandon(self) -> None:
        """Remove everything that was taken in."""
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
                "invalid_request_error", f"requests.{index}.custom_id: {custom_id!r} appears twice"
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
        """Return the outcome of a processed request, its error, and its additional seconds."""
        identity = f"{self._number}:{custom_id}"
        refusal = check_params(params, self._caller.version, self._caller.betas)
        if refusal is not None:
            return "errored", errored_body(refusal.kind, refusal.message, identity), 0.0
        steering = read_steering(last_user_text(params))
        if steering.error is not None:
            message = "The request asked the sandbox for this error."
            return "errored", errored_body(steering.error, message, identity), 0.0
        if steering.expire or steering.cancel:
            return "expired" if steering.expire else "canceled", None, 0.0
        if self._shares.errored or self._shares.expired:
            lot = Random(f"{self._seed}:{identity}").random()
            if lot < self._shares.errored:
                message = "The sandbox's faults picked this request."
                return "errored", errored_body("api_error", message, identity), 0.0
            if lot < self._shares.errored + self._shares.expired:
                return "expired", None, 0.0
        return "succeeded", None, steering.slow
