"""A batch is never paid for twice, whichever way its creation fails."""

from __future__ import annotations

import json
import pickle
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import attrs
import claude_batches
import pytest
from claude_batches import _adoption, _batches

from tests.support.server import Act, Exchange, drop, garbage, reply, stall
from .wire import batch, error, new_batch, page, requests


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins as a process that has made no batch."""
    monkeypatch.setattr(_adoption, "_ours", type(_adoption._ours)())


class API:
    """A server that takes a batch and then fails at one stage, a given number of times; it lists what it took."""

    def __init__(self, *failures: Act, slow: int = 0, others: tuple[dict[str, Any], ...] = ()) -> None:
        self.batches: list[dict[str, Any]] = list(others)
        self.failures = list(failures)
        self.slow = slow
        """How many looks at the list don't show yet what was made."""
        self.listed = 0
        self.lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        with self.lock:
            if exchange.method == "POST":
                self.create(exchange)
            elif exchange.target.split("?")[0] == "/v1/messages/batches":
                self.listed += 1
                shown = self.batches[: None if self.listed > self.slow else 0]
                reply(200, page(*reversed(shown)), {"date": now()})(exchange)
            else:
                wanted = exchange.target.rpartition("/")[2]
                found = [batch for batch in self.batches if batch["id"] == wanted]
                (reply(200, found[0]) if found else reply(404, error("not_found_error")))(exchange)

    def create(self, exchange: Exchange) -> None:
        act = self.failures.pop(0) if self.failures else reply(200, lambda _: self.batches[-1])
        if act not in REFUSING:
            exchange.on_body = self.take
        act(exchange)

    def take(self, body: bytes) -> None:
        self.batches.append(new_batch(f"msgbatch_{len(self.batches)}", len(json.loads(body)["requests"])))

    @property
    def made(self) -> int:
        return len(self.batches)


def now() -> str:
    return format_datetime(datetime.now(UTC), usegmt=True)


REFUSING: list[Act] = []


def refusing(act: Act) -> Act:
    """The same act, of a server that has not taken the batch."""

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
    "an answer that is no batch": reply(200, b"<html>hello</html>"),
    "an empty answer": reply(200, b""),
    "an answer without an id": reply(200, {}),
    "500 that says to try again": reply(500, error(), {"x-should-retry": "true"}),
}

taken_and_lost = pytest.mark.parametrize("failure", TAKEN_AND_LOST.values(), ids=TAKEN_AND_LOST.keys())


@taken_and_lost
def test_raise_never_makes_two(connect: Any, serve: Any, failure: Act) -> None:
    api = API(failure)
    do = connect(serve(api))
    with pytest.raises(claude_batches.AmbiguousCreateError) as raised:
        do(lambda batches: batches.create(requests=requests(2)))
    assert api.made == 1
    assert do.sleeps == []
    assert raised.value.request_count == 2
    assert [found.id for found in do.run(raised.value.find_candidates)] == ["msgbatch_0"]


@taken_and_lost
def test_reconcile_adopts_the_one_that_was_made(connect: Any, serve: Any, failure: Act) -> None:
    api = API(failure, slow=2)
    do = connect(serve(api))
    adopted = do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert adopted.id == "msgbatch_0"
    assert isinstance(adopted, claude_batches.AdoptedBatch)
    assert api.made == 1


@taken_and_lost
def test_reconcile_never_makes_two_where_nothing_was_made(connect: Any, serve: Any, failure: Act) -> None:
    api = API(refusing(failure))
    do = connect(serve(api))
    with pytest.raises(claude_batches.AmbiguousCreateError, match="not just one that fits") as raised:
        do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert "on_ambiguous" not in str(raised.value), "it doesn't advise what was just done"
    assert api.made == 0
    assert sum(do.sleeps) >= 30, "it looks for long enough that the server's list has caught up"


def test_a_create_that_times_out_after_its_body_is_ambiguous(connect: Any, serve: Any) -> None:
    server = serve(stall())
    do = connect(server, timeout=0.15)
    with pytest.raises(claude_batches.AmbiguousCreateError) as raised:
        do(lambda batches: batches.create(requests=requests(2)))
    assert isinstance(raised.value.__cause__, claude_batches.APITimeoutError)
    assert len(server.requests) == 1


def test_a_body_that_the_server_never_takes_ends_with_the_deadline_and_is_not_ambiguous(
    connect: Any, serve: Any
) -> None:
    big = [{"custom_id": f"r-{index}", "params": {"filler": "x" * 100_000}} for index in range(300)]
    do = connect(serve(stall(before_body=True)))
    with pytest.raises(claude_batches.CallTimeoutError):
        do(lambda batches: batches.create(requests=big, deadline=0.3))


def test_what_the_spec_adds_to_create_is_passed_on(connect: Any, serve: Any, monkeypatch: Any) -> None:
    plain = _batches.operations.create

    def grown(*, priority: str | None = None, **arguments: Any) -> Any:
        request = plain(**arguments)
        body = attrs.evolve(request.body, content={**request.body.content, "priority": priority})
        return attrs.evolve(request, body=body, query=(("new", "1"),))

    monkeypatch.setattr(_batches.operations, "create", grown)
    server = serve(reply(200, batch()))
    connect(server)(lambda batches: batches.create(requests=requests(1), priority="low"))
    assert server.bodies == [{"requests": requests(1), "priority": "low"}]
    assert server.requests[0].target.endswith("?new=1")


def test_a_create_whose_body_did_not_go_out_in_full_is_sent_again(connect: Any, serve: Any) -> None:
    big = [{"custom_id": f"r-{index}", "params": {"filler": "x" * 100_000}} for index in range(300)]
    api = API(drop(after=1_000, reset=True), drop(after=100_000, reset=True))
    do = connect(serve(api))
    made = do(lambda batches: batches.create(requests=big))
    assert made.id == "msgbatch_0"
    assert api.made == 1


@pytest.mark.parametrize("status", [408, 409, 429, 529])
def test_an_answer_that_says_not_processed_is_tried_again(connect: Any, serve: Any, status: int) -> None:
    api = API(refusing(reply(status, error())))
    do = connect(serve(api))
    assert do(lambda batches: batches.create(requests=requests(3))).request_counts.processing == 3
    assert api.made == 1
    assert len(do.sleeps) == 1


def test_an_answer_before_the_body_was_sent_is_heard(connect: Any, serve: Any) -> None:
    api = API(refusing(reply(429, error(), before_body=True)))
    do = connect(serve(api))
    assert do(lambda batches: batches.create(requests=requests(2))).id == "msgbatch_0"


@pytest.mark.parametrize("status", [400, 401, 403, 413, 422])
def test_a_refusal_is_not_ambiguous(connect: Any, serve: Any, status: int) -> None:
    do = connect(serve(reply(status, error())))
    with pytest.raises(claude_batches.APIStatusError) as raised:
        do(lambda batches: batches.create(requests=requests(2)))
    assert raised.value.status_code == status


def test_a_refused_connection_is_not_ambiguous(connect: Any) -> None:
    do = connect(None, url="http://127.0.0.1:9")
    with pytest.raises(claude_batches.APIConnectionError):
        do(lambda batches: batches.create(requests=requests(2)))
    assert len(do.sleeps) == 2


def test_retry_sends_again_at_the_users_own_risk(connect: Any, serve: Any) -> None:
    api = API(drop())
    do = connect(serve(api))
    do(lambda batches: batches.create(requests=requests(2), on_ambiguous="retry"))
    assert api.made == 2


def test_retry_that_fails_in_the_end_still_says_that_it_is_ambiguous(connect: Any, serve: Any) -> None:
    do = connect(serve(drop(), reply(401, error())))
    with pytest.raises(claude_batches.AmbiguousCreateError):
        do(lambda batches: batches.create(requests=requests(2), on_ambiguous="retry"))


def test_reconcile_raises_where_two_fit(connect: Any, serve: Any) -> None:
    """Another program made one of the same size in the same seconds."""
    api = API(drop(), others=(new_batch("msgbatch_other", 2),))
    do = connect(serve(api))
    with pytest.raises(claude_batches.AmbiguousCreateError) as raised:
        do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert {found.id for found in do.run(raised.value.find_candidates)} == {"msgbatch_other", "msgbatch_1"}


def test_only_batches_of_that_size_and_time_are_candidates(connect: Any, serve: Any) -> None:
    api = API(
        drop(),
        others=(
            new_batch("msgbatch_old", 2, datetime.now(UTC) - timedelta(minutes=10)),
            new_batch("msgbatch_size", 3),
        ),
    )
    do = connect(serve(api))
    adopted = do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert adopted.id == "msgbatch_2"


def test_a_batch_that_this_process_made_is_no_candidate_for_another(connect: Any, serve: Any) -> None:
    """A program that splits its work makes many of the same size, one right after the other."""
    api = API()
    do = connect(serve(api))
    do(lambda batches: batches.create(requests=requests(2)))
    api.failures = [refusing(drop())]
    with pytest.raises(claude_batches.AmbiguousCreateError):
        do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))


def test_a_server_whose_clock_is_off_is_understood(connect: Any, serve: Any) -> None:
    hours = timedelta(hours=5)

    def api(exchange: Exchange) -> None:
        there = datetime.now(UTC) - hours
        if exchange.method == "POST":
            return drop()(exchange)
        headers = {"date": format_datetime(there, usegmt=True)}
        listing = page(new_batch("msgbatch_there", 2, there), new_batch("msgbatch_no", 2, there - hours))
        return reply(200, listing if "?" in exchange.target else new_batch("msgbatch_there", 2), headers)(
            exchange
        )

    do = connect(serve(api))
    adopted = do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert adopted.id == "msgbatch_there"


def test_reconcile_goes_on_looking_while_the_list_fails(connect: Any, serve: Any) -> None:
    made = new_batch("msgbatch_1", 2)
    server = serve(
        drop(),
        reply(400, error()),
        reply(200, page(made), {"date": now()}),
        reply(200, page(made), {"date": now()}),
        reply(404, error()),
        reply(200, made),
    )
    do = connect(server)
    adopted = do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    assert adopted.id == "msgbatch_1"


def test_an_adopted_batch_remembers_it_and_what_was_sent(connect: Any, serve: Any) -> None:
    do = connect(serve(API(drop())))
    adopted = do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    ids = _adoption.sent_ids(adopted.id)
    assert ids is not None
    assert len(ids) == 2
    assert [name in ids for name in ("r-0", "r-1", "r-2")] == [True, True, False]
    again = do(lambda batches: batches.retrieve(adopted.id))
    assert adopted == again
    assert again == adopted
    assert adopted.adopted


def test_the_results_of_an_adopted_batch_are_checked_against_what_was_sent(connect: Any, serve: Any) -> None:
    """It was another program's, after all."""
    theirs = batch("msgbatch_0")
    lines = [{"custom_id": name, "result": {"type": "canceled"}} for name in ("r-0", "theirs")]

    def act(exchange: Exchange) -> None:
        if exchange.method == "POST":
            return drop()(exchange)
        if exchange.target.endswith("/results"):
            return reply(200, b"".join(json.dumps(line).encode() + b"\n" for line in lines))(exchange)
        made = {**theirs, "created_at": datetime.now(UTC).isoformat()}
        return reply(200, page(made) if "?" in exchange.target else made, {"date": now()})(exchange)

    server = serve(act)
    theirs["results_url"] = f"{server.url}/v1/messages/batches/msgbatch_0/results"
    do = connect(server)
    adopted = do(lambda batches: batches.create(requests=requests(2), on_ambiguous="reconcile"))
    with pytest.raises(claude_batches.ForeignResultsError):
        do.items(lambda batches: batches.results(adopted.id))


def test_the_error_tells_what_is_known(connect: Any, serve: Any) -> None:
    server = serve(reply(429, error()), drop())
    do = connect(server)
    with pytest.raises(claude_batches.AmbiguousCreateError) as raised:
        do(lambda batches: batches.create(requests=requests(2)))
    known = raised.value
    assert known.body_bytes == len(server.requests[0].body)
    assert known.retries_taken == 1
    assert known.started_at <= known.failed_at
    assert "it isn't known whether the batch of 2 requests" in str(known)
    assert isinstance(known.__cause__, claude_batches.APIConnectionError)
    assert known.__cause__.__context__ is None


def test_an_error_from_another_process_says_how_to_look(connect: Any, serve: Any) -> None:
    do = connect(serve(drop()))
    with pytest.raises(claude_batches.AmbiguousCreateError) as raised:
        do(lambda batches: batches.create(requests=requests(2)))
    moved = pickle.loads(pickle.dumps(raised.value))
    assert moved.request_count == 2
    with pytest.raises(claude_batches.ClaudeBatchesError, match="look for one with 2 requests"):
        moved.find_candidates()


def test_the_workspace_and_headers_of_a_create_go_for_looking_after_it(connect: Any, serve: Any) -> None:
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
    assert [request.headers.get("anthropic-user-profile-id") for request in server.requests][1:] == [None] * 3


def test_with_raw_response_a_create_is_as_careful(connect: Any, serve: Any) -> None:
    api = API(drop())
    do = connect(serve(api))
    raw = do(lambda batches: batches.with_raw_response.create(requests=requests(2), on_ambiguous="reconcile"))
    assert raw.parse().id == "msgbatch_0"
    assert api.made == 1


def test_with_streaming_response_a_create_is_as_careful(connect: Any, serve: Any) -> None:
    api = API(reply(500))
    do = connect(serve(api))
    with pytest.raises(claude_batches.AmbiguousCreateError):
        do.entered(
            lambda batches: batches.with_streaming_response.create(requests=requests(2)),
            lambda response: response.parse(),
        )
    assert api.made == 1


def test_an_unknown_way_to_handle_ambiguity_is_refused_before_anything_is_sent(
    connect: Any, serve: Any
) -> None:
    server = serve(reply(200, batch()))
    do = connect(server)
    with pytest.raises(claude_batches.ConfigurationError, match="on_ambiguous"):
        do(lambda batches: batches.create(requests=requests(2), on_ambiguous="hope"))
    assert server.requests == []
