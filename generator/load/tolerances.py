"""Tolerances: places where published documents leave the letter of OpenAPI, and their meaning is clear all the same.

`repair` rewrites a few of them before validation. Validation ignores the others, each with its reason in `TOLERANCES`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import attrs

from .document import Document
from .pointers import NAMES, places

#: Nothing is generated from the content of these keywords, so no fault in it matters.
UNREAD = frozenset(
    {
        "callbacks",
        "contact",
        "example",
        "examples",
        "externalDocs",
        "headers",
        "license",
        "links",
        "securitySchemes",
        "servers",
        "xml",
        # Limits are for the server to check.
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "pattern",
        "uniqueItems",
    }
)

_SCALAR = (str, int, float, bool)
_WORDS = ("title", "summary", "description")
#: Keywords whose null has a meaning.
_MAY_BE_NULL = frozenset({"const", "default", "example", "type"})


@attrs.frozen
class Fault:
    """An error of the validator."""

    parts: tuple[str | int, ...]
    """The place."""
    kind: str
    """The validator's name for the error: `missing`, `list_type`."""
    value: Any
    """The value at the place; for a missing key, the mapping without it."""
    model: str
    """The object that was expected: `Schema`, `Parameter`. Empty if it was a plain value."""
    missing: str = ""
    """The missing key."""

    @property
    def keyword(self) -> str:
        """The last part of the place."""
        return str(self.parts[-1]) if self.parts else ""


def repair(document: Document) -> None:
    """Rewrite in place the common slips that later stages would have to know otherwise."""
    data = document.data
    for _, value in list(places(data)):
        # In YAML, `parameters:` with nothing behind it is null. It means no parameters.
        for key in [key for key, item in value.items() if item is None and key not in _MAY_BE_NULL]:
            if not key.startswith("x-"):
                del value[key]
    version = data.get("openapi")
    if isinstance(version, str | float) and str(version).count(".") == 1:
        # Written bare in YAML, 3.1 is a number.
        data["openapi"] = f"{version}.0"
    info = data.get("info")
    if isinstance(info, dict):
        for key, default in (("title", "Untitled API"), ("version", "0")):
            if isinstance(info.setdefault(key, default), _SCALAR):
                info[key] = str(info[key]) or default
    data.setdefault("paths", {})


def is_tolerated(fault: Fault) -> bool:
    """Return true if a fault can be ignored."""
    return any(tolerance(fault) for tolerance in TOLERANCES)


def unread(fault: Fault) -> bool:
    """Nothing is generated from this place."""
    return any(part in UNREAD and before not in NAMES for before, part in pairwise(("", *fault.parts)))


def extension(fault: Fault) -> bool:
    """The place is inside an extension, which may hold anything."""
    return any(
        isinstance(part, str)
        and part.startswith("x-")
        and (before not in NAMES or before in ("paths", "responses"))
        for before, part in pairwise(("", *fault.parts))
    )


def boolean_schema(fault: Fault) -> bool:
    """In OpenAPI 3.1, `true` and `false` are schemas."""
    return fault.model == "Schema" and isinstance(fault.value, bool)


def any_constant(fault: Fault) -> bool:
    """A `const` may be any value."""
    return fault.keyword == "const"


def empty_enum(fault: Fault) -> bool:
    """An empty `enum` is allowed by JSON Schema."""
    return fault.keyword == "enum" and fault.kind == "too_short"


def required_flag(fault: Fault) -> bool:
    """Before draft 4 of JSON Schema, `required` was a flag of the property."""
    return fault.keyword == "required" and fault.kind == "list_type" and isinstance(fault.value, bool)


def types_of_other_languages(fault: Fault) -> bool:
    """Many documents write the types `any` and `file`."""
    return fault.keyword == "type" and fault.value in ("any", "file")


def no_responses(fault: Fault) -> bool:
    """An operation without `responses`, or a response without a description, is complete enough."""
    return fault.missing == "responses" or (fault.missing == "description" and fault.model == "Response")


def scalar_words(fault: Fault) -> bool:
    """A title or a description written bare in YAML may be a number."""
    return fault.keyword in _WORDS and isinstance(fault.value, int | float)


TOLERANCES: tuple[Callable[[Fault], bool], ...] = (
    unread,
    extension,
    boolean_schema,
    any_constant,
    empty_enum,
    required_flag,
    types_of_other_languages,
    no_responses,
    scalar_words,
)
