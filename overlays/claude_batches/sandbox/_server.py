"""Runs an ASGI application on a free port of this machine, on a thread of its own."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
import time
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["CLOSE_CONNECTION", "LoopbackServer", "bind_loopback"]

CLOSE_CONNECTION: Final = "claude_batches.close_connection"
"""The key in the scope of a call under which the application finds how to hang up on its client."""

_BACKLOG: Final = 2048
_START_SECONDS: Final = 10.0


def bind_loopback(host: str, port: int) -> socket.socket:
    """A listening socket on the loopback interface; port 0 takes any that is free.

    Raises:
        ValueError: `host` is not this machine: the sandbox lets everybody in, so it stays out of networks.
        OSError: the port is taken.
    """
    if not _is_loopback(host):
        raise ValueError(
            f"the sandbox only listens on this machine (127.0.0.1, ::1 or localhost), not on {host!r}"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Protocol(H11Protocol):
    """HTTP/1.1 that lets the application close the connection in the middle of a response."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app = self.app

        async def app_with_connection(scope: Scope, receive: Receive, send: Send) -> None:
            scope[CLOSE_CONNECTION] = transport.close
            await app(scope, receive, send)

        self.app = app_with_connection


class LoopbackServer:
    """An application that is being served from construction until `close()`."""

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
            timeout_graceful_shutdown=1,
            timeout_keep_alive=60,
        )
        self._listener = listener
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [listener]},
            name="claude-batches-sandbox",
            daemon=True,
        )
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the sandbox's server did not start")
            time.sleep(0.002)

    def close(self) -> None:
        """Stop to accept connections, give those that are open a second, and end."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()
