"""Calls that continue after their deadline, and downloads that never end."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from claude_batches import (
    AmbiguousCreateError,
    BatchWaitTimeoutError,
    ClaudeBatchesError,
)

from tests.attack.servers import (
    BATCH_ID,
    Handler,
    Request,
    Server,
    Wire,
    answer,
    batch,
    connected,
    describes,
    elapsed,
    hangs_up,
    head,
    in_turn,
    lines,
    refuses,
    requests,
    serves,
    soak,
)
from tests.support.results import file_of

DEADLINE = 0.3
#: Every call ends within its deadline plus a second.
LATEST = DEADLINE + 1.0
#: For how long a server misbehaves.
LONG = 2.5


def _drips_headers(wire: Wire, request: Request) -> None:
    """Headers, byte by byte."""
    wire.dribble(head(200, content_length=5, **{f"x-{index}": "y" * 50 for index in range(9)}), seconds=LONG)


def _drips_status(wire: Wire, request: Request) -> None:
    """The status line, byte by byte."""
    wire.dribble(b"HTTP/1.1 200 " + b"O" * 500, seconds=LONG)


def _goes_on_informing(wire: Wire, request: Request) -> None:
    """One 1xx after the other."""
    wire.dribble(b"HTTP/1.1 102 Processing\r\n\r\n" * 200, size=27, every=0.05, seconds=LONG)


def _drips_body(wire: Wire, request: Request) -> None:
    """A body, byte by byte."""
    wire.send(head(200, content_length=10_000))
    wire.dribble(b" " * 10_000, seconds=LONG)


def _drips_chunk_head(wire: Wire, request: Request) -> None:
    """The head of a chunk, byte by byte."""
    wire.send(head(200, transfer_encoding="chunked"))
    wire.dribble(b"1;extension=" + b"x" * 10_000, seconds=LONG)


def _drips_error(wire: Wire, request: Request) -> None:
    """The body of an error, byte by byte."""
    wire.send(head(500, content_length=10_000))
    wire.dribble(b" " * 10_000, seconds=LONG)


def _drips_trailers(wire: Wire, request: Request) -> None:
    """The trailers of a body, byte by byte."""
    wire.send(head(200, transfer_encoding="chunked") + b"2\r\n{}\r\n0\r\n")
    wire.dribble(b"x-trailer: " + b"x" * 10_000, seconds=LONG)


def _redirects(wire: Wire, request: Request) -> None:
    """One slow redirect after the other."""
    wire.server.closing.wait(0.4)
    wire.send(answer(b"", 307, location=request.target))


def _stalls(wire: Wire, request: Request) -> None:
    """Silence."""
    wire.stall(LONG)


def _asks_to_wait(wire: Wire, request: Request) -> None:
    """An error that asks to be tried again after some seconds."""
    refuses(503, retry_after="3")(wire, request)


MANNERS: dict[str, Handler] = {
    "headers dripped": _drips_headers,
    "status dripped": _drips_status,
    "endless 1xx": _goes_on_informing,
    "body dripped": _drips_body,
    "chunk head dripped": _drips_chunk_head,
    "error dripped": _drips_error,
    "trailers dripped": _drips_trailers,
    "redirects": _redirects,
    "silence": _stalls,
    "asks to wait": _asks_to_wait,
}


@pytest.mark.parametrize("manner", MANNERS)
def test_deadline_ends_a_call(serve: Any, connect: Any, manner: str) -> None:
    """A call ends within a second after its deadline, for every behaviour of the server."""
    call = connect(serve(any=MANNERS[manner]), max_retries=2)
    error, seconds = elapsed(lambda: call(lambda batches: batches.retrieve(BATCH_ID, deadline=DEADLINE)))
    assert seconds < LATEST
    assert isinstance(error, ClaudeBatchesError)


def test_deadline_of_the_client_ends_a_call(serve: Any, connect: Any) -> None:
    """The deadline that a client has holds as one that a call is given."""
    call = connect(serve(any=_drips_headers), deadline=DEADLINE)
    error, seconds = elapsed(lambda: call(lambda batches: batches.retrieve(BATCH_ID)))
    assert seconds < LATEST
    assert isinstance(error, ClaudeBatchesError)


CALLS: dict[str, Callable[[Any, Path], Any]] = {
    "create": lambda call, path: call(lambda it: it.create(requests=requests(), deadline=DEADLINE)),
    "list": lambda call, path: call.items(lambda it: it.list(deadline=DEADLINE)),
    "cancel": lambda call, path: call(lambda it: it.cancel(BATCH_ID, deadline=DEADLINE)),
    "delete": lambda call, path: call(lambda it: it.delete(BATCH_ID, deadline=DEADLINE)),
    "results": lambda call, path: call.items(lambda it: it.results(BATCH_ID, deadline=DEADLINE)),
    "results_by_id": lambda call, path: call(lambda it: it.results_by_id(BATCH_ID, deadline=DEADLINE)),
    "download": lambda call, path: call(lambda it: it.download(BATCH_ID, path, deadline=DEADLINE)),
}


@pytest.mark.parametrize("name", CALLS)
def test_deadline_ends_every_call(serve: Any, connect: Any, tmp_path: Path, name: str) -> None:
    """Each kind of call ends within a second after its deadline, where headers are dripped."""
    drips = dict.fromkeys(("create", "list", "cancel", "delete", "results"), _drips_headers)
    call = connect(serve(retrieve=describes(5), **drips))
    error, seconds = elapsed(lambda: CALLS[name](call, tmp_path / "results.jsonl"))
    assert seconds < LATEST
    assert isinstance(error, ClaudeBatchesError)
    assert isinstance(error, AmbiguousCreateError) == (name == "create")


@pytest.mark.parametrize("manner", ["headers dripped", "body dripped", "endless 1xx", "broken off"])
@pytest.mark.parametrize("reader", ["results", "download"])
def test_deadline_ends_reading(serve: Any, connect: Any, tmp_path: Path, reader: str, manner: str) -> None:
    """Reading results ends within a second after its deadline, however often it was resumed."""
    data = file_of(lines(50, padding=500))
    results = serves(data, 1000) if manner == "broken off" else MANNERS[manner]
    call = connect(serve(retrieve=describes(50), results=results))
    error, seconds = elapsed(lambda: CALLS[reader](call, tmp_path / "results.jsonl"))
    assert seconds < LATEST
    assert isinstance(error, ClaudeBatchesError)


def test_deadline_ends_a_slow_upload(connect: Any) -> None:
    """A create ends within a second after its deadline, where the server takes the body a little at a time."""

    def create(wire: Wire, request: Request) -> None:
        for _ in range(int(LONG / 0.05)):
            if wire.server.closing.wait(0.05) or not wire.reader.read(20_000):
                break
        wire.cut(reset=True)

    with Server(read_bodies=False, create=create) as server:
        call = connect(server)
        body = requests(30, padding=1_000_000)
        error, seconds = elapsed(
            lambda: call(lambda batches: batches.create(requests=iter(body), deadline=DEADLINE))
        )
    # Writing the body to its temporary file takes a part of it.
    assert seconds < LATEST + 0.5
    assert isinstance(error, ClaudeBatchesError)
    assert not isinstance(error, AmbiguousCreateError)


def _page(*found: Any) -> bytes:
    return answer({"data": list(found), "has_more": False, "first_id": None, "last_id": None})


def _once(manner: Handler) -> Handler:
    """A list that misbehaves; later, two matching batches end the search of a client that still runs."""
    two = _page(batch(id="msgbatch_1"), batch(id="msgbatch_2"))
    return in_turn(manner, lambda wire, request: wire.send(two))


def _for_a_while(manner: Handler) -> Handler:
    """A server that misbehaves for two seconds; later, a good response ends a wait that still runs."""
    start = time.monotonic()
    good = describes(2)
    return lambda wire, request: (manner if time.monotonic() < start + 2 else good)(wire, request)


@pytest.mark.parametrize("manner", ["nothing found", "headers dripped", "silence"])
def test_deadline_ends_reconciling(serve: Any, connect: Any, manner: str) -> None:
    """Looking for a batch whose answer got lost ends within a second after the deadline of the create."""
    listing = _once(MANNERS.get(manner, lambda wire, request: wire.send(_page())))
    # The first look is the one before sending.
    before = lambda wire, request: wire.send(_page())  # noqa: E731
    call = connect(serve(create=hangs_up, list=in_turn(before, listing)))
    options: dict[str, Any] = {"on_ambiguous": "reconcile", "deadline": DEADLINE}
    error, seconds = elapsed(lambda: call(lambda batches: batches.create(requests=requests(), **options)))
    assert seconds < LATEST
    assert isinstance(error, AmbiguousCreateError)


@pytest.mark.parametrize("manner", MANNERS)
def test_timeout_ends_wait(serve: Any, connect: Any, manner: str) -> None:
    """Waiting for a batch ends within a second after its timeout, for every behaviour of the server."""
    call = connect(serve(any=_for_a_while(MANNERS[manner])), max_retries=2)
    error, seconds = elapsed(lambda: call(lambda batches: batches.wait(BATCH_ID, deadline=DEADLINE)))
    assert seconds < LATEST
    assert isinstance(error, BatchWaitTimeoutError)


def test_timeout_of_wait_keeps_the_batch(serve: Any, connect: Any) -> None:
    """A wait that ends in the middle of a look has the batch as it was last seen."""
    seen = batch(processing_status="in_progress", ended_at=None)
    call = connect(serve(retrieve=in_turn(lambda wire, request: wire.send(answer(seen)), _drips_headers)))
    error, seconds = elapsed(
        lambda: call(lambda batches: batches.wait(BATCH_ID, deadline=DEADLINE, poll_interval=0.1))
    )
    assert seconds < LATEST
    assert isinstance(error, BatchWaitTimeoutError)
    assert error.batch is not None
    assert error.batch.processing_status == "in_progress"


# ---------------------------------------------------------------------------------------------------------------------
# Progress

LONG_LINES = lines(4, padding=30_000)


def test_cut_in_first_line_keeps_range(serve: Any, connect: Any) -> None:
    """A cut within the first line after a resume does not send the reader back to the start of the file."""
    data = file_of(LONG_LINES)
    server = serve(retrieve=describes(4), results=serves(data, 75_000, 10_000, None))
    call = connect(server)
    assert len(call.items(lambda batches: batches.results(BATCH_ID))) == 4
    asked = [request.headers.get("range") for request in server.asked("results")]
    assert len(asked) > 2
    assert all(asked[1:]), asked


@pytest.mark.parametrize("reader", ["results", "download"])
def test_progress_within_a_line_counts(serve: Any, connect: Any, tmp_path: Path, reader: str) -> None:
    """A file is finished though each connection dies within the line after the next."""
    data = file_of(LONG_LINES)
    server = serve(retrieve=describes(4), results=serves(data, 45_000))
    call = connect(server)
    target = tmp_path / "results.jsonl"
    if reader == "results":
        items = call.items(lambda batches: batches.results(BATCH_ID, max_resumes=2))
        assert [item.custom_id for item in items] == ["r0", "r1", "r2", "r3"]
    else:
        call(lambda batches: batches.download(BATCH_ID, target, max_resumes=2))
        assert target.read_bytes() == data


def test_progress_over_calls_counts(serve: Any, connect: Any, tmp_path: Path) -> None:
    """A repeated download continues within the line where the last one was interrupted."""
    data, target = file_of(LONG_LINES), tmp_path / "results.jsonl"
    call = connect(serve(retrieve=describes(4), results=serves(data, 45_000)))
    for _ in range(8):
        error, _ = elapsed(lambda: call(lambda batches: batches.download(BATCH_ID, target, max_resumes=0)))
        if error is None:
            break
    assert target.exists()
    assert target.read_bytes() == data


@pytest.mark.parametrize("round_", range(soak(2, 60)))
def test_dying_connections_end_at_last(kind: str, tmp_path: Path, round_: int) -> None:
    """A file of lines of any length is finished though each connection dies after so many bytes."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    survives = 40_000
    parts = [
        part
        for index in range(5)
        for part in lines(1, padding=chance.randrange(survives), prefix=f"p{index}-")
    ]
    data, target = file_of(parts), tmp_path / "results.jsonl"
    with (
        Server(retrieve=describes(len(parts)), results=serves(data, survives), lifetime=30) as server,
        connected(kind, server.url) as call,
    ):
        call(lambda batches: batches.download(BATCH_ID, target, max_resumes=2))
    assert target.read_bytes() == data
