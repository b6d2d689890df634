"""Server of one results file and its batch, in a separate process, as fast as the kernel copies."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path

import orjson

BATCH_ID = "msgbatch_benchmark"


def main(path: Path, count: int) -> None:
    """Serve until the process is ended; the URL is the first line of output."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(url, flush=True)
    batch = orjson.dumps(
        {
            "id": BATCH_ID,
            "type": "message_batch",
            "processing_status": "ended",
            "request_counts": {
                "processing": 0,
                "succeeded": count,
                "errored": 0,
                "canceled": 0,
                "expired": 0,
            },
            "created_at": "2026-11-01T00:00:00Z",
            "expires_at": "2026-11-02T00:00:00Z",
            "ended_at": "2026-11-01T01:00:00Z",
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": f"{url}/v1/messages/batches/{BATCH_ID}/results",
        }
    )
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection, path, batch), daemon=True).start()


def _serve(connection: socket.socket, path: Path, batch: bytes) -> None:
    with connection, connection.makefile("rb") as stream, path.open("rb") as file:
        while line := stream.readline():
            while stream.readline().strip():
                pass
            if b"/results" in line:
                head = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-jsonl\r\ncontent-length: %d\r\n\r\n"
                connection.sendall(head % path.stat().st_size)
                file.seek(0)
                connection.sendfile(file)
            else:
                head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                connection.sendall(head % len(batch) + batch)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
