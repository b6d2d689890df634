"""The body of a request: JSON, a form, a form with files, or bytes and text as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import TextIOBase
from os import PathLike
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias, cast

import attrs

from .model import Model, Unknown
from .parameters import Unset, compact_json, query_pairs

__all__ = ["Body", "BodyKind", "Content", "File", "Part", "chosen_body", "content_of", "given"]

#: How a body is written.
BodyKind = Literal["json", "form", "multipart", "bytes", "text"]

#: What is in a file: its bytes, the file itself, opened for reading bytes, or the path to it. An open file is sent from
#: its first byte on, and belongs to one call at a time; one that can't be rewound is read whole before that.
Content: TypeAlias = bytes | IO[bytes] | PathLike[str]
#: A file that is uploaded: its content; or with the name, and perhaps the media type, that it shall have.
File: TypeAlias = Content | tuple[str | None, Content] | tuple[str | None, Content, str | None]

#: A part of a multipart body: its name; and its file name, its content and its media type.
Part: TypeAlias = tuple[str, tuple[str | None, bytes | IO[bytes] | Path, str | None]]


@attrs.frozen
class Body:
    """The body of a request, not yet encoded."""

    kind: BodyKind
    """How it is written."""
    content: Any
    """A JSON value with models, instants and iterables still in it; the fields of a form; bytes, or text."""
    media_type: str
    """Its `Content-Type`; that of a multipart body gets a boundary besides."""
    encoding: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict[str, Mapping[str, Any]])
    """What the spec says of single fields: how `query_pairs` writes that of a form; of one with files, its
    `content_type`, and whether it is `json` or a `file`."""

    def pairs(self) -> list[tuple[str, str]]:
        """The fields of a form as names and values, not yet encoded."""
        return [
            pair
            for name, value in self._fields()
            # An object is JSON, unless the spec says otherwise.
            for pair in query_pairs(name, value, **(self.encoding.get(name) or {"json": _is_object(value)}))
        ]

    def parts(self) -> list[Part]:
        """The fields of a form with files: one part each, one part for each item of a list."""
        return [
            part
            for name, value in self._fields()
            for part in _parts(name, value, **self.encoding.get(name, {}))
        ]

    def _fields(self) -> Iterable[tuple[str, Any]]:
        content = self.content.to_dict() if isinstance(self.content, Model | Unknown) else self.content
        if not isinstance(content, Mapping):
            raise TypeError(f"a form has fields with names; got a {type(content).__name__}")
        return cast("Mapping[str, Any]", content).items()


def given(properties: Mapping[str, object], others: Mapping[str, object] | None = None) -> dict[str, object]:
    """The properties of a body that were given.

    Args:
        properties: Those that must be there, or may be null: `unset` leaves one out.
        others: Those that may not be null: `None` leaves one out.
    """
    body = {name: value for name, value in properties.items() if not isinstance(value, Unset)}
    return body | {name: value for name, value in (others or {}).items() if value is not None}


def chosen_body(content_type: str, content: object, *bodies: Body) -> Body:
    """The body of an operation that takes several media types.

    Args:
        content_type: The one that the caller chose.
        content: What to send.
        bodies: How it is written as each, without its content.

    Raises:
        ValueError: The operation doesn't take it.
    """
    for body in bodies:
        if body.media_type == content_type:
            return attrs.evolve(body, content=content)
    takes = ", ".join(body.media_type for body in bodies)
    raise ValueError(f"content_type must be one of {takes}; got {content_type!r}")


def content_of(content: Content) -> bytes | IO[bytes] | Path:
    """The bytes of a file, or the file, or the path to it.

    Raises:
        TypeError: It is none of these, or open for text.
    """
    if isinstance(content, PathLike):
        return Path(content)
    if isinstance(content, _BYTES):
        return bytes(content)
    if isinstance(content, TextIOBase):
        raise TypeError("the file is open for text; open it with 'rb'")
    if not hasattr(content, "read"):
        raise TypeError(f"a file is bytes, an open file or a path; got {type(content).__name__}")
    return content


_BYTES = (bytes, bytearray, memoryview)


def _parts(
    name: str, value: Any, *, content_type: str | None = None, json: bool = False, file: bool = False
) -> list[Part]:
    if value is None or isinstance(value, Unset):
        return []
    if _is_file(value):
        return [(name, _file(value, content_type))]
    if not file and (json or _is_object(value)):
        return [(name, (None, compact_json(value).encode(), content_type or "application/json"))]
    if isinstance(value, Iterable) and not isinstance(value, str):
        items = cast("Iterable[object]", value)
        return [part for item in items for part in _parts(name, item, content_type=content_type, file=file)]
    if file:
        raise TypeError(
            f"{name} is a file: bytes, an open file, a path, or one of them in a tuple with its name; "
            f"got {type(value).__name__}"
        )
    # A text, a number or a flag is written as a query parameter is.
    return [(name, (None, text.encode(), content_type)) for _, text in query_pairs(name, value)]


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping | Model | Unknown)


def _is_file(value: Any) -> bool:
    if isinstance(value, tuple):
        named = cast("tuple[object, ...]", value)
        return len(named) in (2, 3) and isinstance(named[0], str | None) and _is_file(named[1])
    return isinstance(value, (*_BYTES, PathLike)) or hasattr(value, "read")


def _file(value: Any, content_type: str | None) -> tuple[str | None, bytes | IO[bytes] | Path, str | None]:
    if isinstance(value, tuple):
        name, content, *own = cast("tuple[str | None, Content, *tuple[str | None, ...]]", value)
        return name, content_of(content), next(iter(own), None) or content_type
    content = content_of(cast("Content", value))
    # Servers take a part without a file name for text. A file without a path has a number for a name, if any.
    path: object = content if isinstance(content, Path) else getattr(content, "name", None)
    return Path(path).name if isinstance(path, str | Path) else "upload", content, content_type
