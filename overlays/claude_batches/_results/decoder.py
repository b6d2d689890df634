"""Decoding of lines: the inner loop of reading results."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import orjson

from .._errors import ConfigurationError
from .._headers import Secret, redacted_bytes
from .errors import BadLineError, ForeignResultsError
from .line import NotAResultError, has_large_number, have_large_number, parse
from .seen_lines import SeenLines

__all__ = ["LineDecoder", "LineHandler", "Locate", "OnBadLine", "RawLine", "RawLines"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

OnBadLine: TypeAlias = Literal["raise", "skip"] | Callable[[BadLineError], object]
"""Reaction to a line that is not a result: raise, skip it, or call a function with the error and continue. An
exception of the function ends the reading."""

Locate: TypeAlias = Callable[[bytes], tuple[int, int]]
"""Returns line number and byte offset of a line, for an error."""

RawLine: TypeAlias = tuple[str, bytes]
"""The custom_id of a result, and its line."""


class LineHandler(Protocol[T_co]):
    """Makes items of the lines of a results file."""

    def items(self, lines: list[bytes], chunk: bytes, seen: SeenLines, locate: Locate, /) -> Iterator[T_co]:
        """Return the items of lines one by one, and record each line as seen.

        Args:
            lines: The lines.
            chunk: The bytes that they end in; the first line may begin before them.
            seen: The returned lines.
            locate: Returns the position of a line.
        """
        ...


class _Handler:
    """Reaction to bad lines, and the check for a foreign batch.

    Args:
        on_bad_line: Reaction to a line that is not a result.
        batch_id: Id of the batch, for an error.
        sent: The custom_ids that were sent; `None` without a check.
        secrets: Credentials to remove from a bad line, such as the page of a proxy.
    """

    def __init__(
        self,
        on_bad_line: OnBadLine = "raise",
        *,
        batch_id: str | None = None,
        sent: Container[str] | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        if on_bad_line not in ("raise", "skip") and not callable(on_bad_line):
            raise ConfigurationError(f"on_bad_line is 'raise', 'skip' or a function; got {on_bad_line!r}")
        self._on_bad_line = on_bad_line
        self._batch_id = batch_id
        self._sent = sent
        self._secrets = Secret(tuple(secrets))

    def _parsed(self, line: bytes, seen: SeenLines, locate: Locate) -> dict[str, Any] | None:
        """Parse a line that may be bad. Return `None` for a skipped one."""
        try:
            return parse(line)
        except NotAResultError as problem:
            error = BadLineError(str(problem), *locate(line), redacted_bytes(line, self._secrets.reveal()))
        if self._on_bad_line == "raise":
            try:
                raise error
            finally:
                # The exception of the JSON parser, which holds the whole line.
                error.__context__ = None
        if callable(self._on_bad_line):
            self._on_bad_line(error)
        seen.add_bad(line)
        return None

    def _check_sent(self, custom_id: str) -> None:
        if self._sent is not None and custom_id not in self._sent:
            raise ForeignResultsError(self._batch_id or "", custom_id)


class LineDecoder(_Handler, Generic[T]):
    """Decodes lines into results.

    Args:
        decode: Makes a result of a parsed line.
        on_bad_line: Reaction to a line that is not a result.
        batch_id: Id of the batch, for an error.
        sent: The custom_ids that were sent; `None` without a check.
        secrets: Credentials to remove from a bad line.
    """

    def __init__(
        self,
        decode: Callable[[Any], T],
        on_bad_line: OnBadLine = "raise",
        *,
        batch_id: str | None = None,
        sent: Container[str] | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        super().__init__(on_bad_line, batch_id=batch_id, sent=sent, secrets=secrets)
        self._decode = decode if sent is None else self._checking(decode)

    def items(self, lines: list[bytes], chunk: bytes, seen: SeenLines, locate: Locate) -> Iterator[T]:
        """Decode lines one by one.

        Raises:
            BadLineError: A line is not a result, and `on_bad_line` is "raise".
        """
        decode, loads, add_id = self._decode, orjson.loads, seen.add_id
        large_numbers = have_large_number(lines, chunk)
        for line in lines:
            # The hot path checks only the necessary, and leaves the reason for a bad line to parse().
            try:
                wire = loads(line)
                custom_id = wire["custom_id"]
                if type(custom_id) is not str or type(wire["result"]["type"]) is not str:
                    raise TypeError  # noqa: TRY301  # joins the exceptions of indexing
                if large_numbers and has_large_number(line):
                    wire = parse(line)
            except (ValueError, LookupError, TypeError):
                parsed = self._parsed(line, seen, locate)
                if parsed is None:
                    continue
                wire, custom_id = parsed, parsed["custom_id"]
            item = decode(wire)
            add_id(hash(custom_id))
            yield item

    def _checking(self, decode: Callable[[Any], T]) -> Callable[[Any], T]:
        def checked(wire: Any) -> T:
            self._check_sent(wire["custom_id"])
            return decode(wire)

        return checked


class RawLines(_Handler):
    """Checks lines and returns them undecoded, each with its custom_id."""

    def items(
        self,
        lines: list[bytes],
        _chunk: bytes,
        seen: SeenLines,
        locate: Locate,
    ) -> Iterator[RawLine]:
        """Check lines one by one.

        Raises:
            BadLineError: A line is not a result, and `on_bad_line` is "raise".
        """
        for line in lines:
            try:
                wire: Any = orjson.loads(line)
                custom_id = wire["custom_id"]
                if type(custom_id) is not str or type(wire["result"]["type"]) is not str:
                    raise TypeError  # noqa: TRY301  # joins the exceptions of indexing
            except (ValueError, LookupError, TypeError):
                parsed = self._parsed(line, seen, locate)
                if parsed is None:
                    continue
                custom_id = parsed["custom_id"]
            self._check_sent(custom_id)
            seen.add_id(hash(custom_id))
            yield custom_id, line
