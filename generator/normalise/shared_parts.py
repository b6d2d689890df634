"""Shared parameters, responses, bodies and path items, put in place of the references to them."""

from __future__ import annotations

from copy import deepcopy

from ..load.document import Document
from ..load.errors import DocumentError
from ..load.pointers import FILES, METHODS, Json, below, parts_of, pointer
from ..load.validate import check_status, validate_part

_OF_PATHS = frozenset({*METHODS, "$ref", "summary", "description", "servers", "parameters"})

#: The folder of `components` in which each kind of part has been validated as such.
_HOMES = {"Parameter": "parameters", "RequestBody": "requestBodies", "Response": "responses"}


def inline_shared_parts(document: Document) -> None:
    """Put a copy of each shared part where it is used. Later stages then never meet a reference to one."""
    paths = document.data["paths"]
    for path in [path for path in paths if path.startswith("x-")]:
        del paths[path]
    for path, item in paths.items():
        place = pointer("paths", path)
        paths[path] = item = _inlined(document, item, "PathItem", place)
        for word in item.keys() - _OF_PATHS:
            if not word.startswith("x-"):
                document.note(below(place, word), f"{word!r} is not an HTTP method; left out")
        shared = [
            _inlined(document, each, "Parameter", below(place, "parameters", index))
            for index, each in enumerate(item.get("parameters", []))
        ]
        for method in [method for method in item if method in METHODS]:
            item[method] = _operation(document, item[method], shared, below(place, method))


def _operation(document: Document, operation: Json, shared: list[Json], place: str) -> Json:
    operation = _inlined(document, operation, "Operation", place)
    own = [
        _inlined(document, each, "Parameter", below(place, "parameters", index))
        for index, each in enumerate(operation.get("parameters", []))
    ]
    named = {(each["name"], each["in"]) for each in own}
    inherited = [deepcopy(each) for each in shared if (each["name"], each["in"]) not in named]
    operation["parameters"] = own + inherited
    if "requestBody" in operation:
        body = below(place, "requestBody")
        operation["requestBody"] = _inlined(document, operation["requestBody"], "RequestBody", body)
    responses: Json = {}
    for status, response in operation.get("responses", {}).items():
        if not status.startswith("x-"):
            own_place = below(place, "responses", status)
            check_status(status, own_place)
            responses[status] = _inlined(document, response, "Response", own_place)
    operation["responses"] = responses
    return operation


def _inlined(document: Document, value: Json, part: str, place: str) -> Json:
    """Return a copy of a shared part in place of the reference to it. Keys beside the `$ref` win."""
    if not isinstance(value.get("$ref"), str):
        return value
    target, seen = value, [""]
    while isinstance(target, dict) and isinstance(target.get("$ref"), str):
        seen.append(target["$ref"])
        target = document.find(target["$ref"])
    if not isinstance(target, dict):
        raise DocumentError(f"refers to {seen[-1]}, which is not a {part}", place=place)
    beside = {key: item for key, item in value.items() if key != "$ref"}
    inlined = {**deepcopy(target), **beside}
    home = parts_of(seen[-1])[:-1] == ["components", _HOMES.get(part)]
    if not home or beside.keys() - {"summary", "description"}:
        # A part in another file is not validated anywhere else, so that its faults belong to that file.
        in_file = not beside and parts_of(seen[-1])[:1] == [FILES]
        validate_part(inlined, part, seen[-1] if in_file else place)
    return inlined
