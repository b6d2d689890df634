"""Let openapi-python-client read the operations.

Its parser gives them Python names. What it knows of types is not used: it has no discriminators, extensions, constants
in unions or names of unions (see docs/generation.md). So it is shown an outline, and annotations.py and links.py read
the schemas themselves.
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

from ..load.document import Document, DocumentError, Json, pointer
from ..names import spelt


@dataclass
class ParsedOperation:
    """What the parser makes of an operation."""

    path: str
    http_method: str
    raw: Json
    """The operation itself, as the normalised document has it."""
    name: str
    """Its operationId as a Python name."""

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
    return [_parsed(operation, found[index]) for index, operation in enumerate(operations)]


def _outline(document: Document, operations: list[tuple[str, str, Json]]) -> Json:
    """The document as the parser gets it: every operation with its parameters, and nothing of their types.

    Its idea of a path and of names is narrower than OpenAPI's (no `?`, no dots, no two that differ in signs alone), so
    each operation gets a path of its own that has its number in it, and each parameter a name that has its own.
    """
    paths: Json = {}
    for index, (_, method, operation) in enumerate(operations):
        parameters = [
            {
                "name": _safe_name(number, parameter),
                "in": parameter["in"],
                "required": parameter["in"] == "path",
                "schema": {"type": "string"},
            }
            for number, parameter in enumerate(operation["parameters"])
        ]
        in_path = [f"{{{each['name']}}}" for each in parameters if each["in"] == "path"]
        paths["/".join([f"/{index}", *in_path])] = {
            method: {
                "operationId": spelt(operation["operationId"]),
                "summary": str(index),
                "tags": operation.get("tags") or ["default"],
                "parameters": parameters,
                "responses": {},
            }
        }
    info = {key: document.data["info"][key] for key in ("title", "version")}
    return {"openapi": document.data["openapi"], "info": info, "paths": paths}


def _safe_name(index: int, parameter: Json) -> str:
    name: str = re.sub(r"\W|^(?=\d)", "_", spelt(parameter["name"]), flags=re.ASCII)
    return f"{name}_{index}"


def _parsed(operation: tuple[str, str, Json], endpoint: Endpoint) -> ParsedOperation:
    path, method, raw = operation
    return ParsedOperation(path, method, raw, str(endpoint.name))


def _refusal(operations: list[tuple[str, str, Json]], error: ParseError) -> DocumentError:
    number = re.search(r" /(\d+)", error.header)
    if number is None:
        return DocumentError(_text(error), place="#/paths")
    path, method, _ = operations[int(number[1])]
    return DocumentError(
        f"{method.upper()} {path}: {' '.join((error.detail or '').split())}",
        place=pointer("paths", path, method),
    )


def _text(error: GeneratorError) -> str:
    words: Iterator[str] = (part.strip() for part in (error.header, error.detail or "") if part)
    return " ".join(" ".join(words).split())
