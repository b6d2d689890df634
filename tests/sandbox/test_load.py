"""Large batches in flat memory, and many clients at once."""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.sandbox.calls import BATCHES, Caller, serving

SERVE = """
import sys
from claude_batches.sandbox import Sandbox
sandbox = Sandbox(instant=True).start()
print(sandbox.url, flush=True)
sys.stdin.read()
sandbox.close()
"""
MEGABYTES = 120
REQUEST = (
    b'{"custom_id":"r%d","params":{"model":"claude-haiku-4-5","max_tokens":64,"system":"%s","messages":['
)
MESSAGE = b'{"role":"user","content":"Question %d"}]}}'


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    """Run a sandbox in another process, and yield its address and process id."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process.pid
        process.communicate()


def most_memory(process_id: int) -> int:
    """Return the peak memory of a process in megabytes."""
    status = Path(f"/proc/{process_id}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) // 1024


def large_body(count: int, filler: bytes) -> Iterator[bytes]:
    yield b'{"requests":['
    for number in range(count):
        yield (b"," if number else b"") + REQUEST % (number, filler) + MESSAGE % number
    yield b"]}"


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="reads the memory of a process from Linux's /proc"
)
def test_a_large_batch_takes_flat_memory(server: tuple[str, int]):
    """An upload and a download of 120 MB need less than half of that."""
    url, process_id = server
    caller = Caller(url)
    count = MEGABYTES * 100
    before = most_memory(process_id)
    response = caller.http.post(BATCHES, content=large_body(count, b"x" * 10_000))
    batch = caller.retrieve(response.json()["id"])
    assert batch["request_counts"]["succeeded"] == count
    with caller.http.stream("GET", batch["results_url"]) as results:
        assert sum(chunk.count(b"\n") for chunk in results.iter_bytes()) == count
    caller.http.close()
    grown = most_memory(process_id) - before
    assert grown < MEGABYTES / 2


def test_many_clients_are_served():
    """A hundred clients at once get their own results."""

    def one_client(number: int) -> str:
        calls = Caller(caller.http.base_url)
        try:
            batch = calls.create(f"from client {number}")
            text: str = calls.results(batch["id"])["r0"]["message"]["content"][0]["text"]
            return text
        finally:
            calls.http.close()

    with serving(instant=True) as caller, ThreadPoolExecutor(100) as clients:
        texts = set(clients.map(one_client, range(200)))
    assert texts == {f"You said: from client {number}" for number in range(200)}
