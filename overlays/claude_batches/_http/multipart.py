"""`multipart/form-data` bodies (RFC 7578). Only the text around the parts is in memory; files are not."""

from __future__ import annotations

import mimetypes
import secrets
from collections.abc import Iterable

from claude_batches_api.body import Part

from .upload import Payload, Piece, piece_of

__all__ = ["multipart"]


def multipart(parts: Iterable[Part]) -> tuple[str, Payload]:
    """Return the `Content-Type` with its boundary, and the body.

    Raises:
        OSError: A file can't be read.
        TypeError: A part is not a file.
        ValueError: A media type contains characters that a header can't hold.
    """
    boundary = secrets.token_hex(16)
    pieces: list[Piece] = []
    for name, (file_name, content, media_type) in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
        if file_name is not None:
            head += f'; filename="{_quoted(file_name)}"'
            media_type = media_type or mimetypes.guess_type(file_name)[0] or "application/octet-stream"
        if media_type is not None:
            if not media_type.isascii() or not media_type.isprintable():
                raise ValueError(f"{media_type!r} is not a media type")
            head += f"\r\nContent-Type: {media_type}"
        pieces += [f"{head}\r\n\r\n".encode(), piece_of(content), b"\r\n"]
    return f"multipart/form-data; boundary={boundary}", Payload([*pieces, f"--{boundary}--\r\n".encode()])


def _quoted(name: str) -> str:
    """Return a name in the form that browsers write between quotes."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
