"""What the package will hold, ready to be printed: no template has to think.

The parser's names and this project's types come together here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import Property

from .document import Document, DocumentError, Json, pointer
from .names import MODEL_MEMBERS, USED_BUILTINS, attribute_name, class_name, function_name, method_name, module_name, snake
from .normalise import COMPONENT
from .parse import JSON_LINES, bare, names_of, place_of
from .text import clean, section
from .types import ANY, Component, Direction, PyType, Types, make_components, plain, union_members

#: Arguments that a method has of its own.
_TAKEN = frozenset({"self", "options"})


@dataclass
class Field:
    """A field of a model, or a key of a dict that is sent."""

    name: str
    key: str
    annotation: str
    doc: str
    required: bool
    link: str | None = None


@dataclass
class Definition:
    """A generated type."""

    name: str
    kind: str
    """`model`, `dict`, `union` or `alias`: the template that prints it."""
    doc: str
    type: PyType
    """What it stands for, or, for a model or a dict, what its fields take."""
    fields: list[Field] = field(default_factory=list)

    @property
    def links(self) -> dict[str, str]:
        """The fields that hold more than plain JSON."""
        return {each.name: each.link for each in self.fields if each.link}

    @property
    def keys(self) -> dict[str, str]:
        """The fields with another name on the wire."""
        return {each.name: each.key for each in self.fields if each.name != each.key}


@dataclass
class Module:
    """A file of generated types: one, or several that refer to one another."""

    name: str
    definitions: list[Definition]
    imports: list[str] = field(default_factory=list)
    typing_imports: list[str] = field(default_factory=list)


@dataclass
class Argument:
    """An argument of an endpoint function and of its method."""

    name: str
    key: str
    where: str
    type: PyType
    required: bool
    doc: str
    explode: bool = True
    deep: bool = False

    @property
    def optional_null(self) -> bool:
        """Whether leaving it out and giving `None` are two things: it may be left out of a body, and may be null."""
        return not self.required and self.where == "body" and self.type.nullable

    @property
    def annotation(self) -> str:
        """Its type in a signature."""
        if self.required:
            return self.type.code
        return (self.type | plain("_request.Unset" if self.optional_null else "None")).code

    @property
    def default(self) -> str:
        """Its default, as it is written behind the annotation."""
        if self.required:
            return ""
        return " = _request.unset" if self.optional_null or self.where == "body" else " = None"


@dataclass
class ResponseCase:
    """One documented response."""

    status: str
    kind: str
    media_type: str | None
    type: PyType
    doc: str


@dataclass
class BodyCase:
    """How a body is written: from arguments of its own, or from one that is all of it."""

    kind: str
    media_type: str
    flat: bool


@dataclass
class OperationCase:
    """An operation."""

    name: str
    method: str
    function: str
    constant: str
    http_method: str
    path: str
    doc: str
    arguments: list[Argument]
    body: BodyCase | None
    responses: list[ResponseCase]
    result: PyType
    item: PyType | None
    pagination: Json | None
    secured: bool

    @property
    def positional(self) -> list[Argument]:
        """The path parameters."""
        return [argument for argument in self.arguments if argument.where == "path"]

    @property
    def keywords(self) -> list[Argument]:
        """All other arguments."""
        return [argument for argument in self.arguments if argument.where != "path"]

    @property
    def style(self) -> str:
        """How a client sends it: `page`, `stream` or `send`."""
        if self.pagination:
            return "page"
        return "stream" if any(case.kind == "jsonl" and case.status[0] == "2" for case in self.responses) else "send"


@dataclass
class Resource:
    """A node of the tree of tags: the operations under a tag, and the resources inside it."""

    path: tuple[str, ...]
    class_name: str
    doc: str
    operations: list[OperationCase] = field(default_factory=list)
    children: list[Resource] = field(default_factory=list)

    @property
    def module(self) -> str:
        """The module of its operations."""
        return "_".join(self.path)

    @property
    def attribute(self) -> str:
        """What it is called on the resource above it."""
        return self.path[-1] if self.path else ""

    def walk(self) -> Iterator[Resource]:
        """It, and all inside it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass
class Package:
    """All of it."""

    title: str
    version: str
    doc: str
    models: list[Module]
    params: list[Module]
    root: Resource


def make_package(document: Document, parsed: GeneratorData) -> Package:
    """Bring the parser's names and our types together."""
    components = make_components(document)
    _check_class_names(components)
    _mark_directions(document, components)
    _name_what_is_sent(components)
    types = Types(document, components)
    tree = _tree(document, parsed, Types(document, components, qualified=True))
    return Package(
        title=document.data["info"]["title"],
        version=document.data["info"]["version"],
        doc=clean(document.data["info"].get("description")),
        models=_model_modules(components, types, parsed),
        params=_param_modules(components, types),
        root=tree,
    )


# Components ----------------------------------------------------------------------------------------------------------


def _check_class_names(components: dict[str, Component]) -> None:
    taken: dict[str, str] = {}
    for component in components.values():
        module = module_name(component.name)
        if module in taken:
            raise DocumentError(
                f"schema {component.key!r} has the same name in Python as schema {taken[module]!r}: {component.name}",
                place=pointer("components", "schemas", component.key),
                way_out="Rename one of them.",
            )
        taken[module] = component.key


def _mark_directions(document: Document, components: dict[str, Component]) -> None:
    """Find what is received and what is sent; what no operation reaches is for receiving (a webhook's body, say)."""

    def mark(schema: object, direction: str) -> None:
        for key in _references(schema):
            component = components[key]
            if not getattr(component, direction):
                setattr(component, direction, True)
                mark(component.schema, direction)

    for _, _, operation in document.operations():
        for parameter in operation.get("parameters", []):
            mark(parameter.get("schema"), "sent")
        for content in operation.get("requestBody", {}).get("content", {}).values():
            mark(content.get("schema"), "sent")
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                mark(content.get("schema"), "received")
    for component in components.values():
        if not component.received and not component.sent:
            component.received = True
            mark(component.schema, "received")
    for component in components.values():
        accepted = component.schema.get("x-also-accepts")
        if component.sent and accepted is not None:
            if accepted not in components:
                raise DocumentError(
                    f"x-also-accepts names {accepted!r}, which is no component",
                    place=pointer("components", "schemas", component.key, "x-also-accepts"),
                )
            mark({"$ref": COMPONENT + accepted}, "received")


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(COMPONENT)
        for key, item in value.items():
            if key not in ("example", "examples", "default", "discriminator"):
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _name_what_is_sent(components: dict[str, Component]) -> None:
    """What goes one way keeps its name; of what goes both ways, the dict that is sent is called `...Param`."""
    names = {component.name for component in components.values()}
    for component in components.values():
        component.sent_name = component.name
        if component.received and component.sent:
            candidates = (f"{component.name}{suffix}" for suffix in ("Param", "Input", "ParamInput", "InputParam"))
            component.sent_name = next(name for name in candidates if name not in names)
            names.add(component.sent_name)


def _model_modules(components: dict[str, Component], types: Types, parsed: GeneratorData) -> list[Module]:
    homes = {each.name: module_name(each.name) for each in components.values() if each.received}
    order = {model.name.get_untrusted_value().removeprefix("/components/schemas/"): names_of(model) for model in parsed.models}
    modules = []
    for component in components.values():
        if not component.received:
            continue
        definition = _definition(component, types, Direction.RECEIVED, order.get(component.key))
        module = Module(homes[component.name], [definition], import_lines(definition.type.imports))
        module.typing_imports = [
            f"from .{homes[name]} import {name}" for name in sorted(definition.type.names - {component.name})
        ]
        modules.append(module)
    return modules


def _param_modules(components: dict[str, Component], types: Types) -> list[Module]:
    """Dicts that refer to one another share a module, so that imports never go in circles."""
    sent = {each.sent_name: each for each in components.values() if each.sent}
    definitions = {
        name: _definition(component, types, Direction.SENT, list(component.schema.get("properties") or ()))
        for name, component in sent.items()
    }
    groups = _connected({name: sorted(each.type.names & sent.keys()) for name, each in definitions.items()})
    homes = {name: module_name(min(group)) for group in groups for name in group}
    received = {each.name: each for each in components.values() if each.received}
    modules = []
    for group in groups:
        members = [definitions[name] for name in group]
        imports = {each for member in members for each in member.type.imports}
        names = {name for member in members for name in member.type.names}
        module = Module(homes[group[0]], members, import_lines(imports))
        module.imports += [f"from .{homes[name]} import {name}" for name in sorted(names & sent.keys() - set(group))]
        module.imports += [f"from ..models import {name}" for name in sorted(names & received.keys() - sent.keys())]
        modules.append(module)
    return modules


def _definition(component: Component, types: Types, direction: Direction, order: list[str] | None) -> Definition:
    received = direction is Direction.RECEIVED
    name = component.type_name(direction)
    schema = component.schema
    doc = clean(schema.get("description")) or _fallback_doc(component)
    if component.kind != "object":
        type_ = types.of(schema, direction)
        # To evaluate the alias of received types would import them all, so theirs is for type checkers alone.
        return Definition(name, "union" if received and type_.names else "alias", doc, type_)
    definition = Definition(name, "model" if received else "dict", doc, PyType(()))
    required = set(schema.get("required", ()))
    taken: dict[str, str] = {}
    for key in order or schema["properties"]:
        prop = schema["properties"][key]
        attribute = attribute_name(key, reserved=MODEL_MEMBERS) if received else key
        if attribute in taken:
            raise DocumentError(
                f"properties {taken[attribute]!r} and {key!r} have the same name in Python: {attribute}",
                place=pointer("components", "schemas", component.key, "properties", key),
                way_out="Rename one of them.",
            )
        taken[attribute] = key
        type_ = types.of(prop, direction)
        is_required = key in required
        shown = type_ | plain("None") if received and not is_required and type_ is not ANY else type_
        definition.fields.append(
            Field(attribute, key, shown.code, _field_doc(prop), is_required, type_.link if received else None)
        )
        definition.type |= PyType((), shown.names, shown.imports)
    return definition


def _fallback_doc(component: Component) -> str:
    words = snake(component.name).replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}."


def _field_doc(prop: Json) -> str:
    doc = clean(prop.get("description") if isinstance(prop, dict) else "")
    default = prop.get("default") if isinstance(prop, dict) else None
    if default is not None and "default" not in doc.lower():
        doc = f"{doc} Default: `{default}`.".strip()
    return doc


def import_lines(imports: Iterable[str]) -> list[str]:
    """Import statements for `module.name`s, those of one module together."""
    by_module: dict[str, list[str]] = {}
    for each in imports:
        module, _, name = each.rpartition(".")
        by_module.setdefault(module, []).append(name)
    return [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(by_module.items())]


def _connected(graph: dict[str, list[str]]) -> list[list[str]]:
    """The strongly connected components of a graph (Tarjan's algorithm, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []
    for start in graph:
        if start in index:
            continue
        work = [(start, iter(graph[start]))]
        index[start] = low[start] = len(index)
        stack.append(start)
        while work:
            node, edges = work[-1]
            for target in edges:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    work.append((target, iter(graph[target])))
                    break
                if target in stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    cut = stack.index(node)
                    groups.append([name for name in graph if name in set(stack[cut:])])
                    del stack[cut:]
    return groups


# Operations ----------------------------------------------------------------------------------------------------------


def _tree(document: Document, parsed: GeneratorData, types: Types) -> Resource:
    docs = {tag["name"]: clean(tag.get("description")) for tag in document.data.get("tags", []) if "name" in tag}
    root = Resource((), "Resources", "")
    nodes: dict[tuple[str, ...], Resource] = {(): root}
    places = [pointer("paths", path, method) for path, method, _ in document.operations()]
    for collection in parsed.endpoint_collections_by_tag.values():
        for endpoint in sorted(collection.endpoints, key=lambda each: places.index(each.summary.get_untrusted_value())):
            tag = (document.find(endpoint.summary.get_untrusted_value()).get("tags") or ["default"])[0]
            path = tuple(attribute_name(part) for part in tag.split(".") if part) or ("default",)
            for depth in range(1, len(path) + 1):
                if path[:depth] not in nodes:
                    node = nodes[path[:depth]] = Resource(path[:depth], "", "")
                    nodes[path[: depth - 1]].children.append(node)
            node = nodes[path]
            node.doc = node.doc or docs.get(tag, "")
            node.operations.append(_operation(document, endpoint, path, types))
    lasts = [node.path[-1] for node in nodes.values() if node.path]
    for node in nodes.values():
        if node.path:
            parts = node.path[-1:] if lasts.count(node.path[-1]) == 1 else node.path
            node.class_name = class_name("".join(word.capitalize() for part in parts for word in part.split("_")))
            _check_methods(node, document)
    return root


def _check_methods(node: Resource, document: Document) -> None:
    taken: dict[str, OperationCase] = {}
    for operation in node.operations:
        if operation.method in taken:
            other = taken[operation.method]
            raise DocumentError(
                f"{operation.http_method} {operation.path} and {other.http_method} {other.path} have the same name in "
                f"Python: {operation.name}",
                place=pointer("paths", operation.path, operation.http_method.lower()),
                way_out="Give them operationIds that differ by more than case and punctuation.",
            )
        taken[operation.method] = operation


def _operation(document: Document, endpoint: Endpoint, path: tuple[str, ...], types: Types) -> OperationCase:
    raw: Json = document.find(endpoint.summary.get_untrusted_value())
    _, template, http_method = place_of(endpoint)
    prefix = "_".join(path) + "_"
    plain_name = endpoint.name.removeprefix(prefix) if endpoint.name != prefix else endpoint.name
    arguments = list(_parameters(endpoint, raw, types))
    body, body_arguments = _body(endpoint, raw, types, {argument.name for argument in arguments})
    arguments = sorted([*arguments, *body_arguments], key=lambda each: (each.where != "path", not each.required))
    responses = list(_responses(raw, types))
    success = next((case for case in responses if case.status[0] == "2" or case.status == "default"), None)
    pagination = raw.get("x-pagination")
    operation = OperationCase(
        name=".".join((*path, method_name(plain_name))),
        method=method_name(plain_name),
        function=function_name(plain_name),
        constant=plain_name.upper(),
        http_method=http_method.upper(),
        path=template,
        doc="",
        arguments=arguments,
        body=body,
        responses=responses,
        result=success.type if success else plain("None"),
        item=_item(document, template, http_method, pagination, types) if pagination else None,
        pagination=pagination,
        secured=bool(raw.get("security", document.data.get("security"))),
    )
    operation.doc = _operation_doc(raw, operation, success)
    return operation


def _parameters(endpoint: Endpoint, raw: Json, types: Types) -> Iterator[Argument]:
    """The parameters, under the names that the parser gave them so that they don't clash."""
    by_place: list[tuple[str, list[Property]]] = [
        ("path", endpoint.path_parameters),
        ("query", endpoint.query_parameters),
        ("header", endpoint.header_parameters),
        ("cookie", endpoint.cookie_parameters),
    ]
    for where, properties in by_place:
        for prop in properties:
            key = prop.name.get_untrusted_value()
            parameter = next(each for each in raw["parameters"] if each["name"] == key and each["in"] == where)
            if parameter.get("x-client-header"):
                continue
            schema = parameter.get("schema", {})
            wanted = parameter.get("x-argument-name")
            style = parameter.get("style", "form" if where in ("query", "cookie") else "simple")
            yield Argument(
                name=wanted or attribute_name(str(prop.python_name), reserved=_TAKEN),
                key=key,
                where=where,
                type=types.of(schema, Direction.SENT),
                required=bool(parameter.get("required")) or where == "path",
                doc=clean(parameter.get("description") or schema.get("description")) + _default_doc(schema),
                explode=bool(parameter.get("explode", style == "form")),
                deep=style == "deepObject",
            )


def _default_doc(schema: Json) -> str:
    return f" Default: `{schema['default']}`." if schema.get("default") is not None else ""


_BODY_KINDS = {
    "application/x-www-form-urlencoded": "form",
    "multipart/form-data": "multipart",
}


def _body(endpoint: Endpoint, raw: Json, types: Types, taken: set[str]) -> tuple[BodyCase | None, list[Argument]]:
    """The body, preferably JSON: its properties as arguments of their own where it is an object, else one argument."""
    contents: dict[str, Json] = raw.get("requestBody", {}).get("content", {})
    if not contents:
        return None, []
    ranks = {"json": 0, "form": 1, "multipart": 2, "text": 3, "bytes": 4}
    media_type = min(contents, key=lambda each: ranks[_body_kind(each)])
    kind = _body_kind(media_type)
    schema = contents[media_type].get("schema", {})
    required = bool(raw["requestBody"].get("required"))
    component = types.component(schema["$ref"]) if "$ref" in schema else None
    if component is not None and component.kind == "object" and kind in ("json", "form") and required:
        properties: Json = component.schema["properties"]
        names = {key: attribute_name(key, reserved=_TAKEN) for key in properties}
        if len(set(names.values())) == len(names) and not taken & set(names.values()):
            needed = component.schema.get("required", ())
            arguments = [
                Argument(names[key], key, "body", types.of(prop, Direction.SENT), key in needed, _field_doc(prop))
                for key, prop in properties.items()
            ]
            return BodyCase(kind, media_type, flat=True), sorted(arguments, key=lambda each: not each.required)
    type_ = plain("bytes") if kind == "bytes" else plain("str") if kind == "text" else types.of(schema, Direction.SENT)
    name = "body" if "body" not in taken else "request_body"
    doc = clean(raw["requestBody"].get("description")) or "The body of the request."
    return BodyCase(kind, media_type, flat=False), [Argument(name, "", "body", type_, required, doc)]


def _body_kind(media_type: str) -> str:
    plain_type = bare(media_type)
    if plain_type == "application/json" or plain_type.endswith("+json"):
        return "json"
    if plain_type in _BODY_KINDS:
        return _BODY_KINDS[plain_type]
    return "text" if plain_type.startswith("text/") else "bytes"


def _responses(raw: Json, types: Types) -> Iterator[ResponseCase]:
    """The responses; a status code before a range of them, a range before the default."""
    ordered = sorted(raw["responses"], key=lambda status: (status == "default", status.upper().endswith("XX"), status))
    for status in ordered:
        response = raw["responses"][status]
        contents: dict[str, Json] = response.get("content", {})
        kinds = {media_type: _response_kind(media_type) for media_type in contents}
        media_type = min(kinds, key=lambda each: ("json", "jsonl", "text", "bytes").index(kinds[each]), default=None)
        kind = kinds[media_type] if media_type else "none"
        type_ = {"none": plain("None"), "text": plain("str"), "bytes": plain("bytes")}.get(kind)
        if type_ is None and media_type is not None:
            type_ = types.of(contents[media_type].get("schema"), Direction.RECEIVED)
        yield ResponseCase(status.upper() if status != "default" else status, kind, media_type, type_ or ANY, clean(response.get("description")))


def _response_kind(media_type: str) -> str:
    plain_type = bare(media_type)
    if plain_type in JSON_LINES:
        return "jsonl"
    if plain_type == "application/json" or plain_type.endswith("+json"):
        return "json"
    return "text" if plain_type.startswith("text/") else "bytes"


def _item(document: Document, path: str, method: str, pagination: Json, types: Types) -> PyType:
    """What a paginated operation pages through."""
    place = pointer("paths", path, method, "x-pagination")
    for needed in ("items", "next"):
        if needed not in pagination:
            raise DocumentError(f"x-pagination does not say its `{needed}`", place=place)
    operation = document.resolve(document.find(pointer("paths", path, method)))
    for status, response in sorted(operation["responses"].items()):
        for content in response.get("content", {}).values() if status.startswith("2") else ():
            page = document.resolve(content.get("schema", {}))
            items = document.resolve(page.get("properties", {}).get(pagination["items"], {}))
            if "items" in items:
                _check_cursors(operation, page, pagination, place)
                return types.of(items["items"], Direction.RECEIVED)
    raise DocumentError(
        f"x-pagination says that a page has its items in {pagination['items']!r}, but the response has no such list",
        place=place,
        way_out="Name the property of the response that is the list of items.",
    )


def _check_cursors(operation: Json, page: Json, pagination: Json, place: str) -> None:
    parameters = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
    for direction in ("next", "previous"):
        cursor = pagination.get(direction)
        if cursor is None:
            continue
        if cursor.get("parameter") not in parameters:
            raise DocumentError(
                f"x-pagination goes on by the query parameter {cursor.get('parameter')!r}, which the operation has not",
                place=f"{place}/{direction}",
            )
        if cursor.get("field") not in page.get("properties", {}):
            raise DocumentError(
                f"x-pagination finds its cursor in {cursor.get('field')!r}, which a page has not",
                place=f"{place}/{direction}",
            )


def _operation_doc(raw: Json, operation: OperationCase, success: ResponseCase | None) -> str:
    summary = clean(raw.get("summary"))
    parts = [f"{summary.rstrip('.')}." if summary else "", clean(raw.get("description"))]
    if raw.get("deprecated"):
        parts.append("Deprecated.")
    text = "\n\n".join(part for part in dict.fromkeys(parts) if part) or f"`{operation.http_method} {operation.path}`."
    entries = [(argument.name, argument.doc) for argument in operation.arguments]
    sections = [section("Args", entries)] if entries else []
    if success is not None and success.doc:
        sections.append(section("Returns", [("", success.doc)]).replace("    : ", "    "))
    errors = [(case.status, case.doc) for case in operation.responses if case.status[0] in "45"]
    if errors:
        sections.append(section("Errors", errors))
    return "\n\n".join([text, *sections])


def shielded(code: str, hidden: Collection[str]) -> str:
    """An annotation in a class whose methods hide builtins: `list[int]` in a class with a method `list`."""
    names = "|".join(sorted(USED_BUILTINS.intersection(hidden)))
    if not names:
        return code
    pattern = rf"('[^']*'|\"[^\"]*\")|(?<![\w.])({names})\b"
    return re.sub(pattern, lambda match: match[1] or f"_builtins.{match[2]}", code)
