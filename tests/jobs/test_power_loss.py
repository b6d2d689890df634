"""Power cuts: writes after the last fsync of a file are lost, and still nothing is paid twice."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from claude_batches.sandbox import Sandbox

from tests.jobs.killing import KILLED, SOAK, STEPS, Victim, each_kind, judge, points

# A soak takes as long as it takes.
pytestmark = pytest.mark.timeout(0 if SOAK else 300)
COUNT, SIZE = 15, 10


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """A process whose fsyncs are watched."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler is missing")
    library = tmp_path_factory.mktemp("shim") / "powerloss.so"
    source = Path(__file__).with_name("powerloss.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
    with Victim(environment={"LD_PRELOAD": str(library)}) as process:
        yield process


def after_the_cut(shadow: Path, folder: Path) -> None:
    """Make a folder as it is on disk after a power cut."""
    for kept in ("bodies", "results"):
        (folder / kept).mkdir(parents=True)
    for name in (shadow / "names").iterdir():
        content = shadow / "inodes" / name.read_text()
        target = folder / name.name.replace("%", "/")
        target.write_bytes(content.read_bytes() if content.exists() else b"")


@each_kind
def test_power_cut(tmp_path: Path, victim: Victim, kind: dict[str, str]) -> None:
    """The power is cut at a write, commit or call (at each one in a soak); the next process ends the job."""
    order: dict[str, Any] = {**kind, "count": COUNT, "options": {"max_requests": SIZE, **STEPS}}
    with Sandbox(instant=True) as sandbox:
        order["url"] = sandbox.url
        whole, counted = tmp_path / "whole.job", tmp_path / "points"
        assert victim.run(**order, folder=str(whole), points=str(counted)) == 0
        folders = [whole]
        for die_at in points(int(counted.read_text()), 4):
            before, folder = tmp_path / f"{die_at}.before", tmp_path / f"{die_at}.job"
            shadow = tmp_path / f"{die_at}.shadow"
            for part in ("names", "inodes"):
                (shadow / part).mkdir(parents=True)
            watched = {"POWERLOSS_DIR": str(before), "POWERLOSS_SHADOW": str(shadow)}
            assert victim.run(**order, folder=str(before), die_at=die_at, environment=watched) == KILLED
            after_the_cut(shadow, folder)
            assert victim.run(**order, folder=str(folder)) == 0
            folders.append(folder)
        judge(sandbox, *folders, count=COUNT)
