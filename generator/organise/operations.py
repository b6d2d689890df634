"""The operations of a document, with their names in Python."""

from __future__ import annotations

import attrs

from ..load.document import Document
from ..load.pointers import Json, pointer
from ..names import operation_name


@attrs.define
class NamedOperation:
    """An operation of the document, and its name."""

    path: str
    http_method: str
    raw: Json
    """The operation in the normalised document."""
    name: str
    """Its operationId as a Python name."""

    @property
    def place(self) -> str:
        """Its JSON pointer."""
        return pointer("paths", self.path, self.http_method)


def name_operations(document: Document) -> list[NamedOperation]:
    """Return the operations of a normalised document."""
    return [
        NamedOperation(path, method, raw, operation_name(raw["operationId"]))
        for path, method, raw in document.operations()
    ]
