"""The operations: their arguments, bodies, responses and pages, and the words about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from ..load.document import Document
from ..load.errors import DocumentError
from ..load.pointers import Json, below
from ..load.schemas import key_of
from ..names import attribute_name, free_name, method_name, told_apart
from ..organise.components import Components, Direction, schema_of
from ..organise.operations import NamedOperation
from ..text import clean, section
from .annotations import ANY, CONTENT, NONE, Annotations, Type, joined, plain
from .definitions import attributes_of, described, field_doc
from .links import Links
from .media import FIELDS, kind_of, media_of
from .package import Argument, BodyCase, Media, OperationCase, ResponseCase

#: Arguments that a method has of its own: those of `RequestOptions` among them.
_TAKEN = frozenset(
    {"self", "options", "extra_headers", "extra_query", "extra_body", "timeout", "deadline", "max_retries"}
)


class Operations:
    """Makes the operations.

    Args:
        document: What they are from.
        components: The component schemas.
    """

    def __init__(self, document: Document, components: Components) -> None:
        self._document = document
        self._components = components
        # In a module with functions, and in a class with methods, of any name.
        self._annotations = Annotations(document, components, qualified=True)
        self._links = Links(document, components)

    def operation(self, parsed: NamedOperation, path: tuple[str, ...]) -> OperationCase:
        """An operation of the resource with this path."""
        raw = parsed.raw
        parameters = list(self._parameters(parsed))
        body, from_body = self._body(parsed, {argument.name for argument in parameters})
        responses = list(self._responses(parsed))
        pagination: Json | None = raw.get("x-pagination")
        template, _, query = parsed.path.partition("?")
        operation = OperationCase(
            resource=path,
            method=_method(parsed.name, path),
            http_method=parsed.http_method.upper(),
            path=template.partition("#")[0],
            place=parsed.place,
            doc="",
            arguments=_in_path_order(parameters, template, query) + from_body,
            body=body,
            responses=responses,
            result=_result(responses),
            item=None,
            pagination=None,
            # An alternative that asks for nothing is an empty one.
            secured=any(raw.get("security", self._document.data.get("security")) or ()),
            fixed_query=_fixed_query(query),
        )
        if pagination:
            operation.item, operation.pagination = self._paging(parsed, pagination)
        operation.doc = _doc(raw, operation)
        return operation

    # Parameters -----------------------------------------------------------------------------------------------

    def _parameters(self, parsed: NamedOperation) -> Iterator[Argument]:
        parameters = [each for each in parsed.raw["parameters"] if not each.get("x-client-header")]
        wanted = list(zip([each["name"] for each in parameters], _argument_names(parameters), strict=True))
        for index, (parameter, (name, owner)) in enumerate(zip(parameters, told_apart(wanted), strict=True)):
            place = below(parsed.place, "parameters", index)
            if owner != parameter["name"]:
                said = f"parameter {owner!r} has the same name in Python; this is {name}, or its `x-argument-name`"
                self._document.note(place, said)
            yield self._argument(parameter, name, place)

    def _argument(self, parameter: Json, name: str, place: str) -> Argument:
        where, content = parameter["in"], parameter.get("content")
        holder: Json = next(iter(content.values())) if content else parameter
        schema = holder.get("schema", {})
        style = parameter.get("style", "form" if where in ("query", "cookie") else "simple")
        explode = parameter.get("explode", style in ("form", "deepObject"))
        return Argument(
            name=name,
            key=parameter["name"],
            where=where,
            type=self._annotations.of(schema, Direction.SENT, f"{place}/schema"),
            required=bool(parameter.get("required")) or where == "path",
            doc=described(clean(parameter.get("description")) or _words(schema), schema),
            keywords=_written(where, style, explode=explode, json=_is_json(content or {})),
        )

    # Bodies ---------------------------------------------------------------------------------------------------

    def _body(self, parsed: NamedOperation, taken: set[str]) -> tuple[BodyCase | None, list[Argument]]:
        """The body: its properties as arguments of their own where it is an object, else one argument."""
        raw = parsed.raw.get("requestBody", {})
        contents: dict[str, Json] = raw.get("content", {})
        if not contents:
            return None, []
        place = below(parsed.place, "requestBody")
        media = media_of(contents, sent=True)
        first, required = media[0], bool(raw.get("required"))
        if required and first.kind in FIELDS:
            arguments = self._flat(first.schema, place, taken)
            if arguments is not None:
                same = [each for each in media if each.kind in FIELDS and each.schema == first.schema]
                self._mark_files(same)
                others = [each.type for each in media if each not in same]
                if others:
                    sent = " or ".join(each.type for each in same)
                    self._document.note(place, f"only {sent} is sent, not {', '.join(others)}")
                names = taken | {each.name for each in arguments}
                return BodyCase(same, flat=True), [*arguments, *_choice(same, names)]
        type_ = joined(self._sent(each, place) for each in media)
        name = free_name("request_body" if "body" in taken else "body", taken)
        doc = clean(raw.get("description")) or "The body of the request."
        nullable = any(each.kind == "json" and self._annotations.is_nullable(each.schema) for each in media)
        whole = Argument(name, "", "body", type_, required, doc, nullable=nullable)
        arguments = [whole, *_choice(media, taken | {name})]
        return BodyCase(media, flat=False), arguments

    def _mark_files(self, media: list[Media]) -> None:
        """Have a form refuse what is no file where one is wanted: a path in a text would be sent as that text."""
        for each in media:
            body = schema_of(self._components, each.schema) if each.kind == "multipart" else {}
            for key, prop in self._target(body).get("properties", {}).items():
                item = prop.get("items", prop) if isinstance(prop, dict) else prop
                if isinstance(item, dict) and item.get("x-is-file") is True:
                    each.encoding.setdefault(key, {})["file"] = True

    def _sent(self, media: Media, place: str) -> Type:
        """What a caller gives for a body of a media type."""
        if media.kind in ("bytes", "text"):
            return CONTENT if media.kind == "bytes" else plain("str")
        return self._annotations.of(media.schema, Direction.SENT, f"{place}/schema")

    def _flat(self, schema: Any, place: str, taken: set[str]) -> list[Argument] | None:
        """An argument for each property of a body; `None` where it is no object, or their names would clash."""
        target = schema_of(self._components, schema)
        component = self._components.get(key_of(target) or "")
        if component is None or component.kind != "object":
            return None
        properties: Json = component.schema["properties"]
        required = component.schema.get("required", ())
        arguments = []
        for key, prop in properties.items():
            wanted = prop.get("x-attribute-name") if isinstance(prop, dict) else None
            name = attribute_name(wanted or key, reserved=_TAKEN)
            if name in taken:
                return None
            taken = taken | {name}
            type_ = self._annotations.of(prop, Direction.SENT, f"{place}/{key}")
            nullable = self._annotations.is_nullable(prop) or type_.codes == ANY.codes
            needed = key in required and not (isinstance(prop, dict) and prop.get("readOnly"))
            arguments.append(Argument(name, key, "body", type_, needed, field_doc(prop), nullable=nullable))
        return sorted(arguments, key=lambda each: not each.required)

    # Responses ------------------------------------------------------------------------------------------------

    def _responses(self, parsed: NamedOperation) -> Iterator[ResponseCase]:
        """The responses; a status code before a range of them, a range before the default."""
        raw: Json = parsed.raw["responses"]
        for status in sorted(raw, key=lambda each: (each == "default", each.upper().endswith("XX"), each)):
            doc = clean(raw[status].get("description"))
            place = below(parsed.place, "responses", status)
            shown = status if status == "default" else status.upper()
            contents: dict[str, Json] = raw[status].get("content", {})
            if not contents:
                yield ResponseCase(shown, "none", None, NONE, None, doc)
                continue
            for media in media_of(contents, sent=False):
                if media.kind in ("text", "bytes"):
                    type_ = plain("str" if media.kind == "text" else "bytes")
                    yield ResponseCase(shown, media.kind, media.type, type_, None, doc)
                    continue
                schema = self._line(media.schema) if media.kind == "jsonl" else media.schema
                type_ = self._annotations.of(schema, Direction.RECEIVED, f"{place}/schema")
                link = self._links.of(schema)
                plain_too = link is not None and self._annotations.is_partly_plain(schema)
                yield ResponseCase(shown, media.kind, media.type, type_, link, doc, plain_too)

    def _line(self, schema: Any) -> Any:
        """What a line of JSON Lines is: some describe all of them, as a list."""
        whole = self._target(schema)
        return whole["items"] if whole.get("type") == "array" and "items" in whole else schema

    # Pages ----------------------------------------------------------------------------------------------------

    def _paging(self, parsed: NamedOperation, pagination: Json) -> tuple[Type, Json]:
        """What a paginated operation pages through, and how, by the attributes of a page."""
        place = below(parsed.place, "x-pagination")
        if not isinstance(pagination.get("items"), str) or not isinstance(pagination.get("next"), dict):
            raise DocumentError("x-pagination does not say its `items` and its `next`", place=place)
        for status, response in sorted(parsed.raw["responses"].items()):
            for content in response.get("content", {}).values() if status.startswith("2") else ():
                page = self._target(content.get("schema"))
                items = self._target(page.get("properties", {}).get(pagination["items"]))
                if "items" in items:
                    _check_cursors(parsed.raw, page, pagination, place)
                    item = self._annotations.of(items["items"], Direction.RECEIVED, place)
                    return item, _by_attribute(pagination, attributes_of(page["properties"]))
        raise DocumentError(
            f"x-pagination finds the items of a page in {pagination['items']!r}, but the response has no such list",
            place=place,
            hint="Name the property of the response that is the list of items.",
        )

    def _target(self, schema: Any) -> Json:
        return self._document.resolve(schema) if isinstance(schema, dict) else {}


def _check_cursors(operation: Json, page: Json, pagination: Json, place: str) -> None:
    parameters = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
    for direction in ("next", "previous"):
        cursor = pagination.get(direction)
        if cursor is None:
            continue
        for word, known, what in (
            ("parameter", parameters, "the operation has no such query parameter"),
            ("field", page.get("properties", {}), "a page has no such field"),
        ):
            found = cursor.get(word) if isinstance(cursor, dict) else None
            if not isinstance(found, str) or found not in known:
                raise DocumentError(
                    f"x-pagination goes on by the {word} {found!r}, but {what}", place=below(place, direction)
                )
    more = pagination.get("more")
    if more is not None and more not in page.get("properties", {}):
        raise DocumentError(
            f"x-pagination asks the field {more!r} for more, but a page has no such field",
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


def _method(name: str, path: tuple[str, ...]) -> str:
    """The method of an operation: its id without the tag that it begins with."""
    short = name.removeprefix("_".join(path) + "_")
    return method_name(short if short.isidentifier() else name)


def _argument_names(parameters: list[Json]) -> Iterator[str]:
    """The argument for each parameter; of one name in several places, with its place behind it."""
    names = [
        attribute_name(each.get("x-argument-name") or each["name"], reserved=_TAKEN) for each in parameters
    ]
    for parameter, name in zip(parameters, names, strict=True):
        places = {each["in"] for each, other in zip(parameters, names, strict=True) if other == name}
        yield name if len(places) == 1 else f"{name}_{parameter['in']}"


def _is_json(content: dict[str, Json]) -> bool:
    return any(kind_of(media_type, sent=True) == "json" for media_type in content)


def _words(schema: Any) -> str:
    return clean(schema.get("description")) if isinstance(schema, dict) else ""


def _in_path_order(arguments: list[Argument], template: str, query: str) -> list[Argument]:
    """Path parameters in the order of the path; one that stands behind its `?` is a query parameter."""
    names = re.findall(r"\{([^{}]+)\}", template)
    in_query = {value.strip("{}"): key for key, value in _pairs(query) if re.fullmatch(r"\{[^{}]+\}", value)}
    path = [each for each in arguments if each.where == "path" and each.key in names]
    path.sort(key=lambda each: names.index(each.key))
    moved = [
        replace(each, where="query", key=in_query.get(each.key, each.key), keywords={})
        for each in arguments
        if each.where == "path" and each.key not in names
    ]
    return [*path, *moved, *(each for each in arguments if each.where != "path")]


def _pairs(query: str) -> list[tuple[str, str]]:
    pairs = (each.partition("=") for each in query.partition("#")[0].split("&") if each)
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs]


def _fixed_query(query: str) -> list[tuple[str, str]]:
    return [
        (name, value) for name, value in _pairs(query) if not re.fullmatch(r"\{[^{}]+\}", f"{value or name}")
    ]


def _written(where: str, style: str, *, explode: bool, json: bool) -> dict[str, object]:
    """What the function that writes a parameter is told: only what is not usual for its place."""
    if json:
        return {"json": True}
    if where == "header":
        return {"explode": True} if explode else {}
    usual = "simple" if where == "path" else "form"
    keywords: dict[str, object] = {} if style == usual else {"style": style}
    if style != "deepObject" and explode != (where != "path"):
        keywords["explode"] = explode
    return keywords


def _choice(media: list[Media], taken: set[str]) -> list[Argument]:
    """The argument that says what a body is sent as, where there is a choice."""
    if len(media) == 1:
        return []
    type_ = plain(f"Literal[{', '.join(repr(each.type) for each in media)}]", "typing.Literal")
    doc = f"What to send the body as. Default: `{media[0].type}`."
    name = free_name("content_type", taken)
    return [Argument(name, "", "media", type_, required=False, doc=doc, initial=media[0].type)]


def _asked_for(responses: list[ResponseCase]) -> Iterator[ResponseCase]:
    """The responses of a call that went well, each as the media type that is asked for."""
    good = [case for case in responses if case.is_success]
    good = good or [case for case in responses if case.status == "default"]
    by_status: dict[str, ResponseCase] = {}
    for case in good:
        by_status.setdefault(case.status, case)
    yield from by_status.values()


def _result(responses: list[ResponseCase]) -> Type:
    """What a call that went well gives."""
    types = [case.type for case in _asked_for(responses)]
    return joined(types) if types else NONE


def _doc(raw: Json, operation: OperationCase) -> str:
    summary, description = clean(raw.get("summary")), clean(raw.get("description"))
    # Some documents say it twice.
    if summary and description.startswith(summary):
        summary = ""
    said = [part for part in (_sentence(summary), description) if part]
    said = said or [f"`{operation.http_method} {operation.path}`."]
    text = "\n\n".join([*said, *["Deprecated."] * bool(raw.get("deprecated"))])
    arguments = [*operation.positional, *operation.keywords]
    sections = [section("Args", [(each.name, each.doc) for each in arguments])] if arguments else []
    returns = _returns(operation)
    if returns:
        sections.append(section("Returns", [("", returns)]))
    errors = {case.status: case.doc for case in operation.responses if case.status[0] in "45"}
    if errors:
        sections.append(section("Errors", list(errors.items())))
    return "\n\n".join([text, *sections])


def _returns(operation: OperationCase) -> str:
    """The words about what a call that went well gives, and what it can be asked to give instead."""
    responses = operation.responses
    asked_for = list(_asked_for(responses))
    others = [
        f"`{case.media_type}`"
        for case in responses
        if case not in asked_for and case.status in {each.status for each in asked_for}
    ]
    doc = next((case.doc for case in responses if case.is_success), "")
    if others and operation.style == "send":
        choice = f"With another `Accept` among `extra_headers` it comes as {', '.join(others)}."
        doc = f"{_sentence(doc)} {choice}".strip()
    return doc


def _sentence(text: str) -> str:
    return f"{text}." if text and not text.endswith((".", "!", "?")) else text
