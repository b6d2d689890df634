"""Tasks: rows become shards on the stage. A task creates no batch, and changes no ledger."""

from __future__ import annotations

import hashlib
import re
import secrets
from contextlib import ExitStack, suppress
from typing import IO, Any

from .._codec import best_codec
from .._errors import JobError, JobOptionsError, JobRequestError, LedgerError
from .._ids import key_of
from .._input_columns import InputColumns
from .._remote import delete_files, new_file
from .._requests import Given, Request, prepare
from .._shards import Limits, ShardFill, block_full, distinct_count
from .._tables import TableError, read_source
from ._values import plain
from ._writes import Index, StagedShard, Write, index_url, write_index

__all__ = ["BodyFile", "stage"]

#: The number and the position that make the longest derived custom_id: a task doesn't know those of its shards.
_LAST_SHARD = 999_999_999
_LAST_POSITION = 4_294_967_295


def stage(
    rows: Any, write: Write, *, partition: int = 0, attempt: int | str = 0, **source: Any
) -> list[StagedShard]:
    """Write the requests of some rows to the stage, as shards. Nothing is sent, and no ledger is changed.

    Any number of processes may do so at once. A task that is run twice writes other files; `commit` takes one attempt
    of each partition.

    Args:
        rows: A table, as `read_source` takes it: an Arrow table or reader, a path, or an iterable of mappings.
        write: The write, by `begin`.
        partition: The number of the partition that the rows are of.
        attempt: The number or name of the attempt, where a partition may be staged twice.
        **source: How rows become requests: `template`, `id_column`, `model`, `params` and the others of `read_source`,
            but for `dedupe` and `own_ids`.

    Returns:
        The shards; none without rows.

    Raises:
        SourceError: A row can't become a request.
        JobRequestError: A request can't be sent.
        LedgerError: The stage can't be written.
    """
    for name in ("dedupe", "own_ids"):
        if name in source:
            raise JobOptionsError(f"{name} can't be given here: rows of many tasks have no common order")
    task = _Task(write, partition, str(attempt))
    try:
        for index, row in enumerate(read_source(rows, own_ids=write.own_ids, **source)):
            columns = {name: plain(value) for name, value in row.columns.items()}
            given = Given(row.custom_id, row.params, columns, None)
            task.push(index, prepare(index, given, own_ids=write.own_ids))
        return task.finish()
    except BaseException as error:
        task.abandon()
        if isinstance(error, TableError | JobRequestError):
            error.add_note(f"The row is in partition {partition}. Nothing of this attempt is kept.")
        raise


class _Task:
    """Splits requests into shards.

    Args:
        write: The write.
        partition: The number of the partition.
        attempt: The attempt.
    """

    def __init__(self, write: Write, partition: int, attempt: str) -> None:
        self._write = write
        self._partition = partition
        self._attempt = attempt
        self._shards: list[StagedShard] = []
        self._open: _Shard | None = None
        # Two attempts may have one name, as plain processes that are started again.
        named = re.sub(r"[^A-Za-z0-9]+", "-", attempt)[:40]
        self._name = f"{partition:06d}-{named}-{secrets.token_hex(4)}"

    def push(self, index: int, request: Request) -> None:
        """Take a request.

        Raises:
            JobRequestError: It is larger than a batch may be.
        """
        if self._open is not None and not self._open.takes(request):
            self._close(self._open)
        if self._open is None:
            self._open = _Shard(self._fill(), self._url())
            if not self._open.takes(request):
                raise JobRequestError(
                    index,
                    request.custom_id,
                    f"it takes {request.params_size:,} bytes, and with its envelope a batch may have "
                    f"{self._write.max_bytes:,} (max_bytes): shorten it, or give files by their URL or file_id",
                )
        self._open.add(request)

    def finish(self) -> list[StagedShard]:
        """End the last shard; return all of them."""
        if self._open is not None:
            self._close(self._open)
        return self._shards

    def abandon(self) -> None:
        """Delete the files of this attempt, as far as the stage allows."""
        paths = [shard.path for shard in self._shards]
        # The error that ended the task counts, and what is left is swept.
        with suppress(LedgerError):
            if self._open is not None:
                self._open.discard()
            delete_files([*paths, *map(index_url, paths)])

    def _fill(self) -> ShardFill:
        write = self._write
        # Lost batches are looked for by their count first, so counts differ.
        number = self._partition * 31 + len(self._shards)
        requests = distinct_count(number, write.id, write.max_requests)
        token = None if write.own_ids else write.token
        return ShardFill(_LAST_SHARD, token, Limits(requests, write.max_bytes))

    def _url(self) -> str:
        return f"{self._write.place}/{self._name}-{len(self._shards):04d}{best_codec().suffix}"

    def _close(self, shard: _Shard) -> None:
        index = shard.finish()
        self._open = None
        self._shards.append(
            StagedShard(
                write=self._write.id,
                path=shard.url,
                hash=index.hash,
                requests=index.requests,
                bytes=sum(size for _, size in index.blocks),
                partition=self._partition,
                attempt=self._attempt,
            )
        )


class _Shard:
    """A shard that is being written.

    Args:
        fill: Its size.
        url: Its file.
    """

    def __init__(self, fill: ShardFill, url: str) -> None:
        self.url = url
        self._fill = fill
        self._file = BodyFile(url)
        self._columns = InputColumns()

    def takes(self, request: Request) -> bool:
        """Tell if a request fits."""
        return self._fill.takes(self._size(request))

    def add(self, request: Request) -> None:
        """Add a request."""
        self._fill.add(self._size(request))
        self._fill.facts.add(request.model, request.params_size, request.max_tokens)
        self._file.add(request.custom_id, request.line, request.params_size)
        self._columns.add(request.columns)

    def finish(self) -> Index:
        """Make its files durable."""
        index = self._file.finish(self._fill.facts.json(), self._columns.found)
        with new_file(index_url(self.url)) as file:
            file.write(write_index(index))
        return index

    def discard(self) -> None:
        """Delete what is written of it."""
        self._file.discard()

    def _size(self, request: Request) -> int:
        return self._fill.size(request.custom_id, _LAST_POSITION, request.params_size)


class _DiscardedError(JobError):
    """A file is not wanted."""


class BodyFile:
    """The file of a staged shard, while it is written.

    Args:
        url: The file.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._codec = best_codec()
        self._exits = ExitStack()
        self._file: IO[bytes] = self._exits.enter_context(new_file(url))
        self._hash = hashlib.sha256()
        self._blocks: list[tuple[int, int]] = []
        self._keys = bytearray()
        self._params = 0
        self._ids = 0
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, custom_id: str, line: bytes, params_size: int) -> None:
        """Add a line."""
        self._keys += key_of(custom_id)
        self._params += params_size
        self._ids += len(custom_id)
        self._lines.append(line)
        self._size += len(line) + 1
        if block_full(len(self._lines), self._size):
            self._flush()

    def finish(self, facts: str, columns: dict[str, int]) -> Index:
        """Make it durable; return its index.

        Args:
            facts: Those of its index.
            columns: Those of its index.
        """
        self._flush()
        self._exits.close()
        return Index(
            requests=sum(lines for lines, _ in self._blocks),
            params=self._params,
            ids=self._ids,
            codec=self._codec.name,
            hash=self._hash.hexdigest(),
            facts=facts,
            blocks=self._blocks,
            columns=columns,
            keys=bytes(self._keys),
        )

    def discard(self) -> None:
        """Delete what is written."""
        with suppress(_DiscardedError):
            # An error keeps it from being uploaded.
            self._exits.__exit__(_DiscardedError, _DiscardedError(), None)
        delete_files([self.url])

    def _flush(self) -> None:
        if not self._lines:
            return
        stored = self._codec.encode(b"\n".join(self._lines) + b"\n")
        self._file.write(stored)
        self._hash.update(stored)
        self._blocks.append((len(self._lines), len(stored)))
        self._lines, self._size = [], 0
