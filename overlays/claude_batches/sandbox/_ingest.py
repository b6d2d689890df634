"""Takes the body of a create call apart while it arrives, so that only one request is in memory at a time.

`RequestSplitter` is fed bytes and gives back the elements of the top-level `requests` array, each as the
bytes of one JSON value. It finds their ends by counting brackets outside strings; whether an element is
good JSON is for the JSON parser to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from ._errors import ApiError

__all__ = ["MAX_BODY_BYTES", "MAX_REQUESTS", "RequestSplitter"]

MAX_BODY_BYTES: Final = 256 * 1024 * 1024
MAX_REQUESTS: Final = 100_000

_SPACE: Final = re.compile(rb"[ \t\r\n]*+")
_UP_TO_BRACKET: Final = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_REST_OF_STRING: Final = re.compile(rb"(?:[^\"\\]++|\\.)*+", re.DOTALL)
_KEY: Final = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_UP_TO_SEPARATOR: Final = re.compile(rb"[^,\]}]*+")
_LONGEST_KEY: Final = 4096


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
    """Splits `{"requests": [...]}` into the elements of the array.

    Use it as `for element in splitter.feed(chunk)`, chunk after chunk, then call `close()`.

    Raises:
        ApiError: the body is not a JSON object with the one key `requests`, an array.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._place = _Place.START
        self._seen_requests = False
        self._scan = 0  # up to here the element at the front of the buffer has been looked through
        self._depth = 0
        self._in_string = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take the next bytes of the body, and give back each element that is now complete."""
        self._buffer += chunk
        start = 0  # what comes before is used up
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
        """Say that the body is complete."""
        if self._place is not _Place.END:
            raise _malformed("the body ends too early")
        if not self._seen_requests:
            raise ApiError("invalid_request_error", "requests: Field required")

    def _skip_space(self, at: int) -> int:
        space = _SPACE.match(self._buffer, at)
        return at if space is None else space.end()

    def _step(self, at: int) -> int | None:
        """Read one piece of JSON outside the elements; its end, or `None` when more bytes are needed."""
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
            raise _malformed("the key 'requests' is there twice")
        self._seen_requests = True
        self._place = _Place.COLON
        return key.end()

    def _element_end(self, start: int) -> int | None:
        """Where the element that starts at `start` ends, or `None` when more bytes are needed."""
        buffer = self._buffer
        if buffer[start] not in (_OPEN_OBJECT, _OPEN_ARRAY, _QUOTE):
            end = _match_end(_UP_TO_SEPARATOR, buffer, start)
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
                break
            byte = buffer[at]
            at += 1
            if byte == _QUOTE:
                self._in_string = True
            elif byte in (_OPEN_OBJECT, _OPEN_ARRAY):
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth == 0:
                    self._scan = 0
                    return at
        self._scan = at
        return None


def _match_end(pattern: re.Pattern[bytes], buffer: bytearray, at: int) -> int:
    found = pattern.match(buffer, at)
    return at if found is None else found.end()


def _malformed(what: str) -> ApiError:
    return ApiError("invalid_request_error", f"The request body is not valid JSON: {what}")


_OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_ARRAY, _CLOSE_ARRAY, _QUOTE, _COLON, _COMMA = b'{}[]":,'
