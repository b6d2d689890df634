"""The text of a document as JSON data: YAML or JSON, read strictly."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable, Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from .errors import DocumentError
from .pointers import Json

#: YAML's anchors can expand a few lines to billions of values. No real document comes near this many.
MAX_VALUES = 5_000_000

#: The deepest nesting that is read. Real documents stay below half of it.
MAX_DEPTH = 200


def parse(text: str) -> Json:
    """Parse the text of a document.

    Raises:
        DocumentError: The text is neither YAML nor JSON, or its top level is not a mapping.
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
        raise DocumentError("contains a lone surrogate, half of a character") from None
    except (yaml.YAMLError, ValueError) as error:
        raise DocumentError(f"is neither YAML nor JSON: {str(error).partition(chr(10))[0]}") from None
    if not isinstance(data, dict):
        raise DocumentError("is not an OpenAPI document: its top level is not a mapping")
    return data


def nodes_of(text: str) -> Node | None:
    """Return the YAML nodes of a text, which know their lines; `None` if the text can't be composed."""
    try:
        # JSON may be indented with tabs, and YAML may not.
        return yaml.compose(text.replace("\t", " "), Loader=_Loader)
    except (yaml.YAMLError, RecursionError):
        return None


class _Loader(yaml.CSafeLoader):
    """YAML with the types of JSON: `no`, `1:30` and `2023-06-01` are strings, and a repeated key is an error."""

    _depth = 0

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        # Called for each node on the way down. Without a limit, the C parser would exhaust the process's stack.
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
                raise yaml.constructor.ConstructorError(
                    None, None, "a key that is not a string", key.start_mark
                )
            if key.value in seen:
                problem = f"the key {key.value!r} twice in one mapping"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        self.flatten_mapping(node)
        # Keys are strings: many documents write the status code 200 bare.
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


# An explicit `!!binary` or `!!timestamp` is read as its text.
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
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse_constant)
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


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number in JSON")


def _unshared(value: Any, budget: Iterator[int]) -> Any:
    """Copy a value so that no two places share a mapping: a step may then change one place alone."""
    if next(budget, None) is None:
        raise ValueError(f"its anchors expand to more than {MAX_VALUES:,} values")
    if isinstance(value, dict):
        return {key: _unshared(item, budget) for key, item in value.items()}
    if isinstance(value, list):
        return [_unshared(item, budget) for item in value]
    return value
