"""A server that sends results by a script: all of them, a part, damaged, or in another order.

It speaks just enough HTTP/1.1 on real sockets. Its script is fixed before the first request.
"""

from __future__ import annotations

import contextlib
import gzip
import re
import socket
import threading
import zlib
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal, Self

import attrs
import orjson

from .lines import file_of

BATCH_ID = "msgbatch_test"

Encoding = Literal["identity", "gzip", "deflate"]


@attrs.define
class Answer:
    """The response to one request for the results."""

    body: bytes = b""
    """The file, before encoding."""
    status: int = 200
    etag: str | None = '"v1"'
    modified: str | None = None
    ranges: bool = True
    """True to honour a Range that If-Range allows."""
    encoding: Encoding = "identity"
    """Content encoding of a whole file, if the client accepts it."""
    framing: Literal["length", "chunked", "close"] = "length"
    cut: int | None = None
    """Number of bytes after which the connection is closed; `None` sends all."""
    stall: bool = False
    """True to be silent at the cut until the client closes the connection."""
    damage: int | None = None
    """Position of a byte that is changed."""
    headers: dict[str, str] = attrs.Factory(dict)
    """More headers, or other values."""


@attrs.frozen
class Asked:
    """A received request."""

    method: str
    path: str
    headers: dict[str, str]


def batch_json(count: int, url: str | None, status: str = "ended", **fields: Any) -> dict[str, Any]:
    """Return a batch as the API describes it."""
    return {
        "id": BATCH_ID,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": {"processing": 0, "succeeded": count, "errored": 0, "canceled": 0, "expired": 0},
        "created_at": "2026-11-01T00:00:00Z",
        "ended_at": "2026-11-01T01:00:00Z",
        "expires_at": "2026-11-02T00:00:00Z",
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": url,
        **fields,
    }


class ResultsServer:
    """Serves one batch, and its results from a list of answers, one for each request. The last one is repeated.

    Args:
        answers: Responses to requests for results.
        count: Number of results in `request_counts`.
    """

    def __init__(self, answers: Iterable[Answer], count: int) -> None:
        self.answers = list(answers)
        self.count = count
        self.asked: list[Asked] = []
        self.connections = 0
        """Number of connections."""
        self.hung_up = threading.Event()
        """Set when a client closes a connection on which the server was silent."""
        self.batches: list[dict[str, Any] | int] = []
        """Responses to the first requests for the batch: a batch, or a status."""
        self.results_url: str | None = None
        """`results_url` of the batch; `None` for this server."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def results_asked(self) -> list[Asked]:
        """The received requests for results."""
        return [asked for asked in self.asked if asked.path.endswith("/results")]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing alone does not wake up a thread that waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                _hang_up(connection)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection, connection.makefile("rb") as stream:
                while (asked := _read_request(stream)) is not None:
                    with self._lock:
                        self.asked.append(asked)
                        head, body, answer = self._answer(asked)
                    connection.sendall(head + body)
                    if answer is None:
                        continue
                    if answer.stall:
                        if not stream.read(1):
                            self.hung_up.set()
                        return
                    if answer.cut is not None or answer.framing == "close":
                        return
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(connection)

    def _answer(self, asked: Asked) -> tuple[bytes, bytes, Answer | None]:
        """Return head and body of a response, and its script if it is of results."""
        if not asked.path.endswith("/results"):
            wire: Any = (
                self.batches.pop(0)
                if self.batches
                else batch_json(self.count, self.results_url or self._here)
            )
            if isinstance(wire, int):
                return *_error(wire), None
            return *_plain(200, orjson.dumps(wire), {"content-type": "application/json"}), None
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.status >= 400:
            return *_error(answer.status, answer.headers), None
        return *_file(answer, asked), answer

    @property
    def _here(self) -> str:
        return f"{self.url}/v1/messages/batches/{BATCH_ID}/results"


def whole(lines: list[bytes], **options: Any) -> Answer:
    """Return an answer with lines as its file."""
    return Answer(file_of(lines), **options)


def cut_places(lines: list[bytes], encoding: Encoding) -> range:
    """Return all places where the file of lines can be cut."""
    return range(len(_encoded(file_of(lines), encoding)))


def _file(answer: Answer, asked: Asked) -> tuple[bytes, bytes]:
    headers = {"content-type": "application/octet-stream", "date": "Sun, 01 Nov 2026 12:00:00 GMT"}
    if answer.etag is not None:
        headers["etag"] = answer.etag
    if answer.modified is not None:
        headers["last-modified"] = answer.modified
    status, body = 200, answer.body
    found = re.fullmatch(r"bytes=(\d+)-", asked.headers.get("range", ""))
    if found and answer.ranges and asked.headers.get("if-range") in (None, answer.etag, answer.modified):
        start, size = int(found[1]), len(body)
        if start >= size:
            return _error(416, {"content-range": f"bytes */{size}"})
        status, body = 206, body[start:]
        headers["content-range"] = f"bytes {start}-{size - 1}/{size}"
    elif answer.encoding in asked.headers.get("accept-encoding", "").replace(" ", "").split(","):
        body = _encoded(body, answer.encoding)
        headers["content-encoding"] = answer.encoding
    if answer.damage is not None and answer.damage < len(body):
        body = body[: answer.damage] + bytes([body[answer.damage] ^ 0x55]) + body[answer.damage + 1 :]
    headers |= answer.headers
    cut = len(body) if answer.cut is None else min(answer.cut, len(body))
    if answer.framing == "length":
        headers["content-length"] = str(len(body))
        return _head(status, headers), body[:cut]
    if answer.framing == "close":
        return _head(status, {**headers, "connection": "close"}), body[:cut]
    end = b"0\r\n\r\n" if answer.cut is None else b""
    chunks = [body[start : start + 1000] for start in range(0, cut, 1000)]
    chunks[-1:] = [chunk[: cut - 1000 * (len(chunks) - 1)] for chunk in chunks[-1:]]
    sent = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end
    return _head(status, {**headers, "transfer-encoding": "chunked"}), sent


def _encoded(body: bytes, encoding: Encoding) -> bytes:
    match encoding:
        case "gzip":
            return gzip.compress(body, mtime=0)
        case "deflate":
            return zlib.compress(body)
        case "identity":
            return body


def _error(status: int, headers: dict[str, str] | None = None) -> tuple[bytes, bytes]:
    body = {"type": "error", "error": {"type": "api_error", "message": f"scripted {status}"}}
    return _plain(status, orjson.dumps(body), {"content-type": "application/json", **(headers or {})})


def _plain(status: int, body: bytes, headers: dict[str, str]) -> tuple[bytes, bytes]:
    return _head(status, {**headers, "content-length": str(len(body))}), body


def _head(status: int, headers: dict[str, str]) -> bytes:
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Scripted\r\n{fields}\r\n".encode()


def _read_request(stream: Any) -> Asked | None:
    line = stream.readline()
    if not line:
        return None
    method, path, _ = line.decode().split(" ")
    headers = {}
    while (field := stream.readline().strip()) != b"":
        name, _, value = field.decode().partition(":")
        headers[name.lower()] = value.strip()
    return Asked(method, path, headers)


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
