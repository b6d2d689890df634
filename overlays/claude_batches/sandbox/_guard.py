"""The checks of every API request, before its handler: host, key, version and faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ._caller import identify
from ._errors import ApiError
from ._exchange import name_workspace, note_faults
from ._faults import Fault, FaultPlan, Operation
from ._hosts import HostRule
from ._ingest import MAX_BODY_BYTES
from ._json import is_object

__all__ = ["Handler", "drain", "guarded", "read_json"]

Handler = Callable[[Request], Awaitable[Response]]


def guarded(
    handler: Handler, operation: Operation, plan: FaultPlan, *, key: str | None, hosts: HostRule
) -> Handler:
    """Return a handler that checks each request and applies the faults of `plan`.

    Args:
        handler: The handler of valid requests.
        operation: The operation, for faults.
        plan: The faults.
        key: The only valid key; `None` admits any key.
        hosts: The host names that are admitted.
    """

    async def guard(request: Request) -> Response:
        try:
            hosts.check(request)
            name_workspace(request, identify(request, key).workspace)
            faults = plan.strikes(operation)
            note_faults(request, faults)
            await _strike_before(faults)
        except ApiError:
            await drain(request.stream())
            raise
        response = await handler(request)
        if any(fault.kind == "failed_after" for fault in faults):
            raise ApiError("api_error", "Internal server error")
        return response

    return guard


async def drain(body: AsyncIterator[bytes]) -> None:
    """Read the rest of a body. A client that is still sending takes an early response for a lost connection."""
    received = 0
    with suppress(ClientDisconnect):
        async for chunk in body:
            received += len(chunk)
            if received > MAX_BODY_BYTES:
                break


async def read_json(request: Request, limit: int) -> dict[str, Any]:
    """Return the JSON object of a body.

    Raises:
        ApiError: The body is larger than `limit` bytes, or not a JSON object.
    """
    body = bytearray()
    stream = request.stream()
    async for chunk in stream:
        body += chunk
        if len(body) > limit:
            await drain(stream)
            raise ApiError("request_too_large", f"Request exceeds the maximum size of {limit:,} bytes")
    try:
        value = await run_in_threadpool(orjson.loads, bytes(body))
    except orjson.JSONDecodeError as error:
        raise ApiError("invalid_request_error", f"The request body is not valid JSON: {error}") from error
    if not is_object(value):
        raise ApiError("invalid_request_error", "Input should be a JSON object")
    return value


async def _strike_before(faults: list[Fault]) -> None:
    for fault in faults:
        match fault.kind:
            case "latency":
                await asyncio.sleep(fault.seconds)
            case "rate_limited":
                raise ApiError(
                    "rate_limit_error",
                    "This request would exceed your rate limit.",
                    headers={"retry-after": f"{fault.seconds:g}"},
                )
            case "low_credit":
                raise ApiError(
                    "invalid_request_error",
                    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to "
                    "upgrade or purchase credits.",
                )
            case "billing":
                raise ApiError("billing_error", "There is an issue with your billing or payment information.")
            case "overloaded":
                raise ApiError("overloaded_error", "Overloaded")
            case "failed":
                raise ApiError("api_error", "Internal server error")
            case _:  # the others strike later
                pass
