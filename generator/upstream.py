"""How somebody else's document of the same API differs from ours, in the operations that ours has.

Authors name and cut schemas as they like, so operations are matched by method and path, and what they send and answer
is compared field by field, through references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .compare import Comparison, Difference, shown_place
from .document import Document, Json, shown
from .report import Report

MISSING, EXTRA, DIFFERS = "Missing here", "Extra here", "Differs"

Finding = tuple[str, str]


def upstream(ours: Document, theirs: Document) -> Report:
    """Compare our document with another, both normalised."""
    names = shown(ours.path), shown(theirs.path)
    report = Report(
        f"{names[0]} beside {names[1]}, in the operations of {names[0]}:",
        {MISSING: [], EXTRA: [], DIFFERS: []},
        "The same, as far as our operations go.",
    )
    for finding in _findings(ours, theirs):
        report.add(*finding)
    return report


def _findings(ours: Document, theirs: Document) -> Iterator[Finding]:
    others = {_route(path, method): operation for path, method, operation in theirs.operations()}
    comparison = Comparison(ours, theirs, follow=True)
    for path, method, operation in ours.operations():
        name = f"{method.upper()} {path}"
        other = others.get(_route(path, method))
        if other is None:
            yield EXTRA, f"`{name}`"
            continue
        yield from _parameters(name, operation, other, comparison)
        yield from _bodies(name, operation, other, comparison)
        yield from _responses(name, operation, other, comparison)


def _route(path: str, method: str) -> tuple[str, str]:
    """What a request of an operation is known by: names of parameters make no difference."""
    return re.sub(r"\{[^}]*\}", "{}", path.partition("?")[0]), method


def _parameters(name: str, ours: Json, theirs: Json, comparison: Comparison) -> Iterator[Finding]:
    mine, other = (
        {
            (each["in"], each["name"].lower() if each["in"] == "header" else each["name"]): each
            for each in operation["parameters"]
            if each["in"] != "path"
        }
        for operation in (ours, theirs)
    )
    for key in dict.fromkeys([*other, *mine]):
        shown = f"{name}: {key[0]} parameter `{key[1]}`"
        if key not in mine:
            yield MISSING, shown
        elif key not in other:
            yield EXTRA, shown
        else:
            if bool(mine[key].get("required")) != bool(other[key].get("required")):
                yield DIFFERS, f"{shown} is {_need(mine[key])} here and {_need(other[key])} there"
            yield from _schemas(shown, mine[key].get("schema"), other[key].get("schema"), comparison)


def _need(parameter: Json) -> str:
    return "required" if parameter.get("required") else "optional"


def _bodies(name: str, ours: Json, theirs: Json, comparison: Comparison) -> Iterator[Finding]:
    mine, other = (operation.get("requestBody", {}).get("content", {}) for operation in (ours, theirs))
    yield from _contents(f"{name} body", mine, other, comparison)


def _responses(name: str, ours: Json, theirs: Json, comparison: Comparison) -> Iterator[Finding]:
    mine, other = ours["responses"], theirs["responses"]
    for status in dict.fromkeys([*other, *mine]):
        shown = f"{name} {status}"
        if status not in mine:
            yield MISSING, f"{shown}: the response"
        elif status not in other:
            yield EXTRA, f"{shown}: the response"
        else:
            yield from _contents(
                shown, mine[status].get("content", {}), other[status].get("content", {}), comparison
            )


def _contents(shown: str, mine: Json, other: Json, comparison: Comparison) -> Iterator[Finding]:
    for media_type in dict.fromkeys([*other, *mine]):
        if media_type not in mine:
            yield MISSING, f"{shown}: `{media_type}`"
        elif media_type not in other:
            yield EXTRA, f"{shown}: `{media_type}`"
        else:
            yield from _schemas(
                shown, mine[media_type].get("schema"), other[media_type].get("schema"), comparison
            )


def _schemas(shown: str, mine: Any, other: Any, comparison: Comparison) -> Iterator[Finding]:
    for difference in comparison.schemas(mine, other):
        yield _judged(shown, difference)


def _judged(shown: str, difference: Difference) -> Finding:
    place = f"{shown}: `{shown_place(difference.place)}`" if difference.place else shown
    old, new = difference.old, difference.new
    match difference.aspect:
        case "field":
            return (MISSING, f"{place} ({new})") if old is None else (EXTRA, f"{place} ({old})")
        case "value" | "member":
            return (MISSING, f"{place} is `{new}`") if old is None else (EXTRA, f"{place} is `{old}`")
        case _:
            return DIFFERS, f"{place} is {old} here and {new} there"
