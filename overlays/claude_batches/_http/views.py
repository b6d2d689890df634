"""The facts of a response that `with_raw_response` and `with_streaming_response` show."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, cast, get_args, get_origin

import orjson
from claude_batches_api.model import Model

from .._errors import APIResponseValidationError
from .._headers import Headers, SentRequest
from .response import OpenedResponse

__all__ = ["ResponseView", "TextDecoder", "converted", "keep_content"]

# `converted` completes `ResponseView`.
# ruff: noqa: SLF001
# pyright: reportPrivateUsage=false


class ResponseView:
    """Status, headers and request of a response."""

    def __init__(self, response: OpenedResponse) -> None:
        self._opened = response

    @property
    def status_code(self) -> int:
        """Status code."""
        return self._opened.status_code

    @property
    def headers(self) -> Headers:
        """Headers, case-insensitive."""
        return self._opened.headers

    @property
    def request_id(self) -> str | None:
        """Id of the request at the API; quote it to support."""
        return self._opened.request_id

    @property
    def workspace_id(self) -> str | None:
        """Workspace of the request, if the API names it."""
        return self._opened.headers.get("anthropic-workspace-id")

    @property
    def elapsed(self) -> timedelta:
        """Time from the first byte sent to the end of the headers, of the last attempt."""
        return self._opened.elapsed

    @property
    def http_request(self) -> SentRequest:
        """Sent request: method, URL, and headers without credentials."""
        return self._opened.http_request

    @property
    def http_response(self) -> Any:
        """Response of the HTTP library. Its request holds the credentials."""
        return self._opened.native

    @property
    def url(self) -> str:
        """URL of the response, after redirects."""
        return self._opened.url

    @property
    def method(self) -> str:
        """Method of the request."""
        return self._opened.http_request.method

    @property
    def http_version(self) -> str:
        """`HTTP/1.1` or `HTTP/2`."""
        return self._opened.http_version

    @property
    def is_closed(self) -> bool:
        """True if the connection was released. Reading the body to its end releases it."""
        return self._opened.is_closed

    @property
    def retries_taken(self) -> int:
        """Number of earlier attempts."""
        return self._opened.retries_taken

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_code} of {self.method} {self.url}>"

    def _json(self, content: bytes) -> Any:
        try:
            return orjson.loads(content)
        except ValueError:
            error = self._invalid(content, "is not JSON")
        raise error

    def _invalid(self, content: bytes, reason: str) -> APIResponseValidationError:
        response = self._opened.with_body(content)
        return APIResponseValidationError(f"the response {reason}.", response=response, body=response.text)


class TextDecoder:
    """Decoder of UTF-8 chunks into pieces of text.

    Args:
        size: Characters of each piece but the last; `None` for pieces as they come.
    """

    def __init__(self, size: int | None) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._size = size
        self._pending = ""

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Return the pieces that a chunk completes."""
        self._pending += self._decoder.decode(chunk)
        size = self._size or len(self._pending) or 1
        while len(self._pending) >= size:
            yield self._pending[:size]
            self._pending = self._pending[size:]

    def finish(self) -> Iterator[str]:
        """Return the last piece."""
        self._pending += self._decoder.decode(b"", final=True)
        if self._pending:
            yield self._pending


def keep_content(native: Any, content: bytes) -> None:
    """Let the response of the HTTP library return a body that was read past it."""
    if not hasattr(native, "_content"):
        native._content = content


def converted(view: ResponseView, to: Any, content: bytes) -> Any:
    """Return a body as a type that the caller names.

    Args:
        view: The response.
        to: See `APIResponse.parse`.
        content: The body.

    Raises:
        TypeError: The body can't be converted to that type.
        APIResponseValidationError: The body has a different form.
    """
    if to is bytes:
        return content
    if to in (str, int, float, bool):
        text = content.decode("utf-8", "replace")
        try:
            return text.strip().lower() == "true" if to is bool else to(text)
        except ValueError:
            error = view._invalid(content, f"is not {to.__name__}")
        raise error
    if to is not object and isinstance(to, type) and isinstance(view.http_response, cast("type[Any]", to)):
        return view.http_response
    if get_origin(to) is Annotated:
        to = get_args(to)[0]
    kind: Any = get_origin(to) or to
    if kind in (dict, list, object):
        parsed: Any = view._json(content)
        if kind is object or type(parsed) is kind:
            return cast(Any, parsed)
        raise view._invalid(content, f"is JSON of another form ({type(parsed).__name__})")
    if not hasattr(kind, "model_validate"):
        raise TypeError(
            f"the body can't be parsed as {to!r}: use a model of this package or of pydantic, dict, list, object, str, "
            "bytes, int, float, bool or the response class of the HTTP library"
        )
    parsed = view._json(content)
    try:
        model: Any = kind.model_validate(parsed)
    except (TypeError, ValueError) as cause:
        raise view._invalid(content, f"is not a {kind.__name__}") from cause
    if isinstance(model, Model):
        model._request_id, model._workspace_id = view.request_id, view.workspace_id
    return model
