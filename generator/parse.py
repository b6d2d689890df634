"""Let openapi-python-client read the document.

Its parser checks the document against OpenAPI, finds the operations of each tag, merges and orders their parameters,
gives all of them Python names that don't clash, and sorts bodies and responses by how they are read. What it knows of
types is not used: it has no discriminators, extensions, constants in unions or names of unions (see
docs/generation.md), so types.py reads the schemas themselves, and the parser is shown an outline of each.
"""

from __future__ import annotations

from pathlib import Path

from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError, ParseError
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty

from .document import Document, DocumentError, Json, parts_of, pointer
from .normalise import COMPONENT, is_object

#: How the bodies of a media type are written and read.
JSON_LINES = frozenset({"application/x-jsonl", "application/jsonl", "application/x-ndjson", "application/ndjson"})
_KNOWN = frozenset(
    {"application/json", "application/octet-stream", "application/x-www-form-urlencoded", "multipart/form-data"}
)


def parse(document: Document) -> GeneratorData:
    """Parse a normalised document.

    Raises:
        DocumentError: The parser would leave something of it out. Nothing is ever left out silently.
    """
    outline = _outline(document)
    config = Config.from_sources(
        ConfigFile(post_hooks=[], literal_enums=True, content_type_overrides=_overrides(document)),
        meta_type=MetaType.NONE,
        document_source=document.path,
        file_encoding="utf-8",
        overwrite=True,
        output_path=Path(),
    )
    data = GeneratorData.from_dict(outline, config=config)
    if isinstance(data, GeneratorError):
        raise DocumentError(_text(data), way_out="The document does not follow OpenAPI; correct it at the place named.")
    for error in data.errors:
        raise DocumentError(_text(error), place=_place(error), way_out="Without this schema others can't be generated.")
    for collection in data.endpoint_collections_by_tag.values():
        for error in collection.parse_errors:
            raise DocumentError(_text(error), place=_operation_place(document, error))
    return data


def place_of(endpoint: Endpoint) -> list[str]:
    """The parts of the pointer to an endpoint's operation, which the outline has in its summary."""
    return parts_of(endpoint.summary.get_untrusted_value())


def names_of(model: ModelProperty) -> list[str]:
    """The properties of a model as the document calls them: the required ones first."""
    properties = [*(model.required_properties or []), *(model.optional_properties or [])]
    return [prop.name.get_untrusted_value() for prop in properties]


def _outline(document: Document) -> Json:
    """The document as the parser gets it: operations and objects whole, the types of their fields left out."""
    paths: Json = {}
    for path, method, operation in document.operations():
        paths.setdefault(path, {})[method] = {
            "operationId": operation.get("operationId"),
            "summary": pointer("paths", path, method),
            "tags": operation.get("tags") or ["default"],
            "parameters": [
                {
                    **{key: parameter[key] for key in ("name", "in", "required", "style", "explode") if key in parameter},
                    "schema": {"type": "string"},
                }
                for parameter in operation.get("parameters", [])
            ],
            "responses": {
                status: {
                    "description": "",
                    "content": {media_type: {"schema": {}} for media_type in response.get("content", {})},
                }
                for status, response in operation["responses"].items()
            },
            **({"requestBody": _body_outline(operation["requestBody"])} if "requestBody" in operation else {}),
        }
        if operation.get("operationId") is None:
            del paths[path][method]["operationId"]
    return {
        "openapi": document.data["openapi"],
        "info": {key: document.data["info"][key] for key in ("title", "version")},
        "paths": paths,
        "components": {
            "schemas": {
                key: {
                    "type": "object",
                    "properties": {name: {} for name in schema["properties"]},
                    "required": [name for name in schema.get("required", []) if name in schema["properties"]],
                }
                for key, schema in document.schemas.items()
                if is_object(schema)
            }
        },
    }


def _body_outline(body: Json) -> Json:
    return {
        "required": body.get("required", False),
        "content": {media_type: {"schema": {}} for media_type in body.get("content", {})},
    }


def _overrides(document: Document) -> dict[str, str]:
    """Media types that the parser doesn't know, each with one that it treats as we do."""
    used = {
        media_type
        for _, _, operation in document.operations()
        for holder in (operation.get("requestBody", {}), *operation["responses"].values())
        for media_type in holder.get("content", {})
    }
    return {
        media_type: "application/json" if bare(media_type) in JSON_LINES else "application/octet-stream"
        for media_type in used
        if bare(media_type) not in _KNOWN and not bare(media_type).endswith("+json")
    }


def bare(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.partition(";")[0].strip().lower()


def _text(error: GeneratorError) -> str:
    words = [part.strip() for part in (error.header, error.detail or "") if part and part.strip()]
    return " ".join(" ".join(words).split())


def _place(error: ParseError) -> str:
    header = error.header.rpartition(" ")[2].strip().rstrip(":")
    return f"#{header}" if header.startswith("/components/") else COMPONENT.rstrip("/")


def _operation_place(document: Document, error: ParseError) -> str:
    for path, method, _ in document.operations():
        if f"{method.upper()} {path} " in error.header:
            return pointer("paths", path, method)
    return "#/paths"
