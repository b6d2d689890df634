"""A form with files as `multipart/form-data` (RFC 7578): what stands around the parts is in memory, files are not."""

from __future__ import annotations

import mimetypes
import secrets
from collections.abc import Iterable

from claude_batches_api.body import Part

from ._upload import Payload, Piece, piece_of

__all__ = ["multipart"]


def multipart(parts: Iterable[Part]) -> tuple[str, Payload]:
    """The `Content-Type`, with its boundary, and the body.

    Raises:
        OSError: A file can't be read.
        TypeError: It isn't one.
        ValueError: A media type has characters in it that no header can have.
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
                raise ValueError(f"{media_type!r} is no media type")
            head += f"\r\nContent-Type: {media_type}"
        pieces += [f"{head}\r\n\r\n".encode(), piece_of(content), b"\r\n"]
    return f"multipart/form-data; boundary={boundary}", Payload([*pieces, f"--{boundary}--\r\n".encode()])


def _quoted(name: str) -> str:
    """A name as browsers write it between quotes."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
