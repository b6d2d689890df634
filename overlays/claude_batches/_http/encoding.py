"""Encoding of arguments into the bytes of a request.

Bodies may contain received models, instants, tuples, sets and generators, and files where the API expects base64; see
`encode`.
"""

from __future__ import annotations

import base64
import math
import numbers
from collections.abc import Iterable, Iterator, Mapping
from io import IOBase, TextIOBase
from os import PathLike
from pathlib import Path
from typing import Any, TypeGuard, cast
from urllib.parse import quote

import attrs
import orjson
from claude_batches_api.body import Body, content_of
from claude_batches_api.model import Model, Unknown, to_json

from .._errors import RequestEncodingError
from .multipart import multipart
from .upload import Payload, piece_of

__all__ = [
    "NULL",
    "OPTIONS",
    "encode",
    "encode_body",
    "encode_query",
    "is_object",
    "non_finite",
    "plain",
    "unencodable",
]

# Instants go through `plain`, which writes UTC as Z, as models do.
OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME

#: What orjson writes for NaN and infinities. Found with `rfind`, which takes half of the time of a regular expression
#: and a third of the time of `in`: this stops at each l.
NULL = b"null"

_BYTES: Any = (bytes, bytearray, memoryview)


def encode(value: object) -> bytes:
    """Encode a value as JSON.

    Raises:
        RequestEncodingError: A part of it has no JSON form. The message names its path and type.
    """
    problem: str | None
    try:
        encoded = orjson.dumps(value, plain, OPTIONS)
    except (TypeError, OSError) as error:
        encoded, problem = b"", unencodable(value, error)
    else:
        problem = non_finite(value) if encoded.rfind(NULL) >= 0 else None
    if problem is not None:
        raise RequestEncodingError(problem)
    return encoded


def unencodable(value: object, error: TypeError | OSError) -> str:
    """Return what is wrong with a value that orjson refused with an error."""
    # orjson wraps the exception that `plain` raised.
    reason = f"a file can't be read ({error})" if isinstance(error, OSError) else error.__cause__ or error
    return f"{_at(_unencodable(value, '') or '')}it can't be written as JSON: {reason}"


def non_finite(value: object) -> str | None:
    """Return what is wrong with a value that holds NaN or an infinity, and `None` for another.

    orjson writes those as null. A text without null can't hold one, so most requests are not walked.
    """
    path = _non_finite(value, "")
    return None if path is None else f"{_at(path)}a number is NaN or infinite, which JSON can't express"


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Return true for a JSON object."""
    # The test of an abstract class takes three times as long, and a batch has 100,000 requests.
    return type(value) is dict or isinstance(value, Mapping)


def _at(path: str) -> str:
    return f"{path}: " if path else ""


def plain(value: Any) -> Any:
    """Convert a value that orjson does not know.

    Raises:
        TypeError: The value has no JSON form.
    """
    if isinstance(value, Model | Unknown):
        return value.to_dict()
    if is_object(value):
        return dict(value)
    if hasattr(value, "to_dict"):
        # Messages of the official SDK, rows of data frames and the like.
        return value.to_dict()
    if hasattr(value, "isoformat"):
        return to_json(value)
    if isinstance(value, PathLike):
        return _base64(Path(cast("PathLike[str]", value)).read_bytes())
    if isinstance(value, IOBase) or hasattr(value, "read"):
        return _base64_of_file(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if not isinstance(value, _BYTES) and hasattr(value, "__iter__"):
        items: list[Any] = list(value)
        # A generator can't be walked again by `encode`.
        if hasattr(value, "__next__") and _non_finite(items, "") is not None:
            raise TypeError("a number is NaN or infinite, which JSON can't express")
        return items
    raise TypeError(f"{type(value).__name__} is not JSON")


def _base64_of_file(file: Any) -> str:
    if isinstance(file, TextIOBase):
        raise TypeError("the file is open for text; open it with 'rb'")
    content = cast("object", file.read())
    if not isinstance(content, bytes):
        raise TypeError(f"reading the file returns {type(content).__name__}, not bytes; open it with 'rb'")
    return _base64(content)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    """Return the parts of a value with their relative paths."""
    if isinstance(value, Model | Unknown):
        value = value.to_dict()
    if is_object(value):
        yield from ((f".{key}", item) for key, item in value.items())
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((f"[{index}]", item) for index, item in enumerate(cast("Iterable[Any]", value)))
    elif hasattr(value, "to_dict"):
        yield "", value.to_dict()


def _non_finite(value: Any, path: str) -> str | None:
    """Return the path of the first number that is NaN or infinite."""
    if isinstance(value, numbers.Real):
        return None if math.isfinite(value) else path.removeprefix(".")
    for step, item in _children(value):
        found = _non_finite(item, path + step)
        if found is not None:
            return found
    return None


def _unencodable(value: Any, path: str) -> str | None:
    """Return the path of the first part that has no JSON form."""
    children = list(_children(value))
    for step, item in children:
        found = _unencodable(item, path + step)
        if found is not None:
            return found
    if children:
        return None
    try:
        orjson.dumps(value, plain, OPTIONS)
    except (TypeError, OSError):
        return path.removeprefix(".")
    return None


def encode_body(body: Body, extra: Mapping[str, object]) -> tuple[str, bytes | Payload]:
    """Return the `Content-Type` and the encoded body of a request.

    Args:
        body: The body.
        extra: The caller's additional properties.

    Raises:
        RequestEncodingError: The body can't be encoded, or has no properties to add to.
    """
    if extra:
        if body.kind not in ("json", "form", "multipart") or not is_object(body.content):
            raise RequestEncodingError(
                "extra_body adds to an object, and the body of this request is not an object"
            )
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
    """Return a query string without its question mark.

    Raises:
        RequestEncodingError: A name or value is not valid Unicode.
    """
    try:
        return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    except UnicodeEncodeError:
        problem = "a query parameter contains half of a surrogate pair, which can't be encoded"
    raise RequestEncodingError(problem)
