"""Decoding of successful responses into the documented type of their operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import orjson
from claude_batches_api.model import Model
from claude_batches_api.request import Operation, Request
from claude_batches_api.request import Response as DocumentedResponse

from .._errors import APIResponseValidationError, excerpt, parse_body
from .response import OpenedResponse

__all__ = ["decode_page", "decode_response", "invalid", "line_decoder"]

T = TypeVar("T")

_NOT_JSON = object()


def decode_response(request: Request[T], response: OpenedResponse, content: bytes) -> T:
    """Decode a body as the operation's type.

    With a single documented content type, the actual one is ignored: some deployments send none or another.

    Raises:
        APIResponseValidationError: The body has a different form.
    """
    operation = request.operation
    documented = _documented(operation, response)
    kind = documented.kind if documented is not None else operation.success.kind
    result: Any
    if kind == "json":
        result = _json(operation, documented, response, content)
    elif kind == "text":
        result = content.decode("utf-8", "replace")
    elif kind == "jsonl":
        decode = line_decoder(operation, response)
        result = [decode(line) for line in content.split(b"\n") if line.strip()]
    else:
        result = content if kind == "bytes" else None
    return cast(T, result)


def decode_page(request: Request[T], response: OpenedResponse, content: bytes) -> T:
    """Decode the body of a paginated operation.

    Raises:
        APIResponseValidationError: The body is not a page. It would pass for an empty one.
    """
    page = decode_response(request, response, content)
    pagination = request.operation.pagination
    if pagination is None or not hasattr(page, pagination.items):
        raise invalid(request.operation, response, content, "is not a page of a list")
    return page


def line_decoder(operation: Operation, response: OpenedResponse) -> Callable[[bytes], Any]:
    """Return the decoder for the lines of a JSONL response.

    It raises `APIResponseValidationError` for a line that is not JSON.
    """
    decode = _decoder(operation, _documented(operation, response))

    def decode_line(line: bytes) -> Any:
        wire = _loads(line)
        if wire is _NOT_JSON:
            raise invalid(operation, response, line, "has a line that is not JSON")
        return decode(wire)

    return decode_line


def invalid(
    operation: Operation, response: OpenedResponse, content: bytes, reason: str
) -> APIResponseValidationError:
    """Return the error for a response of a different form than the API's."""
    shown = response.with_body(content)
    facts = [f"{shown.request.method} {shown.request.url}", f"status {shown.status_code}"]
    request_id = shown.headers.get("request-id")
    if request_id:
        facts.append(f"request id {request_id}")
    begins = f", and begins: {excerpt(shown.content)}" if content.strip() else ""
    return APIResponseValidationError(
        f"the response to {operation.name} {reason} ({', '.join(facts)}){begins}.",
        response=shown,
        body=parse_body(shown.content),
    )


def _json(
    operation: Operation, documented: DocumentedResponse | None, response: OpenedResponse, content: bytes
) -> Any:
    wire = _loads(content)
    if wire is _NOT_JSON:
        reason = "is not JSON" if content.strip() else "is empty"
        raise invalid(operation, response, content, reason)
    result = _decoder(operation, documented)(wire)
    # A decoder returns values unchanged that it can't decode.
    if result is wire and documented is not None and documented.link is not None and not documented.plain:
        raise invalid(operation, response, content, f"is JSON of another form ({type(wire).__name__})")
    if isinstance(result, Model):
        result._request_id = response.request_id  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        result._workspace_id = response.headers.get("anthropic-workspace-id")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return result


def _documented(operation: Operation, response: OpenedResponse) -> DocumentedResponse | None:
    return operation.response(response.status_code, response.headers.get("content-type"))


def _decoder(operation: Operation, documented: DocumentedResponse | None) -> Callable[[Any], Any]:
    return _as_is if documented is None else operation.decoder(documented)


def _as_is(wire: Any) -> Any:
    return wire


def _loads(content: bytes) -> Any:
    """Return parsed JSON, or a marker. A raised exception would become the context of ours."""
    try:
        return orjson.loads(content)
    except ValueError:
        return _NOT_JSON
