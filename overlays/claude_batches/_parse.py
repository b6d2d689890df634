"""What the body of a good response means, by what its operation documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import orjson
from claude_batches_api.model import Model
from claude_batches_api.request import Operation, Request
from claude_batches_api.request import Response as DocumentedResponse

from ._errors import APIResponseValidationError, ErrorResponse, excerpt, parse_body
from ._steps import AnyResponse

__all__ = ["line_decoder", "parse", "parse_page"]

T = TypeVar("T")

_NOT_JSON = object()


def parse(request: Request[T], response: AnyResponse, content: bytes) -> T:
    """The body of a response as the operation's type.

    Where one content type is documented, the one that came is not looked at: some deployments send none, or another.

    Raises:
        APIResponseValidationError: It is not what the API answers.
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


def _json(
    operation: Operation, documented: DocumentedResponse | None, response: AnyResponse, content: bytes
) -> Any:
    wire = _loads(content)
    if wire is _NOT_JSON:
        reason = "is not JSON" if content.strip() else "is empty"
        raise invalid(operation, response, content, reason)
    result = _decoder(operation, documented)(wire)
    # A decoder hands back what it can't make anything of, and what it has nothing to do with.
    if result is wire and documented is not None and documented.link is not None and not documented.plain:
        raise invalid(operation, response, content, f"is JSON of another form ({type(wire).__name__})")
    if isinstance(result, Model):
        result._request_id = response.request_id  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return result


def line_decoder(operation: Operation, response: AnyResponse) -> Callable[[bytes], Any]:
    """What decodes the lines of a JSON Lines response.

    It raises `APIResponseValidationError` for one that is no JSON.
    """
    decode = _decoder(operation, _documented(operation, response))

    def decode_line(line: bytes) -> Any:
        wire = _loads(line)
        if wire is _NOT_JSON:
            raise invalid(operation, response, line, "has a line that is not JSON")
        return decode(wire)

    return decode_line


def _documented(operation: Operation, response: AnyResponse) -> DocumentedResponse | None:
    return operation.response(response.status_code, response.headers.get("content-type"))


def _decoder(operation: Operation, documented: DocumentedResponse | None) -> Callable[[Any], Any]:
    return _as_is if documented is None else operation.decoder(documented)


def _as_is(wire: Any) -> Any:
    return wire


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
