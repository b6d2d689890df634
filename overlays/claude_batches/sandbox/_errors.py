"""The API's errors: which status each kind has, and the body they all share."""

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
"""The kinds of error that a single request of a batch can end with."""


class ApiError(Exception):
    """A request that the API answers with an error instead of doing it.

    Args:
        kind: the `type` of the error, one of the keys of `STATUS_OF`.
        message: what a person reads.
        status: the HTTP status, when it is not the kind's own.
        headers: extra response headers, `retry-after` for one.
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
    """The JSON body of an error, in a response as well as inside an `errored` result."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}


def errored_body(kind: str, message: str, identity: str) -> bytes:
    """The error inside an `errored` result, always with the same id for the same request."""
    return orjson.dumps(error_body(kind, message, derived_id("req", identity)))
