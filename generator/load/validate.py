"""Validation of a document, so that later stages can rely on its shape.

The pydantic models of openapi-python-client (`openapi_python_client.schema`) validate everything that OpenAPI defines.
The first of their errors that `tolerances.py` does not excuse stops the run, with its place as a JSON pointer. Only a
few things are checked here: the version, status codes, repeated ids, and keywords that the models do not know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from .document import Document
from .errors import DocumentError
from .pointers import Json, below, last_part, parts_of, places, pointer
from .references import check_references
from .tolerances import Fault, is_tolerated, repair

#: The model of each kind of part, by its name in `openapi_python_client.schema`.
PARTS = ("Operation", "Parameter", "PathItem", "RequestBody", "Response", "Schema")


def validate(document: Document) -> None:
    """Validate everything that the generator reads.

    Raises:
        DocumentError: The first fault of the document.
    """
    _check_version(document.data)
    repair(document)
    check_references(document)
    _check(document.data, "OpenAPI", "#")
    _check_other_keywords(document)
    _check_operation_ids(document)


def validate_part(value: Any, part: str, place: str) -> None:
    """Validate a part that is used at a place of another kind than its own.

    Args:
        value: The part.
        part: One of `PARTS`.
        place: Its place.

    Raises:
        DocumentError: The first fault of the part.
    """
    _check(value, part, place)


def check_status(status: str, place: str) -> None:
    """Check the key of a response.

    Raises:
        DocumentError: The key is neither a status code, a range of them nor `default`.
    """
    if not re.fullmatch(r"[1-9]([0-9]{2}|XX|xx)|default", status):
        raise DocumentError(
            f"{status!r} is not a status code", place=place, hint="Write `200`, `2XX` or `default`."
        )


def _check_version(data: Json) -> None:
    if "swagger" in data:
        raise DocumentError(
            f"is Swagger {data['swagger']}, which is older than OpenAPI 3",
            place="#/swagger",
            hint="Convert it to OpenAPI 3 first.",
        )
    version = data.get("openapi")
    if not isinstance(version, str | float) or not re.match(r"3\.[01](\.|$)", str(version)):
        problem = "does not say its OpenAPI version" if version is None else f"is OpenAPI {version}"
        raise DocumentError(problem, place="#/openapi", hint="OpenAPI 3.0 and 3.1 are supported.")


# The models of openapi-python-client ----------------------------------------------------------------------------


def _check(value: Any, model: str, place: str) -> None:
    # Its import takes a quarter of a second: documents that fail before this point don't pay for it.
    import pydantic
    from openapi_python_client import schema

    validator: type[pydantic.BaseModel] = getattr(schema, model)
    try:
        # Strict, as "true" is not a flag; from JSON, as strict validation accepts no text for an enum otherwise.
        validator.model_validate_json(json.dumps(value), strict=True)
    except pydantic.ValidationError as error:
        details = [dict(each) for each in error.errors(include_url=False)]
        faults = [
            (detail, fault) for detail in details if not is_tolerated(fault := _fault(value, detail, place))
        ]
        if faults:
            raise _refusal(*_deepest(faults)) from None
    except RecursionError:
        raise DocumentError("is nested too deeply", place=place) from None


def _fault(value: Any, detail: Json, place: str) -> Fault:
    """Make a fault of an error of pydantic, whose location has names of union members in it."""
    parts: list[str | int] = list(parts_of(place))

    target = value
    for part in detail["loc"]:
        if (isinstance(target, dict) and part in target) or (
            isinstance(target, list) and isinstance(part, int) and part < len(target)
        ):
            target = target[part]
            parts.append(part)
    missing = str(detail["loc"][-1]) if detail["type"] == "missing" else ""
    model = str((detail.get("ctx") or {}).get("class_name", ""))
    if missing == "description":
        model = "Response"  # the only model that requires one
    return Fault(tuple(parts), detail["type"], target, model, missing)


def _deepest(faults: list[tuple[Json, Fault]]) -> tuple[Json, Fault]:
    """Return the first fault; of the members of a union that all failed there, the one that got furthest."""
    first = faults[0][1].parts
    same = [each for each in faults if each[1].parts[: len(first)] == first]
    return max(same, key=lambda each: len(each[1].parts))


def _refusal(detail: Json, fault: Fault) -> DocumentError:
    place = pointer(*fault.parts)
    name = f"`{_name(fault.parts)}`" if fault.parts else "the document"
    if fault.keyword == "type" or fault.parts[-2:-1] == ("type",):
        hint = f"The types are {detail['ctx']['expected']}." if fault.kind == "enum" else ""
        if fault.value is None:
            return DocumentError("null is a type in quotes only", place=place, hint='Write "null".')
        return DocumentError(f"{fault.value!r} is not a type of JSON", place=place, hint=hint)
    match fault.kind:
        case "missing":
            return DocumentError(f"`{fault.missing}` is missing", place=place)
        case "enum":
            expected = detail["ctx"]["expected"]
            return DocumentError(
                f"{fault.value!r} is not allowed here", place=place, hint=f"Write {expected}."
            )
        case "json_invalid":
            return DocumentError("is nested too deeply", place=place)
        case kind if kind in _KINDS:
            return DocumentError(f"{name} is not {_KINDS[kind]}", place=place)
        case _:
            return DocumentError(f"{name}: {detail['msg'][:1].lower()}{detail['msg'][1:]}", place=place)


_KINDS = {
    "string_type": "a string",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def _name(parts: tuple[str | int, ...]) -> str:
    return f"{parts[-2]}[{parts[-1]}]" if isinstance(parts[-1], int) and parts[1:] else str(parts[-1])


# Keywords that the models do not know ---------------------------------------------------------------------------


def _check_other_keywords(document: Document) -> None:
    for parts, value in places(document.data):
        for key in value.keys() & _OTHERS.keys():
            _OTHERS[key](value[key], pointer(*parts, key))
        if "type" in value and value["type"] is None and parts[-1:] != ("mapping",):
            raise DocumentError(
                "null is a type in quotes only", place=pointer(*parts, "type"), hint='Write "null".'
            )


def _text(value: Any, place: str) -> None:
    if not isinstance(value, str):
        raise DocumentError(f"`{last_part(place)}` is not a string", place=place)


def _flag(value: Any, place: str) -> None:
    if not isinstance(value, bool):
        raise DocumentError(f"`{last_part(place)}` is not true or false", place=place)


def _mapping(value: Any, place: str) -> None:
    if not isinstance(value, dict):
        raise DocumentError(f"`{last_part(place)}` is not a mapping", place=place)


def _identifier(value: Any, place: str) -> None:
    _text(value, place)
    if not value.isidentifier():
        raise DocumentError(f"{value!r} is not a name in Python", place=place)


def _schemas(value: Any, place: str) -> None:
    _mapping(value, place)
    for name, schema in value.items():
        _check(schema, "Schema", below(place, name))


_OTHERS: dict[str, Callable[[Any, str], None]] = {
    "patternProperties": _schemas,
    "x-also-accepts": _text,
    "x-argument-name": _identifier,
    "x-attribute-name": _text,
    "x-client-header": _flag,
    "x-pagination": _mapping,
}


def _check_operation_ids(document: Document) -> None:
    seen: dict[str, str] = {}
    for place, name in _operation_ids(document):
        if name in seen:
            document.note(place, f"operationId {name!r} is also the one of {seen[name]}")
        seen.setdefault(name, place)


def _operation_ids(document: Document) -> Iterator[tuple[str, str]]:
    for path, method, operation in document.operations():
        if "operationId" in operation:
            yield pointer("paths", path, method, "operationId"), operation["operationId"]
