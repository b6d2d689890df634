"""Time and memory to create a batch of 100,000 requests and 130 MB, compared with the official package.

    python -m benchmarks.create [--requests 100000] [--rounds 3]

Each run is a separate process, in turn, that makes the requests in a generator (a list, for the package that needs
one), after a small batch to warm up. The server is a process too, reads the body and throws it away. The fastest run of
each is shown, in seconds of the processor. Memory is the increase of the process's peak. The floor encodes each request
with orjson and sends the bytes over a bare socket.
"""

from __future__ import annotations

import argparse
import json
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ANSWER = (
    b'{"id":"msgbatch_%d","type":"message_batch","processing_status":"in_progress","request_counts":{"processing":2,'
    b'"succeeded":0,"errored":0,"canceled":0,"expired":0},"created_at":"2026-11-20T10:00:00Z","expires_at":'
    b'"2026-11-21T10:00:00Z","ended_at":null,"cancel_initiated_at":null,"archived_at":null,"results_url":null}'
)
TEXT = "A question of a usual length, about something that is said in the words that come before it. " * 11


def rows(count: int) -> Iterator[Any]:
    """Requests of about 1.3 KB each."""
    for index in range(count):
        yield {
            "custom_id": f"request-{index}",
            "params": {
                "model": "claude-haiku-4-5",
                "max_tokens": 1024,
                "system": [
                    {"type": "text", "text": "Answer in a word.", "cache_control": {"type": "ephemeral"}}
                ],
                "messages": [{"role": "user", "content": [{"type": "text", "text": TEXT}]}],
            },
        }


def serve() -> None:
    """Take batches and throw them away, until the process is ended."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=take, args=(connection,), daemon=True).start()


def take(connection: socket.socket) -> None:
    """Serve one connection."""
    space = memoryview(bytearray(1024 * 1024))
    number = 0
    with connection, connection.makefile("rb", buffering=0) as raw:
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                byte = raw.read(1)
                if not byte:
                    return
                head += byte
            left = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            while left:
                left -= connection.recv_into(space, min(left, len(space)))
            number += 1
            body = ANSWER % number
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


def ours(url: str) -> Callable[[int], object]:
    """This package."""
    from claude_batches import Client

    client = Client(api_key="k", base_url=url)
    return lambda count: client.messages.batches.create(requests=rows(count))


def theirs(url: str) -> Callable[[int], object]:
    """Create with the official package."""
    import anthropic

    client = anthropic.Anthropic(api_key="k", base_url=url)
    return lambda count: client.messages.batches.create(requests=list(rows(count)))


def floor(url: str) -> Callable[[int], object]:
    """Floor: the encoding and the sending alone."""
    import orjson

    parts = urlsplit(url)

    def create(count: int) -> object:
        size = sum(len(orjson.dumps(row)) + 1 for row in rows(count)) + 13
        with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size)
            waiting, comma = bytearray(b'{"requests":['), b""
            for row in rows(count):
                waiting += comma + orjson.dumps(row)
                comma = b","
                if len(waiting) > 128 * 1024:
                    connection.sendall(waiting)
                    waiting.clear()
            connection.sendall(waiting + b"]}")
            return connection.recv(65536)

    return create


CASES = {"floor": floor, "claude_batches": ours, "anthropic": theirs}


def run(name: str, url: str, count: int) -> None:
    """One run, in this process; prints seconds and bytes."""
    create = CASES[name](url)
    create(10)
    before = peak()
    start = time.process_time()
    create(count)
    print(json.dumps([time.process_time() - start, peak() - before]))


def peak() -> int:
    """Return the peak memory of this process, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def main() -> None:
    """Measure and print, or be one of the processes measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
    if arguments.run:
        run(*arguments.run, arguments.requests)
        return
    itself = [sys.executable, str(Path(__file__).resolve())]
    server = subprocess.Popen([*itself, "--serve"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    best = {name: [float("inf"), float("inf")] for name in CASES}
    try:
        for _ in range(arguments.rounds):
            for name in CASES:
                command = [*itself, "--requests", str(arguments.requests), "--run", name, url]
                taken = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                best[name] = [min(pair) for pair in zip(best[name], taken, strict=True)]
    finally:
        server.kill()
        server.wait()
    seconds, memory = best["claude_batches"]
    print(f"{arguments.requests:,} requests{'':<10}{'seconds':>10}{'of ours':>10}{'MB':>10}{'of ours':>10}")
    for name, (taken, most) in best.items():
        ratios = f"{taken / seconds:>9.2f}x{most / 1e6:>10.1f}{most / max(memory, 1):>9.1f}x"
        print(f"{name:<26}{taken:>10.2f}{ratios}")


if __name__ == "__main__":
    main()
