r"""Parsing of `text/event-stream`, by the section "Server-sent events" of the WHATWG's HTML standard.

A line ends at `\n`, `\r\n` or `\r`; a blank line ends an event. Two things differ from a browser: an event may not
exceed a limit, and an event that the end of the stream cuts off can be seen (`EventParser.unfinished`). A browser drops
it silently.
"""

from __future__ import annotations

import json
import re
from typing import Any

import attrs

from .lines import MAX_LINE_BYTES, TooLong

__all__ = ["EventParser", "ServerSentEvent"]

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


@attrs.frozen
class ServerSentEvent:
    """An event of a `text/event-stream`."""

    event: str = "message"
    """The name of the event."""
    data: str = ""
    """The data, not decoded."""
    id: str = ""
    """The last id that the server gave; empty if it gave none."""
    retry: int | None = None
    """The last delay in milliseconds that the server asked for before a new connection."""

    def json(self) -> Any:
        """Parse the data as JSON.

        Raises:
            ValueError: The data is not JSON.
        """
        return json.loads(self.data)


class EventParser:
    """Parses chunks of any size into events.

    Each byte is copied a bounded number of times, for events of every length.

    Args:
        too_long: Makes the exception for an event that exceeds the limit.
        max_event_bytes: Largest event in bytes.
    """

    def __init__(self, too_long: TooLong, *, max_event_bytes: int = MAX_LINE_BYTES) -> None:
        self._make_error = too_long
        self._max = max_event_bytes
        self._too_long: Exception | None = None
        self._pending = bytearray()
        self._after_return = False
        self._is_first_line = True
        self._offset = 0
        self._number = 1
        # The event in progress.
        self._name = b""
        self._data: list[bytes] = []
        self._size = 0
        self._id = ""
        self._next_id = ""
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that end in a chunk.

        Raises:
            Exception: An event exceeds the limit. The events before it were returned first.
        """
        if self._too_long is not None:
            raise self._too_long
        size = len(chunk)
        if chunk:
            if self._after_return and chunk.startswith(b"\n"):
                # The second half of `\r\n`, whose first half ended the line.
                chunk = chunk[1:]
            self._after_return = chunk.endswith(b"\r")
        lines = _LINE_END.split(chunk)
        rest = lines.pop()
        events: list[ServerSentEvent] = []
        if lines:
            lines[0] = bytes(self._pending + lines[0])
            self._pending = bytearray()
            for line in lines:
                self._take(line, events)
                if self._size > self._max:
                    break
        self._pending += rest
        if self._size + len(self._pending) > self._max:
            begin = b"".join(self._data)[:200] or bytes(self._pending[:200])
            self._too_long = self._make_error(self._max, self._number, self._offset, begin)
            if not events:
                raise self._too_long
        self._offset += size
        return events

    @property
    def unfinished(self) -> bytes:
        """The event at the end that no blank line ended, as far as it has data or half a line; else empty."""
        if not self._data and (not self._pending or self._pending.startswith(b":")):
            return b""
        return b"\n".join([*self._data, bytes(self._pending)])

    def _take(self, line: bytes, events: list[ServerSentEvent]) -> None:
        if self._is_first_line:
            self._is_first_line = False
            line = line.removeprefix(_BOM)
        self._number += 1
        if not line:
            self._id = self._next_id
            if self._data:
                events.append(self._event())
            self._name, self._data, self._size = b"", [], 0
            return
        self._size += len(line)
        # A line that begins with a colon is a comment: its field has no name.
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value
        elif field == b"id" and b"\0" not in value:
            self._next_id = value.decode("utf-8", "replace")
        elif field == b"retry" and value.isdigit():
            self._retry = int(value[:18])

    def _event(self) -> ServerSentEvent:
        return ServerSentEvent(
            event=self._name.decode("utf-8", "replace") or "message",
            data=b"\n".join(self._data).decode("utf-8", "replace"),
            id=self._id,
            retry=self._retry,
        )
