"""Records: the facts that a ledger keeps, as the rest of the package sees them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple, TypeAlias

import attrs
import orjson

__all__ = [
    "BODY",
    "FOREIGN",
    "RESULT",
    "WAITING",
    "Block",
    "Item",
    "ItemState",
    "JobFacts",
    "JobState",
    "Positions",
    "Shard",
    "ShardState",
    "StageWrite",
    "Twin",
    "Worker",
    "WriteState",
]

#: The kinds of blocks.
BODY, RESULT = 0, 1
#: The verdict about a batch that is not the one of a shard.
FOREIGN = "foreign"


class JobState(StrEnum):
    """The state of a job."""

    ACTIVE = "active"
    PAUSED = "paused"
    CANCELED = "canceled"


class ShardState(StrEnum):
    """The state of a shard, in the order that it goes through them."""

    ADDING = "adding"
    """Being written; the call that adds it has not returned."""
    STAGED = "staged"
    """On disk, not sent."""
    SENDING = "sending"
    """Its intent is committed, its batch is not known."""
    DOUBT = "doubt"
    """Its intent is committed, and the process or the connection was lost: a batch may exist."""
    OPEN = "open"
    """Its batch is known."""
    COLLECTED = "collected"
    """Its results are on disk and in the ledger."""


#: States in which a shard counts as paid for.
COMMITTED = (ShardState.SENDING, ShardState.DOUBT, ShardState.OPEN, ShardState.COLLECTED)


class ItemState(IntEnum):
    """The state of a row beyond that of its shard."""

    OPEN = 0
    """No result yet."""
    DONE = 1
    """Its result is final."""
    AGAIN = 2
    """Is sent again as it is."""
    MORE = 3
    """Is sent again with more tokens."""
    CONTINUE = 4
    """Its turn is continued."""
    CHANGED = 5
    """Is sent again with params by the user's predicate."""
    HELD = 6
    """Is sent again when the job is resumed; no attempt is counted."""


#: States of rows that have a result, or none in an ended batch, and are sent again.
WAITING = (ItemState.AGAIN, ItemState.MORE, ItemState.CONTINUE, ItemState.CHANGED, ItemState.HELD)


@attrs.frozen
class JobFacts:
    """The facts about a job that never change, and its state."""

    token: str
    """The job's part of each derived custom_id."""
    ids: str
    """`"derived"` or `"own"`."""
    state: JobState
    reason: str | None
    """Why it is paused."""
    created_at: float


class Positions:
    """The positions of a shard's rows, in its order: a range, or an array where rows are sent again."""

    def __init__(self, first: int, count: int, listed: bytes | None = None) -> None:
        self._values: Sequence[int] = range(first, first + count)
        self._index: dict[int, int] | None = None
        if listed is not None:
            values = array("I")
            values.frombytes(listed)
            self._values = values

    @staticmethod
    def packed(positions: Iterable[int]) -> bytes:
        """Write positions as bytes."""
        return array("I", positions).tobytes()

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, index: int) -> int:
        return self._values[index]

    def index(self, position: int) -> int | None:
        """Return the index of a position in the shard; `None` for one of another shard."""
        if isinstance(self._values, range):
            inside = position in self._values
            return position - self._values.start if inside else None
        if self._index is None:
            self._index = {value: index for index, value in enumerate(self._values)}
        return self._index.get(position)


@attrs.frozen(kw_only=True)
class Shard:
    """A shard: rows that are sent as one batch."""

    number: int
    state: ShardState
    kind: str
    """`"first"`, `"canary"` or `"retry"`."""
    requests: int
    bytes: int
    """The size of the body as sent."""
    codec: str
    hash: str
    """SHA-256 of the blocks on disk."""
    facts: str
    """JSON: requests, bytes of params and `max_tokens` by model."""
    first: int
    """The position of its first row."""
    owner: str | None = None
    """The process that works on it."""
    sends: int = 0
    """Number of committed intents."""
    intent_at: float | None = None
    """The server's time before the last send, in seconds since the epoch."""
    doubt_at: float | None = None
    """The server's time when its outcome was first looked into."""
    batch_id: str | None = None
    created_at: float | None = None
    ended_at: float | None = None
    counts: str | None = None
    """JSON: the `request_counts` of the ended batch."""
    failures: int = 0
    """Number of consecutive failures of collecting."""

    @property
    def models(self) -> dict[str, list[int]]:
        """Requests, bytes of params and sum of `max_tokens`, by model."""
        found: dict[str, list[int]] = orjson.loads(self.facts)
        return found


class Item(NamedTuple):
    """A row."""

    position: int
    shard: int
    place: int
    state: int
    attempt: int
    cause: str | None
    result: int | None
    """The position of its result among those of its shard."""


ItemValues: TypeAlias = tuple[int, int, int, int, int, str | None, int | None]
"""The values of an `Item`, in their order."""


class Twin(NamedTuple):
    """A row of a table whose request is that of another row: it is paid for once, and has its result."""

    position: int
    item: int
    """The position of the row that is sent."""
    columns: bytes
    """JSON of the columns of the row."""


class Block(NamedTuple):
    """Location of a block in its file."""

    start: int
    length: int


class Worker(NamedTuple):
    """A process that works on a job."""

    pid: int
    host: str
    """The name of its machine."""


class WriteState(StrEnum):
    """The state of a write to a stage."""

    BEGUN = "begun"
    """Its tasks may write; nothing of it can be sent."""
    REGISTERED = "registered"
    """Its shards are in the ledger."""
    DISCARDED = "discarded"
    """It was given up: its files are deleted, and it can't be registered any more."""


@attrs.frozen
class StageWrite:
    """A write to a stage, as the ledger knows it."""

    id: str
    place: str
    """The URL of the folder that its tasks write to."""
    state: WriteState
    begun_at: float
    columns: str | None
    """The engine's own description of the rows' columns."""
    added: int
    known: int
    shards: int
    taken: str
    """JSON: the attempt of each partition, and a hash of its files."""
