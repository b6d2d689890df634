"""The types of the official SDK, read as schemas.

The SDK has pydantic models for received types and TypedDicts for sent types. Both are walked from the
types of its batches resource, and each class becomes a schema under its own name.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

import anthropic.types
import anthropic.types.messages
import anthropic.types.shared
import typing_extensions
from anthropic.pagination import SyncPage
from anthropic.resources.messages.batches import Batches
from anthropic.types.messages import (
    BatchCreateParams,
    DeletedMessageBatch,
    MessageBatch,
    MessageBatchIndividualResponse,
    batch_create_params,
)
from pydantic import BaseModel

from tests.spec.document import COMPONENT, Json

RECEIVED = "x-received"
ROOTS = (
    MessageBatch,
    MessageBatchIndividualResponse,
    DeletedMessageBatch,
    BatchCreateParams,
    batch_create_params.Request,
)

_EVERYWHERE = {"self", "extra_headers", "extra_query", "extra_body", "timeout"}
_MODULES = (anthropic.types, anthropic.types.messages, anthropic.types.shared)
_PLAIN = {
    str: "string",
    int: "integer",
    bool: "boolean",
    float: "number",
    object: "object",
    type(None): "null",
}
_LITERALS = (typing.Literal, typing_extensions.Literal)
_WRAPPERS = (typing.Annotated, typing.Required, typing_extensions.Required)
_UNIONS = (typing.Union, types.UnionType)


@cache
def read() -> dict[str, Json]:
    """Return every class that the roots reach, as a schema with a mark on received classes."""
    found: dict[str, Json] = {}
    waiting = list(ROOTS)
    while waiting:
        each = waiting.pop()
        if each.__name__ not in found:
            fields = dict(_fields(each))
            found[each.__name__] = {
                "type": "object",
                RECEIVED: issubclass(each, BaseModel),
                "required": [name for name, (_, required) in fields.items() if required],
                "properties": {name: schema_of(annotation) for name, (annotation, _) in fields.items()},
            }
            for annotation, _ in fields.values():
                waiting.extend(_classes(annotation))
    return found


def methods() -> dict[str, set[str]]:
    """Return the methods of the batches resource, each with its specific arguments."""
    public = [
        name for name in vars(Batches) if not name.startswith("_") and inspect.isfunction(vars(Batches)[name])
    ]
    return {name: set(inspect.signature(getattr(Batches, name)).parameters) - _EVERYWHERE for name in public}


def page_fields() -> set[str]:
    """The fields of a page, which is one class for all lists."""
    return set(SyncPage.model_fields)


def alias(name: str) -> Any:
    """Return the union or literal type that the SDK exports under a name, or None."""
    return next((getattr(module, name) for module in _MODULES if hasattr(module, name)), None)


def _fields(each: Any) -> Iterator[tuple[str, tuple[Any, bool]]]:
    if issubclass(each, BaseModel):
        for name, field in each.model_fields.items():
            yield name, (field.annotation, field.is_required())
    else:
        for name, annotation in typing.get_type_hints(each, include_extras=True).items():
            yield (
                name,
                (annotation, typing.get_origin(annotation) in (typing.Required, typing_extensions.Required)),
            )


def schema_of(annotation: Any) -> Json:
    """Return an annotation as a schema."""
    annotation = _unwrapped(annotation)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if _is_class(annotation):
        return {"$ref": COMPONENT + annotation.__name__}
    if annotation is datetime:
        return {"type": "string", "format": "date-time"}
    if annotation in _PLAIN:
        return {"type": _PLAIN[annotation]}
    if origin in _UNIONS:
        return {"anyOf": [schema_of(argument) for argument in arguments]}
    if origin in _LITERALS:
        return {"enum": list(arguments)}
    if origin is dict:
        return {"type": "object"}
    if len(arguments) == 1 and hasattr(origin, "__iter__"):
        return {"type": "array", "items": schema_of(arguments[0])}
    # A file to read, which the SDK accepts in some places instead of its content.
    return {"type": "file"}


def _unwrapped(annotation: Any) -> Any:
    while typing.get_origin(annotation) in _WRAPPERS:
        annotation = typing.get_args(annotation)[0]
    return annotation


def _classes(annotation: Any) -> Iterator[type]:
    annotation = _unwrapped(annotation)
    if _is_class(annotation):
        yield annotation
    else:
        for argument in typing.get_args(annotation):
            yield from _classes(argument)


def _is_class(annotation: Any) -> bool:
    return isinstance(annotation, type) and (
        typing_extensions.is_typeddict(annotation) or issubclass(annotation, BaseModel)
    )
