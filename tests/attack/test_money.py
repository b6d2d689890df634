"""Batches that are created silently, or paid for twice."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from claude_batches import (
    AmbiguousCreateError,
    APIError,
    APIStatusError,
    AsyncClient,
    BadRequestError,
    Client,
)

from tests.attack.servers import (
    BATCH_ID,
    KEY,
    Handler,
    Request,
    Server,
    Wire,
    answer,
    batch,
    describes,
    hangs_up,
    head,
    in_turn,
    refuses,
    requests,
    says,
)

Strike = Callable[[], object]
PAGE = {"data": [], "has_more": False, "first_id": None, "last_id": None}


# ---------------------------------------------------------------------------------------------------------------------
# Interrupted creates: a handler strikes at its moment, and then stays silent


def _at_once(strike: Strike) -> dict[str, Handler]:
    """Act on the request before any response."""

    def create(wire: Wire, request: Request) -> None:
        strike()
        wire.stall()

    return {"create": create}


def _in_headers(strike: Strike) -> dict[str, Handler]:
    """Within the headers of the answer."""

    def create(wire: Wire, request: Request) -> None:
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-le")
        strike()
        wire.stall()

    return {"create": create}


def _in_success(strike: Strike) -> dict[str, Handler]:
    """Within the body of a 200."""

    def create(wire: Wire, request: Request) -> None:
        wire.send(answer(batch())[:-20])
        strike()
        wire.stall()

    return {"create": create}


def _in_error(strike: Strike) -> dict[str, Handler]:
    """Within the body of a 500."""

    def create(wire: Wire, request: Request) -> None:
        wire.send(head(500, content_length=100) + b"Inter")
        strike()
        wire.stall()

    return {"create": create}


def _while_listing(strike: Strike) -> dict[str, Handler]:
    """While batches are listed to find the one whose answer got lost."""

    def listing(wire: Wire, request: Request) -> None:
        strike()
        wire.stall()

    # The first look is the one before sending.
    return {"create": hangs_up, "list": in_turn(says(PAGE), listing)}


def _while_retrieving(strike: Strike) -> dict[str, Handler]:
    """While the batch that was found is fetched."""

    def retrieve(wire: Wire, request: Request) -> None:
        strike()
        wire.stall()

    found = {"data": [batch()], "has_more": False, "first_id": BATCH_ID, "last_id": BATCH_ID}
    listing = in_turn(says(PAGE), lambda wire, request: wire.send(answer(found)))
    return {"create": hangs_up, "list": listing, "retrieve": retrieve}


def _in_pause(strike: Strike) -> dict[str, Handler]:
    """In a pause before the next look, or before the next attempt."""

    def create(wire: Wire, request: Request) -> None:
        wire.send(answer(b"", 500))
        # The answer is read in no time, and the pause is half a second or longer.
        wire.server.closing.wait(0.15)
        strike()

    return {"create": create, "list": says(PAGE)}


MOMENTS: dict[str, tuple[Callable[[Strike], dict[str, Handler]], dict[str, Any]]] = {
    "at once": (_at_once, {}),
    "in headers": (_in_headers, {}),
    "in success": (_in_success, {}),
    "in error": (_in_error, {}),
    "while listing": (_while_listing, {"on_ambiguous": "reconcile"}),
    "while retrieving": (_while_retrieving, {"on_ambiguous": "reconcile"}),
    "in pause of reconcile": (_in_pause, {"on_ambiguous": "reconcile"}),
    "in pause of retry": (_in_pause, {"on_ambiguous": "retry", "max_retries": 5}),
}


@pytest.fixture
def interrupt() -> Iterator[Strike]:
    """A function for another thread that interrupts this one, as Ctrl-C does."""

    def handler(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, handler)
    yield lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def _check_one(batches: Any, caplog: pytest.LogCaptureFixture, started: datetime) -> None:
    """One create is recorded as unsettled, with its evidence, and the log has a warning."""
    warnings = [
        record
        for record in caplog.records
        if record.name.startswith("claude_batches") and record.levelno == logging.WARNING
    ]
    (record,) = batches.unsettled
    assert record.request_count == 2
    assert record.body_bytes > 100
    assert started - timedelta(seconds=1) <= record.started_at <= datetime.now(UTC)
    assert record.batch_id is None or record.batch_id == BATCH_ID
    assert isinstance(record.reason, str)
    assert record.reason
    assert warnings


@pytest.mark.parametrize("moment", MOMENTS)
def test_interrupted_create_is_on_record(
    serve: Any, interrupt: Strike, caplog: pytest.LogCaptureFixture, moment: str
) -> None:
    """A create that Ctrl-C ends after its last byte is on record, and in the log."""
    routes, options = MOMENTS[moment]
    server = serve(**routes(interrupt))
    started = datetime.now(UTC)
    with Client(api_key=KEY, base_url=server.url, max_retries=0) as client:
        with caplog.at_level(logging.WARNING, "claude_batches"), pytest.raises(KeyboardInterrupt):
            client.messages.batches.create(requests=requests(), **options)
        assert len(server.asked("create")) == 1
        _check_one(client.messages.batches, caplog, started)
        assert len(client.with_options(timeout=5).messages.batches.unsettled) == 1


@pytest.mark.parametrize("way", ["cancel", "timeout"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_cancelled_create_is_on_record(
    serve: Any, caplog: pytest.LogCaptureFixture, moment: str, way: str
) -> None:
    """A create that is cancelled after its last byte is on record, and in the log, asyncio.timeout or not."""
    routes, options = MOMENTS[moment]
    started = datetime.now(UTC)

    async def main() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        limit: list[asyncio.Timeout] = []

        def strike() -> None:
            if way == "cancel":
                loop.call_soon_threadsafe(task.cancel)
            else:
                loop.call_soon_threadsafe(lambda: limit[0].reschedule(loop.time()))

        server = serve(**routes(strike))
        async with AsyncClient(api_key=KEY, base_url=server.url, max_retries=0) as client:
            batches = client.messages.batches

            async def create() -> None:
                async with asyncio.timeout(None) as scope:
                    limit.append(scope)
                    await batches.create(requests=requests(), **options)

            with pytest.raises(asyncio.CancelledError if way == "cancel" else TimeoutError):
                await create()
            if way == "cancel":
                task.uncancel()
            assert len(server.asked("create")) == 1
            _check_one(batches, caplog, started)
            assert len(client.with_options(timeout=5).messages.batches.unsettled) == 1

    with caplog.at_level(logging.WARNING, "claude_batches"):
        asyncio.run(main())


CREATING = """
import os, sys
from claude_batches import Client

client = Client(api_key="any", base_url=sys.argv[1], max_retries=0)
params = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "Hello"}]}
try:
    client.messages.batches.create(requests=[{"custom_id": f"{os.getpid()}", "params": params}])
except KeyboardInterrupt:
    print(len(client.messages.batches.unsettled), client.messages.batches.unsettled[0].request_count)
"""


def test_ctrl_c_in_a_process_is_on_record(serve: Any) -> None:
    """A process that gets SIGINT within the body of a 200 finds its create on record, and warns on stderr."""

    def create(wire: Wire, request: Request) -> None:
        wire.send(answer(batch())[:-20])
        os.kill(int(request.custom_ids[0]), signal.SIGINT)
        wire.stall()

    server = serve(create=create)
    command = [sys.executable, "-c", CREATING, server.url]
    done = subprocess.run(command, timeout=30, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "1"]
    # Without any logging set up, warnings go to stderr.
    assert done.stderr.strip()


def test_interrupted_upload_is_settled(interrupt: Strike) -> None:
    """A create that is interrupted before its last byte went out is not on record: nothing can have been made."""

    def create(wire: Wire, request: Request) -> None:
        # Only the head was read, and the body is larger than what sockets hold.
        interrupt()
        wire.stall()

    with (
        Server(read_bodies=False, create=create) as server,
        Client(api_key=KEY, base_url=server.url, max_retries=0) as client,
    ):
        with pytest.raises(KeyboardInterrupt):
            client.messages.batches.create(requests=requests(30, padding=1_000_000))
        assert client.messages.batches.unsettled == []


def test_ambiguous_create_is_on_record(serve: Any, connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A create whose answer got lost is on record, and on that of copies of the client."""
    started = datetime.now(UTC)
    call = connect(serve(create=hangs_up))
    with caplog.at_level(logging.WARNING, "claude_batches"), pytest.raises(AmbiguousCreateError):
        call(lambda batches: batches.create(requests=requests()))
    _check_one(call.batches, caplog, started)
    assert len(call.client.with_options(timeout=5).messages.batches.unsettled) == 1


def test_settled_creates_are_not_on_record(
    serve: Any, connect: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Creates that were answered, refused or found again are not on record."""
    found = {"data": [batch()], "has_more": False, "first_id": BATCH_ID, "last_id": BATCH_ID}
    server = serve(
        create=in_turn(says(batch(id="msgbatch_first")), refuses(400), hangs_up),
        list=in_turn(says(PAGE), lambda wire, request: wire.send(answer(found))),
        retrieve=describes(2),
    )
    call = connect(server)
    call(lambda batches: batches.create(requests=requests()))
    with pytest.raises(BadRequestError):
        call(lambda batches: batches.create(requests=requests()))
    adopted = call(lambda batches: batches.create(requests=requests(), on_ambiguous="reconcile"))
    assert adopted.id == BATCH_ID
    assert list(call.batches.unsettled) == []


def test_abandoned_stream_of_create_is_on_record(serve: Any) -> None:
    """A create whose streamed answer is left unread is on record: its id is not known."""
    server = serve(create=lambda wire, request: (wire.send(answer(batch())[:-20]), wire.stall()))
    with Client(api_key=KEY, base_url=server.url, max_retries=0) as client:
        with client.messages.batches.with_streaming_response.create(requests=requests()):
            pass
        (record,) = client.messages.batches.unsettled
    assert record.request_count == 2


# ---------------------------------------------------------------------------------------------------------------------
# Answers to a create


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_refused_create_is_not_sent_again(serve: Any, connect: Any, status: int) -> None:
    """A 4xx that asks to be tried again does not get a create sent again."""
    server = serve(create=refuses(status, x_should_retry="true", retry_after_ms=1))
    call = connect(server, max_retries=2)
    with pytest.raises(APIStatusError) as caught:
        call(lambda batches: batches.create(requests=requests()))
    assert caught.value.status_code == status
    assert len(server.asked("create")) == 1


@pytest.mark.parametrize("location", ["/elsewhere", "", "https://gateway.test/sorry"])
def test_303_for_create_is_ambiguous(serve: Any, connect: Any, location: str) -> None:
    """A 303 means that the POST was done, and so leaves the outcome of a create unknown."""
    headers = {"location": location} if location else {}
    server = serve(create=says(b"", 303, **headers))
    call = connect(server)
    with pytest.raises(AmbiguousCreateError):
        call(lambda batches: batches.create(requests=requests()))
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [{"id": ""}, {**batch(), "id": ""}, {"id": 5}, {"id": None}])
def test_answer_without_id_is_ambiguous(serve: Any, connect: Any, body: Any) -> None:
    """An answer that names no batch leaves the outcome of a create unknown."""
    server = serve(create=says(body))
    call = connect(server)
    with pytest.raises(AmbiguousCreateError):
        call(lambda batches: batches.create(requests=requests()))
    assert len(server.asked("create")) == 1


@pytest.mark.parametrize("should_retry", [None, "true"])
@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504])
def test_late_status_is_ambiguous(serve: Any, connect: Any, status: int, should_retry: str | None) -> None:
    """A status that a gateway may add after the batch was made leaves the outcome unknown."""
    asked = {"x_should_retry": should_retry} if should_retry else {}
    server = serve(create=refuses(status, retry_after_ms=1, **asked))
    call = connect(server, max_retries=2)
    with pytest.raises(AmbiguousCreateError):
        call(lambda batches: batches.create(requests=requests()))
    assert len(server.asked("create")) == 1


@pytest.mark.parametrize("status", [429, 529])
def test_busy_server_is_asked_again(serve: Any, connect: Any, status: int) -> None:
    """By default a create is sent again after 429 and 529."""
    server = serve(create=in_turn(refuses(status, retry_after_ms=1), says(batch())))
    call = connect(server, max_retries=2)
    assert call(lambda batches: batches.create(requests=requests())).id == BATCH_ID
    assert len(server.asked("create")) == 2


@pytest.mark.parametrize("status", [429, 529])
def test_no_status_to_send_again_after(serve: Any, connect: Any, status: int) -> None:
    """A create is never sent again where the setting lists no status."""
    server = serve(create=refuses(status, retry_after_ms=1))
    call = connect(server, max_retries=2, retry_created_statuses=frozenset())
    with pytest.raises(APIError):
        call(lambda batches: batches.create(requests=requests()))
    assert len(server.asked("create")) == 1


@pytest.mark.parametrize("status", [408, 409])
def test_statuses_to_send_again_after(serve: Any, connect: Any, status: int) -> None:
    """A create is sent again after the statuses that the setting lists, in a copy of the client too."""
    server = serve(create=in_turn(refuses(status, retry_after_ms=1), says(batch())))
    call = connect(server, max_retries=2, retry_created_statuses=frozenset({408, 409, 429, 529}))
    copy = call.client.with_options(timeout=5)
    assert call.run(lambda: copy.messages.batches.create(requests=requests())).id == BATCH_ID
    assert len(server.asked("create")) == 2


def test_late_status_is_settled_by_the_list(serve: Any, connect: Any) -> None:
    """A batch that was made and then answered 409 is found on the list, and not made again."""
    found = {"data": [batch()], "has_more": False, "first_id": BATCH_ID, "last_id": BATCH_ID}
    server = serve(
        create=in_turn(refuses(409, retry_after_ms=1), says(batch(id="msgbatch_second"))),
        list=in_turn(says(PAGE), lambda wire, request: wire.send(answer(found))),
        retrieve=describes(2),
    )
    call = connect(server, max_retries=2)
    adopted = call(lambda batches: batches.create(requests=requests(), on_ambiguous="reconcile"))
    assert adopted.id == BATCH_ID
    assert len(server.asked("create")) == 1
