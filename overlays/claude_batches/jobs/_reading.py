"""Reading rows back: lines by their places, with the blocks read last kept in memory."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Final

from ._codec import BLOCK_LINES, LINE_BITS, decoded
from ._errors import RESTORE, LedgerDamagedError
from ._folder import Store
from ._ledger._sql import SqlLedger
from ._records import BODY, RESULT, Shard

__all__ = ["INDEX_BITS", "Lines", "StoredBlock"]

#: The size of the blocks that are kept, in bytes.
KEPT = 8 * 1024 * 1024
#: The bits of an index in a list of lines that are read together.
INDEX_BITS: Final = 20
_INDEX: Final = (1 << INDEX_BITS) - 1
_LINE: Final = BLOCK_LINES - 1


class StoredBlock:
    """A block as it is stored. It is decoded when one of its lines is first read.

    Rows share it, and may outlive the job that they are read from.

    Args:
        shard: Its shard.
        number: Its number.
        stored: Its bytes.
    """

    __slots__ = ("_lines", "_number", "_shard", "_stored", "size")

    def __init__(self, shard: int, number: int, stored: bytes) -> None:
        self._shard = shard
        self._number = number
        self._stored = stored
        self.size = len(stored)
        """The bytes that it takes in memory."""
        self._lines: list[bytes] | None = None

    def line(self, place: int) -> bytes:
        """Return the line at a place.

        Raises:
            LedgerDamagedError: The block is corrupt, or has fewer lines.
        """
        # Read first: another thread may set the lines, and then drop the bytes.
        stored, lines = self._stored, self._lines
        if lines is None:
            content = decoded(stored)
            lines = self._lines = content.split(b"\n")
            self._stored, self.size = b"", len(content)
        try:
            return lines[place & _LINE]
        except IndexError:
            raise _too_short(self._shard, self._number) from None


class Lines:
    """The lines of bodies and results.

    Args:
        ledger: The ledger.
        store: The store.
    """

    def __init__(self, ledger: SqlLedger, store: Store) -> None:
        self._ledger = ledger
        self._store = store
        # The one that was used last comes last.
        self._blocks: dict[tuple[int, int, int], StoredBlock] = {}
        self._codecs: dict[int, str] = {}
        # A shard of results, and the sizes of its lines by block.
        self._sizes: tuple[int, dict[int, array[int]]] = -1, {}

    def body(self, shard: int, place: int) -> bytes:
        """Return the line of a request."""
        return self._block(BODY, shard, place >> LINE_BITS).line(place)

    def result(self, shard: int, place: int) -> bytes:
        """Return the line of a result."""
        return self._block(RESULT, shard, place >> LINE_BITS).line(place)

    def bodies(self, places: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        """Yield the lines of requests: (shard, place)."""
        in_shard = in_block = -1
        block: StoredBlock | None = None
        for shard, place in places:
            if block is None or place >> LINE_BITS != in_block or shard != in_shard:
                in_shard, in_block = shard, place >> LINE_BITS
                block = self.body_block(shard, in_block)
            yield block.line(place)

    def body_block(self, shard: int, number: int) -> StoredBlock:
        """Return a block of requests."""
        return self._block(BODY, shard, number)

    def find_results(self, shard: int, wanted: Sequence[int], found: list[bytes | None]) -> None:
        """Set lines of results of one shard in a list. Each block is read once.

        Args:
            shard: The shard.
            wanted: A number for each line, sorted: its place and, in the last bits, its index in the list. A million
                rows come through here, and pairs would take twice the time.
            found: The list.
        """
        number = end = -1
        content, sizes = b"", _sizes(b"")
        held = self._sizes
        if held[0] != shard:
            # Held here: another thread may read another shard meanwhile.
            held = self._sizes = shard, {}
        known = held[1]
        with self._store.results(shard) as block:
            for each in wanted:
                place = each >> INDEX_BITS
                if place >= end:
                    number = place >> LINE_BITS
                    end = (number + 1) << LINE_BITS
                    content = decoded(block(number))
                    # Rows of a shard are found in several passes, since their results come in any order.
                    if number not in known:
                        known[number] = _sizes(content)
                    sizes = known[number]
                line = place & _LINE
                try:
                    found[each & _INDEX] = content[sizes[line] + line : sizes[line + 1] + line]
                except IndexError:
                    raise _too_short(shard, number) from None

    def result_blocks(self, shard: int) -> Iterator[list[bytes]]:
        """Yield the lines of a shard's results by block."""
        count = len(self._ledger.blocks(RESULT, shard))
        if not count:
            # A shard whose results were given up has no file.
            return
        with self._store.results(shard) as block:
            for number in range(count):
                yield decoded(block(number)).split(b"\n")[:-1]

    def whole_body(self, shard: Shard) -> Iterator[bytes]:
        """Yield the lines of a body, as `whole_blocks` does."""
        return chain.from_iterable(self.whole_blocks(shard))

    def whole_blocks(self, shard: Shard) -> Iterator[list[bytes]]:
        """Yield the lines of a body by block, and check at the end that it is as it was written.

        Raises:
            LedgerDamagedError: It is not.
        """
        digest = hashlib.sha256()
        for block in self._store.body(shard.number, shard.codec):
            digest.update(block)
            try:
                lines = decoded(block)
            except LedgerDamagedError:
                raise _changed(shard) from None
            yield lines.split(b"\n")[:-1]
        if digest.hexdigest() != shard.hash:
            raise _changed(shard)

    def forget(self, shard: int) -> None:
        """Forget the blocks of a shard, after its number was given away."""
        self._codecs.pop(shard, None)
        for key in [key for key in self._blocks if key[1] == shard]:
            del self._blocks[key]

    def forget_results(self, shard: int) -> None:
        """Forget the sizes of a shard's results, before others are taken in their place."""
        if self._sizes[0] == shard:
            self._sizes = -1, {}

    def note_codec(self, shard: int, codec: str) -> None:
        """Note the codec of a shard that is being written."""
        self._codecs[shard] = codec

    def _block(self, kind: int, shard: int, number: int) -> StoredBlock:
        """Return a block, from memory if it is there."""
        key = kind, shard, number
        # Taken out and put back, which is safe where two threads do it.
        block = self._blocks.pop(key, None)
        if block is None:
            block = StoredBlock(shard, number, self._read(kind, shard, number))
            self._make_room(block.size)
        self._blocks[key] = block
        return block

    def _make_room(self, size: int) -> None:
        """Drop the blocks that were used longest ago."""
        kept = list(self._blocks.items())
        size += sum(block.size for _, block in kept)
        for key, block in kept:
            if size <= KEPT:
                return
            self._blocks.pop(key, None)
            size -= block.size

    def _read(self, kind: int, shard: int, number: int) -> bytes:
        codec = "" if kind == RESULT else self._codec(shard)
        return self._store.block(kind, shard, codec, number)

    def _codec(self, shard: int) -> str:
        if shard not in self._codecs:
            found = self._ledger.shard(shard)
            if found is None:
                raise LedgerDamagedError(f"the ledger names shard {shard}, and doesn't know it. {RESTORE}")
            self._codecs[shard] = found.codec
        return self._codecs[shard]


def _sizes(lines: bytes) -> array[int]:
    """Return the size of all lines before each line of a block, without their newlines; the last one is of them all."""
    return array("Q", accumulate(map(len, lines.split(b"\n")[:-1]), initial=0))


def _too_short(shard: int, block: int) -> LedgerDamagedError:
    return LedgerDamagedError(
        f"block {block} of shard {shard} has fewer lines than the ledger says. {RESTORE}"
    )


def _changed(shard: Shard) -> LedgerDamagedError:
    return LedgerDamagedError(
        f"the body of shard {shard.number} is not as it was written: its SHA-256 is another than {shard.hash[:16]}… "
        f"in the ledger. It was not sent. {RESTORE}"
    )
