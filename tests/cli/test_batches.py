"""Commands for single batches, against the sandbox."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import pytest
from claude_batches.sandbox import Fault, Sandbox

from tests.cli.processes import invoke, jsonl, lines, request, run, running
from tests.support.server import Exchange, ScriptedServer, reply

pytestmark = pytest.mark.usefixtures("claude_sandbox")
ERRORED = "[[error:overloaded_error]] Hello"


def test_a_batch_from_creation_to_deletion(requests: Path):
    """Each command writes its data on stdout alone, so that a shell script can pass it on."""
    created = run("create", requests)
    batch = created.stdout.strip()
    assert (created.returncode, created.stderr) == (0, "")
    waited = run("wait", batch, "--json")
    assert (waited.returncode, lines(waited.stdout)[0]["processing_status"]) == (0, "ended")
    assert "1 of 1 batches ended" in waited.stderr
    listed = run("list", "--json")
    assert [each["id"] for each in lines(listed.stdout)] == [batch]
    results = run("download", batch, "-")
    assert {each["custom_id"] for each in lines(results.stdout)} == {f"row-{index}" for index in range(5)}
    gone = run("delete", batch)
    assert (gone.returncode, gone.stdout) == (0, f"{batch}\n")
    assert run("show", batch).returncode == 1


def test_stdin_is_read_and_waited_for():
    """`create -` reads requests from stdin; --wait reports failed requests by exit status 3."""
    made = invoke("create", "-", "--wait", "--json", stdin=jsonl(request(0), request(1, ERRORED)))
    assert made.returncode == 3
    counts = lines(made.stdout)[0]["request_counts"]
    assert (counts["succeeded"], counts["errored"]) == (1, 1)


def test_a_table_and_a_prompt_make_requests(tmp_path: Path):
    """A CSV file becomes a batch by a prompt; ids come from a column."""
    table = tmp_path / "table.csv"
    table.write_text("key,city\na,Rome\nb,Oslo\n")
    options = (
        "--prompt",
        "Rate {city}.",
        "--id-column",
        "key",
        "--model",
        "claude-haiku-4-5",
        "--max-tokens",
        "9",
    )
    batch = invoke("create", table, *options, "--wait", "--json")
    results = invoke("download", lines(batch.stdout)[0]["id"], "-")
    assert {each["custom_id"] for each in lines(results.stdout)} == {"a", "b"}
    assert "Rome" in results.stdout


def test_a_download_into_a_file(requests: Path, tmp_path: Path):
    """The results are in BATCH.jsonl by default; stdout stays empty."""
    batch = invoke("create", requests).stdout.strip()
    done = run("download", batch, "--wait", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert len(lines((tmp_path / f"{batch}.jsonl").read_text())) == 5
    limited = invoke("download", batch, "-", "--limit", "2")
    assert len(lines(limited.stdout)) == 2
    assert invoke("download", batch, tmp_path / "x.jsonl", "--limit", "2").returncode == 2
    missing = invoke("download", batch, tmp_path / "no" / "x.jsonl")
    assert missing.returncode == 1
    assert "there is no folder" in missing.stderr


def test_the_list_ends_at_its_limit(requests: Path):
    """`list --limit` bounds the number of batches, over pages; ids stay whole where no terminal is."""
    made = [invoke("create", requests).stdout.strip() for _ in range(3)]
    shown = invoke("list", "--limit", "2")
    assert [line.split()[0] for line in shown.stdout.splitlines()[1:]] == made[:0:-1]


@pytest.mark.claude_sandbox(speed=1)
def test_a_batch_in_process_is_status_five(requests: Path):
    """`show`, `wait --deadline` and `wait` after Ctrl-C report by exit status 5 that the batch continues.

    `download` says that it can wait.
    """
    batch = invoke("create", requests).stdout.strip()
    assert invoke("show", batch).returncode == 5
    late = invoke("wait", batch, "--deadline", "0.1")
    assert late.returncode == 5
    assert f"claude-batches wait {batch}" in late.stderr
    assert "has no results yet: its processing_status is 'in_progress'. Give --wait." in (
        invoke("download", batch, "-").stderr
    )
    with running("wait", batch) as process:
        process.wait_for("0 of 1 batches ended")
        process.process.send_signal(signal.SIGINT)
        status, out, err = process.end()
    assert (status, out) == (5, "")
    assert f"Continue with: claude-batches wait {batch}" in err
    canceled = invoke("cancel", batch, "--json")
    assert lines(canceled.stdout)[0]["processing_status"] == "canceling"


@pytest.mark.claude_sandbox(faults=[Fault(kind="cut", on="create", at=0)])
def test_an_unknown_outcome_is_status_four(requests: Path, claude_sandbox: Sandbox):
    """A create whose response is lost ends with status 4 and one line; `reconcile` finds the batch."""
    lost = invoke("create", requests)
    assert (lost.returncode, lost.stdout) == (4, "")
    assert len(lost.stderr.splitlines()) == 1
    assert "claude-batches list" in lost.stderr
    claude_sandbox.set_faults([Fault(kind="cut", on="create", at=0, times=1)])
    found = invoke("create", requests, "--on-ambiguous", "reconcile")
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("msgbatch_")


def test_errors_are_one_line(requests: Path, tmp_path: Path):
    """An error is one line on stderr with a hint and no traceback; --debug shows the traceback."""
    unknown = invoke("show", "msgbatch_unknown")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert len(unknown.stderr.splitlines()) == 1
    assert "claude-batches list" in unknown.stderr
    assert "Traceback" in invoke("show", "msgbatch_unknown", "--debug").stderr
    requests.write_text(jsonl(request(0), request(0)))
    twice = invoke("create", requests)
    assert (twice.returncode, len(twice.stderr.splitlines())) == (1, 1)
    assert "row-0" in twice.stderr
    absent = invoke("create", tmp_path / "absent.jsonl")
    assert (absent.returncode, len(absent.stderr.splitlines())) == (1, 1)


def test_no_key_is_told(requests: Path, monkeypatch: pytest.MonkeyPatch):
    """Without a key the line names the variable and the sandbox."""
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    done = invoke("list")
    assert done.returncode == 1
    assert "ANTHROPIC_API_KEY" in done.stderr
    assert len(done.stderr.splitlines()) == 1


BATCH = {
    "id": "msgbatch_scripted",
    "type": "message_batch",
    "processing_status": "in_progress",
    "request_counts": {"processing": 5, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-01-02T00:00:00Z",
    "ended_at": None,
    "cancel_initiated_at": None,
    "archived_at": None,
    "results_url": None,
}


class Upload:
    """A create that was received, and is answered at the request of the test."""

    def __init__(self) -> None:
        self.received = threading.Event()
        self.answer = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        exchange.on_body = self._hold
        reply(200, BATCH)(exchange)

    def _hold(self, _: bytes) -> None:
        self.received.set()
        self.answer.wait(60)


def test_the_first_ctrl_c_lets_an_upload_finish(requests: Path):
    """Ctrl-C during an upload waits for its outcome, and prints the id."""
    upload = Upload()
    with (
        ScriptedServer([upload]) as server,
        running("create", requests, "--wait", ANTHROPIC_BASE_URL=server.url) as it,
    ):
        assert upload.received.wait(60)
        it.process.send_signal(signal.SIGINT)
        it.wait_for("Finishing the upload")
        upload.answer.set()
        status, out, err = it.end()
        assert len(server.requests) == 1
    assert (status, out) == (5, "msgbatch_scripted\n")
    assert "Continue with: claude-batches wait msgbatch_scripted" in err


def test_the_second_ctrl_c_stops_an_upload(requests: Path):
    """A second Ctrl-C stops at once, and reports an unknown outcome."""
    upload = Upload()
    with ScriptedServer([upload]) as server, running("create", requests, ANTHROPIC_BASE_URL=server.url) as it:
        assert upload.received.wait(60)
        it.process.send_signal(signal.SIGINT)
        it.wait_for("Finishing the upload")
        it.process.send_signal(signal.SIGINT)
        status, out, err = it.end()
        upload.answer.set()
    assert (status, out) == (4, "")
    assert "its outcome is unknown" in err
    assert "Traceback" not in err


def test_ctrl_c_before_an_upload_sends_nothing():
    """Ctrl-C while requests are still read stops at once: nothing was sent."""
    with ScriptedServer([reply(500)]) as server, running("create", "-", ANTHROPIC_BASE_URL=server.url) as it:
        assert it.process.stdin is not None
        # More than a pipe holds, so that the command has begun to read when the write ends.
        it.process.stdin.write(jsonl(*(request(index, "x" * 10_000) for index in range(50))))
        it.process.stdin.flush()
        it.process.send_signal(signal.SIGINT)
        status, out, err = it.end()
        assert server.requests == []
    assert (status, out) == (130, "")
    assert "no batch was created" in err


def test_a_full_reader_ends_quietly(requests: Path):
    """A reader that closes the pipe early, as `head` does, causes no traceback."""
    requests.write_text(jsonl(*(request(index, "x" * 200) for index in range(2_000))))
    batch = invoke("create", requests).stdout.strip()
    with running("download", batch, "-") as it:
        assert it.process.stdout is not None
        assert json.loads(it.process.stdout.readline())
        it.process.stdout.close()
        assert it.process.wait(60) == 1
        while (line := it._queue.get(timeout=60)) is not None:
            it.lines.append(line)
    assert it.lines == []
