"""The media types of a body, in the order in which a client prefers them."""

from __future__ import annotations

from typing import Any

from ..load.media_types import bare, is_plain_json, kind_of
from ..load.pointers import Json
from ..load.schemas import BY_STREAM
from .forms import encoding_of
from .package import Media

#: Kinds with named fields: each can be an argument.
FIELDS = ("json", "form", "multipart")

#: Media type of a request if the document has a range, by kind.
_CONCRETE = {"json": "application/json", "text": "text/plain", "bytes": "application/octet-stream"}
#: The preference of each kind; of equal ones, the first of the document wins.
_RANKS = {
    "json": 0,
    "jsonl": 1,
    "json-seq": 1,
    "form": 2,
    "multipart": 2,
    "text": 3,
    "bytes": 4,
    # Servers send a stream in place of a result on request alone.
    "events": 5,
}


def media_of(contents: dict[str, Json], *, sent: bool) -> list[Media]:
    """Return the media types of a body, the preferred one first, without other names of one already in the list."""
    contents = _without_shadows(contents)
    kinds = {each: kind_of(each, content.get("schema"), sent=sent) for each, content in contents.items()}
    json = [content.get("schema") for each, content in contents.items() if kinds[each] == "json"]
    found: list[Media] = []
    for media_type, content in contents.items():
        schema, kind = content.get("schema"), kinds[media_type]
        if kind == "text" and schema in json and not _is_text(schema):
            # .NET's documents list `text/plain` with the schema of the JSON beside it: it is that JSON.
            kind = "json"
        name = _CONCRETE[kind] if sent and "*" in media_type else media_type
        found.append(
            Media(
                name,
                kind,
                schema if schema is not None else {},
                encoding_of(content, kind),
                content.get(BY_STREAM, {}),
            )
        )
    found.sort(
        key=lambda each: (_RANKS[each.kind], each.kind == "json" and bare(each.type) != "application/json")
    )
    return [
        each
        for index, each in enumerate(found)
        if not any(_same(each, other, sent=sent) for other in found[:index])
    ]


def _without_shadows(contents: dict[str, Json]) -> dict[str, Json]:
    """Leave out media types without a schema that differ only in parameters from one with a schema."""
    described = {bare(media_type) for media_type, content in contents.items() if "schema" in content}
    return {
        media_type: content
        for media_type, content in contents.items()
        if "schema" in content or bare(media_type) not in described
    }


def _is_text(schema: Any) -> bool:
    return not isinstance(schema, dict) or schema.get("type") == "string"


def _same(one: Media, other: Media, *, sent: bool) -> bool:
    """Return true if two media types are both JSON of one schema.

    A request is an exception: a server may treat `application/merge-patch+json` in another way.
    """
    if sent and one.type == other.type:
        return True
    if not one.kind == other.kind == "json" or one.schema != other.schema:
        return False
    return not sent or (is_plain_json(one.type) and is_plain_json(other.type))
