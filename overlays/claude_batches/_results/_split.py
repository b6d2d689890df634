r"""Bytes in, lines out.

A line of JSONL ends at `\n` and nowhere else: JSON strings may hold U+2028, U+0085 and other characters that
`str.splitlines` (and the line iterators of HTTP libraries) take for the end of a line.
"""

from __future__ import annotations

from ._errors import LineTooLongError

__all__ = ["MAX_LINE_BYTES", "LineSplitter"]

#: No result comes near this; what does is no results file, and would fill the memory.
MAX_LINE_BYTES = 64 * 1024 * 1024


class LineSplitter:
    r"""Splits a stream of chunks, however they were cut, into lines.

    The `\n` is not part of a line, nor is one `\r` before it. Lines of nothing but white space are passed
    over. Every byte is copied a bounded number of times, whatever the length of the line it is in.
    """

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self.offset = 0
        """Where the first line that has not ended yet begins, in bytes from the start of the stream."""
        self._number = 1
        self._max = max_line_bytes
        self._pending = bytearray()
        self._too_long: LineTooLongError | None = None
        # What locate() reckons with, should a line of the last chunk turn out bad: all its lines, and where
        # they began.
        self._block: list[bytes] = []
        self._given: list[bytes] = []
        self._block_offset = 0
        self._block_number = 1

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the lines that end in this chunk.

        Raises:
            LineTooLongError: A line is longer than the bound. The lines before it were given first.
        """
        if self._too_long is not None:
            raise self._too_long
        lines = chunk.split(b"\n")
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
        return self._give(lines, carriage_returns=b"\r" in chunk or lines[0].endswith(b"\r"))

    def finish(self) -> list[bytes]:
        r"""Give the last line, where the stream did not end with `\n`: one line or none.

        Raises:
            LineTooLongError: A line is longer than the bound.
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
        """The bytes of the line that has not ended yet."""
        return bytes(self._pending)

    def back_up(self) -> bytes | None:
        """Go back to where the last line that was given begins, `offset`: feed from there on next.

        Returns:
            That line; `None` when nothing but blank lines came lately, and then `offset` is where those end.
        """
        self._pending = bytearray()
        if not self._given:
            return None
        line = self._given[-1]
        self._number, self.offset = self._place(len(self._given) - 1)
        self._given = []
        return line

    def locate(self, line: bytes) -> tuple[int, int]:
        """Line number, from 1 and with blank lines counted, and byte offset of a line.

        Args:
            line: One of the lines that `feed()` or `finish()` gave last, itself and not a copy.
        """
        return self._place(next(index for index, given in enumerate(self._given) if given is line))

    def _place(self, before: int) -> tuple[int, int]:
        """Line number and byte offset of the line that so many others were given before."""
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
        """The lines before the first that is too long; that one is raised when they have been given."""
        number, offset = self._block_number, self._block_offset
        for index, line in enumerate(lines):
            if len(line) > self._max:
                self._too_long = LineTooLongError(self._max, number, offset, line)
                lines = lines[:index]
                break
            number += 1
            offset += len(line) + 1
        else:
            if len(self._pending) > self._max:
                self._too_long = LineTooLongError(
                    self._max, self._number, self.offset, bytes(self._pending[:200])
                )
        if self._too_long is not None and not lines:
            raise self._too_long
        return lines

    def _give(self, lines: list[bytes], *, carriage_returns: bool) -> list[bytes]:
        if carriage_returns:
            lines = [line[:-1] if line.endswith(b"\r") else line for line in lines]
        # What strips to nothing is blank. Stripping a line that has no white space at its ends copies
        # nothing.
        self._given = list(filter(bytes.strip, lines))
        return self._given
