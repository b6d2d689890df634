"""Batches that a client created or reconciled, and creates of unknown outcome.

A reconciled batch is not certain to be the client's own: it is the only one that matches. So the hashes of the sent
custom_ids are kept, and reading its results compares them.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict, deque
from collections.abc import Container
from datetime import UTC, datetime
from threading import Lock

import attrs

from .._logging import logger
from .origin import Origin

__all__ = ["KnownBatches", "RunningCreate", "SentIds", "UnsettledCreate"]

#: Number of batches remembered.
REMEMBERED = 10_000
#: Number of creates of unknown outcome remembered.
UNSETTLED = 1_000


@attrs.frozen
class UnsettledCreate:
    """A create that was left with an unknown outcome: a batch may exist and may be billed."""

    request_count: int
    """Number of requests in the batch."""
    body_bytes: int
    """Size of the body in bytes."""
    started_at: datetime
    """Time at which the last byte of the body was sent, by this machine's clock."""
    batch_id: str | None
    """Id of the batch, if the response with it was read."""
    reason: str
    """Description of the failure or interruption."""


class SentIds(Container[str]):
    """The custom_ids that were sent with a batch, as hashes of this process."""

    def __init__(self, hashes: array[int]) -> None:
        self._hashes = frozenset(hashes)

    def __contains__(self, custom_id: object) -> bool:
        return hash(custom_id) in self._hashes


@attrs.define(eq=False)
class RunningCreate:
    """A call of `create` between its first attempt and its outcome."""

    request_count: int
    body_bytes: int
    ids: array[int]
    """A hash of each custom_id, in order."""


class KnownBatches:
    """Record of the batches created by a client and its copies. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        # By origin and id: two servers for tests can give the same ids.
        self._known: OrderedDict[tuple[Origin, str], SentIds | None] = OrderedDict()
        self._running: set[RunningCreate] = set()
        self._unsettled: deque[UnsettledCreate] = deque(maxlen=UNSETTLED)

    @property
    def unsettled(self) -> list[UnsettledCreate]:
        """Creates of unknown outcome, oldest first."""
        return list(self._unsettled)

    def begin(self, create: RunningCreate) -> None:
        """Note the start of a create."""
        with self._lock:
            self._running.add(create)

    def created(self, create: RunningCreate, origin: Origin, batch_id: str) -> None:
        """Note the batch of a successful create."""
        with self._lock:
            self._running.discard(create)
            self._note(origin, batch_id, None)

    def not_created(self, create: RunningCreate) -> None:
        """Note that a create certainly made no batch."""
        with self._lock:
            self._running.discard(create)

    def left_unsettled(
        self, create: RunningCreate, sent_at: float, reason: str, batch_id: str | None = None
    ) -> None:
        """Note that a create ended with an unknown outcome."""
        record = UnsettledCreate(
            create.request_count, create.body_bytes, datetime.fromtimestamp(sent_at, UTC), batch_id, reason
        )
        with self._lock:
            self._running.discard(create)
            self._unsettled.append(record)
        logger.warning(
            "create: a batch of %d requests (%d bytes) was sent at %s and its outcome is unknown%s: %s",
            record.request_count,
            record.body_bytes,
            record.started_at.isoformat(timespec="seconds"),
            "" if batch_id is None else f" (batch {batch_id})",
            reason,
        )

    def has_rival(self, create: RunningCreate) -> bool:
        """Return true while another create of the same size runs. A batch on the list may then be the other's."""
        with self._lock:
            return any(
                other is not create and other.request_count == create.request_count for other in self._running
            )

    def reconcile(self, create: RunningCreate, origin: Origin, batch_id: str) -> bool:
        """Take a batch for that of a create. Return false if it is known to be another's or may be a rival's."""
        with self._lock:
            rival = any(
                other is not create and other.request_count == create.request_count for other in self._running
            )
            if rival or (origin, batch_id) in self._known:
                return False
            self._running.discard(create)
            self._note(origin, batch_id, SentIds(create.ids))
            return True

    def is_known(self, origin: Origin, batch_id: str) -> bool:
        """Return true for a batch that was created or reconciled."""
        return (origin, batch_id) in self._known

    def sent_ids(self, origin: Origin, batch_id: str) -> SentIds | None:
        """Return the custom_ids that a reconciled batch must have; `None` for every other batch."""
        with self._lock:
            return self._known.get((origin, batch_id))

    def _note(self, origin: Origin, batch_id: str, ids: SentIds | None) -> None:
        self._known[origin, batch_id] = ids
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
