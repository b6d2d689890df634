"""Media types that are misspelt, or several in one key."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...load.document import Document
from ...load.pointers import Json, below, pointer

_NAME = r"[\w.+*-]+/[\w.+*-]+"
#: `application/json, charset=utf-8`
_COMMA = re.compile(rf"\s*({_NAME})\s*,\s*([\w-]+\s*=.*)")
#: `application/json, text/csv`
_SEVERAL = re.compile(rf"\s*{_NAME}(?:\s*,\s*{_NAME})+\s*")


def repair_media_types(document: Document) -> None:
    """Read a comma before a parameter as a semicolon, and a list of media types as each of them."""
    for place, holder in _holders(document):
        contents: dict[str, Json] = holder["content"]
        if not any("," in media_type for media_type in contents):
            continue
        repaired: dict[str, Json] = {}
        for media_type, content in contents.items():
            names = _meant(media_type)
            if names != [media_type]:
                text = f"{media_type!r} is read as {' and '.join(names)}"
                document.note(below(place, "content", media_type), text)
            for name in names:
                repaired.setdefault(name, content)
        holder["content"] = repaired


def _meant(media_type: str) -> list[str]:
    comma = _COMMA.fullmatch(media_type)
    if comma:
        return [f"{comma[1]}; {comma[2].strip()}"]
    return re.split(r"\s*,\s*", media_type.strip()) if _SEVERAL.fullmatch(media_type) else [media_type]


def _holders(document: Document) -> Iterator[tuple[str, Json]]:
    for path, method, operation in document.operations():
        place = pointer("paths", path, method)
        if "content" in operation.get("requestBody", {}):
            yield below(place, "requestBody"), operation["requestBody"]
        for status, response in operation["responses"].items():
            if "content" in response:
                yield below(place, "responses", status), response
