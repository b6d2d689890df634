"""Images and PDFs, as blocks of a message."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from ._errors import SourceError

__all__ = ["media_block"]


def media_block(path: str | Path, base: Path | None = None) -> dict[str, Any]:
    """Return the content block of a file: an image or a PDF, in base64.

    The kind is determined by the file's first bytes: the API refuses a wrong one, and only at the batch's end.

    Args:
        path: The file.
        base: The folder that a relative path starts from.

    Raises:
        SourceError: The file can't be read, or is of another kind.
    """
    full = Path(path) if base is None else base / path
    try:
        data = full.read_bytes()
    except OSError as error:
        raise SourceError(f"the file {str(full)!r} can't be read: {error.strerror or error}") from None
    kind = _media_type(data)
    if kind is None:
        raise SourceError(f"the file {str(full)!r} is neither JPEG, PNG, GIF, WebP nor PDF")
    source = {"type": "base64", "media_type": kind, "data": base64.b64encode(data).decode("ascii")}
    return {"type": "document" if kind == "application/pdf" else "image", "source": source}


def _media_type(data: bytes) -> str | None:
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    # Readers accept a PDF whose header comes after some junk.
    return "application/pdf" if b"%PDF-" in data[:1024] else None
