"""An OpenAPI document: its data, its references, and the line of each place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from yaml.nodes import MappingNode, Node, SequenceNode

from .errors import DocumentError, Note
from .files import Files, read_file
from .parse import nodes_of, parse
from .pointers import FILES, METHODS, Json, below, parts_of, pointer

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
        self.files: dict[str, tuple[Path, str]] = {}
        """The path and the text of each other file, by its name below `#/files`."""
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
        parts = parts_of(place)
        path, root = self.path, self._root
        if parts[:1] == [FILES] and len(parts) > 1 and parts[1] in self.files:
            path, text = self.files[parts[1]]
            parts, root = parts[2:], nodes_of(text)
            place = pointer(*parts)
        lines = [f"{shown(path)}:{_line(root, parts)}: {problem}", f"  at {place}", f"  {hint}"]
        return "\n".join(lines if hint else lines[:2])

    @cached_property
    def _root(self) -> Node | None:
        return nodes_of(self._text)


def _line(node: Node | None, parts: list[str]) -> int:
    """Return the line on which a place begins, or on which its closest existing parent does."""
    line = 1
    for part in parts:
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


def load(path: Path, allowed: Sequence[Path] = ()) -> Document:
    """Read a YAML or JSON file, and the files that it refers to.

    Args:
        path: The file.
        allowed: Folders beside its own that other files may be read from.

    Raises:
        DocumentError: A file can't be read or may not be, or does not hold an OpenAPI document.
    """
    text = read_file(path)
    data = parse(text)
    document = Document(data, text, path)
    files = Files(path, allowed)
    try:
        files.gather(data, text)
    except DocumentError as error:
        document.files = files.texts
        raise LocatedError(document, error) from None
    document.files = files.texts
    return document


class LocatedError(DocumentError):
    """An error in one of several files of a document.

    Args:
        document: The document.
        error: The error, with its place.
    """

    def __init__(self, document: Document, error: DocumentError) -> None:
        super().__init__(error.problem, place=error.place, hint=error.hint)
        self.document = document


def shown(path: Path) -> str:
    """Return a path relative to the working directory, if it is below it."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(path)
