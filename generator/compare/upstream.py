"""Another author's document of the same API, compared with ours in the operations that ours has.

Authors name and divide schemas in their own way. Operations are therefore matched by method and path, and bodies and
responses are compared field by field, through references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import attrs

from ..load.document import Document, shown
from ..load.media_types import bare
from ..load.pointers import Json
from ..organise.security import Key, described, parameters_of
from .pairs import Identified, paired
from .report import Report, listed
from .schemas import Comparison, Difference, shown_place

MISSING, EXTRA, DIFFERS = "Missing here", "Extra here", "Differs"

Finding = tuple[str, str]


def upstream(ours: Document, theirs: Document) -> Report:
    """Compare our document with another, both normalised."""
    names = shown(ours.path), shown(theirs.path)
    report = Report(
        f"{names[0]} beside {names[1]}, in the operations of {names[0]}:",
        (MISSING, EXTRA, DIFFERS),
        "The same, as far as our operations go.",
    )
    comparison = Comparison(ours, theirs)
    others: list[str] = []
    for mine, other in paired(_identified(ours), _identified(theirs)):
        if mine is not None:
            for finding in _operation(mine, other, comparison):
                report.add(*finding)
        elif other is not None:
            others.append(f"`{other.name}`")
    if others:
        report.remark = f"Only in {names[1]}, and not compared ({len(others)}): {listed(others, limit=5)}"
    return report


@attrs.frozen
class _Operation:
    name: str
    """Its method and path."""
    data: Json
    security: tuple[str, ...]
    """The alternatives of its credentials, as text."""
    credentials: set[Key]
    """The parameters that hold credentials."""


def _identified(document: Document) -> list[Identified[_Operation]]:
    """Return the operations with their identities, in which names of parameters do not count.

    The first part of each path, `/v1`, may stand in the address of the server instead.
    """
    found: list[Identified[_Operation]] = []
    servers = document.data.get("servers")
    server = servers[0] if isinstance(servers, list) and servers else None
    url = str(server.get("url") or "") if isinstance(server, dict) else ""
    prefix = re.sub(r"^[^/]*//[^/]*", "", url).rstrip("/")
    for path, method, operation in document.operations():
        name = f"{method.upper()} {path}"
        route = re.sub(r"\{[^}]*\}", "{}", path)
        bare = route.partition("?")[0].rstrip("/")
        identities = ((method, path), (method, route), (method, bare), (method, prefix + bare))
        security = described(document, operation)
        found.append((_Operation(name, operation, security, parameters_of(document, operation)), identities))
    return found


def _operation(ours: _Operation, theirs: _Operation | None, comparison: Comparison) -> Iterator[Finding]:
    if theirs is None:
        yield EXTRA, f"`{ours.name}`"
        return
    yield from _security(ours, theirs)
    yield from _parameters(ours, theirs, comparison)
    yield from _bodies(ours.name, ours.data, theirs.data, comparison)
    yield from _responses(ours.name, ours.data, theirs.data, comparison)


def _security(ours: _Operation, theirs: _Operation) -> Iterator[Finding]:
    """Compare credentials, if both documents describe them by security schemes."""
    mine, other = ours.security, theirs.security
    if mine and other and set(mine) != set(other):
        yield DIFFERS, f"{ours.name}: needs {' or '.join(mine)} here and {' or '.join(other)} there"


def _parameters(ours: _Operation, theirs: _Operation, comparison: Comparison) -> Iterator[Finding]:
    name = ours.name
    mine, other = (
        {
            (each["in"], each["name"].lower() if each["in"] == "header" else each["name"]): each
            for each in operation["parameters"]
            if each["in"] != "path"
        }
        for operation in (ours.data, theirs.data)
    )
    # One author describes a header with credentials as a parameter, the other by a security scheme.
    credentials = {*ours.credentials - mine.keys(), *theirs.credentials - other.keys()}
    for key in [key for key in dict.fromkeys([*other, *mine]) if key not in credentials]:
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
    mine, other = ({bare(name): content for name, content in each.items()} for each in (mine, other))
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
