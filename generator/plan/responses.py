"""The documented responses of an operation, and the result of a call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..load.pointers import Json, below
from ..organise.components import Direction
from ..organise.operations import NamedOperation
from ..text import clean
from .annotations import NONE, Type, joined, plain
from .context import Context
from .media import media_of
from .package import ResponseCase


def responses_of(context: Context, operation: NamedOperation) -> Iterator[ResponseCase]:
    """Yield the responses: a status code before a range, a range before the default."""
    raw: Json = operation.raw["responses"]
    for status in sorted(raw, key=lambda each: (each == "default", each.upper().endswith("XX"), each)):
        doc = clean(raw[status].get("description"))
        place = below(operation.place, "responses", status)
        shown = status if status == "default" else status.upper()
        contents: dict[str, Json] = raw[status].get("content", {})
        if not contents:
            yield ResponseCase(shown, "none", None, NONE, None, doc)
            continue
        for media in media_of(contents, sent=False):
            if media.kind in ("text", "bytes"):
                type_ = plain("str" if media.kind == "text" else "bytes")
                yield ResponseCase(shown, media.kind, media.type, type_, None, doc)
                continue
            schema = _line(context, media.schema) if media.kind == "jsonl" else media.schema
            type_ = context.annotations.of(schema, Direction.RECEIVED, f"{place}/schema")
            link = context.links.of(schema)
            plain_too = link is not None and context.annotations.is_partly_plain(schema)
            yield ResponseCase(shown, media.kind, media.type, type_, link, doc, plain_too)


def _line(context: Context, schema: Any) -> Any:
    """Return the schema of a line of JSON Lines. Some documents describe the list of all lines."""
    whole = context.target(schema)
    return whole["items"] if whole.get("type") == "array" and "items" in whole else schema


def asked_for(responses: list[ResponseCase]) -> list[ResponseCase]:
    """Return the responses of a successful call, each in the media type that is asked for."""
    good = [case for case in responses if case.is_success]
    good = good or [case for case in responses if case.status == "default"]
    by_status: dict[str, ResponseCase] = {}
    for case in good:
        by_status.setdefault(case.status, case)
    return list(by_status.values())


def result_of(responses: list[ResponseCase]) -> Type:
    """Return the type of the result of a successful call."""
    types = [case.type for case in asked_for(responses)]
    return joined(types) if types else NONE
