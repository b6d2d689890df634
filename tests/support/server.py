"""A small HTTP server on real sockets that follows a test's script, misbehaviour included.

A script is a list of acts, one for each request in order; the last act is repeated. An act gets the exchange, and reads
and writes on its connection:

    with ScriptedServer([drop_after_body(), reply(200, {"id": "b"})]) as server:
        ...
        assert len(server.requests) == 2
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

Act = Callable[["Exchange"], None]


class Exchange:
    """One request, and its connection. The act reads the body."""

    def __init__(
        self, connection: socket.socket, reader: Any, server: ScriptedServer, number: int = 0
    ) -> None:
        self.connection = connection
        self.number = number
        """The number of the connection, from 0."""
        self.reader = reader
        self.server = server
        self.method, self.target = "", ""
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None
        self.keep_alive = True
        self.on_body: Callable[[bytes], None] = lambda body: None
        """Called when the whole body was read, before the response."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def read_head(self) -> bool:
        """Read the request line and the headers. Return false at the end of the connection."""
        line = self.reader.readline()
        if not line:
            return False
        self.method, self.target, _ = line.decode().split(" ")
        while (line := self.reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            self.headers[name.strip().lower()] = value.strip()
        return True

    def read_body(self, limit: int | None = None) -> bytes:
        """Read the body, or its first bytes."""
        length = int(self.headers.get("content-length", 0))
        self.body = self.reader.read(length if limit is None else min(length, limit))
        if len(self.body) == length:
            self.on_body(self.body)
        return self.body

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.connection.sendall(data)

    def hang_up(self, *, reset: bool = False) -> None:
        """Close the connection, politely or with a reset."""
        self.keep_alive = False
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class ScriptedServer:
    """A server with a script.

    Args:
        script: Acts for the requests in order; the last is repeated.
    """

    def __init__(self, script: Iterable[Act]) -> None:
        self.script = list(script)
        self.requests: list[Exchange] = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self.connections = 0
        """Number of connections made."""
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        for thread in self._threads:
            thread.join(5)

    def close(self) -> None:
        """Close all connections."""
        self.closing.set()
        with self._lock:
            with contextlib.suppress(OSError):
                # A shutdown wakes the thread that is in accept(); closing alone does not.
                self._listener.shutdown(socket.SHUT_RDWR)
                self._listener.close()
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.append(connection)
                number, self.connections = self.connections, self.connections + 1
            self._start(self._serve, connection, number)

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, connection.makefile("rb") as reader:
            try:
                while True:
                    exchange = Exchange(connection, reader, self, number)
                    if not exchange.read_head():
                        return
                    with self._lock:
                        self.requests.append(exchange)
                        index = len(self.requests) - 1
                    self.script[min(index, len(self.script) - 1)](exchange)
                    if not exchange.keep_alive:
                        return
            except (OSError, ValueError):
                return

    @property
    def bodies(self) -> list[Any]:
        """Parsed bodies, of the requests that had one."""
        return [json.loads(exchange.body) for exchange in self.requests if exchange.body]


# ---------------------------------------------------------------------------------------------------------------------
# Acts


def reply(
    status: int = 200,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    before_body: bool = False,
    cut: int | None = None,
    request_id: str | None = "req_scripted",
) -> Act:
    """Respond.

    Args:
        status: Status code.
        body: Bytes, JSON, or a function of the exchange that returns either.
        headers: Further headers.
        before_body: True to respond without reading the request's body.
        cut: Number of bytes of the body after which to hang up.
        request_id: Value of the `request-id` header.
    """

    def act(exchange: Exchange) -> None:
        if not before_body:
            exchange.read_body()
        content = body(exchange) if callable(body) else body
        if content is None:
            data = b""
        elif isinstance(content, bytes):
            data = content
        else:
            data = json.dumps(content).encode()
        lines = [f"HTTP/1.1 {status} Scripted", f"content-length: {len(data)}"]
        if request_id is not None:
            lines.append(f"request-id: {request_id}")
        given = headers(exchange) if callable(headers) else headers or {}
        lines += [f"{name}: {value}" for name, value in given.items()]
        if before_body:
            lines.append("connection: close")
        exchange.send("\r\n".join(lines).encode() + b"\r\n\r\n" + data[:cut])
        if before_body:
            # Hanging up while the client sends would destroy the response on its way.
            exchange.connection.shutdown(socket.SHUT_WR)
            exchange.reader.read()
        if cut is not None or before_body:
            exchange.hang_up()

    return act


def drop(*, after: int | None = None, reset: bool = False) -> Act:
    """Hang up without a response, after some bytes of the body or all of it."""

    def act(exchange: Exchange) -> None:
        exchange.read_body(after)
        exchange.hang_up(reset=reset)

    return act


def stall(*, after_headers: bool = False, before_body: bool = False) -> Act:
    """Read the request and never respond; or send half a response; or do not even read the body."""

    def act(exchange: Exchange) -> None:
        if not before_body:
            exchange.read_body()
        if after_headers:
            exchange.send(b'HTTP/1.1 200 Scripted\r\ncontent-length: 100\r\n\r\n{"id"')
        exchange.server.closing.wait(30)
        exchange.hang_up()

    return act


def garbage(data: bytes = b"SSH-2.0-OpenSSH\r\n") -> Act:
    """Respond with bytes that are not HTTP."""

    def act(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(data)
        exchange.hang_up()

    return act


def repeat(data: bytes, *, every: float = 0.05, first: bytes = b"", seconds: float = 10.0) -> Act:
    """Send bytes again and again, with a pause each time.

    Args:
        data: The bytes; `b"HTTP/1.1 102 Processing\\r\\n\\r\\n"` is an informational response, `b"x"` dribbles.
        every: Pause in seconds.
        first: Bytes to send once before.
        seconds: Time after which to hang up.
    """

    def act(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(first)
        end = time.monotonic() + seconds
        while time.monotonic() < end and not exchange.server.closing.wait(every):
            exchange.send(data)
        exchange.hang_up()

    return act
