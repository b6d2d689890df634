"""Read an OpenAPI document, point into it, and refuse a broken one in words that help."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

Json = dict[str, Any]


class DocumentError(Exception):
    """Something in a document that no package can be generated from.

    Args:
        problem: What is wrong.
        place: A JSON pointer to where, `#/paths/~1v1/get`.
        way_out: What its keeper can do.
    """

    def __init__(self, problem: str, *, place: str = "#", way_out: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place
        self.way_out = way_out
        self.document: Document | None = None


def shown(path: Path) -> str:
    """A path as people like to read it: from where they are, if it is below."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(path)


def pointer(*parts: str | int) -> str:
    """The JSON pointer with these parts."""
    return "#" + "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def parts_of(reference: str) -> list[str]:
    """The parts of a JSON pointer: `#/paths/~1v1/get` gives `["paths", "/v1", "get"]`."""
    fragment = reference.partition("#")[2]
    return [re.sub(r"~1|~0", lambda m: "/" if m[0] == "~1" else "~", part) for part in fragment.split("/")[1:]]


class _Loader(yaml.CSafeLoader):
    """YAML as OpenAPI means it, with the types of JSON: `no` and `2023-06-01` are strings; a key twice is an error."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> Json:
        mapping: Json = {}
        for key_node, value_node in node.value:
            # Keys are names: the status code 200 is written bare in many documents.
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key in mapping:
                problem = "a key that is no text" if key is None else f"the key {key!r} twice in one mapping"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            mapping[key] = self.construct_object(value_node, deep=deep)
        return mapping


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false|True|False|TRUE|FALSE)$"), list("tTfF"))


class Document:
    """An OpenAPI document: its data, and where in its file each piece of it stands."""

    def __init__(self, data: Json, text: str, path: Path) -> None:
        self.data = data
        self.path = path
        self._text = text

    @property
    def schemas(self) -> dict[str, Json]:
        """The component schemas by their keys."""
        components: Json = self.data.setdefault("components", {})
        schemas: dict[str, Json] = components.setdefault("schemas", {})
        return schemas

    def find(self, reference: str) -> Any:
        """What a `$ref` points to.

        Raises:
            LookupError: Nothing.
        """
        target: Any = self.data
        for part in parts_of(reference):
            target = target[int(part)] if isinstance(target, list) else target[part]
        return target

    def resolve(self, value: Json) -> Json:
        """`value`, or what it refers to, however many references it takes."""
        while "$ref" in value:
            value = self.find(value["$ref"])
        return value

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        """Every operation, with its path and method, in the order of the document."""
        for path, item in self.data.get("paths", {}).items():
            for method, operation in self.resolve(item).items():
                if method in METHODS:
                    yield path, method, operation

    def describe(self, error: DocumentError) -> str:
        """An error as lines for people: file, line and pointer, what is wrong, and the way out."""
        line = self.line(error.place)
        text = f"{shown(self.path)}:{line}: {error.problem}\n  at {error.place}"
        return f"{text}\n  {error.way_out}" if error.way_out else text

    def line(self, place: str) -> int:
        """The line of the file on which a place of the document, or what is left of its path, begins."""
        node: Node | None = yaml.compose(self._text, Loader=_Loader)
        line = 1
        for part in parts_of(place):
            if isinstance(node, MappingNode):
                found = next(((key, value) for key, value in node.value if str(key.value) == part), None)
            elif isinstance(node, SequenceNode) and part.isdigit() and int(part) < len(node.value):
                found = (node.value[int(part)], node.value[int(part)])
            else:
                found = None
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return line


def load(path: Path) -> Document:
    """Read a document from a YAML or JSON file.

    Raises:
        DocumentError: It can't be read, or it isn't a document to generate from.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"can't be read: {error.strerror}", way_out="Check the path given to --spec.") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"is not UTF-8 text: {error.reason} at byte {error.start}") from None
    try:
        data = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise DocumentError(f"is neither YAML nor JSON: {error.problem or error.context}{where}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError(f"is neither YAML nor JSON: {str(error).partition(chr(10))[0]}") from None
    if not isinstance(data, dict):
        raise DocumentError("holds no OpenAPI document: its top level is no mapping")
    document = Document(data, text, path)
    try:
        _check(document)
    except DocumentError as error:
        error.document = document
        raise
    return document


def places(value: Any, *parts: str | int) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    """Every mapping in a document with the parts of its pointer, outermost first."""
    if isinstance(value, dict):
        yield parts, value
        for key, item in value.items():
            yield from places(item, *parts, key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, *parts, index)


def _check(document: Document) -> None:
    data = document.data
    if "swagger" in data:
        raise DocumentError(
            f"is Swagger {data['swagger']}, which is older than OpenAPI 3",
            place="#/swagger",
            way_out="Convert it to OpenAPI 3 first.",
        )
    version = str(data.get("openapi", ""))
    if not re.match(r"3\.[01]\b", version):
        problem = f"is OpenAPI {version}" if version else "does not say its OpenAPI version"
        raise DocumentError(problem, place="#/openapi", way_out="OpenAPI 3.0 and 3.1 can be generated from.")
    if not isinstance(data.get("info"), dict):
        raise DocumentError("has no `info`", way_out="Add `info` with a `title` and a `version`.")
    if not isinstance(data.get("paths", {}), dict):
        raise DocumentError("has `paths` that are no mapping", place="#/paths")
    _check_references(document)
    _check_operations(document)


def _check_references(document: Document) -> None:
    for parts, value in places(document.data):
        reference = value.get("$ref")
        # Under `properties`, `$ref` may be the name of a property; examples hold anything.
        if not isinstance(reference, str) or "example" in parts or "examples" in parts:
            continue
        place = pointer(*parts, "$ref")
        if not reference.startswith("#"):
            raise DocumentError(
                f"refers to another document: {reference}", place=place, way_out="Bundle the documents into one first."
            )
        try:
            target = document.find(reference)
        except (LookupError, TypeError, ValueError):
            raise DocumentError(
                f"refers to {reference}, which is not there", place=place, way_out="Correct the $ref, or add its target."
            ) from None
        seen = [reference]
        while isinstance(target, dict) and isinstance(target.get("$ref"), str):
            if target["$ref"] in seen:
                raise DocumentError(f"refers to itself by way of {target['$ref']}", place=place)
            seen.append(target["$ref"])
            target = document.find(target["$ref"])


def _check_operations(document: Document) -> None:
    seen: dict[str, str] = {}
    for path, method, operation in document.operations():
        name = operation.get("operationId")
        if name is None:
            continue
        place = pointer("paths", path, method, "operationId")
        if name in seen:
            raise DocumentError(
                f"operationId {name!r} is taken already, at {seen[name]}",
                place=place,
                way_out="Give each operation an id of its own.",
            )
        seen[name] = place
