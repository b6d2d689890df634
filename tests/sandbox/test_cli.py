"""The options of `claude-batches sandbox`, in separate processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.sandbox.calls import BATCHES, HEADERS

RUN = "import typer; from claude_batches.cli._sandbox import command; typer.run(command)"
NO_EXTRA = "import sys; sys.modules['{}'] = None; "
OVERLOADED = '{"kind": "overloaded", "on": "list", "times": 1}'


def run(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-c", before + RUN, "--port", "0", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "COLUMNS": "300"},
        check=False,
    )


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """Run the command, and yield the address that it prints."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "300", "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        found = next(filter(None, (re.search(r"BASE_URL=(http://\S+)", line) for line in process.stdout)))
        try:
            yield found[1]
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
            assert process.returncode == 0


def test_host_key_and_limits_are_options():
    """The address, the key, the queue limit and further host names are those of the options."""
    options = ("--host", "127.0.0.2", "--key", "secret", "--queue-limit", "1", "--allow-host", "box")
    with running(*options, "--speed", "1") as url:
        assert url.startswith("http://127.0.0.2:")
        assert httpx.get(url + BATCHES, headers=HEADERS).status_code == 401
        right = {**HEADERS, "x-api-key": "secret"}
        assert httpx.get(url + BATCHES, headers={**right, "host": "box"}).status_code == 200
        body = {"requests": [{"custom_id": f"r{n}", "params": {}} for n in range(2)]}
        assert httpx.post(url + BATCHES, headers=right, json=body).status_code == 429


def test_faults_are_profiles_and_json():
    """A profile and a JSON list can be given together, and the faults strike."""
    with running("--faults", f"[{OVERLOADED}]", "--faults", '{"kind": "latency", "seconds": 0}') as url:
        assert httpx.get(url + BATCHES, headers=HEADERS).status_code == 529
        assert httpx.get(url + BATCHES, headers=HEADERS).status_code == 200
        assert len(httpx.get(url + "/_sandbox/faults").json()["faults"]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--faults", "gremlins"], "there are flaky, hostile, overloaded"),
        (["--faults", '{"kind": "x"}'], "'x' is not a kind of fault"),
        (["--faults", '{"kind": "cut", "who": 1}'], "who"),
        (["--host", "0.0.0.0"], "only listens on this machine"),
        (["--speed", "fast"], "a number of seconds, or `instant`"),
    ],
)
def test_bad_options_are_refused_in_words(arguments: list[str], words: str):
    """A bad option ends the command with a message that names a good one."""
    done = run(*arguments)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "jinja2", "jsonschema_rs"])
def test_a_missing_extra_is_named_in_one_line(package: str):
    """Without a package of the extra, command and `Sandbox` name the extra and not a traceback."""
    done = run(before=NO_EXTRA.format(package))
    assert done.returncode == 1
    assert f"the sandbox needs the package {package}: pip install 'claude-batches[sandbox]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    code = NO_EXTRA.format(package) + "from claude_batches.sandbox import Sandbox"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert imported.stderr.splitlines()[-1].endswith(
        f"the sandbox needs the package {package}: pip install 'claude-batches[sandbox]'"
    )
