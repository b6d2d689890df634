"""Canceled jobs: rows that were to be sent again keep their last results."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from claude_batches.sandbox import Fault, ReplyError, Sandbox

from tests.jobs.kinds import Open
from tests.jobs.victim import requests

MODEL = "claude-haiku-4-5"
#: A dollar a token of input, and ten a token of output.
PRICES = {MODEL: {"input_tokens": 1e6, "output_tokens": 10e6}}
#: The answer of each row, its tokens of output and its cause. All but the first are sent again.
ROWS: dict[str, tuple[str | None, int, str]] = {
    "good": ("end_turn", 1, "succeeded"),
    "cut": ("max_tokens", 2, "max_tokens"),
    "paused": ("pause_turn", 3, "pause_turn"),
    "changed": ("end_turn", 4, "succeeded"),
    "asked for": ("end_turn", 5, "succeeded"),
    "[[expire]]": (None, 0, "expired"),
    "busy": ("overloaded_error", 0, "overloaded"),
}
#: The cost of the answers that are sent again, 10 tokens of input each.
AGAIN = Decimal(30 + 40 + 50 + 60)


def _request(text: str) -> dict[str, Any]:
    message = {"role": "user", "content": text}
    return {"custom_id": text, "params": {"model": MODEL, "max_tokens": 50, "messages": [message]}}


def _reply(wire: dict[str, Any]) -> Any:
    reason, tokens, _ = ROWS[wire["params"]["messages"][0]["content"]]
    if reason is None:
        return None
    if not tokens:
        raise ReplyError(reason, "busy")
    usage = {"input_tokens": 10, "output_tokens": tokens, "service_tier": "batch"}
    return {"content": "text", "stop_reason": reason, "usage": usage}


def _again(custom_id: str, params: Any, _: Any, attempt: int) -> Any:
    return {"changed": {**params, "max_tokens": 60}, "asked for": True}.get(custom_id)


@pytest.mark.parametrize("attempts", [1, 2])
@pytest.mark.parametrize("staged", [False, True])
def test_waiting_rows(tmp_path: Path, open_job: Open, staged: bool, attempts: int) -> None:
    """Rows of each state have their last result when the job is canceled, whether they were staged again or not."""
    with Sandbox(instant=True, reply=_reply) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, on_max_tokens="more", retry_if=_again, prices=PRICES)
        job.add(map(_request, ROWS))
        for attempt in range(attempts):
            assert job.retry() == (6 if attempt else 0)
            job.submit()
            job.poll()
            job.collect()
        assert job.status().again == 6
        assert staged is (job.retry() == 6 if staged else False)
        report = job.cancel()
        assert (report.finished, report.status.staged, report.status.again) == (True, 0, 0)
        found = {row.custom_id: (row.cause, row.attempt) for row in job.results()}
        assert found == {
            name: (cause, 1 if name == "good" else attempts) for name, (_, _, cause) in ROWS.items()
        }
        assert [row.custom_id for row in job.results() if row.message] == list(ROWS)[:5]
        assert len(list(job.results("arrival"))) == len(ROWS)
        # Those of a shard that was not sent are gone.
        assert [shard.requests for shard in job.shards()] == [7, 6][:attempts]
        costs = job.cost()
        assert (costs.cost, costs.failed_cost) == (20 + AGAIN * attempts, AGAIN * (attempts - 1))
        kept = {(each.shard, each.cause): each for each in report.spent if each.kept}
        assert sum(each.requests for each in kept.values()) == len(ROWS)
        assert sum(each.tokens.get("output_tokens", 0) for each in kept.values()) == 1 + 2 + 3 + 4 + 5
        assert [each.shard for each in report.spent if not each.kept] == [1] * (5 * (attempts - 1))
        assert job.cancel().finished
        assert not list((tmp_path / "a").glob("bodies/00000[3-9]*"))


def test_unsent_rows_of_a_canceled_job(tmp_path: Path, open_job: Open) -> None:
    """Rows that were never sent stay unsent in a canceled job, beside those that were to be sent again."""
    with Sandbox(instant=True, reply=_reply) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, max_requests=2, max_in_flight=2, on_max_tokens="more")
        job.add(map(_request, ["good", "cut", "paused", "busy"]))
        job.submit()
        job.poll()
        job.collect()
        assert job.retry() == 1
        report = job.cancel()
    assert (report.finished, report.status.staged) == (False, 2)
    assert {row.custom_id: row.cause for row in job.results()} == {"good": "succeeded", "cut": "max_tokens"}


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize(("count", "words", "cause"), [
    (5, "Your credit balance is too low", "billing"), (120, "new words", "invalid"),
])  # fmt: skip
def test_held_rows(tmp_path: Path, open_job: Open, count: int, words: str, cause: str, resumed: bool) -> None:
    """Rows that are held by a pause have their errors as results when the job is canceled, or resumed with `keep`."""

    def reply(_: Any) -> Any:
        raise ReplyError("invalid_request_error", words)

    with Sandbox(instant=True, reply=reply) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add(requests(count))
        report = job.run()
        assert (report.status.state, report.status.held) == ("paused", count)
        assert [(each.kept, each.requests) for each in report.spent] == [(False, count)]
        if resumed:
            job.resume(keep=True)
        report = job.run() if resumed else job.cancel()
    assert (report.finished, report.status.causes) == (True, {cause: count})
    assert [(each.kept, each.requests) for each in report.spent] == [(True, count)]


def test_rows_without_a_result(tmp_path: Path, open_job: Open) -> None:
    """Rows without a result are missing in a canceled job."""
    with Sandbox(instant=True, faults=[Fault(kind="truncated_line", at=3)]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add(requests(5))
        job.submit()
        job.poll()
        while not job.collect():
            pass
        assert job.retry() == 3
        report = job.cancel()
    assert (report.finished, report.status.causes) == (True, {"succeeded": 2, "missing": 3})


def _send_again(job: Any, sandbox: Sandbox, fault: Any) -> None:
    """Have a row that is sent again in a shard in doubt."""
    job.add(map(_request, ["good", "cut"]))
    job.submit()
    job.poll()
    job.collect()
    job.retry()
    sandbox.set_faults([Fault(kind=fault, on="create", times=1)])
    job.submit()


def test_canceled_in_doubt(tmp_path: Path, open_job: Open) -> None:
    """Rows of a shard in doubt that turns out not to be made keep the results that they had before."""
    with Sandbox(instant=True, reply=_reply) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, on_max_tokens="more")
        _send_again(job, sandbox, "failed")
        assert job.status().shards == {"collected": 1, "doubt": 1}
        report = job.cancel()
    assert (report.finished, report.status.shards) == (True, {"collected": 1})
    assert {row.custom_id: row.cause for row in job.results()} == {"good": "succeeded", "cut": "max_tokens"}


def test_doubt_resolved_after_the_cancel(tmp_path: Path, open_job: Open) -> None:
    """Rows of a shard that a person says was not made keep the results that they had before."""
    with Sandbox(instant=True, reply=_reply) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, on_max_tokens="more")
        _send_again(job, sandbox, "failed_after")
        # Nothing shows any more which batch is the shard's.
        sandbox.advance(30 * 24 * 3600)
        (doubt,) = job.cancel().status.doubts
        assert doubt.stuck
        job.resolve(doubt.shard, "not-made")
    assert job.status().finished
    assert {row.custom_id: row.cause for row in job.results()} == {"good": "succeeded", "cut": "max_tokens"}
