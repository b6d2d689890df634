"""Decoding of successful responses into the documented type of their operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import orjson
from claude_batches_api.model import Model
from claude_batches_api.request import Operation, Request
from claude_batches_api.request import Response as DocumentedResponse

from .._errors import (
    APIResponseValidationError,
    APIStatusError,
    excerpt,
    parse_body,
)
from .events import EventParser, ServerSentEvent
from .response import OpenedResponse
from .status import status_error

__all__ = [
    "EventDecoder",
    "decode_page",
    "decode_response",
    "event_decoder",
    "invalid",
    "line_decoder",
    "separator_of",
]

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
    elif kind in ("jsonl", "json-seq"):
        decode = line_decoder(operation, response)
        separator = _SEPARATORS[kind]
        result = [decode(line) for line in content.split(separator) if line.strip()]
    elif kind == "events":
        decoder = event_decoder(operation, response)
        result = [*decoder.feed(content)]
        decoder.finish()
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


#: The byte between two values. RFC 7464 puts one before each text, which may have line ends in it.
_SEPARATORS = {"jsonl": b"\n", "json-seq": b"\x1e"}


def separator_of(request: Request[Any]) -> bytes:
    """Return the byte between two values of the response that is asked for."""
    asked = request.accept or request.operation.success.media_type
    kinds = [each.kind for each in request.operation.responses if each.media_type == asked]
    return next(_SEPARATORS[kind] for kind in kinds if kind in _SEPARATORS)


def line_decoder(operation: Operation, response: OpenedResponse) -> Callable[[bytes], Any]:
    """Return the decoder for the lines of a JSONL response, or the texts of a JSON text sequence.

    It raises `APIResponseValidationError` for a line that is not JSON.

    Raises:
        APIResponseValidationError: The response is of another documented media type, which has no lines.
    """
    documented = _documented(operation, response)
    if documented is not None and documented.kind not in _SEPARATORS:
        content_type = response.headers.get("content-type")
        if content_type:
            raise invalid(operation, response, b"", f"is not a stream of lines but {content_type}")
        same = (each for each in operation.responses if each.status == documented.status)
        documented = next((each for each in same if each.kind in _SEPARATORS), documented)
    decode = _decoder(operation, documented)
    in_sequence = documented is not None and documented.kind == "json-seq"

    def decode_line(line: bytes) -> Any:
        wire = _loads(line)
        if wire is _NOT_JSON:
            raise invalid(operation, response, line, "has a line that is not JSON")
        if in_sequence and not isinstance(wire, dict | list | str) and not line[-1:].isspace():
            # RFC 7464, 2.4: `12` may be the beginning of `123`. A text without white space behind it is cut.
            raise invalid(operation, response, line, "has a value that was cut off")
        return decode(wire)

    return decode_line


class EventDecoder:
    """Decodes the events of a response.

    Args:
        operation: The operation.
        response: Its response.
        documented: The documented stream.
    """

    def __init__(
        self, operation: Operation, response: OpenedResponse, documented: DocumentedResponse | None
    ) -> None:
        self._operation = operation
        self._response = response
        self._part = None if documented is None else documented.part
        self._decode = _decoder(operation, documented)
        self._parser = EventParser(self._too_long)
        self.last: ServerSentEvent | None = None
        """The event of the last item."""
        self.done = False
        """True after the event that ends a stream of JSON in many APIs: `data: [DONE]`."""

    def feed(self, chunk: bytes) -> Iterator[Any]:
        """Yield the items that end in a chunk.

        Raises:
            APIStatusError: The server reports an error in mid-stream.
            APIResponseValidationError: An event has another form than documented, or is too long.
        """
        for event in self._parser.feed(chunk):
            if self._part is not None and event.data == _DONE:
                self.done = True
                return
            item = self._item(event)
            self.last = event
            yield item

    def finish(self) -> None:
        """Check that the stream did not end in the middle of an event.

        Raises:
            APIResponseValidationError: It did.
        """
        rest = self._parser.unfinished
        if rest.strip() not in (b"", _DONE.encode()):
            raise invalid(self._operation, self._response, rest, "ends in the middle of an event")

    def _item(self, event: ServerSentEvent) -> Any:
        if self._part in (None, "data") and event.event == "error":
            raise self._error(event)
        if self._part is None:
            return event
        wire: Any = event.data if self._part == "text" else _loads(event.data.encode())
        if wire is _NOT_JSON:
            said = f"has an event {event.event!r} whose data is not JSON"
            raise invalid(self._operation, self._response, event.data.encode(), said)
        if self._part == "data":
            # An API without names of events sends an error as their data.
            if _is_error(wire):
                raise self._error(event)
            return self._decode(wire)
        whole = {"event": event.event, "data": wire, "id": event.id or None, "retry": event.retry}
        return self._decode({key: value for key, value in whole.items() if value is not None})

    def _error(self, event: ServerSentEvent) -> APIStatusError:
        response = self._response
        note = "The stream had begun: the events before this error were returned."
        return status_error(
            response.with_body(event.data.encode()), retries_taken=response.retries_taken, note=note
        )

    def _too_long(self, limit: int, number: int, offset: int, content: bytes) -> Exception:
        said = f"has an event of more than {limit} bytes (line {number}, after byte {offset})"
        return invalid(self._operation, self._response, content, said)


_DONE = "[DONE]"
#: The keys of data that is nothing but an error.
_ERROR_KEYS = frozenset({"error", "type", "request_id"})


def _is_error(wire: Any) -> bool:
    return (
        isinstance(wire, dict)
        and wire.keys() <= _ERROR_KEYS
        and isinstance(cast(Any, wire).get("error"), dict)
    )


def event_decoder(operation: Operation, response: OpenedResponse) -> EventDecoder:
    """Return the decoder for the events of a response.

    Raises:
        APIResponseValidationError: The response is not a stream of events. As one it would pass for an empty one.
    """
    content_type = response.headers.get("content-type") or ""
    if content_type.partition(";")[0].strip().lower() not in ("", "text/event-stream"):
        raise invalid(operation, response, b"", f"is not a stream of events but {content_type}")
    # Named, since a response without a `Content-Type` would be decoded as the first documented one.
    documented = operation.response(response.status_code, "text/event-stream")
    is_stream = documented is not None and documented.kind == "events"
    return EventDecoder(operation, response, documented if is_stream else None)


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
    # Models of other packages have their own base class, which is a copy of this one.
    if isinstance(result, Model) or hasattr(result, "_request_id"):
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
