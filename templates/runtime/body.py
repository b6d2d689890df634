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

#: What is in a file: its bytes, the file itself, opened for reading bytes, or the path to it.
Content: TypeAlias = bytes | IO[bytes] | PathLike[str]
#: A file that is uploaded: its content; or with the name, and perhaps the media type, that it shall have.
File: TypeAlias = Content | tuple[str | None, Content] | tuple[str | None, Content, str | None]

#: A part of a multipart body: its name; and its file name, its content and its media type.
Part: TypeAlias = tuple[str, tuple[str | None, bytes | IO[bytes], str | None]]


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
    """What the spec says of single fields of a form: how `query_pairs` writes them, or their `content_type`."""

    def pairs(self) -> list[tuple[str, str]]:
        """The fields of a form as names and values, not yet encoded."""
        return [
            pair
            for name, value in self._fields()
            for pair in query_pairs(name, value, **_style(value, self.encoding.get(name)))
        ]

    def parts(self) -> list[Part]:
        """The fields of a form with files: one part each, one part for each item of a list."""
        return [
            part for name, value in self._fields() for part in _parts(name, value, self.encoding.get(name))
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


def content_of(content: Content) -> bytes | IO[bytes]:
    """The bytes of a file, or the file itself where it is open.

    Raises:
        TypeError: It is neither, or open for text.
        OSError: The path leads nowhere.
    """
    if isinstance(content, PathLike):
        return Path(content).read_bytes()
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if isinstance(content, TextIOBase):
        raise TypeError("the file is open for text; open it with 'rb'")
    if not hasattr(content, "read"):
        raise TypeError(f"a file is bytes, an open file or a path; got {type(content).__name__}")
    return content


def _style(value: object, encoding: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments for `query_pairs`: an object is JSON, unless the spec says otherwise."""
    if not encoding:
        return {"json": _is_object(value)}
    style = {name: value for name, value in encoding.items() if name != "content_type"}
    return style | {"json": "json" in encoding.get("content_type", "")}


def _parts(name: str, value: Any, encoding: Mapping[str, Any] | None) -> list[Part]:
    if value is None or isinstance(value, Unset):
        return []
    content_type: str | None = (encoding or {}).get("content_type")
    if content_type is not None and "json" in content_type:
        return [(name, (None, compact_json(value).encode(), content_type))]
    if _is_object(value):
        return [(name, (None, compact_json(value).encode(), "application/json"))]
    if _is_file(value):
        return [(name, _file(value, content_type))]
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [part for item in cast("Iterable[object]", value) for part in _parts(name, item, encoding)]
    # A text, a number or a flag is written as a query parameter is.
    return [(name, (None, text.encode(), content_type)) for _, text in query_pairs(name, value)]


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping | Model | Unknown)


def _is_file(value: Any) -> bool:
    if isinstance(value, tuple):
        named = cast("tuple[object, ...]", value)
        return len(named) in (2, 3) and isinstance(named[0], str | None) and _is_file(named[1])
    return isinstance(value, bytes | bytearray | PathLike) or hasattr(value, "read")


def _file(value: Any, content_type: str | None) -> tuple[str | None, bytes | IO[bytes], str | None]:
    if isinstance(value, tuple):
        name, content, *own = cast("tuple[str | None, Any, *tuple[str | None, ...]]", value)
        return name, content_of(content), next(iter(own), None) or content_type
    # Servers take a part without a file name for text. A file without a path has a number for a name, if any.
    said = cast("object", value if isinstance(value, PathLike) else getattr(value, "name", None))
    shown = Path(cast("str | PathLike[str]", said)).name if isinstance(said, str | PathLike) else "upload"
    return shown, content_of(cast("Content", value)), content_type
