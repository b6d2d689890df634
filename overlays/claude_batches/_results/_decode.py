"""Lines in, results out: the loop that everything else is built around."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import orjson

from ._errors import BadLineError
from ._line import NotAResultError, parse

__all__ = ["AddId", "LineDecoder", "LineHandler", "LineKeeper", "Locate", "OnBadLine"]

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

    Arguments:
        decode: Makes a result of a parsed line.
        on_bad_line: What to do about a line that is not a result.
    """

    def __init__(self, decode: Callable[[Any], T], on_bad_line: OnBadLine = "raise") -> None:
        if on_bad_line not in ("raise", "skip") and not callable(on_bad_line):
            raise ValueError(f"on_bad_line is 'raise', 'skip' or a function; got {on_bad_line!r}")
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


class LineKeeper:
    """Hands lines on as they are, bad ones too: for a copy."""

    def __init__(self) -> None:
        self.skipped = 0

    def items(self, lines: list[bytes], add_id: AddId, _locate: Locate) -> Iterator[bytes]:
        """Hand on lines one by one."""
        for line in lines:
            try:
                key = hash(parse(line)["custom_id"])
            except NotAResultError:
                key = hash(line)
                self.skipped += 1
            add_id(key)
            yield line
