"""Lines in, results out: the loop that everything else is built around."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import orjson

from claude_batches._errors import ConfigurationError

from ._errors import BadLineError
from ._line import NotAResultError, parse

__all__ = [
    "AddId",
    "LineDecoder",
    "LineFinder",
    "LineHandler",
    "LineKeeper",
    "Locate",
    "OnBadLine",
    "line_id",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

OnBadLine: TypeAlias = Literal["raise", "skip"] | Callable[[BadLineError], object]
"""What to do about a line that is not a result: raise, go on without it, or call a function with the error
and go on. What the function raises ends the reading."""


AddId: TypeAlias = Callable[[int], object]
"""Is called for each line as it is handed out or skipped, with a hash that stands for its custom_id."""

Locate: TypeAlias = Callable[[bytes], tuple[int, int]]
"""Tells line number and byte offset of a line, for an error."""


class LineHandler(Protocol[T_co]):
    """Makes what is handed out of the lines of a results file."""

    @property
    def skipped(self) -> int:
        """How many lines were passed over because they are not results."""
        ...

    def items(self, lines: list[bytes], add_id: AddId, locate: Locate, /) -> Iterator[T_co]:
        """Hand out lines one by one."""
        ...


class LineDecoder(Generic[T]):
    """Turns lines into results.

    Args:
        decode: Makes a result of a parsed line.
        on_bad_line: What to do about a line that is not a result.
    """

    def __init__(self, decode: Callable[[Any], T], on_bad_line: OnBadLine = "raise") -> None:
        if on_bad_line not in ("raise", "skip") and not callable(on_bad_line):
            raise ConfigurationError(f"on_bad_line is 'raise', 'skip' or a function; got {on_bad_line!r}")
        self.skipped = 0
        self._decode = decode
        self._on_bad_line = on_bad_line

    def items(self, lines: list[bytes], add_id: AddId, locate: Locate) -> Iterator[T]:
        """Decode lines one by one.

        Raises:
            BadLineError: A line is not a result, and `on_bad_line` is "raise".
        """
        decode, loads = self._decode, orjson.loads
        for line in lines:
            # This is the hot path: it asks a good line only what it must, and leaves it to parse() to say
            # what is wrong with a bad one.
            try:
                wire = loads(line)
                custom_id = wire["custom_id"]
                if type(custom_id) is not str or type(wire["result"]["type"]) is not str:
                    raise TypeError  # noqa: TRY301 -- to the same place as what indexing raises
            except (ValueError, LookupError, TypeError):
                try:
                    wire = parse(line)
                except NotAResultError as problem:
                    self._pass_over(BadLineError(str(problem), *locate(line), line))
                    add_id(hash(line))
                    continue
                custom_id = wire["custom_id"]
            item = decode(wire)
            add_id(hash(custom_id))
            yield item

    def _pass_over(self, error: BadLineError) -> None:
        if self._on_bad_line == "raise":
            raise error
        if callable(self._on_bad_line):
            self._on_bad_line(error)
        self.skipped += 1


class LineFinder:
    """Hands on the custom_id of each line with the line itself.

    Args:
        on_bad_line: What to do about a line that is not a result.
    """

    def __init__(self, on_bad_line: OnBadLine = "raise") -> None:
        # Looking at lines is what a decoder does; what it decodes to is the custom_id.
        self._decoder = LineDecoder[str](itemgetter("custom_id"), on_bad_line)

    @property
    def skipped(self) -> int:
        """How many bad lines were passed over."""
        return self._decoder.skipped

    def items(self, lines: list[bytes], add_id: AddId, locate: Locate) -> Iterator[tuple[str, bytes]]:
        """Look at lines one by one."""
        for line in lines:
            for custom_id in self._decoder.items([line], add_id, locate):
                yield custom_id, line


class LineKeeper:
    """Hands lines on as they are, bad ones too: for a copy.

    Args:
        skipped: How many bad lines the copy has already.
    """

    def __init__(self, skipped: int = 0) -> None:
        self.skipped = skipped

    def items(self, lines: list[bytes], add_id: AddId, locate: Locate) -> Iterator[bytes]:
        """Hand on lines one by one."""
        for line in lines:
            key = line_id(line)
            if key is None:
                locate(line)  # raises where a bad line is no reason yet to believe that the file is like that
                self.skipped += 1
                key = hash(line)
            add_id(key)
            yield line


def line_id(line: bytes) -> int | None:
    """What stands for the custom_id of a line in a ledger; `None` for a line that is not a result."""
    try:
        return hash(parse(line)["custom_id"])
    except NotAResultError:
        return None
