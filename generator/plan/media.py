"""Media types: how the body of a request or a response is written or read, and in which of several ways."""

from __future__ import annotations

from typing import Any

from ..load.pointers import Json
from .package import Media

#: What is written from fields with names, so that each can be an argument.
FIELDS = ("json", "form", "multipart")

#: Names for JSON and no more.
_JSON = frozenset({"application/json", "text/json", "application/*+json"})
_JSON_LINES = frozenset(
    {
        "application/x-jsonl",
        "application/jsonl",
        "application/x-ndjson",
        "application/ndjson",
        "application/json-seq",
    }
)
_FORMS = {"application/x-www-form-urlencoded": "form", "multipart/form-data": "multipart"}
#: What a request is said to be where the document names a range, by how it is written.
_CONCRETE = {"json": "application/json", "text": "text/plain", "bytes": "application/octet-stream"}
#: Of several media types, the one of the lowest rank comes first; of equal ones, the first of the document.
_RANKS = {"json": 0, "jsonl": 1, "form": 2, "multipart": 2, "text": 3, "bytes": 4}


def media_of(contents: dict[str, Json], *, sent: bool) -> list[Media]:
    """The media types of a body, the one that is best for a program first, and none twice under another name."""
    kinds = {each: kind_of(each, content.get("schema"), sent=sent) for each, content in contents.items()}
    json = [content.get("schema") for each, content in contents.items() if kinds[each] == "json"]
    found: list[Media] = []
    for media_type, content in contents.items():
        schema, kind = content.get("schema"), kinds[media_type]
        if kind == "text" and schema in json and not _is_text(schema):
            # `text/plain` with the schema of the JSON beside it is that JSON, as .NET's documents have it.
            kind = "json"
        name = _CONCRETE[kind] if sent and "*" in media_type else media_type
        found.append(Media(name, kind, schema if schema is not None else {}, _encoding(content, kind)))
    found.sort(
        key=lambda each: (_RANKS[each.kind], each.kind == "json" and bare(each.type) != "application/json")
    )
    return [
        each
        for index, each in enumerate(found)
        if not any(_same(each, other, sent=sent) for other in found[:index])
    ]


def _is_text(schema: Any) -> bool:
    return not isinstance(schema, dict) or schema.get("type") == "string"


def _same(one: Media, other: Media, *, sent: bool) -> bool:
    """Whether a program need not tell two media types apart: both are JSON of one schema.

    A server may do other things with a body that it is sent as `application/merge-patch+json`.
    """
    if sent and one.type == other.type:
        return True
    if not one.kind == other.kind == "json" or one.schema != other.schema:
        return False
    return not sent or (_is_plain_json(one.type) and _is_plain_json(other.type))


def _is_plain_json(media_type: str) -> bool:
    return bare(media_type) in _JSON or media_type.startswith("text/")


def kind_of(media_type: str, schema: Any = None, *, sent: bool) -> str:
    """How a body of a media type is written or read."""
    name = bare(media_type)
    if name in _JSON_LINES and not sent:
        return "jsonl"
    if name in _JSON or name.endswith("+json"):
        return "json"
    if name in _FORMS and sent:
        return _FORMS[name]
    if name in ("*/*", "application/*"):
        # Many a generator of documents writes this for JSON, or for a text.
        if not isinstance(schema, dict) or schema.get("format") == "binary":
            return "bytes"
        return "text" if schema.get("type") == "string" else "json"
    return "text" if name.startswith("text/") or name in _JSON_LINES else "bytes"


def bare(media_type: str) -> str:
    """A media type without its parameters, `charset=utf-8`."""
    return media_type.partition(";")[0].strip().lower()


def _encoding(content: Json, kind: str) -> dict[str, dict[str, object]]:
    """What is said of single fields of a form, as arguments of the function that writes them."""
    write = {"form": _pair, "multipart": _part}.get(kind)
    if write is None:
        return {}
    said = content.get("encoding") or {}
    encoding = {name: write(each) for name, each in said.items() if isinstance(each, dict)}
    return {name: each for name, each in encoding.items() if each}


def _pair(encoding: Json) -> dict[str, object]:
    style, explode = encoding.get("style"), encoding.get("explode")
    if not isinstance(style, str) and not isinstance(explode, bool):
        return {"json": True} if _part(encoding).get("json") else {}
    style = style if isinstance(style, str) else "form"
    explode = explode if isinstance(explode, bool) else style in ("form", "deepObject")
    return {"style": style, **({} if explode else {"explode": False})}


def _part(encoding: Json) -> dict[str, object]:
    content_type = encoding.get("contentType")
    # Of several, or of a range, nobody can say which it is.
    if not isinstance(content_type, str) or "," in content_type or "*" in content_type:
        return {}
    is_json = kind_of(content_type, sent=True) == "json"
    return {"content_type": content_type, **({"json": True} if is_json else {})}
