"""What the body of a good response means, by what its operation documents."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import orjson
from claude_batches_api.model import Model
from claude_batches_api.request import Operation, Request

from ._errors import APIResponseValidationError, ErrorResponse, excerpt, parse_body
from ._steps import AnyResponse

__all__ = ["decode_line", "parse", "parse_page"]

T = TypeVar("T")

_NOT_JSON = object()


def parse(request: Request[T], response: AnyResponse, content: bytes) -> T:
    """The body of a response as the operation's type.

    Where one content type is documented, the one that came is not looked at: some deployments send none, or another.

    Raises:
        APIResponseValidationError: It is not what the API answers.
    """
    operation = request.operation
    documented = operation.response(response.status_code, response.headers.get("content-type"))
    kind = documented.kind if documented is not None else operation.success.kind
    result: Any
    if kind == "json":
        result = _json(operation, response, content)
    elif kind == "text":
        result = content.decode("utf-8", "replace")
    elif kind == "jsonl":
        result = [decode_line(operation, response, line) for line in content.split(b"\n") if line.strip()]
    else:
        result = content if kind == "bytes" else None
    return cast(T, result)


def parse_page(request: Request[T], response: AnyResponse, content: bytes) -> T:
    """The body of a response to a paginated operation.

    Raises:
        APIResponseValidationError: It is no page, and would pass for an empty one.
    """
    page = parse(request, response, content)
    pagination = request.operation.pagination
    if pagination is None or not hasattr(page, pagination.items):
        raise invalid(request.operation, response, content, "is no page of a list")
    return page


def _json(operation: Operation, response: AnyResponse, content: bytes) -> Any:
    wire = _loads(content)
    if wire is _NOT_JSON:
        reason = "is not JSON" if content.strip() else "is empty"
        raise invalid(operation, response, content, reason)
    content_type = response.headers.get("content-type")
    result = operation.decode(response.status_code, wire, content_type)
    documented = operation.response(response.status_code, content_type)
    # A decoder hands back what it can't make anything of, and what it has nothing to do with.
    if result is wire and documented is not None and documented.link is not None and not documented.plain:
        raise invalid(operation, response, content, f"is JSON of another form ({type(wire).__name__})")
    if isinstance(result, Model):
        result._request_id = response.request_id  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return result


def decode_line(operation: Operation, response: AnyResponse, line: bytes) -> Any:
    """One line of a JSON Lines response.

    Raises:
        APIResponseValidationError: It is no JSON.
    """
    wire = _loads(line)
    if wire is _NOT_JSON:
        raise invalid(operation, response, line, "has a line that is not JSON")
    return operation.decode(response.status_code, wire, response.headers.get("content-type"))


def _loads(content: bytes) -> Any:
    """The parsed JSON, or a mark: an exception raised by it would be the context of ours."""
    try:
        return orjson.loads(content)
    except ValueError:
        return _NOT_JSON


def invalid(
    operation: Operation, response: AnyResponse, content: bytes, reason: str
) -> APIResponseValidationError:
    """The error for a response that is not what the API answers."""
    request = response.http_request
    what = ErrorResponse(response.status_code, response.headers, content, request)
    facts = [f"{request.method} {request.url}", f"status {response.status_code}"]
    if response.request_id:
        facts.append(f"request id {response.request_id}")
    begins = f", and begins: {excerpt(content)}" if content.strip() else ""
    return APIResponseValidationError(
        f"the response to {operation.name} {reason} ({', '.join(facts)}){begins}.",
        response=what,
        body=parse_body(content),
    )
