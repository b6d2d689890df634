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
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import attrs
from anyio.from_thread import start_blocking_portal
from claude_batches import AsyncClient, Client

from tests.support.clients import Calls
from tests.support.results import batch_json
from tests.support.server import Exchange, ScriptedServer

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
    """The server's end of a connection.

    Args:
        exchange: The request and its connection.
        server: The server.
    """

    def __init__(self, exchange: Exchange, server: Server) -> None:
        self.exchange = exchange
        self.reader = exchange.reader
        self.server = server

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.exchange.send(data)

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
        self.exchange.hang_up(reset=reset)
        if not reset:
            with contextlib.suppress(OSError):
                self.exchange.connection.shutdown(socket.SHUT_WR)


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

    Args:
        lifetime: Seconds after which it hangs up on everybody.
        read_bodies: Whether the body of a request is read before its handler is called.
        routes: Handlers of create, list, retrieve, results, cancel, delete and other; or one of `any`.
    """

    def __init__(self, *, lifetime: float = 10.0, read_bodies: bool = True, **routes: Handler) -> None:
        self.routes = routes
        self.requests: list[Request] = []
        self._read_bodies = read_bodies
        self._server = ScriptedServer([self._act])
        self.closing = self._server.closing
        self.url = self._server.url
        self.port = int(self.url.rpartition(":")[2])
        self._end = threading.Timer(lifetime, self._server.close)
        self._end.daemon = True

    @property
    def connections(self) -> int:
        """Number of connections made."""
        return self._server.connections

    def asked(self, route: str) -> list[Request]:
        """Return the requests of a route."""
        return [request for request in self.requests if request.route == route]

    def __enter__(self) -> Self:
        self._server.__enter__()
        self._end.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.cancel()
        self._server.__exit__(*error)

    def _act(self, exchange: Exchange) -> None:
        route = _route(exchange.method, exchange.target)
        request = Request(route, exchange.method, exchange.target, exchange.headers, exchange.number)
        if self._read_bodies:
            request.body = exchange.read_body()
        self.requests.append(request)
        handler = self.routes.get(route) or self.routes.get("any") or says({}, 404)
        handler(Wire(exchange, self), request)


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
    """Return the `request_counts` of a batch that ended well."""
    return {"processing": 0, "succeeded": succeeded, "errored": 0, "canceled": 0, "expired": 0}


def batch(count: int = 2, **fields: object) -> dict[str, Any]:
    """Return a batch that was made just now, with no results_url."""
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return batch_json(count, None, **{"id": BATCH_ID, "created_at": made, **fields})


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

    Args:
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


# ---------------------------------------------------------------------------------------------------------------------
# Clients


class Caller(Calls):
    """Calls a client's methods, and awaits the results of an async client."""

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
