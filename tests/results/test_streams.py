"""Streams let go of their connection whenever they are done with, and can be read in every usual way."""

from __future__ import annotations

import asyncio
import gc
import pickle
from array import array
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest
from claude_batches._adoption import claim
from claude_batches._errors import APIConnectionError, NotFoundError
from claude_batches._origin import origin_of
from claude_batches._results._errors import (
    BadLineError,
    DuplicateResultsError,
    ForeignResultsError,
    IncompleteResultsError,
    ResultsClosedError,
    ResultsError,
    ResultsFormatError,
    ResultsGoneError,
    ResultsNotReadyError,
)

from tests.support.results import BATCH_ID, Answer, ResultsServer, batch_json, whole

from .lines import lines_of, short
from .readers import KINDS, AsyncBatches, Batches, Kind, Sleeps, async_batches, read, run, sync_batches

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
    """Whether the client lets go within seconds, while the event loop goes on."""
    return await anyio.to_thread.run_sync(server.hung_up.wait, 5)


# ---------------------------------------------------------------------------------------------------------------------
# Letting go


def test_leaving_the_loop_closes_the_response(stalled: ResultsServer, batches: Batches) -> None:
    stream = batches.results(BATCH_ID)
    for _ in stream:
        break
    assert stalled.hung_up.wait(5)
    with pytest.raises(ResultsClosedError):
        next(stream)
    with pytest.raises(ResultsClosedError):
        list(stream)


def test_leaving_the_block_closes_the_response(stalled: ResultsServer, batches: Batches) -> None:
    with batches.results(BATCH_ID) as stream:
        next(stream)
        assert not stalled.hung_up.is_set()
    assert stalled.hung_up.wait(5)


def test_close_closes_the_response_and_may_be_called_again(stalled: ResultsServer, batches: Batches) -> None:
    stream = batches.results(BATCH_ID)
    stream.close()
    stream.close()
    assert stalled.hung_up.wait(5)


def test_reading_on_after_close_in_the_same_loop_is_an_error_and_asks_for_nothing(
    stalled: ResultsServer, batches: Batches
) -> None:
    stream = batches.results(BATCH_ID)
    with pytest.raises(ResultsClosedError):  # noqa: PT012 -- not before the second turn
        for _ in stream:
            stream.close()
    assert len(stalled.results_asked) == 1


@pytest.mark.anyio
async def test_reading_on_after_close_in_the_same_async_loop_is_an_error(
    stalled: ResultsServer, later: AsyncBatches
) -> None:
    stream = later.results(BATCH_ID)
    with pytest.raises(ResultsClosedError):  # noqa: PT012 -- not before the second turn
        async for _ in stream:
            await stream.close()
    assert len(stalled.results_asked) == 1


@kinds
def test_a_response_that_can_not_be_read_is_closed(kind: Kind) -> None:
    strange = whole(LINES, cut=10, stall=True, headers={"content-encoding": "br"})
    with ResultsServer([strange], 4) as server:
        error = read(kind, server).error
        assert server.hung_up.wait(5)
    assert isinstance(error, ResultsFormatError)


def test_an_error_in_the_loop_closes_the_response(stalled: ResultsServer, batches: Batches) -> None:
    def stumble() -> None:
        for _ in batches.results(BATCH_ID):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stumble()
    assert stalled.hung_up.wait(5)


@pytest.mark.parametrize("begun", [True, False])
def test_garbage_collection_closes_the_response(
    stalled: ResultsServer, batches: Batches, begun: bool
) -> None:
    stream = batches.results(BATCH_ID)
    if begun:
        next(stream)
    del stream
    gc.collect()
    assert stalled.hung_up.wait(5)


def test_what_on_bad_line_raises_closes_the_response() -> None:
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
async def test_leaving_an_async_loop_closes_the_response(stalled: ResultsServer, later: AsyncBatches) -> None:
    stream = later.results(BATCH_ID)
    async for _ in stream:
        break
    assert await hung_up(stalled)
    with pytest.raises(ResultsClosedError):
        await anext(stream)


@pytest.mark.anyio
async def test_leaving_an_async_block_closes_the_response(
    stalled: ResultsServer, later: AsyncBatches
) -> None:
    async with later.results(BATCH_ID) as stream:
        await anext(stream)
        assert not stalled.hung_up.is_set()
    assert await hung_up(stalled)


@pytest.mark.anyio
@pytest.mark.parametrize("begun", [True, False])
async def test_garbage_collection_of_an_async_stream_closes_the_response(
    stalled: ResultsServer, later: AsyncBatches, begun: bool
) -> None:
    stream = await later.results(BATCH_ID)
    if begun:
        await anext(stream)
    del stream
    gc.collect()
    assert await hung_up(stalled)


@pytest.mark.anyio
@pytest.mark.parametrize("style", ["loop", "block", "next"])
async def test_cancelling_the_task_closes_the_response(
    stalled: ResultsServer, later: AsyncBatches, style: str
) -> None:
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
async def test_a_timeout_around_the_reading_closes_the_response(
    stalled: ResultsServer, later: AsyncBatches
) -> None:
    with anyio.move_on_after(0.1) as scope:
        async for _ in later.results(BATCH_ID):
            pass
    assert scope.cancelled_caught
    assert await hung_up(stalled)


def test_a_connection_that_was_read_to_its_end_is_used_again(server: ResultsServer) -> None:
    with sync_batches(server) as batches:
        for _ in range(5):
            assert len(list(batches.results(BATCH_ID))) == 4
    assert server.connections == 1


# ---------------------------------------------------------------------------------------------------------------------
# Ways to read


def test_single_results_and_a_loop_go_on_with_each_other(server: ResultsServer) -> None:
    with sync_batches(server) as batches:
        stream = batches.results(BATCH_ID)
        assert next(stream).custom_id == "0"
        assert [item.custom_id for item in stream] == IDS[1:]
        assert list(stream) == []
        with pytest.raises(StopIteration):
            next(stream)


@pytest.mark.anyio
async def test_an_async_stream_is_iterated_straight_away_or_awaited_or_entered(server: ResultsServer) -> None:
    async with async_batches(server) as batches:
        assert [item.custom_id async for item in batches.results(BATCH_ID)] == IDS
        stream = await batches.results(BATCH_ID)
        assert [item.custom_id async for item in stream] == IDS
        async with batches.results(BATCH_ID) as stream:
            assert (await anext(stream)).custom_id == "0"
            assert [item.custom_id async for item in stream] == IDS[1:]
            with pytest.raises(StopAsyncIteration):
                await anext(stream)


def test_progress_can_be_read_while_it_runs(server: ResultsServer) -> None:
    with sync_batches(server) as batches:
        stream = batches.results(BATCH_ID)
        assert stream.batch.id == BATCH_ID
        assert (stream.lines_read, stream.bytes_read, stream.resumes) == (0, 0, 0)
        for number, _ in enumerate(stream):
            assert stream.lines_read == number + 1
        assert stream.bytes_read == len(server.answers[0].body)
        assert BATCH_ID in repr(stream)


@pytest.mark.anyio
async def test_progress_of_an_async_stream_can_be_read_while_it_runs(server: ResultsServer) -> None:
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
def test_bad_lines_are_skipped_and_counted_as_there(kind: Kind) -> None:
    lines = [*LINES[:2], b"nonsense", LINES[3]]
    with ResultsServer([whole(lines)], 4) as server:
        outcome = read(kind, server, on_bad_line="skip")
        assert outcome.good == ["0", "1", "3"]
        assert outcome.lines_read == 3
        bad = read(kind, server).error
    assert isinstance(bad, BadLineError)
    assert bad.line_number == 3
    assert bad.byte_offset == sum(len(line) + 1 for line in LINES[:2])


@kinds
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_result_that_comes_twice_in_a_row_is_handed_out_once(kind: Kind, framing: Any) -> None:
    lines = lines_of(short(f"{number}") for number in range(200))
    for place in range(0, 200, 7):
        doubled = [*lines[: place + 1], lines[place], *lines[place + 1 :]]
        with ResultsServer([whole(doubled, framing=framing)], 200) as server:
            assert read(kind, server).good == [str(number) for number in range(200)]


@kinds
def test_a_result_that_comes_again_much_later_is_told_at_the_end(kind: Kind) -> None:
    lines = lines_of(short(f"{number}") for number in range(5000))
    with ResultsServer([whole([*lines, lines[0]])], 5000) as server:
        outcome = read(kind, server)
    assert isinstance(outcome.error, DuplicateResultsError)
    assert outcome.error.duplicates == 1


@kinds
def test_a_result_that_is_there_twice_does_not_stand_for_another(kind: Kind) -> None:
    lines = lines_of(short(f"{number}") for number in range(5000))
    with ResultsServer([whole([*lines[:-1], lines[0]])], 5000) as server:
        outcome = read(kind, server)
    assert isinstance(outcome.error, IncompleteResultsError)
    assert outcome.error.lines_read == 4999


@kinds
def test_bad_lines_that_are_the_same_are_each_a_bad_line(kind: Kind) -> None:
    with ResultsServer([whole([LINES[0], b"bad", b"bad", LINES[3]])], 4) as server:
        assert read(kind, server, on_bad_line="skip").good == ["0", "3"]


@kinds
def test_a_bad_line_of_a_compressed_file_is_looked_at_without_compression(kind: Kind) -> None:
    lines = [*LINES[:2], b"nonsense", LINES[3]]
    with ResultsServer([whole(lines, encoding="gzip")], 4) as server:
        assert read(kind, server, on_bad_line="skip").good == ["0", "1", "3"]
        bad = read(kind, server).error
    assert isinstance(bad, BadLineError)
    assert bad.line_number == 3


# ---------------------------------------------------------------------------------------------------------------------
# Not yet, no more, elsewhere


@kinds
@pytest.mark.parametrize("status", ["in_progress", "canceling", "resting"])
def test_results_of_a_batch_that_has_not_ended_say_so_and_what_to_do(kind: Kind, status: str) -> None:
    with ResultsServer([whole(LINES)], 4) as server:
        server.batches = [batch_json(4, None, status)]
        error = read(kind, server).error
    assert isinstance(error, ResultsNotReadyError)
    assert error.status == status
    assert status in str(error)
    assert "wait" in str(error)


@kinds
def test_a_404_just_after_create_is_waited_out(kind: Kind) -> None:
    with ResultsServer([Answer(status=404), whole(LINES)], 4) as server:
        server.batches = [404, 404]
        outcome = read(kind, server)
    assert outcome.good == IDS
    assert 0 < sum(outcome.naps) < 5


@kinds
def test_a_404_that_stays_is_the_answer_after_some_seconds(kind: Kind) -> None:
    with ResultsServer([whole(LINES)], 4) as server:
        server.batches = [404] * 100
        outcome = read(kind, server)
    assert isinstance(outcome.error, NotFoundError)
    assert 2 < sum(outcome.naps) < 5


@kinds
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"archived_at": "2026-11-20T00:00:00Z"}, "archived"),
        ({"results_url": None}, "no results_url"),
    ],
)
def test_archived_results_say_so(kind: Kind, fields: dict[str, Any], says: str) -> None:
    with ResultsServer([whole(LINES)], 4) as server:
        server.batches = [batch_json(4, "http://127.0.0.1:1/nowhere") | fields]
        error = read(kind, server).error
    assert isinstance(error, ResultsGoneError)
    assert says in str(error)


@kinds
@pytest.mark.parametrize("status", [404, 410])
def test_results_that_the_server_does_not_have_any_more_say_so(kind: Kind, status: int) -> None:
    with ResultsServer([Answer(status=status)], 4) as server:
        error = read(kind, server).error
    assert isinstance(error, ResultsGoneError)
    assert str(status) in str(error)


@kinds
def test_results_on_another_host_are_read_without_the_credential(kind: Kind) -> None:
    with ResultsServer([whole(LINES)], 4) as elsewhere, ResultsServer([whole(LINES)], 4) as server:
        # The same machine by another name is another origin.
        server.results_url = elsewhere.url.replace("127.0.0.1", "localhost") + "/signed/results"
        assert read(kind, server).good == IDS
        (asked,) = elsewhere.results_asked
    assert "key-of-a-test" not in str(asked.headers)
    assert server.requests[0].headers["x-api-key"] == "key-of-a-test"


@kinds
def test_resuming_on_another_host_takes_no_credential_there_either(kind: Kind) -> None:
    cut = whole(LINES, cut=len(LINES[0]) * 3)
    with ResultsServer([cut, whole(LINES)], 4) as elsewhere, ResultsServer([whole(LINES)], 4) as server:
        server.results_url = elsewhere.url.replace("127.0.0.1", "localhost") + "/signed/results"
        assert read(kind, server).good == IDS
        first, second = elsewhere.results_asked
    assert "range" in second.headers
    assert "key-of-a-test" not in str(first.headers) + str(second.headers)


@kinds
def test_errors_about_results_can_be_pickled(kind: Kind) -> None:
    with ResultsServer([whole(LINES, cut=60, ranges=False)], 4) as server:
        error = read(kind, server, max_resumes=1).error
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, ResultsError)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert isinstance(error.__cause__ if error else None, APIConnectionError)


@kinds
def test_results_can_be_waited_for(kind: Kind) -> None:
    with ResultsServer([whole(LINES)], 4) as server:
        server.batches = [404, batch_json(4, None, "in_progress"), batch_json(4, None, "in_progress")]
        outcome = read(kind, server, wait=True)
    assert outcome.good == IDS
    assert len(outcome.naps) == 3


@kinds
def test_results_of_an_adopted_batch_that_is_another_program_s_are_an_error(kind: Kind) -> None:
    with ResultsServer([whole(LINES)], 4) as server:
        assert claim(origin_of(server.url), f"{BATCH_ID}-{kind}", array("q", map(hash, ("0", "1", "two"))))
        outcome = read(kind, server, batch_id=f"{BATCH_ID}-{kind}")
    assert outcome.ids == ["0", "1"]
    assert isinstance(outcome.error, ForeignResultsError)
    assert outcome.error.custom_id == "2"


@kinds
def test_raw_and_streamed_responses_are_those_of_the_results(kind: Kind) -> None:
    def sync() -> tuple[list[str], list[bytes]]:
        with sync_batches(server) as batches:
            raw = batches.with_raw_response.results(BATCH_ID)
            with batches.with_streaming_response.results(BATCH_ID) as response:
                return [item.custom_id for item in raw.parse()], list(response.iter_lines())

    async def asynchronous() -> tuple[list[str], list[bytes]]:
        async with async_batches(server) as batches:
            raw = await batches.with_raw_response.results(BATCH_ID)
            async with batches.with_streaming_response.results(BATCH_ID) as response:
                return [item.custom_id async for item in raw.parse()], [
                    line async for line in response.iter_lines()
                ]

    with ResultsServer([whole(LINES)], 4) as server:
        assert run(kind, sync, asynchronous) == (IDS, LINES)


@kinds
def test_naps_are_taken_by_the_clock_of_the_client(kind: Kind) -> None:
    # Were they not, each of these tests would take seconds; this one shows that they would have been.
    naps = Sleeps()
    with ResultsServer([whole(LINES, cut=60), whole(LINES)], 4) as server:

        def sync() -> None:
            with sync_batches(server, naps) as batches:
                list(batches.results(BATCH_ID))

        async def asynchronous() -> None:
            async with async_batches(server, naps) as batches:
                async for _ in batches.results(BATCH_ID):
                    pass

        run(kind, sync, asynchronous)
    assert len(naps.taken) == 1
    assert naps.now > 0
