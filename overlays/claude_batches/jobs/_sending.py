"""The body of a shard as it is sent."""

from __future__ import annotations

from collections.abc import Iterator

from .._batches.encoded_body import EncodedBody
from ._errors import JobError
from ._ids import sent_id
from ._ledger._sql import SqlLedger
from ._lines import BETWEEN, HEAD, TAIL, sent_line
from ._reading import Lines
from ._records import Shard

__all__ = ["sent_body"]


def sent_body(ledger: SqlLedger, lines: Lines, shard: Shard) -> EncodedBody:
    """Return the body of a shard, made of its file while it is sent.

    The last chunk comes after the whole file was checked, so no batch is made of a damaged one.
    """
    facts = ledger.facts()
    positions = ledger.positions(shard)
    # The id of each row is this and its position.
    head = None if facts.ids == "own" else f'"{sent_id(facts.token, shard.number, 0)[:-1]}'.encode()

    def chunks() -> Iterator[bytes]:
        numbers = iter(positions)
        count = size = 0
        held = HEAD
        for block in lines.whole_blocks(shard):
            if head is None:
                sent = [sent_line(line, None) for line in block]
            else:
                numbered = zip(block, numbers, strict=False)
                sent = [sent_line(line, b'%b%d"' % (head, position)) for line, position in numbered]
            if count:
                size += len(held)
                yield held
                held = BETWEEN
            held += BETWEEN.join(sent)
            count += len(block)
        held += TAIL
        size += len(held)
        if (count, size) != (shard.requests, shard.bytes):
            raise JobError(
                f"shard {shard.number} has {count} requests and {size:,} bytes on disk, and {shard.requests} and "
                f"{shard.bytes:,} in the ledger. Nothing was sent."
            )
        yield held

    return EncodedBody(shard.requests, shard.bytes, chunks)
