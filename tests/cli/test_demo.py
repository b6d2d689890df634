"""The demo, the examples and the extras."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from claude_batches import Client
from claude_batches.sandbox import Fault, Sandbox

from tests.cli.processes import environment, run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "job_5000.py"


def test_the_demo_survives_a_kill():
    """Three batches, faults and a kill -9: each request is paid for once and has its result."""
    done = run("demo")
    assert done.returncode == 0, done.stderr
    assert "kill -9" in done.stdout
    # Expired requests run again, in further batches by the pace of the machine.
    assert re.search(r"\b([1-9]\d*) of \1 batches ended", done.stdout)
    # The shard whose batch was in doubt takes the id that the server gave.
    assert re.search(r"shard 3: batch msgbatch_\w+ is its", done.stdout)
    assert re.search(r"succeeded +297\n", done.stdout)
    assert "claude-haiku-4-5" in done.stdout
    assert "0 requests paid twice, 0 without a result" in done.stdout


def test_the_demo_needs_two_extras_only(tmp_path: Path):
    """It runs without the packages of other extras, and shows tokens where prices are not installed."""
    blocked = ("genai_prices", "pyarrow", "msgspec", "zstandard", "psycopg", "cattrs", "pydantic")
    # Python imports this module at the start, so it holds for the processes of the demo as well.
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))\n"
    )
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    done = run("demo", "--count", "60", PYTHONPATH=path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Not priced: install claude-batches[cost]" in done.stdout
    assert re.search(r"claude-haiku-4-5 +59 ", done.stdout)
    assert "0 requests paid twice, 0 without a result" in done.stdout


def test_the_live_demo_asks_first():
    """`--live` asks before it spends, and sends nothing without a yes."""
    done = run("demo", "--live")
    assert done.returncode == 1
    assert "bills them" in done.stdout
    assert "Created" not in done.stdout


def test_a_live_demo_without_a_key_says_so():
    """Without a key the error is one line."""
    done = run("demo", "--live", "--yes")
    assert done.returncode == 1
    assert "ANTHROPIC_API_KEY" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.claude_sandbox(instant=True)
def test_the_live_demo_runs_a_batch(claude_sandbox: Sandbox):
    """`--live` creates one batch on the API that the environment names, and shows its outcomes."""
    done = run("demo", "--live", "--yes", "--count", "100")
    assert done.returncode == 0, done.stderr
    assert re.search(r"succeeded +99\n", done.stdout)
    assert "not_found_error: model: a-model-that-does-not-exist" in done.stdout
    assert "get_weather(" in done.stdout


def test_the_example_runs_a_job_of_5000(claude_sandbox: Sandbox, tmp_path: Path):
    """At most 15 lines of code run 5,000 requests in three batches through faults, and continue for free."""
    tree = ast.parse(EXAMPLE.read_text())
    body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)][1:]
    code = [line for node in body for line in ast.unparse(node).splitlines()]
    assert len(code) <= 15
    claude_sandbox.set_faults(
        [Fault(kind="errored", share=0.002), Fault(kind="cut", on="create", at=0, skip=1, times=1)]
    )
    reviews = tmp_path / "reviews.csv"
    reviews.write_text("id,review\n" + "".join(f"r{index},Good {index}\n" for index in range(5000)))
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, EXAMPLE, reviews, "answers.jsonl"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            env=environment(),
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "{'succeeded': 5000}\n"
        answers = (tmp_path / "answers.jsonl").read_text().splitlines()
        assert len(answers) == 5000
        assert '"id": "r4999"' in answers[-1]
        assert "Good 4999" in answers[-1]
    with Client() as client:
        sizes = [
            batch.request_counts.succeeded + batch.request_counts.errored
            for batch in client.messages.batches.list()
        ]
    assert sum(size > 1000 for size in sizes) == 3


@pytest.mark.parametrize(
    ("package", "arguments", "words"),
    [
        ("typer", ["--version"], "claude-batches[cli]"),
        ("rich", ["--version"], "claude-batches[cli]"),
        ("starlette", ["demo"], "claude-batches[sandbox]"),
        ("uvicorn", ["sandbox"], "claude-batches[sandbox]"),
    ],
)
def test_a_missing_extra_is_one_line(package: str, arguments: list[str], words: str):
    """Without a package of an extra, the command names the extra in one line on stderr."""
    code = f"import sys; sys.modules[{package!r}] = None; from claude_batches.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr
