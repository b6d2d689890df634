"""The source distribution of the official package: fetched when a test needs it, never committed."""

from __future__ import annotations

import fcntl
import importlib.metadata
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.contract import node_tools

PACKAGE = "anthropic"
VERSION = importlib.metadata.version(PACKAGE)
SECONDS = 300


def official_tests() -> Path:
    """Return the folder `tests` of the official package; a test that asks is left out where it can't be fetched."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "claude-batches" / "tests"
    folder = cache / f"{PACKAGE}-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        problem = "" if folder.is_dir() else _fetch(cache, folder)
    if problem and node_tools.REQUIRED:
        pytest.fail(problem, pytrace=False)
    if problem:
        pytest.skip(problem, allow_module_level=True)
    return folder / "tests"


def _fetch(cache: Path, folder: Path) -> str:
    """Fetch and unpack the source distribution. Return the problem, if there is one."""
    with TemporaryDirectory(dir=cache) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch]
        run = subprocess.run(
            [*command, "--no-binary", PACKAGE, f"{PACKAGE}=={VERSION}"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if run.returncode:
            return f"the official package's tests are left out: pip download failed: {run.stderr[-300:]!r}"
        [archive] = Path(scratch).glob("*.tar.gz")
        with tarfile.open(archive) as files:
            files.extractall(scratch, filter="data")
        (Path(scratch) / folder.name).rename(folder)
    return ""
