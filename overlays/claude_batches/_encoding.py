"""How arguments become the bytes of a request.

Models that were received, instants, and anything that can be iterated over may be in a body; see `encode`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard
from urllib.parse import quote

import attrs
import orjson
from claude_batches_api.body import Body, content_of
from claude_batches_api.model import Model, Unknown, to_json

from ._errors import RequestEncodingError
from ._multipart import multipart
from ._upload import Payload, piece_of

__all__ = ["encode", "encode_body", "encode_query", "is_object"]

# Instants are passed to `_plain`, so that they are written as models write them: with a Z for UTC.
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME


def encode(value: object) -> bytes:
    """JSON of a value.

    Raises:
        RequestEncodingError: Something in it has no JSON: the message names its type.
    """
    try:
        return orjson.dumps(value, _plain, _OPTIONS)
    except TypeError as error:
        # orjson says "Type is not JSON serializable: set", and wraps what _plain raised.
        raise RequestEncodingError(f"it can't be written as JSON: {error.__cause__ or error}") from None


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether something is a JSON object."""
    return isinstance(value, Mapping)


def _plain(value: Any) -> Any:
    if isinstance(value, Model | Unknown):
        return value.to_dict()
    if is_object(value):
        return dict(value)
    if hasattr(value, "to_dict"):
        # Messages of the official SDK, data frames' rows and the like.
        return value.to_dict()
    if hasattr(value, "isoformat"):
        return to_json(value)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return list(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    raise TypeError(f"{type(value).__name__} is not JSON")


def encode_body(body: Body, extra: Mapping[str, object]) -> tuple[str, bytes | Payload]:
    """The `Content-Type` and the body of a request as it is sent, with a user's extra properties.

    Raises:
        RequestEncodingError: It can't be written, or has no properties to add to.
    """
    if extra:
        if body.kind not in ("json", "form", "multipart") or not is_object(body.content):
            raise RequestEncodingError("extra_body adds to an object, and this request's body is none")
        body = attrs.evolve(body, content={**body.content, **extra})
    if body.kind == "json":
        return body.media_type, encode(body.content)
    try:
        if body.kind == "multipart":
            return multipart(body.parts())
        return body.media_type, _written(body)
    except (TypeError, ValueError, OSError) as error:
        raise RequestEncodingError(f"it can't be sent as {body.media_type}: {error}") from error


def _written(body: Body) -> bytes | Payload:
    if body.kind == "form":
        return encode_query(body.pairs()).encode()
    if body.kind == "text":
        return str(body.content).encode()
    piece = piece_of(content_of(body.content))
    return piece if isinstance(piece, bytes) else Payload([piece])


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """A query string, without its question mark."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
