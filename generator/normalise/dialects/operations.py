"""Operations: missing ids, odd parameters, and parts that a client can't have."""

from __future__ import annotations

import re

from ...load.document import Document
from ...load.errors import DocumentError
from ...load.pointers import Json, pointer
from ...load.schemas import WORDS

#: Headers that OpenAPI describes elsewhere: parameters of these names are ignored.
_NOT_PARAMETERS = frozenset({"accept", "content-type", "authorization"})


def note_unsupported_parts(document: Document) -> None:
    """Note callbacks, webhooks and servers of single paths: a client has one address and receives no calls."""
    for path, method, operation in document.operations():
        for name, callback in operation.get("callbacks", {}).items():
            if callback:
                document.note(
                    pointer("paths", path, method, "callbacks", name), "callbacks are not generated"
                )
    for name in document.data.get("webhooks") or ():
        place = pointer("webhooks", name)
        document.note(place, "webhooks are not generated; their schemas are, to decode with")
    top = document.data.get("servers")
    own = [path for path, item in document.data["paths"].items() if item.get("servers", top) != top]
    own += [path for path, _, operation in document.operations() if operation.get("servers", top) != top]
    if own:
        count = len(dict.fromkeys(own))
        paths = "a path has" if count == 1 else f"{count} paths have"
        document.note(pointer("paths", own[0]), f"{paths} servers of their own; a client has one address")


def name_operations(document: Document) -> None:
    """Name each operation without an id after its method and path: `get_pets_by_id` for `GET /pets/{id}`."""
    for path, method, operation in document.operations():
        if not operation.get("operationId"):
            words = [
                f"by_{part.strip('{}')}" if part.startswith("{") else part
                for part in re.findall(r"\{[^}]*\}|[^/{}?&=#]+", path)
            ]
            operation["operationId"] = "_".join([method, *words])


def settle_parameters(document: Document) -> None:
    """Declare each parameter of a path, and drop those that can't be sent.

    Raises:
        DocumentError: Two parameters of one name contradict each other.
    """
    for path, method, operation in document.operations():
        place = pointer("paths", path, method, "parameters")
        kept: list[Json] = []
        in_path = re.findall(r"\{([^{}]+)\}", path)
        for parameter in operation["parameters"]:
            if _is_sendable(document, parameter, in_path, place) and not _is_repeated(
                document, parameter, kept, place
            ):
                kept.append(parameter)
        declared = {parameter["name"] for parameter in kept if parameter["in"] == "path"}
        for name in dict.fromkeys(in_path):
            if name not in declared:
                document.note(place, f"path parameter {name!r} is not declared; taken for a string")
                kept.append({"name": name, "in": "path", "required": True, "schema": {"type": "string"}})
        operation["parameters"] = kept


def _is_sendable(document: Document, parameter: Json, in_path: list[str], place: str) -> bool:
    if parameter["in"] == "header" and parameter["name"].lower() in _NOT_PARAMETERS:
        document.note(place, f"header parameter {parameter['name']!r} is left out, as OpenAPI says")
        return False
    if not parameter["name"]:
        document.note(place, "a parameter without a name is left out")
        return False
    if parameter["in"] == "path" and parameter["name"] not in in_path:
        document.note(place, f"path parameter {parameter['name']!r} is not in the path; left out")
        return False
    return True


def _is_repeated(document: Document, parameter: Json, kept: list[Json], place: str) -> bool:
    twin = next((each for each in kept if _identity(each) == _identity(parameter)), None)
    if twin is None:
        return False
    if twin != parameter:
        shown = f"{parameter['in']} parameter {parameter['name']!r} is described twice"
        if _without_words(twin) != _without_words(parameter):
            raise DocumentError(f"{shown}, in different ways", place=place, hint="Remove one of them.")
        document.note(place, shown)
    return True


def _identity(parameter: Json) -> tuple[str, str]:
    return parameter["in"], parameter["name"]


def _without_words(parameter: Json) -> Json:
    return {key: value for key, value in parameter.items() if key not in WORDS}
