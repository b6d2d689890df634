"""The documented responses of an operation, and the result of a call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..load.media_types import EVENT_STREAM, STREAMED
from ..load.pointers import Json, below
from ..load.schemas import flat_members
from ..organise.components import Direction
from ..organise.operations import NamedOperation
from ..text import clean
from .annotations import NONE, Type, joined, plain
from .context import Context
from .media import media_of
from .package import ResponseCase, Switch


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
            if media.kind == "events":
                yield event_stream(context, shown, media.type, media.schema, f"{place}/schema", doc)
                continue
            schema = _line(context, media.schema) if media.kind in ("jsonl", "json-seq") else media.schema
            type_ = context.annotations.of(schema, Direction.RECEIVED, f"{place}/schema")
            link = context.links.of(schema)
            plain_too = link is not None and context.annotations.is_partly_plain(schema)
            yield ResponseCase(shown, media.kind, media.type, type_, link, doc, plain_too)


def event_stream(
    context: Context, status: str, media_type: str, schema: Any, place: str, doc: str
) -> ResponseCase:
    """Return the response of a stream of events. Its schema is that of the data of each, or of the whole event.

    An empty schema, or `type: string`, leaves the events unchanged.
    """
    part: str | None = None
    schema = _line(context, schema)
    members = [context.target(each) for each in flat_members(context.target(schema)) or [schema]]
    if all(each.get("type") == "string" or not each for each in members):
        type_, link = plain("_client.ServerSentEvent"), None
    else:
        keys = [each.get("properties", {}).keys() for each in members]
        whole = all("data" in each and each <= {"event", "data", "id", "retry"} for each in keys)
        texts = [
            context.target(each["properties"]["data"]).get("type") == "string" for each in members * whole
        ]
        part = "data" if not whole else "text" if all(texts) else "event"
        type_ = context.annotations.of(schema, Direction.RECEIVED, place)
        link = context.links.of(schema)
    return ResponseCase(status, "events", media_type, type_, link, doc, part=part)


def with_implied_events(responses: list[ResponseCase], switch: Switch | None) -> list[ResponseCase]:
    """Add the stream of events that a body's flag `stream` asks for, where the document leaves it out.

    Such documents describe only the JSON that comes without the flag.
    """
    success = next((case for case in responses if case.is_success), None)
    if success is None or success.kind != "json" or any(case.kind in STREAMED for case in responses):
        return responses
    if switch is None or switch.argument.where != "body":
        return responses
    event = plain("_client.ServerSentEvent")
    last = max(index for index, case in enumerate(responses) if case.status == success.status)
    implied = ResponseCase(success.status, "events", EVENT_STREAM, event, None, "")
    return [*responses[: last + 1], implied, *responses[last + 1 :]]


def _line(context: Context, schema: Any) -> Any:
    """Return the schema of a line or an event. Some documents describe the list of all."""
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
