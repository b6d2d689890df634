"""Plain JSON: copies without models and instants in them, and JSON text, at any depth that a parser accepts."""

# Names with an underscore are private to the package, so that a model shows its fields first.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any, cast

__all__ = ["JSONObject", "compact_json", "copied", "json_text", "to_json"]

# The Python types of JSON's containers. As plain values, because a type checker sees their contents as `Any`.
OBJECT: Any = dict
ARRAY: Any = list

#: Types whose values are copied by reference.
_ATOMS = frozenset({str, int, float, bool, type(None)})


class JSONObject:
    """The base of everything that was made from a JSON object."""

    __slots__ = ()

    def _shallow(self) -> dict[str, Any]:
        """Return a new dict with the keys of the JSON object. Its values may hold models and instants."""
        raise NotImplementedError


def to_json(value: Any) -> Any:
    """Copy a value as plain JSON: models become dicts, instants become text."""
    try:
        return _copied(value)
    except RecursionError:
        # Recursion is the faster way. Parsers accept a depth that it cannot reach.
        return copied(value, lambda each: each._shallow(), instant_text)


def _copied(value: Any) -> Any:
    kind = cast("Any", type(value))
    if kind in _ATOMS:
        return value
    if kind is OBJECT:
        return {
            key: item if type(item) in _ATOMS else _copied(item)
            for key, item in cast("dict[str, Any]", value).items()
        }
    if kind is ARRAY or kind is tuple:
        return [_copied(item) for item in value]
    if isinstance(value, JSONObject):
        wire = value._shallow()
        for key, item in wire.items():
            if type(item) not in _ATOMS:
                wire[key] = _copied(item)
        return wire
    return instant_text(value)


class ExactDatetime(datetime):
    """A received datetime that remembers its text, which may have more digits. Those computed from it do not."""

    __slots__ = ("text",)

    text: str

    def __reduce_ex__(self, protocol: Any) -> Any:
        text = getattr(self, "text", None)
        return super().__reduce_ex__(protocol) if text is None else (exact_datetime, (_plain(self), text))


def exact_datetime(value: datetime, text: str) -> datetime:
    """Return a datetime that is written as a text."""
    exact = ExactDatetime.combine(value.date(), value.timetz())
    exact.text = text
    return exact


def _plain(value: datetime) -> datetime:
    return datetime.combine(value.date(), value.timetz())


def instant_text(value: Any) -> Any:
    """Return the text of a date or a datetime, and any other value as it is."""
    if isinstance(value, datetime):
        text: str | None = getattr(value, "text", None) if type(value) is ExactDatetime else None
        return value.isoformat().replace("+00:00", "Z") if text is None else text
    return value.isoformat() if isinstance(value, date) else value


def copied(value: Any, shallow: Callable[[JSONObject], dict[str, Any]], leaf: Callable[[Any], Any]) -> Any:
    """Copy a value without recursion.

    Args:
        value: The value.
        shallow: Turns a model into a new dict, one level deep.
        leaf: Converts each value that is neither a container nor a model.
    """
    whole: list[Any] = [value]
    todo: list[tuple[Any, Any]] = [(whole, 0)]
    while todo:
        holder, key = todo.pop()
        item: Any = holder[key]
        kind = cast("Any", type(item))
        if kind in _ATOMS:
            continue
        if kind is OBJECT or isinstance(item, JSONObject):
            copy = cast("dict[str, Any]", item).copy() if kind is OBJECT else shallow(item)
            todo.extend((copy, each) for each in copy)
            holder[key] = copy
        elif kind is ARRAY or kind is tuple:
            items = holder[key] = list(item)
            todo.extend((items, index) for index in range(len(items)))
        else:
            holder[key] = leaf(item)
    return whole[0]


def compact_json(value: object) -> str:
    """Write a value as JSON, without spaces."""
    return json_text(to_json(value), indent=None)


def json_text(value: Any, *, indent: int | None) -> str:
    """Write plain JSON as text, in the format of `json.dumps`.

    Args:
        value: The value.
        indent: Spaces for each level; `None` writes everything on one line, without spaces.
    """
    separators = (",", ":") if indent is None else None
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    except RecursionError:
        return "".join(_written(value, indent))


def _written(value: Any, indent: int | None) -> Iterable[str]:
    """Write JSON without recursion."""
    colon = ":" if indent is None else ": "

    def line(depth: int) -> str:
        return "" if indent is None else "\n" + " " * (indent * depth)

    def entries(container: Any) -> Any:
        if isinstance(container, Mapping):
            pairs = cast("Mapping[str, Any]", container).items()
            return iter([(f"{json.dumps(str(key), ensure_ascii=False)}{colon}", item) for key, item in pairs])
        return iter([("", item) for item in container])

    def is_open(item: Any) -> bool:
        return isinstance(item, dict | list) and bool(cast("Any", item))

    if not is_open(value):
        yield json.dumps(value, ensure_ascii=False)
        return
    stack = [(entries(value), "}" if isinstance(value, dict) else "]")]
    yield "{" if isinstance(value, dict) else "["
    is_first = True
    while stack:
        left, end = stack[-1]
        entry = next(left, None)
        if entry is None:
            stack.pop()
            yield line(len(stack)) + end
            is_first = False
            continue
        name, item = entry
        yield ("" if is_first else ",") + line(len(stack)) + name
        is_first = is_open(item)
        if is_first:
            stack.append((entries(item), "}" if isinstance(item, dict) else "]"))
            yield "{" if isinstance(item, dict) else "["
        else:
            yield json.dumps(item, ensure_ascii=False)
