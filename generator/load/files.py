"""Documents in several files: the files that a document refers to become parts of it.

The content of each file goes to `#/files/<name>`, and the references to it and inside it are rewritten. Later stages
then know one document only. Nothing is read over the network, nor outside of the document's folder unless allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from .errors import DocumentError
from .parse import parse
from .pointers import FILES, Json, below, is_unread, places, pointer

#: A reference whose first character is not `#`.
_EXTERNAL = re.compile(r"\$ref[\"']?\s*:\s*[\"']?[^\"'#\s]")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|//")
#: A value of a discriminator's mapping that is not the name of a schema.
_FILE = re.compile(r"[^#]*\.(?:ya?ml|json)(?:#.*)?|[^#]*/[^#]*#.*")


def read_file(path: Path) -> str:
    """Return the text of a file.

    Raises:
        DocumentError: The file can't be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise DocumentError(f"can't be read: {reason}", hint="Check the path.") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"is not UTF-8 text: {error.reason} at byte {error.start}") from None


class Files:
    """The files of a document.

    Args:
        path: The file of the document.
        allowed: Folders beside its own that files may be read from.
    """

    def __init__(self, path: Path, allowed: Sequence[Path] = ()) -> None:
        self._path = path.resolve()
        self._folders = [self._path.parent, *(each.resolve() for each in allowed)]
        self._names: dict[Path, str] = {}
        self.texts: dict[str, tuple[Path, str]] = {}
        """The path and the text of each file, by its name in the document."""

    def gather(self, data: Json, text: str) -> None:
        """Read the files that a document refers to, and put them into it.

        Raises:
            DocumentError: A file can't be read, or may not be.
        """
        if not _EXTERNAL.search(text):
            return
        contents: Json = {}
        todo: list[tuple[Path, str, Json]] = [(self._path, "#", data)]
        while todo:
            path, root, content = todo.pop(0)
            for place, holder, key in _references(content, root):
                target = self._resolved(holder[key], path, place)
                if target is None:
                    holder[key] = f"{root}{holder[key][1:]}"
                    continue
                file, fragment = target
                if file == self._path:
                    holder[key] = f"#{fragment}"
                    continue
                if file not in self._names:
                    name = self._add(file, holder[key], place)
                    contents[name] = parse_file(self.texts[name][1], holder[key], place)
                    todo.append((file, pointer(FILES, name), contents[name]))
                holder[key] = f"{pointer(FILES, self._names[file])}{fragment}"
        if contents:
            data[FILES] = contents

    def _resolved(self, reference: str, path: Path, place: str) -> tuple[Path, str] | None:
        """Return the file and the fragment of a reference; `None` inside its own file."""
        address, _, fragment = reference.partition("#")
        if not address:
            return None
        if _ADDRESS.match(address):
            raise DocumentError(
                f"refers to {address}, and nothing is read over the network",
                place=place,
                hint="Put a copy of the file beside the document.",
            )
        file = (path.parent / unquote(address)).resolve()
        if not any(file.is_relative_to(folder) for folder in self._folders):
            raise DocumentError(
                f"refers to {address}, outside of the document's folder",
                place=place,
                hint="Allow the folder with --allow.",
            )
        return file, fragment

    def _add(self, file: Path, reference: str, place: str) -> str:
        try:
            text = read_file(file)
        except DocumentError as error:
            raise DocumentError(f"refers to {reference}, which {error.problem}", place=place) from None
        folder = self._folders[0]
        name = file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.as_posix()
        self._names[file] = name
        self.texts[name] = (file, text)
        return name


def parse_file(text: str, reference: str, place: str) -> Json:
    """Parse the text of a file that a document refers to.

    Raises:
        DocumentError: The text is neither YAML nor JSON, or its top level is not a mapping.
    """
    try:
        return parse(text)
    except DocumentError as error:
        raise DocumentError(f"refers to {reference}, which {error.problem}", place=place) from None


def _references(content: Json, root: str) -> Iterator[tuple[str, Json, str]]:
    """Yield every reference to a file, or inside one: its place, its mapping and its key."""
    for parts, value in list(places(content)):
        if is_unread(parts):
            continue
        place = below(root, *parts)
        if isinstance(value.get("$ref"), str):
            yield below(place, "$ref"), value, "$ref"
        discriminator = value.get("discriminator")
        mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
        if isinstance(mapping, dict):
            for key, target in mapping.items():
                if isinstance(target, str) and (_FILE.fullmatch(target) or target.startswith("#/")):
                    yield below(place, "discriminator", "mapping", key), mapping, key
