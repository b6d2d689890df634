"""Temporary folders: those of killed processes are removed, and no others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from claude_batches import Client
from claude_batches.jobs import Job, PostgresLedger
from claude_batches.jobs._temporary import TemporaryFolder, remove_leftovers
from claude_batches.sandbox import Sandbox

from tests.jobs.kinds import QUICK, sync_jobs
from tests.jobs.postgres import Postgres
from tests.jobs.victim import requests

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="leftovers stay on Windows")

_OWNER = """
import sys
from claude_batches.jobs._temporary import TemporaryFolder
folder = TemporaryFolder()
(folder.path / "results.jsonl").write_text("{}")
print(folder.path, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of temporary files, for this process and those that it starts."""
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setenv("TMPDIR", str(path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return path


@pytest.fixture
def owner(place: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process with a temporary folder."""
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        assert path.parent == place
        yield process, path
        process.kill()


def test_only_those_of_dead_processes(owner: tuple[subprocess.Popen[str], Path], place: Path) -> None:
    """The folder of a process stays while it lives, and is removed after a kill; folders of others stay."""
    process, left = owner
    theirs = place / "claude-batches-theirs"
    theirs.mkdir()
    (theirs / "file").touch()
    target = place / "target"
    shutil.copytree(left, target)
    (place / "claude-batches-link").symlink_to(target)
    with TemporaryFolder() as own:
        before = sorted(place.iterdir())
        remove_leftovers()
        assert sorted(place.iterdir()) == before
        process.kill()
        process.wait()
        remove_leftovers()
        assert sorted(place.iterdir()) == [path for path in before if path != left]
        assert own.exists()
    assert not own.exists()
    assert (target / "results.jsonl").exists()


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root has the folders of others")
def test_not_those_of_other_users(owner: tuple[subprocess.Popen[str], Path]) -> None:
    """A folder of another user stays, even if this one could delete it."""
    process, left = owner
    process.kill()
    process.wait()
    os.chown(left, 65534, 65534)
    remove_leftovers()
    assert left.exists()


@pytest.mark.parametrize("name", ["claude-batches-reviews", "claude-batches-tmp-reviews"])
def test_not_the_folder_of_a_job(place: Path, sandbox: Sandbox, name: str) -> None:
    """The folder of a job stays, wherever it is and whatever its name."""
    with Client(base_url=sandbox.url, api_key="k") as client:
        with Job.open(place / name, client=client, **QUICK) as job:
            job.add(requests(3))
            job.run()
        remove_leftovers()
        with Job.open(place / name, client=client, **QUICK) as job:
            assert len(list(job.results())) == 3


def test_a_job_leaves_nothing(
    owner: tuple[subprocess.Popen[str], Path], place: Path, postgres: Postgres, sandbox: Sandbox
) -> None:
    """A job in PostgreSQL makes a folder to download alone, removes leftovers then, and that at its end."""
    process, left = owner
    process.kill()
    process.wait()
    jobs = sync_jobs(PostgresLedger(postgres.dsn))
    job = next(jobs)("temporary", sandbox.url)
    assert list(place.iterdir()) == [left]
    job.add(requests(3))
    job.run()
    assert len(list(job.results())) == 3
    next(jobs, None)
    assert list(place.iterdir()) == []
    with Job.open("temporary", ledger=PostgresLedger(postgres.dsn), **QUICK) as again:
        assert again.status().finished
        assert list(place.iterdir()) == []
