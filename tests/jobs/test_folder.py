"""The folder of a job: held, damaged, of a newer release, on a full disk. Nothing is overwritten."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from claude_batches import Client
from claude_batches.jobs import (
    Job,
    JobHeldError,
    LedgerDamagedError,
    LedgerError,
    LedgerFullError,
    LedgerTooNewError,
    _adding,
)
from claude_batches.jobs._ledger import _sqlite
from claude_batches.sandbox import Sandbox

from tests.jobs.kinds import Open
from tests.jobs.victim import requests


def request(custom_id: str, text: str) -> dict[str, Any]:
    """A request with a text of its own."""
    message = {"role": "user", "content": text}
    return {
        "custom_id": custom_id,
        "params": {"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": [message]},
    }


def contents(folder: Path) -> dict[str, str]:
    """The files of a folder with their hashes; a lock and the shared memory of a database are of the moment."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock" and not path.name.endswith("-shm")
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed job of two shards."""
    path = tmp_path / "a"
    with Job.open(path, max_requests=10) as job:
        job.add(requests(20))
    return path


_HOLDER = """
import sys
import tempfile
from claude_batches.jobs import Job
with Job.open(sys.argv[1], max_attempts=2) as job:
    job.add([])
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that changes the job until it reads a line."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_second_process(folder: Path, open_folder: Open, holder: subprocess.Popen[str]) -> None:
    """A process that would change a job gets an error with the id of the one that has it, until that ends."""
    job = open_folder(folder, "http://127.0.0.1:1", max_attempts=5)
    steps = (job.submit, job.poll, job.collect, job.retry, job.run, job.cancel, job.resume)
    for step in (lambda: job.add(requests(1)), lambda: job.resolve(1, "lost"), *steps):
        with pytest.raises(JobHeldError, match=f"process {holder.pid} on ") as caught:
            step()
        assert caught.value.pid == holder.pid
    holder.communicate("\n")
    assert job.add(requests(1, 20)) == 1
    with pytest.raises(JobHeldError) as caught:
        open_folder(folder, None).retry()
    assert caught.value.pid == os.getpid()
    assert open_folder(folder, None).options.max_attempts == 5


@pytest.mark.usefixtures("holder")
def test_reading_a_held_job(folder: Path, open_folder: Open, tmp_path: Path) -> None:
    """A job can be read while another process has it, and the files of its folder stay as they are."""
    before = contents(folder)
    job = open_folder(folder, None, max_attempts=5)
    assert (job.options.max_attempts, job.status().staged, len(job.shards())) == (5, 20, 2)
    assert list(job.results()) == list(job.results("arrival")) == []
    assert job.plan(count=False).requests == 20
    assert job.cost().cost == 0
    assert job.write(tmp_path / "a.jsonl") == 0
    job.close()
    assert contents(folder) == before
    assert open_folder(folder, None).options.max_attempts == 2


def test_newer_release(folder: Path) -> None:
    """A ledger of a newer release is refused, and left as it is."""
    database = sqlite3.connect(folder / "ledger.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    before = contents(folder)
    with pytest.raises(LedgerTooNewError, match="schema 99"):
        Job.open(folder)
    assert contents(folder) == before


def test_newer_release_meanwhile(folder: Path) -> None:
    """A ledger that a newer release has migrated since it was opened is not changed."""
    with Job.open(folder) as job:
        with closing(sqlite3.connect(folder / "ledger.sqlite")) as database:
            database.execute("PRAGMA user_version = 99")
        with pytest.raises(LedgerTooNewError):
            job.add(requests(30))
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (99,)


@pytest.mark.parametrize("kept", [0, 60, 4096, 0.5, 0.95])
def test_truncated_ledger(folder: Path, kept: float) -> None:
    """A ledger that lost its end is refused, wherever it was cut."""
    file = folder / "ledger.sqlite"
    size = file.stat().st_size
    os.truncate(file, int(size * kept) if kept < 1 else int(kept))
    before = contents(folder)
    with pytest.raises(LedgerDamagedError):
        Job.open(folder)
    assert contents(folder) == before


def test_corrupt_ledger(folder: Path) -> None:
    """A ledger with garbage in its pages is refused, and left as it is."""
    file = folder / "ledger.sqlite"
    with file.open("r+b") as writer:
        for page in range(1, 8):
            writer.seek(page * 4096)
            writer.write(b"\x5a" * 2048)
    before = contents(folder)
    with pytest.raises(LedgerDamagedError):
        Job.open(folder)
    assert contents(folder) == before


def test_other_database(tmp_path: Path) -> None:
    """A database of something else is not taken for a ledger."""
    (tmp_path / "a").mkdir()
    database = sqlite3.connect(tmp_path / "a" / "ledger.sqlite")
    database.execute("CREATE TABLE mine (x)")
    database.close()
    with pytest.raises(LedgerDamagedError, match="something else"):
        Job.open(tmp_path / "a")


def test_lost_ledger(folder: Path) -> None:
    """A new ledger is not begun beside bodies that may have been sent."""
    (folder / "ledger.sqlite").unlink()
    with pytest.raises(LedgerDamagedError, match="missing"):
        Job.open(folder)
    assert not (folder / "ledger.sqlite").exists()


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize("damage", ["flipped", "truncated", "longer", "missing", "swapped"])
def test_changed_shard(folder: Path, open_folder: Open, sandbox: Sandbox, damage: str) -> None:
    """A shard that is not as it was written is not sent."""
    first, second = sorted((folder / "bodies").iterdir())
    match damage:
        case "flipped":
            _flip(first, -3)
        case "truncated":
            os.truncate(first, first.stat().st_size - 1)
        case "longer":
            first.write_bytes(first.read_bytes() + second.read_bytes())
        case "missing":
            first.unlink()
        case "swapped":
            shutil.copy(second, first)
    job = open_folder(folder, sandbox.url, max_requests=10)
    with pytest.raises(LedgerDamagedError, match="Restore it from a copy"):
        job.submit()
    assert job.status().shards == {"staged": 2}
    assert job.status().batches == 0


def test_damage_after_some_blocks(tmp_path: Path, open_folder: Open, sandbox: Sandbox) -> None:
    """A batch of several blocks is not made if the last one is damaged, although the first ones were sent."""
    job = open_folder(tmp_path / "a", sandbox.url)
    job.add(_large(400))
    (body,) = (tmp_path / "a" / "bodies").iterdir()
    _flip(body, -3)
    with pytest.raises(LedgerDamagedError):
        job.submit()
    assert job.status().shards == {"staged": 1}
    with Client(base_url=sandbox.url, api_key="k") as client:
        assert list(client.messages.batches.list()) == []
    _flip(body, -3)
    assert job.run().status.done == 400


def test_no_temporary_file(
    tmp_path: Path, open_folder: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large shard is sent without a temporary file."""
    job = open_folder(tmp_path / "a", sandbox.url)
    job.add(_large(2000))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert job.submit() == 1


def _large(count: int) -> Iterator[dict[str, Any]]:
    """Requests of about a kilobyte, which don't compress well."""
    for index in range(count):
        text = hashlib.sha512(b"%d" % index).hexdigest() * 8
        yield {
            "custom_id": f"row {index}",
            "params": {
                "model": "claude-haiku-4-5",
                "max_tokens": 10,
                "messages": [{"role": "user", "content": text}],
            },
        }


def test_disk_full_for_bodies(tmp_path: Path, open_folder: Open) -> None:
    """A full disk fails the call that adds, and leaves the job as it was."""
    job = open_folder(tmp_path / "a", None)
    job.add(requests(3))
    full = tmp_path / "a" / "bodies" / "000002.jsonl.zst"
    full.symlink_to("/dev/full")
    with pytest.raises(LedgerFullError, match="disk is full"):
        job.add(requests(30))
    full.unlink(missing_ok=True)
    assert job.status().requests == 3
    assert job.add(requests(30)) == 27


def test_disk_full_for_ledger(tmp_path: Path, open_folder: Open, sandbox: Sandbox) -> None:
    """A ledger that can't grow fails the step, and the job continues after space is freed."""
    job = open_folder(tmp_path / "a", sandbox.url)
    ledger = job._job.ledger
    job.add(requests(100))
    pages = ledger._run("PRAGMA page_count").fetchone()[0]
    ledger._run(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerFullError, match="disk is full"):
        job.add(requests(50_000))
    assert job.status().requests == 100
    ledger._run("PRAGMA max_page_count = 1000000")
    assert job.run().finished


@pytest.mark.parametrize("by", ["an error", "SQLite"])
def test_portion_undone_elsewhere(
    tmp_path: Path, open_folder: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """Rows whose transaction another thread failed to commit are missed before any row of the call is sent."""
    monkeypatch.setattr(_adding, "_PENDING_ROWS", 10)
    job = open_folder(tmp_path / "a", sandbox.url)
    ledger = job._job.ledger

    def source() -> Iterator[object]:
        yield from requests(35)
        # As a status of another thread meets a full disk, after the thread that inserts rows has done so.
        with ledger._mutex:
            if by == "SQLite":
                ledger._connection.execute("ROLLBACK")
            else:
                with pytest.raises(OSError, match="full"), ledger._undone_by_errors():
                    raise OSError("full")
        yield from requests(65, start=35)

    with pytest.raises(LedgerError, match="nothing was added"):
        job.add(source())
    assert job.status().requests == 0
    assert job.add(requests(100)) == 100
    assert job.run().status.done == 100


def test_another_add_after_a_failed_one(
    tmp_path: Path, open_folder: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows have their own requests and results after an add failed whose rows were read and undone."""
    monkeypatch.setattr(_adding, "_PENDING_ROWS", 10)
    job = open_folder(tmp_path / "a", sandbox.url)
    old = [request(f"old{index}", f"old{index}") for index in range(40)]
    inserted = job._job.ledger.insert_items
    calls = 0

    def failing(*given: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise LedgerError("a failure")
        return inserted(*given)

    monkeypatch.setattr(job._job.ledger, "insert_items", failing)
    with pytest.raises(LedgerError, match="a failure"):
        # The row that comes again is compared with its line on disk.
        job.add([*old[:20], old[0], *old[20:]])
    monkeypatch.undo()
    job.add([request(f"new{index}", f"new{index}") for index in range(15)])
    job.run()
    found = [(row.custom_id, row.params["messages"][0]["content"]) for row in job.results()]
    assert found == [(f"new{index}", f"new{index}") for index in range(15)]


@pytest.mark.parametrize("together", [1, 30, 100_000])
def test_remains_of_a_call(
    tmp_path: Path, open_folder: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    """Nothing of a call that was killed is left to be sent, whatever part of it was committed."""
    # The changed rows after which rows are committed: after each portion, after some, and never.
    monkeypatch.setattr(_sqlite, "_CHANGES", together)
    monkeypatch.setattr(_adding, "_PENDING_ROWS", 10)
    job = open_folder(tmp_path / "a", None, max_requests=10)
    source = iter(requests(100))
    adding_requests = [next(source) for _ in range(35)]

    def killed() -> object:
        yield from adding_requests
        # As a killed process leaves it. The thread that inserts rows is waited for, so that the copy is of one moment.
        with job._job.ledger._mutex:
            shutil.copytree(tmp_path / "a", tmp_path / "b")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.add(killed())
    shutil.copytree(tmp_path / "b", tmp_path / "c")
    job = open_folder(tmp_path / "c", sandbox.url)
    report = job.run()
    assert (report.finished, report.status.requests) == (True, 0)
    job = open_folder(tmp_path / "b", sandbox.url, max_requests=10)
    assert list((tmp_path / "b" / "bodies").iterdir())
    assert job.add(requests(12)) == 12
    assert len(list((tmp_path / "b" / "bodies").iterdir())) == 2
    assert job.run().finished
    assert [row.custom_id for row in job.results()] == [f"row {index}" for index in range(12)]


def test_ledger_is_small(tmp_path: Path, open_folder: Open) -> None:
    """A row takes less than 100 bytes of the ledger."""
    job = open_folder(tmp_path / "a", None)
    count = 30_000
    job.add(requests(count))
    job.close()
    assert (tmp_path / "a" / "ledger.sqlite").stat().st_size < 100 * count
