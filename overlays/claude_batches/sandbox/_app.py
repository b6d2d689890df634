"""The API over HTTP: headers, routes, bodies. What happens is decided in `_batches`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ._batches import Batch, Batches, Upload, iter_slices, parse_limit
from ._errors import ApiError, error_body
from ._ids import random_request_id
from ._ingest import MAX_BODY_BYTES

__all__ = ["build_app"]

_VERSIONS: Final = ("2023-06-01", "2026-10-21")
_FEED_BYTES: Final = 512 * 1024
_DRAIN_BYTES: Final = 2 * MAX_BODY_BYTES

Handler = Callable[[Request], Awaitable[Response]]


def build_app(batches: Batches) -> ASGIApp:
    """The ASGI application that serves `batches`."""
    api = _Api(batches)
    base, one = "/v1/messages/batches", "/v1/messages/batches/{message_batch_id}"
    app = Starlette(
        routes=[
            Route(base, _guarded(api.list), methods=["GET"]),
            Route(base, _guarded(api.create), methods=["POST"]),
            Route(one, _guarded(api.retrieve), methods=["GET"]),
            Route(one, _guarded(api.delete), methods=["DELETE"]),
            Route(f"{one}/cancel", _guarded(api.cancel), methods=["POST"]),
            Route(f"{one}/results", _guarded(api.results), methods=["GET"]),
        ],
        exception_handlers={
            ApiError: _answer_api_error,
            HTTPException: _answer_http_error,
            Exception: _answer_crash,
        },
    )
    return _RequestIds(app)


class _Api:
    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    async def create(self, request: Request) -> Response:
        upload = await run_in_threadpool(self._batches.upload)
        try:
            batch = await _take_in(request, upload)
        except BaseException:
            await run_in_threadpool(upload.abandon)
            raise
        return _json(batch.to_wire(_base_url(request)))

    async def list(self, request: Request) -> Response:
        query = request.query_params
        after_id, before_id = query.get("after_id"), query.get("before_id")
        if after_id is not None and before_id is not None:
            raise ApiError("invalid_request_error", "after_id, before_id: only one of them can be given")
        page = await run_in_threadpool(
            self._batches.list,
            limit=parse_limit(query.get("limit", "20")),
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
        batch = await run_in_threadpool(self._batches.retrieve, _batch_id(request))
        return _json(batch.to_wire(_base_url(request)))

    async def cancel(self, request: Request) -> Response:
        batch = await run_in_threadpool(self._batches.cancel, _batch_id(request))
        return _json(batch.to_wire(_base_url(request)))

    async def delete(self, request: Request) -> Response:
        batch_id = _batch_id(request)
        await run_in_threadpool(self._batches.delete, batch_id)
        return _json({"id": batch_id, "type": "message_batch_deleted"})

    async def results(self, request: Request) -> Response:
        row = await run_in_threadpool(self._batches.ended, _batch_id(request))

        async def slices() -> AsyncIterator[bytes]:
            for index in iter_slices(row.size):
                yield b"".join(await run_in_threadpool(self._batches.result_lines, row, index))

        return StreamingResponse(slices(), media_type="application/x-jsonl")


async def _take_in(request: Request, upload: Upload) -> Batch:
    """Feed the body of a create call to its upload, in pieces that are worth a hop to another thread."""
    received, piece = 0, bytearray()
    body = request.stream()
    try:
        async for chunk in body:
            received += len(chunk)
            if received > MAX_BODY_BYTES:
                raise ApiError("request_too_large", "Request exceeds the maximum size of 256 MB")
            piece += chunk
            if len(piece) >= _FEED_BYTES:
                await run_in_threadpool(upload.feed, bytes(piece))
                piece.clear()
        await run_in_threadpool(upload.feed, bytes(piece))
        return await run_in_threadpool(upload.finish)
    except ApiError:
        # A client that is still sending would take an early answer for a lost connection.
        async for chunk in body:
            received += len(chunk)
            if received > _DRAIN_BYTES:
                break
        raise
    except ClientDisconnect as gone:
        raise ApiError("invalid_request_error", "The request body ends too early") from gone


def _batch_id(request: Request) -> str:
    return str(request.path_params["message_batch_id"])


def _base_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _guarded(handler: Handler) -> Handler:
    """Check the headers that every call of the API needs before it is handled."""

    async def guarded(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        if not request.headers.get("x-api-key") and not bearer:
            raise ApiError("authentication_error", "x-api-key header is required")
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


async def _answer_crash(request: Request, error: Exception) -> Response:
    return _json(error_body("api_error", "Internal server error", request.scope["request_id"]), 500)


class _RequestIds:
    """Gives every exchange an id, in the `request-id` header and for the bodies of errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request_id = random_request_id()
        scope["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"request-id", request_id.encode())]
            await send(message)

        await self._app(scope, receive, send_with_id)
