"""An HTTP server for an ASGI application, on a loopback port and its own thread."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ._hosts import is_loopback

__all__ = ["CLOSE_CONNECTION", "LoopbackServer", "bind_loopback"]

CLOSE_CONNECTION: Final = "claude_batches.close_connection"
"""The key in the scope of a request whose value closes the connection."""

_BACKLOG: Final = 2048
_TICK_SECONDS: Final = 0.1


def bind_loopback(host: str, port: int) -> socket.socket:
    """Return a listening socket on the loopback interface; port 0 takes any free port.

    Raises:
        ValueError: `host` is not a loopback address. The sandbox accepts any key, so it stays out of networks.
        OSError: The port is taken.
    """
    if not is_loopback(host):
        raise ValueError(
            f"the sandbox only listens on this machine (127.0.0.1, ::1 or localhost), not on {host!r}"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only for a socket with the protocol TCP. With the algorithm on, each
    # response on a kept-alive connection waits 40 ms for the acknowledgement of the one before.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class _Protocol(H11Protocol):
    """HTTP/1.1 in which the application can close the connection in the middle of a response."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app = self.app

        async def app_with_connection(scope: Scope, receive: Receive, send: Send) -> None:
            scope[CLOSE_CONNECTION] = transport.close
            await app(scope, receive, send)

        self.app = app_with_connection


class _Server(uvicorn.Server):
    """A server that another thread can await and stop at once. uvicorn's own polls every 0.1 seconds."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def serve_until_stopped(self, listener: socket.socket) -> None:
        try:
            self.run(sockets=[listener])
        finally:
            self.ready.set()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        tick = 0
        while not await self.on_tick(tick):
            tick += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), _TICK_SECONDS)

    def stop(self) -> None:
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)


class LoopbackServer:
    """A server that runs from construction until `close()`."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=60,
        )
        self._listener = listener
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.serve_until_stopped,
            args=[listener],
            name="claude-batches-sandbox",
            daemon=True,
        )
        self._thread.start()
        self._server.ready.wait()
        if not self._server.started:
            raise RuntimeError("the sandbox's server did not start")

    def close(self) -> None:
        """Stop accepting connections, allow open ones a second, and end."""
        self._server.stop()
        self._thread.join()
        self._listener.close()
