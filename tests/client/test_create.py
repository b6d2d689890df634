"""`create()`: a batch is never paid for twice, however the call fails."""

from __future__ import annotations

import json
import pickle
import socket
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import claude_batches
import pytest
from claude_batches.types import MessageBatch

from tests.client.wire import batch, error, new_batch, page, requests
from tests.support.server import Act, Exchange, drop, garbage, repeat, reply, stall


class API:
    """A server that creates a batch and then fails, for each of some failures; it lists its batches.

    Args:
        failures: How the first creates fail.
        slow: Number of looks at the list that do not show a new batch yet.
        others: Batches of other programs, created before.
        rivals: Batches of other programs, created at the same time.
    """

    def __init__(
        self, *failures: Act, slow: int = 0, others: Iterable[Any] = (), rivals: Iterable[Any] = ()
    ) -> None:
        self.batches: list[dict[str, Any]] = list(others)
        self.failures = list(failures)
        self.slow = slow
        self.rivals = list(rivals)
        self.created: list[str] = []
        self.offset = timedelta()
        """Time of the server's clock ahead of this machine's."""
        self.lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        with self.lock:
            headers = {"date": now(self.offset)}
            if exchange.method == "POST":
                self.create(exchange)
            elif exchange.path == "/v1/messages/batches":
                shown = [*self.batches]
                if self.created and self.slow:
                    self.slow -= 1
                    shown = [batch for batch in shown if batch["id"] not in self.created]
                reply(200, page(*reversed(shown)), headers)(exchange)
            else:
                wanted = exchange.target.rpartition("/")[2]
                found = [batch for batch in self.batches if batch["id"] == wanted]
                (reply(200, found[0], headers) if found else reply(404, error("not_found_error")))(exchange)

    def create(self, exchange: Exchange) -> None:
        act = self.failures.pop(0) if self.failures else reply(200, lambda _: self.batches[-1])
        if act not in REFUSING:
            exchange.on_body = self.take
        act(exchange)

    def take(self, body: bytes) -> None:
        self.batches += self.rivals
        identifier = f"msgbatch_{len(self.batches)}"
        made = datetime.now(UTC) + self.offset
        self.batches.append(new_batch(identifier, len(json.loads(body)["requests"]), made))
        self.created.append(identifier)

    @property
    def made(self) -> int:
        return len(self.created)


def now(offset: timedelta = timedelta()) -> str:
    return format_datetime(datetime.now(UTC) + offset, usegmt=True)


REFUSING: list[Act] = []


def refusing(act: Act) -> Act:
    """Return the same act, of a server that has not created the batch."""

    def refuse(exchange: Exchange) -> None:
        act(exchange)

    REFUSING.append(refuse)
    return refuse


TAKEN_AND_LOST = {
    "dropped after the body": drop(),
    "reset after the body": drop(reset=True),
    "not HTTP": garbage(),
    "500": reply(500, error("api_error")),
    "502 in HTML": reply(502, b"<html><title>Bad gateway</title></html>"),
    "503": reply(503),
    "504": reply(504, error("timeout_error")),
    "cut in the headers": garbage(b"HTTP/1.1 200 OK\r\nconte"),
    "cut in the body": reply(200, new_batch("msgbatch_0", 2), cut=30),
    "a response that is not a batch": reply(200, b"<html>hello</html>"),
    "an empty response": reply(200, b""),
    "a response without an id": reply(200, {}),
    "a response with an empty id": reply(200, batch("")),
    "a response with a number as its id": reply(200, batch(7)),  # type: ignore[arg-type]
    "303": reply(303, headers={"location": "/elsewhere"}),
    "408": reply(408, error()),
    "409": reply(409, error()),
    "499": reply(499),
    "500 that requests a retry": reply(500, error(), {"x-should-retry": "true"}),
}

taken_and_lost = pytest.mark.parametrize("failure", TAKEN_AND_LOST.values(), ids=TAKEN_AND_LOST.keys())


@taken_and_lost
def test_raise_creates_one(connect: Any, serve: Any, failure: Act) -> None:
    """By default an unknown outcome raises, and the batch is not sent again."""
    api = API(failure)
    do = connect(serve(api))
    with pytest.raises(claude_batches.AmbiguousCreateError) as raised:
        do(lambda batches: batches.create(requests=requests(2)))
    assert api.made == 1
    assert do.sleeps == []
    assert raised.value.request_count == 2
    assert [found.id for found in do.run(raised.value.find_candidates)] == ["msgbatch_0"]


@taken_and_lost
def test_reconcile_finds_batch(connect: Any, serve: Any, failure: Act) -> None:
    """`reconcile` returns the batch whose response was lost."""
    api = API(failure, slow=2)
    do = connect(serve(api))
    found = do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert found.id == "msgbatch_0"
    assert isinstance(found, claude_batches.ReconciledBatch)
    assert api.made == 1


@taken_and_lost
def test_reconcile_finds_none(connect: Any, serve: Any, failure: Act) -> None:
    """`reconcile` sends nothing again where no batch was created."""
    api = API(refusing(failure))
    do = connect(serve(api))
    with pytest.raises(claude_batches.AmbiguousCreateError, match="not exactly one matches") as raised:
        do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    # The error does not advise the search that was just done.
    assert "on_ambiguous" not in str(raised.value)
    assert api.made == 0
    # Long enough for the server's list to catch up.
    assert sum(do.sleeps) >= 30


def test_timeout_after_body(connect: Any, serve: Any) -> None:
    """A timeout after the body was sent is ambiguous."""
    server = serve(stall())
    do = connect(server, timeout=0.15)
    with pytest.raises(claude_batches.AmbiguousCreateError) as raised:
        do(lambda batches: batches.create(requests=requests(2)))
    assert isinstance(raised.value.__cause__, claude_batches.APITimeoutError)
    assert len(server.requests) == 1


def test_deadline_before_body(connect: Any, serve: Any) -> None:
    """A deadline before the end of the body is not ambiguous."""
    big = requests(300, system="x" * 100_000)
    do = connect(serve(stall(before_body=True)))
    with pytest.raises(claude_batches.CallTimeoutError):
        do(lambda batches: batches.create(requests=big, deadline=0.3))


def test_partial_upload_is_retried(connect: Any, serve: Any) -> None:
    """A create whose body was not sent in full is sent again."""
    big = requests(300, system="x" * 100_000)
    api = API(drop(after=1_000, reset=True), drop(after=100_000, reset=True))
    do = connect(serve(api))
    made = do(lambda batches: batches.create(requests=big))
    assert made.id == "msgbatch_0"
    assert api.made == 1


@pytest.mark.parametrize("status", [429, 529])
def test_not_created_statuses(connect: Any, serve: Any, status: int) -> None:
    """A status that proves that nothing was created is retried."""
    api = API(refusing(reply(status, error())))
    do = connect(serve(api))
    assert do(lambda batches: batches.create(requests=requests(3))).request_counts.processing == 3
    assert api.made == 1
    assert len(do.sleeps) == 1


def test_retry_created_statuses(connect: Any, serve: Any) -> None:
    """`retry_created_statuses` sets the statuses that prove that nothing was created."""
    api = API(refusing(reply(503, error())))
    do = connect(serve(api), retry_created_statuses={503})
    assert do(lambda batches: batches.create(requests=requests(3))).id == "msgbatch_0"
    api.failures = [reply(429, error())]
    with pytest.raises(claude_batches.RateLimitError):
        do(lambda batches: batches.create(requests=requests(3)))


def test_refusal_that_asks_for_retry(connect: Any, serve: Any) -> None:
    """A refused batch is not sent again, even if the server requests it."""
    server = serve(reply(400, error(), {"x-should-retry": "true"}))
    do = connect(server)
    with pytest.raises(claude_batches.BadRequestError):
        do(lambda batches: batches.create(requests=requests(3)))
    assert len(server.requests) == 1


def test_response_before_body(connect: Any, serve: Any) -> None:
    """A response that arrives before the body was sent is read."""
    api = API(refusing(reply(429, error(), before_body=True)))
    do = connect(serve(api))
    assert do(lambda batches: batches.create(requests=requests(2))).id == "msgbatch_0"


@pytest.mark.parametrize("status", [400, 401, 403, 413, 422])
def test_refusals(connect: Any, serve: Any, status: int) -> None:
    """A refusal is not ambiguous."""
    do = connect(serve(reply(status, error())))
    with pytest.raises(claude_batches.APIStatusError) as raised:
        do(lambda batches: batches.create(requests=requests(2)))
    assert raised.value.status_code == status


def test_refused_connection(connect: Any) -> None:
    """A refused connection is not ambiguous."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    do = connect(None, url=f"http://127.0.0.1:{port}")
    with pytest.raises(claude_batches.APIConnectionError):
        do(lambda batches: batches.create(requests=requests(2)))
    assert len(do.sleeps) == 2


def test_retry_sends_again(connect: Any, serve: Any) -> None:
    """`retry` sends a batch of unknown outcome again."""
    api = API(drop())
    do = connect(serve(api))
    do(lambda batches: batches.create(requests=requests(2), on_ambiguous="retry"))
    assert api.made == 2


def test_retry_stays_ambiguous(connect: Any, serve: Any) -> None:
    """`retry` that fails in the end raises an ambiguous error."""
    do = connect(serve(drop(), reply(401, error())))
    with pytest.raises(claude_batches.AmbiguousCreateError):
        do(lambda batches: batches.create(requests=requests(2), on_ambiguous="retry"))


def test_reconcile_two_matches(connect: Any, serve: Any) -> None:
    """`reconcile` raises if two batches match."""
    api = API(drop(), rivals=[new_batch("msgbatch_rival", 2)])
    do = connect(serve(api))
    with pytest.raises(claude_batches.AmbiguousCreateError) as raised:
        do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert {found.id for found in do.run(raised.value.find_candidates)} == {"msgbatch_rival", "msgbatch_1"}


def test_candidates(connect: Any, serve: Any) -> None:
    """Only batches of that size and period are candidates."""
    api = API(
        drop(),
        others=(
            new_batch("msgbatch_old", 2, datetime.now(UTC) - timedelta(minutes=10)),
            new_batch("msgbatch_size", 3),
        ),
    )
    do = connect(serve(api))
    found = do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert found.id == "msgbatch_2"


def test_known_batches_no_candidates(connect: Any, serve: Any) -> None:
    """A batch that the client created is not a candidate for another create."""
    api = API()
    do = connect(serve(api))
    do(lambda batches: batches.create(requests=requests(2)))
    api.failures = [refusing(drop())]
    with pytest.raises(claude_batches.AmbiguousCreateError):
        do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))


def test_reconcile_older_batch(connect: Any, serve: Any) -> None:
    """A batch that was listed before the create is not a candidate, even one of the same second."""
    api = API(refusing(drop()), others=[new_batch("msgbatch_older", 2)])
    do = connect(serve(api))
    with pytest.raises(claude_batches.AmbiguousCreateError):
        do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))


@pytest.mark.parametrize("hours", [-5, 5])
def test_reconcile_other_clock(connect: Any, serve: Any, hours: int) -> None:
    """`reconcile` uses the server's clock."""
    api = API(drop(), others=[new_batch("msgbatch_older", 2)])
    api.offset = timedelta(hours=hours)
    do = connect(serve(api))
    found = do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert found.id == "msgbatch_1"


def test_reconcile_list_fails(connect: Any, serve: Any) -> None:
    """`reconcile` continues while the list can't be fetched."""
    made = new_batch("msgbatch_1", 2)
    server = serve(
        reply(200, page(), {"date": now()}),
        drop(),
        reply(400, error()),
        reply(200, page(made), {"date": now()}),
        reply(200, page(made), {"date": now()}),
        reply(404, error()),
        reply(200, made),
    )
    do = connect(server)
    found = do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert found.id == "msgbatch_1"


def test_reconcile_cannot_list(connect: Any, serve: Any) -> None:
    """`reconcile` sends nothing if the batches can't be listed."""
    server = serve(reply(403, error()))
    do = connect(server)
    with pytest.raises(claude_batches.PermissionDeniedError):
        do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert [request.method for request in server.requests] == ["GET"]
    assert do.batches.unsettled == []


def test_reconciled_batch(connect: Any, serve: Any) -> None:
    """A reconciled batch is marked, and equals the same batch retrieved."""
    do = connect(serve(API(drop())))
    found = do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    again = do(lambda batches: batches.retrieve(found.id))
    assert found == again
    assert again == found
    assert found.reconciled
    assert isinstance(found, MessageBatch)
    assert not hasattr(again, "reconciled")


def raw_results(do: Any, batch_id: str, path: Path) -> Any:
    """Read the results of a batch from a raw response."""
    lines = do.run(do(lambda batches: batches.with_raw_response.results(batch_id)).parse)
    return do.all(lambda: lines)


READERS: dict[str, Any] = {
    "results": lambda do, batch_id, path: do.items(lambda batches: batches.results(batch_id)),
    "results_by_id": lambda do, batch_id, path: do(lambda batches: batches.results_by_id(batch_id)),
    "download": lambda do, batch_id, path: do(lambda batches: batches.download(batch_id, path)),
    "raw": raw_results,
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_reconciled_results_are_checked(connect: Any, serve: Any, tmp_path: Path, read: Any) -> None:
    """Results of a reconciled batch are checked against the sent custom_ids."""
    lines = [{"custom_id": name, "result": {"type": "canceled"}} for name in ("r-0", "theirs")]
    api = API(drop())

    def act(exchange: Exchange) -> None:
        if exchange.path.endswith("/results"):
            return reply(200, b"".join(json.dumps(line).encode() + b"\n" for line in lines))(exchange)
        return api(exchange)

    server = serve(act)
    do = connect(server)
    found = do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    url = f"{server.url}/v1/messages/batches/{found.id}/results"
    api.batches[-1] |= batch(found.id, results_url=url, created_at=api.batches[-1]["created_at"])
    with pytest.raises(claude_batches.ForeignResultsError):
        read(do, found.id, tmp_path / "results.jsonl")


def test_ambiguous_error(connect: Any, serve: Any) -> None:
    """An ambiguous error has the facts of the create."""
    server = serve(reply(429, error()), drop())
    do = connect(server)
    with pytest.raises(claude_batches.AmbiguousCreateError) as raised:
        do(lambda batches: batches.create(requests=requests(2)))
    known = raised.value
    assert known.body_bytes == len(server.requests[0].body)
    assert known.retries_taken == 1
    assert known.started_at <= known.failed_at
    assert "it is unknown if the batch of 2 requests" in str(known)
    assert isinstance(known.__cause__, claude_batches.APIConnectionError)
    assert known.__cause__.__context__ is None


def test_pickled_ambiguous_error(connect: Any, serve: Any) -> None:
    """A pickled ambiguous error has a hint for a search by hand."""
    do = connect(serve(drop()))
    with pytest.raises(claude_batches.AmbiguousCreateError) as raised:
        do(lambda batches: batches.create(requests=requests(2)))
    moved = pickle.loads(pickle.dumps(raised.value))
    assert moved.request_count == 2
    with pytest.raises(claude_batches.ClaudeBatchesError, match="look for one with 2 requests"):
        moved.find_candidates()


def test_reconcile_options(connect: Any, serve: Any) -> None:
    """`reconcile` searches in the workspace and with the headers of the create."""
    server = serve(API(drop()))
    do = connect(server)
    do(
        lambda batches: batches.create(
            requests=requests(2),
            workspace_id="wrkspc_1",
            user_profile_id="profile",
            extra_headers={"x-team": "blue"},
            on_ambiguous="reconcile",
        )
    )
    assert {request.headers["anthropic-workspace-id"] for request in server.requests} == {"wrkspc_1"}
    assert {request.headers["x-team"] for request in server.requests} == {"blue"}
    profiles = [
        (request.method, request.headers.get("anthropic-user-profile-id")) for request in server.requests
    ]
    assert all((profile == "profile") is (method == "POST") for method, profile in profiles)


def test_raw_create(connect: Any, serve: Any) -> None:
    """A raw create reconciles as well."""
    api = API(drop())
    do = connect(serve(api))
    raw = do(lambda batches: batches.with_raw_response.create(requests=requests(2), on_ambiguous="reconcile"))
    assert do.run(raw.parse).id == "msgbatch_0"
    assert api.made == 1


def test_streamed_create(connect: Any, serve: Any) -> None:
    """A streamed create is not sent twice either."""
    api = API(reply(500))
    do = connect(serve(api))
    with pytest.raises(claude_batches.AmbiguousCreateError):
        do.entered(
            lambda batches: batches.with_streaming_response.create(requests=requests(2)),
            lambda response: response.parse(),
        )
    assert api.made == 1


def test_streamed_create_is_settled(connect: Any, serve: Any) -> None:
    """A streamed create is on record only if its response was not read to its end."""
    do = connect(serve(API()))
    do.entered(
        lambda batches: batches.with_streaming_response.create(requests=requests(2)), lambda r: r.read()
    )
    assert do.batches.unsettled == []
    do.entered(lambda batches: batches.with_streaming_response.create(requests=requests(2)), lambda r: None)
    (record,) = do.batches.unsettled
    assert (record.request_count, record.batch_id) == (2, None)
    assert "not read" in record.reason


def test_candidates_within_deadline(connect: Any, serve: Any) -> None:
    """`find_candidates()` keeps the client's deadline."""
    server = serve(drop(), repeat(b"HTTP/1.1 102 Processing\r\n\r\n"))
    do = connect(server, deadline=0.5)
    with pytest.raises(claude_batches.AmbiguousCreateError) as raised:
        do(lambda batches: batches.create(requests=requests(2)))
    with pytest.raises(claude_batches.CallTimeoutError, match=r"deadline of 0\.5 s"):
        do.run(raised.value.find_candidates)


def test_unknown_on_ambiguous(connect: Any, serve: Any) -> None:
    """An unknown `on_ambiguous` is refused before the requests are read."""
    server = serve(reply(200, batch()))
    rows = iter(requests(2))
    do = connect(server)
    with pytest.raises(claude_batches.ConfigurationError, match="on_ambiguous"):
        do(lambda batches: batches.create(requests=rows, on_ambiguous="hope"))
    assert len(list(rows)) == 2
    assert server.requests == []


def test_found_batch_without_retrieval(connect: Any, serve: Any) -> None:
    """A batch that was found and can't be retrieved is an ambiguous create that names it."""
    found = page(new_batch("msgbatch_found", 1))
    refusal = reply(403, error("permission_error"))
    server = serve(reply(200, page()), drop(), reply(200, found), reply(200, found), refusal)
    do = connect(server)
    with pytest.raises(claude_batches.AmbiguousCreateError, match="msgbatch_found"):
        do(lambda batches: batches.create(requests=requests(1), on_ambiguous="reconcile"))
    (record,) = do.batches.unsettled
    assert record.batch_id == "msgbatch_found"


def test_create_closed_before_reading(connect: Any, serve: Any) -> None:
    """A streamed create that is closed before its response is read is unsettled."""
    do = connect(serve(reply(200, new_batch("msgbatch_1", 1))))
    do.entered(
        lambda batches: batches.with_streaming_response.create(requests=requests(1)),
        lambda response: response.close(),
    )
    assert [record.request_count for record in do.batches.unsettled] == [1]
