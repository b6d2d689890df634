r"""Splitting of a byte stream into lines.

A JSONL line ends at `\n` and nowhere else. JSON strings may hold U+2028, U+0085 and other characters that
`str.splitlines` and the line iterators of HTTP libraries treat as line breaks.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["MAX_LINE_BYTES", "LineSplitter", "TooLong"]

#: A result never comes near this length. A longer line is not a result and would fill the memory.
MAX_LINE_BYTES = 64 * 1024 * 1024

#: Bytes of a long line that its error gets: more than it shows, so that a credential is removed before it is cut.
EXCERPT = 4096

TooLong = Callable[[int, int, int, bytes], Exception]
"""Makes the exception for a long line of the limit, line number, byte offset and beginning of the line."""


class LineSplitter:
    r"""Splits chunks of any size into lines.

    The `\n` is not part of a line, nor is a `\r` before it. Blank lines are left out. Each byte is copied a bounded
    number of times, for lines of every length.

    Args:
        too_long: Makes the exception for a line that exceeds the limit.
        max_line_bytes: Longest line in bytes.
        offset: Position of the first byte in the stream.
        number: Number of the first line.
        separator: The byte between two lines.
    """

    def __init__(
        self,
        too_long: TooLong,
        *,
        max_line_bytes: int = MAX_LINE_BYTES,
        offset: int = 0,
        number: int = 1,
        separator: bytes = b"\n",
    ) -> None:
        self.offset = offset
        """Start of the first unfinished line, in bytes from the start of the stream."""
        self._number = number
        self._max = max_line_bytes
        self._make_error = too_long
        self._separator = separator
        self._pending = bytearray()
        self._too_long: Exception | None = None
        # The raw lines of the last chunk and their start, from which locate() counts.
        self._block: list[bytes] = []
        self._given: list[bytes] = []
        self._block_offset = offset
        self._block_number = number

    @property
    def position(self) -> int:
        """Number of bytes read, in bytes from the start of the stream."""
        return self.offset + len(self._pending)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that end in a chunk.

        Raises:
            Exception: A line exceeds the limit. The lines before it were returned first.
        """
        if self._too_long is not None:
            raise self._too_long
        lines = chunk.split(self._separator)
        rest = lines.pop()
        if not lines:
            self._pending += rest
            if len(self._pending) > self._max:
                self._within_bound([])
            return []
        size = len(self._pending) + len(chunk) - len(rest)
        if self._pending:
            lines[0] = bytes(self._pending + lines[0])
        self._pending = bytearray(rest)
        self._take(lines, size)
        if len(chunk) > self._max or len(lines[0]) > self._max:
            lines = self._within_bound(lines)
        return self._give(
            lines, carriage_returns=b"\r" in chunk or (bool(lines) and lines[0].endswith(b"\r"))
        )

    def finish(self) -> list[bytes]:
        r"""Return the last line of a stream that does not end with `\n`: one line or none.

        Raises:
            Exception: A line exceeds the limit.
        """
        if self._too_long is not None:
            raise self._too_long
        if not self._pending:
            return []
        lines = [bytes(self._pending)]
        self._pending = bytearray()
        self._take(lines, len(lines[0]))
        return self._give(lines, carriage_returns=True)

    @property
    def unfinished(self) -> bytes:
        """The bytes of the unfinished line."""
        return bytes(self._pending)

    def locate(self, line: bytes) -> tuple[int, int]:
        """Return line number (from 1, blank lines included) and byte offset of a line.

        Args:
            line: One of the objects that `feed()` or `finish()` returned last.
        """
        before = next(index for index, given in enumerate(self._given) if given is line)
        number, offset = self._block_number, self._block_offset
        for raw in self._block:
            if raw and not raw.isspace():
                if before == 0:
                    break
                before -= 1
            number += 1
            offset += len(raw) + 1
        return number, offset

    def _take(self, lines: list[bytes], size: int) -> None:
        self._block, self._block_offset, self._block_number = lines, self.offset, self._number
        self.offset += size
        self._number += len(lines)

    def _within_bound(self, lines: list[bytes]) -> list[bytes]:
        """Return the lines before the first long one. The error is raised after they were returned."""
        number, offset = self._block_number, self._block_offset
        for index, line in enumerate(lines):
            if len(line) > self._max:
                self._too_long = self._make_error(self._max, number, offset, line[:EXCERPT])
                lines = lines[:index]
                break
            number += 1
            offset += len(line) + 1
        else:
            if len(self._pending) > self._max:
                self._too_long = self._make_error(
                    self._max, self._number, self.offset, bytes(self._pending[:EXCERPT])
                )
        if self._too_long is not None and not lines:
            raise self._too_long
        return lines

    def _give(self, lines: list[bytes], *, carriage_returns: bool) -> list[bytes]:
        if carriage_returns:
            lines = [line[:-1] if line.endswith(b"\r") else line for line in lines]
        # These two tests cost a quarter of filtering.
        if not all(lines) or any(map(bytes.isspace, lines)):
            lines = [line for line in lines if line.strip()]
        self._given = lines
        return lines
