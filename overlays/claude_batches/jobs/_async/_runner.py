"""The steps of a job that talk to the API. Each can be repeated, and picks up where the ledger says."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import orjson

from ... import (
    AmbiguousCreateError,
    APIConnectionError,
    APIError,
    APIStatusError,
    AsyncClient,
    ClaudeBatchesError,
    DuplicateResultsError,
    ExcessResultsError,
    IncompleteResultsError,
    NotFoundError,
    RateLimitError,
    ResultsError,
    ResultsGoneError,
)
from ..._words import counted
from .._clock import ServerClock, epoch
from .._collect import Collected, ingest, ways_out
from .._errors import LedgerError, ShardError
from .._folder import Store, written_whole
from .._ids import key_of
from .._ledger._sql import SqlLedger
from .._options import JobOptions
from .._patience import Patience, requested_wait, stops_the_job
from .._reading import Lines
from .._records import FOREIGN, JobState, Shard, ShardState
from .._sending import sent_body
from .._settle import (
    CLOCK_ERROR,
    FIRST_LINES,
    Confirm,
    Listed,
    NotMade,
    Open,
    Stuck,
    confirms,
    earliest,
    settle,
)
from ._io import in_thread

__all__ = ["NAMED", "Allow", "AsyncRunner"]

logger = logging.getLogger("claude_batches.jobs")

#: The number of batches on a page of the list.
_PAGE = 100
#: Failures to collect after which results that are incomplete on the server are taken as they are.
_INCOMPLETE_AFTER = 5

#: The verdict about a batch that a user named.
NAMED = "named"

Allow = Callable[[Shard, list[Shard]], bool]


@attrs.frozen
class _Taking:
    """Results that are taken into the ledger."""

    shard: Shard
    result: Callable[[], Collected]
    """Waits for the end, or does it."""
    goes_on: Callable[[], bool] = lambda: False
    """Tells if a thread is still at it."""


class AsyncRunner:
    """The steps of one job.

    Args:
        client: The client.
        ledger: The ledger.
        store: The store.
        lines: The lines of bodies and results.
        options: The options.
    """

    def __init__(
        self, client: AsyncClient, ledger: SqlLedger, store: Store, lines: Lines, options: JobOptions
    ) -> None:
        self._batches = client.messages.batches
        self._ledger = ledger
        self._store = store
        self._lines = lines
        self._options = options
        # A server that answers lists may fail at every create, so each has a separate patience.
        pauses = options.poll_interval, max(options.poll_interval, options.max_poll_interval)
        self._patience = Patience(options.patience, pauses, time.monotonic)
        self._send_patience = Patience(options.patience, pauses, time.monotonic)
        self.clock = ServerClock()
        self.not_before = 0.0
        """The monotonic time before which nothing is sent: the queue was full, or the server failed."""
        self.sending: set[int] = set()
        """The shards that this process is sending at the moment."""
        self.stuck: set[int] = set()
        """The shards in doubt that only a person can decide about, as of the last poll."""
        # That the server can't be reached was told, and it has not answered since.
        self._told = False
        self._told_size = False
        self._missed: dict[str, float] = {}
        # The results that are taken into the ledger at the moment.
        self._taking: _Taking | None = None
        self._cancel_asked: set[str] = set()

    # Sending ------------------------------------------------------------------------------------------------

    async def submit(self, allow: Allow, stopping: Callable[[], bool], *, most: int | None = None) -> int:
        """Send shards as long as that is allowed, at most so many; return their number."""
        count = 0
        self._ledger.doubt_dead(self.sending)
        if not self.clock.asked and self._ledger.shards((ShardState.STAGED,)):
            await self._look_at_clock()
            if not self.clock.asked:
                # An intent by a clock that is ahead of the server's would hide its own batch.
                return 0
        while count != most and not stopping() and time.monotonic() >= self.not_before:
            shard = self._ledger.claim_send(self.clock.now(), self._options.max_in_flight, allow)
            if shard is None:
                break
            self.sending.add(shard.number)
            try:
                sent = await self._send(shard)
            finally:
                self.sending.discard(shard.number)
            if not sent:
                break
            count += 1
        return count

    def _tell_size(self, shard: Shard) -> None:
        """Tell once of a shard that is larger than `max_in_flight`, which splits no shard that is there."""
        most = self._options.max_in_flight
        if most is None or shard.requests <= most or self._told_size:
            return
        self._told_size = True
        logger.warning(
            "shard %s has %s, and max_in_flight is %s: it was made before, and is sent as one batch while no other is "
            "unfinished, as others like it are. Give max_in_flight before requests are added; to split these, add them "
            "to a new job that has it.",
            shard.number, counted(shard.requests, "request"), f"{most:,}",
        )  # fmt: skip

    async def _send(self, shard: Shard) -> bool:
        """Send a shard whose intent is committed; false if it was not made, or may not have been."""
        self._tell_size(shard)
        body = sent_body(self._ledger, self._lines, shard)
        try:
            # Private, because it checks nothing.
            create = self._batches._create_encoded  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            batch = await create(body, workspace_id=self._options.workspace_id, max_retries=0)
        except AmbiguousCreateError as error:
            self._ledger.doubt(shard)
            logger.warning("shard %s: %s It is looked for.", shard.number, error.message)
            self._wait(self._send_patience.failed(error))
            return False
        except APIError as error:
            # The client raises it only if the server certainly made nothing.
            self._ledger.release_send(shard)
            self._refused(shard, error)
            return False
        except ClaudeBatchesError:
            self._ledger.release_send(shard)
            raise
        except BaseException:
            # Ctrl-C, or a task that was canceled: the body may have been sent.
            self._ledger.doubt(shard)
            raise
        self._send_patience.succeeded()
        self._reached()
        try:
            self._ledger.made(shard, batch.id, epoch(batch.created_at))
        except LedgerError as error:
            error.add_note(
                f"Batch {batch.id} was made of shard {shard.number}. The next run finds that out by itself."
            )
            raise
        logger.info("shard %s: batch %s of %s", shard.number, batch.id, counted(shard.requests, "request"))
        return True

    def _refused(self, shard: Shard, error: APIError) -> None:
        if isinstance(error, RateLimitError):
            # The queue is full, or calls come too fast: both pass, however long they take.
            self._wait(max(requested_wait(error), self._options.poll_interval))
            logger.info("shard %s waits: %s", shard.number, error.message)
            return
        if isinstance(error, APIStatusError) and stops_the_job(error):
            self._ledger.set_state(
                JobState.PAUSED, f"billing: {error.message} Settle it, then resume() the job."
            )
            return
        self._wait(self._failed(self._send_patience, error))
        logger.info("shard %s is sent later: %s", shard.number, error.message)

    def _failed(self, patience: Patience, error: ClaudeBatchesError) -> float:
        """Note a failure, and tell the first one of a server that can't be reached; return the seconds to wait.

        Raises:
            ClaudeBatchesError: It doesn't pass by itself, or failures have gone on for too long.
        """
        delay = patience.failed(error)
        if isinstance(error, APIConnectionError) and not self._told:
            self._told = True
            logger.warning(
                "%s `run` goes on trying, for up to %s seconds without an answer.",
                f"{str(error).rstrip('.')}.",
                f"{self._options.patience:g}",
            )
        return delay

    def _reached(self) -> None:
        self._told = False

    def _wait(self, seconds: float) -> None:
        self.not_before = max(self.not_before, time.monotonic() + seconds)

    # Polling ------------------------------------------------------------------------------------------------

    async def poll(self) -> None:
        """Look at the list of batches: note those that ended, and settle the shards in doubt."""
        self._ledger.doubt_dead(self.sending)
        watched = [shard for shard in self._ledger.shards((ShardState.OPEN,)) if shard.ended_at is None]
        doubtful = self._ledger.shards((ShardState.DOUBT,))
        self.stuck &= {shard.number for shard in doubtful}
        if not watched and not doubtful:
            return
        since = min(
            (at for at in (*(shard.created_at for shard in watched), earliest(doubtful)) if at is not None),
            default=0.0,
        )
        try:
            # Candidates of shards in doubt may be anywhere since their intents; known batches end the search.
            wanted = None if doubtful else {shard.batch_id for shard in watched}
            server_now, listed = await self._list(since - CLOCK_ERROR, wanted)
            # Only shards that were in doubt before the list was requested: it has no evidence about others.
            self._ledger.note_doubt(doubtful, server_now)
            for shard in watched:
                await self._watch(shard, listed)
            if doubtful:
                await self._settle({shard.number for shard in doubtful}, server_now, listed)
        except ClaudeBatchesError as error:
            self._wait(self._failed(self._patience, error))
            logger.info("poll: %s", error)
        else:
            self._patience.succeeded()
            self._reached()

    async def _look_at_clock(self) -> None:
        """Ask for the server's time, before the first intent."""
        try:
            await self._list(float("inf"))
        except ClaudeBatchesError as error:
            self._wait(self._failed(self._patience, error))
            logger.info("the list can't be had: %s", error)

    async def _list(
        self, since: float, wanted: set[str | None] | None = None
    ) -> tuple[float, dict[str, Listed]]:
        """Return the server's time, and the batches that were made since then, or the wanted ones among them."""
        listed: dict[str, Listed] = {}
        response = await self._batches.with_raw_response.list(
            limit=1 if since == float("inf") else _PAGE, workspace_id=self._options.workspace_id
        )
        server_now = self.clock.note(response.headers)
        page: Any = await response.parse()
        while True:
            oldest = since
            for batch in page.data:
                each = _listed(batch)
                listed[each.id] = each
                oldest = each.created_at
            # A page may be empty and still have another one after it.
            found = wanted is not None and wanted <= listed.keys()
            if found or since == float("inf") or oldest < since or not page.has_next_page():
                return server_now, listed
            page = await page.get_next_page()

    async def _watch(self, shard: Shard, listed: dict[str, Listed]) -> None:
        assert shard.batch_id is not None
        batch = listed.get(shard.batch_id)
        if batch is None:
            try:
                batch = _listed(
                    await self._batches.retrieve(shard.batch_id, workspace_id=self._options.workspace_id)
                )
            except NotFoundError as error:
                self._not_found(shard, error)
                return
        self._missed.pop(shard.batch_id, None)
        if batch.ended:
            self._ledger.ended(shard.number, batch.ended_at, dict(batch.counts))
            logger.info("batch %s of shard %s has ended", shard.batch_id, shard.number)
        elif self._ledger.facts().state is JobState.CANCELED:
            await self._cancel(shard)

    def _not_found(self, shard: Shard, error: NotFoundError) -> None:
        """Wait for a batch: it is unknown for seconds after its creation, and once in a while later.

        Raises:
            ShardError: It has not been found for longer than `patience`.
        """
        assert shard.batch_id is not None
        now = time.monotonic()
        if shard.batch_id not in self._missed:
            self._missed[shard.batch_id] = now
            logger.warning(
                "batch %s of shard %s is not found; asking again for up to %s seconds",
                shard.batch_id, shard.number, f"{self._options.patience:g}",
            )  # fmt: skip
        if now - self._missed[shard.batch_id] > self._options.patience:
            raise ShardError(
                f"batch {shard.batch_id} of shard {shard.number} is not found: it was deleted, or the client is of "
                f"another workspace. If it was deleted, {ways_out(shard)}",
                shard.number,
            ) from error

    # Settling -------------------------------------------------------------------------------------------------

    async def _settle(self, numbers: set[int], server_now: float, listed: dict[str, Listed]) -> None:
        for shard in self._ledger.shards((ShardState.DOUBT,)):
            if shard.number not in numbers:
                continue
            verdict = settle(
                shard,
                listed.values(),
                known=self._ledger.known_batches(),
                verdicts=self._ledger.verdicts(shard.number),
                server_now=server_now,
                settle_seconds=self._options.settle_seconds,
            )
            self.stuck.discard(shard.number)
            match verdict:
                case Confirm(batches=batches):
                    await self._confirm(shard, batches)
                case NotMade():
                    self._ledger.release_send(shard)
                    logger.info("shard %s: no batch was made; it is sent again", shard.number)
                case Open(batches=batches):
                    for batch in batches:
                        self._ledger.set_verdict(shard.number, batch.id, "open")
                case Stuck(batches=batches):
                    self.stuck.add(shard.number)
                    for batch in batches:
                        self._ledger.set_verdict(shard.number, batch.id, "gone")
                case _:
                    pass

    async def _confirm(self, shard: Shard, batches: Any) -> None:
        """Compare the first results of candidates with the shard."""
        facts = self._ledger.facts()
        for batch in batches:
            custom_ids = await self._first_ids(shard, batch)
            if not custom_ids:
                continue
            if facts.ids == "own":
                items = self._ledger.items_by_key([key_of(each) for each in custom_ids])
                ours = len(items) == len(set(custom_ids)) and all(
                    item.shard == shard.number for item in items.values()
                )
            else:
                ours = confirms(facts.token, shard.number, custom_ids)
            if not ours:
                self._ledger.set_verdict(shard.number, batch.id, FOREIGN)
            elif self._ledger.made(shard, batch.id, batch.created_at):
                self._ledger.ended(shard.number, batch.ended_at, dict(batch.counts))
                logger.info("shard %s: batch %s is its", shard.number, batch.id)
                return

    async def _first_ids(self, shard: Shard, batch: Listed) -> list[str]:
        custom_ids: list[str] = []
        try:
            async with self._batches.results(
                batch.id, workspace_id=self._options.workspace_id, on_bad_line="skip"
            ) as results:
                async for result in results:
                    custom_ids.append(result.custom_id)
                    if len(custom_ids) == FIRST_LINES:
                        break
        except ResultsGoneError:
            self._ledger.set_verdict(shard.number, batch.id, "gone")
        except ResultsError:
            # Their outcomes count.
            pass
        except NotFoundError:
            pass
        return custom_ids

    # Collecting -----------------------------------------------------------------------------------------------

    async def collect(self, stopping: Callable[[], bool], *, leave_last: bool = False) -> list[Collected]:
        """Download the results of all ended batches and take them into the ledger.

        The results of one batch are taken in a thread while those of the next one are downloaded.

        Args:
            stopping: Tells if the rest is left to a later call.
            leave_last: Return while the last results are taken. The next call returns them, or `end` waits for them.
        """
        done: list[Collected] = []
        failed: list[int] = []
        while True:
            held = [] if self._taking is None else [self._taking.shard.number]
            shard = None if stopping() else self._ledger.claim_collect([*failed, *held])
            if shard is None and (leave_last or self._taking is None):
                return done
            path = None
            try:
                if shard is not None:
                    path = await self._download(shard, failed)
            except BaseException:
                await self.end()
                raise
            try:
                done += await self._taken()
            except BaseException:
                if shard is not None and path is not None:
                    self._ledger.collect_left(shard)
                raise
            if shard is not None and path is not None:
                self._take(shard, path)

    async def end(self) -> None:
        """Wait for results that are taken, after something else failed or `collect` left them."""
        if self._taking is None:
            return
        if self._calls_user:
            # It has not begun, and a user's functions may take long. The file is whole, and is taken by a later call.
            self._ledger.collect_left(self._taking.shard)
            self._taking = None
            return
        with suppress(Exception):
            # A later call raises its error again.
            await self._taken()

    async def _download(self, shard: Shard, failed: list[int]) -> Path | None:
        """Download results; `None`, and the shard among the failed ones, where that is to be done later."""
        assert shard.batch_id is not None
        path = self._store.download_path(shard.number)
        try:
            # A file that is there is whole: only its taking into the ledger was cut off.
            if not path.exists():
                try:
                    await self._batches.download(
                        shard.batch_id, path, workspace_id=self._options.workspace_id
                    )
                except (IncompleteResultsError, DuplicateResultsError, ExcessResultsError):
                    if shard.failures < _INCOMPLETE_AFTER:
                        raise
                    await self._take_incomplete(shard.batch_id, path)
        except (APIError, ResultsError) as error:
            self._ledger.collect_failed(shard)
            failed.append(shard.number)
            self._collect_failed(shard, error)
            return None
        except BaseException:
            self._ledger.collect_failed(shard)
            raise
        self._patience.succeeded()
        return path

    @property
    def _calls_user(self) -> bool:
        return self._options.check is not None or self._options.retry_if is not None

    def _take(self, shard: Shard, path: Path) -> None:
        """Begin to take results."""
        take = partial(ingest, self._ledger, self._store, self._lines, self._options, shard, path)
        if self._calls_user:
            # A user's functions are called where the user calls the job.
            self._taking = _Taking(shard, take)
            return
        thread = ThreadPoolExecutor(1, "claude-batches collect")
        done = thread.submit(take)
        thread.shutdown(wait=False)
        self._taking = _Taking(shard, done.result, lambda: not done.done())

    async def _taken(self) -> list[Collected]:
        """Wait for results that are taken; return nothing where the batch that `resolve` named is another one's."""
        taking = self._taking
        if taking is None:
            return []
        shard = taking.shard
        try:
            collected = await in_thread(taking.result)
        except BaseException as error:
            if taking.goes_on():
                # Only the waiting ended, by Ctrl-C say.
                raise
            self._taking = None
            self._ledger.collect_failed(shard)
            if not isinstance(error, ShardError):
                raise
            self._store.download_path(shard.number).unlink(missing_ok=True)
            if not error.foreign:
                raise
            if self._ledger.verdict(shard) != NAMED:
                # A person decides: the shard's own batch may be at another server, and paid for.
                self._ledger.set_verdict(shard.number, shard.batch_id or "", FOREIGN)
                raise
            self._ledger.dispute(shard)
            logger.warning(
                "batch %s, named by resolve(), is not the one of shard %s", shard.batch_id, shard.number
            )
            return []
        self._taking = None
        logger.info("shard %s: %s", shard.number, dict(collected.causes))
        return [collected]

    async def _take_incomplete(self, batch_id: str, path: Any) -> None:
        """Write the results that there are: each server was asked often enough for the rest."""
        with written_whole(path) as file:
            try:
                async with self._batches.results(
                    batch_id, workspace_id=self._options.workspace_id, on_bad_line="skip"
                ) as results:
                    async for result in results:
                        file.write(orjson.dumps(result.to_dict()) + b"\n")
            except (IncompleteResultsError, DuplicateResultsError, ExcessResultsError) as error:
                logger.warning("batch %s: %s Its other requests count as missing.", batch_id, error)

    def _collect_failed(self, shard: Shard, error: ClaudeBatchesError) -> None:
        if isinstance(error, ResultsGoneError):
            raise ShardError(
                f"shard {shard.number}: {error} Its rows have no results: {ways_out(shard)}",
                shard.number,
            ) from error
        if isinstance(error, NotFoundError):
            self._not_found(shard, error)
            return
        self._wait(self._patience.failed(error))
        logger.info("shard %s is collected later: %s", shard.number, error)

    async def made_at(self, batch_id: str, shard: Shard) -> float | None:
        """Return when a batch was made that a user names.

        Raises:
            ShardError: It has another number of requests.
        """
        batch = _listed(await self._batches.retrieve(batch_id, workspace_id=self._options.workspace_id))
        if batch.requests != shard.requests:
            raise ShardError(
                f"batch {batch_id} has {counted(batch.requests, 'request')}, and shard {shard.number} "
                f"{shard.requests}: it is another one's",
                shard.number,
            )
        return batch.created_at

    async def gone(self, shard: Shard) -> bool:
        """Tell if a batch was deleted or archived."""
        assert shard.batch_id is not None
        try:
            batch = await self._batches.retrieve(shard.batch_id, workspace_id=self._options.workspace_id)
        except NotFoundError:
            return True
        return batch.archived_at is not None

    # Canceling ------------------------------------------------------------------------------------------------

    async def cancel(self) -> None:
        """Ask to cancel all batches that have not ended."""
        for shard in self._ledger.shards((ShardState.OPEN,)):
            if shard.ended_at is None:
                await self._cancel(shard)

    async def _cancel(self, shard: Shard) -> None:
        assert shard.batch_id is not None
        if shard.batch_id in self._cancel_asked:
            return
        try:
            await self._batches.cancel(shard.batch_id, workspace_id=self._options.workspace_id)
        except NotFoundError:
            return
        except APIStatusError as error:
            if error.worth_retrying:
                self._wait(self._patience.failed(error))
                return
            # It has ended meanwhile; the next poll shows it.
            logger.info("batch %s is not canceled: %s", shard.batch_id, error)
        except APIError as error:
            self._wait(self._patience.failed(error))
            return
        self._cancel_asked.add(shard.batch_id)


def _listed(batch: Any) -> Listed:
    counts: dict[str, int] = {
        name: count for name, count in batch.request_counts.to_dict().items() if isinstance(count, int)
    }
    return Listed(
        id=batch.id,
        created_at=epoch(batch.created_at) or 0.0,
        requests=sum(counts.values()),
        ended=batch.processing_status == "ended",
        archived=batch.archived_at is not None,
        ended_at=epoch(batch.ended_at) or epoch(batch.created_at),
        counts=counts,
    )
