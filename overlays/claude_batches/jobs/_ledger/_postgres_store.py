"""Bodies and results in PostgreSQL, beside the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from .._codec import best_codec
from .._errors import RESTORE, LedgerDamagedError
from .._records import BODY, RESULT, Block
from .._temporary import TemporaryFolder
from ._postgres import PostgresJob

__all__ = ["PostgresStore"]


class PostgresStore:
    """Bodies and results as blocks in the database. Results are downloaded to a temporary folder first.

    Args:
        ledger: The ledger.
    """

    def __init__(self, ledger: PostgresJob) -> None:
        self._ledger = ledger
        self._codec = best_codec()
        self._folder = TemporaryFolder()

    def writer(self, shard: int, codec: str) -> PostgresWriter:  # noqa: ARG002  # a folder needs the codec
        """Begin the body of a shard."""
        return PostgresWriter(self._ledger, shard)

    def body(self, shard: int, codec: str) -> Iterator[bytes]:
        """Yield the blocks of a body as they are stored."""
        for number in range(len(self._ledger.blocks(BODY, shard))):
            yield self.block(BODY, shard, codec, number)

    def block(self, kind: int, shard: int, codec: str, number: int) -> bytes:  # noqa: ARG002  # a folder needs the codec
        """Return one block as it is stored.

        Raises:
            LedgerDamagedError: It is not there.
        """
        block = self._ledger.stored(kind, shard, number)
        if block is None:
            raise LedgerDamagedError(
                f"{self._ledger.place}: block {number} of shard {shard} is missing. {RESTORE}"
            )
        return block

    @contextmanager
    def results(self, shard: int) -> Generator[Callable[[int], bytes]]:
        """Return a function that returns blocks of results by number."""
        yield partial(self.block, RESULT, shard, "")

    def download_path(self, shard: int) -> Path:
        """Return the file to download results to."""
        return self._folder.path / f"{shard:06d}.jsonl"

    def keep_results(self, path: Path) -> None:
        """Do nothing: the results become durable with the transaction that notes them."""

    def take_results(self, shard: int, path: Path, blocks: Sequence[Block]) -> None:
        """Store the blocks of results."""
        with path.open("rb") as file:
            for number, block in enumerate(blocks):
                self._ledger.store(RESULT, shard, number, self._codec.encode(file.read(block.length)))
        self._ledger.add_blocks(RESULT, shard, 0, blocks)

    def finish_results(self, path: Path) -> None:
        """Delete the downloaded file: the database has it."""
        path.unlink(missing_ok=True)

    def delete(self, shard: int, codec: str) -> None:  # noqa: ARG002  # a folder needs the codec
        """Delete a body."""
        self._ledger.delete_stored(BODY, shard)

    def close(self) -> None:
        """Delete the temporary folder."""
        self._folder.close()


class PostgresWriter:
    """The blocks of a body, while they are written.

    Args:
        ledger: The ledger.
        shard: The number of the shard.
    """

    def __init__(self, ledger: PostgresJob, shard: int) -> None:
        self._ledger = ledger
        self._shard = shard
        self._hash = hashlib.sha256()
        self._count = 0

    def write(self, blocks: Sequence[bytes]) -> None:
        """Write the next blocks."""
        with self._ledger.transaction(durable=False):
            for block in blocks:
                self._ledger.store(BODY, self._shard, self._count, block)
                self._hash.update(block)
                self._count += 1

    def finish(self) -> str:
        """Return the hash; the transaction makes all of it durable."""
        return self._hash.hexdigest()

    def discard(self) -> None:
        """Do nothing: the blocks are rolled back, or deleted with the shard."""
