"""A server with configurable faults, on real sockets, and clients of both kinds.

A server has a handler for each route. A handler gets the connection and the request, and writes the bytes that it
likes, when it likes:

    with Server(create=says({"id": "b"}), retrieve=lambda wire, request: wire.dribble(b"HTTP/1.1 200 OK")) as server:
        ...
        assert len(server.asked("create")) == 1

A server ends by itself after `lifetime` seconds: a client that waits for ever fails its test, and does not hang it.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import attrs
from anyio.from_thread import start_blocking_portal
from claude_batches import AsyncClient, Client

KEY = "sk-attacked-7c1f-never-shown"
BATCH_ID = "msgbatch_attacked"
KINDS = ("sync", "async")

BATCHES = "/v1/messages/batches"


@attrs.define
class Request:
    """A request that came."""

    route: str
    method: str
    target: str
    headers: dict[str, str]
    connection: int
    """The number of the connection on which it came, from 0."""
    body: bytes = b""

    @property
    def base(self) -> str:
        """The origin that was asked."""
        return f"http://{self.headers['host']}"

    @property
    def custom_ids(self) -> list[str]:
        """The ids in the body of a create, which may be two bodies mixed up."""
        return re.findall(r'"custom_id": ?"([^"]*)"', self.body.decode("latin-1")) or [""]


class Wire:
    """The server's end of a connection."""

    def __init__(self, connection: socket.socket, server: Server) -> None:
        self.connection = connection
        self.reader: Any = connection.makefile("rb")
        self.server = server
        self.open = True

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def dribble(self, data: bytes, *, every: float = 0.1, size: int = 1, seconds: float = 3.0) -> None:
        """Send some bytes at a time, for so long, and then hang up."""
        end = time.monotonic() + seconds
        for start in range(0, len(data), size):
            self.send(data[start : start + size])
            if self.server.closing.wait(every) or time.monotonic() > end:
                break
        self.cut()

    def stall(self, seconds: float = 3.0) -> None:
        """Be silent for so long, and then hang up."""
        self.server.closing.wait(seconds)
        self.cut()

    def cut(self, *, reset: bool = False) -> None:
        """Hang up, politely or with a reset."""
        self.open = False
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_WR)


Handler = Callable[[Wire, Request], object]


def _route(method: str, target: str) -> str:
    path = target.partition("?")[0]
    path = re.sub(r"^https?://[^/]+", "", path)
    if path == BATCHES:
        return {"POST": "create", "GET": "list"}.get(method, "other")
    if path.endswith(("/results", "/cancel")):
        return path.rpartition("/")[2]
    if path.startswith(f"{BATCHES}/"):
        return {"GET": "retrieve", "DELETE": "delete"}.get(method, "other")
    return "other"


class Server:
    """Serves each route by its handler, and records the requests.

    Arguments:
        lifetime: Seconds after which it hangs up on everybody.
        read_bodies: Whether the body of a request is read before its handler is called.
        routes: Handlers of create, list, retrieve, results, cancel, delete and other; or one of `any`.
    """

    def __init__(self, *, lifetime: float = 10.0, read_bodies: bool = True, **routes: Handler) -> None:
        self.routes = routes
        self.requests: list[Request] = []
        self.connections = 0
        self.closing = threading.Event()
        self._read_bodies = read_bodies
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._end = threading.Timer(lifetime, self.close)
        self._end.daemon = True

    def asked(self, route: str) -> list[Request]:
        """The requests of a route."""
        return [request for request in self.requests if request.route == route]

    def __enter__(self) -> Self:
        self._threads[0].start()
        self._end.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.cancel()
        self.close()
        for thread in self._threads:
            thread.join(5)

    def close(self) -> None:
        """Hang up on everybody."""
        self.closing.set()
        with self._lock, contextlib.suppress(OSError):
            # A shutdown wakes the thread that is in accept(); closing alone does not.
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for connection in list(self._sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True)
            self.connections += 1
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        wire = Wire(connection, self)
        with connection, wire.reader, contextlib.suppress(OSError, ValueError):
            while wire.open and (request := self._read(wire, number)) is not None:
                handler = self.routes.get(request.route) or self.routes.get("any") or says({}, 404)
                handler(wire, request)

    def _read(self, wire: Wire, number: int) -> Request | None:
        line = wire.reader.readline()
        if not line:
            return None
        method, target, _ = line.decode().split(" ")
        headers: dict[str, str] = {}
        while field := wire.reader.readline().strip():
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        request = Request(_route(method, target), method, target, headers, number)
        if self._read_bodies:
            request.body = wire.reader.read(int(headers.get("content-length", 0)))
        with self._lock:
            self.requests.append(request)
        return request


# ---------------------------------------------------------------------------------------------------------------------
# Answers and handlers


def head(status: int = 200, **headers: object) -> bytes:
    """Return the head of a response; underscores in names become hyphens."""
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Attacked\r\n{fields}\r\n".encode()


def answer(body: object = b"", status: int = 200, **headers: object) -> bytes:
    """Return a whole response; a value other than bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(status, **{"content_length": len(data), **headers}) + data


def says(body: object = b"", status: int = 200, **headers: object) -> Handler:
    """A handler that gives the same answer each time."""
    return lambda wire, request: wire.send(answer(body, status, **headers))


def refuses(status: int, message: str = "attacked", **headers: object) -> Handler:
    """A handler that answers with an error of the API's form."""
    return says({"type": "error", "error": {"type": "api_error", "message": message}}, status, **headers)


def in_turn(*handlers: Handler) -> Handler:
    """A handler that is another for each request; the last one stays."""
    left = list(handlers)
    return lambda wire, request: (left.pop(0) if len(left) > 1 else left[0])(wire, request)


def hangs_up(wire: Wire, request: Request) -> None:
    """A handler that takes the request and gives no answer."""
    wire.cut(reset=True)


def counts(succeeded: object) -> dict[str, object]:
    """The `request_counts` of a batch that ended well."""
    return {"processing": 0, "succeeded": succeeded, "errored": 0, "canceled": 0, "expired": 0}


def batch(count: int = 2, **fields: object) -> dict[str, Any]:
    """A batch as the API describes it, with no results_url."""
    return {
        "id": BATCH_ID,
        "type": "message_batch",
        "processing_status": "ended",
        "request_counts": counts(count),
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "ended_at": "2026-11-01T01:00:00Z",
        "expires_at": "2026-11-02T00:00:00Z",
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": None,
        **fields,
    }


def describes(count: int, **fields: object) -> Handler:
    """A handler that describes a batch which has its results at the server that was asked."""

    def handler(wire: Wire, request: Request) -> None:
        url = f"{request.base}{BATCHES}/{BATCH_ID}/results"
        wire.send(answer(batch(count, **{"results_url": url, **fields})))

    return handler


def serves(
    data: bytes, *cuts: int | None, etag: str | None = '"v1"', during: Callable[[], object] | None = None
) -> Handler:
    """A handler that serves a file, with ranges.

    Arguments:
        data: The file.
        cuts: After how many bytes each answer in turn breaks off; the last stays, `None` sends all.
        etag: Its version.
        during: Is called in the middle of each answer.
    """
    left: list[int | None] = list(cuts or (None,))

    def handler(wire: Wire, request: Request) -> None:
        cut = left.pop(0) if len(left) > 1 else left[0]
        found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        start = int(found[1]) if found and etag and request.headers.get("if-range") == etag else 0
        if start >= len(data) > 0:
            wire.send(answer(b"", 416, content_range=f"bytes */{len(data)}"))
            return
        body = data[start:]
        headers: dict[str, object] = {"content_length": len(body)}
        if etag is not None:
            headers["etag"] = etag
        if start:
            headers["content_range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        wire.send(head(206 if start else 200, **headers))
        if during is not None:
            during()
        wire.send(body[:cut])
        if cut is not None and cut < len(body):
            wire.cut()

    return handler


def requests(count: int = 2, prefix: str = "r", padding: int = 0) -> list[Any]:
    """Requests for a create."""
    params = {
        "model": "claude-opus-4-1",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "Hello" + "." * padding}],
    }
    return [{"custom_id": f"{prefix}{index}", "params": params} for index in range(count)]


def message(text: str) -> dict[str, Any]:
    """A message of a model."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-1",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def line(custom_id: str, text: str = "Hi") -> bytes:
    """One result, without its line break."""
    result = {"type": "succeeded", "message": message(text)}
    return json.dumps({"custom_id": custom_id, "result": result}).encode()


def lines(count: int, padding: int = 0, prefix: str = "r") -> list[bytes]:
    """Results, each with another text."""
    return [line(f"{prefix}{index}", f"Text {index} " + "x" * padding) for index in range(count)]


def file_of(parts: Iterable[bytes]) -> bytes:
    """A results file."""
    return b"".join(part + b"\n" for part in parts)


# ---------------------------------------------------------------------------------------------------------------------
# Clients


class Caller:
    """Calls a client's methods, and awaits the results of an async client."""

    def __init__(self, client: Any, portal: Any) -> None:
        self.client = client
        self.batches = client.messages.batches
        self.portal = portal

    def __call__(self, function: Callable[[Any], Any]) -> Any:
        """The result of a function of `client.messages.batches`."""
        return self.run(lambda: function(self.batches))

    def run(self, function: Callable[[], Any]) -> Any:
        if self.portal is None:
            return function()

        async def call() -> Any:
            result = function()
            return await result if inspect.isawaitable(result) else result

        return self.portal.call(call)

    def read(self, function: Callable[[Any], Any], items: list[Any] | None = None) -> Any:
        """The stream that a function gives, read to its end into `items`."""
        items = [] if items is None else items
        if self.portal is None:
            stream = function(self.batches)
            items.extend(stream)
            return stream

        async def collect() -> Any:
            stream = function(self.batches)
            if inspect.iscoroutine(stream):
                stream = await stream
            if hasattr(stream, "__aiter__"):
                async for item in stream:
                    items.append(item)
            else:
                items.extend(stream)
            return stream

        return self.portal.call(collect)

    def items(self, function: Callable[[Any], Any]) -> list[Any]:
        """All items of the stream that a function gives."""
        items: list[Any] = []
        self.read(function, items)
        return items


@contextmanager
def connected(kind: str, url: str | None, **options: Any) -> Iterator[Caller]:
    """A client of that kind."""
    options = {"api_key": KEY, "base_url": url, "max_retries": 0, **options}
    if kind == "sync":
        with Client(**options) as client:
            yield Caller(client, None)
        return
    with start_blocking_portal() as portal:

        async def make() -> AsyncClient:
            return AsyncClient(**options)

        client_ = portal.call(make)
        try:
            yield Caller(client_, portal)
        finally:
            portal.call(client_.close)


def elapsed(function: Callable[[], Any]) -> tuple[BaseException | None, float]:
    """Return the exception of a call, and its duration in seconds."""
    start = time.monotonic()
    try:
        function()
    except Exception as error:
        return error, time.monotonic() - start
    return None, time.monotonic() - start


def soak(normal: int, long: int) -> int:
    """Return the number of rounds of a randomised test."""
    return long if int(os.environ.get("CLAUDE_BATCHES_SOAK", "0")) else normal


def hidden_files(folder: Any) -> dict[str, bytes]:
    """The hidden files of a folder, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob(".*")) if path.is_file()}
