"""Lines: one request of a shard, as it is kept on disk and as it is sent.

A line on disk is `{"custom_id":…,"params":…}` with the user's id. Requests with other properties (columns of a table,
say) have these before, so that the beginning of a line determines its form. The sent line has the derived id and
the params alone. Its params are the same bytes, so nothing is parsed or written twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import orjson

from .._results.line import has_large_number
from ._tables._extras import optional

__all__ = [
    "AROUND",
    "BETWEEN",
    "ENVELOPE",
    "HEAD",
    "OWN_ID_COLUMN",
    "SEPARATOR",
    "TAIL",
    "Line",
    "custom_id_of",
    "exact_result",
    "head_reader",
    "params_start",
    "parse_result",
    "read_line",
    "sent_line",
    "split_line",
    "user_head",
    "user_line",
    "write_line",
]

#: The name among the other properties of a row of the user's id, for rows whose request has a derived one because rows
#: with equal params share it. No column has this name.
OWN_ID_COLUMN = "custom_id"

#: The parts of a sent body around its lines.
HEAD, BETWEEN, TAIL = b'{"requests":[', b",\n", b"]}"
#: Bytes of a sent body besides its lines, and between two of them.
ENVELOPE = len(HEAD + TAIL)
SEPARATOR = len(BETWEEN)

_PLAIN = b'{"custom_id":'
_PARAMS = b',"params":'
#: Bytes of a sent line besides the text of its custom_id and its params.
AROUND = len(_PLAIN) + len('""') + len(_PARAMS) + len("}")


def write_line(custom_id: str, params: bytes, extra: bytes = b"{}", row: int | None = None) -> bytes:
    """Write a line, without its newline.

    Args:
        custom_id: The user's id.
        params: The params as JSON.
        extra: JSON of other properties of the request, kept and not sent.
        row: The number of the row in its source.
    """
    head = orjson.dumps(custom_id)
    if extra == b"{}" and row is None:
        return b"".join((_PLAIN, head, _PARAMS, params, b"}"))
    number = b"null" if row is None else b"%d" % row
    return b"".join((b'{"extra":', extra, b',"row":', number, b",", _PLAIN[1:], head, _PARAMS, params, b"}"))


def params_start(line: bytes) -> int | None:
    """Return where the params begin in a line without other properties; `None` for any other JSON."""
    # A quote within a JSON string has a backslash before it, so the first match is the end of the id.
    return line.index(_PARAMS) + len(_PARAMS) if line.startswith(_PLAIN) else None


def split_line(line: bytes) -> tuple[str, bytes]:
    """Return the id that a request was added by and the params' JSON of a line."""
    if line.startswith(_PLAIN):
        # A quote within a JSON string has a backslash before it, so the first match is the end of the id.
        head, _, tail = line.partition(_PARAMS)
        custom_id: str = orjson.loads(head[len(_PLAIN) :])
        return custom_id, tail[:-1]
    wire = orjson.loads(line)
    return wire["custom_id"], orjson.dumps(wire["params"])


def user_line(line: bytes) -> tuple[str, bytes]:
    """Return the user's id and the params' JSON of a line."""
    if line.startswith(_PLAIN):
        return split_line(line)
    wire = orjson.loads(line)
    return user_head(wire["custom_id"], wire.get("extra"))[0], orjson.dumps(wire["params"])


def user_head(custom_id: str, extra: dict[str, Any] | None) -> tuple[str, dict[str, Any] | None]:
    """Return the user's id of a row, and its columns.

    Args:
        custom_id: The id that its request was added by.
        extra: Its other properties.
    """
    if extra is None or OWN_ID_COLUMN not in extra:
        return custom_id, extra
    columns = dict(extra)
    return columns.pop(OWN_ID_COLUMN), columns


class Line(NamedTuple):
    """A line, parsed."""

    custom_id: str
    params: dict[str, Any]
    extra: dict[str, Any]
    row: int | None


def read_line(line: bytes) -> Line:
    """Parse a line."""
    wire = orjson.loads(line)
    return Line(wire["custom_id"], wire["params"], wire.get("extra") or {}, wire.get("row"))


def sent_line(line: bytes, custom_id: bytes | None) -> bytes:
    """Return a line as it is sent: its id and its params alone.

    Args:
        line: The line on disk.
        custom_id: JSON of the id in place of the user's; `None` sends the user's.
    """
    if not line.startswith(_PLAIN):
        line = write_line(*split_line(line))
    # A quote within a JSON string has a backslash before it, so the first match is the end of the id.
    return line if custom_id is None else _PLAIN + custom_id + line[line.index(_PARAMS) :]


def custom_id_of(line: bytes) -> str:
    """Return the user's id of a line."""
    return user_head(*head_reader()(line))[0]


@cache
def head_reader() -> Callable[[bytes], tuple[str, dict[str, Any] | None]]:
    """Return the function that reads a line but for its params: the id that it was added by, other properties."""
    msgspec = optional("msgspec")
    decode: Callable[[bytes], Any] = read_line
    if msgspec is not None:
        fields = [("custom_id", str), ("extra", dict[str, Any] | None, None)]
        decode = msgspec.json.Decoder(msgspec.defstruct("Head", fields, gc=False)).decode

    def read(line: bytes) -> tuple[str, dict[str, Any] | None]:
        if line.startswith(_PLAIN):
            return orjson.loads(line[len(_PLAIN) : line.index(_PARAMS)]), None
        head = decode(line)
        return head.custom_id, head.extra

    return read


def parse_result(line: bytes) -> dict[str, Any]:
    r"""Parse a line of results. Integers beyond 64 bits become floats.

    Half of a surrogate pair (`"\ud83d"`, an answer cut within an emoji) is JSON to the standard library alone.
    """
    try:
        wire: dict[str, Any] = orjson.loads(line)
    except ValueError:
        wire = json.loads(line)
    return wire


def exact_result(line: bytes) -> dict[str, Any]:
    """Parse a line of results, with each integer of a tool's input exact, since a model writes these."""
    wire = parse_result(line)
    # Looking for a large number takes as long as parsing, so lines without an input are not searched.
    if _has_input(wire) and has_large_number(line):
        wire = json.loads(line)
    return wire


def _has_input(wire: dict[str, Any]) -> bool:
    try:
        for block in wire["result"]["message"]["content"]:
            if "input" in block:
                return True
    except (LookupError, TypeError):
        # A result without a message.
        pass
    return False
