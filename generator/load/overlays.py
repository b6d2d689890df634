"""Overlays: changes of a document that can't be edited, in the format of the OpenAPI Overlay Specification 1.0."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from .document import Document
from .errors import DocumentError
from .files import read_file
from .parse import parse
from .pointers import Json, pointer

__all__ = ["apply_overlay"]


def apply_overlay(document: Document, path: Path) -> None:
    """Apply the actions of an overlay to a document, one after the other. An action without an effect gets a note.

    Raises:
        DocumentError: The file is not an overlay, or an action can't be applied.
    """
    overlay = parse(read_file(path))
    actions: Any = overlay.get("actions")
    if not str(overlay.get("overlay", "")).startswith("1.") or not isinstance(actions, list) or not actions:
        raise DocumentError(
            "is not an overlay", hint="It needs `overlay: 1.0.0`, `info` and a list of `actions`."
        )
    for index, action in enumerate(actions):
        if not isinstance(action, dict) or not isinstance(action.get("target"), str):
            raise DocumentError(f"action {index + 1} has no `target`", hint="Write a JSONPath expression.")
        if _apply(document.data, action, index + 1) == 0:
            said = (
                f"overlay {path.name}: action {index + 1} has no effect: nothing matches {action['target']}"
            )
            document.note(pointer("paths"), said)


def _apply(data: Json, action: Json, number: int) -> int:
    """Apply an action to each place that it selects; return their number."""
    # Imported late: few documents have an overlay.
    import jsonpath

    try:
        matches = list(jsonpath.finditer(action["target"], data))
    except jsonpath.JSONPathError as error:
        raise DocumentError(f"the target of action {number} is not JSONPath: {error}") from None
    # From the end, so that an item which is removed moves no other one that is to be.
    for match in reversed(matches):
        if action.get("remove") is True:
            if match.parent is None:
                raise DocumentError(f"action {number} removes the whole document")
            holder: Any = match.parent.obj
            del holder[match.parts[-1]]
        elif "update" in action:
            _update(match.obj, action["update"], number)
    return len(matches)


def _update(target: Any, update: Any, number: int) -> None:
    if isinstance(target, list):
        target.append(copy.deepcopy(update))
    elif isinstance(target, dict) and isinstance(update, dict):
        _merge(target, update)
    else:
        raise DocumentError(
            f"action {number} can't be applied: its target is neither an object nor a list",
            hint="Select the object around a value, and update that.",
        )


def _merge(target: Json, update: Json) -> None:
    """Merge objects into each other, add items to lists, replace other values."""
    for key, value in update.items():
        old = target.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            old.extend(copy.deepcopy(value))
        else:
            target[key] = copy.deepcopy(value)
