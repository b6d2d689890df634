"""Settling: finding out if a batch was made whose id is not known. Decisions only.

The evidence, in this order:

1. The batch was made after the intent (by the server's clock) and has the shard's number of requests.
2. It is not the batch of another shard, and was not refuted before.
3. The custom_ids of its first results are the shard's. Results exist once a batch has ended; until then the shard
   stays in doubt, and the rest of the job continues.

A shard counts as not made when, `settle_seconds` after the doubt arose (by the server's clock), the list has no
candidate left. Only then is it sent again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

import attrs

from ._ids import parse_sent_id
from ._records import FOREIGN, Shard

__all__ = [
    "CLOCK_ERROR",
    "FIRST_LINES",
    "Confirm",
    "Listed",
    "NotMade",
    "Open",
    "Stuck",
    "Verdict",
    "Wait",
    "confirms",
    "earliest",
    "settle",
]

#: Seconds that a batch may seem to be made before its intent: a `Date` has whole seconds, and clocks differ.
CLOCK_ERROR = 5.0
#: The number of results that confirm a candidate.
FIRST_LINES = 5


@attrs.frozen
class Listed:
    """A batch on the list."""

    id: str
    created_at: float
    requests: int
    ended: bool
    archived: bool
    ended_at: float | None = None
    counts: Mapping[str, int] = attrs.field(factory=dict[str, int])


@attrs.frozen
class Confirm:
    """Compare the first results of these batches, which have ended."""

    batches: Sequence[Listed]


@attrs.frozen
class Open:
    """Wait: these candidates have not ended."""

    batches: Sequence[Listed]


@attrs.frozen
class Wait:
    """Wait: the batch may not be on the list yet."""

    until: float
    """By the server's clock."""


@attrs.frozen
class NotMade:
    """No batch was made: send the shard again."""


@attrs.frozen
class Stuck:
    """The evidence is gone: a person has to decide."""

    batches: Sequence[Listed]


Verdict: TypeAlias = Confirm | Open | Wait | NotMade | Stuck


def earliest(shards: Iterable[Shard]) -> float | None:
    """Return the time from which the list of batches is of interest; `None` if it is not."""
    return min(
        (shard.intent_at - CLOCK_ERROR for shard in shards if shard.intent_at is not None), default=None
    )


def settle(
    shard: Shard,
    listed: Iterable[Listed],
    *,
    known: Collection[str],
    verdicts: Mapping[str, str],
    server_now: float,
    settle_seconds: float,
) -> Verdict:
    """Decide about a shard in doubt.

    Args:
        shard: The shard.
        listed: The batches made since its intent.
        known: The batches of the job's other shards.
        verdicts: Earlier verdicts about candidates: `"foreign"`, or `"gone"` where results can't be read any more.
        server_now: The server's time when the list was asked for.
        settle_seconds: Seconds until a batch that is not on the list counts as not made.
    """
    assert shard.intent_at is not None
    candidates = [
        batch
        for batch in listed
        if batch.requests == shard.requests
        and batch.created_at >= shard.intent_at - CLOCK_ERROR
        and batch.id not in known
        and verdicts.get(batch.id) != FOREIGN
    ]
    stuck = [batch for batch in candidates if batch.archived or verdicts.get(batch.id) == "gone"]
    ended = [batch for batch in candidates if batch.ended and batch not in stuck]
    if ended:
        return Confirm(ended)
    still_open = [batch for batch in candidates if not batch.ended]
    if still_open:
        return Open(still_open)
    if stuck:
        return Stuck(stuck)
    since = shard.doubt_at if shard.doubt_at is not None else server_now
    if server_now < since + settle_seconds:
        return Wait(since + settle_seconds)
    return NotMade()


def confirms(token: str, shard: int, custom_ids: Sequence[str]) -> bool:
    """Tell if the first results of a batch are those of a shard with derived ids."""
    return bool(custom_ids) and all(
        sent is not None and sent.token == token and sent.shard == shard
        for sent in map(parse_sent_id, custom_ids)
    )
