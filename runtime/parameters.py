"""How arguments are written into a path, a query and headers, in the styles that OpenAPI has for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeGuard, cast
from urllib.parse import quote

from .model import Model, to_json
from .plain import JSONObject, compact_json

__all__ = ["Unset", "compact_json", "fill_path", "header_pairs", "path_segment", "query_pairs", "unset"]


class Unset:
    """The default of an argument that may also be `None`: `None` is sent as null, `unset` is not sent."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "unset"


unset = Unset()


_PARAMETER = re.compile(r"\{([^{}]+)\}")


def fill_path(template: str, parameters: Mapping[str, str]) -> str:
    """A path with its parameters in it, each already written by `path_segment`."""
    return _PARAMETER.sub(lambda match: parameters[match[1]], template)


def path_segment(
    name: str, value: object, *, style: str = "simple", explode: bool = False, json: bool = False
) -> str:
    """Percent-encode a path parameter.

    Raises:
        ValueError: It is `None`, empty, `.` or `..`, or a whole object in place of its id: the request would be for
            another resource than was meant.
    """
    if isinstance(value, Model):
        raise ValueError(f"{name} must name a resource; got a {type(value).__name__}, and not its id")  # noqa: TRY004
    if json:
        return quote(compact_json(value), safe="")
    texts = [] if value is None else _texts(value, explode=explode)
    if not any(texts) or texts in (["."], [".."]):
        raise ValueError(f"{name} must name a resource; got {value!r}")
    encoded = [quote(text, safe="=" if explode and isinstance(value, Mapping) else "") for text in texts]
    if style == "label":
        return "." + (".".join(encoded) if explode else ",".join(encoded))
    if style == "matrix":
        if explode and isinstance(value, Mapping):
            return "".join(f";{each}" for each in encoded)
        return "".join(f";{name}={each}" for each in (encoded if explode else [",".join(encoded)]))
    return ",".join(encoded)


#: What stands between the items of a list that is written as one value.
_SEPARATORS = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


def query_pairs(
    name: str, value: object, *, style: str = "form", explode: bool = True, json: bool = False
) -> list[tuple[str, str]]:
    """A query parameter as the pairs that say it: none for `None`, one for each item of a list.

    Args:
        name: Its name.
        value: Its value.
        style: How lists and mappings are written, as OpenAPI calls it.
        explode: Whether each item is a pair of its own.
        json: Whether it is written as JSON.
    """
    if value is None or isinstance(value, Unset):
        return []
    if json:
        return [(name, compact_json(value))]
    if style == "deepObject" and _is_nested(value):
        return [
            pair for key, item in _deep(value) for pair in query_pairs(f"{name}[{key}]", item, style=style)
        ]
    if isinstance(value, Mapping) and explode:
        items = cast("Mapping[object, object]", value).items()
        # Inside one that stands without its name there is no room for another: it is JSON.
        return [
            pair
            for key, item in items
            for pair in query_pairs(str(key), item, json=isinstance(item, Mapping))
        ]
    texts = _texts(value)
    if explode or not texts:
        return [(name, text) for text in texts]
    return [(name, _SEPARATORS.get(style, ",").join(texts))]


def header_pairs(
    name: str, value: object, *, explode: bool = False, json: bool = False
) -> list[tuple[str, str]]:
    """A header parameter as none or one pair."""
    if value is None or isinstance(value, Unset) or json:
        return query_pairs(name, value, json=json)
    return [(name, ",".join(_texts(value, explode=explode)))]


def _deep(value: Iterable[object]) -> Iterable[tuple[object, object]]:
    """What stands in brackets behind a name, and its value. Items go without a number where that says no less."""
    if isinstance(value, Mapping):
        return cast("Mapping[object, object]", value).items()
    items = list(value)
    return enumerate(items) if any(map(_is_nested, items)) else [("", item) for item in items]


def _is_nested(value: object) -> TypeGuard[Iterable[object]]:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | JSONObject)


def _texts(value: Any, *, explode: bool = False) -> list[str]:
    """A value as the texts it is written with: one for each item of a list, key and value of each of a mapping."""
    if isinstance(value, Mapping):
        pairs = [(str(key), _text(item)) for key, item in cast("Mapping[object, object]", value).items()]
        return (
            [f"{key}={item}" for key, item in pairs] if explode else [text for pair in pairs for text in pair]
        )
    if _is_nested(value):
        return [_text(item) for item in value]
    return [_text(value)]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode()
    plain = to_json(value)
    # OpenAPI has no style for what is inside a list; JSON is at least what it was.
    return compact_json(value) if isinstance(plain, dict | list) else str(plain)
