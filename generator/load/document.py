"""Read an OpenAPI document, point into it, and say things about its places."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

Json = dict[str, Any]

#: YAML's anchors can make a few lines stand for billions. No real document comes near this many values.
MAX_VALUES = 5_000_000

#: Nor is any nested half as deeply as this.
MAX_DEPTH = 200


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


@dataclass(frozen=True)
class Note:
    """Something that the package can't say as the document does, and what it says instead."""

    place: str
    text: str


def shown(path: Path) -> str:
    """A path as people like to read it: from where they are, if it is below."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(path)


def pointer(*parts: str | int) -> str:
    """The JSON pointer with these parts."""
    return below("#", *parts)


def below(place: str, *parts: str | int) -> str:
    """The JSON pointer with these parts behind another one."""
    for part in parts:
        place = f"{place}/{_escaped(part) if isinstance(part, str) else part}"
    return place


@cache
def _escaped(part: str) -> str:
    # Places are made by the million, of a few thousand words.
    return part.replace("~", "~0").replace("/", "~1")


def parts_of(reference: str) -> list[str]:
    """The parts of a JSON pointer: `#/paths/~1v1/get` gives `["paths", "/v1", "get"]`."""
    fragment = reference.partition("#")[2]
    return [part.replace("~1", "/").replace("~0", "~") for part in fragment.split("/")[1:]]


class Document:
    """An OpenAPI document: its data, where in its file each piece of it stands, and what there is to say of it."""

    def __init__(self, data: Json, text: str, path: Path) -> None:
        self.data = data
        self.path = path
        self.notes: list[Note] = []
        self.origins: dict[str, str] = {}
        """Where the component schemas stood that have been moved, by key."""
        self._text = text

    @property
    def schemas(self) -> dict[str, Any]:
        """The component schemas by their keys."""
        components: Json = self.data.setdefault("components", {})
        schemas: dict[str, Any] = components.setdefault("schemas", {})
        return schemas

    def find(self, reference: str, *, seen: frozenset[str] = frozenset()) -> Any:
        """What a `$ref` points to.

        Args:
            reference: A JSON pointer.
            seen: Those that led here.

        Raises:
            LookupError: Nothing.
        """
        if reference in seen:
            raise LookupError(reference)
        target: Any = self.data
        for part in parts_of(reference):
            if isinstance(target, list) and part.isdecimal():
                target = target[int(part)]
            elif isinstance(target, dict):
                # The way may lead through a place that is a reference itself.
                way = target if part in target else self.resolve(target, seen=seen | {reference})
                target = way[part]
            else:
                raise LookupError(reference)
        return target

    def resolve(self, value: Json, *, seen: frozenset[str] = frozenset()) -> Json:
        """`value`, or what it refers to, however many references it takes."""
        while isinstance(value.get("$ref"), str):
            value = self.find(value["$ref"], seen=seen)
        return value

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        """Every operation, with its path and method, in the order of the document."""
        for path, item in self.data.get("paths", {}).items():
            for method, operation in () if path.startswith("x-") else self.resolve(item).items():
                if method in METHODS:
                    yield path, method, operation

    def note(self, place: str, text: str) -> None:
        """Remember to tell the keeper of something that the package can't say as the document does."""
        note = Note(place, text)
        if note not in self.notes:
            self.notes.append(note)

    def place_of(self, key: str, *parts: str | int) -> str:
        """Where a component schema stands in the document as it was written, or a place inside it."""
        return below(self.origins.get(key, pointer("components", "schemas", key)), *parts)

    def describe(self, place: str, problem: str, way_out: str = "") -> str:
        """A problem as lines for people: file, line and pointer, what is wrong, and the way out."""
        lines = [f"{shown(self.path)}:{self.line(place)}: {problem}", f"  at {place}", f"  {way_out}"]
        return "\n".join(lines if way_out else lines[:2])

    def line(self, place: str) -> int:
        """The line of the file on which a place of the document, or what is left of its path, begins."""
        node, line = self._root, 1
        for part in parts_of(place):
            if isinstance(node, MappingNode):
                found = next(((key, value) for key, value in node.value if str(key.value) == part), None)
            elif isinstance(node, SequenceNode) and part.isdecimal() and int(part) < len(node.value):
                found = (node.value[int(part)], node.value[int(part)])
            else:
                found = None
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return line

    @cached_property
    def _root(self) -> Node | None:
        try:
            # JSON may be indented with tabs, and YAML may not.
            return yaml.compose(self._text.replace("\t", " "), Loader=_Loader)
        except (yaml.YAMLError, RecursionError):
            return None


def load(path: Path) -> Document:
    """Read a YAML or JSON file.

    Raises:
        DocumentError: It can't be read, or holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise DocumentError(f"can't be read: {reason}", way_out="Check the path that was given.") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"is not UTF-8 text: {error.reason} at byte {error.start}") from None
    return Document(read_text(text), text, path)


def read_text(text: str) -> Json:
    """The data of a document.

    Raises:
        DocumentError: It is neither YAML nor JSON, or no mapping.
    """
    try:
        data = _parsed(text)
        if _SURROGATE.search(text):
            json.dumps(data, ensure_ascii=False).encode()
        if _ANCHOR.search(text):
            data = _unshared(data, iter(range(MAX_VALUES)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise DocumentError(f"is neither YAML nor JSON: {error.problem or error.context}{where}") from None
    except RecursionError:
        raise DocumentError("is nested too deeply to be read") from None
    except UnicodeEncodeError:
        raise DocumentError("has half of a character in it, a lone surrogate") from None
    except (yaml.YAMLError, ValueError) as error:
        raise DocumentError(f"is neither YAML nor JSON: {str(error).partition(chr(10))[0]}") from None
    if not isinstance(data, dict):
        raise DocumentError("holds no OpenAPI document: its top level is no mapping")
    return data


def places(value: Any, *parts: str | int) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    """Every mapping in a document with the parts of its pointer, outermost first; those in plain data left out."""
    yield from _places(value, parts, names=bool(parts) and parts[-1] in NAMES)


#: Keywords whose values are mappings from names that anybody may choose, such as `default`, to what is named.
NAMES = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "schemas", "responses"}
    | {
        "parameters",
        "requestBodies",
        "headers",
        "pathItems",
        "callbacks",
        "securitySchemes",
        "links",
        "paths",
    }
    | {"webhooks", "content", "encoding"}
)
#: Keywords whose values are data: a `$ref` in there refers to nothing.
_DATA = frozenset({"default", "const", "enum", "example", "examples"})


def _places(
    value: Any, parts: tuple[str | int, ...], *, names: bool
) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    if isinstance(value, dict):
        if not names:
            yield parts, value
        for key, item in value.items():
            if names or (key not in _DATA and not str(key).startswith("x-")):
                yield from _places(item, (*parts, key), names=not names and key in NAMES)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*parts, index), names=False)


class _Loader(yaml.CSafeLoader):
    """YAML with the types of JSON: `no`, `1:30` and `2023-06-01` are strings, and a key twice is an error."""

    _depth = 0

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        # Called for each node on the way down. The parser itself would go on until the stack of the process ends.
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RecursionError
        super().descend_resolver(current_node, current_index)

    def ascend_resolver(self) -> None:
        self._depth -= 1
        super().ascend_resolver()

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key that is no text", key.start_mark)
            if key.value in seen:
                problem = f"the key {key.value!r} twice in one mapping"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        self.flatten_mapping(node)
        # Keys are names: the status code 200 is written bare in many documents.
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


# An explicit `!!binary` or `!!timestamp` is the text that it is written as.
for _tag in ("binary", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", lambda _, node: str(node.value))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in (
    ("bool", r"true|false|True|False|TRUE|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "-+0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_ANCHOR = re.compile(r"[:\-\[,]\s+&[\w.-]")


def _parsed(text: str) -> Any:
    if not text.lstrip().startswith("{"):
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe loader, made stricter
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        # YAML's flow style begins with a brace as well.
        try:
            return yaml.load(text, Loader=_Loader)  # noqa: S506
        except yaml.YAMLError:
            where = f"line {error.lineno}, column {error.colno}"
            raise ValueError(f"{error.msg} at {where}") from None


def _distinct(pairs: Iterable[tuple[str, Any]]) -> Json:
    mapping: Json = {}
    for key, value in pairs:
        if key in mapping:
            raise ValueError(f"the key {key!r} twice in one object")
        mapping[key] = value
    return mapping


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _unshared(value: Any, budget: Iterator[int]) -> Any:
    """A copy in which no two places share one mapping, so that a step can change one and leave the other."""
    if next(budget, None) is None:
        raise ValueError(f"its anchors expand to more than {MAX_VALUES:,} values")
    if isinstance(value, dict):
        return {key: _unshared(item, budget) for key, item in value.items()}
    if isinstance(value, list):
        return [_unshared(item, budget) for item in value]
    return value
