"""`claude-batches sandbox`, the version, completion and help, in separate processes."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

COMMAND = [sys.executable, "-m", "claude_batches"]


def run(*arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    environment = {**os.environ, "COLUMNS": "120", **variables}
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
            if "export ANTHROPIC_API_KEY" in line or line.startswith("{"):
                break
        yield url, lines
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
        lines.extend(rest.splitlines(keepends=True))
        assert process.returncode == 0
    finally:
        process.kill()


def test_the_sandbox_prints_usage_and_a_log() -> None:
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
    """Batches survive a restart with the same --state."""
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
    """`--reply file.py:function` is loaded; an unresolvable name is refused with a message."""
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
    """An invalid option stops the sandbox before it starts, with a hint."""
    done = run("sandbox", *arguments)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_version() -> None:
    """`--version` prints the installed version."""
    from claude_batches import __version__

    assert run("--version").stdout.strip() == f"claude-batches {__version__}"


def test_the_sandbox_tells_its_address_as_json() -> None:
    """`--json` writes one line on stdout that a program can read."""
    with running("--json") as (url, lines):
        told = json.loads(next(line for line in lines if line.startswith("{")))
    assert told == {"base_url": url, "api_key": "sandbox"}


#: The questions of the shells' scripts: the variables that they ask with, for the words of a line.
ASKED: dict[str, Callable[[Sequence[str]], dict[str, str]]] = {
    "bash": lambda words: {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)},
    "zsh": lambda words: {"_TYPER_COMPLETE_ARGS": " ".join(words)},
    "fish": lambda words: {
        "_TYPER_COMPLETE_ARGS": " ".join(words),
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    },
}


@pytest.mark.parametrize("shell", ASKED)
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["sub"], ["submit"]),
        (["re"], ["resolve", "results", "retry"]),
        (["watch", "--on-max"], ["--on-max-tokens"]),
        (["run", "--cache", "n"], ["none"]),
    ],
)
def test_completion(shell: str, words: list[str], offered: list[str]) -> None:
    """The program completes the names of commands and options, and values, for the script of each shell."""
    line = ["claude-batches", *words]
    script = run(_CLAUDE_BATCHES_COMPLETE=f"source_{shell}").stdout
    assert f"_CLAUDE_BATCHES_COMPLETE=complete_{shell}" in script
    told = run(_CLAUDE_BATCHES_COMPLETE=f"complete_{shell}", **ASKED[shell](line)).stdout
    if shell == "zsh":
        found = re.findall(r'"([^"]+)"(?::"|\))| "([^"]+)"', told)
        names = [one or other for one, other in found]
    else:
        names = [line.partition("\t")[0] for line in told.split("\n") if line]
    assert sorted(names) == offered


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_completion_in_bash(tmp_path: Path) -> None:
    """The script that the program prints works in a shell, which finds the program by its name."""
    program = tmp_path / "claude-batches"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    program.chmod(0o755)
    code = (
        'eval "$(_CLAUDE_BATCHES_COMPLETE=source_bash claude-batches)"; '
        "COMP_WORDS=(claude-batches plan --pri); COMP_CWORD=2; "
        '$(complete -p claude-batches | grep -o "_[a-z_]*completion") claude-batches; echo "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PATH": path},
        check=False,
    )
    assert (done.stdout, done.stderr) == ("--prices\n", "")


def test_help_has_the_exit_statuses() -> None:
    """Each command's help documents the exit statuses, and each command is listed."""
    batches = "create list show wait download delete cancel"
    jobs = "run plan submit status watch results export cost retry resolve"
    shown = run("--help").stdout
    for command in f"{batches} {jobs} demo sandbox".split():
        assert re.search(rf"│ {command} ", shown), command
    for text in (shown, run("run", "--help").stdout):
        assert "4 outcome of a create unknown" in " ".join(text.split())


def test_unknown_options_are_status_two() -> None:
    """A usage error ends with status 2."""
    assert run("list", "--nonsense").returncode == 2
    assert run("nonsense").returncode == 2
