"""JSON of the values that tables hold."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

import orjson

from .._ids import params_key
from ._errors import SourceError
from ._shapes import is_mapping

__all__ = ["dumps", "key_of", "loads_text"]


def dumps(value: object, *, sort: bool = False) -> bytes:
    """Return the JSON of a value.

    Beside plain values it may hold models, instants, numbers of numpy, decimals (as text, so that no digit is lost)
    and bytes (as base64).

    Args:
        value: The value.
        sort: Sorts the keys, so that equal values have equal JSON.

    Raises:
        SourceError: A part of it has no JSON; the message names its type.
    """
    try:
        return orjson.dumps(value, _plain, orjson.OPT_SERIALIZE_NUMPY | (orjson.OPT_SORT_KEYS if sort else 0))
    except TypeError as error:
        raise SourceError(f"it can't be written as JSON: {error.__cause__ or error}") from None


def key_of(params: Mapping[str, Any]) -> bytes:
    """Return the dedupe key of params: 16 bytes, equal for equal JSON in any order of keys.

    Args:
        params: The params of a request.

    Raises:
        SourceError: They can't be written as JSON.
    """
    return params_key(dumps(params, sort=True))


def loads_text(value: Any, name: str) -> Any:
    """Return the value of a cell that may be JSON text, as tables without nested columns hold it.

    Args:
        value: The cell.
        name: Its column.

    Raises:
        SourceError: It is text, and not JSON.
    """
    if isinstance(value, str | bytes):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise SourceError(f"{name} is not JSON: {error}") from None
    return value


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(cast("bytes", value))).decode("ascii")
    if is_mapping(value):
        return dict(value)
    if hasattr(value, "__iter__"):
        return list(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
