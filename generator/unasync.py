"""Synchronous shells of the client, from the asynchronous ones.

The client decides everything in flows that do no I/O. Its shells (drivers, pages, streams, resources, clients) await,
and are therefore written once, asynchronously, in folders called `_async`. The folder `_sync` beside each one is
generated: `await` and `async` are removed, and names change as in `NAMES`.

Two comments cover the few lines that differ:

    # async only              the statement below is left out
    # sync: <statement>       the statement is inserted; one of several lines has a comment for each
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

__all__ = ["SyncShell", "sync_shells", "unasync"]

#: Names whose synchronous counterpart is not the name without `Async` or `async_`.
NAMES = {
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "_async": "_sync",
    "aclose": "close",
    "aiter": "iter",
    "aiter_bytes": "iter_bytes",
    "aiter_raw": "iter_raw",
    "anext": "next",
    "asynccontextmanager": "contextmanager",
    "AbstractAsyncContextManager": "AbstractContextManager",
    "AsyncResources": "SyncResources",
    "Asynchronous": "Synchronous",
    "asynchronous": "synchronous",
}

_KEYWORD = re.compile(r"\b(?:async (?=def\b|with\b|for\b)|await )")
_WORD = re.compile(r"\b\w*[aA]\w*\b")
_PREFIX = re.compile(r"^(_*)(?:Async(?=[A-Z])|async_)")
_AWAITABLE = re.compile(r"\bAwaitable\[")
_ONLY = re.compile(r"^ *# async only$")
_INSERTED = re.compile(r"^( *)# sync:(?: (.*))?$", re.MULTILINE)


class SyncShell:
    """A folder of generated synchronous modules.

    Args:
        source: The folder `_async`.
    """

    def __init__(self, source: Path) -> None:
        self.source = source
        self.target = source.with_name("_sync")

    def files(self, header: str) -> dict[str, str]:
        """Return the text of each module by its file name.

        Args:
            header: The first line of each.
        """
        return {
            path.name: f"{header}\n{unasync(path.read_text(encoding='utf-8'))}"
            for path in sorted(self.source.glob("*.py"))
        }


def sync_shells(overlays: Path) -> list[SyncShell]:
    """Return every folder of asynchronous shells below a folder."""
    return [SyncShell(path) for path in sorted(overlays.rglob("_async")) if path.is_dir()]


def unasync(source: str) -> str:
    """Return the synchronous code of asynchronous code."""
    text = _without_async_only(source)
    text = _INSERTED.sub(lambda found: f"{found[1]}{found[2]}" if found[2] else "", text)
    text = _KEYWORD.sub("", text)
    text = _without_awaitable(text)
    return _WORD.sub(lambda match: _renamed(match[0]), text)


def _renamed(word: str) -> str:
    return NAMES.get(word) or _PREFIX.sub(r"\1", word)


def _without_async_only(source: str) -> str:
    lines = source.splitlines(keepends=True)
    marked = {number for number, line in enumerate(lines, 1) if _ONLY.match(line)}
    if not marked:
        return source
    dropped = set(marked)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt | ast.ExceptHandler | ast.arg):
            first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
            if first - 1 in marked:
                dropped |= set(range(first, (node.end_lineno or first) + 1))
    return "".join(line for number, line in enumerate(lines, 1) if number not in dropped)


def _without_awaitable(text: str) -> str:
    """Replace each `Awaitable[T]` by `T`."""
    while found := _AWAITABLE.search(text):
        depth, end = 1, found.end()
        while depth:
            depth += {"[": 1, "]": -1}.get(text[end], 0)
            end += 1
        text = text[: found.start()] + text[found.end() : end - 1] + text[end:]
    return text
