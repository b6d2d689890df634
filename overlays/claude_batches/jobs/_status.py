"""Status and report of a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import attrs

from .._words import counted
from ._ledger._sql import Spent, SqlLedger
from ._records import ItemState, JobState, Shard, ShardState

__all__ = [
    "ARCHIVED_AFTER",
    "Doubt",
    "JobReport",
    "JobStatus",
    "archived_soon",
    "doubts",
    "finished",
    "status_of",
]

#: Seconds after a batch's creation that its results are kept.
ARCHIVED_AFTER = 29 * 24 * 3600.0
#: Seconds before that at which a job warns.
WARNED_BEFORE = 3 * 24 * 3600.0


@attrs.frozen
class Doubt:
    """A shard whose batch may or may not exist, with all known facts."""

    shard: int
    requests: int
    bytes: int
    sends: int
    intent_at: datetime | None
    """The server's time before it was sent."""
    candidates: Mapping[str, str]
    """The verdicts about batches that may be it: `"foreign"`, `"gone"`, `"open"`, by id."""

    def __str__(self) -> str:
        known = ", ".join(f"{batch_id} ({verdict})" for batch_id, verdict in self.candidates.items())
        return (
            f"shard {self.shard}: {counted(self.requests, 'request')}, {self.bytes:,} bytes, sent after "
            f"{self.intent_at:%Y-%m-%d %H:%M:%S %Z}; candidates: {known or 'none so far'}"
        )


@attrs.frozen(kw_only=True)
class JobStatus:
    """The state of a job, from the ledger alone."""

    state: str
    """`"active"`, `"paused"` or `"canceled"`."""
    reason: str | None
    """Why the job is paused."""
    requests: int
    """The number of requests."""
    twins: int
    """Rows of tables that repeat another row's request, and are not sent; not among `requests`."""
    staged: int
    """Rows that are ready to be sent."""
    in_flight: int
    """Rows in batches that have not ended, or may have been made."""
    ended: int
    """Rows in ended batches whose results are not collected."""
    done: int
    """Rows with a final result."""
    again: int
    """Rows that are sent again."""
    held: int
    """Rows that are sent again when the job is resumed."""
    causes: Mapping[str, int]
    """Rows with a final result, by cause."""
    shards: Mapping[str, int]
    """Shards by state."""
    batches: int
    """Batches that are known."""
    batches_ended: int
    """Batches that have ended."""
    doubts: Sequence[Doubt]
    """Shards whose batch may or may not exist."""
    archived_soon: Sequence[str]
    """Batches whose results are not collected and will be archived within three days."""

    @property
    def succeeded(self) -> int:
        """The number of rows that succeeded."""
        return self.causes.get("succeeded", 0)

    @property
    def failed(self) -> int:
        """The number of rows whose final result is not a success."""
        return self.done - self.succeeded

    @property
    def finished(self) -> bool:
        """True when each row has its final result."""
        return self.done == self.requests


@attrs.frozen(kw_only=True)
class JobReport:
    """The outcome of `run`."""

    status: JobStatus
    interrupted: bool = False
    """It was stopped by Ctrl-C or `stop()`; run the job again to continue."""
    over_cost: bool = False
    """The rest is not sent, since it could cost more than `max_cost`."""
    spent: Sequence[Spent] = ()
    """The tokens of all attempts, summed up."""

    @property
    def finished(self) -> bool:
        """True when each row has its final result."""
        return self.status.finished

    @property
    def paused(self) -> str | None:
        """Why the job is paused."""
        return self.status.reason if self.status.state == JobState.PAUSED else None


def status_of(ledger: SqlLedger, server_now: float) -> JobStatus:
    """Return the status of a job."""
    with ledger.snapshot():
        return _status(ledger, server_now)


def _status(ledger: SqlLedger, server_now: float) -> JobStatus:
    facts = ledger.facts()
    shards = ledger.shards()
    by_state: dict[str, int] = {}
    rows: dict[str, int] = {}
    for shard in shards:
        state = (
            "ended" if shard.state is ShardState.OPEN and shard.ended_at is not None else shard.state.value
        )
        by_state[state] = by_state.get(state, 0) + 1
        rows[state] = rows.get(state, 0) + shard.requests
    causes: dict[str, int] = {}
    total = done = again = held = 0
    for row_state, cause, count in ledger.count_items():
        total += count
        if row_state == ItemState.DONE:
            done += count
            causes[cause or "missing"] = causes.get(cause or "missing", 0) + count
        elif row_state == ItemState.HELD:
            held += count
        elif row_state != ItemState.OPEN:
            again += count
    return JobStatus(
        state=facts.state.value,
        reason=facts.reason,
        requests=total,
        twins=ledger.count_twins(),
        staged=rows.get("staged", 0) + rows.get("adding", 0),
        in_flight=rows.get("sending", 0) + rows.get("doubt", 0) + rows.get("open", 0),
        ended=rows.get("ended", 0),
        done=done,
        again=again,
        held=held,
        causes=causes,
        shards=by_state,
        batches=sum(shard.batch_id is not None for shard in shards),
        batches_ended=sum(shard.ended_at is not None for shard in shards),
        doubts=doubts(ledger, shards),
        archived_soon=archived_soon(shards, server_now),
    )


def archived_soon(shards: Sequence[Shard], server_now: float) -> list[str]:
    """Return the batches whose results are not collected and will be archived within three days."""
    return [
        shard.batch_id
        for shard in shards
        if shard.state is ShardState.OPEN
        and shard.batch_id is not None
        and shard.created_at is not None
        and WARNED_BEFORE > shard.created_at + ARCHIVED_AFTER - server_now > 0
    ]


def doubts(ledger: SqlLedger, shards: Sequence[Shard]) -> list[Doubt]:
    """Return the known facts about the shards in doubt."""
    return [
        Doubt(
            shard.number,
            shard.requests,
            shard.bytes,
            shard.sends,
            None if shard.intent_at is None else datetime.fromtimestamp(shard.intent_at, UTC),
            ledger.verdicts(shard.number),
        )
        for shard in shards
        if shard.state is ShardState.DOUBT
    ]


def finished(ledger: SqlLedger) -> bool:
    """Tell if nothing is left to do, without counting rows."""
    facts = ledger.facts()
    left = [shard.state for shard in ledger.shards() if shard.state is not ShardState.COLLECTED]
    if facts.state is not JobState.ACTIVE:
        # An unsent shard stays unsent.
        return all(state in (ShardState.STAGED, ShardState.ADDING) for state in left)
    return not left and next(ledger.items(states=(ItemState.AGAIN, ItemState.MORE, ItemState.CONTINUE,
                                                  ItemState.CHANGED, ItemState.HELD)), None) is None  # fmt: skip
