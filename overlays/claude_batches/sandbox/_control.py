"""The sandbox's own endpoints under `/_sandbox`: its time and its faults, for clients in any language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._clock import Clock, rfc3339
from ._errors import ApiError
from ._exchange import json_response
from ._faults import Fault, FaultPlan, faults_from
from ._json import is_array, is_object, is_whole

__all__ = ["control_routes", "local_only"]

_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1", "[::1]")


def control_routes(clock: Clock, plan: FaultPlan, advance: Callable[[float], None]) -> list[Route]:
    """The routes that show and change a running sandbox."""
    control = _Control(clock, plan, advance)
    return [
        Route("/_sandbox/clock", control.show_clock, methods=["GET"]),
        Route("/_sandbox/clock", control.advance, methods=["POST"]),
        Route("/_sandbox/faults", control.show_faults, methods=["GET"]),
        Route("/_sandbox/faults", control.set_faults, methods=["PUT"]),
        Route("/_sandbox/faults", control.clear_faults, methods=["DELETE"]),
    ]


def local_only(request: Request) -> None:
    """Refuse a call that a web page on another host has lured a browser into.

    Raises:
        ApiError: it is one.
    """
    origin = request.headers.get("origin")
    if request.url.hostname not in _LOCAL_NAMES or (
        origin is not None and origin != f"{request.url.scheme}://{request.url.netloc}"
    ):
        raise ApiError("permission_error", "The sandbox only shows itself to programs on its own machine")


class _Control:
    def __init__(self, clock: Clock, plan: FaultPlan, advance: Callable[[float], None]) -> None:
        self._clock = clock
        self._plan = plan
        self._advance = advance

    async def show_clock(self, request: Request) -> Response:
        local_only(request)
        return json_response({"now": rfc3339(self._clock.now()), "speed": self._clock.speed})

    async def advance(self, request: Request) -> Response:
        local_only(request)
        seconds = (await _object(request)).get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise ApiError("invalid_request_error", "seconds: Input should be a number that is not negative")
        self._advance(seconds)
        return await self.show_clock(request)

    async def show_faults(self, request: Request) -> Response:
        local_only(request)
        return json_response(self._plan.report())

    async def set_faults(self, request: Request) -> Response:
        local_only(request)
        wanted = await _object(request)
        seed = wanted.get("seed", self._plan.seed)
        if not is_whole(seed):
            raise ApiError("invalid_request_error", "seed: Input should be an integer")
        self._plan.replace(_read_faults(wanted), seed)
        return json_response(self._plan.report())

    async def clear_faults(self, request: Request) -> Response:
        local_only(request)
        self._plan.replace((), self._plan.seed)
        return json_response(self._plan.report())


def _read_faults(wanted: dict[str, Any]) -> tuple[Fault, ...]:
    try:
        if "profile" in wanted:
            return faults_from(str(wanted["profile"]))
        faults = wanted.get("faults")
        if not is_array(faults) or not all(is_object(fault) for fault in faults):
            raise ApiError("invalid_request_error", "faults: Input should be a list of objects")
        return tuple(Fault(**fault) for fault in faults)
    except (TypeError, ValueError) as error:
        raise ApiError("invalid_request_error", f"faults: {error}") from error


async def _object(request: Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise ApiError("invalid_request_error", f"The request body is not valid JSON: {error}") from error
    if not is_object(body):
        raise ApiError("invalid_request_error", "Input should be a JSON object")
    return body
