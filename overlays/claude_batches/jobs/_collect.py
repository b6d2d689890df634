"""Collecting: downloaded results become states of rows, in one transaction.

Doing it again changes nothing: a row takes one result of its shard, the first by custom_id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import attrs
import orjson

from ._causes import Action, Cause, Flood, classify, error_of, follow_up, policy
from ._codec import place_at
from ._errors import JobOptionsError, ShardError
from ._folder import Store
from ._ids import key_of, parse_sent_id
from ._ledger._sql import Spent, SqlLedger
from ._lines import parse_result, split_line
from ._options import JobOptions
from ._reading import Lines
from ._records import Item, ItemState, JobFacts, JobState, Positions, Shard
from ._requests import encode_params
from ._shards import block_full

__all__ = ["Collected", "ingest"]

_STATES: dict[Action, ItemState] = {
    "keep": ItemState.DONE,
    "retry": ItemState.AGAIN,
    "retry_more": ItemState.MORE,
    "continue": ItemState.CONTINUE,
    "pause_job": ItemState.HELD,
}


@attrs.frozen
class Collected:
    """The results of a shard, counted."""

    shard: int
    causes: Mapping[str, int]
    """The number of rows by cause."""
    again: int
    """The number of rows that are sent again."""
    paused: str | None
    """Why the job pauses, if it does."""


def ingest(
    ledger: SqlLedger, store: Store, lines: Lines, options: JobOptions, shard: Shard, path: Path
) -> Collected:
    """Take the downloaded results of a shard into the ledger.

    Raises:
        ShardError: They are not of this shard, or another process collected it.
    """
    store.keep_results(path)
    with ledger.transaction():
        taking = _Taking(ledger, lines, options, ledger.facts(), shard)
        for number, start, block in _blocks(path):
            store.take_results(shard.number, number, start, b"".join(line + b"\n" for line in block))
            taking.take(number, block)
        collected = taking.finish()
        ledger.collected(shard)
    store.finish_results(path)
    return collected


def _blocks(path: Path) -> Iterator[tuple[int, int, list[bytes]]]:
    """Yield the blocks of a results file: number, first byte, lines."""
    block: list[bytes] = []
    start = size = number = 0
    with path.open("rb") as file:
        for line in file:
            block.append(line.rstrip(b"\n"))
            size += len(line)
            if block_full(len(block), size):
                yield number, start, block
                number, start, size, block = number + 1, start + size, 0, []
    if block:
        yield number, start, block


class _Sums:
    """Sums over results."""

    def __init__(self) -> None:
        self.requests = 0
        self.tokens: dict[str, int] = {}


class _Taking:
    def __init__(
        self, ledger: SqlLedger, lines: Lines, options: JobOptions, facts: JobFacts, shard: Shard
    ) -> None:
        self._ledger = ledger
        self._lines = lines
        self._options = options
        self._facts = facts
        self._shard = shard
        self._positions: Positions = ledger.positions(shard)
        self._seen = bytearray(len(self._positions))
        self._causes: Counter[str] = Counter()
        self._again = 0
        self._flood = Flood()
        # Nothing looks at an answer that succeeded.
        self._plain = options.check is None and options.retry_if is None
        self._billing: str | None = None
        self._spent: dict[tuple[str, str, str, bool], _Sums] = {}

    def take(self, number: int, block: list[bytes]) -> None:
        """Take a block of results."""
        wires = [
            (place_at(number, index), parse_result(line)) for index, line in enumerate(block) if line.strip()
        ]
        found = self._found([wire["custom_id"] for _, wire in wires])
        fresh: list[tuple[int, int, Mapping[str, Any]]] = []
        for place, wire in wires:
            position = found[wire["custom_id"]]
            index = self._positions.index(position)
            if index is None:
                raise self._foreign(wire["custom_id"])
            if not self._seen[index]:
                self._seen[index] = 1
                fresh.append((position, place, wire["result"]))
        self._finish(fresh)

    def finish(self) -> Collected:
        """Treat the rows without a result, and sum up."""
        missing: list[tuple[int, None, None]] = []
        for index, seen in enumerate(self._seen):
            if not seen:
                missing.append((self._positions[index], None, None))
            if len(missing) == 1000:
                self._finish(missing)
                missing = []
        self._finish(missing)
        self._ledger.add_spent(
            Spent(self._shard.number, model, tier, cause, kept, sums.requests, sums.tokens)
            for (model, tier, cause, kept), sums in self._spent.items()
        )
        reason = self._pause()
        if reason is not None and self._facts.state is JobState.ACTIVE:
            self._ledger.set_state(JobState.PAUSED, reason)
        return Collected(self._shard.number, dict(self._causes), self._again, reason)

    def _found(self, custom_ids: list[str]) -> dict[str, int]:
        """Return the positions of the rows that results are for."""
        if self._facts.ids == "own":
            keys = {custom_id: key_of(custom_id) for custom_id in custom_ids}
            items = self._ledger.items_by_key(list(keys.values()))
            found: dict[str, int] = {}
            for custom_id, key in keys.items():
                if key not in items:
                    raise self._foreign(custom_id)
                found[custom_id] = items[key].position
            return found
        found = {}
        for custom_id in custom_ids:
            sent = parse_sent_id(custom_id)
            if sent is None or sent.token != self._facts.token or sent.shard != self._shard.number:
                raise self._foreign(custom_id)
            found[custom_id] = sent.position
        return found

    def _foreign(self, custom_id: str) -> ShardError:
        return ShardError(
            f"batch {self._shard.batch_id} has a result for custom_id {custom_id!r}, which shard {self._shard.number} "
            "doesn't have: it is the batch of something else. Nothing was taken from it.",
            self._shard.number,
        )

    def _finish(self, rows: list[Any]) -> None:
        # Rows of a first shard were never sent before.
        needed = (
            self._shard.kind == "retry"
            or self._options.retry_if is not None
            or self._options.check is not None
            or isinstance(self._options.on_max_tokens, int)
        )
        items = self._ledger.items_at([position for position, _, _ in rows]) if needed else {}
        changes: list[tuple[int, bytes]] = []
        finished: list[tuple[int, str, int | None, int]] = []
        for position, place, result in rows:
            item = items.get(position)
            if item is not None and item.shard != self._shard.number:
                continue
            cause, action, change = self._decide(item, result)
            state = _STATES[action]
            if change is not None:
                state = ItemState.CHANGED
                changes.append((position, change))
            self._causes[cause] += 1
            self._again += state is not ItemState.DONE
            self._count(cause, result, kept=state is ItemState.DONE)
            finished.append((int(state), cause.value, place, position))
        self._ledger.finish_items(self._shard.number, finished)
        if changes:
            self._ledger.set_changes(changes)

    def _decide(
        self, item: Item | None, result: Mapping[str, Any] | None
    ) -> tuple[Cause, Action, bytes | None]:
        """Return the cause, the action, and changed params for the next attempt."""
        options = self._options
        cause = classify(result)
        if cause is Cause.SUCCEEDED and self._plain:
            self._flood.passed()
            return cause, "keep", None
        error = None
        if options.check is not None and result is not None and cause is Cause.SUCCEEDED:
            error = options.check(result)
            if error is not None:
                cause = Cause.UNPARSABLE
        _, message = error_of(result)
        self._flood.add(cause, message)
        if cause is Cause.BILLING:
            self._billing = message or "billing"
        if self._facts.state is JobState.CANCELED:
            return cause, "keep", None
        attempt = 1 if item is None else item.attempt
        action = self._policy(cause, attempt)
        if item is not None and action == "keep" and attempt >= options.max_attempts:
            # A continued turn is not a failure.
            attempt -= self._ledger.count_earlier(item.position, Cause.PAUSE_TURN)
            action = self._policy(cause, attempt)
        if action == "retry_more" and item is not None and isinstance(options.on_max_tokens, int):
            given = orjson.loads(self._request(item)[1]).get("max_tokens")
            if isinstance(given, int) and given >= options.on_max_tokens:
                action = "keep"
        if error is not None and action == "retry" and item is not None:
            params = orjson.loads(self._request(item)[1])
            return cause, action, encode_params(follow_up(action, params, result, error=error))
        if (
            options.retry_if is not None
            and action == "keep"
            and item is not None
            and attempt < options.max_attempts
        ):
            custom_id, written = self._request(item)
            asked = options.retry_if(custom_id, orjson.loads(written), result, item.attempt)
            if isinstance(asked, Mapping):
                return cause, "retry", _changed(custom_id, asked)
            if asked:
                return cause, "retry", None
        return cause, action, None

    def _policy(self, cause: Cause, attempt: int) -> Action:
        options = self._options
        return policy(
            cause,
            attempt=attempt,
            max_attempts=options.max_attempts,
            on_max_tokens=options.on_max_tokens,
            retry_canceled=options.retry_canceled,
            retry_unparsable=options.retry_unparsable,
        )

    def _request(self, item: Item) -> tuple[str, bytes]:
        return split_line(self._lines.body(item.shard, item.place))

    def _count(self, cause: Cause, result: Mapping[str, Any] | None, *, kept: bool) -> None:
        message = None if result is None else result.get("message")
        model = ""
        usage: Any = None
        # Lines are JSON, so a mapping is a dict; the test of an abstract class would take a tenth of the time.
        if isinstance(message, dict):
            message = cast("dict[str, Any]", message)
            model = str(message.get("model") or "")
            usage = message.get("usage")
        if not isinstance(usage, dict):
            usage = {}
        usage = cast("dict[str, Any]", usage)
        tier = str(usage.get("service_tier") or "")
        sums = self._spent.setdefault((model, tier, cause.value, kept), _Sums())
        sums.requests += 1
        _add(sums.tokens, usage, "")

    def _pause(self) -> str | None:
        """Return why the job pauses, and hold the rows that the reason ended."""
        if self._billing is not None:
            return f"billing: {self._billing}. Settle it, then resume() the job; no attempt was counted."
        flood = self._flood.message
        if flood is not None:
            self._ledger.hold_invalid(self._shard.number, list(self._positions))
            return (
                f"most requests of shard {self._shard.number} ended with one error: {flood}. If it was the account's, "
                "settle it and resume() the job: no attempt was counted. If it is the requests', resume(keep=True) "
                "keeps these errors as their results."
            )
        if self._shard.kind == "canary":
            good = self._causes[Cause.SUCCEEDED]
            failed = 1 - good / max(1, len(self._positions))
            if failed > self._options.canary_failures:
                shown = ", ".join(f"{count} {cause}" for cause, count in self._causes.most_common(5))
                return (
                    f"the canary failed: {shown}. Look at its results; resume() sends the rest all the same."
                )
        return None


def _changed(custom_id: str, params: Mapping[str, Any]) -> bytes:
    """Write the params that a user's predicate returned.

    Raises:
        JobOptionsError: They are not JSON.
    """
    try:
        return encode_params(params)
    except TypeError as error:
        raise JobOptionsError(
            f"retry_if returned params for {custom_id!r} that can't be written as JSON: {error.__cause__ or error}. "
            "Nothing was taken from this shard."
        ) from None


def _add(tokens: dict[str, int], usage: dict[str, Any], prefix: str) -> None:
    """Sum up the numbers of a usage by dotted name."""
    for name, value in usage.items():
        # Booleans are not numbers here.
        if type(value) is int:
            if value:
                name = prefix + name
                tokens[name] = tokens.get(name, 0) + value
        elif isinstance(value, dict):
            _add(tokens, cast("dict[str, Any]", value), f"{prefix}{name}.")
