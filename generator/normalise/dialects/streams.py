"""Bodies that choose by their flag `stream` between a result and a stream: the types that choose each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...load.document import Document
from ...load.flags import STREAM, Flag, flag_in, target_of
from ...load.media_types import STREAMED, kind_of
from ...load.pointers import Json
from ...load.schemas import BY_STREAM, flat_members, free_key, is_object, key_of, refer

#: The ends of the names of types, by the value of their flag; those of Anthropic's and OpenAI's SDKs.
_SUFFIXES = {False: "NonStreaming", True: "Streaming"}


def split_streaming_bodies(document: Document) -> None:
    """Split each body that is one argument by the value of its flag.

    A member whose flag may have either value has two types more: a type checker knows the result by them.
    """
    splitter = _Splitter(document)
    for _, _, operation in document.operations():
        body = operation.get("requestBody", {})
        for content in body.get("content", {}).values():
            content.pop(BY_STREAM, None)
            is_flat = bool(body.get("required")) and is_object(target_of(document, content.get("schema")))
            if not is_flat and _has_result(operation):
                splitter.split(content)


def _has_result(operation: Json) -> bool:
    """Return true if a successful response may be anything but a stream."""
    return any(
        kind_of(media_type, sent=False) not in STREAMED
        for status, response in operation["responses"].items()
        if status.startswith("2")
        for media_type in response.get("content", {})
    )


class _Splitter:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._made: dict[tuple[str, bool, bool], str] = {}

    def split(self, content: Json) -> None:
        """Describe beside the schema of a body those of its members that choose a result, and a stream."""
        members = list(self._members(content.get("schema"), frozenset()))
        flags = [flag_in(self._document, member) for member in members]
        if not any(flag.values for flag in flags):
            return
        # A body without the flag is a request for a stream only if every member says so.
        default = all(flag.default for flag in flags)
        pairs = list(zip(members, flags, strict=True))
        content[BY_STREAM] = {
            value: {"schema": {"anyOf": chosen}, "default": default}
            for value in (False, True)
            if (chosen := [self._variant(*pair, value, default) for pair in pairs if pair[1].can_be(value)])
        }

    def _members(self, schema: Any, seen: frozenset[str]) -> Iterator[Any]:
        """Yield the members of a body, with those of unions that it refers to in their place."""
        key = key_of(schema) or ""
        inner = flat_members(target_of(self._document, schema))
        if not inner:
            yield schema
        for member in inner if key not in seen else ():
            yield from self._members(member, seen | {key} - {""})

    def _variant(self, member: Any, flag: Flag, value: bool, default: bool) -> Any:
        """Return a member whose flag has one value; the member itself if it can have no other."""
        key = key_of(member)
        # Where members differ in the value of a missing flag, a request must not leave that open.
        needed = bool(flag.values) and (value != default or flag.default != default)
        if key is None or (flag.is_always(value) and (flag.required or not needed)):
            return member
        made = self._made.get((key, value, needed))
        if made is None:
            made = free_key(self._document, f"{key}{_SUFFIXES[value]}")
            self._made[key, value, needed] = made
            self._document.schemas[made] = _with_flag(target_of(self._document, member), flag, value, needed)
            self._document.origins[made] = self._document.place_of(key)
        return refer(made)


def _with_flag(schema: Json, flag: Flag, value: bool, needed: bool) -> Json:
    """Return a copy of an object whose flag has one value, or is left out if it can't have that value."""
    properties = dict(schema["properties"])
    described = {word: text for word, text in properties.pop(STREAM).items() if word == "description"}
    if value in flag.values:
        properties[STREAM] = {"const": value, **described}
    required = [name for name in schema.get("required", ()) if name != STREAM]
    return {**schema, "properties": properties, "required": [*required, *[STREAM] * needed]}
