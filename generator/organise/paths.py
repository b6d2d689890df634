"""Resources and methods by path, for documents without tags.

`GET /v1/files/{id}/content` is `client.files.content.get(id)`: the words of the path are resources, and the method is
the HTTP method, followed by the parameters at the end of the path. Neither depends on any other path of the document,
so that a new operation never renames another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import takewhile

from .operations import NamedOperation

_VERSION = re.compile(r"v\d+(?:[._-]?(?:alpha|beta|rc)?\d*)?", re.IGNORECASE)


def have_no_tags(operations: Iterable[NamedOperation]) -> bool:
    """Return true if no operation has a tag."""
    return not any(each.raw.get("tags") for each in operations)


def resource_of(path: str) -> str:
    """Return the tag of a path: `files.content` for `/v1/files/{id}/content`."""
    words = [part.replace(".", "_") for part in _parts(path) if "{" not in part]
    unversioned = [word for index, word in enumerate(words) if index > 1 or not _VERSION.fullmatch(word)]
    return ".".join(unversioned)


def method_of(http_method: str, path: str) -> str:
    """Return the method for an operation on a path: `get_by_id` for `GET /v1/files/{id}`."""
    last = list(takewhile(lambda part: "{" in part, reversed(_parts(path))))[::-1]
    names = [name for part in last for name in re.findall(r"\{([^{}]+)\}", part)]
    return f"{http_method}_by_{'_and_'.join(names)}" if names else http_method


def _parts(path: str) -> list[str]:
    return [part for part in re.split(r"[?#]", path)[0].split("/") if part]
