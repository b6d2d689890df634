"""Descriptions: of fields and arguments with their defaults, and of operations."""

from __future__ import annotations

import json
from typing import Any

from ..load.flags import STREAM
from ..load.pointers import Json
from ..load.schemas import flat_members, key_of
from ..organise.components import Components
from ..text import clean, section
from .package import OperationCase, ResponseCase, Switch
from .responses import asked_for

#: Longer defaults are cut.
_LONGEST_DEFAULT = 80


def field_doc(prop: Any) -> str:
    """Return the description of a property, with its default."""
    if not isinstance(prop, dict):
        return ""
    return described(clean(prop.get("description")), prop)


def argument_doc(components: Components, described_by: Json, schema: Any) -> str:
    """Return the description of an argument, else of its schema, else of the schema that it refers to.

    Args:
        components: The component schemas.
        described_by: The parameter, or the property, of the argument.
        schema: Its schema.
    """
    return described(clean(described_by.get("description")) or _schema_doc(components, schema), schema)


def _schema_doc(components: Components, schema: Any) -> str:
    seen: set[str] = set()
    while isinstance(schema, dict):
        if "description" in schema:
            # The rest of the description of a component is about more than an argument.
            return clean(schema["description"]).partition("\n\n")[0]
        others = [each for each in flat_members(schema) if each != {"type": "null"}]
        key = key_of(others[0] if len(others) == 1 else schema)
        if key is None or key in seen:
            break
        seen.add(key)
        schema = components[key].schema
    return ""


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
    errors = {case.status: case.doc for case in operation.responses if case.status[0] in "45"}
    sections = [
        section("Args", [(each.name, each.doc) for each in arguments]),
        section("Returns", [("", _returns(operation))]),
        section("Errors", list(errors.items())),
    ]
    return "\n\n".join([text, *filter(None, sections)])


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
    if operation.switch is not None and operation.streamed is not None:
        return f"{_sentence(doc)} {_choice(operation.switch, operation.streamed)}".strip()
    if others and operation.style == "send":
        choice = f"With another `Accept` among `extra_headers` it comes as {', '.join(others)}."
        doc = f"{_sentence(doc)} {choice}".strip()
    return f"{_sentence(doc)} {_PAGE}".strip() if operation.style == "page" else doc


def _choice(switch: Switch, streamed: ResponseCase) -> str:
    """Return the sentence on the flag that asks for a stream, or for none."""
    kind = "a stream of events" if streamed.kind == "events" else "a stream of lines"
    if switch.reads_body:
        flag = f"`{STREAM}: {not switch.default}` in `{switch.argument.name}`"
    else:
        flag = f"`{switch.argument.name}={not switch.default}`"
    return (
        f"It comes as {kind}, except with {flag}." if switch.default else f"With {flag} it comes as {kind}."
    )


_PAGE = (
    "A client returns a `claude_batches.Page`: iterate over it for the items of this page and of those after it. An "
    "async client returns an `AsyncPager`: await it for the first `AsyncPage`, or use `async for` for all items."
)


def _sentence(text: str) -> str:
    return f"{text}." if text and not text.endswith((".", "!", "?")) else text
