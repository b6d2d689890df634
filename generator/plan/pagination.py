"""Pagination, as the extension `x-pagination` describes it."""

from __future__ import annotations

from ..load.errors import DocumentError
from ..load.pointers import Json, below
from ..organise.components import Direction
from ..organise.operations import NamedOperation
from .annotations import Type
from .context import Context
from .definitions import attributes_of


def pagination_of(context: Context, operation: NamedOperation, pagination: Json) -> tuple[Type, Json]:
    """Return the type of an item, and the pagination in terms of the attributes of a page.

    Raises:
        DocumentError: The extension names a field or a parameter that does not exist.
    """
    place = below(operation.place, "x-pagination")
    if not isinstance(pagination.get("items"), str) or not isinstance(pagination.get("next"), dict):
        raise DocumentError("x-pagination lacks its `items` or its `next`", place=place)
    for status, response in sorted(operation.raw["responses"].items()):
        for content in response.get("content", {}).values() if status.startswith("2") else ():
            page = context.target(content.get("schema"))
            items = context.target(page.get("properties", {}).get(pagination["items"]))
            if "items" in items:
                _check_cursors(operation.raw, page, pagination, place)
                item = context.annotations.of(items["items"], Direction.RECEIVED, place)
                return item, _by_attribute(pagination, attributes_of(page["properties"]))
    raise DocumentError(
        f"x-pagination expects the items of a page in {pagination['items']!r}, but the response has no such list",
        place=place,
        hint="Name the property of the response that is the list of items.",
    )


def _check_cursors(operation: Json, page: Json, pagination: Json, place: str) -> None:
    parameters = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
    for direction in ("next", "previous"):
        cursor = pagination.get(direction)
        if cursor is None:
            continue
        for word, known, missing in (
            ("parameter", parameters, "the operation has no such query parameter"),
            ("field", page.get("properties", {}), "a page has no such field"),
        ):
            found = cursor.get(word) if isinstance(cursor, dict) else None
            if not isinstance(found, str) or found not in known:
                raise DocumentError(
                    f"x-pagination continues by the {word} {found!r}, but {missing}",
                    place=below(place, direction),
                )
    more = pagination.get("more")
    if more is not None and more not in page.get("properties", {}):
        raise DocumentError(
            f"x-pagination expects more pages by the field {more!r}, but a page has no such field",
            place=below(place, "more"),
        )


def _by_attribute(pagination: Json, attributes: dict[str, tuple[str, str]]) -> Json:
    def cursor(direction: str) -> Json | None:
        said = pagination.get(direction)
        return said and {**said, "field": attributes[said["field"]][0]}

    more = pagination.get("more")
    return {
        "items": attributes[pagination["items"]][0],
        "more": more and attributes[more][0],
        "next": cursor("next"),
        "previous": cursor("previous"),
    }
