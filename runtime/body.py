"""Bodies of requests: JSON, a form, a form with files, bytes or text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import TextIOBase
from os import PathLike
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias, cast

import attrs

from .model import Model, Unknown
from .parameters import Unset, compact_json, query_pairs

__all__ = ["Body", "BodyKind", "Content", "File", "Part", "chosen_body", "content_of", "flag", "given"]

#: The format of a body.
BodyKind = Literal["json", "form", "multipart", "bytes", "text"]

#: The content of a file: its bytes, a file that is open for reading bytes, or a path. An open file is sent from its
#: first byte on and belongs to one call at a time. A file that cannot be rewound is read into memory first.
Content: TypeAlias = bytes | IO[bytes] | PathLike[str]
#: A file to upload: its content, or a tuple of its name, its content and optionally its media type.
File: TypeAlias = Content | tuple[str | None, Content] | tuple[str | None, Content, str | None]

#: A part of a multipart body: its name, and a tuple of its file name, its content and its media type.
Part: TypeAlias = tuple[str, tuple[str | None, bytes | IO[bytes] | Path, str | None]]


@attrs.frozen
class Body:
    """The body of a request, not yet encoded."""

    kind: BodyKind
    """The format."""
    content: Any
    """A JSON value that may hold models, instants and iterables; the fields of a form; bytes; or text."""
    media_type: str
    """The `Content-Type`. A multipart body adds its boundary."""
    encoding: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict[str, Mapping[str, Any]])
    """The encoding of single fields in the spec: the arguments of `query_pairs` in a form; in a form with files,
    `content_type` and the flags `json` and `file`."""
    fields: tuple[str, ...] = ()
    """The names of its fields, if other media types of the operation have different ones."""

    def pairs(self) -> list[tuple[str, str]]:
        """Return the fields of a form as names and values, not yet encoded."""
        return [
            pair
            for name, value in self._fields()
            # An object is written as JSON if the spec does not say otherwise.
            for pair in query_pairs(name, value, **(self.encoding.get(name) or {"json": _is_object(value)}))
        ]

    def parts(self) -> list[Part]:
        """Return the parts of a form with files: one for each field, one for each item of a list."""
        return [
            part
            for name, value in self._fields()
            for part in _parts(name, value, **self.encoding.get(name, {}))
        ]

    def _fields(self) -> Iterable[tuple[str, Any]]:
        content = self.content.to_dict() if isinstance(self.content, Model | Unknown) else self.content
        if not isinstance(content, Mapping):
            raise TypeError(f"a form takes a mapping of names to values; got {type(content).__name__}")
        return cast("Mapping[str, Any]", content).items()


def given(properties: Mapping[str, object], others: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return the properties of a body without those that were not given.

    Args:
        properties: Required and nullable properties, left out if they are `unset`.
        others: The other properties, left out if they are `None`.
    """
    body = {name: value for name, value in properties.items() if not isinstance(value, Unset)}
    return body | {name: value for name, value in (others or {}).items() if value is not None}


def flag(content: object, name: str, *, default: bool = False) -> bool:
    """Return a boolean property of a body.

    Args:
        content: The body: a mapping, a model, or nothing.
        name: The name of the property.
        default: The value of a body without it.
    """
    is_mapping = isinstance(content, Mapping)
    value = cast("Mapping[str, object]", content).get(name) if is_mapping else getattr(content, name, None)
    return value if isinstance(value, bool) else default


def chosen_body(content_type: str, content: object, *bodies: Body) -> Body:
    """Return the body of an operation that takes several media types.

    Args:
        content_type: The chosen media type.
        content: The content.
        bodies: The body in each media type, without content.

    Raises:
        ValueError: The operation does not take the media type.
        TypeError: A field belongs to another media type.
    """
    for body in bodies:
        if body.media_type == content_type:
            _check_fields(body, content, bodies)
            return attrs.evolve(body, content=content)
    takes = ", ".join(body.media_type for body in bodies)
    raise ValueError(f"content_type must be one of {takes}; got {content_type!r}")


def _check_fields(body: Body, content: object, bodies: tuple[Body, ...]) -> None:
    if not body.fields or not isinstance(content, Mapping):
        return
    for name in cast("Mapping[str, object]", content):
        if name not in body.fields:
            others = [each.media_type for each in bodies if name in each.fields]
            raise TypeError(f"{name} is not sent as {body.media_type}; give content_type={others[0]!r}")


def content_of(content: Content) -> bytes | IO[bytes] | Path:
    """Return the content of a file as bytes, an open file or a path.

    Raises:
        TypeError: The content has another type, or the file is open for text.
    """
    if isinstance(content, PathLike):
        return Path(content)
    if isinstance(content, _BYTES):
        return bytes(content)
    if isinstance(content, TextIOBase):
        raise TypeError("the file is open for text; open it with 'rb'")
    if not hasattr(content, "read"):
        raise TypeError(f"a file must be bytes, an open file or a path; got {type(content).__name__}")
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
            f"{name} must be a file: bytes, an open file, a path, or a tuple of its name and one of these; "
            f"got {type(value).__name__}"
        )
    # A string, a number or a boolean has the format of a query parameter.
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
    # Servers take a part without a file name for text. The name of a file without a path is a number.
    path: object = content if isinstance(content, Path) else getattr(content, "name", None)
    return Path(path).name if isinstance(path, str | Path) else "upload", content, content_type
