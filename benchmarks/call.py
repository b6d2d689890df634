"""Time of one small call, compared with a bare `httpx` call to the same server and the official package.

    python -m benchmarks.call [--calls 1000]

The server runs in a separate process. The clients take turns, call by call, so that the load of the machine
hits them alike; the median of each is shown, and the ratio to bare httpx.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import anthropic
import httpx
from claude_batches import Client

BATCH = (
    b'{"id":"msgbatch_1","type":"message_batch","processing_status":"in_progress","request_counts":{"processing":2,'
    b'"succeeded":0,"errored":0,"canceled":0,"expired":0},"created_at":"2026-11-20T10:00:00Z","expires_at":'
    b'"2026-11-21T10:00:00Z","ended_at":null,"cancel_initiated_at":null,"archived_at":null,"results_url":null}'
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\nrequest-id: req_1\r\n\r\n%b"
    % (
        len(BATCH),
        BATCH,
    )
)
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01", "accept": "application/json"}


def serve() -> None:
    """Answer every request with a batch, until the process is ended."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, contextlib.suppress(ConnectionError):
        received = b""
        while data := connection.recv(65536):
            received += data
            if received.endswith(b"\r\n\r\n"):
                connection.sendall(ANSWER)
                received = b""


def measure(url: str, calls: int) -> dict[str, float]:
    """Microseconds of a call, the median, by who makes it."""
    with (
        httpx.Client() as bare,
        Client(api_key="k", base_url=url) as ours,
        anthropic.Anthropic(api_key="k", base_url=url) as theirs,
    ):
        path = f"{url}/v1/messages/batches/msgbatch_1"
        callers: dict[str, Callable[[], object]] = {
            "httpx, and its JSON": lambda: bare.get(path, headers=HEADERS).json(),
            "claude_batches": lambda: ours.messages.batches.retrieve("msgbatch_1"),
            "anthropic": lambda: theirs.messages.batches.retrieve("msgbatch_1"),
        }
        taken: dict[str, list[float]] = {name: [] for name in callers}
        for index in range(calls + 20):
            for name, call in callers.items():
                start = time.perf_counter()
                call()
                if index >= 20:
                    taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) * 1e6 for name, each in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve()
    server = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        taken = measure(server.stdout.readline().strip(), arguments.calls)
    finally:
        server.kill()
        server.wait()
    floor = taken["httpx, and its JSON"]
    print(f"{'one call':<22}{'microseconds':>14}{'of httpx':>10}")
    for name, each in taken.items():
        print(f"{name:<22}{each:>14.0f}{each / floor:>9.2f}x")


if __name__ == "__main__":
    main()
