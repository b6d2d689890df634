"""What every exchange has, whatever it is about: an id, an entry in the log, and perhaps a lost connection."""

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
    "note_faults",
    "request_id",
    "struck_by",
]

_FAULTS: Final = "claude_batches.faults"
_UNLOGGED: Final = "claude_batches.unlogged"
_REQUEST_ID: Final = "claude_batches.request_id"


class Exchange(NamedTuple):
    """One call that was answered, for a log: `seconds` until the answer was complete, `status` 0 if there was none."""

    method: str
    path: str
    status: int
    seconds: float
    request_id: str


ExchangeLog = Callable[[Exchange], None]


class Exchanges:
    """Middleware that gives each exchange its id and date, logs it, and cuts it off where a fault says so.

    Args:
        app: what answers.
        now: sandbox time, in seconds since the epoch. A `Date` in real time would contradict `created_at`.
        log: is told of each exchange.
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
    """Sends a response on, up to the byte where the connection is to be lost."""

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
    """Remember which faults strike a call."""
    request.scope[_FAULTS] = faults


def struck_by(request: Request) -> list[Fault]:
    """The faults that strike a call."""
    faults: list[Fault] = request.scope[_FAULTS]
    return faults


def keep_out_of_log(request: Request) -> None:
    """Leave a call out of the log: a page that renews itself would fill it, and hide what clients do."""
    request.scope[_UNLOGGED] = True


def request_id(request: Request) -> str:
    """The id of the exchange that a request belongs to."""
    return str(request.scope[_REQUEST_ID])


def json_response(body: dict[str, Any], status: int = 200) -> Response:
    """A response with a JSON body."""
    return Response(orjson.dumps(body), status, media_type="application/json")
