"""The API's errors: the status of each type, and the common body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from ._ids import derived_id

__all__ = ["REQUEST_ERRORS", "STATUS_OF", "ApiError", "error_body", "errored_body"]

STATUS_OF: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}

REQUEST_ERRORS: Final = tuple(kind for kind in STATUS_OF if kind != "request_too_large")
"""The types of error of an `errored` result."""


class ApiError(Exception):
    """An error response of the API.

    Args:
        kind: The `type` of the error, one of the keys of `STATUS_OF`.
        message: The message.
        status: The HTTP status. By default that of the type.
        headers: Further response headers, such as `retry-after`.
    """

    def __init__(
        self, kind: str, message: str, *, status: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = STATUS_OF[kind] if status is None else status
        self.headers: Mapping[str, str] = headers or {}


def error_body(kind: str, message: str, request_id: str | None) -> dict[str, Any]:
    """Return the JSON body of an error, for a response or an `errored` result."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}


def errored_body(kind: str, message: str, identity: str) -> bytes:
    """Return the error of an `errored` result. The request `identity` decides its id."""
    return orjson.dumps(error_body(kind, message, derived_id("req", identity)))
