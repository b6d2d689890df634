"""Middleware of all HTTP exchanges: request ids, dates, the log, and lost connections."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Final, NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._faults import Fault
from ._ids import random_request_id
from ._server import CLOSE_CONNECTION

__all__ = [
    "Exchange",
    "ExchangeLog",
    "Exchanges",
    "json_response",
    "keep_out_of_log",
    "name_workspace",
    "note_faults",
    "request_id",
    "struck_by",
]

_FAULTS: Final = "claude_batches.faults"
_WORKSPACE: Final = "claude_batches.workspace"
_UNLOGGED: Final = "claude_batches.unlogged"
_REQUEST_ID: Final = "claude_batches.request_id"


class Exchange(NamedTuple):
    """A log entry: a request and its response. `status` is 0 if the connection was lost before a status."""

    method: str
    path: str
    status: int
    seconds: float
    request_id: str


ExchangeLog = Callable[[Exchange], None]


class Exchanges:
    """Middleware that adds the `request-id` and the `date`, writes the log, and cuts responses for faults.

    Args:
        app: The application.
        now: The sandbox time. It is the `date` as well: a `date` in real time would contradict `created_at`.
        log: A function that receives each exchange.
    """

    def __init__(self, app: ASGIApp, now: Callable[[], float], log: ExchangeLog | None) -> None:
        self._app = app
        self._now = now
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        identity = random_request_id()
        scope[_REQUEST_ID] = identity
        sender = _Sender(scope, send, identity, formatdate(self._now(), usegmt=True))
        begun = time.monotonic()
        try:
            await self._app(scope, receive, sender.send)
        finally:
            if self._log is not None and _UNLOGGED not in scope:
                seconds = time.monotonic() - begun
                self._log(Exchange(scope["method"], scope["path"], sender.status, seconds, identity))


class _Sender:
    """Sends a response up to the byte of a `cut`."""

    def __init__(self, scope: Scope, send: Send, identity: str, date: str) -> None:
        self._scope = scope
        self._send = send
        self._own_headers = [(b"date", date.encode()), (b"request-id", identity.encode())]
        self._sent = 0
        self._lost = False
        self.status = 0

    async def send(self, message: Message) -> None:
        if self._lost:
            return
        limit = self._limit()
        if message["type"] == "http.response.start":
            if limit == 0:
                self._lose()
                return
            workspace: str | None = self._scope.get(_WORKSPACE)
            if workspace is not None:
                self._own_headers.append((b"anthropic-workspace-id", workspace.encode("latin-1")))
            message["headers"] = [*message["headers"], *self._own_headers]
            self.status = message["status"]
            await self._send(message)
            return
        body = message.get("body", b"")
        if limit is not None and self._sent + len(body) >= limit:
            await self._send({**message, "body": body[: limit - self._sent], "more_body": True})
            self._lose()
            return
        self._sent += len(body)
        await self._send(message)

    def _limit(self) -> int | None:
        faults: list[Fault] = self._scope.get(_FAULTS, [])
        return min((fault.at for fault in faults if fault.kind == "cut"), default=None)

    def _lose(self) -> None:
        self._lost = True
        self._scope[CLOSE_CONNECTION]()


def note_faults(request: Request, faults: list[Fault]) -> None:
    """Remember the faults of a request."""
    request.scope[_FAULTS] = faults


def struck_by(request: Request) -> list[Fault]:
    """Return the faults of a request."""
    faults: list[Fault] = request.scope[_FAULTS]
    return faults


def keep_out_of_log(request: Request) -> None:
    """Leave a request out of the log. The page refreshes every second and would hide the clients' requests."""
    request.scope[_UNLOGGED] = True


def name_workspace(request: Request, workspace: str) -> None:
    """Set the response header `anthropic-workspace-id`."""
    request.scope[_WORKSPACE] = workspace


def request_id(request: Request) -> str:
    """Return the id of a request."""
    return str(request.scope[_REQUEST_ID])


def json_response(body: dict[str, Any], status: int = 200) -> Response:
    """Return a response with a JSON body."""
    return Response(orjson.dumps(body), status, media_type="application/json")
