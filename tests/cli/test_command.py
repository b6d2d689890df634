"""The command `claude-batches`, run as people run it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

COMMAND = [sys.executable, "-m", "claude_batches.cli"]


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    environment = {**os.environ, "COLUMNS": "120"}
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env=environment,
        check=False,
    )


@contextmanager
def running(*arguments: str, cwd: Path | None = None) -> Iterator[tuple[str, list[str]]]:
    """Run `claude-batches sandbox`; give its URL, and once it was interrupted, the lines that it printed."""
    process = subprocess.Popen(
        [*COMMAND, "sandbox", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "120", "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    lines: list[str] = []
    url = ""
    try:
        for line in process.stdout:
            lines.append(line)
            url = url or "".join(re.findall(r"http://127\.0\.0\.1:\d+", line)[:1])
            if "export ANTHROPIC_API_KEY" in line:
                break
        yield url, lines
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        lines.extend(rest.splitlines(keepends=True))
        assert process.returncode == 0
    finally:
        process.kill()


def test_demo() -> None:
    """A newcomer sees a batch created, awaited and read, with results of all four outcomes."""
    done = run("demo", "--count", "100")
    assert done.returncode == 0, done.stderr
    assert re.search(r"Created msgbatch_\w+ with 100 requests", done.stdout)
    counts = {kind: int(number) for kind, number in re.findall(r"│ (\w+) +│ +(\d+) │", done.stdout)}
    assert counts == {"succeeded": 90, "errored": 4, "canceled": 4, "expired": 2}
    assert "get_weather(" in done.stdout
    assert "not_found_error: model: a-model-that-is-not-there" in done.stdout


def test_live_demo_asks() -> None:
    """`--live` asks before it spends anything, and does nothing when it gets no yes."""
    done = run("demo", "--live")
    assert done.returncode == 1
    assert "bills them" in done.stdout
    assert "Created" not in done.stdout


def test_live_demo_without_key() -> None:
    """Without a key, an error in words, and no traceback."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
    done = subprocess.run(
        [*COMMAND, "demo", "--live", "--yes"],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert done.returncode == 1
    assert "ANTHROPIC_API_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_sandbox() -> None:
    """The start-up screen has the lines to paste, and each call is a line of the log."""
    with running() as (url, lines):
        response = httpx.get(
            f"{url}/v1/messages/batches", headers={"x-api-key": "k", "anthropic-version": "2023-06-01"}
        )
        assert response.json()["data"] == []
        assert f"export ANTHROPIC_BASE_URL={url}\n" in lines, "it stands alone, to be copied as a whole line"
    text = "".join(lines)
    assert re.search(r"200 GET +/v1/messages/batches", text)
    assert "The sandbox has stopped." in text


def test_sandbox_state(tmp_path: Path) -> None:
    """What was created is there again after a restart with the same --state."""
    body = {
        "requests": [{"custom_id": "a", "params": {"model": "claude-x", "max_tokens": 1, "messages": []}}]
    }
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    with running("--state", "state.db", cwd=tmp_path) as (url, _):
        created = httpx.post(f"{url}/v1/messages/batches", json=body, headers=headers).json()
    with running("--state", "state.db", cwd=tmp_path) as (url, _):
        found = httpx.get(f"{url}/v1/messages/batches/{created['id']}", headers=headers).json()
    assert found["created_at"] == created["created_at"]


def test_sandbox_reply(tmp_path: Path) -> None:
    """`--reply file.py:function` is loaded; a name that leads nowhere is refused in words."""
    (tmp_path / "replies.py").write_text("def answer(params):\n    return 'mine'\n")
    with running("--reply", "replies.py:answer", cwd=tmp_path) as (url, _):
        assert url
    refused = run("sandbox", "--reply", "replies.py:missing", cwd=tmp_path)
    assert refused.returncode == 2
    assert "missing" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--faults", "gremlins"], "there are flaky, hostile, overloaded"),
        (["--speed", "fast"], "a number of seconds, or `instant`"),
        (["--speed", "0"], "must be positive"),
        (["--state", "no/such/folder/state.db"], "the state file no/such/folder/state.db can't be opened"),
    ],
)
def test_bad_options(arguments: list[str], words: str) -> None:
    """An option that makes no sense stops the sandbox before it starts, and says what would."""
    done = run("sandbox", *arguments)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_version() -> None:
    """`--version` says the version that is installed."""
    from claude_batches import __version__

    assert run("--version").stdout.strip() == f"claude-batches {__version__}"


def test_missing_extras() -> None:
    """Where typer is not installed, the command says what to install instead of showing a traceback."""
    code = "import sys; sys.modules['typer'] = None; from claude_batches.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "pip install 'claude-batches[cli,sandbox]'" in done.stderr
    assert "Traceback" not in done.stderr
