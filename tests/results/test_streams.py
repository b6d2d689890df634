"""Streams close their connection whenever they are left, and can be read in every usual way."""

from __future__ import annotations

import asyncio
import gc
import logging
import pickle
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from claude_batches import (
    APIConnectionError,
    AsyncClient,
    BadLineError,
    Client,
    DuplicateResultsError,
    ExcessResultsError,
    ForeignResultsError,
    IncompleteResultsError,
    NotFoundError,
    ResultsClosedError,
    ResultsError,
    ResultsFormatError,
    ResultsGoneError,
    ResultsNotReadyError,
)

from tests.results.lines import file_of, lines_of, short
from tests.results.readers import KINDS, Kind, async_batches, read, run, sync_batches
from tests.support.clients import KEY
from tests.support.results import BATCH_ID, Answer, ResultsServer, batch_json, whole

if TYPE_CHECKING:
    from claude_batches._async.batches import AsyncBatches
    from claude_batches._sync.batches import Batches

LINES = lines_of(short(f"{number}") for number in range(4))
IDS = [str(number) for number in range(4)]
#: Sends two results and then nothing, until the client hangs up.
STALLED = whole(LINES, cut=len(LINES[0]) * 2 + 10, stall=True)

kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def server() -> Iterator[ResultsServer]:
    with ResultsServer([whole(LINES)], len(LINES)) as server:
        yield server


@pytest.fixture
def stalled() -> Iterator[ResultsServer]:
    with ResultsServer([STALLED], len(LINES)) as server:
        yield server


@pytest.fixture
def batches(stalled: ResultsServer) -> Iterator[Batches]:
    with sync_batches(stalled) as batches:
        yield batches


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def later(stalled: ResultsServer) -> AsyncIterator[AsyncBatches]:
    async with async_batches(stalled) as batches:
        yield batches


async def hung_up(server: ResultsServer) -> bool:
    """Return true if the client closes the connection within seconds."""
    return await anyio.to_thread.run_sync(server.hung_up.wait, 5)


# ---------------------------------------------------------------------------------------------------------------------
# Closing


def test_leaving_the_loop_closes(stalled: ResultsServer, batches: Batches) -> None:
    """A break closes the connection, and later reading raises."""
    stream = batches.results(BATCH_ID)
    for _ in stream:
        break
    assert stalled.hung_up.wait(5)
    with pytest.raises(ResultsClosedError):
        next(stream)
    with pytest.raises(ResultsClosedError):
        list(stream)


def test_leaving_the_block_closes(stalled: ResultsServer, batches: Batches) -> None:
    """The end of a `with` closes the connection."""
    with batches.results(BATCH_ID) as stream:
        next(stream)
        assert not stalled.hung_up.is_set()
    assert stalled.hung_up.wait(5)


def test_close_may_be_repeated(stalled: ResultsServer, batches: Batches) -> None:
    """close() closes the connection and can be called again."""
    stream = batches.results(BATCH_ID)
    stream.close()
    stream.close()
    assert stalled.hung_up.wait(5)


def test_close_within_the_loop_is_an_error(stalled: ResultsServer, batches: Batches) -> None:
    """A loop over a closed stream raises and sends nothing."""
    stream = batches.results(BATCH_ID)
    with pytest.raises(ResultsClosedError):  # noqa: PT012 -- the second turn raises
        for _ in stream:
            stream.close()
    assert len(stalled.results_asked) == 1


@pytest.mark.anyio
async def test_close_within_an_async_loop_is_an_error(stalled: ResultsServer, later: AsyncBatches) -> None:
    """An async loop over a closed stream raises and sends nothing."""
    stream = later.results(BATCH_ID)
    with pytest.raises(ResultsClosedError):  # noqa: PT012 -- the second turn raises
        async for _ in stream:
            await stream.close()
    assert len(stalled.results_asked) == 1


@kinds
def test_an_unreadable_response_is_closed(kind: Kind) -> None:
    """A response with an unknown encoding is closed."""
    strange = whole(LINES, cut=10, stall=True, headers={"content-encoding": "br"})
    with ResultsServer([strange], 4) as server:
        error = read(kind, server).error
        assert server.hung_up.wait(5)
    assert isinstance(error, ResultsFormatError)


def test_an_error_in_the_loop_closes(stalled: ResultsServer, batches: Batches) -> None:
    """An exception in the body of the loop closes the connection."""

    def stumble() -> None:
        for _ in batches.results(BATCH_ID):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stumble()
    assert stalled.hung_up.wait(5)


@pytest.mark.parametrize("begun", [True, False])
def test_garbage_collection_closes(stalled: ResultsServer, batches: Batches, begun: bool) -> None:
    """A stream without references closes its connection."""
    stream = batches.results(BATCH_ID)
    if begun:
        next(stream)
    del stream
    gc.collect()
    assert stalled.hung_up.wait(5)


def test_an_exception_of_on_bad_line_closes() -> None:
    """An exception of `on_bad_line` closes the connection."""

    def stop(error: BadLineError) -> None:
        raise ZeroDivisionError

    with (
        ResultsServer([Answer(b"bad\n" + b" " * 100, cut=10, stall=True)], 1) as server,
        sync_batches(server) as batches,
    ):
        stream = batches.results(BATCH_ID, on_bad_line=stop)
        with pytest.raises(ZeroDivisionError):
            next(stream)
        assert server.hung_up.wait(5)
        with pytest.raises(ResultsClosedError):
            next(stream)


@pytest.mark.anyio
async def test_leaving_an_async_loop_closes(stalled: ResultsServer, later: AsyncBatches) -> None:
    """A break in an async loop closes the connection, and later reading raises."""
    stream = later.results(BATCH_ID)
    async for _ in stream:
        break
    assert await hung_up(stalled)
    with pytest.raises(ResultsClosedError):
        await anext(stream)


@pytest.mark.anyio
async def test_leaving_an_async_block_closes(stalled: ResultsServer, later: AsyncBatches) -> None:
    """The end of an `async with` closes the connection."""
    async with later.results(BATCH_ID) as stream:
        await anext(stream)
        assert not stalled.hung_up.is_set()
    assert await hung_up(stalled)


@pytest.mark.anyio
@pytest.mark.parametrize("begun", [True, False])
async def test_async_garbage_collection_closes(
    stalled: ResultsServer, later: AsyncBatches, begun: bool
) -> None:
    """An async stream without references closes its connection."""
    stream = await later.results(BATCH_ID)
    if begun:
        await anext(stream)
    del stream
    gc.collect()
    assert await hung_up(stalled)


@pytest.mark.anyio
@pytest.mark.parametrize("style", ["loop", "block", "next"])
async def test_cancellation_closes(stalled: ResultsServer, later: AsyncBatches, style: str) -> None:
    """A cancelled task closes the connection, however it reads."""
    got = asyncio.Event()

    async def loop() -> None:
        async for item in later.results(BATCH_ID):
            if item.custom_id == "1":
                got.set()

    async def block() -> None:
        async with later.results(BATCH_ID) as stream:
            async for item in stream:
                if item.custom_id == "1":
                    got.set()

    async def single() -> None:
        stream = await later.results(BATCH_ID)
        while True:
            if (await anext(stream)).custom_id == "1":
                got.set()

    task = asyncio.create_task({"loop": loop, "block": block, "next": single}[style]())
    await got.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await hung_up(stalled)


@pytest.mark.anyio
async def test_a_timeout_around_reading_closes(stalled: ResultsServer, later: AsyncBatches) -> None:
    """A cancelled scope closes the connection."""
    with anyio.move_on_after(0.1) as scope:
        async for _ in later.results(BATCH_ID):
            pass
    assert scope.cancelled_caught
    assert await hung_up(stalled)


def test_a_connection_is_used_again(server: ResultsServer) -> None:
    """A connection that was read to its end is used for the next call."""
    with sync_batches(server) as batches:
        for _ in range(5):
            assert len(list(batches.results(BATCH_ID))) == 4
    assert server.connections == 1


# ---------------------------------------------------------------------------------------------------------------------
# Ways to read


def test_next_and_loops_continue_each_other(server: ResultsServer) -> None:
    """next() and a loop continue each other, and the end stays the end."""
    with sync_batches(server) as batches:
        stream = batches.results(BATCH_ID)
        assert next(stream).custom_id == "0"
        assert [item.custom_id for item in stream] == IDS[1:]
        assert list(stream) == []
        with pytest.raises(StopIteration):
            next(stream)


@pytest.mark.anyio
async def test_async_streams_are_read_in_three_ways(server: ResultsServer) -> None:
    """An async stream is iterated at once, awaited first, or entered."""
    async with async_batches(server) as batches:
        assert [item.custom_id async for item in batches.results(BATCH_ID)] == IDS
        stream = await batches.results(BATCH_ID)
        assert [item.custom_id async for item in stream] == IDS
        async with batches.results(BATCH_ID) as stream:
            assert (await anext(stream)).custom_id == "0"
            assert [item.custom_id async for item in stream] == IDS[1:]
            with pytest.raises(StopAsyncIteration):
                await anext(stream)


def test_progress_is_readable(server: ResultsServer) -> None:
    """Progress is readable while the loop runs."""
    with sync_batches(server) as batches:
        stream = batches.results(BATCH_ID)
        assert stream.batch.id == BATCH_ID
        assert (stream.lines_read, stream.bytes_read, stream.resumes) == (0, 0, 0)
        for number, _ in enumerate(stream):
            assert stream.lines_read == number + 1
        assert stream.bytes_read == len(server.answers[0].body)
        assert BATCH_ID in repr(stream)


@pytest.mark.anyio
async def test_progress_of_async_streams_is_readable(server: ResultsServer) -> None:
    """Progress is readable while the async loop runs."""
    async with async_batches(server) as batches:
        stream = batches.results(BATCH_ID)
        assert (stream.lines_read, stream.bytes_read, stream.resumes) == (0, 0, 0)
        with pytest.raises(RuntimeError, match="await"):
            _ = stream.batch
        number = 0
        async for _ in stream:
            number += 1
            assert stream.lines_read == number
        assert stream.batch.id == BATCH_ID
        assert stream.bytes_read == len(server.answers[0].body)


@kinds
def test_skipped_lines_name_their_result(kind: Kind) -> None:
    """A skipped line with a custom_id counts as that result, and its position is known."""
    lines = [*LINES[:2], LINES[2][:25], LINES[3]]
    with ResultsServer([whole(lines)], 4) as server:
        outcome = read(kind, server, on_bad_line="skip")
        assert outcome.good == ["0", "1", "3"]
        assert outcome.lines_read == 3
        assert outcome.complete is True
        bad = read(kind, server).error
    assert isinstance(bad, BadLineError)
    assert bad.line_number == 3
    assert bad.byte_offset == sum(len(line) + 1 for line in LINES[:2])


@kinds
def test_skipped_lines_never_count(kind: Kind) -> None:
    """A skipped line without a custom_id does not count as a result."""
    with ResultsServer([whole([*LINES[:2], b"nonsense", LINES[3]])], 4) as server:
        outcome = read(kind, server, on_bad_line="skip")
    assert isinstance(outcome.error, IncompleteResultsError)
    assert (outcome.error.lines_read, outcome.lines_read) == (3, 3)


@kinds
def test_an_api_error_of_on_bad_line_ends_reading(kind: Kind) -> None:
    """An API error that a user's function raises is not taken for a lost connection."""

    def ask_elsewhere(_: object) -> None:
        with Client(base_url="http://127.0.0.1:1", api_key="k", max_retries=0) as client:
            client.messages.batches.retrieve("msgbatch_other")

    with ResultsServer([whole([b"bad", *LINES])], 4) as server:
        outcome = read(kind, server, on_bad_line=ask_elsewhere)
        assert len(server.results_asked) == 1
    assert isinstance(outcome.error, APIConnectionError)


@kinds
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_line_twice_in_a_row_comes_once(kind: Kind, framing: Any) -> None:
    """A line that is repeated at once is returned once."""
    lines = lines_of(short(f"{number}") for number in range(200))
    for place in range(0, 200, 7):
        doubled = [*lines[: place + 1], lines[place], *lines[place + 1 :]]
        with ResultsServer([whole(doubled, framing=framing)], 200) as server:
            assert read(kind, server).good == [str(number) for number in range(200)]


@kinds
def test_a_line_that_comes_again_later(kind: Kind) -> None:
    """A line that is repeated later raises at the end."""
    lines = lines_of(short(f"{number}") for number in range(5000))
    with ResultsServer([whole([*lines, lines[0]])], 5000) as server:
        outcome = read(kind, server)
    assert isinstance(outcome.error, DuplicateResultsError)
    assert outcome.error.duplicates == 1


@kinds
def test_a_repeated_result_is_not_another(kind: Kind) -> None:
    """A repeated result does not replace a missing one."""
    lines = lines_of(short(f"{number}") for number in range(5000))
    with ResultsServer([whole([*lines[:-1], lines[0]])], 5000) as server:
        outcome = read(kind, server)
    assert isinstance(outcome.error, IncompleteResultsError)
    assert outcome.error.lines_read == 4999


@kinds
def test_equal_bad_lines_are_each_reported(kind: Kind) -> None:
    """Equal bad lines in a row are each reported."""
    with ResultsServer([whole([LINES[0], b"bad", b"bad", LINES[3]])], 2) as server:
        errors: list[BadLineError] = []
        assert read(kind, server, on_bad_line=errors.append).good == ["0", "3"]
    assert [error.line_number for error in errors] == [2, 3]


@kinds
def test_bad_lines_of_a_compressed_file(kind: Kind) -> None:
    """A bad line of a compressed file is judged without compression."""
    lines = [*LINES[:2], b"nonsense", LINES[3]]
    with ResultsServer([whole(lines, encoding="gzip")], 3) as server:
        assert read(kind, server, on_bad_line="skip").good == ["0", "1", "3"]
        bad = read(kind, server).error
    assert isinstance(bad, BadLineError)
    assert bad.line_number == 3


# ---------------------------------------------------------------------------------------------------------------------
# When results are unavailable, or elsewhere


@kinds
@pytest.mark.parametrize("status", ["in_progress", "canceling", "resting"])
def test_a_batch_that_has_not_ended(kind: Kind, status: str) -> None:
    """The error names the status and the way to wait."""
    with ResultsServer([whole(LINES)], 4) as server:
        server.batches = [batch_json(4, None, status)]
        error = read(kind, server).error
    assert isinstance(error, ResultsNotReadyError)
    assert error.status == status
    assert status in str(error)
    assert "wait" in str(error)


@kinds
def test_a_404_just_after_create_is_waited_out(kind: Kind) -> None:
    """A 404 of the batch and of its results is waited out."""
    with ResultsServer([Answer(status=404), whole(LINES)], 4) as server:
        server.batches = [404, 404]
        outcome = read(kind, server)
    assert outcome.good == IDS
    assert 0 < sum(outcome.sleeps) < 5


@kinds
def test_a_lasting_404_is_raised(kind: Kind) -> None:
    """A 404 of the batch is raised after about ten seconds."""
    with ResultsServer([whole(LINES)], 4) as server:
        server.batches = [404] * 100
        outcome = read(kind, server)
    assert isinstance(outcome.error, NotFoundError)
    assert 9 < sum(outcome.sleeps) < 11


@kinds
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"archived_at": "2026-11-20T00:00:00Z"}, "archived"),
        ({"results_url": None}, "no results_url"),
    ],
)
def test_archived_results_are_gone(kind: Kind, fields: dict[str, Any], says: str) -> None:
    """Archived results raise, and nothing is asked."""
    with ResultsServer([whole(LINES)], 4) as server:
        server.batches = [batch_json(4, "http://127.0.0.1:1/nowhere") | fields]
        error = read(kind, server).error
    assert isinstance(error, ResultsGoneError)
    assert says in str(error)


@kinds
@pytest.mark.parametrize("status", [404, 410])
def test_missing_results_are_gone(kind: Kind, status: int) -> None:
    """A 404 of the results is waited out for about ten seconds, a 410 not, and then they are gone."""
    with ResultsServer([Answer(status=status)], 4) as server:
        outcome = read(kind, server)
    assert isinstance(outcome.error, ResultsGoneError)
    assert str(status) in str(outcome.error)
    assert (sum(outcome.sleeps) > 5) == (status == 404)


@kinds
@pytest.mark.parametrize("url", [5, True, ["http://127.0.0.1/x"], {"url": "x"}])
def test_a_results_url_of_another_type(kind: Kind, url: object) -> None:
    """A `results_url` that is not a string is an error of ours."""
    with ResultsServer([whole(LINES)], 4) as server:
        server.batches = [batch_json(4, url)]  # type: ignore[arg-type]
        assert read(kind, server).error is not None


@kinds
def test_other_hosts_get_no_credential(kind: Kind) -> None:
    """Results on another host are read without the credential."""
    with ResultsServer([whole(LINES)], 4) as elsewhere, ResultsServer([whole(LINES)], 4) as server:
        # The same machine by another name is another origin.
        server.results_url = elsewhere.url.replace("127.0.0.1", "localhost") + "/signed/results"
        assert read(kind, server).good == IDS
        (asked,) = elsewhere.results_asked
    assert KEY not in str(asked.headers)
    assert server.requests[0].headers["x-api-key"] == KEY


@kinds
def test_resuming_elsewhere_sends_no_credential(kind: Kind) -> None:
    """Resuming on another host sends no credential."""
    cut = whole(LINES, cut=len(LINES[0]) * 3)
    with ResultsServer([cut, whole(LINES)], 4) as elsewhere, ResultsServer([whole(LINES)], 4) as server:
        server.results_url = elsewhere.url.replace("127.0.0.1", "localhost") + "/signed/results"
        assert read(kind, server).good == IDS
        first, second = elsewhere.results_asked
    assert "range" in second.headers
    assert KEY not in str(first.headers) + str(second.headers)


@kinds
def test_errors_can_be_pickled(kind: Kind) -> None:
    """A pickled error keeps its text and attributes."""
    with ResultsServer([whole(LINES, cut=60, ranges=False)], 4) as server:
        error = read(kind, server, max_resumes=1).error
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, ResultsError)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert isinstance(error.__cause__ if error else None, APIConnectionError)


@kinds
def test_results_can_be_waited_for(kind: Kind) -> None:
    """`wait=True` polls until the batch has ended."""
    with ResultsServer([whole(LINES)], 4) as server:
        server.batches = [404, batch_json(4, None, "in_progress"), batch_json(4, None, "in_progress")]
        outcome = read(kind, server, wait=True)
    assert outcome.good == IDS
    assert len(outcome.sleeps) == 3


class LostCreates(ResultsServer):
    """Drops each create, and lists one batch afterwards."""

    def _respond(self, exchange: Any) -> None:
        if exchange.method == "POST":
            exchange.read_body()
            exchange.hang_up()
        elif exchange.path.endswith("/batches"):
            self.batches = [self._page()]
            super()._respond(exchange)
        else:
            super()._respond(exchange)

    def _page(self) -> dict[str, Any]:
        created = any(exchange.method == "POST" for exchange in self.requests)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        data = [batch_json(self.count, None, created_at=now)] if created else []
        return {"data": data, "has_more": False, "first_id": None, "last_id": None}


READERS = ("results", "results_by_id", "download", "raw", "streamed")


@kinds
@pytest.mark.parametrize("reader", READERS)
def test_foreign_results_are_an_error(kind: Kind, reader: str, tmp_path: Any) -> None:
    """Every way to read a reconciled batch raises at a custom_id that was not sent."""
    params = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}
    requests: Any = [{"custom_id": custom_id, "params": params} for custom_id in ("0", "1", "two", "3")]
    ids: list[str] = []
    scripted = LostCreates([whole(LINES)], 4)

    def sync() -> None:
        with sync_batches(scripted) as batches:
            batch = batches.create(requests=requests, on_ambiguous="reconcile")
            assert batch.id == BATCH_ID
            match reader:
                case "results":
                    ids.extend(item.custom_id for item in batches.results(BATCH_ID))
                case "results_by_id":
                    batches.results_by_id(BATCH_ID)
                case "download":
                    batches.download(BATCH_ID, tmp_path / "x")
                case "raw":
                    list(batches.with_raw_response.results(BATCH_ID).parse())
                case _:
                    with batches.with_streaming_response.results(BATCH_ID) as response:
                        list(response.parse())

    async def asynchronous() -> None:
        async with async_batches(scripted) as batches:
            batch = await batches.create(requests=requests, on_ambiguous="reconcile")
            assert batch.id == BATCH_ID
            match reader:
                case "results":
                    async for item in batches.results(BATCH_ID):
                        ids.append(item.custom_id)  # noqa: PERF401 -- an error keeps those before it
                case "results_by_id":
                    await batches.results_by_id(BATCH_ID)
                case "download":
                    await batches.download(BATCH_ID, tmp_path / "x")
                case "raw":
                    raw = await batches.with_raw_response.results(BATCH_ID)
                    _ = [item async for item in await raw.parse()]
                case _:
                    async with batches.with_streaming_response.results(BATCH_ID) as response:
                        _ = [item async for item in await response.parse()]

    with pytest.raises(ForeignResultsError) as caught, scripted:
        run(kind, sync, asynchronous)
    assert caught.value.custom_id == "2"
    assert ids == (["0", "1"] if reader == "results" else [])
    assert not (tmp_path / "x").exists()


@kinds
def test_raw_and_streamed_views(kind: Kind, server: ResultsServer) -> None:
    """Raw and streamed views have the same results."""

    def sync() -> tuple[list[str], list[str]]:
        with sync_batches(server) as batches:
            raw = batches.with_raw_response.results(BATCH_ID)
            with batches.with_streaming_response.results(BATCH_ID) as response:
                return [item.custom_id for item in raw.parse()], list(response.iter_lines())

    async def asynchronous() -> tuple[list[str], list[str]]:
        async with async_batches(server) as batches:
            raw = await batches.with_raw_response.results(BATCH_ID)
            async with batches.with_streaming_response.results(BATCH_ID) as response:
                return [item.custom_id async for item in await raw.parse()], [
                    line async for line in response.iter_lines()
                ]

    assert run(kind, sync, asynchronous) == (IDS, [line.decode() for line in LINES])


# ---------------------------------------------------------------------------------------------------------------------
# Completeness


@kinds
def test_complete_after_the_end(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    """A stream is complete after its checked end, without a warning."""
    with caplog.at_level(logging.WARNING, "claude_batches"), ResultsServer([whole(LINES)], 4) as server:
        outcome = read(kind, server)
    assert outcome.good == IDS
    assert outcome.complete is True
    assert caplog.records == []


@kinds
@pytest.mark.parametrize("counts", [None, {}, {"succeeded": 4}, "many"])
def test_unknown_completeness_is_told(kind: Kind, counts: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Unreadable counts leave `complete` at None, with one warning."""
    cut = whole(LINES, cut=60)
    with caplog.at_level(logging.WARNING, "claude_batches"), ResultsServer([cut, whole(LINES)], 4) as server:
        server.batches = [
            batch_json(4, f"{server.url}/v1/messages/batches/{BATCH_ID}/results", request_counts=counts)
        ]
        outcome = read(kind, server)
    assert outcome.good == IDS
    assert outcome.complete is None
    assert len(caplog.records) == 1


@kinds
def test_duplicates_of_unknown_counts(kind: Kind) -> None:
    """Repeated results raise although the number of results is unknown."""
    with ResultsServer([whole([*LINES, LINES[0]])], 4) as server:
        server.batches = [
            batch_json(4, f"{server.url}/v1/messages/batches/{BATCH_ID}/results", request_counts=None)
        ]
        assert isinstance(read(kind, server).error, DuplicateResultsError)


@kinds
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut after the promised ones"])
def test_more_than_promised_is_an_error(kind: Kind, cut: bool) -> None:
    """A file with more results than promised raises after them, cut or whole."""
    lines = lines_of(short(str(number)) for number in range(10))
    answer = whole(lines, cut=len(file_of(lines[:9])) + 5 if cut else None)
    with ResultsServer([answer], 8) as server:
        outcome = read(kind, server)
    assert isinstance(outcome.error, ExcessResultsError)
    assert (outcome.error.lines_read, outcome.error.lines_expected) == (9 if cut else 10, 8)
    assert outcome.complete is False


@kinds
def test_a_skipped_line_hides_no_duplicate(kind: Kind) -> None:
    """Duplicates are checked although a line was skipped."""
    lines = [*LINES[:3], b"bad", lines_of([{"custom_id": "0", "result": {"type": "expired"}}])[0]]
    with ResultsServer([whole(lines)], 4) as server:
        outcome = read(kind, server, on_bad_line="skip")
    assert isinstance(outcome.error, IncompleteResultsError)
    assert outcome.error.lines_read == 3


# ---------------------------------------------------------------------------------------------------------------------
# Threads


def test_streams_of_one_client_in_threads() -> None:
    """Streams of one client are read in several threads at the same time."""
    lines = lines_of(short(str(number)) for number in range(3000))
    found: list[int] = []
    with ResultsServer([whole(lines)], 3000) as server, sync_batches(server) as batches:

        def count() -> None:
            found.append(sum(1 for _ in batches.results(BATCH_ID)))

        threads = [threading.Thread(target=count) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert found == [3000] * 6


@pytest.mark.anyio
async def test_streams_of_one_client_in_tasks() -> None:
    """Streams of one async client are read in several tasks at the same time."""
    lines = lines_of(short(str(number)) for number in range(3000))
    found: list[int] = []
    with ResultsServer([whole(lines)], 3000) as server:
        async with async_batches(server) as batches:

            async def count() -> None:
                found.append(len([item async for item in batches.results(BATCH_ID)]))

            async with anyio.create_task_group() as tasks:
                for _ in range(6):
                    tasks.start_soon(count)
    assert found == [3000] * 6


def test_clients_with_default_settings(server: ResultsServer) -> None:
    """Clients with default settings read the same results."""

    async def asynchronous() -> list[str]:
        async with AsyncClient(base_url=server.url, api_key=KEY) as client:
            return [item.custom_id async for item in client.messages.batches.results(BATCH_ID)]

    def sync() -> list[str]:
        with Client(base_url=server.url, api_key=KEY) as client:
            return [item.custom_id for item in client.messages.batches.results(BATCH_ID)]

    assert run("sync", sync, asynchronous) == run("async", sync, asynchronous) == IDS
