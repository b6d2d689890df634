"""Synchronous shells from asynchronous ones: the rules, the two comments, and the files on disk."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from generator.unasync import sync_shells, unasync
from tests.generator.running import REPO


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("await self.read()", "self.read()"),
        ("async def read(self): ...", "def read(self): ..."),
        ("async with x: ...", "with x: ..."),
        ("async for x in y: ...", "for x in y: ..."),
        ("AsyncClient", "Client"),
        ("_AsyncStream", "_Stream"),
        ("async_sleep", "sleep"),
        ("AsyncIterator[bytes]", "Iterator[bytes]"),
        ("__aenter__", "__enter__"),
        ("StopAsyncIteration", "StopIteration"),
        ("from .._async import x", "from .._sync import x"),
        ("Awaitable[list[int]]", "list[int]"),
        ("Callable[[], Awaitable[dict[str, list[int]]]]", "Callable[[], dict[str, list[int]]]"),
        ('"""The asynchronous client."""', '"""The synchronous client."""'),
        ("asyncio", "asyncio"),
        ("an_async_name", "an_async_name"),
    ],
)
def test_words_become_synchronous(before: str, after: str) -> None:
    """Keywords and names become synchronous, and other words stay."""
    assert unasync(before) == after


def test_async_only_statements_are_dropped() -> None:
    """`# async only` drops the statement below it, with its decorators and its body."""
    source = (
        "import os\n"
        "# async only\n"
        "@decorated\n"
        "async def gone():\n"
        "    await x\n"
        "    return [\n"
        "        1,\n"
        "    ]\n"
        "kept = 1\n"
    )
    assert unasync(source) == "import os\nkept = 1\n"


def test_inserted_lines() -> None:
    """`# sync:` inserts each of its lines, an empty one without spaces."""
    source = '    # async only\n    """Old."""\n    # sync: """New.\n    # sync:\n    # sync: Text.\n    # sync: """\n'
    assert unasync(f"class A:\n{source}") == 'class A:\n    """New.\n\n    Text.\n    """\n'


def test_async_only_inside_a_function() -> None:
    """`# async only` works at any depth, and keeps the statements around it."""
    source = "def f():\n    a()\n    # async only\n    await b()\n    c()\n"
    assert unasync(source) == "def f():\n    a()\n    c()\n"


def test_sync_statements_are_inserted() -> None:
    """`# sync: ...` inserts a statement, with its indentation."""
    assert unasync("def f():\n    # sync: time.sleep(1)\n") == "def f():\n    time.sleep(1)\n"


def test_both_comments_replace_a_statement() -> None:
    """The two comments together replace one statement by another."""
    source = "# async only\nawait anyio.sleep(1)\n# sync: time.sleep(1)\n"
    assert unasync(source) == "time.sleep(1)\n"


def test_shells_are_found_and_named(tmp_path: Path) -> None:
    """Every folder `_async` is found, and each of its modules goes to `_sync` under a header."""
    source = tmp_path / "package" / "_async"
    source.mkdir(parents=True)
    (source / "driver.py").write_text("async def f(): ...\n")
    (shell,) = sync_shells(tmp_path)
    assert shell.target == tmp_path / "package" / "_sync"
    assert shell.files("# header") == {"driver.py": "# header\ndef f(): ...\n"}


def test_shells_of_the_client_are_valid() -> None:
    """The shells of the client are valid code without `async` and `await`."""
    for shell in sync_shells(REPO / "overlays"):
        for path, text in shell.files("# header").items():
            awaits = ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith | ast.Await
            assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, awaits)], path
