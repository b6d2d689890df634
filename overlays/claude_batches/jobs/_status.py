"""Status and report of a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import attrs

from .._words import counted
from ._ledger._sql import Spent, SqlLedger
from ._options import JobOptions
from ._records import WAITING, ItemState, JobState, Shard, ShardState
from ._staging import merged_count

__all__ = [
    "ARCHIVED_AFTER",
    "Doubt",
    "JobBatches",
    "JobReport",
    "JobStatus",
    "archived_soon",
    "batches_of",
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

    @property
    def stuck(self) -> bool:
        """True if the evidence is gone, so that only `resolve` can decide."""
        verdicts = set(self.candidates.values())
        return "gone" in verdicts and "open" not in verdicts

    def __str__(self) -> str:
        known = ", ".join(f"{batch_id} ({verdict})" for batch_id, verdict in self.candidates.items())
        return (
            f"shard {self.shard}: {counted(self.requests, 'request')}, {self.bytes:,} bytes, sent after "
            f"{self.intent_at:%Y-%m-%d %H:%M:%S %Z}; candidates: {known or 'none so far'}"
        )


@attrs.frozen
class JobBatches:
    """The batches of a job, by their times in seconds since the epoch, on the server's clock."""

    ended: Sequence[tuple[float, float]]
    """Creation and end of each batch that has ended."""
    open: Sequence[float]
    """Creation of each batch that has not ended."""
    left: int
    """The number of batches that are still to be made, or whose making is in doubt."""

    @property
    def known(self) -> int:
        """The number of batches that were made."""
        return len(self.ended) + len(self.open)

    @property
    def total(self) -> int:
        """The number of all batches, as far as they can be told by now: failed requests may make more."""
        return self.known + self.left


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
    batches_left: int
    """Batches that are still to be made, or whose making is in doubt."""
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
    def empty(self) -> bool:
        """True while the job has no requests."""
        return self.requests == 0

    @property
    def finished(self) -> bool:
        """True when each row has its final result; so also of an empty job, in which nothing is left to do."""
        return self.done == self.requests

    @property
    def batches_total(self) -> int:
        """The number of all batches, those that are still to be made among them."""
        return self.batches + self.batches_left

    def __str__(self) -> str:
        """Return a few lines for people; `repr` has all."""
        return "\n".join((self._state(), *self._lines()))

    def _state(self) -> str:
        if self.state != JobState.ACTIVE:
            return f"{self.state}: {self.reason}" if self.reason else self.state
        if self.empty:
            return "no requests yet"
        return "finished" if self.finished else "active"

    def _lines(self) -> Iterator[str]:
        causes = sorted(self.causes.items(), key=lambda each: (each[0] != "succeeded", -each[1], each[0]))
        others = {
            "not sent": self.staged,
            "in process": self.in_flight,
            "not collected": self.ended,
            "sent again": self.again,
            "held": self.held,
        }
        counts = [f"{count:,} {name}" for name, count in (*causes, *others.items()) if count]
        yield f"{counted(self.requests, 'request')}{': ' if counts else ''}{', '.join(counts)}"
        if self.twins:
            yield f"{counted(self.twins, 'more row repeats', 'more rows repeat')} the request of another"
        yield f"{self.batches_ended:,} of {counted(self.batches_total, 'batch', 'batches')} ended"
        yield from (f"in doubt: {doubt}" for doubt in self.doubts)
        if self.archived_soon:
            several = counted(len(self.archived_soon), "batch", "batches")
            yield f"the results of {several} are archived within three days"


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
        """True when each row has its final result; so also of an empty job, in which nothing is left to do."""
        return self.status.finished

    @property
    def paused(self) -> str | None:
        """Why the job is paused."""
        return self.status.reason if self.status.state == JobState.PAUSED else None

    def __str__(self) -> str:
        """Return a few lines for people; `repr` has all."""
        notes: list[str] = []
        if self.interrupted:
            notes.append("interrupted: run the job again to continue")
        if self.over_cost:
            notes.append("the rest is not sent, since it could cost more than max_cost")
        return "\n".join((str(self.status), *notes))


def status_of(ledger: SqlLedger, server_now: float, options: JobOptions) -> JobStatus:
    """Return the status of a job."""
    with ledger.snapshot():
        return _status(ledger, server_now, options)


def batches_of(ledger: SqlLedger, options: JobOptions) -> JobBatches:
    """Return the batches of a job, without counting rows."""
    with ledger.snapshot():
        return _batches(ledger.facts().state, ledger.shards(), options)


def _batches(state: JobState, shards: Sequence[Shard], options: JobOptions) -> JobBatches:
    ended: list[tuple[float, float]] = []
    open_: list[float] = []
    staged: list[Shard] = []
    unknown = 0
    for shard in shards:
        made = shard.created_at if shard.created_at is not None else shard.intent_at or 0.0
        if shard.batch_id is None:
            # A collected shard without a batch is one that a person gave up.
            unknown += shard.state in (ShardState.SENDING, ShardState.DOUBT)
            if shard.state in (ShardState.STAGED, ShardState.ADDING):
                staged.append(shard)
        elif shard.ended_at is None and shard.state is ShardState.OPEN:
            open_.append(made)
        else:
            # The end of a batch that a person gave up may not be known.
            ended.append((made, shard.ended_at if shard.ended_at is not None else made))
    # Small shards are merged before they are sent, and a canceled job sends none.
    left = 0 if state is JobState.CANCELED else merged_count(staged, options)
    return JobBatches(ended, open_, left + unknown)


def _status(ledger: SqlLedger, server_now: float, options: JobOptions) -> JobStatus:
    facts = ledger.facts()
    shards = ledger.shards()
    batches = _batches(facts.state, shards, options)
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
        batches=batches.known,
        batches_ended=len(batches.ended),
        batches_left=batches.left,
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
    return not left and next(ledger.items(states=WAITING), None) is None
