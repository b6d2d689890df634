"""References of a document: each must resolve, inside the document."""

from __future__ import annotations

from urllib.parse import unquote

from .document import Document
from .errors import DocumentError
from .pointers import is_unread, places, pointer


def check_references(document: Document) -> None:
    """Check that each reference resolves, and decode percent-encoded ones in place.

    Raises:
        DocumentError: A reference does not resolve, leads to itself or to another document.
    """
    for parts, value in places(document.data):
        reference = value.get("$ref")
        if not isinstance(reference, str) or is_unread(parts):
            continue
        place = pointer(*parts, "$ref")
        if "%" in reference and not _resolves(document, reference):
            # A pointer in a URL is percent-encoded, but many documents don't encode theirs.
            reference = value["$ref"] = unquote(reference)
        if not reference.startswith("#"):
            raise DocumentError(
                f"refers to another file: {reference}",
                place=place,
                hint="A revision is read without other files; give a file instead.",
            )
        _follow(document, reference, place)


def _resolves(document: Document, reference: str) -> bool:
    try:
        document.find(reference)
    except LookupError:
        return False
    return True


def _follow(document: Document, reference: str, place: str) -> None:
    """Follow a chain of references to its end."""
    seen = [reference]
    while True:
        try:
            target = document.find(reference) if reference.startswith("#/") else None
        except LookupError:
            target = None
        if target is None:
            raise DocumentError(
                f"refers to {reference}, which does not exist",
                place=place,
                hint="Correct the $ref, or add its target.",
            )
        if not isinstance(target, dict | bool):
            raise DocumentError(f"refers to {reference}, which is not a mapping", place=place)
        if not isinstance(target, dict) or not isinstance(target.get("$ref"), str):
            return
        reference = target["$ref"]
        if reference in seen:
            raise DocumentError(f"refers to itself through {reference}", place=place)
        seen.append(reference)
