"""Jobs of every kind, from requests to rows."""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
from claude_batches import AsyncClient, Client, CredentialsError
from claude_batches._sync.batches import Batches
from claude_batches.jobs import (
    AsyncJob,
    FolderLedger,
    Job,
    JobConflictError,
    JobError,
    JobOptionsError,
    JobRequestError,
    Ledger,
    LedgerError,
    PostgresLedger,
    ShardError,
    _adding,
    _reading,
)
from claude_batches.sandbox import Fault, ReplyError, Sandbox

from tests.jobs.kinds import QUICK, Open
from tests.jobs.victim import requests


def request(custom_id: str, text: str, **params: Any) -> dict[str, Any]:
    message = {"role": "user", "content": text}
    return {
        "custom_id": custom_id,
        "params": {"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": [message], **params},
    }


def test_the_awaited_methods() -> None:
    """The description of `AsyncJob` names each method, as one that is awaited or as one that is not."""
    text = inspect.getdoc(AsyncJob) or ""
    awaited, others = text.split("Awaited are ")[1].split("The others")
    methods = {name: value for name, value in vars(AsyncJob).items() if inspect.isroutine(value)}
    public = {name for name in methods if not name.startswith("_")}
    found = {name for name in public if inspect.iscoroutinefunction(methods[name])}
    assert set(re.findall(r"`(\w+)`", awaited)) == found
    assert set(re.findall(r"`(\w+)`", others)) == public - found - {"stop"}


def test_a_client_of_another_kind(tmp_path: Path) -> None:
    """A job refuses a client that it can't use before anything is made, and names the right one."""
    wrong: list[tuple[Any, Any, Any]] = [(Job, AsyncClient, AsyncJob), (AsyncJob, Client, Job)]
    for job, client, other in wrong:
        told = f"^{job.__name__} takes .* got {client.__name__}, which is for {other.__name__}$"
        with pytest.raises(JobOptionsError, match=told):
            job.open(tmp_path / "a", client=client(base_url="http://127.0.0.1:1", api_key="k"))
    assert not (tmp_path / "a").exists()


def test_a_closed_job(tmp_path: Path, open_any_job: Open, sandbox: Sandbox) -> None:
    """Each call of a closed job says that it is closed."""
    job = open_any_job(tmp_path / "a", sandbox.url)
    job.add(requests(2))
    job.close()
    for call in (job.status, job.run, lambda: list(job.results()), lambda: job.add(requests(3))):
        with pytest.raises(LedgerError, match="is closed: open it again"):
            call()
    job.close()


def test_an_empty_job(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """Nothing is left to do in a job without requests, and its status tells it from one whose requests are done."""
    job = open_job(tmp_path / "a", sandbox.url)
    report = job.run()
    assert (report.finished, report.status.empty, report.status.batches_total) == (True, True, 0)
    job.add(requests(1))
    assert (job.status().finished, job.status().empty) == (False, False)
    assert (job.run().finished, job.status().empty) == (True, False)


def test_batches_that_are_left(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """Small shards are counted as the one batch that is made of them; a canceled job makes no more."""
    job = open_job(tmp_path / "a", sandbox.url, max_requests=100)
    for start in range(0, 30, 10):
        job.add(requests(10, start))
    assert (job.status().shards, job.status().batches_left) == ({"staged": 3}, 1)
    assert (job.batches().known, job.batches().total) == (0, 1)
    job.cancel()
    assert (job.status().batches_total, job.status().shards) == (0, {"staged": 1})


def test_rows_in_order(tmp_path: Path, open_any_job: Open, sandbox: Sandbox) -> None:
    """Requests of several batches come back in input order, each with its own result."""
    job = open_any_job(tmp_path / "a", sandbox.url, max_requests=40)
    given = [{**each, "country": "Zürich"} for each in requests(100)]
    assert job.add(given) == 100
    report = job.run()
    assert report.finished
    assert report.status.batches == 3
    rows = list(job.results())
    assert [row.request for row in rows] == given
    for index, row in enumerate(rows):
        assert row.custom_id == f"row {index}"
        assert f"hello {index}" in row.message.content[0].text
        assert (row.cause, row.attempt) == ("succeeded", 1)
        assert row.usage.input_tokens > 0
        assert row.batch_id.startswith("msgbatch_")
    assert sorted(row.position for row in job.results("arrival")) == list(range(100))


def test_rows_outlive_their_job(tmp_path: Path, sandbox: Sandbox) -> None:
    """Rows that were kept have requests and results after the job was closed."""
    given = list(requests(50))
    with Client(base_url=sandbox.url, api_key="k") as client, Job.open(tmp_path / "a", client=client) as job:
        job.add(given)
        job.run()
        rows = list(job.results())
    assert [row.request for row in rows] == given
    assert all(row.message is not None for row in rows)


def test_large_requests_in_bounded_memory(tmp_path: Path, open_folder: Open, sandbox: Sandbox) -> None:
    """Of large requests that were read, no more than some megabytes stay in memory."""
    job = open_folder(tmp_path / "a", sandbox.url)
    texts = [os.urandom(400_000).hex() for _ in range(20)]
    job.add(request(f"row {number}", text) for number, text in enumerate(texts))
    job.run()
    blocks = job._job.lines._blocks
    for row, text in zip(job.results(), texts, strict=True):
        assert row.params["messages"][0]["content"] == text
        assert sum(block.size for block in blocks.values()) <= _reading.KEPT + 1_000_000
    assert len(blocks) > 1


def test_rows_in_threads(tmp_path: Path, open_folder: Open, sandbox: Sandbox) -> None:
    """Rows are read by several threads at once."""
    job = open_folder(tmp_path / "a", sandbox.url)
    texts = [hashlib.sha512(b"%d" % number).hexdigest() * 4 for number in range(6000)]
    job.add(request(f"row {number}", text) for number, text in enumerate(texts))
    job.run()

    def read(row: Any) -> str:
        text: str = row.params["messages"][0]["content"]
        return text

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(read, job.results())) == texts


def test_large_integers(tmp_path: Path, open_folder: Open) -> None:
    """An integer beyond 64 bits in the input of a tool is exact in a row."""
    tool = {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {"pad": "0" * 10, "number": 2**62}}
    with Sandbox(instant=True, reply=lambda _: {"content": [tool], "stop_reason": "tool_use"}) as sandbox:
        job = open_folder(tmp_path / "a", sandbox.url)
        job.add([request("a", "search")])
        job.run()
    (file,) = (tmp_path / "a" / "results").iterdir()
    content = file.read_bytes()
    # The sandbox writes no such number, so the file is changed; a line keeps its length.
    file.write_bytes(content.replace(b'"0000000000","number":4', b'"","number":10000000004'))
    (row,) = job.results()
    assert row.message.content[0].input == {"pad": "", "number": 2**62 + 10**28}


def test_pays_for_new_only(tmp_path: Path, open_any_job: Open, sandbox: Sandbox) -> None:
    """Adding a longer source again sends only its new rows."""
    job = open_any_job(tmp_path / "a", sandbox.url)
    job.add(requests(30))
    job.run()
    assert job.add(requests(35)) == 5
    report = job.run()
    assert (report.status.requests, report.status.done, report.status.batches) == (35, 35, 2)
    assert [shard.requests for shard in job.shards()] == [30, 5]


def test_other_params(
    tmp_path: Path, open_job: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same id with other params is an error that shows both, in the job or in one call, and adds nothing."""
    job = open_job(tmp_path / "a", None)
    job.add([request("a", "one")])
    with pytest.raises(JobConflictError) as caught:
        job.add([request("new", "x"), request("a", "two")])
    assert caught.value.index == 1
    assert '"one"' in caught.value.known
    assert '"two"' in caught.value.given
    assert not caught.value.repeated
    twice = [request("c", "x"), request("b", "one"), request("b", "two")]
    with pytest.raises(JobConflictError, match=r"custom_id 'b' twice.*the first is request 1") as caught:
        job.add(twice)
    # The first one may be written to disk before the other comes.
    monkeypatch.setattr(_adding, "_PENDING_ROWS", 1)
    with pytest.raises(
        JobConflictError, match="request 2: this call has custom_id 'b' twice, with diff"
    ) as caught:
        job.add(twice)
    assert (caught.value.repeated, caught.value.first_index) == (True, None)
    assert job.status().requests == 1
    assert job.add([request("a", "one"), request("new", "x")]) == 1


def test_params_alone(tmp_path: Path, open_job: Open) -> None:
    """Params without an id get one that is derived from them, independent of the order of their keys."""
    job = open_job(tmp_path / "a", None)
    params = request("", "one")["params"]
    assert job.add([params, request("", "two")["params"]]) == 2
    assert job.add([dict(reversed(params.items()))]) == 0


def test_columns_without_an_id(tmp_path: Path, open_folder: Open, sandbox: Sandbox) -> None:
    """Other properties of a request without an id are kept."""
    job = open_folder(tmp_path / "a", sandbox.url)
    job.add([{"params": request("", "one")["params"], "country": "Chile"}])
    job.run()
    assert [row.columns for row in job.results()] == [{"country": "Chile"}]


@pytest.mark.parametrize("together", [3, 50_000])
def test_add_all_or_nothing(
    tmp_path: Path, open_any_job: Open, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    """An oversized request is reported with its index, and a failing source leaves nothing behind."""
    monkeypatch.setattr(_adding, "_PENDING_ROWS", together)
    job = open_any_job(tmp_path / "a", None, max_bytes=2000)
    with pytest.raises(JobRequestError, match=r"request 7 \(custom_id 'big'\).*max_bytes") as caught:
        job.add([*requests(7), request("big", "x" * 2000)])
    assert caught.value.index == 7

    def failing() -> Any:
        yield from requests(50)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        job.add(failing())
    assert job.status().requests == 0
    assert job.add(requests(5)) == 5


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"custom_id": "a"}, "no params"),
        ("text", "a request is a dict"),
        ({"custom_id": 3, "params": {}}, "custom_id must be text"),
        ({"custom_id": "a", "params": {"stream": True}}, "stream"),
        ({"custom_id": "a", "params": {"betas": ["x"]}}, "betas"),
        ({"custom_id": "a", "params": {"x": object()}}, "object is not JSON"),
        ({"custom_id": "\ud83d", "params": {}}, "not text"),
    ],
)
def test_bad_requests(tmp_path: Path, open_folder: Open, given: Any, problem: str) -> None:
    """Requests that the API refuses are refused when they are added, with their index."""
    job = open_folder(tmp_path / "a", None)
    with pytest.raises(JobRequestError, match=f"request 0.*{problem}"):
        job.add([given])


def test_one_dict(tmp_path: Path, open_folder: Open) -> None:
    """One request in place of a list is refused with a hint."""
    with pytest.raises(JobOptionsError, match="put it in a list"):
        open_folder(tmp_path / "a", None).add(request("a", "b"))


def test_many_small_adds(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """Requests that are added one by one are sent as one batch, as the plan says, which changes nothing."""
    job = open_job(tmp_path / "a", sandbox.url)
    for each in requests(20):
        job.add([each])
    assert (job.plan(count=False).shards, len(job.shards())) == (1, 20)
    report = job.run()
    assert report.status.batches == 1
    assert [row.custom_id for row in job.results()] == [f"row {index}" for index in range(20)]


def test_in_flight(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """No more requests are in unfinished batches than max_in_flight."""
    job = open_job(tmp_path / "a", sandbox.url, max_requests=10, max_in_flight=25)
    job.add(requests(40))
    assert job.submit() == 2
    assert job.submit() == 0
    assert job.status().in_flight == 20
    job.poll()
    assert job.submit() == 2


def test_one_budget_of_many_processes(postgres: Any) -> None:
    """Handles that send at once share one max_in_flight: the sandbox refuses a request more, and refuses none."""
    statuses: list[int] = []

    def log(exchange: Any) -> None:
        if exchange.method == "POST":
            statuses.append(exchange.status)

    handles = 5
    ready = threading.Barrier(handles)
    with Sandbox(speed=1, queue_limit=22, log=log) as sandbox, ExitStack() as opened:

        def open_job() -> Job:
            client = opened.enter_context(Client(base_url=sandbox.url, api_key="k", max_retries=0))
            ledger = PostgresLedger(postgres.dsn)
            options: Any = {**QUICK, "max_requests": 10, "max_in_flight": 22}
            return opened.enter_context(Job.open("one budget", client=client, ledger=ledger, **options))

        jobs = [open_job() for _ in range(handles)]
        jobs[0].add(requests(100))

        def submit(job: Job) -> int:
            ready.wait()
            return job.submit()

        with ThreadPoolExecutor(handles) as pool:
            for done in range(0, 100, 20):
                assert sum(pool.map(submit, jobs)) == 2
                with Client(base_url=sandbox.url, api_key="k") as client:
                    counts = [batch.request_counts.processing for batch in client.messages.batches.list()]
                assert (sum(counts), len(counts)) == (20, done // 10 + 2)
                sandbox.advance(3600)
                jobs[0].poll()
        assert jobs[1].run().finished
    # Each shard was sent once.
    assert statuses == [200] * 10


def test_one_list_call_of_many_batches(tmp_path: Path, open_job: Open) -> None:
    """A poll of 130 batches takes a call for each page of the list, and none for a single batch."""
    calls: list[tuple[str, str]] = []
    with Sandbox(speed=1, log=lambda exchange: calls.append((exchange.method, exchange.path))) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, max_requests=1)
        job.add(requests(130))
        assert job.submit() == 130
        for ended in (0, 130):
            calls.clear()
            assert job.poll().batches_ended == ended
            assert calls == [("GET", "/v1/messages/batches")] * 2
            sandbox.advance(3600)
        calls.clear()
        job.poll()
        # Batches that are known to have ended are not looked at again.
        assert calls == []


def test_late_max_in_flight(
    tmp_path: Path, open_job: Open, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Larger shards than a max_in_flight that comes late are sent one by one, with one warning."""
    job = open_job(tmp_path / "a", sandbox.url, max_requests=10)
    job.add(requests(30))
    job.close()
    job = open_job(tmp_path / "a", sandbox.url, max_in_flight=4)
    with caplog.at_level("WARNING", "claude_batches.jobs"):
        assert job.submit() == 1
        assert job.submit() == 0
        assert job.run().finished
    (record,) = (each for each in caplog.records if each.levelname == "WARNING")
    assert record.getMessage().startswith("shard 1 has 10 requests, and max_in_flight is 4: ")
    assert "add them to a new job" in record.getMessage()
    caplog.clear()
    job.add(requests(8, 30))
    assert job.run().finished
    assert not [each for each in caplog.records if each.levelname == "WARNING"]
    assert [shard.requests for shard in job.shards()] == [10, 10, 10, 4, 4]


def test_queue_full(tmp_path: Path, open_job: Open) -> None:
    """A 429 of the queue is waited out, and is not a failure, however often it comes."""
    faults = [Fault(kind="rate_limited", on="create", times=6, seconds=0.01)]
    with Sandbox(instant=True, faults=faults) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, patience=0)
        job.add(requests(5))
        report = job.run()
    assert report.finished
    assert [row.attempt for row in job.results()] == [1] * 5


def test_canary(tmp_path: Path, open_job: Open) -> None:
    """A canary that fails stops the job before the rest is sent; resume sends it all the same."""
    with Sandbox(instant=True, reply=lambda _: _fail("not_found_error", "no such model")) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, canary=5)
        job.add(requests(30))
        report = job.run()
        assert report.paused is not None
        assert "canary" in report.paused
        assert (report.status.done, report.status.staged) == (5, 25)
        assert not job.run().finished
        job.resume()
        assert job.run().finished


@pytest.mark.parametrize("keep", [False, True])
def test_canary_with_rows_to_send_again(tmp_path: Path, open_job: Open, keep: bool) -> None:
    """A failed canary tells its errors though its rows wait to be sent again; keep leaves these rows as they are."""
    failing = True

    def reply(request: Any) -> Any:
        if failing and request["params"]["max_tokens"] % 2:
            _fail("overloaded_error", f"no\nroom {'x' * 300}")
        return "fine"

    with Sandbox(instant=True, reply=reply) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, canary=10)
        job.add(
            [
                {**each, "params": {**each["params"], "max_tokens": i + 1}}
                for i, each in enumerate(requests(30))
            ]
        )
        report = job.run()
        assert report.paused is not None
        assert f'5 overloaded. The most frequent errors: 5 of "no room {"x" * 192}…".' in report.paused
        assert (len(list(job.results())), report.status.again) == (5, 5)
        failing = False
        job.resume(keep=keep)
        report = job.run()
    assert report.finished
    assert report.status.causes == ({"overloaded": 5, "succeeded": 25} if keep else {"succeeded": 30})
    used = {(each.cause, each.kept): each.requests for each in job.spent() if each.cause == "overloaded"}
    assert used == {("overloaded", keep): 5}


def _fail(kind: str, message: str) -> Any:
    raise ReplyError(kind, message)


def test_low_credit(tmp_path: Path, open_job: Open) -> None:
    """Low credit pauses the job without counting an attempt; resume sends the rows again."""
    broke = True

    def reply(_: Any) -> Any:
        return (
            _fail("invalid_request_error", "Your credit balance is too low to use the API") if broke else "ok"
        )

    with Sandbox(instant=True, reply=reply) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, max_attempts=1)
        job.add(requests(5))
        report = job.run()
        assert report.paused is not None
        assert "credit balance" in report.paused
        assert report.status.held == 5
        broke = False
        job.resume()
        assert job.run().finished
    assert [(row.cause, row.attempt) for row in job.results()] == [("succeeded", 1)] * 5


def test_low_credit_ends_the_sending(tmp_path: Path, open_job: Open) -> None:
    """The first batch that ends in low credit pauses the job before its other shards are sent."""

    def reply(_: Any) -> Any:
        return _fail("invalid_request_error", "Your credit balance is too low to use the API")

    with Sandbox(instant=True, reply=reply) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, max_requests=10, poll_interval=1e-6)
        job.add(requests(100))
        report = job.run()
    assert report.paused is not None
    # Another one is sent while the results of the first one are taken.
    assert report.status.staged >= 60


@pytest.mark.parametrize(
    ("kind", "words"), [("low_credit", "credit balance"), ("billing", "billing or payment")]
)
def test_create_without_credit(tmp_path: Path, open_job: Open, kind: Any, words: str) -> None:
    """A create that is refused for low credit or billing pauses the job, and no attempt is counted."""
    with Sandbox(instant=True, faults=[Fault(kind=kind, on="create")]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, max_attempts=1, max_requests=5)
        job.add(requests(10))
        report = job.run()
        assert report.paused is not None
        assert words in report.paused
        assert "resume()" in report.paused
        # The first refusal is enough: no other shard is tried.
        assert [(shard.state, shard.sends) for shard in job.shards()] == [("staged", 1), ("staged", 0)]
        assert (report.status.held, report.status.done, report.spent) == (0, 0, [])
        assert job.submit() == 0
        sandbox.set_faults(None)
        job.resume()
        assert job.run().finished
    assert [(row.cause, row.attempt) for row in job.results()] == [("succeeded", 1)] * 10


@pytest.mark.parametrize(("count", "paused"), [(99, False), (100, True)])
def test_smallest_flood(tmp_path: Path, open_folder: Open, count: int, paused: bool) -> None:
    """Fewer than 100 equal errors are the results of their requests, and pause nothing."""
    with Sandbox(instant=True, reply=lambda _: _fail("invalid_request_error", "new words")) as sandbox:
        job = open_folder(tmp_path / "a", sandbox.url)
        job.add(requests(count))
        report = job.run()
    assert (report.paused is not None, report.finished) == (paused, not paused)


def test_flood(tmp_path: Path, open_job: Open) -> None:
    """One error on nearly all requests pauses the job; it can be kept as their result."""
    with Sandbox(instant=True, reply=lambda _: _fail("invalid_request_error", "new words")) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add(requests(120))
        report = job.run()
        assert report.paused is not None
        assert "new words" in report.paused
        assert report.status.held == 120
        job.resume(keep=True)
        report = job.run()
    assert report.finished
    assert report.status.causes == {"invalid": 120}


def test_attempts(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """Only rows that may succeed go again, up to max_attempts; each attempt stays in the ledger."""
    job = open_job(tmp_path / "a", sandbox.url)
    job.add(
        [
            request("good", "fine"),
            request("expires", "[[expire]]"),
            request("busy", "[[error:overloaded_error]]"),
            request("wrong", "[[error:invalid_request_error]]"),
            request("refused", "[[refuse]]"),
            request("canceled", "[[cancel]]"),
        ]
    )
    report = job.run()
    assert report.finished
    found = {row.custom_id: (row.cause, row.attempt) for row in job.results()}
    assert found == {
        "good": ("succeeded", 1),
        "expires": ("expired", 3),
        "busy": ("overloaded", 3),
        "wrong": ("invalid", 1),
        "refused": ("refusal", 1),
        "canceled": ("canceled", 1),
    }
    assert [shard.requests for shard in job.shards()] == [6, 2, 2]
    failed = [each for each in report.spent if each.cause == "expired"]
    assert [(each.requests, each.kept) for each in failed] == [(1, False), (1, False), (1, True)]


def test_more_attempts(tmp_path: Path, open_any_job: Open, sandbox: Sandbox) -> None:
    """`retry` with a larger max_attempts sends rows again that had as many as before, and no others; `run` does not."""
    job = open_any_job(tmp_path / "a", sandbox.url)
    job.add(
        [request("good", "fine"), request("expires", "[[expire]]"), request("wrong", "[[error:api_error]]")]
    )
    assert job.run().finished
    assert job.retry() == 0
    job.close()
    job = open_any_job(tmp_path / "a", sandbox.url, max_attempts=4)
    assert job.run().finished
    assert job.retry() == 2
    assert job.run().finished
    assert {row.custom_id: row.attempt for row in job.results()} == {"good": 1, "expires": 4, "wrong": 4}
    assert job.retry() == 0


def test_lost_rows_are_not_retried(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """Rows of a batch that a person gave up as lost may have been paid for, so `retry` leaves them."""
    job = open_job(tmp_path / "a", sandbox.url)
    job.add([request("a", "fine")])
    job.submit()
    job.poll()
    (shard,) = job.shards()
    assert shard.batch_id is not None
    with Client(api_key="k", base_url=sandbox.url) as client:
        client.messages.batches.delete(shard.batch_id)
    job.resolve(shard.number, "lost")
    assert (job.retry(), job.status().causes) == (0, {"missing": 1})


def test_more_tokens(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """An answer cut at max_tokens is asked for again with more, where that is wanted."""
    job = open_job(tmp_path / "a", sandbox.url, on_max_tokens="more")
    job.add([request("a", "word " * 30, max_tokens=30)])
    assert job.run().finished
    (row,) = job.results()
    assert row.attempt == 2
    assert row.request["params"]["max_tokens"] == 60
    assert job.add([request("a", "word " * 30, max_tokens=30)]) == 0


@pytest.mark.parametrize(("most", "attempts"), [(100, 3), (40, 2), (30, 1)])
def test_most_tokens(tmp_path: Path, open_job: Open, sandbox: Sandbox, most: int, attempts: int) -> None:
    """A number for on_max_tokens is the most that is asked for, and an answer that had as many is kept."""
    job = open_job(tmp_path / "a", sandbox.url, on_max_tokens=most)
    job.add([request("a", "word " * 100, max_tokens=30)])
    assert job.run().finished
    (row,) = job.results()
    assert (row.attempt, row.cause) == (attempts, "max_tokens")
    assert row.params["max_tokens"] <= most


def test_turns_are_not_failures(tmp_path: Path, open_job: Open) -> None:
    """Continued turns don't use up the attempts of a row that fails later."""
    calls = 0

    def reply(_: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls <= 3:
            return {"stop_reason": "pause_turn", "content": [{"type": "text", "text": "half"}]}
        return _fail("overloaded_error", "busy") if calls <= 5 else "whole"

    with Sandbox(instant=True, reply=reply) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add([request("a", "search")])
        job.run()
    (row,) = job.results()
    assert (row.cause, row.attempt) == ("succeeded", 6)


def test_paused_turn(tmp_path: Path, open_job: Open) -> None:
    """A paused turn is continued with its content."""

    def reply(wire: Any) -> Any:
        if len(wire["params"]["messages"]) == 1:
            return {"stop_reason": "pause_turn", "content": [{"type": "text", "text": "half"}]}
        return "whole"

    with Sandbox(instant=True, reply=reply) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add([request("a", "search")])
        job.run()
    (row,) = job.results()
    assert (row.cause, row.attempt) == ("succeeded", 2)
    assert row.message.content[0].text == "whole"
    assert row.request["params"]["messages"][1]["content"][0]["text"] == "half"


def test_retry_if(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """A user's predicate sends a row again, with changed params."""

    def again(custom_id: str, params: Any, result: Any, attempt: int) -> Any:
        return request("", "better")["params"] if (custom_id, attempt) == ("a", 1) else None

    job = open_job(tmp_path / "a", sandbox.url, retry_if=again)
    job.add([request("a", "bad"), request("b", "fine")])
    job.run()
    first, second = job.results()
    assert (first.attempt, second.attempt) == (2, 1)
    assert "better" in first.message.content[0].text


def test_functions_in_the_users_thread(tmp_path: Path, open_folder: Open, sandbox: Sandbox) -> None:
    """A sync job calls a user's functions in the thread that calls it."""
    threads: set[int] = set()

    def check(_: Any) -> None:
        threads.add(threading.get_ident())

    job = open_folder(tmp_path / "a", sandbox.url, max_requests=3, check=check)
    job.add(requests(9))
    assert job.run().finished
    assert threads == {threading.get_ident()}


def test_bad_change(tmp_path: Path, open_folder: Open, sandbox: Sandbox) -> None:
    """Params of a predicate that are not JSON are an error, and the results are taken by a later call."""
    job = open_folder(tmp_path / "a", sandbox.url, retry_if=lambda *_: {"model": object()})
    job.add([request("a", "x")])
    job.submit()
    job.poll()
    with pytest.raises(JobOptionsError, match="retry_if returned params for 'a'"):
        job.collect()
    job.close()
    job = open_folder(tmp_path / "a", sandbox.url)
    assert job.run().finished


def test_stored_options(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """Options are stored, those that are given come first, and functions are not stored."""
    job = open_job(tmp_path / "a", None, max_requests=7, on_max_tokens=50, retry_if=lambda *_: None)
    job.close()
    job = open_job(tmp_path / "a", None, max_attempts=2)
    assert job.options.retry_if is None
    assert (job.options.max_requests, job.options.on_max_tokens, job.options.max_attempts) == (7, 50, 2)
    job.close()
    job = open_job(tmp_path / "a", sandbox.url, max_requests=9)
    job.add(requests(10))
    assert [shard.requests for shard in job.shards()] == [9, 1]


class _Shelf:
    """A ledger of a user's own: folders below another one."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, name: str, *, ids: Any = "derived") -> Any:
        return FolderLedger().open(str(self._root / "shelf" / name), ids=ids)


def test_other_ledger(tmp_path: Path, sandbox: Sandbox) -> None:
    """A job works with any ledger that opens jobs by their names."""
    shelf: Ledger = _Shelf(tmp_path)
    with (
        Client(base_url=sandbox.url, api_key="k") as client,
        Job.open("a", client=client, ledger=shelf, poll_interval=0.01) as job,
    ):
        job.add(requests(3))
        assert job.run().finished
    assert (tmp_path / "shelf" / "a" / "ledger.sqlite").exists()


def test_own_ids(tmp_path: Path, open_any_job: Open, sandbox: Sandbox) -> None:
    """A user's own ids are sent as they are where that is wanted."""
    job = open_any_job(tmp_path / "a", sandbox.url, ids="own")
    job.add([request("mine", "x")])
    with pytest.raises(JobRequestError, match="1 to 64"):
        job.add([request("not mine", "x")])
    job.run()
    (row,) = job.results()
    assert row.wire["custom_id"] == "mine"
    job.close()
    with pytest.raises(JobOptionsError, match="can't change"):
        open_any_job(tmp_path / "a", None, ids="derived")


def test_ids_of_an_empty_job(tmp_path: Path, open_job: Open) -> None:
    """The custom_ids on the wire can be chosen anew until the job has a request."""
    open_job(tmp_path / "a", None, ids="own").close()
    job = open_job(tmp_path / "a", None, ids="derived")
    job.add([request("not for the wire", "x")])
    job.close()
    with pytest.raises(JobOptionsError, match="once it has requests"):
        open_job(tmp_path / "a", None, ids="own")


def test_short_requests(tmp_path: Path, open_folder: Open, sandbox: Sandbox) -> None:
    """Rows come back in both orders where blocks are full of rows before they are large."""
    job = open_folder(tmp_path / "a", sandbox.url)
    assert job.add(request(f"r{number}", "[[cancel]]", max_tokens=9) for number in range(5000)) == 5000
    assert job.run().status.causes == {"canceled": 5000}
    for order in ("input", "arrival"):
        assert {row.custom_id for row in job.results(order)} == {f"r{number}" for number in range(5000)}


def test_options_of_another(tmp_path: Path) -> None:
    """Options that another process stored since the job was opened hold for its first change."""
    Job.open(tmp_path / "a").close()
    with Job.open(tmp_path / "a") as job:
        with Job.open(tmp_path / "a", max_requests=7):
            pass
        job.add([request(f"row {number}", "more") for number in range(20)])
        assert job.options.max_requests == 7
        assert max(shard.requests for shard in job.shards()) <= 7


def test_first_changes_at_once(tmp_path: Path) -> None:
    """Threads that make the first change of an open job at once do not lock one another out."""
    with Job.open(tmp_path / "a") as job:
        job.add(requests(3))
    for _ in range(20):
        with Job.open(tmp_path / "a") as job, ThreadPoolExecutor(4) as threads:
            assert [each.result() for each in [threads.submit(job.retry) for _ in range(4)]] == [0] * 4


def test_error_of_a_function(postgres: Any, sandbox: Sandbox) -> None:
    """Results that a worker leaves after an error in a user's function are collected by another one."""
    ledger = PostgresLedger(postgres.dsn)

    def fails(*_: Any) -> bool:
        raise ZeroDivisionError

    with (
        Client(base_url=sandbox.url, api_key="k") as client,
        Job.open("left", ledger=ledger, client=client, max_requests=10, **QUICK) as job,
        Job.open("left", ledger=ledger, client=client, retry_if=fails, **QUICK) as worker,
    ):
        job.add(requests(30))
        job.submit()
        job.poll()
        with pytest.raises(ZeroDivisionError):
            worker.collect()
        assert len(job.collect()) == 3


@pytest.mark.parametrize("position", ["9" * 5000, "x", "", "10"])
def test_result_of_no_row(tmp_path: Path, open_folder: Open, sandbox: Sandbox, position: str) -> None:
    """A result whose derived id is of no row is an error that names it, however long it is."""
    job = open_folder(tmp_path / "a", sandbox.url)
    job.add(requests(10))
    job.submit()
    job.poll()
    with Client(base_url=sandbox.url, api_key="k") as client:
        (batch,) = client.messages.batches.list()
        sent, *_ = client.messages.batches.results(batch.id)
    head = sent.custom_id.rpartition("-")[0]
    path = job._job.store.download_path(1)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(orjson.dumps({**sent.to_dict(), "custom_id": f"{head}-{position}"}) + b"\n")
    with pytest.raises(ShardError, match="doesn't have"):
        job.collect()


def test_interrupted_download(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's functions are not called for earlier results after Ctrl-C in a download."""
    called: list[Any] = []
    download = Batches.download

    def interrupted(self: Any, batch_id: str, path: Any, **options: Any) -> Any:
        if any(tmp_path.rglob("*.jsonl")):
            raise KeyboardInterrupt
        return download(self, batch_id, path, **options)

    def noted(*row: Any) -> bool:
        called.append(row)
        return False

    with (
        Client(base_url=sandbox.url, api_key="k") as client,
        Job.open(tmp_path / "a", client=client, max_requests=10, retry_if=noted, **QUICK) as job,
    ):
        job.add(requests(20))
        job.submit()
        job.poll()
        with monkeypatch.context() as patch:
            patch.setattr(Batches, "download", interrupted)
            with pytest.raises(KeyboardInterrupt):
                job.collect()
        assert called == []
        assert len(job.collect()) == 2


def test_cancel(tmp_path: Path, open_any_job: Open, sandbox: Sandbox) -> None:
    """Canceling cancels the batches, collects their results, and sends nothing more."""
    job = open_any_job(tmp_path / "a", sandbox.url, max_requests=20, max_in_flight=20)
    job.add(requests(40))
    job.submit()
    report = job.cancel()
    assert report.status.state == "canceled"
    assert report.status.causes == {"succeeded": 10, "canceled": 10}
    assert report.status.staged == 20
    with pytest.raises(JobError, match="canceled"):
        job.resume()


def test_ctrl_c(tmp_path: Path, open_folder: Open) -> None:
    """Ctrl-C stops after the current step, and the job continues later."""

    creates: list[Any] = []

    def interrupt(exchange: Any) -> None:
        if exchange.method == "POST" and not creates:
            creates.append(exchange)
            os.kill(os.getpid(), signal.SIGINT)

    with Sandbox(instant=True, log=interrupt) as sandbox:
        job = open_folder(tmp_path / "a", sandbox.url, max_requests=10)
        job.add(requests(30))
        report = job.run()
        assert report.interrupted
        assert report.status.batches < 3
        assert job.run().finished


def test_archived_soon(tmp_path: Path, open_folder: Open, sandbox: Sandbox) -> None:
    """Results that will be archived soon are warned of, and the oldest are collected first."""
    job = open_folder(tmp_path / "a", sandbox.url, max_requests=10)
    job.add(requests(10))
    job.submit()
    sandbox.advance(10 * 24 * 3600)
    job.add(requests(10, 10))
    job.submit()
    sandbox.advance(17 * 24 * 3600)
    job.poll()
    with pytest.warns(UserWarning, match="archived"):
        collected = job.collect()
    assert [each.shard for each in collected] == [1, 2]


def test_oldest_batch_first(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """The batch that was made first is collected first, though its shard has a higher number."""
    job = open_job(tmp_path / "a", sandbox.url, max_requests=2, max_in_flight=2)
    job.add([request("a", "[[expire]]"), request("b", "fine"), request("c", "fine"), request("d", "fine")])
    job.submit()
    job.poll()
    job.collect()
    # The row that expired goes first, in a third shard, and the second one waits for it.
    assert job.retry() == 1
    assert job.submit() == 1
    sandbox.advance(3600)
    job.poll()
    assert job.submit() == 1
    job.poll()
    _, second, third = job.shards()
    assert second.created_at > third.created_at
    assert [each.shard for each in job.collect()] == [3, 2]


def test_add_while_staging(
    tmp_path: Path, open_folder: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are not staged in the middle of a call that adds: numbers of shards are given out once."""
    monkeypatch.setattr(_adding, "_PENDING_ROWS", 10)
    job = open_folder(tmp_path / "a", sandbox.url, max_requests=10)

    def source() -> Any:
        yield from requests(15)
        job.retry()

    with pytest.raises(JobError, match="being added"):
        job.add(source())
    assert job.status().requests == 0
    assert job.add(requests(15)) == 15
    assert job.run().finished


def test_client_of_the_environment(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a client one is made from the environment; where that has no credential, the error says so."""
    with Job.open(tmp_path / "a", **QUICK) as job:
        job.add(requests(3))
        with pytest.raises(CredentialsError, match="ANTHROPIC_API_KEY"):
            job.run()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", sandbox.url)
    with Job.open(tmp_path / "a", **QUICK) as job:
        assert job.run().status.succeeded == 3


@pytest.mark.parametrize(
    "options",
    [
        {"max_requests": 0},
        {"canary_failures": 2},
        {"on_max_tokens": "less"},
        {"ids": "mine"},
        {"ledger": "x"},
        {"ledger": "mysql://host/jobs"},
    ],
)
def test_bad_options(tmp_path: Path, options: dict[str, Any]) -> None:
    """Options that can't work are refused before a folder is made."""
    with pytest.raises(JobOptionsError):
        Job.open(tmp_path / "a", **options)
    assert not (tmp_path / "a").exists()


def test_unknown_arguments(tmp_path: Path) -> None:
    """An unknown argument of `open` and `add` is told by its own name, with the nearest one."""
    wrong: Any = {"max_request": 3}
    with pytest.raises(
        TypeError, match=r"Job.open\(\) has no argument 'max_request': did you mean 'max_requests'"
    ):
        Job.open(tmp_path / "a", **wrong)
    assert not (tmp_path / "a").exists()
    with Job.open(tmp_path / "a") as job:
        with pytest.raises(
            TypeError, match=r"Job.add\(\) has no argument 'templat': did you mean 'template'"
        ):
            job.add([{"a": 1}], templat="x")
        with pytest.raises(TypeError, match="no argument 'zzz': there are"):
            job.add([{"a": 1}], zzz="x")


def test_incomplete_results(tmp_path: Path, open_job: Open) -> None:
    """Results that stay incomplete on the server are taken as they are, and their missing rows are sent again."""
    with Sandbox(instant=True, faults=[Fault(kind="truncated_line", at=3)]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add(requests(5))
        job.submit()
        job.poll()
        while not job.collect():
            pass
        assert [each.cause for each in job.results()] == ["succeeded", "succeeded"]
        assert job.status().again == 3
        sandbox.set_faults(None)
        assert job.run().finished
    assert sorted(row.attempt for row in job.results()) == [1, 1, 2, 2, 2]
