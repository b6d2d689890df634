"""What this process knows of the batches that it made, and of those that it adopted.

A batch is adopted when it is not certain that it is ours, only that it is the one batch that fits. So its
custom_ids are kept (as hashes, 8 bytes each), and reading its results checks them against what was sent.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict
from threading import Lock

from claude_batches_api.models import MessageBatch

from ._origin import Origin

__all__ = ["AdoptedBatch", "SentIds", "adopted", "claim", "is_ours", "remember", "sent_ids"]

#: How many batches are remembered.
REMEMBERED = 10_000


class AdoptedBatch(MessageBatch):
    """A batch that `create(..., on_ambiguous="reconcile")` found after its own answer got lost.

    It is the only one made in that time with that number of requests, and it may still be another
    program's. Reading its results with this package, in the same process, checks that they are of the
    requests that were sent.
    """

    __slots__ = ()

    @property
    def adopted(self) -> bool:
        """Always true."""
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MessageBatch) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]


class SentIds:
    """The custom_ids that were sent with a batch."""

    def __init__(self, hashes: array[int]) -> None:
        self._hashes = array("q", sorted(hashes))

    def __len__(self) -> int:
        return len(self._hashes)

    def __contains__(self, custom_id: object) -> bool:
        key = hash(custom_id)
        index = bisect_left(self._hashes, key)
        return index < len(self._hashes) and self._hashes[index] == key


# By origin and id: a server for tests may well give the same ids as another.
_lock = Lock()
_ours: OrderedDict[tuple[Origin, str], SentIds | None] = OrderedDict()


def remember(origin: Origin, batch_id: str) -> None:
    """Note that a batch is one that this process made, which no other call may adopt."""
    with _lock:
        _note(origin, batch_id, None)


def claim(origin: Origin, batch_id: str, hashes: array[int]) -> bool:
    """Adopt a batch; false if another call of this process made it or was faster."""
    with _lock:
        if (origin, batch_id) in _ours:
            return False
        _note(origin, batch_id, SentIds(hashes))
        return True


def is_ours(origin: Origin, batch_id: str) -> bool:
    """Whether this process made or adopted a batch."""
    return (origin, batch_id) in _ours


def sent_ids(batch_id: str) -> SentIds | None:
    """The custom_ids that an adopted batch must have; `None` where there is nothing to check."""
    with _lock:
        return next((ids for (_, known), ids in reversed(_ours.items()) if known == batch_id), None)


def adopted(batch: MessageBatch) -> AdoptedBatch:
    """The same batch, as one that knows that it was adopted."""
    adopted = AdoptedBatch.__new__(AdoptedBatch)
    for kind in type(batch).__mro__:
        for slot in getattr(kind, "__slots__", ()):
            if hasattr(batch, slot):
                setattr(adopted, slot, getattr(batch, slot))
    return adopted


def _note(origin: Origin, batch_id: str, ids: SentIds | None) -> None:
    _ours[origin, batch_id] = ids
    while len(_ours) > REMEMBERED:
        _ours.popitem(last=False)
