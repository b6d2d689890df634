"""Output: data on stdout, everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from typing import IO, Any

import orjson
from rich.console import Console, RenderableType

__all__ = [
    "instant",
    "is_terminal",
    "say",
    "stderr",
    "terminal_width",
    "write_data",
    "write_json",
    "write_lines",
    "write_text",
]

#: The width of tables that do not go to a terminal: ids stay whole.
_WIDE = 200


def stderr() -> Console:
    """Return the console for messages and progress."""
    return Console(stderr=True, highlight=False)


def say(text: str, *, error: bool = False) -> None:
    """Write a message on stderr as one line.

    Args:
        text: The message, without markup: it may have brackets.
        error: True to name it an error.
    """
    console = stderr()
    if error:
        console.print("[bold red]error:[/]", end=" ")
    console.print(text, soft_wrap=True, markup=False)


def is_terminal() -> bool:
    """Tell if a person reads stdout."""
    return sys.stdout.isatty()


def binary_stdout() -> IO[bytes]:
    """Return stdout for bytes."""
    return sys.stdout.buffer


def terminal_width() -> int:
    """Return the width of the terminal."""
    return Console().width


def write_data(renderable: RenderableType, width: int | None = None) -> None:
    """Write a table or text on stdout.

    Args:
        renderable: The table or text.
        width: Its width, where it is not that of the terminal.
    """
    if width is None and not is_terminal():
        width = _WIDE
    Console(highlight=False, width=width).print(renderable, no_wrap=True, overflow="ignore", crop=False)


def write_text(text: str) -> None:
    """Write a line on stdout as it is."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_json(value: Any) -> None:
    """Write a value on stdout as one line of JSON."""
    write_lines([value])


def write_lines(values: Iterable[Any]) -> int:
    """Write values on stdout as JSON, one a line; return their number."""
    out = sys.stdout.buffer
    count = 0
    for value in values:
        out.write(orjson.dumps(value, _plain) + b"\n")
        count += 1
    out.flush()
    return count


def instant(value: datetime | None) -> str:
    """Return a time for a table, in the zone of this machine."""
    return "" if value is None else f"{value.astimezone():%Y-%m-%d %H:%M:%S}"


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return str(value)
