"""`allOf` and what goes with it: a schema composed of others, said as one object or as a union of objects."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from ...load.document import Document, DocumentError, Json
from ...load.schemas import (
    COMPONENT,
    is_object,
    is_structural,
    key_of,
    members_of,
    refer,
    says_what,
    schemas_of,
)
from ...names import free_name

#: Keywords that talk about a value. Beside a reference they change nothing of its type.
WORDS = ("description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly")
_UNIONS = ("anyOf", "oneOf")


def unfold_inheritance(document: Document) -> None:
    """A base with a discriminator stands for those that are composed of it: it becomes their union.

    That is how OpenAPI 3.0 documents write a hierarchy. The fields of the base are in each of its heirs.
    """
    _lift_discriminators(document)
    heirs = _heirs(document)
    bases: dict[str, Json] = {key: _base(document.schemas[key]) for key in heirs}
    for child in dict.fromkeys(child for children in heirs.values() for child in children):
        schema: Json = bases[child] if child in bases else document.schemas[child]
        schema["allOf"] = [_unfolded(part, bases) for part in schema["allOf"]]
    for key, children in heirs.items():
        document.schemas[key] = _union_of_heirs(document, key, children, bases[key])
    _share_discriminators(document, heirs)


def _union_of_heirs(document: Document, key: str, children: list[str], base: Json) -> Json:
    schema: Json = document.schemas[key]
    union: Json = {word: value for word, value in schema.items() if word in WORDS}
    listed = members_of(schema)
    if listed:
        # It says itself whom it stands for.
        return {**union, "oneOf": listed, **_kept(schema, "discriminator")}
    discriminator: Json = schema["discriminator"]
    mapping: dict[str, str] = dict(discriminator.get("mapping") or {})
    members = [*children]
    by_name = {value: target.rpartition("/")[2] for value, target in mapping.items()}
    if not mapping or key in by_name.values():
        # The base can come as itself as well, under the value that is mapped to it, or else its own name.
        own = free_key(document, f"{key}Base")
        document.schemas[own] = base
        document.origins[own] = document.place_of(key)
        members.append(own)
        values = [value for value, name in by_name.items() if name == key] or [key]
        mapping |= dict.fromkeys(values, COMPONENT + own)
    return {
        **union,
        "oneOf": [refer(member) for member in members],
        "discriminator": {"propertyName": discriminator["propertyName"], "mapping": mapping},
    }


def _lift_discriminators(document: Document) -> None:
    """Where a base is composed itself, its discriminator often stands in the part that has its own fields."""
    for schema in document.schemas.values():
        parts = schema.get("allOf", ()) if isinstance(schema, dict) else ()
        own = [
            part
            for part in parts
            if isinstance(part, dict) and "$ref" not in part and "discriminator" in part
        ]
        if len(own) == 1 and "discriminator" not in schema and not members_of(own[0]):
            schema["discriminator"] = own[0].pop("discriminator")


def _share_discriminators(document: Document, heirs: dict[str, list[str]]) -> None:
    """A union of some heirs of one base is told apart as all of them are."""
    families = [
        ({*children}, document.schemas[base]["discriminator"])
        for base, children in heirs.items()
        if "discriminator" in document.schemas[base]
    ]
    for _, schema in schemas_of(document):
        keys = {key_of(member) for member in members_of(schema)}
        if "discriminator" in schema or len(keys) < 2:
            continue
        shared = next((discriminator for children, discriminator in families if keys <= children), None)
        if shared is not None:
            schema["discriminator"] = deepcopy(shared)


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
    """The components that are composed of each base, be it by way of others that are no bases."""
    direct: dict[str, list[str]] = {}
    for key, schema in document.schemas.items():
        for part in schema.get("allOf", ()) if isinstance(schema, dict) else ():
            base = key_of(part)
            if base is not None and base != key:
                direct.setdefault(base, []).append(key)
    bases = {key for key in direct if _is_base(document.schemas.get(key), direct[key])}
    heirs: dict[str, list[str]] = {}
    for key in document.schemas:
        if key in bases:
            found: dict[str, None] = {}
            todo = direct[key][::-1]
            while todo:
                child = todo.pop()
                if child not in found and child != key:
                    found[child] = None
                    todo += [] if child in bases else direct.get(child, [])[::-1]
            heirs[key] = list(found)
    return heirs


def _is_base(schema: Any, children: list[str]) -> bool:
    """Whether a schema stands for its heirs: it has a discriminator, or is the union of some of them besides."""
    if not isinstance(schema, dict) or not ("properties" in schema or "allOf" in schema):
        return False
    members = members_of(schema)
    if members:
        return all(key_of(member) in children for member in members)
    return "discriminator" in schema


def _base(schema: Json) -> Json:
    """What a base is by itself."""
    return {key: deepcopy(value) for key, value in schema.items() if key not in ("discriminator", *_UNIONS)}


def _kept(schema: Json, word: str) -> Json:
    return {word: schema[word]} if word in schema else {}


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
    structural = [part for part in parts if says_what(part)]
    if len(structural) == 1 and not says_what(schema):
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
        properties = dict(base["properties"])
        for name, inner in field["properties"].items():
            properties[name] = _overridden(properties[name], inner) if name in properties else inner
        merged = {**base, **field, "properties": properties}
        required = _names(base.get("required"), field.get("required"))
        return {**merged, "required": required} if required else merged
    if key_of(base) is not None and is_object(field):
        # It has the fields of both.
        return {"allOf": [base, field]}
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
