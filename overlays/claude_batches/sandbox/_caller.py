"""The caller of a request: the workspace of its credential, its API version and its beta features."""

from __future__ import annotations

from hmac import compare_digest
from typing import Final

from attrs import frozen
from starlette.requests import Request

from ._api_schema import VERSIONS
from ._errors import ApiError
from ._ids import derived_id

__all__ = ["Caller", "caller_of", "identify"]

_CALLER: Final = "claude_batches.caller"


@frozen
class Caller:
    """The caller of a request.

    A batch belongs to a key and a workspace: no other key or workspace can see it.

    Attributes:
        key: A digest of the credential. The credential itself is never stored.
        workspace: The workspace of the header `anthropic-workspace-id`, by default one derived from the key.
        version: The API version.
        betas: The beta features of the header `anthropic-beta`.
    """

    key: str
    workspace: str
    version: str = VERSIONS[0]
    betas: frozenset[str] = frozenset()


def identify(request: Request, expected_key: str | None) -> Caller:
    """Return the caller of a request, and remember it.

    Args:
        request: The request.
        expected_key: The only valid key; `None` admits any key.

    Raises:
        ApiError: The key or the API version is missing or wrong.
    """
    key = _key(request)
    if expected_key is not None and not compare_digest(key.encode(), expected_key.encode()):
        raise ApiError("authentication_error", "invalid x-api-key")
    caller = Caller(
        key=derived_id("key", key),
        workspace=request.headers.get("anthropic-workspace-id") or derived_id("wrkspc", key),
        version=_version(request),
        betas=frozenset(
            beta.strip() for line in request.headers.getlist("anthropic-beta") for beta in line.split(",")
        ),
    )
    request.scope[_CALLER] = caller
    return caller


def caller_of(request: Request) -> Caller:
    """Return the caller that `identify` remembered."""
    caller: Caller = request.scope[_CALLER]
    return caller


def _key(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    key = request.headers.get("x-api-key") or bearer
    if not key:
        raise ApiError("authentication_error", "x-api-key header is required")
    return key


def _version(request: Request) -> str:
    version = request.headers.get("anthropic-version")
    if version is None:
        raise ApiError("invalid_request_error", "anthropic-version: header is required")
    if version not in VERSIONS:
        raise ApiError(
            "invalid_request_error",
            f"anthropic-version: {version!r} is not a valid version; use {' or '.join(VERSIONS)}",
        )
    return version
