"""Registering: the shards of a write become shards of the job, in one transaction.

The keys of the rows are in the indexes, so no body is read unless a row is in the job already. Then the rows are
compared, and the shard is written anew without those that are known.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

import attrs
import orjson

from .._codec import best_codec, decoded, place_at
from .._errors import JobConflictError, JobError, LedgerDamagedError, LedgerError
from .._ids import twin_key
from .._input_columns import InputColumns
from .._ledger._sql import SqlLedger
from .._lines import AROUND, ENVELOPE, SEPARATOR, read_line, split_line
from .._opening import Ledger, Opened, existing, options_of
from .._reading import Lines
from .._records import BODY, Block, Item, JobFacts, Shard, ShardState, StageWrite, WriteState
from .._remote import below, delete_files, prune, reading, size_of
from .._shards import ModelFacts
from .._staging import clean, shown
from ._tasks import BodyFile
from ._writes import KEY_SIZE, Index, StagedShard, Write, read_index

__all__ = ["Committed", "commit"]

logger = logging.getLogger("claude_batches.jobs")


@attrs.frozen(kw_only=True)
class Committed:
    """The outcome of a write."""

    added: int
    """Rows that are new, and will be sent."""
    known: int
    """Rows whose request the job has already, or that repeat another row of the write."""
    shards: int
    """Shards that were registered."""


def commit(
    shards: Iterable[StagedShard],
    write: Write,
    *,
    ledger: Ledger | str | None = None,
    columns: str | None = None,
) -> Committed:
    """Register the shards of a write in the ledger: all of them, or none. Then the job can be run.

    Repeating it changes nothing. Requests that the job has already are passed over, so writing the same table again
    adds the new rows alone. Files of attempts that are not registered are deleted.

    Args:
        shards: The shards that the tasks returned. Of a partition with several attempts, the first one counts.
        write: The write.
        ledger: The place of the job, as `begin` took it.
        columns: A description of the rows' columns, kept for the engine that reads the job.

    Raises:
        JobConflictError: A custom_id comes again, in the write or in the job, with other params.
        JobError: The write was discarded, or committed with other shards.
        JobHeldError: Another process works on the job's folder.
        LedgerError: The ledger can't be used, or a file of a shard is missing or damaged.
    """
    open_job = existing(write.job, ledger)
    try:
        open_job.hold()
        with open_job.ledger.exclusive():
            known = _written(open_job, write)
            if known.state is WriteState.REGISTERED:
                _check_repeated(shards, known)
                return Committed(added=known.added, known=known.known, shards=known.shards)
            clean(open_job.ledger, open_job.store, open_job.lines)
            winners = _winners(shards, write)
            _check_files(winners)
            committed = _Registration(open_job, write, winners).run(columns)
        _delete_rest(open_job.ledger, write.place)
        return committed
    finally:
        open_job.close()


def _written(job: Opened, write: Write) -> StageWrite:
    """Return a write as the ledger has it.

    Raises:
        JobError: It was discarded, or is of another job.
    """
    known = next((each for each in job.ledger.writes() if each.id == write.id), None)
    if known is None or job.ledger.facts().token != write.token:
        raise JobError(
            f"write {write.id} was not begun for {job.name}: give the ledger that it was begun with"
        )
    if known.state is WriteState.DISCARDED:
        raise JobError(f"write {write.id} was discarded, and its files are deleted: write the rows again")
    if known.state is WriteState.BEGUN and write.own_ids != (job.ledger.facts().ids == "own"):
        raise JobError(
            f"the ids of {job.name} were changed after write {write.id} began: write the rows again"
        )
    return known


def _winners(shards: Iterable[StagedShard], write: Write) -> list[StagedShard]:
    """Return the shards of one attempt of each partition, each once."""
    attempts: dict[int, str] = {}
    winners: dict[str, StagedShard] = {}
    for shard in shards:
        if shard.write != write.id:
            raise JobError(f"{shard.path} is of write {shard.write}, and not of {write.id}")
        if attempts.setdefault(shard.partition, shard.attempt) == shard.attempt:
            winners[shard.path] = shard
    return sorted(winners.values(), key=lambda shard: (shard.partition, shard.path))


def _taken(shards: Iterable[StagedShard]) -> dict[str, dict[str, str]]:
    """Return a hash of the files of each attempt of each partition."""
    paths: dict[str, dict[str, set[str]]] = {}
    for shard in shards:
        paths.setdefault(str(shard.partition), {}).setdefault(shard.attempt, set()).add(shard.path)
    return {
        partition: {
            attempt: hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()[:16]
            for attempt, files in attempts.items()
        }
        for partition, attempts in paths.items()
    }


def _check_repeated(shards: Iterable[StagedShard], known: StageWrite) -> None:
    """Check that the shards of a repeated commit are those of the first one, or of attempts that lost.

    Raises:
        JobError: Others are among them. They were not registered.
    """
    taken = orjson.loads(known.taken)
    for partition, attempts in _taken(shards).items():
        first = taken.get(partition)
        if first is None or any(first.get(attempt, files) != files for attempt, files in attempts.items()):
            raise JobError(
                f"write {known.id} is committed already, and partition {partition} has shards that were not in that "
                "commit: begin another write for them"
            )


def _check_files(shards: Sequence[StagedShard]) -> None:
    for shard in shards:
        size = size_of(shard.path)
        if size != shard.bytes:
            found = "is missing" if size is None else f"has {size:,} bytes instead of {shard.bytes:,}"
            hint = ""
            if size is None and shard.path.startswith("file://"):
                hint = " A folder as the stage has to be shared by the driver and all workers."
            raise LedgerDamagedError(f"{shard.path} {found}. Nothing was registered.{hint}")


def _delete_rest(ledger: SqlLedger, place: str) -> None:
    """Delete the files of a registered write that no shard needs: indexes, and attempts that lost."""
    try:
        needed = ledger.staged_paths()
        delete_files(url for url in below(place) if url not in needed)
        prune(place)
    except LedgerError as error:
        # What is left is swept later.
        logger.warning("files of a write are left at %s: %s", place, error)


class _Registration:
    """Registers shards.

    Args:
        job: The job.
        write: The write.
        shards: The shards.
    """

    def __init__(self, job: Opened, write: Write, shards: Sequence[StagedShard]) -> None:
        self._ledger = job.ledger
        self._write = write
        self._shards = shards
        self._facts: JobFacts = job.ledger.facts()
        self._canary = 0 if job.ledger.shards() else options_of(job, {}).canary
        # A view of its own: numbers of a transaction that fails are given out again.
        self._lines = Lines(job.ledger, job.store)
        self._position = self._number = self._first_number = 0
        self._added = self._known = self._registered = 0
        self._twins = False
        self._columns = InputColumns()

    def run(self, columns: str | None) -> Committed:
        """Register all of them."""
        # Nobody else changes the counters, since this process has the right to add.
        self._position, self._number = self._ledger.counters()
        self._first_number = self._number
        self._twins = self._ledger.has_twins()
        with self._ledger.transaction():
            for shard in self._shards:
                self._register(shard)
            taken = orjson.dumps(_taken(self._shards)).decode()
            self._ledger.register_write(
                self._write.id, columns, self._added, self._known, self._registered, taken
            )
            self._ledger.add_input_columns(self._columns.found)
            # Last, so that the job's row stays free for workers meanwhile.
            self._ledger.set_counters(self._position, self._number)
        return Committed(added=self._added, known=self._known, shards=self._registered)

    def _register(self, shard: StagedShard) -> None:
        if self._is_known(shard):
            self._known += shard.requests
            return
        index = read_index(shard)
        self._columns.merge(index.columns)
        if not self._canary and self._insert("first", index, shard.path):
            return
        self._register_part(shard, index)

    def _is_known(self, shard: StagedShard) -> bool:
        """Tell if the job has a whole shard, without twins of its rows: those may have been written last so far."""
        known = self._ledger.with_body(shard.hash)
        return known is not None and not (
            self._twins and self._ledger.has_twins(self._ledger.positions(known))
        )

    def _insert(self, kind: str, index: Index, path: str) -> bool:
        """Insert a shard with all its rows; false, and nothing inserted, if a row is known."""
        number, first = self._number, self._position
        positions = range(first, first + index.requests)
        if not self._ledger.insert_items(number, positions, _keys_of(index), _places_of(index)):
            self._ledger.delete_items(first)
            return False
        starts = accumulate((size for _, size in index.blocks), initial=0)
        self._ledger.add_blocks(
            BODY,
            number,
            0,
            [Block(start, size) for start, (_, size) in zip(starts, index.blocks, strict=False)],
        )
        self._ledger.add_shard(
            Shard(
                number=number, state=ShardState.STAGED, kind=kind, requests=index.requests,
                bytes=self._sent_bytes(index, number, first), codec=index.codec, hash=index.hash, facts=index.facts,
                first=first,
            ),
            None,
        )  # fmt: skip
        self._ledger.set_staged(BODY, number, path)
        self._number += 1
        self._position += index.requests
        self._added += index.requests
        self._registered += 1
        return True

    def _sent_bytes(self, index: Index, number: int, first: int) -> int:
        """Return the exact size of a body as it is sent."""
        if self._facts.ids == "own":
            ids = index.ids
        else:
            around = len(f"{self._facts.token}-{number}-")
            digits = sum(len(str(position)) for position in range(first, first + index.requests))
            ids = around * index.requests + digits
        lines = index.requests * AROUND + ids + index.params
        return ENVELOPE + lines + SEPARATOR * (index.requests - 1)

    # Shards with known rows, and the canary ----------------------------------------------------------------

    def _register_part(self, shard: StagedShard, index: Index) -> None:
        """Register the rows of a shard that the job doesn't have."""
        keys = _keys_of(index)
        known = self._ledger.items_by_key(keys)
        first_of: dict[bytes, int] = {}
        for number, key in enumerate(keys):
            if key not in known:
                first_of.setdefault(key, number)
        new = set(first_of.values())
        if self._canary and new:
            size, self._canary = self._canary, 0
            ordered = sorted(new)
            self._rewrite("canary", shard, set(ordered[:size]))
            self._rewrite("first", shard, set(ordered[size:]))
        else:
            self._rewrite("first", shard, new)
        if len(new) < len(keys):
            self._compare(shard, keys, new)

    def _rewrite(self, kind: str, shard: StagedShard, kept: set[int]) -> None:
        """Write some rows of a shard to another file, and register that."""
        if not kept:
            return
        url = f"{self._write.place}/part-{self._number:06d}-{secrets.token_hex(4)}{best_codec().suffix}"
        body = BodyFile(url)
        facts = ModelFacts()
        try:
            for number, line in enumerate(_lines(shard)):
                if number in kept:
                    custom_id, params = split_line(line)
                    wire = orjson.loads(params)
                    model, most = wire.get("model"), wire.get("max_tokens")
                    facts.add(
                        model if isinstance(model, str) else "",
                        len(params),
                        most if isinstance(most, int) else 0,
                    )
                    body.add(custom_id, line, len(params))
        except BaseException:
            body.discard()
            raise
        index = body.finish(facts.json(), {})
        if not self._insert(kind, index, url):
            raise LedgerError("rows that the job does not have could not be added; nothing was registered")

    def _compare(self, shard: StagedShard, keys: Sequence[bytes], new: set[int]) -> None:
        """Compare known rows with those that the job has; rows with other columns become twins.

        Raises:
            JobConflictError: A row has other params.
        """
        items = self._ledger.items_by_key(keys)
        positions = [item.position for item in items.values()] if self._twins else []
        last = {item: key for item, (key, _) in self._ledger.last_twins(positions).items()}
        twins: dict[bytes, tuple[int, bytes, int, bytes]] = {}
        for number, line in enumerate(_lines(shard)):
            if number in new:
                continue
            self._known += 1
            item = items[keys[number]]
            sent = self._as_added(item)
            given = read_line(line)
            known = read_line(sent)
            if given.params != known.params:
                repeated = item.shard >= self._first_number
                partition, first = self._first_place(keys[number]) if repeated else (None, None)
                raise JobConflictError(
                    given.custom_id,
                    self._start(shard) + number,
                    shown(split_line(sent)[1]),
                    shown(split_line(line)[1]),
                    partition=shard.partition,
                    repeated=repeated,
                    first_index=first,
                    first_partition=partition,
                )
            if given.extra != known.extra:
                columns = orjson.dumps(given.extra)
                # Rows of an engine have no order, so equal ones are one row.
                key = twin_key(keys[number], -1, columns)
            elif item.position in last:
                # The columns of the row that is sent are the last ones again.
                key, columns = twin_key(keys[number], -2, b""), b""
            else:
                continue
            if last.get(item.position) != key:
                twins[key] = self._position, key, item.position, columns
                last[item.position] = key
                self._position += 1
        self._ledger.put_twins(list(twins.values()))
        self._twins = self._twins or bool(twins)

    def _start(self, shard: StagedShard) -> int:
        """Return the index of a shard's first row in its partition."""
        before = self._shards[: self._shards.index(shard)]
        return sum(each.requests for each in before if each.partition == shard.partition)

    def _first_place(self, key: bytes) -> tuple[int, int]:
        """Return the partition of the first row of this write with a key, and its index there."""
        for shard in self._shards:
            for number, each in enumerate(_keys_of(read_index(shard))):
                if each == key:
                    return shard.partition, self._start(shard) + number
        raise LedgerDamagedError("an index of this write was changed while it was registered")

    def _as_added(self, item: Item) -> bytes:
        """Return the line of a row as it was added: rows that were sent again may have other params."""
        first = (self._ledger.earlier(item.position) or [item])[0] if item.attempt > 1 else item
        return self._lines.body(first.shard, first.place)


def _keys_of(index: Index) -> list[bytes]:
    """Return the key of each row."""
    return [index.keys[start : start + KEY_SIZE] for start in range(0, len(index.keys), KEY_SIZE)]


def _places_of(index: Index) -> Iterator[int]:
    """Yield the place of each row."""
    for block, (lines, _) in enumerate(index.blocks):
        yield from (place_at(block, line) for line in range(lines))


def _lines(shard: StagedShard) -> Iterator[bytes]:
    """Yield the lines of a shard that is not registered."""
    index = read_index(shard)
    with reading(shard.path) as file:
        for _, size in index.blocks:
            yield from decoded(file.read(size)).split(b"\n")[:-1]
