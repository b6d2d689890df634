"""The limit and the costs of a job, over batches that are given up and attempts that fail."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from claude_batches import Client
from claude_batches.jobs import BudgetError, JobError, JobOptionsError, Prices
from claude_batches.sandbox import Fault, ReplyError, Sandbox

from tests.jobs.kinds import Open

MODEL = "claude-haiku-4-5"
#: Each token of output is a dollar.
PRICES = {MODEL: {"input_tokens": 1, "output_tokens": 1e6}}


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with Client(base_url=sandbox.url, api_key="k") as client:
        yield client


def _requests(*dollars: int, text: str = "hi") -> list[dict[str, Any]]:
    """Return requests that may cost so many dollars each."""
    message = {"role": "user", "content": text}
    return [
        {
            "custom_id": f"row {index}",
            "params": {"model": MODEL, "max_tokens": most, "messages": [message]},
        }
        for index, most in enumerate(dollars)
    ]


@pytest.mark.parametrize("polled", [True, False])
def test_lost_money_is_committed(
    tmp_path: Path, open_job: Open, sandbox: Sandbox, client: Client, polled: bool
) -> None:
    """A shard that is resolved as lost may have been paid for, so the limit holds over it."""
    job = open_job(tmp_path / "a", sandbox.url, max_requests=1, prices=PRICES)
    job.add(_requests(100, 100))
    assert job.submit(max_cost=110) == 1
    if polled:
        job.poll()
    batch = job.shards()[0].batch_id
    client.messages.batches.delete(batch)
    job.resolve(1, "lost")
    assert job.submit(max_cost=110) == 0
    assert (job.status().batches, job.status().batches_ended) == (1, 1)
    report = job.cost()
    assert (report.cost, report.lost_requests, round(report.lost_cost)) == (0, 1, 100)
    assert "1 request without a result may have cost up to $100" in str(report)
    assert job.submit(max_cost=210) == 1


def test_requests_in_process_are_told(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """The report counts requests in process, and has the most that they can cost if it is asked for."""
    job = open_job(tmp_path / "a", sandbox.url, max_requests=1, prices=PRICES)
    job.add(_requests(100, 100))
    assert (job.submit(max_cost=110), job.over_cost) == (1, True)
    assert (job.cost().pending_requests, job.cost().pending_cost) == (1, None)
    report = job.cost(pending=True)
    assert (report.cost, report.pending_requests, round(report.pending_cost)) == (0, 1, 100)
    assert "1 request is in process and can cost up to $100" in str(report)
    assert report.to_dict()["pending_cost"] == str(report.pending_cost)
    assert (job.submit(), job.over_cost) == (1, False)
    job.poll()
    job.collect()
    assert job.cost(pending=True).pending_requests == 0
    assert "in process" not in str(job.cost(pending=True))


def test_lost_doubt_is_committed(tmp_path: Path, open_job: Open) -> None:
    """A shard in doubt that is resolved as lost may have been made, so the limit holds over it."""
    with Sandbox(instant=True, faults=[Fault(kind="failed_after", on="create", times=1)]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, max_requests=1, prices=PRICES)
        job.add(_requests(100, 100))
        assert job.submit(max_cost=110) == 0
        assert job.status().shards == {"doubt": 1, "staged": 1}
        job.resolve(1, "lost")
        assert job.submit(max_cost=110) == 0
        assert job.run(max_cost=210).finished


@pytest.mark.parametrize("word", ["not-made", "lost"])
def test_made_stays_committed(
    tmp_path: Path, open_job: Open, sandbox: Sandbox, client: Client, word: str
) -> None:
    """A batch that was made stays committed when it is resolved, so its rows need room for a second one."""
    job = open_job(tmp_path / "a", sandbox.url, prices=PRICES)
    job.add(_requests(50))
    assert job.submit(max_cost=55) == 1
    client.messages.batches.delete(job.shards()[0].batch_id)
    job.resolve(1, word)
    assert job.submit(max_cost=55) == 0
    if word == "lost":
        assert job.run(max_cost=55).finished
        return
    assert (job.status().staged, job.status().again) == (1, 0)
    assert job.submit(max_cost=105) == 1
    report = job.run(max_cost=105)
    assert report.finished
    assert [(row.cause, row.attempt) for row in job.results()] == [("succeeded", 2)]
    costs = job.cost()
    # "You said: hi" is 12 characters, of four in a token.
    assert (round(costs.cost), costs.lost_requests, round(costs.lost_cost)) == (3, 1, 50)
    job.add([{**_requests(50)[0], "custom_id": "another"}])
    assert job.submit(max_cost=102) == 0
    assert job.submit(max_cost=104) == 1


def test_prices_of_a_job(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """A job takes prices as a dict and as Prices, and keeps them; what it can't keep it refuses."""
    job = open_job(tmp_path / "a", sandbox.url, prices=Prices(PRICES))
    job.add(_requests(50))
    assert job.submit(max_cost=45) == 0
    job.close()
    job = open_job(tmp_path / "a", sandbox.url)
    assert job.options.prices == PRICES
    assert job.submit(max_cost=55) == 1
    with pytest.raises(JobOptionsError, match="without at= and listed="):
        open_job(tmp_path / "b", sandbox.url, prices=Prices(PRICES, listed=False))


def test_model_without_a_price(tmp_path: Path, open_folder: Open, sandbox: Sandbox) -> None:
    """A limit that can't hold names the model that has no price."""
    job = open_folder(tmp_path / "a", sandbox.url)
    requests = _requests(50)
    requests[0]["params"]["model"] = "claude-unknown-9"
    job.add(requests)
    for _ in range(2):
        with pytest.raises(
            BudgetError, match="over 'claude-unknown-9', a model without a price: give prices="
        ):
            job.submit(max_cost=55)
    assert job.submit() == 1
    job.add([{**_requests(50)[0], "custom_id": "another"}])
    with pytest.raises(BudgetError, match="over 'claude-unknown-9'"):
        job.submit(max_cost=55)


@pytest.mark.parametrize(("word", "most"), [("lost", 50), ("not-made", 100)])
def test_foreign_stays_committed(tmp_path: Path, open_job: Open, word: str, most: float) -> None:
    """A shard whose batch turned out to be something else's may have been paid for elsewhere: it stays committed."""
    with Sandbox(instant=True) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, prices=PRICES)
        job.add(_requests(50))
        job.submit()
        job.close()
    with Sandbox(instant=True) as sandbox, Client(base_url=sandbox.url, api_key="k") as client:
        client.messages.batches.create(requests=[{**_requests(50)[0], "custom_id": "another"}])
        job = open_job(tmp_path / "a", sandbox.url)
        with pytest.raises(JobError, match="something else"):
            job.run()
        job.resolve(1, word)
        job.add([{**_requests(50)[0], "custom_id": "more"}])
        assert job.submit(max_cost=most + 45) == (word == "not-made")
        assert job.submit(max_cost=most + 55) == 1


def test_not_made_in_doubt(tmp_path: Path, open_job: Open) -> None:
    """A shard in doubt that a person says was not made has cost nothing, and is sent within the same limit."""
    with Sandbox(instant=True, faults=[Fault(kind="failed", on="create", times=1)]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, prices=PRICES)
        job.add(_requests(50))
        assert job.submit(max_cost=55) == 0
        job.resolve(1, "not-made")
        assert job.run(max_cost=55).finished
        assert [(shard.number, shard.sends) for shard in job.shards()] == [(1, 2)]
        assert job.cost().lost_requests == 0


def test_not_made_in_a_canceled_job(tmp_path: Path, open_job: Open, sandbox: Sandbox, client: Client) -> None:
    """A canceled job sends nothing again: rows of a batch that is gone are missing, and the job is finished."""
    job = open_job(tmp_path / "a", sandbox.url, prices=PRICES, patience=0)
    job.add(_requests(50))
    job.submit()
    client.messages.batches.delete(job.shards()[0].batch_id)
    with pytest.raises(JobError, match="not found"):
        job.cancel()
    job.resolve(1, "not-made")
    assert (job.status().finished, job.status().causes) == (True, {"missing": 1})


def test_missing_results_are_committed(tmp_path: Path, open_job: Open) -> None:
    """A request without a result in an ended batch may have been paid for, so the limit holds over it."""
    with Sandbox(instant=True, faults=[Fault(kind="truncated_line", at=2)]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, prices=PRICES)
        job.add(_requests(100, 100))
        job.submit()
        job.poll()
        while not job.collect():
            pass
        assert job.status().causes == {"succeeded": 1}
        assert job.retry() == 1
        assert job.submit(max_cost=202) == 0
        assert (job.cost().lost_requests, round(job.cost().lost_cost)) == (1, 100)
        assert job.submit(max_cost=204) == 1


def test_unbounded_and_lost(tmp_path: Path, open_job: Open, sandbox: Sandbox, client: Client) -> None:
    """The report has the number of lost requests where nothing bounds their cost."""
    job = open_job(tmp_path / "a", sandbox.url, prices=PRICES)
    request = _requests(50)[0]
    job.add([{**request, "params": {**request["params"], "max_tokens": "many"}}])
    job.submit()
    client.messages.batches.delete(job.shards()[0].batch_id)
    job.resolve(1, "lost")
    report = job.cost()
    assert (report.lost_requests, report.lost_cost, report.to_dict()["lost_cost"]) == (1, None, None)
    assert "may have cost an unknown amount" in str(report)


def _usage(output: int) -> dict[str, Any]:
    return {"input_tokens": 10, "output_tokens": output, "service_tier": "batch"}


def test_costs_of_all_attempts(tmp_path: Path, open_job: Open) -> None:
    """The costs of a job have each attempt that was billed, and tell those apart whose answer was not kept.

    At a dollar a token of input and ten a token of output:

    | row | first attempt | second attempt | cost | of that, not kept |
    |---|---|---|---|---|
    | good | 10 + 1 | | 20 | |
    | cut | 10 + 5, cut | 10 + 7 | 60 + 80 | 60 |
    | paused | 10 + 2, paused | 10 + 3 | 30 + 40 | 30 |
    | busy | overloaded | 10 + 4 | 50 | |
    | refused | 10 + 6, refused | | 70 | |
    """
    # By the row, the answer of each attempt: its tokens of output and its stop reason.
    answers: dict[str, list[tuple[int, str]]] = {
        "good": [(1, "end_turn")],
        "cut": [(5, "max_tokens"), (7, "end_turn")],
        "paused": [(2, "pause_turn"), (3, "end_turn")],
        "busy": [(0, "overloaded"), (4, "end_turn")],
        "refused": [(6, "refusal")],
    }

    def reply(wire: dict[str, Any]) -> dict[str, Any]:
        tokens, reason = answers[wire["params"]["messages"][0]["content"]].pop(0)
        if reason == "overloaded":
            raise ReplyError("overloaded_error", "busy")
        return {"content": "text", "stop_reason": reason, "usage": _usage(tokens)}

    prices = {MODEL: {"input_tokens": 1e6, "output_tokens": 10e6}}
    requests = [{**_requests(50, text=name)[0], "custom_id": name} for name in answers]
    with Sandbox(instant=True, reply=reply) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, prices=prices, on_max_tokens="more")
        job.add(requests)
        report = job.run()
    assert report.finished
    costs = job.cost()
    assert (costs.cost, costs.failed_cost) == (Decimal(350), Decimal(90))
    (line,) = costs.models
    # Of eight attempts, one was not billed.
    assert (line.requests, line.failed_requests) == (7, 2)
    assert (line.input_tokens, line.output_tokens) == (70, 28)
    assert {
        (each.shard, each.cause, each.kept): (each.requests, each.tokens.get("output_tokens"))
        for each in report.spent
    } == {
        (1, "succeeded", True): (1, 1),
        (1, "max_tokens", False): (1, 5),
        (1, "pause_turn", False): (1, 2),
        (1, "overloaded", False): (1, None),
        (1, "refusal", True): (1, 6),
        (2, "succeeded", True): (3, 14),
    }
