"""Parameters: arguments in a path, a query or headers, in the styles of OpenAPI."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeGuard, cast
from urllib.parse import quote

from .model import Model, to_json
from .plain import JSONObject, compact_json

__all__ = ["Unset", "compact_json", "fill_path", "header_pairs", "path_segment", "query_pairs", "unset"]


class Unset:
    """The type of `unset`, the default of nullable arguments: `None` is sent as null, `unset` is not sent."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "unset"


unset = Unset()


_PARAMETER = re.compile(r"\{([^{}]+)\}")
# Without the dot, because `.` and `..` name other resources.
_UNRESERVED = re.compile(r"[A-Za-z0-9_~-]+")


def fill_path(template: str, parameters: Mapping[str, str]) -> str:
    """Return a path with its parameters filled in. `path_segment` has encoded each."""
    return _PARAMETER.sub(lambda match: parameters[match[1]], template)


def path_segment(
    name: str, value: object, *, style: str = "simple", explode: bool = False, json: bool = False
) -> str:
    """Percent-encode a path parameter.

    Raises:
        ValueError: The value is `None`, empty, `.` or `..`, or an object in place of its id. The request would go to
            another resource.
    """
    # Most ids need neither encoding nor checks, which take longer than the rest of a call's preparation.
    if type(value) is str and style == "simple" and not json and _UNRESERVED.fullmatch(value):
        return value
    if isinstance(value, Model):
        raise ValueError(f"{name} must name a resource; got a {type(value).__name__}, pass its id")  # noqa: TRY004
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


#: The separators of a list that is written as one value.
_SEPARATORS = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


def query_pairs(
    name: str, value: object, *, style: str = "form", explode: bool = True, json: bool = False
) -> list[tuple[str, str]]:
    """Return the pairs of a query parameter: none for `None`, one for each item of a list.

    Args:
        name: The name.
        value: The value.
        style: The style of lists and mappings in OpenAPI.
        explode: Write each item as a pair.
        json: Write the value as JSON.
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
        # The name of an exploded mapping is not written, so a mapping inside it has no prefix: it is JSON.
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
    """Return the pair of a header parameter, or none for `None`."""
    if value is None or isinstance(value, Unset) or json:
        return query_pairs(name, value, json=json)
    return [(name, ",".join(_texts(value, explode=explode)))]


def _deep(value: Iterable[object]) -> Iterable[tuple[object, object]]:
    """Return the keys to write in brackets, and their values. Items are numbered only if they are nested."""
    if isinstance(value, Mapping):
        return cast("Mapping[object, object]", value).items()
    items = list(value)
    return enumerate(items) if any(map(_is_nested, items)) else [("", item) for item in items]


def _is_nested(value: object) -> TypeGuard[Iterable[object]]:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | JSONObject)


def _texts(value: Any, *, explode: bool = False) -> list[str]:
    """Return the texts of a value: one for each item of a list, key and value for each item of a mapping."""
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
    # OpenAPI has no style for containers inside a list. JSON loses nothing.
    return compact_json(value) if isinstance(plain, dict | list) else str(plain)
