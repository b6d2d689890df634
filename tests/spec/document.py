"""The spec as these tests read it."""

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
    """What a `$ref` points to, or the value itself."""
    while "$ref" in value:
        target: Any = spec()
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def operations() -> Iterator[tuple[str, str, Json]]:
    """Each operation with its path and method."""
    for path, item in spec()["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def walk(value: Any, place: str = "#") -> Iterator[tuple[str, Json]]:
    """Each mapping of the document with the place where it stands, but for what an `example` shows."""
    if isinstance(value, dict):
        yield place, value
        for key, inner in value.items():
            # A property may be called `example`; elsewhere the word introduces one.
            if key != "example" or place.endswith("/properties"):
                yield from walk(inner, f"{place}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from walk(inner, f"{place}/{number}")
