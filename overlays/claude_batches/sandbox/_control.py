"""The sandbox's own endpoints under `/_sandbox`: time and faults, for clients in any language and for the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ._batches import Batches
from ._clock import Clock, rfc3339
from ._errors import ApiError
from ._exchange import json_response
from ._faults import Fault, FaultPlan, faults_from
from ._guard import read_json
from ._hosts import HostRule
from ._json import is_array, is_object, is_whole

__all__ = ["control_routes"]

_MAX_BODY_BYTES: Final = 256 * 1024


def control_routes(
    batches: Batches, plan: FaultPlan, advance: Callable[[float], None], hosts: HostRule
) -> list[Route]:
    """Return the routes that show and change a running sandbox."""
    control = _Control(batches.clock, plan, advance, hosts)
    return [
        Route("/_sandbox/clock", control.show_clock, methods=["GET"]),
        Route("/_sandbox/clock", control.advance, methods=["POST"]),
        Route("/_sandbox/faults", control.show_faults, methods=["GET"]),
        Route("/_sandbox/faults", control.set_faults, methods=["PUT"]),
        Route("/_sandbox/faults", control.clear_faults, methods=["DELETE"]),
    ]


class _Control:
    def __init__(
        self, clock: Clock, plan: FaultPlan, advance: Callable[[float], None], hosts: HostRule
    ) -> None:
        self._clock = clock
        self._plan = plan
        self._advance = advance
        self._hosts = hosts

    async def show_clock(self, request: Request) -> Response:
        self._hosts.check_same_origin(request)
        return json_response({"now": rfc3339(self._clock.now()), "speed": self._clock.speed})

    async def advance(self, request: Request) -> Response:
        seconds = (await self._object(request)).get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ApiError("invalid_request_error", "seconds: Input should be a number")
        try:
            self._advance(seconds)
        except ValueError as error:
            raise ApiError("invalid_request_error", f"seconds: {error}") from error
        return await self.show_clock(request)

    async def show_faults(self, request: Request) -> Response:
        self._hosts.check_same_origin(request)
        return json_response(self._plan.report())

    async def set_faults(self, request: Request) -> Response:
        wanted = await self._object(request)
        seed = wanted.get("seed", self._plan.seed)
        if not is_whole(seed):
            raise ApiError("invalid_request_error", "seed: Input should be an integer")
        self._plan.replace(_read_faults(wanted), seed)
        return json_response(self._plan.report())

    async def clear_faults(self, request: Request) -> Response:
        self._hosts.check_same_origin(request)
        self._plan.replace((), self._plan.seed)
        return json_response(self._plan.report())

    async def _object(self, request: Request) -> dict[str, Any]:
        self._hosts.check_same_origin(request)
        return await read_json(request, _MAX_BODY_BYTES)


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
