"""The recipes for other engines, each in a clean environment with the engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from claude_batches import Client
from claude_batches.jobs import Job
from claude_batches.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
ENGINES = ROOT / "examples" / "engines"


def rows(count: int) -> list[str]:
    return [f"r{number},good {number}" for number in range(count)]


def write(program: str, folder: Path, python: str | Path, *tables: str, path: str | None = None) -> str:
    """Run a recipe in a folder; return its output."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        kept["PYTHONPATH"] = path
    done = subprocess.run(
        [python, ENGINES / program, *tables],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run(folder: Path) -> list[str]:
    """Run the job that a recipe made; return the ids of the rows that succeeded."""
    with (
        Sandbox(instant=True) as sandbox,
        Client(base_url=sandbox.url, api_key="k") as client,
        Job.open(folder / "reviews.job", client=client, poll_interval=0.01) as job,
    ):
        job.run()
        return sorted(row.custom_id for row in job.results() if row.cause == "succeeded")


def test_plain_processes(tmp_path: Path) -> None:
    """Processes stage a Parquet file each, and one commits; the job has all rows, once."""
    import pyarrow as pa
    from pyarrow import parquet

    for number in range(3):
        part = [dict(zip(("id", "review"), row.split(","), strict=True)) for row in rows(90)[number::3]]
        parquet.write_table(pa.Table.from_pylist(part), tmp_path / f"{number}.parquet")
    paths = os.pathsep.join(str(ROOT / each) for each in ("generated", "overlays"))
    for told in ("added=90, known=0", "added=0, known=90"):
        tables = ("0.parquet", "1.parquet", "2.parquet")
        assert told in write("processes.py", tmp_path, sys.executable, *tables, path=paths)
    assert run(tmp_path) == sorted(row.partition(",")[0] for row in rows(90))


@pytest.mark.skipif(
    "CLAUDE_BATCHES_REQUIRE_INSTALL" not in os.environ, reason="clean environments are tried in CI alone"
)
@pytest.mark.parametrize(
    ("program", "package"), [("daft_frame.py", "daft"), ("ray_data.py", "ray[data]")], ids=["daft", "ray"]
)
def test_engine(program: str, package: str, tmp_path: Path) -> None:
    """A table of the engine becomes a job with all its rows, once, and writing it again adds none."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    # The engines have their own limits on what is installed beside them.
    environ = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
    command = [python, "-m", "pip", "install", "--quiet", package, f"{ROOT}[arrow,stage]"]
    subprocess.run(command, check=True, env=environ, timeout=170)
    (tmp_path / "reviews.csv").write_text("\n".join(["id,review", *rows(200)]) + "\n", encoding="utf-8")
    for _ in range(2):
        write(program, tmp_path, python, "reviews.csv")
    assert run(tmp_path) == sorted(row.partition(",")[0] for row in rows(200))
