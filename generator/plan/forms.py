"""Forms and files: how single fields are written, and the choice between media types of one body."""

from __future__ import annotations

from ..load.media_types import kind_of
from ..load.pointers import Json
from ..names import free_name
from ..organise.components import schema_of
from .annotations import plain
from .context import Context
from .package import Argument, Media


def encoding_of(content: Json, kind: str) -> dict[str, dict[str, object]]:
    """Return the encodings of single fields of a form, as keywords of the function that writes them."""
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
    # A list or a range of media types does not say which one to send.
    if not isinstance(content_type, str) or "," in content_type or "*" in content_type:
        return {}
    is_json = kind_of(content_type, sent=True) == "json"
    return {"content_type": content_type, **({"json": True} if is_json else {})}


def mark_files(context: Context, media: list[Media]) -> None:
    """Have a form refuse a plain text for a file: a path would be sent as the content."""
    for each in media:
        body = schema_of(context.components, each.schema) if each.kind == "multipart" else {}
        for key, prop in context.target(body).get("properties", {}).items():
            item = prop.get("items", prop) if isinstance(prop, dict) else prop
            if isinstance(item, dict) and item.get("x-is-file") is True:
                each.encoding.setdefault(key, {})["file"] = True


def choice_of_media_type(media: list[Media], taken: set[str]) -> list[Argument]:
    """Return the argument that chooses the media type of a body, if there are several."""
    if len(media) == 1:
        return []
    type_ = plain(f"Literal[{', '.join(repr(each.type) for each in media)}]", "typing.Literal")
    doc = f"What to send the body as. Default: `{media[0].type}`."
    name = free_name("content_type", taken)
    return [Argument(name, "", "media", type_, required=False, doc=doc, initial=media[0].type)]
