"""The splitter of create bodies: it holds one request in memory at a time.

`RequestSplitter` receives bytes and returns the elements of the top-level `requests` array, each as the bytes of
one JSON value. It finds their ends by counting brackets outside strings; the JSON parser validates them later.
Its bounds keep that parser from values that would take it minutes or gigabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from ._errors import ApiError

__all__ = ["MAX_BODY_BYTES", "MAX_REQUESTS", "MAX_REQUEST_BYTES", "RequestSplitter"]

MAX_BODY_BYTES: Final = 256 * 1024 * 1024
MAX_REQUESTS: Final = 100_000
MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024
"""The sandbox's own bound for one request of a batch."""

_SPACE: Final = re.compile(rb"[ \t\r\n]*+")
_UP_TO_BRACKET: Final = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_REST_OF_STRING: Final = re.compile(rb"(?:[^\"\\]++|\\.)*+", re.DOTALL)
_KEY: Final = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_UP_TO_SEPARATOR: Final = re.compile(rb"[^,\]}]*+")
_NUMBER: Final = re.compile(rb"[0-9.eE+-]*+")
_LONGEST_KEY: Final = 4096
_LONGEST_NUMBER: Final = 1000
_DEEPEST: Final = 200


class _Place(Enum):
    START = auto()
    KEY_OR_END = auto()
    KEY = auto()
    COLON = auto()
    VALUE = auto()
    ELEMENT_OR_END = auto()
    ELEMENT = auto()
    AFTER_ELEMENT = auto()
    AFTER_VALUE = auto()
    END = auto()


class RequestSplitter:
    """A splitter of `{"requests": [...]}` into the elements of the array.

    Use it as `for element in splitter.feed(chunk)`, chunk after chunk, then call `close()`.

    Raises:
        ApiError: The body is not a JSON object with the one key `requests`, an array; or a number is too long, a
            value too deeply nested, or an element too large.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._place = _Place.START
        self._seen_requests = False
        self._scan = 0  # the scanned part of the element at the front of the buffer ends here
        self._depth = 0
        self._in_string = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take the next bytes of the body and yield each element that they complete."""
        self._buffer += chunk
        start = 0  # the bytes before are consumed
        try:
            while (start := self._skip_space(start)) < len(self._buffer):
                if (
                    self._place in (_Place.ELEMENT, _Place.ELEMENT_OR_END)
                    and self._buffer[start] != _CLOSE_ARRAY
                ):
                    end = self._element_end(start)
                    if end is None:
                        break
                    yield bytes(memoryview(self._buffer)[start:end])
                    start, self._place = end, _Place.AFTER_ELEMENT
                    continue
                after = self._step(start)
                if after is None:
                    break
                start = after
        finally:
            del self._buffer[:start]
            self._scan = max(0, self._scan - start)

    def close(self) -> None:
        """Finish the body."""
        if self._place is not _Place.END:
            raise _malformed("the body ends too early")
        if not self._seen_requests:
            raise ApiError("invalid_request_error", "requests: Field required")

    def _skip_space(self, at: int) -> int:
        space = _SPACE.match(self._buffer, at)
        return at if space is None else space.end()

    def _step(self, at: int) -> int | None:
        """Read one token outside the elements; return its end, or `None` if more bytes are needed."""
        byte = self._buffer[at]
        match self._place:
            case _Place.START if byte == _OPEN_OBJECT:
                self._place = _Place.KEY_OR_END
            case _Place.START:
                raise ApiError("invalid_request_error", "Input should be a valid JSON object")
            case _Place.KEY_OR_END | _Place.AFTER_VALUE if byte == _CLOSE_OBJECT:
                self._place = _Place.END
            case _Place.KEY_OR_END | _Place.KEY if byte == _QUOTE:
                return self._read_key(at)
            case _Place.COLON if byte == _COLON:
                self._place = _Place.VALUE
            case _Place.VALUE if byte == _OPEN_ARRAY:
                self._place = _Place.ELEMENT_OR_END
            case _Place.VALUE:
                raise ApiError("invalid_request_error", "requests: Input should be a valid list")
            case _Place.ELEMENT_OR_END | _Place.AFTER_ELEMENT if byte == _CLOSE_ARRAY:
                self._place = _Place.AFTER_VALUE
            case _Place.AFTER_ELEMENT if byte == _COMMA:
                self._place = _Place.ELEMENT
            case _Place.AFTER_VALUE if byte == _COMMA:
                self._place = _Place.KEY
            case _:
                raise _malformed(f"unexpected {chr(byte)!r}")
        return at + 1

    def _read_key(self, at: int) -> int | None:
        key = _KEY.match(self._buffer, at)
        if key is None:
            if len(self._buffer) - at > _LONGEST_KEY:
                raise _malformed("a key is too long")
            return None
        name = key[1].decode(errors="replace")
        if name != "requests":
            raise ApiError("invalid_request_error", f"{name}: Extra inputs are not permitted")
        if self._seen_requests:
            raise _malformed("the key 'requests' appears twice")
        self._seen_requests = True
        self._place = _Place.COLON
        return key.end()

    def _element_end(self, start: int) -> int | None:
        """Return the end of the element at `start`, or `None` if more bytes are needed."""
        buffer = self._buffer
        if buffer[start] not in (_OPEN_OBJECT, _OPEN_ARRAY, _QUOTE):
            end = _match_end(_UP_TO_SEPARATOR, buffer, start)
            if end - start > _LONGEST_NUMBER:
                raise _malformed("a number is too long")
            return end if end < len(buffer) else None
        at = max(self._scan, start)
        if at == start and buffer[start] == _QUOTE:
            self._in_string = True
            at += 1
        while at < len(buffer):
            if self._in_string:
                at = _match_end(_REST_OF_STRING, buffer, at)
                if at == len(buffer) or buffer[at] != _QUOTE:
                    break
                self._in_string = False
                at += 1
                if self._depth == 0:
                    self._scan = 0
                    return at
                continue
            at = _match_end(_UP_TO_BRACKET, buffer, at)
            if at == len(buffer):
                tail = max(start, at - _LONGEST_NUMBER)
                if at - tail == _LONGEST_NUMBER and _match_end(_NUMBER, buffer, tail) == at:
                    raise _malformed("a number is too long")
                break
            byte = buffer[at]
            at += 1
            if byte == _QUOTE:
                self._in_string = True
            elif byte in (_OPEN_OBJECT, _OPEN_ARRAY):
                self._depth += 1
                if self._depth > _DEEPEST:
                    raise _malformed(f"values are nested more than {_DEEPEST} levels deep")
            else:
                self._depth -= 1
                if self._depth == 0:
                    self._scan = 0
                    return at
        self._scan = at
        if len(buffer) - start > MAX_REQUEST_BYTES:
            raise ApiError("request_too_large", f"A request exceeds {MAX_REQUEST_BYTES:,} bytes")
        return None


def _match_end(pattern: re.Pattern[bytes], buffer: bytearray, at: int) -> int:
    found = pattern.match(buffer, at)
    return at if found is None else found.end()


def _malformed(what: str) -> ApiError:
    return ApiError("invalid_request_error", f"The request body is not valid JSON: {what}")


_OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_ARRAY, _CLOSE_ARRAY, _QUOTE, _COLON, _COMMA = b'{}[]":,'
