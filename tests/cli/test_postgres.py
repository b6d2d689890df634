"""Commands for jobs with a PostgreSQL ledger, against the sandbox."""

from __future__ import annotations

import csv
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from claude_batches import Client
from claude_batches.jobs import PostgresLedger
from claude_batches.sandbox import Fault, Sandbox

from tests.cli.processes import Running, invoke, jsonl, lines, request, run, running
from tests.jobs.postgres import Postgres

pytestmark = pytest.mark.usefixtures("claude_sandbox")
FAST = ("--poll-interval", "0.05")


@pytest.fixture
def ledger(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> PostgresLedger:
    """The ledger of the commands."""
    monkeypatch.setenv("CLAUDE_BATCHES_LEDGER", postgres.dsn)
    return PostgresLedger(postgres.dsn)


def test_a_job_in_a_ledger(requests: Path, postgres: Postgres, tmp_path: Path):
    """`run --ledger` needs no folder, and each command that reads finds the job by its name."""
    where = ("--ledger", postgres.dsn)
    done = run("run", "reviews", requests, "--max-requests", "2", *FAST, *where, "--json", cwd=tmp_path)
    assert (done.returncode, lines(done.stdout)[0]["batches"]) == (0, 3), done.stderr
    assert lines(invoke("status", "reviews", *where, "--json").stdout)[0]["succeeded"] == 5
    rows = lines(invoke("results", "reviews", *where).stdout)
    assert [row["custom_id"] for row in rows] == [f"row-{index}" for index in range(5)]
    assert len(lines(invoke("export", "reviews", "-", *where).stdout)) == 5
    assert invoke("cost", "reviews", *where).returncode == 0
    assert lines(invoke("plan", "reviews", *where, "--json").stdout)[0]["requests"] == 0
    assert lines(invoke("plan", requests, *where, "--json").stdout)[0]["requests"] == 5
    assert [path.name for path in tmp_path.iterdir()] == ["requests.jsonl"]
    # The way to go on is complete, without a DSN that may have a password.
    left = invoke("submit", "my job", "-", *where, stdin="")
    assert "claude-batches run 'my job' --ledger DSN REQUESTS" in left.stderr


@pytest.mark.usefixtures("ledger")
def test_each_command_in_a_ledger(requests: Path, tmp_path: Path, claude_sandbox: Sandbox):
    """A job in a ledger is planned, sent, watched, priced and exported; a doubt is resolved, and the rest canceled."""
    prices = tmp_path / "prices.json"
    prices.write_text('{"claude-haiku-*": {"input_tokens": 0, "output_tokens": 1000000}}')
    claude_sandbox.set_faults([Fault(kind="cut", on="create", at=0, skip=1, times=1)])
    # The first batch is made, and the outcome of the second one is unknown.
    sent = invoke("submit", "whole", requests, "--max-requests", "3", "--prices", prices)
    assert sent.returncode == 4, sent.stderr
    (doubt,) = lines(invoke("resolve", "whole", "--json").stdout)[0]
    with Client() as client:
        found = next(iter(client.messages.batches.list()))
    assert invoke("resolve", "whole", str(doubt["shard"]), found.id).returncode == 0
    assert invoke("resolve", "whole").returncode == 0
    assert invoke("watch", "whole", *FAST).returncode == 0
    rows = lines(invoke("results", "whole").stdout)
    assert [(row["custom_id"], row["cause"]) for row in rows] == [(f"row-{n}", "succeeded") for n in range(5)]
    table = tmp_path / "table.csv"
    assert invoke("export", "whole", table, "--columns", "custom_id,cost", "--cost").returncode == 0
    exported = list(csv.DictReader(table.read_text().splitlines()))
    cost = lines(invoke("cost", "whole", "--json").stdout)[0]
    # The prices are kept by the job.
    assert sum(float(row["cost"]) for row in exported) == float(cost["cost"]) > 0
    assert lines(invoke("plan", "whole", "--json").stdout)[0]["requests"] == 0
    more = jsonl(*map(request, range(5, 8)))
    claude_sandbox.set_faults([Fault(kind="overloaded", on="create")])
    assert invoke("submit", "whole", "-", "--max-in-flight", "1", stdin=more).returncode == 5
    assert lines(invoke("plan", "whole", "--json").stdout)[0]["requests"] == 3
    assert invoke("cancel", "whole").returncode == 3
    status = lines(invoke("status", "whole", "--json").stdout)[0]
    assert (status["state"], status["done"], status["staged"], status["batches"]) == ("canceled", 5, 3, 2)


def test_a_mistyped_name_makes_nothing(requests: Path, ledger: PostgresLedger):
    """A job that is not in the ledger is an error in one line, and is not made there."""
    for command in ("run", "status", "watch", "results", "retry", "cancel", "cost", "resolve", "plan"):
        done = invoke(command, "revews")
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), command
        assert "there is no job" in done.stderr
    assert not ledger.has("revews")
    unreachable = invoke("status", "reviews", "--ledger", f"host={requests.parent} user=x")
    assert (unreachable.returncode, len(unreachable.stderr.splitlines())) == (1, 1)


@pytest.mark.usefixtures("ledger")
def test_retrying_in_a_ledger(requests: Path, claude_sandbox: Sandbox):
    """`submit`, `watch` and `retry` send the rows again whose cause may pass."""
    claude_sandbox.set_faults([Fault(kind="expired", share=1)])
    assert invoke("submit", "again", requests).returncode == 0
    assert invoke("watch", "again", *FAST).returncode == 5
    claude_sandbox.set_faults(None)
    again = invoke("retry", "again")
    assert (again.returncode, "5 requests will be sent again" in again.stderr) == (0, True)
    assert invoke("watch", "again", *FAST).returncode == 0


@pytest.mark.usefixtures("ledger")
@pytest.mark.claude_sandbox(speed=1)
def test_canceling_in_a_ledger(requests: Path):
    """`cancel` takes the name of a job in the ledger."""
    assert invoke("submit", "canceled", requests).returncode == 0
    canceled = invoke("cancel", "canceled", "--json")
    assert (canceled.returncode, lines(canceled.stdout)[0]["state"]) == (3, "canceled")


@pytest.mark.usefixtures("ledger")
@pytest.mark.claude_sandbox(speed=60)
def test_a_waiting_worker_killed(requests: Path):
    """Two `run` commands work on one job; one is killed while batches are open, and the other one ends the job."""
    with _two_workers(requests, "waiting", "--max-in-flight", "12") as (first, second):
        first.process.send_signal(signal.SIGKILL)
        _ended("waiting", second)


@pytest.mark.usefixtures("ledger")
@pytest.mark.claude_sandbox(faults=[Fault(kind="latency", on="create", skip=1, times=1, seconds=60)])
def test_a_sending_worker_killed(requests: Path):
    """One of two workers is killed while it sends: the other one finds out if a batch was made, and ends the job."""
    with _two_workers(requests, "sending") as (first, second):
        first.process.send_signal(signal.SIGKILL)
        _ended("sending", second)


@pytest.mark.usefixtures("ledger")
@pytest.mark.claude_sandbox(faults=[Fault(kind="overloaded", on="create")])
def test_watching_another_worker(requests: Path, claude_sandbox: Sandbox):
    """`watch` waits while a worker has requests to send, though no batch is in process, and then for its batches."""
    with running("run", "watched", requests, *FAST, "--verbose") as runner:
        runner.wait_for("shard 1 is sent later")
        with running("watch", "watched", *FAST) as watcher, running("watch", "watched", *FAST) as second:
            for each in (watcher, second):
                # The other watcher is not a worker.
                assert each.wait_for("works on the job").startswith(f"Process {runner.process.pid} on ")
            claude_sandbox.set_faults(None)
            for each in (runner, watcher, second):
                status, _, err = each.end()
                assert status == 0, err
    assert lines(invoke("status", "watched", "--json").stdout)[0]["succeeded"] == 5


@pytest.mark.usefixtures("ledger")
@pytest.mark.claude_sandbox(faults=[Fault(kind="overloaded", on="create")])
def test_watching_a_worker_die(requests: Path):
    """`watch` ends with status 5 and a hint when the last worker's lease has expired and requests are left."""
    command = ("run", "abandoned", requests, *FAST, "--verbose", "--lease-seconds", "0.5")
    with running(*command) as runner:
        runner.wait_for("shard 1 is sent later")
        with running("watch", "abandoned", *FAST) as watcher:
            watcher.wait_for(f"Process {runner.process.pid} on ")
            runner.process.kill()
            status, _, err = watcher.end()
    assert status == 5
    assert "5 requests are left to send, and nobody works on the job" in err
    assert "claude-batches run abandoned" in err


@contextmanager
def _two_workers(requests: Path, name: str, *options: str) -> Iterator[tuple[Running, Running]]:
    """Run a job of 40 requests in two processes; the first one has sent a batch."""
    requests.write_text(jsonl(*map(request, range(40))))
    command = (
        "run",
        name,
        requests,
        "--max-requests",
        "6",
        "--settle-seconds",
        "3",
        *FAST,
        *options,
        "--verbose",
    )
    with running(*command, "--lease-seconds", "1") as first:
        first.wait_for("shard 1: batch")
        with running(*command) as second:
            second.wait_for("0 requests added")
            yield first, second


def _ended(name: str, worker: Running) -> None:
    """Check that a worker has ended the job, and that each row was paid for once."""
    status, _, err = worker.end()
    assert status == 0, err
    with Client() as client:
        batches = client.messages.batches
        texts = Counter(
            item.result.message.content[0].text
            for batch in batches.list(limit=100)
            for item in batches.results(batch.id)
            if item.result.type == "succeeded"
        )
    assert (len(texts), set(texts.values())) == (40, {1})
    rows = lines(invoke("results", name).stdout)
    assert [row["custom_id"] for row in rows] == [f"row-{index}" for index in range(40)]
