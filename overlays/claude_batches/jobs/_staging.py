"""Staging: rows that are sent again become new shards, and small shards one.

A shard's body is durable before the ledger says that it may be sent.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import orjson

from ._causes import follow_up, sent_again
from ._codec import best_codec, place_at
from ._folder import BlockWriter, Store
from ._keeping import keep_last
from ._ledger._sql import SqlLedger
from ._lines import parse_result, read_line, split_line, write_line
from ._options import JobOptions
from ._reading import Lines
from ._records import BODY, WAITING, Block, Item, ItemState, JobState, Positions, Shard, ShardState
from ._requests import Request, encode_params
from ._shards import Limits, ShardFill, Size, block_full, distinct_count, mergeable, merged

__all__ = ["Body", "clean", "exhausted", "merge", "merged_count", "reopen", "restage", "shown"]

_SHOWN = 200
#: The kinds of shards of which several small ones become one.
_MERGED = ("first", "retry")


class Body:
    """A shard that is being written.

    Args:
        ledger: The ledger.
        store: The store.
        kind: Its kind.
        fill: Its size.
        first: The position of its first row.
    """

    def __init__(self, ledger: SqlLedger, store: Store, kind: str, fill: ShardFill, first: int) -> None:
        self.kind = kind
        self.fill = fill
        self.first = first
        self.codec = best_codec()
        self.blocks = 0
        self.positions = array("I")
        self._ledger = ledger
        self._start = 0
        # The blocks that were written and not noted so far.
        self._unnoted: list[Block] = []
        self._writer: BlockWriter = store.writer(fill.number, self.codec.name)

    def write(self, *blocks: Sequence[bytes]) -> None:
        """Write blocks of lines. The ledger doesn't know of them before `note_blocks` or `finish`."""
        stored = [self.codec.encode(b"\n".join(lines) + b"\n") for lines in blocks]
        self._writer.write(stored)
        for block in stored:
            self._unnoted.append(Block(self._start, len(block)))
            self._start += len(block)
        self.blocks += len(stored)

    def note_blocks(self) -> None:
        """Note the blocks that were written."""
        if self._unnoted:
            first = self.blocks - len(self._unnoted)
            self._ledger.add_blocks(BODY, self.fill.number, first, self._unnoted)
            self._unnoted = []

    def add(self, positions: Sequence[int], requests: Sequence[Request], sizes: Sequence[int]) -> None:
        """Count rows.

        Args:
            positions: Their positions.
            requests: Their requests.
            sizes: The sizes of their lines as they are sent.
        """
        self.positions.extend(positions)
        self.fill.add_all(sizes)
        self.fill.facts.add_all(requests)

    def finish(self, state: ShardState, positions: bytes | None = None) -> None:
        """Make it durable and note it."""
        self.note_blocks()
        self.note(state, positions, self._writer.finish())

    def note(self, state: ShardState, positions: bytes | None = None, digest: str = "") -> None:
        """Note it as it is."""
        shard = Shard(
            number=self.fill.number, state=state, kind=self.kind, requests=self.fill.requests, bytes=self.fill.bytes,
            codec=self.codec.name, hash=digest, facts=self.fill.facts.json(), first=self.first,
        )  # fmt: skip
        self._ledger.add_shard(shard, positions)

    def discard(self) -> None:
        """Drop it."""
        self._writer.discard()


def clean(ledger: SqlLedger, store: Store, lines: Lines) -> None:
    """Remove the remains of a call that was not finished. The caller has the exclusive right to add."""
    for shard in ledger.abandon_adding():
        store.delete(shard.number, shard.codec)
        lines.forget(shard.number)


def shown(params: bytes) -> str:
    """Return params for a message, cut where they are long."""
    text = params.decode("utf-8", "replace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


# Sending again ------------------------------------------------------------------------------------------------


def restage(ledger: SqlLedger, store: Store, lines: Lines, options: JobOptions) -> int:
    """Make shards of the rows that are sent again; return the number of rows.

    Each shard is one transaction, so a row is either in its old shard, to be sent again, or in the new one. A canceled
    job sends nothing again: its rows keep their last results.
    """
    total = 0
    if ledger.facts().state is JobState.CANCELED:
        keep_last(ledger, store, lines)
    if next(ledger.items(states=WAITING), None) is None and not ledger.shards((ShardState.ADDING,)):
        # A large commit may hold the right to add for minutes; others send and collect meanwhile.
        return 0
    with ledger.exclusive():
        clean(ledger, store, lines)
        facts = ledger.facts()
        token = None if facts.ids == "own" else facts.token
        while facts.state is JobState.ACTIVE:
            count = _restage_shard(ledger, store, lines, options, token)
            if not count:
                break
            total += count
    return total


def reopen(ledger: SqlLedger, options: JobOptions) -> None:
    """Have rows sent again that failed after fewer attempts than the options allow by now."""
    if ledger.facts().state is JobState.ACTIVE:
        ledger.reopen(sent_again(retry_canceled=options.retry_canceled), options.max_attempts)


def exhausted(ledger: SqlLedger, options: JobOptions) -> dict[int, int]:
    """Return the rows that failed and are sent again only with a larger `max_attempts`: their number, by attempts."""
    if ledger.facts().state is not JobState.ACTIVE:
        return {}
    found = ledger.failures(sent_again(retry_canceled=options.retry_canceled))
    return {attempts: count for attempts, count in found.items() if attempts >= options.max_attempts}


def _restage_shard(
    ledger: SqlLedger, store: Store, lines: Lines, options: JobOptions, token: str | None
) -> int:
    """Make one shard, as large as it may be; return the number of its rows."""
    items = ledger.items(states=WAITING)
    first = next(items, None)
    if first is None:
        return 0
    with ledger.transaction():
        position, number = ledger.counters()
        ledger.set_counters(position, number + 1)
        most = distinct_count(number, token or "", options.shard_requests)
        fill = ShardFill(number, token, Limits(most, options.max_bytes))
        body = Body(ledger, store, "retry", fill, first.position)
        try:
            moves = _fill(ledger, lines, options, body, chain((first,), items))
            ledger.move_items(number, moves)
            body.finish(ShardState.STAGED, Positions.packed(item.position for item, _, _ in moves))
        except BaseException:
            body.discard()
            raise
    return len(moves)


def _fill(
    ledger: SqlLedger, lines: Lines, options: JobOptions, body: Body, items: Iterator[Item]
) -> list[tuple[Item, int, bool]]:
    """Write rows until the shard is full; return them with their new places."""
    moves: list[tuple[Item, int, bool]] = []
    block: list[bytes] = []
    block_size = 0
    for item in items:
        line, custom_id, params = _again(ledger, lines, options, item)
        size = body.fill.size(custom_id, item.position, len(params))
        # A request that grew over the limit is sent alone: the API decides.
        if moves and not body.fill.takes(size):
            break
        body.fill.add(size)
        wire = orjson.loads(params)
        model, most = wire.get("model"), wire.get("max_tokens")
        body.fill.facts.add(
            model if isinstance(model, str) else "", len(params), most if isinstance(most, int) else 0
        )
        moves.append((item, place_at(body.blocks, len(block)), item.state != ItemState.HELD))
        block.append(line)
        block_size += len(line) + 1
        if block_full(len(block), block_size):
            body.write(block)
            block, block_size = [], 0
    if block:
        body.write(block)
    return moves


def _again(ledger: SqlLedger, lines: Lines, options: JobOptions, item: Item) -> tuple[bytes, str, bytes]:
    """Return the line of a row's next attempt, its id and params."""
    line = lines.body(item.shard, item.place)
    custom_id, params = split_line(line)
    if item.state == ItemState.CHANGED:
        params = ledger.change(item.position)
    elif item.state in (ItemState.MORE, ItemState.CONTINUE) and item.result is not None:
        result = parse_result(lines.result(item.shard, item.result))["result"]
        action: Any = "retry_more" if item.state == ItemState.MORE else "continue"
        most = options.on_max_tokens if isinstance(options.on_max_tokens, int) else None
        params = encode_params(follow_up(action, orjson.loads(params), result, most_tokens=most))
    else:
        return line, custom_id, params
    before = read_line(line)
    return write_line(custom_id, params, orjson.dumps(before.extra), before.row), custom_id, params


# Merging ------------------------------------------------------------------------------------------------------


def merge(ledger: SqlLedger, store: Store, lines: Lines, options: JobOptions) -> int:
    """Make one shard of several small ones that were not sent; return the number of shards that went into others.

    Requests that are added in small portions would otherwise make as many batches.
    """
    limits = Limits(options.shard_requests, options.max_bytes)
    gone = 0
    for kind in _MERGED:
        if len(_mergeable(ledger.shards((ShardState.STAGED,)), kind, limits)) < 2:
            continue
        with ledger.exclusive():
            while len(group := _merge_group(ledger, store, lines, kind, limits)) > 1:
                for shard in group:
                    store.delete(shard.number, shard.codec)
                    lines.forget(shard.number)
                gone += len(group)
    return gone


def merged_count(staged: Sequence[Shard], options: JobOptions) -> int:
    """Return the number of shards that `merge` leaves of those that were not sent."""
    limits = Limits(options.shard_requests, options.max_bytes)
    sizes: dict[str, list[Size]] = {}
    for shard in staged:
        sizes.setdefault(shard.kind, []).append(Size(shard.requests, shard.bytes))
    return sum(len(merged(each, limits) if kind in _MERGED else each) for kind, each in sizes.items())


def _mergeable(staged: Sequence[Shard], kind: str, limits: Limits) -> list[Shard]:
    """Return small shards of a kind, as many as fit into one."""
    return mergeable([shard for shard in staged if shard.kind == kind], limits)


def _merge_group(ledger: SqlLedger, store: Store, lines: Lines, kind: str, limits: Limits) -> list[Shard]:
    """Merge one group; return it."""
    with ledger.transaction():
        # Locks the job, so that no other process sends one of the group meanwhile.
        position, number = ledger.counters()
        group = _mergeable(ledger.shards((ShardState.STAGED,)), kind, limits)
        if len(group) < 2:
            return []
        facts = ledger.facts()
        ledger.set_counters(position, number + 1)
        fill = ShardFill(number, None if facts.ids == "own" else facts.token, limits)
        body = Body(ledger, store, kind, fill, group[0].first)
        try:
            positions = _copy(ledger, lines, body, group)
            body.finish(ShardState.STAGED, Positions.packed(positions))
        except BaseException:
            body.discard()
            raise
        for shard in group:
            ledger.delete_blocks(BODY, shard.number)
            ledger.delete_shard(shard.number)
    return group


def _copy(ledger: SqlLedger, lines: Lines, body: Body, group: list[Shard]) -> list[int]:
    """Write the lines of shards into another one; return the positions of their rows."""
    moves: list[tuple[int, int]] = []
    block: list[bytes] = []
    block_size = 0
    for shard in group:
        for position, line in zip(ledger.positions(shard), lines.whole_body(shard), strict=True):
            custom_id, params = split_line(line)
            body.fill.add(body.fill.size(custom_id, position, len(params)))
            moves.append((position, place_at(body.blocks, len(block))))
            block.append(line)
            block_size += len(line) + 1
            if block_full(len(block), block_size):
                body.write(block)
                block, block_size = [], 0
        body.fill.facts.merge(shard.models)
    if block:
        body.write(block)
    ledger.place_items(body.fill.number, moves)
    return [position for position, _ in moves]
