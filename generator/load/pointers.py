"""JSON pointers into a document, and the mappings that they lead to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

Json = dict[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

#: The key of a document below which the other files of it are.
FILES = "files"

#: Keywords whose values map names of the author's choice, such as `default`, to the things that are named.
NAMES = frozenset(
    {
        "$defs",
        "callbacks",
        "content",
        "definitions",
        "dependentSchemas",
        "encoding",
        FILES,
        "headers",
        "links",
        "parameters",
        "pathItems",
        "paths",
        "patternProperties",
        "properties",
        "requestBodies",
        "responses",
        "schemas",
        "securitySchemes",
        "webhooks",
    }
)

#: Nothing is generated from the content of these keywords, so their references are not followed.
UNREAD = frozenset({"headers", "links", "examples", "securitySchemes"})

#: Keywords whose values are data. A `$ref` inside them is not a reference.
_DATA = frozenset({"default", "const", "enum", "example", "examples"})


def pointer(*parts: str | int) -> str:
    """Return the JSON pointer with these parts: `#/paths/~1v1/get`."""
    return below("#", *parts)


def below(place: str, *parts: str | int) -> str:
    """Return a JSON pointer extended by these parts."""
    for part in parts:
        place = f"{place}/{_escaped(part) if isinstance(part, str) else part}"
    return place


@cache
def _escaped(part: str) -> str:
    # Millions of pointers are made of a few thousand distinct parts.
    return part.replace("~", "~0").replace("/", "~1")


def parts_of(reference: str) -> list[str]:
    """Return the parts of a JSON pointer: `["paths", "/v1", "get"]` for `#/paths/~1v1/get`."""
    fragment = reference.partition("#")[2]
    return [part.replace("~1", "/").replace("~0", "~") for part in fragment.split("/")[1:]]


def last_part(place: str) -> str:
    """Return the last part of a JSON pointer, or an empty string for the whole document."""
    return place.rpartition("/")[2].replace("~1", "/").replace("~0", "~").strip("#")


def places(value: Any, *parts: str | int) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    """Yield every mapping of a document with the parts of its pointer, outermost first.

    Mappings inside plain data (`default`, `example`, `x-` extensions) are left out.
    """
    yield from _places(value, parts, names=bool(parts) and parts[-1] in NAMES)


def _places(
    value: Any, parts: tuple[str | int, ...], *, names: bool
) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    if isinstance(value, dict):
        if not names:
            yield parts, value
        for key, item in value.items():
            if names or (key not in _DATA and not str(key).startswith("x-")):
                yield from _places(item, (*parts, key), names=not names and key in NAMES)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*parts, index), names=False)


def is_unread(parts: tuple[str | int, ...]) -> bool:
    """Return true if a place is below a keyword of `UNREAD`, and not below a property of such a name."""
    return any(part in UNREAD and before not in NAMES for before, part in pairwise(("", *parts)))
