"""The schemas of the spec, compiled into validators, one for each API version.

`schemas.json` is written from the spec by `spec/request_schemas.py`. A schema with `x-refused-since` gets a `not`
in the validators of that API version and later ones.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson
from attrs import frozen
from jsonschema_rs import Draft202012Validator, ValidationError

from ._json import is_array, is_object

__all__ = ["VERSIONS", "Mistake", "Refused", "find_mistake", "known_fields", "refused_in_batches"]

VERSIONS: Final = ("2023-06-01", "2026-10-21")
"""The API versions, oldest first."""

_LONGEST_WORD: Final = 60
_TAG_KINDS: Final = ("const", "enum")


@frozen
class Mistake:
    """A violation of a schema: its place, such as `messages.0.content`, and a message."""

    place: str
    message: str


@frozen
class Refused:
    """A param that batches refuse.

    Attributes:
        whole_batch: True if it refuses the whole batch, false if only its own request is errored.
        allowed: The values that are allowed nevertheless.
    """

    whole_batch: bool
    allowed: tuple[object, ...]

    def applies(self, value: object) -> bool:
        """Return true if this value is refused. `0` is not `false` in JSON."""
        return not any(value is allowed for allowed in self.allowed)


def find_mistake(schema: str, version: str, value: object) -> Mistake | None:
    """Return the first violation of a schema of the spec, or `None` for a valid value."""
    validator = _validator(schema, version)
    if validator.is_valid(value):
        return None
    error = _most_specific(next(iter(validator.iter_errors(value))))
    place = ".".join(map(str, error.instance_path))
    match error.kind.name:
        case "required":
            name = str(getattr(error.kind, "property", ""))
            return Mistake(f"{place}.{name}".removeprefix("."), "Field required")
        case "type":
            return Mistake(place, f"Input should be of type {_types(error)}")
        case "minimum":
            return Mistake(place, f"Input should be greater than or equal to {_limit(error)}")
        case "maximum":
            return Mistake(place, f"Input should be less than or equal to {_limit(error)}")
        case "not" | "falseSchema":
            return Mistake(place, f"Input is not supported in API version {version}")
        case "oneOf" | "anyOf":
            return Mistake(place, f"Input does not match any of the expected forms{_tag(error.instance)}")
        case _:
            return Mistake(place, error.message if len(error.message) < 200 else "Input is not valid")


@cache
def known_fields(schema: str) -> frozenset[str]:
    """Return the names of the properties of a schema."""
    return frozenset(_document()[schema]["properties"])


@cache
def refused_in_batches() -> dict[str, Refused]:
    """Return the params that batches refuse, by name."""
    listed: dict[str, dict[str, Any]] = _document()["MessageCreateParamsNonStreaming"]["x-refused-in-batches"]
    return {
        name: Refused(entry["refuses"] == "batch", tuple(entry.get("except", ())))
        for name, entry in listed.items()
    }


@cache
def _document() -> dict[str, Any]:
    schemas = orjson.loads(files("claude_batches.sandbox").joinpath("schemas.json").read_bytes())
    definitions: dict[str, Any] = schemas["$defs"]
    return definitions


@cache
def _validator(schema: str, version: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{schema}", "$defs": _of_version(_document(), version)})


def _of_version(schema: Any, version: str) -> Any:
    """Return a schema as it holds in an API version."""
    if is_array(schema):
        return [_of_version(each, version) for each in schema]
    if not is_object(schema):
        return schema
    changed = {key: _of_version(value, version) for key, value in schema.items() if key != "x-refused-since"}
    refused: dict[str, Any] = schema.get("x-refused-since", {})
    conditions = [{"not": value} for since, value in refused.items() if since <= version]
    if conditions:
        changed["allOf"] = [*changed.get("allOf", []), *conditions]
    return changed


def _most_specific(error: ValidationError) -> ValidationError:
    """Return the error inside the one member of a union that the value was meant to be, if that is clear."""
    branches: list[list[ValidationError]] = [list(branch) for branch in getattr(error.kind, "context", [])]
    depth = len(error.instance_path)
    # A member of another JSON type was not meant, nor one with another tag.
    meant = [branch for branch in branches if not _has(branch, ("type",), depth)]
    if len(meant) > 1:
        meant = [branch for branch in meant if not _has(branch, _TAG_KINDS, depth + 1)]
    if not meant:
        return error
    best = min(meant, key=len)
    first = min(best, key=lambda inner: inner.kind.name not in _TAG_KINDS)
    return _most_specific(first)


def _has(branch: list[ValidationError], kinds: tuple[str, ...], depth: int) -> bool:
    return any(error.kind.name in kinds and len(error.instance_path) == depth for error in branch)


def _types(error: ValidationError) -> str:
    types: Any = getattr(error.kind, "types", ())
    return " or ".join(map(str, types))


def _limit(error: ValidationError) -> object:
    limit: object = getattr(error.kind, "limit", None)
    return limit


def _tag(instance: object) -> str:
    """Return the tag of an object, for the message about an unknown kind."""
    tag = instance.get("type", instance.get("role")) if is_object(instance) else None
    return f"; its type is {tag[:_LONGEST_WORD]!r}" if isinstance(tag, str) else ""
