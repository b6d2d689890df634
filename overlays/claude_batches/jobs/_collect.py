"""Collecting: downloaded results become states of rows, in one transaction.

Doing it again changes nothing: a row takes one result of its shard, the first by custom_id.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, cast

import attrs
import orjson

from ._causes import Action, Cause, Flood, classify, error_of, follow_up, policy
from ._codec import BLOCK_BYTES, BLOCK_LINES, place_at
from ._errors import JobOptionsError, ShardError
from ._folder import Store
from ._ids import key_of
from ._ledger._sql import Spent, SqlLedger
from ._lines import parse_result, user_line
from ._options import JobOptions
from ._reading import Lines
from ._records import Block, Item, ItemState, JobFacts, JobState, Positions, Shard
from ._requests import encode_params

__all__ = ["CANARY_FAILED", "Collected", "TokenSums", "ingest", "ways_out"]

_STATES: dict[Action, ItemState] = {
    "keep": ItemState.DONE,
    "retry": ItemState.AGAIN,
    "retry_more": ItemState.MORE,
    "continue": ItemState.CONTINUE,
    "pause_job": ItemState.HELD,
}
_NO_PLACE = -1
#: Most digits of a position in a derived id.
_POSITION_DIGITS = 15
#: Rows that are written at a time.
_WRITTEN = 5000
#: The state of a row that another shard has by now.
_ELSEWHERE = 255
#: The beginning of the reason of a pause by a canary, before which nothing was sent.
CANARY_FAILED = "the canary failed: "
#: Messages of errors in a reason, and characters of each.
_TOLD, _TOLD_LENGTH = 3, 200
#: Causes by number: a row takes one byte until it is written.
_CAUSES = tuple(Cause)
_NUMBERS = {cause: number for number, cause in enumerate(_CAUSES)}


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
    with ExitStack() as transaction:
        taking = _Taking(ledger, lines, options, ledger.facts(), shard)
        if taking.asks_ledger:
            transaction.enter_context(ledger.transaction())
        # Otherwise others have the ledger while the results are parsed.
        blocks = _take(taking, path)
        transaction.enter_context(ledger.transaction())
        facts = ledger.facts()
        if facts.state is not taking.facts.state:
            # It was canceled, paused or resumed meanwhile, which changes the fate of rows.
            taking = _Taking(ledger, lines, options, facts, shard)
            _take(taking, path)
        lines.forget_results(shard.number)
        # First, since it fails where another call took them: what `collected` says would have the file deleted.
        store.take_results(shard.number, path, blocks)
        collected = taking.finish()
        ledger.collected(shard)
    store.finish_results(path)
    return collected


def _take(taking: _Taking, path: Path) -> list[Block]:
    """Take the results in a file; return its blocks."""
    blocks: list[Block] = []
    start = 0
    for number, lines in enumerate(_blocks(path)):
        taking.take(number, lines)
        blocks.append(Block(start, sum(map(len, lines))))
        start += blocks[-1].length
    return blocks


def _blocks(path: Path) -> Iterator[list[bytes]]:
    """Yield the lines of a results file by block."""
    with path.open("rb") as file:
        while lines := file.readlines(BLOCK_BYTES):
            for start in range(0, len(lines), BLOCK_LINES):
                yield lines[start : start + BLOCK_LINES]


class _Sums:
    """Sums over results."""

    def __init__(self) -> None:
        self.requests = 0
        self.tokens: dict[str, int] = {}


class TokenSums:
    """The tokens of results, by model, service tier, cause, and use of the result."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str, Cause, bool], _Sums] = {}

    def count(self, cause: Cause, result: Mapping[str, Any] | None, *, kept: bool) -> None:
        """Count a result."""
        given: Any = result
        try:
            usage: Any = given["message"]["usage"]
            sums = self._sums[given["message"]["model"], usage["service_tier"], cause, kept]
        except (LookupError, TypeError):
            # The first one of its kind, or one without a message.
            message = _dict(None if result is None else result.get("message"))
            usage = _dict(message.get("usage"))
            key = str(message.get("model") or ""), str(usage.get("service_tier") or ""), cause, kept
            sums = self._sums.setdefault(key, _Sums())
        sums.requests += 1
        _add(sums.tokens, usage, "")

    def hold(self, cause: Cause) -> None:
        """Count the results of a cause as not kept, none of which has a message."""
        for key in [key for key in self._sums if key[2:] == (cause, True)]:
            held = self._sums.pop(key)
            self._sums.setdefault((*key[:3], False), _Sums()).requests += held.requests

    def entries(self, shard: int) -> Iterator[Spent]:
        """Yield the sums as those of a shard."""
        for (model, tier, cause, kept), sums in self._sums.items():
            yield Spent(shard, model, tier, cause.value, kept, sums.requests, sums.tokens)


class _Taking:
    def __init__(
        self, ledger: SqlLedger, lines: Lines, options: JobOptions, facts: JobFacts, shard: Shard
    ) -> None:
        self._ledger = ledger
        self._lines = lines
        self._options = options
        self.facts = facts
        self._shard = shard
        self._own = facts.ids == "own"
        self._head = f"{facts.token}-{shard.number}"
        self._positions: Positions = ledger.positions(shard)
        # By index in the shard, and written at the end: results come in any order, and a table is written faster in
        # its own.
        self._states = bytearray(len(self._positions))
        self._ended = bytearray(len(self._positions))
        self._places = array("q", bytes(8 * len(self._positions)))
        # Rows of a first shard were never sent before.
        self._looked_up = (
            shard.kind == "retry"
            or options.retry_if is not None
            or options.check is not None
            or isinstance(options.on_max_tokens, int)
        )
        self.asks_ledger = self._own or self._looked_up
        """True if `take` uses the ledger, and is to be called within its transaction."""
        self._causes: Counter[str] = Counter()
        self._again = 0
        self._flood = Flood()
        # What a person reads to decide about a canary: rows that are sent again are not among the results.
        self._messages: Counter[str] = Counter()
        # Nothing looks at an answer that succeeded.
        self._plain = options.check is None and options.retry_if is None
        self._billing: str | None = None
        self._sums = TokenSums()

    def take(self, number: int, block: list[bytes]) -> None:
        """Take a block of results."""
        # Lines are parsed and dropped one by one, so that the garbage collector has nothing to do.
        found = (
            (place, parse_result(line))
            for place, line in enumerate(block, place_at(number, 0))
            if line.strip()
        )
        if not self.asks_ledger:
            for place, wire in found:
                index = self._index(wire["custom_id"])
                if not self._states[index]:
                    self._places[index] = place
                    self._end(index, wire["result"])
            return
        wires = list(found)
        custom_ids = [wire["custom_id"] for _, wire in wires]
        indexes = self._by_key(custom_ids) if self._own else map(self._index, custom_ids)
        fresh: list[tuple[int, Mapping[str, Any]]] = []
        for index, (place, wire) in zip(indexes, wires, strict=True):
            if not self._states[index]:
                self._states[index] = _ELSEWHERE
                self._places[index] = place
                fresh.append((index, wire["result"]))
        self._end_all(fresh)

    def finish(self) -> Collected:
        """Treat the rows without a result, write all, and sum up."""
        missing: list[tuple[int, None]] = []
        for index, state in enumerate(self._states):
            if not state:
                self._states[index] = _ELSEWHERE
                self._places[index] = _NO_PLACE
                missing.append((index, None))
            if len(missing) == 1000:
                self._end_all(missing)
                missing = []
        self._end_all(missing)
        self._write()
        reason = self._pause()
        self._ledger.add_spent(self._sums.entries(self._shard.number))
        if reason is not None and self.facts.state is JobState.ACTIVE:
            self._ledger.set_state(JobState.PAUSED, reason)
        return Collected(self._shard.number, dict(self._causes), self._again, reason)

    def _index(self, custom_id: str) -> int:
        """Return the index of the row that a derived id is of."""
        head, _, position = custom_id.rpartition("-")
        # Bounded, because Python refuses to read a number of thousands of digits.
        is_own = head == self._head and position.isdecimal() and len(position) <= _POSITION_DIGITS
        index = self._positions.index(int(position)) if is_own else None
        if index is None:
            raise self._foreign(custom_id)
        return index

    def _by_key(self, custom_ids: list[str]) -> Iterator[int]:
        """Yield the indexes of the rows that users' ids are of."""
        keys = list(map(key_of, custom_ids))
        items = self._ledger.items_by_key(keys)
        for custom_id, key in zip(custom_ids, keys, strict=True):
            index = self._positions.index(items[key].position) if key in items else None
            if index is None:
                raise self._foreign(custom_id)
            yield index

    def _foreign(self, custom_id: str) -> ShardError:
        return ShardError(
            f"batch {self._shard.batch_id} has a result for custom_id {custom_id!r}, which shard {self._shard.number} "
            "doesn't have: it is the batch of something else, or the client is of another server. Nothing was taken "
            f"from it. If the client is the right one, {ways_out(self._shard)} The id of its own batch instead of "
            "these words takes the results of that one.",
            self._shard.number,
            foreign=True,
        )

    def _end_all(self, rows: Sequence[tuple[int, Mapping[str, Any] | None]]) -> None:
        """Decide about rows: (index, result)."""
        positions = self._positions
        items = self._ledger.items_at([positions[index] for index, _ in rows]) if self._looked_up else {}
        changes: list[tuple[int, bytes]] = []
        for index, result in rows:
            item = items.get(positions[index]) if items else None
            if item is not None and item.shard != self._shard.number:
                continue
            change = self._end(index, result, item)
            if change is not None:
                changes.append((positions[index], change))
        if changes:
            self._ledger.set_changes(changes)

    def _end(self, index: int, result: Mapping[str, Any] | None, item: Item | None = None) -> bytes | None:
        """Decide about a row, and return changed params for its next attempt."""
        cause, action, change = self._decide(item, result)
        state = _STATES[action] if change is None else ItemState.CHANGED
        self._states[index] = state
        self._ended[index] = _NUMBERS[cause]
        self._again += state is not ItemState.DONE
        self._causes[cause] += 1
        self._sums.count(cause, result, kept=state is ItemState.DONE)
        return change

    def _write(self) -> None:
        """Write the states of the rows."""
        causes = [cause.value for cause in _CAUSES]
        rows = (
            (state, causes[ended], None if place == _NO_PLACE else place, position)
            for state, ended, place, position in zip(
                self._states, self._ended, self._places, self._positions, strict=True
            )
            if state != _ELSEWHERE
        )
        while part := list(islice(rows, _WRITTEN)):
            self._ledger.finish_items(self._shard.number, part)

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
        if self._shard.kind == "canary":
            self._note(error or message)
        if cause is Cause.BILLING:
            self._billing = message or "billing"
        if self.facts.state is JobState.CANCELED:
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

    def _note(self, message: str | None) -> None:
        """Count the message of an error."""
        if message:
            text = " ".join(message.split())
            text = text if len(text) <= _TOLD_LENGTH else f"{text[:_TOLD_LENGTH]}…"
            if text in self._messages or len(self._messages) < Flood.DISTINCT:
                self._messages[text] += 1

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
        return user_line(self._lines.body(item.shard, item.place))

    def _pause(self) -> str | None:
        """Return why the job pauses, and hold the rows that the reason ended."""
        if self._billing is not None:
            return f"billing: {self._billing.rstrip('.')}. Settle it, then resume() the job; no attempt was counted."
        flood = self._flood.message
        if flood is not None:
            self._ledger.hold_invalid(self._shard.number, list(self._positions))
            self._sums.hold(Cause.INVALID)
            told = flood.rstrip(".")
            return (
                f"most requests of shard {self._shard.number} ended with one error: {told}. If it was the account's, "
                "settle it and resume() the job: no attempt was counted. If it is the requests', resume(keep=True) "
                "keeps these errors as their results."
            )
        if self._shard.kind == "canary":
            good = self._causes[Cause.SUCCEEDED]
            failed = 1 - good / max(1, len(self._positions))
            if failed > self._options.canary_failures:
                shown = ", ".join(f"{count} {cause}" for cause, count in self._causes.most_common(5))
                errors = ", ".join(
                    f'{count} of "{text}"' for text, count in self._messages.most_common(_TOLD)
                )
                told = f" The most frequent errors: {errors}." if errors else ""
                return (
                    f"{CANARY_FAILED}{shown}.{told} resume() sends the rest all the same, and those of the canary "
                    "again that may succeed; resume(keep=True) keeps their errors as their results."
                )
        return None


def ways_out(shard: Shard) -> str:
    """Return the decisions about a shard whose results can't be had."""
    return (
        f'resolve({shard.number}, "lost") keeps its rows as missing, and resolve({shard.number}, "not-made") '
        "sends them again, at their price."
    )


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


def _dict(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _add(tokens: dict[str, int], usage: dict[str, Any], prefix: str) -> None:
    """Sum up the numbers of a usage by dotted name."""
    for name, value in usage.items():
        # Most are 0; booleans are not numbers here.
        if not value:
            continue
        if type(value) is int:
            name = prefix + name if prefix else name
            tokens[name] = tokens.get(name, 0) + value
        elif isinstance(value, dict) and any(cast("dict[str, Any]", value).values()):
            _add(tokens, cast("dict[str, Any]", value), f"{prefix}{name}.")
