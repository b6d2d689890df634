"""Inheritance, as OpenAPI 3.0 documents write it: a base with a discriminator, and heirs composed of the base."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ...load.document import Document
from ...load.pointers import Json
from ...load.schemas import COMPONENT, UNIONS, WORDS, free_key, key_of, members_of, refer, schemas_of


def unfold_inheritance(document: Document) -> None:
    """Write a base with a discriminator as the union of its heirs. The fields of the base go into each heir."""
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
    """Return the union that a base becomes."""
    schema: Json = document.schemas[key]
    union: Json = {word: value for word, value in schema.items() if word in WORDS}
    listed = members_of(schema)
    if listed:
        # It lists its heirs itself.
        return {**union, "oneOf": listed, **_kept(schema, "discriminator")}
    discriminator: Json = schema["discriminator"]
    mapping: dict[str, str] = dict(discriminator.get("mapping") or {})
    members = [*children]
    by_name = {value: target.rpartition("/")[2] for value, target in mapping.items()}
    if not mapping or key in by_name.values():
        # A value may also be the base itself, under its mapped value or its own name.
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
    """Move the discriminator of a composed base out of the part that has its own fields."""
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
    """Give a union of some heirs of one base the discriminator of the base."""
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


def _heirs(document: Document) -> dict[str, list[str]]:
    """Return the components that are composed of each base, directly or through others that are not bases."""
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
    """Return true if a schema represents its heirs: it has a discriminator, or is the union of some heirs as well."""
    if not isinstance(schema, dict) or not ("properties" in schema or "allOf" in schema):
        return False
    members = members_of(schema)
    if members:
        return all(key_of(member) in children for member in members)
    return "discriminator" in schema


def _base(schema: Json) -> Json:
    """Return the fields of a base without its discriminator and union."""
    return {key: deepcopy(value) for key, value in schema.items() if key not in ("discriminator", *UNIONS)}


def _kept(schema: Json, word: str) -> Json:
    return {word: schema[word]} if word in schema else {}


def _unfolded(part: Any, bases: dict[str, Json], seen: frozenset[str] = frozenset()) -> Any:
    """Return a part of `allOf` with the fields of a base in place of the reference to it, which will mean the union."""
    key = key_of(part)
    if key is None or key not in bases or key in seen:
        return part
    base = deepcopy(bases[key])
    if "allOf" in base:
        base["allOf"] = [_unfolded(inner, bases, seen | {key}) for inner in base["allOf"]]
    return base
