"""Bodies and results on a stage, beside those of the ledger's own store.

A shard that engines staged has its body on the stage, in the files that their tasks wrote. Where several machines share
the ledger, the bodies that are made later and all results are put there as well, so that every worker reads them.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ._codec import codec_named
from ._errors import RESTORE, LedgerDamagedError
from ._folder import BlockWriter, Store
from ._ledger._sql import SqlLedger
from ._records import BODY, RESULT, Block, WriteState
from ._remote import delete_files, read_range, reading, upload
from ._temporary import TemporaryFolder

__all__ = ["StagedStore", "stage_of"]

#: Blocks are read one after the other: each read fetches this much.
_AHEAD = 4 * 1024 * 1024


def stage_of(ledger: SqlLedger) -> str | None:
    """Return the folder of a job on its stage: that of its first registered write; `None` without one."""
    for write in ledger.writes():
        if write.state is WriteState.REGISTERED:
            return write.place.rpartition("/")[0]
    return None


class StagedStore:
    """A store that finds on the stage what is there, and everything else in another store.

    Args:
        base: The store of the ledger.
        ledger: The ledger, with the URLs.
        shared: Several machines share the ledger: new bodies and results are put on the job's stage, if it has one.
    """

    def __init__(self, base: Store, ledger: SqlLedger, *, shared: bool) -> None:
        self._base = base
        self._ledger = ledger
        self._shared = shared
        self._urls: dict[tuple[int, int], str | None] = {}
        self._growing: dict[int, _StagedWriter] = {}
        self._ahead: dict[int, _Ahead] = {}
        self._uploaded: dict[int, str] = {}
        self._root: str | None = None

    def writer(self, shard: int, codec: str) -> BlockWriter:
        """Begin the body of a shard."""
        root = self._stage()
        if root is None:
            return self._base.writer(shard, codec)
        suffix = codec_named(codec).suffix
        url = f"{root}/bodies/{shard:06d}-{secrets.token_hex(4)}{suffix}"
        self._growing[shard] = _StagedWriter(self, shard, url)
        return self._growing[shard]

    def body(self, shard: int, codec: str) -> Iterator[bytes]:
        """Yield the blocks of a body as they are stored.

        Raises:
            LedgerDamagedError: The file is missing, or shorter or longer than it was.
        """
        url = self._url(BODY, shard)
        if url is None:
            yield from self._base.body(shard, codec)
            return
        blocks = self._ledger.blocks(BODY, shard)
        with reading(url) as file:
            for block in blocks:
                yield _whole(url, block.start, file.read(block.length), block.length)
            if file.read(1):
                raise LedgerDamagedError(
                    f"{url} is longer than it was when it was written. Nothing was sent. {RESTORE}"
                )

    def block(self, kind: int, shard: int, codec: str, number: int) -> bytes:
        """Return one block as it is stored.

        Raises:
            LedgerDamagedError: It is not there.
        """
        growing = self._growing.get(shard) if kind == BODY else None
        url = None if growing is not None else self._url(kind, shard)
        if growing is None and url is None:
            return self._base.block(kind, shard, codec, number)
        block = self._ledger.block(kind, shard, number)
        if block is None:
            raise LedgerDamagedError(
                f"the ledger names block {number} of shard {shard}, and doesn't know where it is. {RESTORE}"
            )
        if url is None:
            assert growing is not None
            return growing.read(block.start, block.length)
        ahead = self._ahead.get(kind)
        if ahead is None or ahead.url != url:
            ahead = self._ahead[kind] = _Ahead(url)
        return _whole(url, block.start, ahead.read(block.start, block.length), block.length)

    @contextmanager
    def results(self, shard: int) -> Generator[Callable[[int], bytes]]:
        """Return a function that returns blocks of results by number."""
        if self._url(RESULT, shard) is None:
            with self._base.results(shard) as block:
                yield block
        else:
            yield partial(self.block, RESULT, shard, "")

    def download_path(self, shard: int) -> Path:
        """Return the file to download results to."""
        return self._base.download_path(shard)

    def keep_results(self, path: Path) -> None:
        """Make downloaded results durable."""
        self._base.keep_results(path)
        root = self._stage()
        if root is not None:
            shard = int(path.name.partition(".")[0])
            url = f"{root}/results/{shard:06d}-{secrets.token_hex(4)}.jsonl"
            upload(path, url)
            self._uploaded[shard] = url

    def take_results(self, shard: int, path: Path, blocks: Sequence[Block]) -> None:
        """Note the blocks of downloaded results, within the transaction that notes them."""
        url = self._uploaded.get(shard)
        if url is None:
            self._base.take_results(shard, path, blocks)
            return
        self._ledger.add_blocks(RESULT, shard, 0, blocks)
        self.put(RESULT, shard, url)

    def finish_results(self, path: Path) -> None:
        """Clean up after the results were noted."""
        self._base.finish_results(path)

    def delete(self, shard: int, codec: str) -> None:
        """Delete the body of a shard that no row is in any more."""
        url = self._ledger.staged(BODY, shard)
        self._urls.pop((BODY, shard), None)
        self._growing.pop(shard, None)
        if url is None:
            self._base.delete(shard, codec)
            return
        delete_files([url])
        with self._ledger.transaction():
            self._ledger.forget_staged(BODY, shard)

    def close(self) -> None:
        """Release resources."""
        self._base.close()

    def put(self, kind: int, shard: int, url: str) -> None:
        """Note where a file is, within the transaction that notes its shard."""
        self._ledger.set_staged(kind, shard, url)
        self._urls.pop((kind, shard), None)

    def settle(self, shard: int) -> None:
        """Read the body of a shard from its file from now on."""
        self._growing.pop(shard, None)
        self._urls.pop((BODY, shard), None)

    def _url(self, kind: int, shard: int) -> str | None:
        key = kind, shard
        if key not in self._urls:
            self._urls[key] = self._ledger.staged(kind, shard)
        return self._urls[key]

    def _stage(self) -> str | None:
        # A job may get its stage while a worker runs.
        if self._shared and self._root is None:
            self._root = stage_of(self._ledger)
        return self._root


class _Ahead:
    """Reads of one file that go on where the last one ended.

    Args:
        url: The file.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._start = 0
        self._data = b""

    def read(self, start: int, length: int) -> bytes:
        """Return some bytes."""
        if start < self._start or start + length > self._start + len(self._data):
            self._data = read_range(self.url, start, start + max(length, _AHEAD))
            self._start = start
        return self._data[start - self._start : start - self._start + length]


class _StagedWriter:
    """The blocks of a body, which are uploaded at the end: rows are compared with it while it grows.

    Args:
        store: The store.
        shard: The number of the shard.
        url: The file.
    """

    def __init__(self, store: StagedStore, shard: int, url: str) -> None:
        self._store = store
        self._shard = shard
        self._url = url
        self._hash = hashlib.sha256()
        self._folder = TemporaryFolder()
        self._path = self._folder.path / "body"
        self._file = self._path.open("w+b")

    def write(self, blocks: Sequence[bytes]) -> None:
        """Write the next blocks."""
        self._file.seek(0, 2)
        for block in blocks:
            self._file.write(block)
            self._hash.update(block)

    def read(self, start: int, length: int) -> bytes:
        """Return bytes that were written."""
        self._file.seek(start)
        return self._file.read(length)

    def finish(self) -> str:
        """Make all of it durable; return its SHA-256."""
        self._file.flush()
        upload(self._path, self._url)
        self._close()
        self._store.put(BODY, self._shard, self._url)
        self._store.settle(self._shard)
        return self._hash.hexdigest()

    def discard(self) -> None:
        """Drop the blocks."""
        self._close()
        self._store.settle(self._shard)

    def _close(self) -> None:
        self._file.close()
        self._folder.close()


def _whole(url: str, start: int, data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise LedgerDamagedError(f"{url} is truncated: it ends in the block at byte {start:,}. {RESTORE}")
    return data
