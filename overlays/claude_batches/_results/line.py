"""Parsing of one line of results."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeGuard

import orjson

__all__ = [
    "NotAResultError",
    "claimed_id",
    "has_large_number",
    "is_bad",
    "is_cut",
    "parse",
]


class NotAResultError(ValueError):
    """A line is not a result. The text follows "line 7 ..." in a message; the error never leaves this package."""


# An integer beyond 64 bits has at least 19 digits, so of every ninth byte two in a row are digits.
_STRIDE = 9
_SAMPLED = bytes(ord("0") if ord("0") <= byte <= ord("9") else ord(" ") for byte in range(256))
_LARGE_NUMBER = re.compile(rb"[0-9]{19}")

# A cut line names its custom_id only at its beginning: further on, the key may belong to the input of a tool.
_FIRST_KEY = re.compile(rb'\s*\{\s*"custom_id"\s*:\s*"([^"\\]{1,256})"')


def has_large_number(data: bytes) -> bool:
    """Return true if there may be an integer beyond 64 bits, which orjson reads as a float.

    It looks at every ninth byte first, which costs a tenth of parsing them.
    """
    samples = data[::_STRIDE].translate(_SAMPLED)
    found = samples.find(b"00")
    while found >= 0:
        at = found * _STRIDE
        # Most pairs are digits of different numbers, and a test of the bytes between them costs less than a search.
        if data[at : at + _STRIDE].isdigit() and _LARGE_NUMBER.search(data, max(at - 8, 0), at + 19):
            return True
        found = samples.find(b"00", found + 1)
    return False


def have_large_number(lines: list[bytes], chunk: bytes) -> bool:
    """Return true if a line that ends in a chunk may hold an integer beyond 64 bits.

    One look at a chunk costs less than one at each line. The first line may begin in an earlier chunk.
    """
    return bool(lines) and (has_large_number(chunk) or has_large_number(lines[0]))


def claimed_id(line: bytes) -> str | None:
    """Return the custom_id of a line that may be bad; `None` without a readable one."""
    try:
        wire: Any = orjson.loads(line)
    except ValueError:
        found = _FIRST_KEY.match(line)
        return found[1].decode("utf-8", "replace") if found else None
    custom_id = wire.get("custom_id") if _is_object(wire) else None
    return custom_id if type(custom_id) is str else None


def parse(line: bytes) -> dict[str, Any]:
    """Parse a line.

    Raises:
        NotAResultError: The line is not JSON, or not an object with a `custom_id` and a `result` with a `type`.
    """
    wire = _loads(line)
    if not _is_object(wire):
        kind = "a JSON array, not lines of JSON" if type(wire) is list else "JSON, but not an object"
        raise NotAResultError(f"is {kind}")
    if type(wire.get("custom_id")) is not str:
        raise NotAResultError("is not a result: it has no custom_id")
    result = wire.get("result")
    if not _is_object(result) or type(result.get("type")) is not str:
        raise NotAResultError("is not a result: it has no result with a type")
    return wire


def is_cut(line: bytes) -> bool:
    """Return true if a line is not JSON. A part of a JSON object never is."""
    try:
        _loads(line)
    except NotAResultError:
        return True
    return False


def is_bad(line: bytes) -> bool:
    """Return true if a line is not a result."""
    try:
        parse(line)
    except NotAResultError:
        return True
    return False


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return type(value) is dict


def _loads(line: bytes) -> Any:
    if has_large_number(line):
        return _loads_leniently(line, "a number is too large")
    try:
        return orjson.loads(line)
    except ValueError as error:
        return _loads_leniently(line, str(error))


def _loads_leniently(line: bytes, problem: str) -> Any:
    r"""Parse JSON that orjson refuses or reads inexactly: half of a surrogate pair, or an integer beyond 64 bits.

    An answer of a model that was cut within an emoji ends with half a pair, such as `"\ud83d"`.
    """
    try:
        return json.loads(line.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        of_array = ": it begins a JSON array, and results are one JSON object a line"
        hint = of_array if line.lstrip().startswith(b"[") else ""
        raise NotAResultError(f"is not JSON ({problem}){hint}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
