"""Descriptions: of fields and arguments with their defaults, and of operations."""

from __future__ import annotations

import json
from typing import Any

from ..load.pointers import Json
from ..text import clean, section
from .package import OperationCase
from .responses import asked_for

#: Longer defaults are cut.
_LONGEST_DEFAULT = 80


def field_doc(prop: Any) -> str:
    """Return the description of a property, with its default."""
    if not isinstance(prop, dict):
        return ""
    return described(clean(prop.get("description")), prop)


def described(doc: str, schema: Any) -> str:
    """Return a description with the default of the schema, unless the description mentions one."""
    default = schema.get("default") if isinstance(schema, dict) else None
    if default is None or "default" in doc.lower():
        return doc
    text = default if isinstance(default, str) else json.dumps(default, ensure_ascii=False)
    short = text if len(text) <= _LONGEST_DEFAULT else f"{text[:_LONGEST_DEFAULT]}..."
    end = "" if not doc or doc.endswith((".", "!", "?", ":", "`")) else "."
    return f"{doc}{end} Default: `{short}`.".strip()


def operation_doc(raw: Json, operation: OperationCase) -> str:
    """Return the docstring of an operation."""
    summary, description = clean(raw.get("summary")), clean(raw.get("description"))
    # Some documents repeat the summary in the description.
    if summary and description.startswith(summary):
        summary = ""
    said = [part for part in (_sentence(summary), description) if part]
    said = said or [f"`{operation.http_method} {operation.path}`."]
    text = "\n\n".join([*said, *["Deprecated."] * bool(raw.get("deprecated"))])
    arguments = [*operation.positional, *operation.keywords]
    sections = [section("Args", [(each.name, each.doc) for each in arguments])] if arguments else []
    returns = _returns(operation)
    if returns:
        sections.append(section("Returns", [("", returns)]))
    errors = {case.status: case.doc for case in operation.responses if case.status[0] in "45"}
    if errors:
        sections.append(section("Errors", list(errors.items())))
    return "\n\n".join([text, *sections])


def _returns(operation: OperationCase) -> str:
    """Return the description of a successful response, and the other media types that can be asked for."""
    responses = operation.responses
    asked = asked_for(responses)
    others = [
        f"`{case.media_type}`"
        for case in responses
        if case not in asked and case.status in {each.status for each in asked}
    ]
    doc = next((case.doc for case in responses if case.is_success), "")
    if others and operation.style == "send":
        choice = f"With another `Accept` among `extra_headers` it comes as {', '.join(others)}."
        doc = f"{_sentence(doc)} {choice}".strip()
    return f"{_sentence(doc)} {_PAGE}".strip() if operation.style == "page" else doc


_PAGE = (
    "A client returns a `claude_batches.Page`: iterate over it for the items of this page and of those after it. An "
    "async client returns an `AsyncPager`: await it for the first `AsyncPage`, or use `async for` for all items."
)


def _sentence(text: str) -> str:
    return f"{text}." if text and not text.endswith((".", "!", "?")) else text
