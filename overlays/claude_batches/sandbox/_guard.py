"""What happens around every call of the API: its headers are checked, and faults strike before and after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from hmac import compare_digest
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ._errors import ApiError
from ._exchange import note_faults
from ._faults import Fault, FaultPlan, Operation
from ._ingest import MAX_BODY_BYTES

__all__ = ["Handler", "drain", "guarded"]

_VERSIONS: Final = ("2023-06-01", "2026-10-21")

Handler = Callable[[Request], Awaitable[Response]]


def guarded(handler: Handler, operation: Operation, plan: FaultPlan, key: str | None) -> Handler:
    """A handler that is only asked when the call is fit for it, and spared by the faults of `plan`.

    Without a `key`, any key will do.
    """

    async def guard(request: Request) -> Response:
        try:
            _check_key(request, key)
            _check_version(request)
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
    """Read what the client is still sending: it would take an early answer for a lost connection."""
    received = 0
    with suppress(ClientDisconnect):
        async for chunk in body:
            received += len(chunk)
            if received > MAX_BODY_BYTES:
                break


def _check_key(request: Request, key: str | None) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    given = request.headers.get("x-api-key") or bearer
    if not given:
        raise ApiError("authentication_error", "x-api-key header is required")
    if key is not None and not compare_digest(given.encode(), key.encode()):
        raise ApiError("authentication_error", "invalid x-api-key")


def _check_version(request: Request) -> None:
    version = request.headers.get("anthropic-version")
    if version is None:
        raise ApiError("invalid_request_error", "anthropic-version: header is required")
    if version not in _VERSIONS:
        raise ApiError(
            "invalid_request_error", f"anthropic-version: {version!r} is not a version; use {_VERSIONS[0]}"
        )


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
            case "overloaded":
                raise ApiError("overloaded_error", "Overloaded")
            case "failed":
                raise ApiError("api_error", "Internal server error")
            case _:  # these strike later
                pass
