"""A server of one batch and its results: all of them, a part, damaged, in another order, or none."""

from __future__ import annotations

import gzip
import re
import threading
import zlib
from collections.abc import Iterable
from typing import Any, Literal

import attrs
import orjson

from tests.support.server import Exchange, ScriptedServer

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
    """True to honour a Range, when If-Range allows it."""
    encoding: Encoding = "identity"
    """Content encoding of a whole file, if the client accepts it."""
    framing: Literal["length", "chunked", "close"] = "length"
    cut: int | None = None
    """Number of bytes sent before the connection is dropped; `None` sends all."""
    stall: bool = False
    """True to be silent in place of dropping the connection, until the client hangs up."""
    damage: int | None = None
    """Position of a byte to send wrong."""
    headers: dict[str, str] = attrs.Factory(dict)
    """Headers to add or replace."""


def batch_json(count: int, url: str | None, status: str = "ended", **fields: Any) -> dict[str, Any]:
    """Return a batch as the API sends it."""
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


class ResultsServer(ScriptedServer):
    """Serves one batch, and its results from a list of answers in order; the last is repeated.

    Args:
        answers: Responses to requests for results.
        count: Number of results that the batch promises.
    """

    def __init__(self, answers: Iterable[Answer], count: int) -> None:
        super().__init__([self._respond])
        self.answers = list(answers)
        self.count = count
        self.hung_up = threading.Event()
        """Set when a client closes a connection on which the server was silent."""
        self.batches: list[dict[str, Any] | int] = []
        """Responses to requests for the batch in order, before the usual one: a batch, or a status."""
        self.results_url: str | None = None
        """The batch's `results_url`; `None` for this server's."""
        self._turn = threading.Lock()

    @property
    def results_asked(self) -> list[Exchange]:
        """Requests for results that arrived."""
        return [exchange for exchange in self.requests if exchange.path.endswith("/results")]

    def _respond(self, exchange: Exchange) -> None:
        if not exchange.path.endswith("/results"):
            with self._turn:
                wire: Any = self.batches.pop(0) if self.batches else self._batch()
            exchange.send(_error(wire) if isinstance(wire, int) else _json(200, wire))
            return
        with self._turn:
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.status >= 400:
            exchange.send(_error(answer.status, answer.headers))
            return
        exchange.send(_file(answer, exchange))
        if answer.stall:
            if not exchange.reader.read(1):
                self.hung_up.set()
            exchange.hang_up()
        elif answer.cut is not None or answer.framing == "close":
            exchange.hang_up()

    def _batch(self) -> dict[str, Any]:
        here = f"{self.url}/v1/messages/batches/{BATCH_ID}/results"
        return batch_json(self.count, self.results_url or here)


def file_of(lines: Iterable[bytes]) -> bytes:
    """Return the results file with these lines."""
    return b"".join(line + b"\n" for line in lines)


def whole(lines: list[bytes], **options: Any) -> Answer:
    """Return an answer with these lines as its file."""
    return Answer(file_of(lines), **options)


def cut_places(lines: list[bytes], encoding: Encoding) -> range:
    """Return all positions at which the encoded file of these lines can be cut."""
    return range(len(_encoded(file_of(lines), encoding)))


def _file(answer: Answer, exchange: Exchange) -> bytes:
    asked = exchange.headers
    headers = {"content-type": "application/octet-stream", "date": "Sun, 01 Nov 2026 12:00:00 GMT"}
    if answer.etag is not None:
        headers["etag"] = answer.etag
    if answer.modified is not None:
        headers["last-modified"] = answer.modified
    status, body = 200, answer.body
    found = re.fullmatch(r"bytes=(\d+)-", asked.get("range", ""))
    if found and answer.ranges and asked.get("if-range") in (None, answer.etag, answer.modified):
        start, size = int(found[1]), len(body)
        if start >= size:
            return _error(416, {"content-range": f"bytes */{size}"})
        status, body = 206, body[start:]
        headers["content-range"] = f"bytes {start}-{size - 1}/{size}"
    elif answer.encoding in asked.get("accept-encoding", "").replace(" ", "").split(","):
        body = _encoded(body, answer.encoding)
        headers["content-encoding"] = answer.encoding
    if answer.damage is not None and answer.damage < len(body):
        body = body[: answer.damage] + bytes([body[answer.damage] ^ 0x55]) + body[answer.damage + 1 :]
    headers |= answer.headers
    cut = len(body) if answer.cut is None else min(answer.cut, len(body))
    if answer.framing == "length":
        headers["content-length"] = str(len(body))
        return _head(status, headers) + body[:cut]
    if answer.framing == "close":
        return _head(status, {**headers, "connection": "close"}) + body[:cut]
    end = b"0\r\n\r\n" if answer.cut is None else b""
    chunks = [body[start : start + 1000] for start in range(0, cut, 1000)]
    chunks[-1:] = [chunk[: cut - 1000 * (len(chunks) - 1)] for chunk in chunks[-1:]]
    sent = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end
    return _head(status, {**headers, "transfer-encoding": "chunked"}) + sent


def _encoded(body: bytes, encoding: Encoding) -> bytes:
    match encoding:
        case "gzip":
            return gzip.compress(body, mtime=0)
        case "deflate":
            return zlib.compress(body)
        case "identity":
            return body


def _error(status: int, headers: dict[str, str] | None = None) -> bytes:
    body = {"type": "error", "error": {"type": "api_error", "message": f"scripted {status}"}}
    return _json(status, body, headers or {})


def _json(status: int, body: object, headers: dict[str, str] | None = None) -> bytes:
    data = orjson.dumps(body)
    fields = {"content-type": "application/json", **(headers or {}), "content-length": str(len(data))}
    return _head(status, fields) + data


def _head(status: int, headers: dict[str, str]) -> bytes:
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Scripted\r\n{fields}\r\n".encode()
