"""Files in forms."""

from __future__ import annotations

from typing import Any

from ...load.document import Document
from ...load.schemas import key_of, types_of, within


def mark_files(document: Document) -> None:
    """Mark the strings of bytes in forms with `x-is-file`: in JSON, they are texts.

    OpenAPI 3.0 describes them by the format `binary`, 3.1 by a media type or the encoding `binary`.
    """
    todo: list[Any] = [
        content.get("schema")
        for _, _, operation in document.operations()
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
        if media_type.startswith("multipart/")
    ]
    seen: set[str] = set()
    while todo:
        for _, schema in within(todo.pop(), ""):
            key = key_of(schema)
            if key is not None and key not in seen:
                seen.add(key)
                todo.append(document.schemas[key])
            is_typed = "contentMediaType" in schema and "contentEncoding" not in schema
            is_binary = "binary" in (schema.get("format"), schema.get("contentEncoding"))
            if "string" in types_of(schema) and (is_binary or is_typed):
                is_text = str(schema.get("contentMediaType", "")).startswith(("text/", "application/json"))
                schema["x-is-file"] = "or text" if is_text else True
