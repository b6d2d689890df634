"""Settling: decisions about batches that may have been made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from claude_batches import AmbiguousCreateError, Client
from claude_batches.jobs import LedgerFullError, ShardError
from claude_batches.jobs._ledger._sql import SqlLedger
from claude_batches.jobs._records import Shard, ShardState
from claude_batches.jobs._settle import Confirm, Listed, NotMade, Open, Stuck, Wait, confirms, settle
from claude_batches.sandbox import Fault, Sandbox

from tests.jobs.kinds import Open as OpenJob
from tests.jobs.victim import requests

SHARD = Shard(
    number=3, state=ShardState.DOUBT, kind="first", requests=10, bytes=1, codec="plain", hash="", facts="{}", first=0,
    owner=None, sends=1, intent_at=1000.0, doubt_at=1010.0, batch_id=None, created_at=None, ended_at=None, counts=None,
    failures=0,
)  # fmt: skip


def listed(
    name: str = "b", at: float = 1001.0, count: int = 10, ended: bool = True, archived: bool = False
) -> Listed:
    return Listed(id=name, created_at=at, requests=count, ended=ended, archived=archived)


@pytest.mark.parametrize(
    ("batches", "now", "expected"),
    [
        ([listed()], 1011.0, Confirm),
        ([listed(ended=False)], 9999.0, Open),
        ([listed(ended=False), listed("c")], 9999.0, Confirm),
        ([], 1069.0, Wait),
        ([], 1070.0, NotMade),
        ([listed(count=11)], 1070.0, NotMade),
        ([listed(at=994.0)], 1070.0, NotMade),
        ([listed(at=996.0)], 1070.0, Confirm),
        ([listed("known")], 1070.0, NotMade),
        ([listed("foreign")], 1069.0, Wait),
        ([listed("foreign")], 1070.0, NotMade),
        ([listed(archived=True)], 1070.0, Stuck),
        ([listed("gone")], 1070.0, Stuck),
    ],
)
def test_verdicts(batches: list[Listed], now: float, expected: type[Any]) -> None:
    """The evidence decides: time, count, other shards' batches, earlier verdicts, and the time since the doubt."""
    verdict = settle(
        SHARD,
        batches,
        known={"known"},
        verdicts={"foreign": "foreign", "gone": "gone"},
        server_now=now,
        settle_seconds=60,
    )
    assert isinstance(verdict, expected)


@pytest.mark.parametrize(
    ("custom_ids", "expected"),
    [
        (["abcdefghij-3-0", "abcdefghij-3-9"], True),
        (["abcdefghij-4-0"], False),
        (["bbcdefghij-3-0"], False),
        (["abcdefghij-3-0", "row-1"], False),
        ([], False),
    ],
)
def test_ids_confirm(custom_ids: list[str], expected: bool) -> None:
    """Ids of the job and the shard confirm a batch; a single other one refutes it."""
    assert confirms("abcdefghij", 3, custom_ids) is expected


def test_lost_answer(tmp_path: Path, open_any_job: OpenJob) -> None:
    """A batch whose answer got lost is found, and not made again."""
    faults = [
        Fault(kind="failed_after", on="create", times=1),
        Fault(kind="cut", on="create", skip=1, times=1, at=0),
    ]
    with Sandbox(instant=True, faults=faults) as sandbox:
        job = open_any_job(tmp_path / "a", sandbox.url, max_requests=10)
        job.add(requests(30))
        report = job.run()
        assert report.finished
        assert report.status.batches == 3
        assert [shard.sends for shard in job.shards()] == [1, 1, 1]


def test_foreign_batch(tmp_path: Path, open_job: OpenJob) -> None:
    """A foreign batch of the same size and time is not taken, and the shard is sent again."""
    with Sandbox(instant=True) as sandbox:
        client = Client(base_url=sandbox.url, api_key="k")
        job = open_job(tmp_path / "a", sandbox.url)
        job.add(requests(10))
        sandbox.set_faults([Fault(kind="failed", on="create", times=1)])
        assert job.submit() == 0
        sandbox.set_faults(None)
        other = client.messages.batches.create(
            requests=[{**each, "custom_id": f"other-{index}"} for index, each in enumerate(requests(10))]
        )
        assert job.status().doubts[0].candidates == {}
        job.poll()
        assert job.status().doubts[0].candidates == {other.id: "foreign"}
        report = job.run()
        assert report.finished
        (shard,) = job.shards()
        assert (shard.sends, shard.batch_id == other.id) == (2, False)
        client.close()


def test_rest_goes_on(tmp_path: Path, open_job: OpenJob) -> None:
    """While a candidate is open, its shard stays in doubt and the others are sent."""
    with Sandbox(speed=1, faults=[Fault(kind="failed_after", on="create", times=1)]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, max_requests=10)
        job.add(requests(20))
        assert job.submit() == 0
        job.poll()
        (doubt,) = job.status().doubts
        assert list(doubt.candidates.values()) == ["open"]
        while not job.submit():
            pass
        assert job.status().shards == {"doubt": 1, "open": 1}
        sandbox.advance(3600)
        job.poll()
        assert job.status().doubts == []


def test_gone_evidence(tmp_path: Path, open_job: OpenJob) -> None:
    """A batch whose results are archived can't be confirmed: the doubt is shown, and a user's word resolves it."""
    with Sandbox(instant=True, faults=[Fault(kind="failed_after", on="create", times=1)]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add(requests(10))
        job.submit()
        client = Client(base_url=sandbox.url, api_key="k")
        (batch,) = client.messages.batches.list()
        sandbox.advance(30 * 24 * 3600)
        job.poll()
        (doubt,) = job.status().doubts
        assert doubt.candidates == {batch.id: "gone"}
        assert "shard 1: 10 requests" in str(doubt)
        small = client.messages.batches.create(requests=list(requests(0)) or [_one()])
        with pytest.raises(ShardError, match="has 1 request,"):
            job.resolve(1, small.id)
        with pytest.raises(ShardError, match="not in this job"):
            job.resolve(7, "not-made")
        job.resolve(1, "not-made")
        assert job.run().finished
        with pytest.raises(ShardError, match="collected, not in doubt"):
            job.resolve(1, "not-made")
        client.close()


def test_resolved_by_id(tmp_path: Path, open_job: OpenJob) -> None:
    """A user names the batch of a shard in doubt; one that is another's is found out, and settled by evidence."""
    with Sandbox(instant=True, faults=[Fault(kind="failed_after", on="create", times=1)]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add(requests(10))
        job.submit()
        client = Client(base_url=sandbox.url, api_key="k")
        (batch,) = client.messages.batches.list()
        job.resolve(1, batch.id)
        assert job.run().finished
        job.add(requests(10, 10))
        sandbox.set_faults([Fault(kind="failed", on="create", times=1)])
        job.submit()
        wrong = client.messages.batches.create(
            requests=[{**each, "custom_id": f"other-{index}"} for index, each in enumerate(requests(10))]
        )
        job.resolve(2, wrong.id)
        assert job.run().finished
        assert job.shards()[1].batch_id != wrong.id
        client.close()


def _one() -> dict[str, Any]:
    return {**next(iter(requests(1))), "custom_id": "one"}


def test_waits_for_a_person(tmp_path: Path, open_job: OpenJob) -> None:
    """A run ends when only a person can decide about what is left."""
    with Sandbox(instant=True, faults=[Fault(kind="failed_after", on="create", times=1)]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add(requests(10))
        job.submit()
        sandbox.advance(30 * 24 * 3600)
        report = job.run()
        assert (report.finished, [doubt.stuck for doubt in report.status.doubts]) == (False, [True])
        assert (report.status.batches_left, job.batches().left) == (1, 1)
        job.resolve(1, "lost")
        report = job.run()
    assert report.finished
    assert report.status.causes == {"missing": 10}
    # A batch that never was is not waited for.
    assert (report.status.batches_total, job.batches().total) == (0, 0)


@pytest.mark.parametrize(("word", "causes"), [("lost", {"missing": 10}), ("not-made", {"succeeded": 10})])
def test_gone_results(tmp_path: Path, open_job: OpenJob, word: str, causes: dict[str, int]) -> None:
    """Results that were archived before they were collected are an error that says how to go on."""
    with Sandbox(instant=True) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add(requests(10))
        job.submit()
        with pytest.raises(ShardError, match="is there"):
            job.resolve(1, word)
        sandbox.advance(30 * 24 * 3600)
        with pytest.raises(ShardError, match="lost"):
            job.run()
        job.resolve(1, word)
        report = job.run()
    assert report.finished
    assert report.status.causes == causes


def named(name: str, count: int) -> list[Any]:
    """Return requests whose ids are fit for the wire."""
    return [{**each, "custom_id": f"{name}-{index}"} for index, each in enumerate(requests(count))]


@pytest.mark.parametrize("word", ["lost", "not-made", "own"])
def test_batch_of_something_else(tmp_path: Path, open_any_job: OpenJob, word: str) -> None:
    """A batch that is another one since its sandbox began anew is an error that says how to go on."""
    with Sandbox(instant=True) as sandbox:
        job = open_any_job(tmp_path / "a", sandbox.url, ids="own")
        job.add(named("row", 10))
        job.submit()
        job.close()
    with Sandbox(instant=True) as sandbox, Client(base_url=sandbox.url, api_key="k") as client:
        other = client.messages.batches.create(requests=named("other", 10)).id
        job = open_any_job(tmp_path / "a", sandbox.url)
        assert job.shards()[0].batch_id == other
        with pytest.raises(ShardError, match=r'something else.* resolve\(1, "lost"\)') as raised:
            job.run()
        assert 'resolve(1, "not-made")' in str(raised.value)
        with pytest.raises(ShardError, match="not those of shard 1"):
            job.resolve(1, other)
        job.resolve(
            1, client.messages.batches.create(requests=named("row", 10)).id if word == "own" else word
        )
        assert job.run().finished
        ends = {(row.cause, row.attempt) for row in job.results()}
    assert ends == {
        "lost": {("missing", 1)}, "not-made": {("succeeded", 2)}, "own": {("succeeded", 1)}
    }[word]  # fmt: skip


def test_cancel_beside_something_else(tmp_path: Path, open_job: OpenJob) -> None:
    """A job whose batch is something else's can be canceled once a person has decided."""
    with Sandbox(instant=True) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add(requests(10))
        job.submit()
        job.close()
    with Sandbox(instant=True) as sandbox, Client(base_url=sandbox.url, api_key="k") as client:
        client.messages.batches.create(requests=named("other", 20))
        job = open_job(tmp_path / "a", sandbox.url)
        with pytest.raises(ShardError, match="something else"):
            job.cancel()
        job.resolve(1, "not-made")
        assert job.cancel().status.causes == {"missing": 10}


@pytest.mark.parametrize("word", ["lost", "not-made"])
def test_results_that_are_here(
    tmp_path: Path, open_job: OpenJob, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """Results that were downloaded are not given up, though their batch is gone."""
    with Sandbox(instant=True) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add(requests(10))
        job.submit()
        job.poll()

        def full(*_: Any) -> None:
            raise LedgerFullError("the disk is full")

        monkeypatch.setattr(SqlLedger, "add_blocks", full)
        with pytest.raises(LedgerFullError):
            job.collect()
        monkeypatch.undo()
        sandbox.advance(30 * 24 * 3600)
        with pytest.raises(ShardError, match="downloaded before: run the job"):
            job.resolve(1, word)
        assert job.run().status.causes == {"succeeded": 10}


def test_deleted_batch(tmp_path: Path, open_folder: OpenJob, caplog: pytest.LogCaptureFixture) -> None:
    """A batch that was deleted is asked for as long as patience lasts, and is then an error."""
    with Sandbox(instant=True) as sandbox, Client(base_url=sandbox.url, api_key="k") as client:
        job = open_folder(tmp_path / "a", sandbox.url, patience=0.2)
        job.add(requests(10))
        job.submit()
        client.messages.batches.delete(job.shards()[0].batch_id or "")
        with (
            caplog.at_level("WARNING", "claude_batches.jobs"),
            pytest.raises(ShardError, match="not found: it was deleted"),
        ):
            job.run()
        assert "asking again for up to 0.2 seconds" in caplog.text
        job.resolve(1, "not-made")
        assert job.run().finished


def test_sending_cut_off(tmp_path: Path, open_any_job: OpenJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch whose id could not be written down is found by the same process, and not made again."""
    with Sandbox(instant=True) as sandbox:
        job = open_any_job(tmp_path / "a", sandbox.url)
        job.add(requests(10))

        def full(*_: Any) -> None:
            raise LedgerFullError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(SqlLedger, "made", full)
            with pytest.raises(LedgerFullError):
                job.submit()
        assert job.status().shards == {"sending": 1}
        assert job.run().finished
        assert [shard.sends for shard in job.shards()] == [1]


def test_no_intent_without_clock(tmp_path: Path, open_job: OpenJob) -> None:
    """Nothing is sent before the server's time is known: an intent by a wrong clock would hide its own batch."""
    with Sandbox(instant=True, faults=[Fault(kind="failed", on="list", times=1)]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url)
        job.add(requests(10))
        assert job.submit() == 0
        assert job.status().shards == {"staged": 1}
        assert job.run().finished


def test_own_ids_settle(tmp_path: Path, open_job: OpenJob) -> None:
    """With a user's own ids, the ledger's knowledge of them is the proof."""
    with Sandbox(instant=True, faults=[Fault(kind="failed_after", on="create", times=1)]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, ids="own")
        job.add([{**each, "custom_id": f"mine-{index}"} for index, each in enumerate(requests(10))])
        report = job.run()
        assert report.finished
        assert [shard.sends for shard in job.shards()] == [1]


def test_gives_up(tmp_path: Path, open_job: OpenJob) -> None:
    """A server that fails at every create ends the run with its error, and nothing was made."""
    with Sandbox(instant=True, faults=[Fault(kind="failed", on="create")]) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, patience=0.5)
        job.add(requests(10))
        with pytest.raises(AmbiguousCreateError, match="500"):
            job.run()
        sandbox.set_faults(None)
        assert job.run().finished
