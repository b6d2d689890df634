"""Values of columns that are passed through, as JSON from which an engine gets the same values back.

JSON has no instants, decimals, bytes, or numbers that aren't finite: they become text.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

from .._tables._extras import require

__all__ = ["plain", "restorer"]

#: Types that JSON has as they are.
_SAME = (str, int, bool, type(None))
_MICROSECOND = dt.timedelta(microseconds=1)


def plain(value: Any) -> Any:
    """Return a value with parts that JSON has."""
    if type(value) in _SAME:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value // _MICROSECOND
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(cast("bytes", value)).decode("ascii")
    several: Any = value
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in several.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in several]
    return value


def restorer(kind: Any) -> Callable[[Any], Any] | None:
    """Return the function that makes a value of an Arrow type of its JSON; `None` where JSON has it as it is.

    Args:
        kind: The type, of pyarrow.
    """
    types: Any = require("pyarrow", "arrow", "a column of Arrow").types
    if types.is_timestamp(kind) or types.is_time(kind) or types.is_date(kind):
        return _instant(types, kind)
    if types.is_duration(kind):
        return _given(lambda value: dt.timedelta(microseconds=value))
    if types.is_floating(kind):
        return _given(float)
    if types.is_decimal(kind):
        return _given(Decimal)
    if types.is_binary(kind) or types.is_large_binary(kind):
        return _given(base64.b64decode)
    if types.is_map(kind):
        return _map(restorer(kind.key_type), restorer(kind.item_type))
    if types.is_list(kind) or types.is_large_list(kind):
        item = restorer(kind.value_type)
        return None if item is None else _given(lambda value: [item(each) for each in value])
    if types.is_struct(kind):
        fields = {field.name: restorer(field.type) for field in kind}
        return _given(
            lambda value: {
                name: each if (restore := fields.get(name)) is None else restore(each)
                for name, each in value.items()
            }
        )
    return None


def _given(restore: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else restore(value)


def _instant(types: Any, kind: Any) -> Callable[[Any], Any]:
    if types.is_date(kind):
        return _given(dt.date.fromisoformat)
    return _given(dt.time.fromisoformat if types.is_time(kind) else dt.datetime.fromisoformat)


def _map(key: Callable[[Any], Any] | None, item: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    return _given(
        lambda value: [
            (name if key is None else key(name), each if item is None else item(each)) for name, each in value
        ]
    )
