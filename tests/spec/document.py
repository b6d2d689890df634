"""Access to the spec for these tests."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
SPEC = ROOT / "spec" / "openapi.yaml"
COMPONENT = "#/components/schemas/"
METHODS = ("get", "put", "post", "delete", "patch")
BATCHES = "messages.batches"
"""The tag of the operations that are compared with published facts. The others follow our own rules alone."""


class _Loader(yaml.CSafeLoader):
    """YAML in which a key that is written twice is an error; PyYAML would let the last one win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Json:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.YAMLError(f"{sorted(twice)} written twice, at {node.start_mark}")
        return super().construct_mapping(node, deep=deep)


@cache
def spec() -> Json:
    return yaml.load(SPEC.read_text(encoding="utf-8"), Loader=_Loader)


def schemas() -> Json:
    return spec()["components"]["schemas"]


def resolve(value: Json) -> Json:
    """Return the target of a `$ref`, or the value itself."""
    while "$ref" in value:
        target: Any = spec()
        for part in value["$ref"].removeprefix("#/").split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            assert part in target, (
                f"{value['$ref']} does not resolve: add it to the spec, or correct the reference"
            )
            target = target[part]
        value = target
    return value


def operations() -> Iterator[tuple[str, str, Json]]:
    """Yield each operation with its path and method; its parameters include those of its path."""
    for path, item in spec()["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                yield path, method, {**item[method], "parameters": parameters}


def batch_operations() -> Iterator[tuple[str, str, Json]]:
    """Yield the operations on batches, each with its path and method."""
    return (found for found in operations() if BATCHES in found[2].get("tags", ()))


def batch_schemas() -> dict[str, Json]:
    """Return the schemas that operations on batches reach, by name."""
    reached = references([operation for _, _, operation in batch_operations()])
    return {name: schema for name, schema in schemas().items() if COMPONENT + name in reached}


def success(operation: Json) -> Json:
    """Return the successful response of an operation."""
    statuses = [status for status in operation["responses"] if status.startswith("2")]
    assert statuses, f'{operation.get("operationId")} needs a response for success, such as `"200"`'
    return resolve(operation["responses"][statuses[0]])


def references(start: Any) -> set[str]:
    """Return all references that a part of the document reaches, directly or not."""
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        for _, value in walk(waiting.pop()):
            for reference in (value.get("$ref"), _also_accepted(value)):
                if isinstance(reference, str) and reference not in reached:
                    reached.add(reference)
                    waiting.append(resolve({"$ref": reference}))
    return reached


def _also_accepted(value: Json) -> str | None:
    """The union that `x-also-accepts` names."""
    return COMPONENT + value["x-also-accepts"] if "x-also-accepts" in value else None


def walk(value: Any, place: str = "#") -> Iterator[tuple[str, Json]]:
    """Yield each mapping of the document with its place, except inside examples."""
    if isinstance(value, dict):
        yield place, value
        for key, inner in value.items():
            # A property may be called `example`; elsewhere the word introduces one.
            if key not in ("example", "examples") or place.endswith("/properties"):
                yield from walk(inner, f"{place}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from walk(inner, f"{place}/{number}")
