"""An OpenAPI document: its data, its references, and the line of each place."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from yaml.nodes import MappingNode, Node, SequenceNode

from .errors import DocumentError, Note
from .parse import nodes_of, parse
from .pointers import METHODS, Json, below, parts_of, pointer

__all__ = ["Document", "load", "shown"]


class Document:
    """An OpenAPI document.

    Args:
        data: Its content. Later stages change it in place.
        text: Its text, to find lines in.
        path: Its file.
    """

    def __init__(self, data: Json, text: str, path: Path) -> None:
        self.data = data
        self.path = path
        self.notes: list[Note] = []
        """Notes for the maintainer, in the order in which they were taken."""
        self.origins: dict[str, str] = {}
        """The original place of each component schema that a step has moved, by key."""
        self._text = text

    @property
    def schemas(self) -> dict[str, Any]:
        """The component schemas by their keys."""
        components: Json = self.data.setdefault("components", {})
        schemas: dict[str, Any] = components.setdefault("schemas", {})
        return schemas

    def find(self, reference: str, *, seen: frozenset[str] = frozenset()) -> Any:
        """Return the target of a `$ref`.

        Args:
            reference: A JSON pointer.
            seen: The references that led here.

        Raises:
            LookupError: The reference does not resolve.
        """
        if reference in seen:
            raise LookupError(reference)
        target: Any = self.data
        for part in parts_of(reference):
            if isinstance(target, list) and part.isdecimal():
                target = target[int(part)]
            elif isinstance(target, dict):
                # A pointer may lead through a place that is a reference itself.
                holder = target if part in target else self.resolve(target, seen=seen | {reference})
                target = holder[part]
            else:
                raise LookupError(reference)
        return target

    def resolve(self, value: Json, *, seen: frozenset[str] = frozenset()) -> Json:
        """Return a mapping, or the end of the chain of references that it begins."""
        while isinstance(value.get("$ref"), str):
            value = self.find(value["$ref"], seen=seen)
        return value

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        """Yield every operation with its path and method, in the order of the document."""
        for path, item in self.data.get("paths", {}).items():
            for method, operation in () if path.startswith("x-") else self.resolve(item).items():
                if method in METHODS:
                    yield path, method, operation

    def note(self, place: str, text: str) -> None:
        """Take a note, once, about a place that the package represents differently."""
        note = Note(place, text)
        if note not in self.notes:
            self.notes.append(note)

    def place_of(self, key: str, *parts: str | int) -> str:
        """Return the original place of a component schema, or of a part of it."""
        return below(self.origins.get(key, pointer("components", "schemas", key)), *parts)

    def describe(self, place: str, problem: str, hint: str = "") -> str:
        """Return a problem as text: file, line, problem, pointer and hint."""
        lines = [f"{shown(self.path)}:{self.line(place)}: {problem}", f"  at {place}", f"  {hint}"]
        return "\n".join(lines if hint else lines[:2])

    def line(self, place: str) -> int:
        """Return the line on which a place begins, or on which its closest existing parent does."""
        node, line = self._root, 1
        for part in parts_of(place):
            if isinstance(node, MappingNode):
                found = next(((key, value) for key, value in node.value if str(key.value) == part), None)
            elif isinstance(node, SequenceNode) and part.isdecimal() and int(part) < len(node.value):
                found = (node.value[int(part)], node.value[int(part)])
            else:
                found = None
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return line

    @cached_property
    def _root(self) -> Node | None:
        return nodes_of(self._text)


def load(path: Path) -> Document:
    """Read a YAML or JSON file.

    Raises:
        DocumentError: The file can't be read, or does not hold an OpenAPI document.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise DocumentError(f"can't be read: {reason}", hint="Check the path.") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"is not UTF-8 text: {error.reason} at byte {error.start}") from None
    return Document(parse(text), text, path)


def shown(path: Path) -> str:
    """Return a path relative to the working directory, if it is below it."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(path)
