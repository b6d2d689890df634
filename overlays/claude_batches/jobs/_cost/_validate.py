"""Validation of requests before they are sent: the API reports bad params only when a batch has ended.

`schemas.json` has the schemas of a request's params, written from the spec (`spec/request_schemas.py`; a test
fails if it is out of date). jsonschema-rs (extra `cost`) compiles them.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

import attrs
import orjson

from .._tables._extras import require
from .._tables._shapes import is_array, is_object, object_of

__all__ = ["Problem", "RequestValidator"]

_LONGEST = 200
_ROOT = "MessageCreateParamsNonStreaming"


@attrs.frozen
class Problem:
    """A mistake in a request."""

    index: int
    """The number of the request, from 0."""
    custom_id: str | None
    path: str
    """The place in its params, such as `messages.0.content`."""
    message: str
    severity: Literal["error", "warning"] = "error"
    """A warning is about a name or value that the spec of this release doesn't list, and the API may."""

    def __str__(self) -> str:
        name = f"request {self.index}" + (f" ({self.custom_id})" if self.custom_id else "")
        return f"{self.severity}: {name}: {self.path}: {self.message}"


class RequestValidator:
    """Checks requests by the spec.

    Args:
        version: The API version; later ones refuse some params.

    Raises:
        MissingExtraError: jsonschema-rs is not installed.
    """

    def __init__(self, version: str = "2023-06-01") -> None:
        require("jsonschema_rs", "cost", "the validation of requests")
        self._valid, self._errors = _compiled(version)
        root = _definitions()[_ROOT]
        self._known = frozenset(root["properties"])
        self._refused: dict[str, Any] = root.get("x-refused-in-batches", {})

    def check(self, index: int, custom_id: str | None, params: Any) -> list[Problem]:
        """Return the problems of a request; most have none.

        Args:
            index: Its number.
            custom_id: Its id.
            params: Its params, as plain JSON values.
        """
        problems: list[Problem] = []
        if not self._valid(params):
            for error in self._errors(params):
                path, message, severity = _told(_most_specific(error))
                problems.append(Problem(index, custom_id, path, message, severity))
        if is_object(params):
            for name in params.keys() - self._known:
                message = "the spec doesn't list this param; the API refuses unknown ones"
                problems.append(Problem(index, custom_id, name, message, "warning"))
            for name, entry in self._refused.items():
                if name not in params or any(params[name] is allowed for allowed in entry.get("except", ())):
                    continue
                if not any(problem.path == name for problem in problems):
                    problems.append(Problem(index, custom_id, name, "batches refuse this param"))
        return problems


def _told(error: Any) -> tuple[str, str, Literal["error", "warning"]]:
    path = ".".join(map(str, error.instance_path))
    kind = error.kind.name
    if kind == "required":
        name = str(getattr(error.kind, "property", ""))
        return f"{path}.{name}".removeprefix("."), "it is required", "error"
    if kind in ("not", "falseSchema"):
        return path or "params", "this API version refuses it", "error"
    message = error.message
    if len(message) > _LONGEST:
        message = f"{message[:_LONGEST]}…"
    return path or "params", message, "warning" if kind == "enum" else "error"


def _most_specific(error: Any) -> Any:
    """Return the error inside the one member of a union that has the value's JSON type, if there is one."""
    branches: list[list[Any]] = [list(branch) for branch in getattr(error.kind, "context", [])]
    depth = len(error.instance_path)
    meant = [
        branch
        for branch in branches
        if not any(inner.kind.name == "type" and len(inner.instance_path) == depth for inner in branch)
    ]
    return _most_specific(min(meant, key=len)[0]) if meant and meant[0] else error


@cache
def _definitions() -> dict[str, Any]:
    document = orjson.loads(files("claude_batches.jobs._cost").joinpath("schemas.json").read_bytes())
    definitions: dict[str, Any] = document["$defs"]
    return definitions


@cache
def _compiled(version: str) -> tuple[Any, Any]:
    rs = require("jsonschema_rs", "cost", "the validation of requests")
    definitions = {name: _prepared(schema, version) for name, schema in _definitions().items()}
    validator = rs.Draft202012Validator({"$ref": f"#/$defs/{_ROOT}", "$defs": definitions})
    return validator.is_valid, validator.iter_errors


def _prepared(schema: Any, version: str) -> Any:
    """Return a schema as it holds in an API version, with unions resolved by their tags.

    `oneOf` says of a mistake only that no member fits; with a condition for each tag the mistake itself is told.
    """
    if is_array(schema):
        return [_prepared(each, version) for each in schema]
    if not is_object(schema):
        return schema
    left_out = {"x-refused-since", "x-refused-in-batches", "discriminator"}
    tag = object_of(schema.get("discriminator"))
    if "mapping" in tag:
        left_out.add("oneOf")
    prepared = {name: _prepared(each, version) for name, each in schema.items() if name not in left_out}
    conditions = [
        {"not": refused} for since, refused in schema.get("x-refused-since", {}).items() if since <= version
    ]
    if "oneOf" in left_out:
        conditions += _tagged(tag, schema["oneOf"])
    if conditions:
        prepared["allOf"] = [*prepared.get("allOf", []), *conditions]
    return prepared


def _tagged(tag: dict[str, Any], members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    name, mapping = tag["propertyName"], cast("dict[str, str]", tag["mapping"])
    tagged = {"required": [name], "properties": {name: {"type": "string"}}}
    conditions: list[dict[str, Any]] = [
        {"type": "object"},
        {"properties": {name: {"enum": [*mapping, None]}}},
    ]
    for value, reference in mapping.items():
        conditions.append(
            {
                "if": {"required": [name], "properties": {name: {"const": value}}},
                "then": {"$ref": reference},
            }
        )
    # A member with an optional tag matches objects without the tag.
    untagged = [
        member["$ref"]
        for member in members
        if name not in _definitions()[member["$ref"].rpartition("/")[2]].get("required", [])
    ]
    if untagged:
        conditions.append({"if": tagged, "else": {"$ref": untagged[0]}})
    else:
        conditions.append({"required": [name]})
    return conditions
