"""`AsyncJob`: a table of requests, paid for once, joined with their results."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from inspect import signature
from itertools import islice
from types import TracebackType
from typing import IO, Any, Literal, Self, TypeGuard, Unpack, overload

import attrs

from ... import AsyncClient, ClaudeBatchesError
from ..._interrupts import Interrupts
from ..._words import counted
from .._adding import Adding
from .._collect import CANARY_FAILED, Collected
from .._cost import Plan, Planner, Report
from .._cost._budget import dollars
from .._cost._plan import countable
from .._errors import JobConflictError, JobError, JobHeldError, JobOptionsError, ShardError
from .._export import export
from .._keeping import keep_waiting
from .._ledger._sql import Spent
from .._money import Money
from .._opening import Ledger, Opened, check_answers, opened, options_of, store_options, stored_answers
from .._options import Ids, JobOptions, OptionKeys, check_names, typed
from .._records import FOREIGN, WAITING, ItemState, JobFacts, JobState, Shard, ShardState, Worker
from .._requests import Rows
from .._rows import JobRow, Order, rows
from .._staging import exhausted, merge, merged_count, reopen, restage
from .._status import JobBatches, JobReport, JobStatus, archived_soon, batches_of, finished, status_of
from .._tables import AnswerType, answer_type, checked_limit, read_source
from .._tables._write import ArrowReader, FileFormat, TableFormat, write_table
from ._io import in_thread, pause
from ._runner import NAMED, Allow, AsyncRunner

__all__ = ["AsyncJob"]

_STOPPING = (
    "Stopping after the current step; Ctrl-C again stops at once. "
    "Nothing is canceled: run the job again to continue."
)
#: Each pause of `run` is this much longer than the one before.
_GROWTH = 1.5


#: The arguments of `add` that tell how a source is read.
_SOURCE_NAMES = tuple(name for name in signature(read_source).parameters if name not in ("source", "own_ids"))


class AsyncJob:
    # async only
    """A table of requests, paid for once, joined with their results.

    Its steps (`add`, `submit`, `poll`, `collect`, `retry`) can each be repeated, and continue from the ledger's state;
    `run` does them all until each request has its final result. They may be days, processes and machines apart.

    Awaited are `add`, `plan`, `submit`, `poll`, `collect`, `retry`, `run`, `cancel`, `resume`, `resolve` and `close`.
    The others read the ledger, and block the event loop for as long: `open`, `results`, `write`, `status`, `batches`,
    `shards`, `workers`, `exhausted`, `cost` and `spent`. A large table is written in a thread:
    `await asyncio.to_thread(job.write, path)`.
    """

    # sync: """A table of requests, paid for once, joined with their results.
    # sync:
    # sync: Its steps (`add`, `submit`, `poll`, `collect`, `retry`) can each be repeated, and continue from the ledger's
    # sync: state; `run` does them all until each request has its final result. They may be days, processes and machines
    # sync: apart.
    # sync: """

    def __init__(
        self, job: Opened, client: AsyncClient | None, given: OptionKeys, answers: AnswerType | None
    ) -> None:
        self._job = job
        self._answers = answers
        # Stored by the first change.
        self._given: OptionKeys | None = given
        self._client = client
        self._own_client: AsyncClient | None = None
        self._runner: AsyncRunner | None = None
        self._adding = False
        self._stop = False
        self._over_cost = False
        self._warned: set[str] = set()
        self._use(given)

    @classmethod
    def open(
        cls,
        name: str | os.PathLike[str],
        *,
        client: AsyncClient | None = None,
        ledger: Ledger | str | None = None,
        ids: Ids | None = None,
        **options: Unpack[OptionKeys],
    ) -> Self:
        """Open a job, or make it.

        Any number of processes may open a job and read it: `status`, `results`, `cost`, `plan` and `write` work while
        another one runs it. The first step that changes a job in a folder takes it for its process, until the job is
        closed, and raises `JobHeldError` where another process has it. Opening it with options takes it as well, unless
        another process has it.

        Args:
            name: The folder of the job; with a PostgreSQL ledger, its name there.
            client: The client to send with; by default one is made from the environment by the first step that sends,
                and closed with the job.
            ledger: The place of the job: a `PostgresLedger`, with which several processes work on one job, or the DSN
                of its database, or `env:NAME` for the variable with the DSN; or another `Ledger`. `None` is a folder
                of its own.
            ids: The custom_ids on the wire of a new job. `"derived"` (the default) ones are the job's own, so that
                the results of a batch prove whose it is, and yours may be any text. `"own"` sends yours.
            **options: See `JobOptions`. Most are stored with the job, and hold until others are given. While another
                process has the folder, they are stored by the next change of this one.

        Raises:
            JobHeldError: Another process is making this job.
            LedgerError: The ledger is of a newer release, damaged, or can't be opened.
            JobOptionsError: Options that can't work, or a client of another kind.
        """
        # Before the job is opened: wrong options make no folder.
        check_names("Job.open()", options, OptionKeys.__annotations__)
        output = JobOptions(**options).output
        answers = None if output is None else answer_type(output)
        _check_client(client)
        job = opened(name, ledger, ids)
        try:
            if answers is not None:
                check_answers(job, answers)
            made = cls(job, client, options, answers)
            if job.held():
                made._hold()
            elif options:
                # Stored now, unless another process has the job: then by the first change.
                with suppress(JobHeldError):
                    made._hold()
        except BaseException:
            job.close()
            raise
        return made

    async def close(self) -> None:
        """Release the job. Its batches continue."""
        self._job.close()
        if self._own_client is not None:
            await self._own_client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._job.name!r}>"

    # Adding -------------------------------------------------------------------------------------------------

    async def add(self, requests: Any, **source: Any) -> int:
        """Add requests: all of them, or none.

        Requests that the job has already are passed over, so the same source can be added again.

        Args:
            requests: An iterable of `{"custom_id": ..., "params": ...}`, or of params alone, whose id is derived
                from them; or a path or table, such as an iterable of rows. Iterables may be async for an async job.
            **source: How rows become requests: the arguments of `read_source`, but for `own_ids`.

        Returns:
            The number of new requests.

        Raises:
            JobConflictError: The job has a custom_id already, with other params.
            JobRequestError: A request can't be sent.
            SourceError: A row can't become a request.
        """
        if self._adding:
            raise JobError("requests are being added to this job already: wait for that call")
        given: Any = self._source_of(requests, source)
        self._hold()
        self._adding = True
        try:
            with self._job.ledger.working():
                return await self._add(given)
        finally:
            self._adding = False

    async def _add(self, requests: Any) -> int:
        # async only
        if _comes_async(requests):
            return await self._add_as_they_come(requests)
        return await in_thread(lambda: self._add_all(requests))

    # async only
    async def _add_as_they_come(self, requests: AsyncIterable[Any]) -> int:
        adding = Adding(self._job.ledger, self._job.store, self._job.lines, self._options)
        try:
            async for request in requests:
                adding.push(request)
        except BaseException as error:
            adding.abandon()
            _place(error, requests.where if isinstance(requests, _RowsAsTheyCome) else "")
            raise
        adding.finish()
        return adding.added

    def _add_all(self, requests: Iterable[Any]) -> int:
        adding = Adding(self._job.ledger, self._job.store, self._job.lines, self._options)
        try:
            for request in requests:
                adding.push(request)
        except BaseException as error:
            adding.abandon()
            _place(error, requests.where if isinstance(requests, Rows) else "")
            raise
        adding.finish()
        return adding.added

    # Steps --------------------------------------------------------------------------------------------------

    async def submit(self, *, max_cost: float | None = None) -> int:
        """Send shards, as long as the API's queue, `max_in_flight` and `max_cost` allow; return their number.

        Shards in doubt are settled by `poll`.

        Args:
            max_cost: The largest cost of all that is committed, in US dollars.
        """
        runner = self._running()
        self._job.ledger.note_work()
        self._over_cost = False
        await self._merge()
        return await runner.submit(self._allow(max_cost), self._stopping)

    @property
    def over_cost(self) -> bool:
        """The last `submit` or `run` left requests unsent, since they could cost more than its `max_cost`."""
        return self._over_cost

    async def poll(self) -> JobStatus:
        """Look at the list of batches once: note those that ended, and settle shards in doubt."""
        await self._running().poll()
        return self.status()

    async def collect(self) -> Sequence[Collected]:
        """Download the results of ended batches, the oldest first, and take them into the ledger."""
        self._warn_of_archive()
        return await self._running().collect(self._stopping)

    async def retry(self) -> int:
        """Make new shards of the rows that are sent again; return the number of rows. `submit` sends them.

        Rows that failed for good are among them if `max_attempts` is larger by now than their attempts.
        """
        job = self._job
        self._hold()
        await in_thread(lambda: reopen(job.ledger, self._options))
        return await self._restage()

    async def _restage(self) -> int:
        job = self._job
        return await in_thread(lambda: restage(job.ledger, job.store, job.lines, self._options))

    def exhausted(self) -> Mapping[int, int]:
        """Return the failed rows that `retry` sends again only with a larger `max_attempts`: their number, by attempts.

        Rows whose results were given up are not among them.
        """
        return exhausted(self._job.ledger, self._options)

    async def run(self, *, max_cost: float | None = None) -> JobReport:
        """Submit, wait, collect and send again, until each request has its final result.

        Ctrl-C stops after the current step, a second one at once. Nothing is canceled: run the job again to continue.

        Args:
            max_cost: The largest cost of all that is committed, in US dollars; the rest is not sent.

        Returns:
            The report. The job may also be paused, over its cost, or wait for `resolve`.

        Raises:
            APIError: The API refuses, or has failed for longer than `patience`.
            JobError: The ledger can't be used, or a shard needs a decision.
        """
        runner = self._running()
        # To the stderr of the moment: programs redirect it.
        interrupts = Interrupts(_STOPPING, lambda text: sys.stderr.write(f"{text}\n"))
        self._stop = False

        def stopping() -> bool:
            return interrupts.asked or self._stop

        delay = self._options.poll_interval
        allow = self._allow(max_cost)
        with self._job.ledger.working(), interrupts:
            while True:
                moved = 0
                self._over_cost = False
                if not stopping():
                    await runner.poll()
                if not stopping():
                    self._warn_of_archive()
                    moved += len(await runner.collect(stopping))
                if not stopping():
                    moved += await self._restage()
                if not stopping():
                    await self._merge()
                    moved += await self._send(runner, allow, stopping)
                if stopping() or self._at_rest():
                    break
                delay = self._options.poll_interval if moved else delay
                await pause(delay, stopping)
                delay = min(
                    delay * _GROWTH, max(self._options.max_poll_interval, self._options.poll_interval)
                )
        return JobReport(
            status=self.status(),
            interrupted=stopping(),
            over_cost=self._over_cost,
            spent=self._job.ledger.spent(),
        )

    async def _send(self, runner: AsyncRunner, allow: Allow, stopping: Callable[[], bool]) -> int:
        """Send shards, and collect the batches that end meanwhile: their failures may pause the job.

        Returns:
            The number of shards that were sent or collected.
        """
        moved, polled = 0, time.monotonic()
        try:
            while await runner.submit(allow, stopping, most=1):
                moved += 1
                if time.monotonic() - polled >= self._options.poll_interval and not stopping():
                    await runner.poll()
                    moved += len(await runner.collect(stopping, leave_last=True))
                    polled = time.monotonic()
        finally:
            await runner.end()
        return moved

    def stop(self) -> None:
        """Have `run` return after its current step."""
        self._stop = True

    async def cancel(self) -> JobReport:
        """Cancel all batches and send nothing more; then collect the results of finished requests.

        Rows that were not sent stay so. Those that were to be sent again keep their last results.
        """
        runner = self._running()
        self._job.ledger.set_state(JobState.CANCELED, None)
        await self._restage()
        await runner.cancel()
        return await self.run()

    async def resume(self, *, keep: bool = False) -> None:
        """Resume a paused job.

        `run` or `retry` sends its held rows again, and those of a failed canary that may succeed.

        Args:
            keep: Keep the errors of these rows as their results instead. `run` leaves them so; `retry` sends those
                again that may succeed.
        """
        self._hold()
        facts = self._facts()
        if facts.state is JobState.CANCELED:
            raise JobError("the job was canceled: add the rows that were not sent to a new job")
        if keep:
            job = self._job
            # A canary is sent alone, so all rows that wait after it are its own.
            states = WAITING if (facts.reason or "").startswith(CANARY_FAILED) else (ItemState.HELD,)
            await in_thread(lambda: keep_waiting(job.ledger, job.lines, states))
        self._job.ledger.set_state(JobState.ACTIVE, None)

    async def resolve(self, shard: int, batch: str) -> None:
        """Decide about a shard in doubt, or about one whose results are gone, or are those of something else.

        Args:
            shard: Its number, as `status().doubts` or the error about its results has it.
            batch: The id of its batch; `"not-made"`, which sends its rows again; or `"lost"`, which keeps them as
                missing. A batch that was made stays counted by `max_cost`, and so does one that is lost.

        Raises:
            ShardError: The shard is not in such a state, or the batch is another shard's.
        """
        self._hold()
        self._job.ledger.doubt_dead(() if self._runner is None else self._runner.sending)
        found = self._job.ledger.shard(shard)
        foreign = found is not None and self._job.ledger.verdict(found) == FOREIGN
        gone = (
            found is not None
            and found.state is ShardState.OPEN
            and (foreign or batch in ("not-made", "lost"))
        )
        if found is None or (found.state is not ShardState.DOUBT and not gone):
            state = "not in this job" if found is None else f"{found.state.value}, not in doubt"
            raise ShardError(f"shard {shard} is {state}: there is nothing to resolve", shard)
        if gone:
            await self._check_gone(found, foreign=foreign)
        if batch == "lost":
            self._job.ledger.lose(found)
            return
        if batch == "not-made" and gone:
            # Its batch was made, and may have been paid for: the shard stays, and its rows go into another one.
            self._job.ledger.lose(found, again=True)
            await self._restage()
            return
        if batch == "not-made":
            self._job.ledger.release_send(found)
            if self._facts().state is JobState.CANCELED:
                # Its rows are not sent again, and keep the results that they have.
                await self._restage()
            return
        if batch == found.batch_id:
            raise ShardError(f"the results of batch {batch} are not those of shard {shard}", shard)
        if batch in self._job.ledger.known_batches():
            raise ShardError(f"batch {batch} is the batch of another shard", shard)
        made = await self._running().made_at(batch, found)
        if gone:
            self._job.ledger.dispute(found)
        self._job.ledger.set_verdict(shard, batch, NAMED)
        self._job.ledger.made(found, batch, made)

    async def _check_gone(self, shard: Shard, *, foreign: bool) -> None:
        """Check that the results of a shard can't be collected from its batch.

        Args:
            shard: The shard.
            foreign: Tells if the results of the batch were found to be those of something else.

        Raises:
            ShardError: They can be.
        """
        if self._job.store.download_path(shard.number).exists():
            raise ShardError(
                f"the results of shard {shard.number} were downloaded before: run the job, which takes them",
                shard.number,
            )
        if not foreign and not await self._running().gone(shard):
            raise ShardError(
                f"batch {shard.batch_id} of shard {shard.number} is there: run the job, or cancel it",
                shard.number,
            )

    # Looking ------------------------------------------------------------------------------------------------

    @property
    def options(self) -> JobOptions:
        """The options, the stored ones included."""
        return self._options

    def status(self) -> JobStatus:
        """Return the state of the job, from the ledger alone."""
        return status_of(self._job.ledger, self._server_now(), self._options)

    def results(self, order: Order = "input") -> Iterator[JobRow]:
        """Yield the rows that have a final result, in flat memory.

        Args:
            order: `"input"`, or `"arrival"`: batch by batch, in the order in which these ended.
        """
        return rows(self._job.ledger, self._job.lines, order, self._read_as)

    def spent(self) -> Sequence[Spent]:
        """Return the tokens of all attempts, by shard, model, service tier, cause, and use of the result."""
        return self._job.ledger.spent()

    def shards(self) -> Sequence[Shard]:
        """Return all shards."""
        return self._job.ledger.shards()

    def batches(self) -> JobBatches:
        """Return the batches: when they were made and ended, and how many are left to be made."""
        return batches_of(self._job.ledger, self._options)

    def workers(self) -> Sequence[Worker]:
        """Return the other processes that add or send requests of a job in PostgreSQL, by their live leases.

        A job in a folder has none beside this process; `JobHeldError` has the process that works on it.
        """
        return self._job.ledger.workers()

    async def plan(
        self,
        *,
        count: bool = True,
        sample: int = 32,
        version: str = "2023-06-01",
        validate: bool | None = None,
    ) -> Plan:
        """Plan the unsent requests: counts, bytes, mistakes, tokens and cost. Nothing is spent.

        Args:
            count: Counts the tokens of a sample with the API, where the job has a client.
            sample: The number of requests in the sample.
            version: The API version that requests are checked for.
            validate: Checks requests by the spec; by default where jsonschema-rs is installed.
        """
        counting = sample if count and self._client is not None else 0
        planner = await in_thread(lambda: self._money.planner(counting, version=version, validate=validate))
        counted = [await self._count_tokens(planner, each.params) for each in planner.samples]
        plan = planner.finish(counted)
        staged = self._job.ledger.shards((ShardState.STAGED,))
        return attrs.evolve(
            plan,
            shards=merged_count(staged, self._options),
            bytes=sum(shard.bytes for shard in staged),
        )

    async def _count_tokens(self, planner: Planner, params: dict[str, Any]) -> int | None:
        assert self._client is not None
        try:
            counted = await self._client.messages.count_tokens(**countable(params))
        except ClaudeBatchesError as error:
            planner.note(f"a request of the sample couldn't be counted: {error}")
            return None
        return counted.input_tokens

    def cost(self, *, pending: bool = False) -> Report:
        """Return the cost of the results, earlier attempts included: by model, with all kinds of tokens.

        Args:
            pending: Adds the most that the requests in process can cost, and reads each of them for that.
        """
        return self._money.report(pending=pending)

    @overload
    def write(
        self,
        path: None = None,
        *,
        order: Order = "input",
        format: Literal["arrow"] | None = None,
        raw: bool = True,
        cost: bool = False,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
        types: Mapping[str, Any] | None = None,
        compression: str = "snappy",
    ) -> ArrowReader: ...

    @overload
    def write(
        self,
        path: str | os.PathLike[str] | IO[bytes],
        *,
        order: Order = "input",
        format: FileFormat | None = None,
        raw: bool = True,
        cost: bool = False,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
        types: Mapping[str, Any] | None = None,
        compression: str = "snappy",
    ) -> int: ...

    def write(
        self,
        path: str | os.PathLike[str] | IO[bytes] | None = None,
        *,
        order: Order = "input",
        format: TableFormat | None = None,
        raw: bool = True,
        cost: bool = False,
        columns: Sequence[str] | None = None,
        limit: int | None = None,
        types: Mapping[str, Any] | None = None,
        compression: str = "snappy",
    ) -> Any:
        """Write the rows that have a final result as a table.

        Args:
            path: The file (`.jsonl`, `.csv`, `.parquet`), or an open binary file; `None` for Arrow. A file that is
                there is replaced once the table is whole.
            order: As in `results`.
            format: `jsonl`, `csv`, `parquet` or `arrow`, where the name doesn't tell it.
            raw: Adds the unparsed results.
            cost: Fills the column of costs, by the price list (extra `cost`) and `prices`; so does its name among
                `columns`.
            columns: The names of the table's columns, in their order: those of results, and those of the requests; all
                by default.
            limit: The number of rows; all by default.
            types: Arrow types of columns of the requests, by their names there; by default those that hold all values.
            compression: The compression of Parquet.

        Returns:
            The number of rows; with the format `arrow`, a `pyarrow.RecordBatchReader`.

        Raises:
            TableError: There is no such column; nothing was read or written.
            JobOptionsError: `limit` is negative.
        """
        table = export(self._job.ledger, self._job.lines, columns=columns, types=types, raw=raw)
        return write_table(
            islice(table.rows(order), checked_limit(limit)),
            path,
            format=format,
            layout=table.layout,
            inputs=table.inputs,
            output=self._read_as,
            pricer=self._money.pricer if cost or "cost" in (columns or ()) else None,
            compression=compression,
        )

    # ----------------------------------------------------------------------------------------------------------

    async def _merge(self) -> None:
        job = self._job
        await in_thread(lambda: merge(job.ledger, job.store, job.lines, self._options))

    def _use(self, given: OptionKeys) -> None:
        self._options = typed(options_of(self._job, given), self._answers)
        # Without the type, answers are read as JSON.
        self._read_as = self._answers or stored_answers(self._job)
        self._money = Money(self._job.ledger, self._job.lines, self._options.prices)

    def _hold(self) -> None:
        """Have the job for changes; store the options that were given."""
        self._job.hold()
        given = self._given
        if given is not None:
            store_options(self._job, given, self._answers)
            # Another process may have stored options since this one opened the job.
            self._use(given)
            self._given = None

    def _running(self) -> AsyncRunner:
        self._hold()
        if self._runner is None:
            job = self._job
            if self._client is None:
                self._client = self._own_client = AsyncClient()
            self._runner = AsyncRunner(self._client, job.ledger, job.store, job.lines, self._options)
        return self._runner

    def _source_of(self, requests: Any, options: dict[str, Any]) -> Any:
        """Return the requests of a source: itself, or those of a path or table."""
        if isinstance(requests, Mapping):
            raise JobOptionsError("requests is one dict: put it in a list")
        if self._answers is not None:
            options = {"output": self._answers, **options}
        check_names("Job.add()", options, _SOURCE_NAMES)
        if not options and not _is_table(requests):
            return requests
        options = {"own_ids": self._facts().ids == "own", **options}
        # async only
        if _comes_async(requests):
            return _RowsAsTheyCome(requests, options)
        return Rows(read_source(requests, **options))

    def _server_now(self) -> float:
        return time.time() if self._runner is None else self._runner.clock.now()

    def _facts(self) -> JobFacts:
        return self._job.ledger.facts()

    def _stopping(self) -> bool:
        return False

    def _at_rest(self) -> bool:
        """Tell if waiting changes nothing."""
        if finished(self._job.ledger):
            return True
        stuck = self._running().stuck
        unsent = self._over_cost or self._facts().state is not JobState.ACTIVE
        left = [shard for shard in self._job.ledger.shards() if shard.state is not ShardState.COLLECTED]
        return bool(left) and all(
            shard.number in stuck or (unsent and shard.state is ShardState.STAGED) for shard in left
        )

    def _allow(self, max_cost: float | None) -> Allow:
        if max_cost is None:
            return _allow_all
        limit = dollars(max_cost)

        def allow(shard: Shard, committed: list[Shard]) -> bool:
            self._over_cost = not self._money.allows(limit, shard, committed)
            return not self._over_cost

        return allow

    def _warn_of_archive(self) -> None:
        for batch_id in archived_soon(self._job.ledger.shards(), self._server_now()):
            if batch_id not in self._warned:
                self._warned.add(batch_id)
                warnings.warn(
                    f"the results of batch {batch_id} are archived 29 days after its creation, in less than three "
                    "days: collect them before",
                    stacklevel=3,
                )


def _check_client(client: object) -> None:
    """Refuse a client that can't send for this kind of job."""
    if client is None or isinstance(client, AsyncClient):
        return
    given = type(client).__name__
    hint = (
        f", which is for {given.replace('Client', 'Job')}" if given.removeprefix("Async") == "Client" else ""
    )
    raise JobOptionsError(f"AsyncJob takes AsyncClient as its client, and got {given}{hint}")


def _allow_all(_shard: Shard, _committed: list[Shard]) -> bool:
    return True


def _place(error: BaseException, where: str) -> None:
    """Put the place of the last row into an error about it."""
    # Other requests than the last one are told by their index alone.
    if isinstance(error, JobConflictError) and error.repeated and where:
        text = str(error)
        if error.first_index is not None:
            # Lines of a file are counted in another way than requests.
            before = counted(error.index - error.first_index, "row")
            text = text.replace(
                f"the first is request {error.first_index}", f"the first is {before} before", 1
            )
        error.args = (f"{where}: {text}",)


def _is_table(value: object) -> bool:
    return isinstance(value, str | bytes | os.PathLike) or hasattr(value, "__arrow_c_stream__")


# async only
def _comes_async(value: object) -> TypeGuard[AsyncIterable[Any]]:
    return isinstance(value, AsyncIterable)


# async only
class _RowsAsTheyCome:
    """The rows of an async iterable as requests, each read by `read_source` when it comes.

    Args:
        source: The rows.
        options: How they become requests.
    """

    def __init__(self, source: AsyncIterable[Any], options: dict[str, Any]) -> None:
        self._source = aiter(source)
        self._left: int | None = options.get("limit")
        self._row: Any = None
        self._given = Rows(read_source(self._rows(), **options))
        self._requests = iter(self._given)

    @property
    def where(self) -> str:
        """The place of the last row."""
        return self._given.where

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if self._left is not None:
            if self._left <= 0:
                raise StopAsyncIteration
            self._left -= 1
        self._row = await anext(self._source)
        for request in self._requests:
            return request
        raise StopAsyncIteration

    def _rows(self) -> Iterator[Any]:
        """Yield the row that has come, once for each request that is asked for."""
        while True:
            yield self._row
