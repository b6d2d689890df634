"""The API over HTTP: routes, bodies and errors. The operations are in `_batches`."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from ._batches import Batch, Batches
from ._caller import caller_of
from ._errors import ApiError, error_body
from ._exchange import ExchangeLog, Exchanges, json_response, request_id, struck_by
from ._faults import FaultPlan, Operation
from ._guard import Handler, drain, guarded, read_json
from ._hosts import HostRule
from ._ingest import MAX_BODY_BYTES
from ._replies import count_input_tokens
from ._results import respond
from ._store import BatchRow, Owner
from ._upload import Upload
from ._validation import check_count

__all__ = ["build_app"]

_FEED_BYTES: Final = 512 * 1024
_MAX_COUNT_BYTES: Final = 32 * 1024 * 1024

_log = logging.getLogger("claude_batches.sandbox")


def build_app(
    batches: Batches,
    plan: FaultPlan,
    own_routes: Sequence[BaseRoute],
    *,
    key: str | None,
    hosts: HostRule,
    log: ExchangeLog | None,
) -> ASGIApp:
    """Return the ASGI application of a sandbox.

    Args:
        batches: The batches.
        plan: The faults.
        own_routes: The routes of the page and the controls.
        key: The only valid key; `None` admits any key.
        hosts: The admitted host names.
        log: A function that receives each exchange.
    """
    api = _Api(batches, plan)
    base, one = "/v1/messages/batches", "/v1/messages/batches/{message_batch_id}"
    routes: list[tuple[str, str, Operation, Handler]] = [
        ("GET", base, "list", api.list),
        ("POST", base, "create", api.create),
        ("GET", one, "retrieve", api.retrieve),
        ("DELETE", one, "delete", api.delete),
        ("POST", f"{one}/cancel", "cancel", api.cancel),
        ("GET", f"{one}/results", "results", api.results),
        ("POST", "/v1/messages/count_tokens", "count_tokens", api.count_tokens),
    ]
    by_path: dict[str, dict[str, Handler]] = {}
    for method, path, operation, handler in routes:
        by_path.setdefault(path, {})[method] = guarded(handler, operation, plan, key=key, hosts=hosts)
    app = Starlette(
        routes=[*(_route(path, handlers) for path, handlers in by_path.items()), *own_routes],
        exception_handlers={
            ApiError: _answer_api_error,
            HTTPException: _answer_http_error,
            Exception: _answer_crash,
        },
    )
    app.router.redirect_slashes = False  # the API does not redirect
    return Exchanges(app, batches.clock.now, log)


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
        try:
            upload = await run_in_threadpool(self._batches.upload, caller_of(request))
        except ApiError:
            await drain(request.stream())
            raise
        try:
            row = await _take_in(request, upload)
        except BaseException:
            await run_in_threadpool(upload.abandon)
            raise
        for fault in struck_by(request):
            if fault.kind == "stale":
                self._plan.hide(row.id, fault.at)
        return json_response(Batch(row, "in_progress", None).to_wire(_base_url(request)))

    async def list(self, request: Request) -> Response:
        query = request.query_params
        after_id, before_id = query.get("after_id"), query.get("before_id")
        if after_id is not None and before_id is not None:
            raise ApiError("invalid_request_error", "after_id, before_id: only one of them can be given")
        page = await run_in_threadpool(
            self._batches.page,
            _owner(request),
            limit=_parse_limit(query.get("limit", "20")),
            after_id=after_id,
            before_id=before_id,
        )
        data = [batch.to_wire(_base_url(request)) for batch in page.batches]
        return json_response(
            {
                "data": data,
                "has_more": page.has_more,
                "first_id": data[0]["id"] if data else None,
                "last_id": data[-1]["id"] if data else None,
            }
        )

    async def retrieve(self, request: Request) -> Response:
        batch = await run_in_threadpool(self._batches.retrieve, self._batch_id(request), _owner(request))
        return json_response(batch.to_wire(_base_url(request)))

    async def cancel(self, request: Request) -> Response:
        batch = await run_in_threadpool(self._batches.cancel, self._batch_id(request), _owner(request))
        return json_response(batch.to_wire(_base_url(request)))

    async def delete(self, request: Request) -> Response:
        batch_id = self._batch_id(request)
        await run_in_threadpool(self._batches.delete, batch_id, _owner(request))
        return json_response({"id": batch_id, "type": "message_batch_deleted"})

    async def results(self, request: Request) -> Response:
        row = await run_in_threadpool(self._batches.ended, self._batch_id(request), _owner(request))
        line_faults = [
            fault for fault in struck_by(request) if fault.kind in ("truncated_line", "duplicated_line")
        ]
        return await respond(self._batches, row, request.headers, line_faults)

    async def count_tokens(self, request: Request) -> Response:
        params = await read_json(request, _MAX_COUNT_BYTES)
        refusal = await run_in_threadpool(check_count, params, caller_of(request).version)
        if refusal is not None:
            raise ApiError(refusal.kind, refusal.message)
        return json_response({"input_tokens": await run_in_threadpool(count_input_tokens, params)})


def _owner(request: Request) -> Owner:
    caller = caller_of(request)
    return Owner(caller.key, caller.workspace)


async def _take_in(request: Request, upload: Upload) -> BatchRow:
    """Feed the body of a create request to its upload, in pieces large enough for a change of threads."""
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
        await drain(body)
        raise
    except ClientDisconnect as gone:
        raise ApiError("invalid_request_error", "The request body ends too early") from gone


def _check_size(received: int) -> None:
    if received > MAX_BODY_BYTES:
        raise ApiError("request_too_large", "Request exceeds the maximum size of 256 MB")


def _parse_limit(text: str) -> int:
    """Return the `limit` of a list request.

    Raises:
        ApiError: The text is not a whole number from 1 to 1000.
    """
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= 1000:
        raise ApiError("invalid_request_error", "limit: Input should be a whole number from 1 to 1000")
    return int(text)


def _base_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _route(path: str, handlers: dict[str, Handler]) -> Route:
    """Return one route for all methods of a path, so that a 405 lists them all."""

    async def choose(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, choose, methods=list(handlers))


async def _answer_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    response = json_response(error_body(error.kind, error.message, request_id(request)), error.status)
    response.headers.update(error.headers)
    return response


async def _answer_http_error(request: Request, error: Exception) -> Response:
    """Answer a refusal of the router: an unknown path or method."""
    assert isinstance(error, HTTPException)
    kind = "not_found_error" if error.status_code == 404 else "invalid_request_error"
    response = json_response(error_body(kind, error.detail, request_id(request)), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _answer_crash(request: Request, error: Exception) -> Response:
    _log.error("The sandbox failed at %s %s", request.method, request.url.path, exc_info=error)
    return json_response(error_body("api_error", "Internal server error", request_id(request)), 500)
