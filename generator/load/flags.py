"""The flag `stream` of a request, by which a caller chooses between a result and a stream."""

from __future__ import annotations

from typing import Any

import attrs

from .document import Document
from .pointers import Json
from .schemas import flat_members, key_of

__all__ = ["STREAM", "Flag", "flag_in", "flag_of", "target_of"]

#: The name of the flag.
STREAM = "stream"


@attrs.frozen
class Flag:
    """The flag of a request."""

    values: frozenset[bool]
    """Its possible values."""
    default: bool
    """The value that a request without it has."""
    required: bool

    def can_be(self, value: bool) -> bool:
        """Return true if a request may have a value, given or by default."""
        return value in self.values or (value == self.default and not self.required)

    def is_always(self, value: bool) -> bool:
        """Return true if every request has a value."""
        return not self.can_be(not value)


#: A request without the flag gets a result.
ABSENT = Flag(frozenset(), default=False, required=False)


def flag_of(document: Document, schema: Any, *, required: bool) -> Flag:
    """Return the flag that a schema describes; `ABSENT` if it has no boolean value.

    Args:
        document: The normalised document of the schema.
        schema: The schema of the flag.
        required: Whether a request must have it.
    """
    values = frozenset(_values(document, schema))
    if not values:
        return ABSENT
    own = schema.get("default", target_of(document, schema).get("default"))
    return Flag(values, default=own is True, required=required)


def flag_in(document: Document, body: Any) -> Flag:
    """Return the flag among the properties of a body."""
    target = target_of(document, body)
    schema = target.get("properties", {}).get(STREAM)
    return flag_of(document, schema, required=STREAM in target.get("required", ()))


def target_of(document: Document, schema: Any) -> Json:
    """Return a schema, or the component that it refers to; an empty one for anything else."""
    seen = set[str]()
    while (key := key_of(schema)) is not None and key not in seen:
        seen.add(key)
        schema = document.schemas.get(key)
    return schema if isinstance(schema, dict) else {}


def _values(document: Document, schema: Any) -> list[bool]:
    target = target_of(document, schema)
    if "const" in target or "enum" in target:
        constants = [target["const"]] if "const" in target else target["enum"]
        return [each for each in constants if isinstance(each, bool)]
    members = flat_members(target)
    if members:
        return [value for member in members for value in _values(document, member)]
    kinds = target.get("type")
    return [True, False] if "boolean" in (kinds if isinstance(kinds, list) else [kinds]) else []
