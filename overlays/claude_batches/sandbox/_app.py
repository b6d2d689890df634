"""The API over HTTP: headers, routes, bodies. What happens is decided in `_batches`."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from hmac import compare_digest
from typing import Any, Final, NamedTuple

import anyio
import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._batches import Batch, Batches
from ._errors import ApiError, error_body
from ._faults import Fault, FaultPlan, Operation
from ._ids import random_request_id
from ._ingest import MAX_BODY_BYTES
from ._results import respond
from ._server import CLOSE_CONNECTION
from ._store import BatchRow
from ._upload import Upload

__all__ = ["Exchange", "ExchangeLog", "build_app"]

_VERSIONS: Final = ("2023-06-01", "2026-10-21")
_FEED_BYTES: Final = 512 * 1024
_DRAIN_BYTES: Final = 2 * MAX_BODY_BYTES

_FAULTS: Final = "claude_batches.faults"


class Exchange(NamedTuple):
    """One call that was answered, for a log: `seconds` until the answer was complete, `status` 0 if cut off."""

    method: str
    path: str
    status: int
    seconds: float
    request_id: str


ExchangeLog = Callable[[Exchange], None]

Handler = Callable[[Request], Awaitable[Response]]


def build_app(
    batches: Batches,
    plan: FaultPlan,
    own_routes: Sequence[BaseRoute],
    *,
    key: str | None,
    log: ExchangeLog | None,
) -> ASGIApp:
    """The ASGI application that serves `batches` with the faults of `plan`, and the sandbox's own routes."""
    api = _Api(batches, plan)
    base, one = "/v1/messages/batches", "/v1/messages/batches/{message_batch_id}"
    routes: list[tuple[str, str, Operation, Handler]] = [
        ("GET", base, "list", api.list),
        ("POST", base, "create", api.create),
        ("GET", one, "retrieve", api.retrieve),
        ("DELETE", one, "delete", api.delete),
        ("POST", f"{one}/cancel", "cancel", api.cancel),
        ("GET", f"{one}/results", "results", api.results),
    ]
    by_path: dict[str, dict[str, Handler]] = {}
    for method, path, operation, handler in routes:
        by_path.setdefault(path, {})[method] = _guarded(_with_faults(handler, operation, plan), key)
    app = Starlette(
        routes=[*(_route(path, handlers) for path, handlers in by_path.items()), *own_routes],
        exception_handlers={
            ApiError: _answer_api_error,
            HTTPException: _answer_http_error,
            Exception: _answer_crash,
        },
    )
    app.router.redirect_slashes = False  # the API has no other spelling of a path
    return _Exchanges(app, log)


class _Api:
    def __init__(self, batches: Batches, plan: FaultPlan) -> None:
        self._batches = batches
        self._plan = plan

    def _batch_id(self, request: Request) -> str:
        batch_id = str(request.path_params["message_batch_id"])
        if self._plan.hides(batch_id):
            raise ApiError("not_found_error", f"No batch has the id {batch_id!r} yet.")
        return batch_id

    async def create(self, request: Request) -> Response:
        upload = await run_in_threadpool(self._batches.upload)
        try:
            row = await _take_in(request, upload)
        except BaseException:
            await run_in_threadpool(upload.abandon)
            raise
        for fault in _struck_by(request):
            if fault.kind == "stale":
                self._plan.hide(row.id, fault.at)
        return _json(Batch(row, "in_progress", None).to_wire(_base_url(request)))

    async def list(self, request: Request) -> Response:
        query = request.query_params
        after_id, before_id = query.get("after_id"), query.get("before_id")
        if after_id is not None and before_id is not None:
            raise ApiError("invalid_request_error", "after_id, before_id: only one of them can be given")
        page = await run_in_threadpool(
            self._batches.page,
            limit=_parse_limit(query.get("limit", "20")),
            after_id=after_id,
            before_id=before_id,
        )
        data = [batch.to_wire(_base_url(request)) for batch in page.batches]
        return _json(
            {
                "data": data,
                "has_more": page.has_more,
                "first_id": data[0]["id"] if data else None,
                "last_id": data[-1]["id"] if data else None,
            }
        )

    async def retrieve(self, request: Request) -> Response:
        batch = await run_in_threadpool(self._batches.retrieve, self._batch_id(request))
        return _json(batch.to_wire(_base_url(request)))

    async def cancel(self, request: Request) -> Response:
        batch = await run_in_threadpool(self._batches.cancel, self._batch_id(request))
        return _json(batch.to_wire(_base_url(request)))

    async def delete(self, request: Request) -> Response:
        batch_id = self._batch_id(request)
        await run_in_threadpool(self._batches.delete, batch_id)
        return _json({"id": batch_id, "type": "message_batch_deleted"})

    async def results(self, request: Request) -> Response:
        row = await run_in_threadpool(self._batches.ended, self._batch_id(request))
        line_faults = [
            fault for fault in _struck_by(request) if fault.kind in ("truncated_line", "duplicated_line")
        ]
        return await respond(self._batches, row, request.headers, line_faults)


async def _take_in(request: Request, upload: Upload) -> BatchRow:
    """Feed the body of a create call to its upload, in pieces that are worth a hop to another thread."""
    received, piece = 0, bytearray()
    body = request.stream()
    try:
        async for chunk in body:
            received += len(chunk)
            _check_size(received)
            piece += chunk
            if len(piece) >= _FEED_BYTES:
                await run_in_threadpool(upload.feed, bytes(piece))
                piece.clear()
        await run_in_threadpool(upload.feed, bytes(piece))
        return await run_in_threadpool(upload.finish)
    except ApiError:
        async for chunk in body:  # see _drain
            received += len(chunk)
            if received > _DRAIN_BYTES:
                break
        raise
    except ClientDisconnect as gone:
        raise ApiError("invalid_request_error", "The request body ends too early") from gone


def _check_size(received: int) -> None:
    if received > MAX_BODY_BYTES:
        raise ApiError("request_too_large", "Request exceeds the maximum size of 256 MB")


def _parse_limit(text: str) -> int:
    """The `limit` of a list call.

    Raises:
        ApiError: it is not a whole number from 1 to 1000.
    """
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= 1000:
        raise ApiError("invalid_request_error", "limit: Input should be a whole number from 1 to 1000")
    return int(text)


def _base_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _guarded(handler: Handler, key: str | None) -> Handler:
    """Check the headers that every call of the API needs before it is handled; any key will do without `key`."""

    async def guarded(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        given = request.headers.get("x-api-key") or bearer
        if not given:
            raise ApiError("authentication_error", "x-api-key header is required")
        if key is not None and not compare_digest(given.encode(), key.encode()):
            raise ApiError("authentication_error", "invalid x-api-key")
        version = request.headers.get("anthropic-version")
        if version is None:
            raise ApiError("invalid_request_error", "anthropic-version: header is required")
        if version not in _VERSIONS:
            raise ApiError(
                "invalid_request_error",
                f"anthropic-version: {version!r} is not a version; use {_VERSIONS[0]}",
            )
        return await handler(request)

    return guarded


def _route(path: str, handlers: dict[str, Handler]) -> Route:
    """One route for all methods of a path, so that a 405 names them all."""

    async def choose(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, choose, methods=list(handlers))


def _with_faults(handler: Handler, operation: Operation, plan: FaultPlan) -> Handler:
    """Let the faults that strike a call happen before and after it is handled."""

    async def faulty(request: Request) -> Response:
        faults = plan.strikes(operation)
        request.scope[_FAULTS] = faults
        for fault in faults:
            match fault.kind:
                case "latency":
                    await anyio.sleep(fault.seconds)
                case "rate_limited":
                    await _drain(request)
                    raise ApiError(
                        "rate_limit_error",
                        "This request would exceed your rate limit.",
                        headers={"retry-after": f"{fault.seconds:g}"},
                    )
                case "overloaded":
                    await _drain(request)
                    raise ApiError("overloaded_error", "Overloaded")
                case "failed":
                    await _drain(request)
                    raise ApiError("api_error", "Internal server error")
                case _:
                    pass
        response = await handler(request)
        if any(fault.kind == "failed_after" for fault in faults):
            raise ApiError("api_error", "Internal server error")
        return response

    return faulty


async def _drain(request: Request) -> None:
    """Read what the client is still sending, which would take an early answer for a lost connection."""
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > _DRAIN_BYTES:
            break


def _struck_by(request: Request) -> list[Fault]:
    faults: list[Fault] = request.scope[_FAULTS]
    return faults


async def _answer_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    response = _json(error_body(error.kind, error.message, request.scope["request_id"]), error.status)
    response.headers.update(error.headers)
    return response


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """What the router refuses: an unknown path, or a method that a path doesn't have."""
    assert isinstance(error, HTTPException)
    kind = "not_found_error" if error.status_code == 404 else "invalid_request_error"
    response = _json(error_body(kind, error.detail, request.scope["request_id"]), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _answer_crash(request: Request, _error: Exception) -> Response:
    return _json(error_body("api_error", "Internal server error", request.scope["request_id"]), 500)


class _Exchanges:
    """Gives every exchange an id, for the `request-id` header and the bodies of errors, or cuts it off."""

    def __init__(self, app: ASGIApp, log: ExchangeLog | None) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = random_request_id()
        scope["request_id"] = request_id
        sent, status, cut = 0, 0, False
        begun = time.monotonic()

        async def send_on(message: Message) -> None:
            nonlocal sent, status, cut
            if cut:
                return
            limit = min((fault.at for fault in scope.get(_FAULTS, ()) if fault.kind == "cut"), default=None)
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"request-id", request_id.encode())]
                cut = limit == 0
                status = 0 if cut else message["status"]
            elif limit is not None and sent + len(message["body"]) >= limit:
                message = {**message, "body": message["body"][: limit - sent], "more_body": True}
                cut = True
            else:
                sent += len(message.get("body", b""))
            if not cut or limit:
                await send(message)
            if cut:
                scope[CLOSE_CONNECTION]()

        await self._app(scope, receive, send_on)
        if self._log is not None:
            seconds = time.monotonic() - begun
            self._log(Exchange(scope["method"], scope["path"], status, seconds, request_id))
