"""The body of a request as arguments: one for each property of an object, else one for the whole body."""

from __future__ import annotations

from typing import Any

import attrs

from ..load.pointers import Json, below
from ..load.schemas import key_of
from ..names import attribute_name, free_name
from ..organise.components import Direction, schema_of
from ..organise.operations import NamedOperation
from ..text import clean
from .annotations import ANY, CONTENT, Type, joined, plain
from .context import Context
from .forms import choice_of_media_type, mark_files
from .media import FIELDS, media_of
from .package import Argument, BodyCase, BodyForm, Media
from .parameters import TAKEN
from .words import argument_doc


def body_of(
    context: Context, operation: NamedOperation, taken: set[str]
) -> tuple[BodyCase | None, list[Argument]]:
    """Return the body of an operation and its arguments.

    Args:
        context: The readers.
        operation: The operation.
        taken: The names of its other arguments.
    """
    raw = operation.raw.get("requestBody", {})
    contents: dict[str, Json] = raw.get("content", {})
    if not contents:
        return None, []
    place = below(operation.place, "requestBody")
    media = media_of(contents, sent=True)
    first, required = media[0], bool(raw.get("required"))
    forms = _forms(context, media, place, taken) if required else []
    if forms:
        sent = [each for form in forms for each in form.media]
        mark_files(context, sent)
        others = [each.type for each in media if each not in sent]
        if others:
            said = f"only {' or '.join(each.type for each in sent)} is sent, not {', '.join(others)}"
            context.document.note(place, said)
        arguments = _merged([form.arguments for form in forms])
        choice = choice_of_media_type(sent, taken | {each.name for each in arguments})
        return BodyCase(sent, flat=True, forms=forms if len(forms) > 1 else []), [*arguments, *choice]
    type_ = joined(sent_type(context, each, place) for each in media)
    name = free_name("request_body" if "body" in taken else "body", taken)
    doc = clean(raw.get("description")) or argument_doc(context.components, {}, first.schema)
    nullable = any(each.kind == "json" and context.annotations.is_nullable(each.schema) for each in media)
    whole = Argument(name, "", "body", type_, required, doc, nullable=nullable)
    arguments = [whole, *choice_of_media_type(media, taken | {name})]
    return BodyCase(media, flat=False), arguments


def _forms(context: Context, media: list[Media], place: str, taken: set[str]) -> list[BodyForm]:
    """Return the media types by their fields; none if those of the first can't be arguments."""
    forms: list[BodyForm] = []
    keys: dict[str, str] = {}
    for each in media:
        same = next((form for form in forms if form.media[0].schema == each.schema), None)
        arguments = _flat(context, each.schema, place, taken) if each.kind in FIELDS else None
        if arguments is None or any(keys.get(one.name, one.key) != one.key for one in arguments):
            if not forms:
                return []
        elif same is not None:
            same.media.append(each)
        else:
            keys |= {one.name: one.key for one in arguments}
            forms.append(BodyForm([each], arguments))
    return forms


def _merged(forms: list[list[Argument]]) -> list[Argument]:
    """Return an argument for each field of several forms. One is required if all forms require it."""
    if len(forms) == 1:
        return forms[0]
    by_key: dict[str, list[Argument]] = {}
    for each in (argument for form in forms for argument in form):
        by_key.setdefault(each.key, []).append(each)
    merged = [
        attrs.evolve(
            each[0],
            type=joined(one.type for one in each),
            required=len(each) == len(forms) and all(one.required for one in each),
            doc=next((one.doc for one in each if one.doc), ""),
            nullable=any(one.nullable for one in each),
        )
        for each in by_key.values()
    ]
    return sorted(merged, key=lambda each: not each.required)


def sent_type(context: Context, media: Media, place: str) -> Type:
    """Return the type of the argument for a whole body."""
    if media.kind in ("bytes", "text"):
        return CONTENT if media.kind == "bytes" else plain("str")
    return context.annotations.of(media.schema, Direction.SENT, f"{place}/schema")


def _flat(context: Context, schema: Any, place: str, taken: set[str]) -> list[Argument] | None:
    """Return an argument for each property of a body; `None` for anything but an object, or if names clash."""
    target = schema_of(context.components, schema)
    component = context.components.get(key_of(target) or "")
    if component is None or component.kind != "object":
        return None
    properties: Json = component.schema["properties"]
    required = component.schema.get("required", ())
    arguments = []
    for key, prop in properties.items():
        wanted = prop.get("x-attribute-name") if isinstance(prop, dict) else None
        name = attribute_name(wanted or key, reserved=TAKEN)
        if name in taken:
            return None
        taken = taken | {name}
        type_ = context.annotations.of(prop, Direction.SENT, f"{place}/{key}")
        nullable = context.annotations.is_nullable(prop) or type_.codes == ANY.codes
        needed = key in required and not (isinstance(prop, dict) and prop.get("readOnly"))
        doc = argument_doc(context.components, prop, prop) if isinstance(prop, dict) else ""
        arguments.append(Argument(name, key, "body", type_, needed, doc, nullable=nullable))
    return sorted(arguments, key=lambda each: not each.required)
