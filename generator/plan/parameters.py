"""Parameters as arguments: names, types, and how each is written into a request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

import attrs

from ..load.media_types import kind_of
from ..load.pointers import Json, below
from ..names import attribute_name, told_apart
from ..organise.components import Direction
from ..organise.operations import NamedOperation
from .context import Context
from .package import Argument
from .words import argument_doc

#: Arguments that every method has, those of `RequestOptions` included.
TAKEN = frozenset(
    {"self", "options", "extra_headers", "extra_query", "extra_body", "timeout", "deadline", "max_retries"}
)


def arguments_of(context: Context, operation: NamedOperation) -> list[Argument]:
    """Return an argument for each parameter of an operation."""
    parameters = [each for each in operation.raw["parameters"] if not each.get("x-client-header")]
    wanted = list(zip([each["name"] for each in parameters], _argument_names(parameters), strict=True))
    arguments = []
    for index, (parameter, (name, owner)) in enumerate(zip(parameters, told_apart(wanted), strict=True)):
        place = below(operation.place, "parameters", index)
        if owner != parameter["name"]:
            said = (
                f"parameter {owner!r} has the same name in Python; this is {name}, or its `x-argument-name`"
            )
            context.document.note(place, said)
        arguments.append(_argument(context, parameter, name, place))
    return arguments


def _argument(context: Context, parameter: Json, name: str, place: str) -> Argument:
    where, content = parameter["in"], parameter.get("content")
    holder: Json = next(iter(content.values())) if content else parameter
    schema = holder.get("schema", {})
    style = parameter.get("style", "form" if where in ("query", "cookie") else "simple")
    explode = parameter.get("explode", style in ("form", "deepObject"))
    return Argument(
        name=name,
        key=parameter["name"],
        where=where,
        type=context.annotations.of(schema, Direction.SENT, f"{place}/schema"),
        required=bool(parameter.get("required")) or where == "path",
        doc=argument_doc(context.components, parameter, schema),
        keywords=_keywords(where, style, explode=explode, json=_is_json(content or {})),
    )


def _argument_names(parameters: list[Json]) -> Iterator[str]:
    """Yield the argument of each parameter. Those of one name in several locations end in their location."""
    names = [
        attribute_name(each.get("x-argument-name") or each["name"], reserved=TAKEN) for each in parameters
    ]
    for parameter, name in zip(parameters, names, strict=True):
        locations = {each["in"] for each, other in zip(parameters, names, strict=True) if other == name}
        yield name if len(locations) == 1 else f"{name}_{parameter['in']}"


def _is_json(content: dict[str, Json]) -> bool:
    return any(kind_of(media_type, sent=True) == "json" for media_type in content)


def _keywords(where: str, style: str, *, explode: bool, json: bool) -> dict[str, object]:
    """Return the keywords for the function that writes a parameter, where they differ from its defaults."""
    if json:
        return {"json": True}
    if where == "header":
        return {"explode": True} if explode else {}
    usual = "simple" if where == "path" else "form"
    keywords: dict[str, object] = {} if style == usual else {"style": style}
    if style != "deepObject" and explode != (where != "path"):
        keywords["explode"] = explode
    return keywords


# Paths with a query --------------------------------------------------------------------------------------------


def in_path_order(arguments: list[Argument], template: str, query: str) -> list[Argument]:
    """Return the arguments with those of the path first, in its order.

    A path parameter behind the `?` of a path is a query parameter.
    """
    names = re.findall(r"\{([^{}]+)\}", template)
    in_query = {value.strip("{}"): key for key, value in _pairs(query) if re.fullmatch(r"\{[^{}]+\}", value)}
    path = [each for each in arguments if each.where == "path" and each.key in names]
    path.sort(key=lambda each: names.index(each.key))
    moved = [
        attrs.evolve(each, where="query", key=in_query.get(each.key, each.key), keywords={})
        for each in arguments
        if each.where == "path" and each.key not in names
    ]
    return [*path, *moved, *(each for each in arguments if each.where != "path")]


def fixed_query(query: str) -> list[tuple[str, str]]:
    """Return the constant query parameters of a path."""
    return [
        (name, value) for name, value in _pairs(query) if not re.fullmatch(r"\{[^{}]+\}", f"{value or name}")
    ]


def _pairs(query: str) -> list[tuple[str, str]]:
    pairs = (each.partition("=") for each in query.partition("#")[0].split("&") if each)
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs]
