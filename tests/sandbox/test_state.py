"""State in a file: acknowledged batches survive."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from claude_batches.sandbox import Sandbox

from tests.sandbox.calls import BATCHES, HEADERS, Caller, requests

SERVE = """
import sys
from claude_batches.sandbox import Sandbox
sandbox = Sandbox(speed=1e-9, state=sys.argv[1]).start()
print(sandbox.url, flush=True)
sys.stdin.read()
"""


def test_a_killed_sandbox_continues(tmp_path: Path):
    """Acknowledged batches survive, unfinished uploads do not."""
    state = tmp_path / "state.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        caller = Caller(process.stdout.readline().strip())
        done, running, gone = (caller.create("one", f"two {number}") for number in range(3))
        caller.http.post("/_sandbox/clock", json={"seconds": 1000})
        results = caller.results(done["id"])
        caller.http.delete(f"{BATCHES}/{gone['id']}")
        late = caller.create("late")
        unfinished = caller.http.build_request("POST", BATCHES, content=endless())
        with pytest.raises(httpx.TransportError):
            send_until_killed(caller, unfinished, process)
    assert process.returncode == -signal.SIGKILL

    with Sandbox(speed=1e-9, state=state) as sandbox:
        again = Caller(sandbox.url)
        assert [batch["id"] for batch in again.page()["data"]] == [late["id"], running["id"], done["id"]]
        assert again.results(done["id"]) == results
        assert again.retrieve(late["id"])["processing_status"] == "in_progress"
        assert again.create("new")["created_at"] >= late["created_at"]
        assert sandbox_rows(state, sandbox) == 2 + 2 + 1 + 1
        again.http.close()
    caller.http.close()


def endless():
    """Yield the start of a body, long enough that a part of it is committed."""
    yield b'{"requests":['
    for number in range(2000):
        yield b'{"custom_id":"r%d","params":{"system":"%s"}},' % (number, b"x" * 1000)
    yield None


def send_until_killed(caller: Caller, request: httpx.Request, process: subprocess.Popen[str]) -> None:
    def body():
        for chunk in endless():
            if chunk is None:
                process.kill()
                process.wait()
                chunk = b"too late"
            yield chunk

    caller.http.send(httpx.Request("POST", request.url, headers=HEADERS, content=body()))


def sandbox_rows(state: Path, sandbox: Sandbox) -> int:
    """Return the number of requests in the state, after the sandbox is closed."""
    import sqlite3

    sandbox.close()
    database = sqlite3.connect(state)
    try:
        count: int = database.execute("select count(*) from request").fetchone()[0]
        return count
    finally:
        database.close()


def test_a_state_file_has_one_sandbox(tmp_path: Path):
    """A second sandbox with the file is refused."""
    state = tmp_path / "state.sqlite"
    with Sandbox(state=state), pytest.raises(ValueError, match="open in another sandbox"):
        Sandbox(state=state).start()


def test_another_file_is_refused(tmp_path: Path):
    """A file that is not a state file stays as it is."""
    other = tmp_path / "notes.txt"
    other.write_text("Not a database. " * 100)
    with pytest.raises(ValueError, match="not a state file"):
        Sandbox(state=other).start()
    assert other.read_text().startswith("Not a database.")


def test_a_bad_state_file_is_reported_before_the_port(tmp_path: Path):
    """The error names the state file although the port is taken: the state is opened before the port."""
    with Sandbox() as running, pytest.raises(ValueError, match="the state file"):
        Sandbox(port=int(running.url.rpartition(":")[2]), state=tmp_path / "no" / "state.db").start()


def test_state_in_memory_ends_with_the_sandbox():
    """A new sandbox without a file is empty."""
    sandbox = Sandbox(instant=True)
    with sandbox:
        httpx.post(sandbox.url + BATCHES, headers=HEADERS, json={"requests": requests("one")})
    with sandbox:
        assert httpx.get(sandbox.url + BATCHES, headers=HEADERS).json()["data"] == []
