"""Let openapi-python-client read the operations.

Its parser checks them against OpenAPI, sorts them by tag, and gives them and their parameters Python names that don't
clash. What it knows of types is not used: it has no discriminators, extensions, constants in unions or names of unions
(see docs/generation.md). So it is shown an outline, and annotations.py and links.py read the schemas themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError, ParseError
from openapi_python_client.parser.openapi import Endpoint

from .document import Document, DocumentError, Json, pointer
from .names import spelt


@dataclass
class ParsedOperation:
    """What the parser makes of an operation."""

    path: str
    http_method: str
    raw: Json
    """The operation itself, as the normalised document has it."""
    name: str
    """Its operationId as a Python name."""
    arguments: dict[tuple[str, str], str]
    """The Python names of its parameters, by where they go and what they are called."""

    @property
    def place(self) -> str:
        """Where it stands."""
        return pointer("paths", self.path, self.http_method)


def parse(document: Document) -> list[ParsedOperation]:
    """Parse the operations of a normalised document.

    Raises:
        DocumentError: The parser would leave something of it out. Nothing is ever left out silently.
    """
    operations = list(document.operations())
    config = Config.from_sources(
        ConfigFile(post_hooks=[]),
        meta_type=MetaType.NONE,
        document_source=document.path,
        file_encoding="utf-8",
        overwrite=True,
        output_path=Path(),
    )
    data = GeneratorData.from_dict(_outline(document, operations), config=config)
    if isinstance(data, GeneratorError):
        raise DocumentError(
            _text(data), way_out="The document does not follow OpenAPI; correct the place named."
        )
    for collection in data.endpoint_collections_by_tag.values():
        for error in collection.parse_errors:
            raise _refusal(operations, error)
    found = {
        int(endpoint.summary.get_untrusted_value()): endpoint
        for collection in data.endpoint_collections_by_tag.values()
        for endpoint in collection.endpoints
    }
    return [
        _parsed(operation, found[index], _safe_names(operation[2]))
        for index, operation in enumerate(operations)
    ]


def _outline(document: Document, operations: list[tuple[str, str, Json]]) -> Json:
    """The document as the parser gets it: every operation with its parameters, and nothing of their types.

    Its idea of a path is narrower than OpenAPI's (no `?`, no dots in names, no parameter twice), so each operation
    gets a path of its own that has its number in it, and the names of its parameters in a form that it takes.
    """
    paths: Json = {}
    for index, (_, method, operation) in enumerate(operations):
        safe = _safe_names(operation)
        in_path = [name for where, name in safe if where == "path"]
        paths["/".join([f"/{index}", *(f"{{{name}}}" for name in in_path)])] = {
            method: {
                "operationId": operation["operationId"],
                "summary": str(index),
                "tags": operation.get("tags") or ["default"],
                "parameters": [
                    {"name": name, "in": where, "required": where == "path", "schema": {"type": "string"}}
                    for where, name in safe
                ],
                "responses": {},
            }
        }
    info = {key: document.data["info"][key] for key in ("title", "version")}
    return {"openapi": document.data["openapi"], "info": info, "paths": paths}


def _safe_names(operation: Json) -> dict[tuple[str, str], tuple[str, str]]:
    """Each parameter by its place and a name that the parser takes in a path: its own, as far as possible."""
    names: dict[tuple[str, str], tuple[str, str]] = {}
    taken: set[tuple[str, str]] = set()
    for parameter in operation["parameters"]:
        where = parameter["in"]
        wanted = parameter.get("x-argument-name") or spelt(parameter["name"])
        name = wanted if where != "path" else re.sub(r"[^a-zA-Z0-9_-]|^(?=\d)", "_", wanted)
        number = 2
        # Where two differ in nothing but signs, the parser gives up.
        while (where, re.sub(r"\W", "", name)) in taken:
            name, number = f"{wanted}_{number}", number + 1
        taken.add((where, re.sub(r"\W", "", name)))
        names[where, name] = (where, parameter["name"])
    return names


def _parsed(
    operation: tuple[str, str, Json], endpoint: Endpoint, safe: dict[tuple[str, str], tuple[str, str]]
) -> ParsedOperation:
    path, method, raw = operation
    by_place = {
        "path": endpoint.path_parameters,
        "query": endpoint.query_parameters,
        "header": endpoint.header_parameters,
        "cookie": endpoint.cookie_parameters,
    }
    arguments = {
        safe[where, prop.name.get_untrusted_value()]: str(prop.python_name)
        for where, properties in by_place.items()
        for prop in properties
    }
    return ParsedOperation(path, method, raw, str(endpoint.name), arguments)


def _refusal(operations: list[tuple[str, str, Json]], error: ParseError) -> DocumentError:
    number = re.search(r" /(\d+)", error.header)
    if number is None:
        return DocumentError(_text(error), place="#/paths")
    path, method, _ = operations[int(number[1])]
    return DocumentError(
        f"{method.upper()} {path}: {' '.join((error.detail or '').split())}",
        place=pointer("paths", path, method, "parameters"),
        way_out="Give one of the parameters another name in Python with `x-argument-name`.",
    )


def _text(error: GeneratorError) -> str:
    words: Iterator[str] = (part.strip() for part in (error.header, error.detail or "") if part)
    return " ".join(" ".join(words).split())
