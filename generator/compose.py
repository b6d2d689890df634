"""`allOf` and what goes with it: a schema composed of others, said as one object or as a union of objects."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from .document import Document, DocumentError, Json
from .names import free_name
from .schemas import COMPONENT, is_object, is_structural, key_of, refer, schemas_of

#: Keywords that talk about a value. Beside a reference they change nothing of its type.
WORDS = ("description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly")
_UNIONS = ("anyOf", "oneOf")


def unfold_inheritance(document: Document) -> None:
    """A base with a discriminator stands for those that are composed of it: it becomes their union.

    That is how OpenAPI 3.0 documents write a hierarchy. The fields of the base are in each of its heirs.
    """
    heirs = _heirs(document)
    bases: dict[str, Json] = {key: _without_discriminator(document.schemas[key]) for key in heirs}
    for children in heirs.values():
        for child in children:
            schema: Json = bases[child] if child in bases else document.schemas[child]
            schema["allOf"] = [_unfolded(part, bases) for part in schema["allOf"]]
    for key, children in heirs.items():
        discriminator: Json = document.schemas[key]["discriminator"]
        mapping: dict[str, str] = dict(discriminator.get("mapping") or {})
        members = [*children]
        by_name = {value: target.rpartition("/")[2] for value, target in mapping.items()}
        if not mapping or key in by_name.values():
            # The base can come as itself as well, under the value that is mapped to it, or else its own name.
            own = free_key(document, f"{key}Base")
            document.schemas[own] = bases[key]
            document.origins[own] = document.place_of(key)
            members.append(own)
            values = [value for value, name in by_name.items() if name == key] or [key]
            mapping |= dict.fromkeys(values, COMPONENT + own)
        words = {word: value for word, value in document.schemas[key].items() if word in WORDS}
        document.schemas[key] = {
            **words,
            "oneOf": [refer(member) for member in members],
            "discriminator": {"propertyName": discriminator["propertyName"], "mapping": mapping},
        }


def merge_all_of(document: Document) -> None:
    """`allOf` composes a schema of others; the model made of it has the fields of all of them."""
    for key, schema in document.schemas.items():
        if "allOf" in schema:
            _merge(document, schema, document.place_of(key), (COMPONENT + key,))
    while todo := [(place, schema) for place, schema in schemas_of(document) if "allOf" in schema]:
        for place, schema in todo:
            if "allOf" in schema:
                _merge(document, schema, place, ())


def drop_limiting_unions(document: Document) -> None:
    """A union of nothing but limits, `anyOf: [{required: [a]}, {required: [b]}]`, makes no difference to a type."""
    for _, schema in schemas_of(document):
        for keyword in _UNIONS:
            if keyword in schema and not any(is_structural(member) for member in schema[keyword]):
                del schema[keyword]


def distribute_fields(document: Document) -> None:
    """An object with fields of its own and a union of further ones is a union of objects with all of them."""
    for place, schema in list(schemas_of(document)):
        unions = [keyword for keyword in _UNIONS if keyword in schema]
        if not unions or not schema.get("properties"):
            continue
        if len(unions) > 1:
            _give_up(document, schema, place, "fields beside both `anyOf` and `oneOf`")
            continue
        members = schema.pop(unions[0])
        kept = {word: schema.pop(word) for word in [*schema] if word in WORDS or word == "discriminator"}
        base = dict(schema)
        schema.clear()
        schema.update(kept)
        schema[unions[0]] = [_with_fields(document, member, base, place) for member in members]


def free_key(document: Document, wanted: str) -> str:
    """A key for a new component: the wanted one, numbered if it is taken."""
    return free_name(wanted, document.schemas, separator="")


def _heirs(document: Document) -> dict[str, list[str]]:
    """The components that are composed of each base with a discriminator."""
    bases = {
        key
        for key, schema in document.schemas.items()
        if isinstance(schema, dict)
        and "discriminator" in schema
        and not any(keyword in schema for keyword in _UNIONS)
        and ("properties" in schema or "allOf" in schema)
    }
    heirs: dict[str, list[str]] = {}
    for key, schema in document.schemas.items():
        for part in schema.get("allOf", ()) if isinstance(schema, dict) else ():
            base = key_of(part)
            if base in bases and base is not None and base != key:
                heirs.setdefault(base, []).append(key)
    return heirs


def _without_discriminator(schema: Json) -> Json:
    return {key: deepcopy(value) for key, value in schema.items() if key != "discriminator"}


def _unfolded(part: Any, bases: dict[str, Json], seen: frozenset[str] = frozenset()) -> Any:
    """A part of `allOf` with the fields of a base in place of a reference to it, which will mean the union."""
    key = key_of(part)
    if key is None or key not in bases or key in seen:
        return part
    base = deepcopy(bases[key])
    if "allOf" in base:
        base["allOf"] = [_unfolded(inner, bases, seen | {key}) for inner in base["allOf"]]
    return base


def _merge(document: Document, schema: Json, place: str, seen: tuple[str, ...]) -> None:
    """Merge the parts of `allOf` into the schema itself; what the schema says on its own wins."""
    parts = [part for part in schema.pop("allOf") if isinstance(part, dict)]
    structural = [part for part in parts if is_structural(part)]
    if len(structural) == 1 and not is_structural(schema):
        # One schema with words about it: it stays a reference, if it was one.
        for part in [*(part for part in parts if part is not structural[0]), structural[0]]:
            schema.update({key: value for key, value in deepcopy(part).items() if key not in schema})
        if "allOf" in schema:
            _merge(document, schema, place, seen)
        return
    merged: Json = {}
    for part in [*parts, dict(schema)]:
        _add(document, merged, _resolved(document, part, place, seen), place)
    schema.update(merged)


def _resolved(document: Document, part: Json, place: str, seen: tuple[str, ...]) -> Json:
    """A copy of a part, with what it refers to and what it is composed of in it."""
    while "$ref" in part:
        key = part["$ref"]
        if key in seen:
            raise DocumentError(
                f"is composed of itself, by way of {key}",
                place=place,
                way_out="Take the schema out of its own allOf.",
            )
        seen = (*seen, key)
        target = document.schemas.get(key.removeprefix(COMPONENT))
        beside = {word: value for word, value in part.items() if word != "$ref"}
        part = {**target, **beside} if isinstance(target, dict) else beside
    copy = deepcopy(part)
    if "allOf" in copy:
        _merge(document, copy, place, seen)
        if "$ref" in copy:
            return _resolved(document, copy, place, seen)
    return copy


def _add(document: Document, merged: Json, part: Json, place: str) -> None:
    """Add a part to what is merged already. The later one wins, field by field."""
    properties = dict(merged.get("properties", {}))
    for name, field in part.pop("properties", {}).items():
        properties[name] = _overridden(properties[name], field) if name in properties else field
    required = _names(merged.pop("required", None), part.pop("required", None))
    for keyword in _UNIONS:
        if keyword in part and any(each in merged for each in _UNIONS) and is_structural(part):
            document.note(place, "is composed of two unions; only the fields of one are known")
            for each in _UNIONS:
                merged.pop(each, None)
    merged.update(part)
    if properties:
        merged["properties"] = properties
    if required:
        merged["required"] = required


def _names(*lists: object) -> list[str]:
    return list(dict.fromkeys(name for each in lists if isinstance(each, list) for name in each))


def _overridden(base: Any, field: Any) -> Any:
    """A field that two parts describe: the later one, where it says what the field is; else the earlier one's type."""
    if not isinstance(field, dict) or not isinstance(base, dict):
        return field
    if not is_structural(field):
        return {**base, **field}
    if is_object(base) and is_object(field):
        merged = {**base, **field, "properties": {**base["properties"], **field["properties"]}}
        required = _names(base.get("required"), field.get("required"))
        return {**merged, "required": required} if required else merged
    words = {word: value for word, value in base.items() if word in WORDS}
    return {**words, **field}


def _with_fields(document: Document, member: Any, base: Json, place: str) -> Any:
    """A member of a union with the fields of an object around the union."""
    if not isinstance(member, dict):
        return member
    resolved = _resolved(document, member, place, ())
    if not resolved.get("properties") and is_structural(resolved) and resolved.get("type") != "object":
        return member
    merged: Json = {}
    for part in (deepcopy(base), resolved):
        _add(document, merged, part, place)
    key = key_of(member)
    # A discriminator may name the member by this key.
    return {**merged, "x-merged-from": key} if key is not None else merged


def _give_up(document: Document, schema: Json, place: str, what: str) -> None:
    document.note(place, f"has {what}, which no type can say; it is typed as Any")
    kept: Iterable[str] = [word for word in schema if word in WORDS]
    words = {word: schema[word] for word in kept}
    schema.clear()
    schema.update(words)
