"""The command in separate processes."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from claude_batches.cli._app import app
from typer.testing import CliRunner

COMMAND = [sys.executable, "-m", "claude_batches"]

# Bounds a test that fails.
LONG = 60

# A shell ignores Ctrl-C in background jobs, and processes inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "COLUMNS": "200", "PYTHONUNBUFFERED": "1", **variables}


def run(
    *arguments: str | Path, cwd: Path | None = None, stdin: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=LONG,
        cwd=cwd,
        input="" if stdin is None else stdin,
        env=environment(**variables),
        check=False,
    )


def invoke(*arguments: str | Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, if a separate process adds nothing."""
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(each) for each in arguments], input=stdin or "")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


class Running:
    """A process of the command, and the lines that it writes on stderr."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def wait_for(self, words: str) -> str:
        """Return the next line on stderr with these words."""
        while (line := self._queue.get(timeout=LONG)) is not None:
            self.lines.append(line)
            if words in line:
                return line
        raise AssertionError(f"{words!r} is not in {self.lines}")

    def end(self) -> tuple[int, str, str]:
        """Wait for the end; return exit status, stdout and stderr."""
        assert self.process.stdout is not None
        out = self.process.stdout.read()
        while (line := self._queue.get(timeout=LONG)) is not None:
            self.lines.append(line)
        return self.process.wait(timeout=LONG), out, "\n".join(self.lines)


@contextmanager
def running(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> Iterator[Running]:
    """Start the command, and kill it at the end if it still runs."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=environment(**variables),
    )
    with process:
        try:
            yield Running(process)
        finally:
            process.kill()


def request(index: int, text: str = "Hello", **params: Any) -> dict[str, Any]:
    message = {"role": "user", "content": f"{text} {index}"}
    return {
        "custom_id": f"row-{index}",
        "params": {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": [message], **params},
    }


def jsonl(*requests: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in requests)


def lines(text: str) -> list[Any]:
    """Parse JSONL."""
    return [json.loads(line) for line in text.splitlines()]
