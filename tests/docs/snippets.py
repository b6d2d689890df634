"""The snippets of the README and of the documentation, as Sybil finds them.

A page is a program: its snippets run from top to bottom in one namespace, one folder and on one sandbox.

| fence | treatment |
|---|---|
| `python` | run; with `def test_` in it, run by pytest |
| `console` | the lines that begin with `$ ` are run by bash, and the others are their output |
| `output` | compared with the output of the snippet before |
| `{code-block} LANGUAGE` with `:caption: FILE` | written to that file; Python is run as well |
| `json`, `yaml`, `toml` | parsed |
| others in `SHOWN` | only shown |

`<!-- skip: next "REASON" -->` before a fence leaves it out. Ids, ports, times and durations differ from run to run, so
they are replaced on both sides before a comparison. `...` in an expected output matches anything.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import os
import re
import subprocess
import symtable
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import SkipTest

import yaml
from sybil import Document, Example, Region, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.abstract.lexers import LexerCollection
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer
from sybil.parsers.myst import SkipParser
from sybil.parsers.myst.lexers import DirectiveLexer

from tests.docs import given

#: Pages about a public name that is not exported yet.
PENDING = {"docs/costs.md", "docs/tables.md"}

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(
    page
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if "_build" not in page.parts and "_generated" not in page.parts
)
#: Languages that are neither run nor parsed.
SHOWN = {"text", "csv", "xml", "dockerfile", "html", "sql"}

_DIFFERS = [
    (re.compile(r"msgbatch_\w+"), "msgbatch_ID"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC)?"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? s\b"), "N s"),
]


def parse(page: Path) -> Document:
    """Return a page with its snippets."""
    return Sybil([_fences, SkipParser()]).parse(page)


def _fences(document: Document) -> Iterator[Region]:
    lexers = [
        FencedCodeBlockLexer(r"[^{\n]+", mapping={"language": "language", "source": "source"}),
        DirectiveLexer(
            "code-block", mapping={"arguments": "language", "source": "source", "options": "options"}
        ),
    ]
    for region in LexerCollection(lexers)(document):
        region.parsed = region.lexemes["source"]
        region.evaluator = evaluate
        yield region


def evaluate(example: Example) -> None:
    """Run one snippet.

    Raises:
        AssertionError: Its output is another one, or a command failed.
    """
    language, source = example.region.lexemes["language"], str(example.parsed)
    if name := example.region.lexemes.get("options", {}).get("caption"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(source, encoding="utf-8")
    match language:
        case "python" if "def test_" in source:
            Path("test_snippet.py").write_text(source, encoding="utf-8")
            _bash(f"{sys.executable} -m pytest -q -p no:cacheprovider test_snippet.py")
        case "python":
            with contextlib.redirect_stdout(io.StringIO()) as stdout:
                PythonEvaluator()(example)
            example.namespace["_output"] = stdout.getvalue()
        case "console":
            _console(source)
        case "output":
            _compare(source, example.namespace.pop("_output"))
        case "json":
            json.loads(source)
        case "yaml":
            yaml.safe_load(source)
        case "toml":
            tomllib.loads(source)
        case _:
            assert language in SHOWN, f"{example.path}:{example.line}: unknown language {language!r}"


def run(document: Document) -> list[str]:
    """Run a page; return the places of the snippets that were left out."""
    skipped = []
    for example in document.examples():
        try:
            example.evaluate()
        except SkipTest as reason:
            skipped.append(f"{Path(example.path).name}:{example.line}: {reason}")
        except Exception as error:
            error.add_note(f"in the snippet at {example.path}:{example.line}")
            raise
    return skipped


def programs(document: Document) -> dict[str, str]:
    """Return each Python snippet as a program of its own, by a name for its file.

    Names of earlier snippets come with these snippets, and the others are imported from `given`.
    """
    earlier: list[tuple[set[str], set[str], str]] = []
    found = {}
    page = document.path.removeprefix(f"{ROOT}/").removesuffix(".md").replace("/", "_").replace("-", "_")
    skipped = False
    for example in document.examples():
        follows_skip, skipped = skipped, isinstance(example.parsed, tuple)
        if follows_skip or example.region.lexemes.get("language") != "python":
            continue
        source = str(example.parsed)
        bound, missing = _names(source)
        parts = [source]
        for known_bound, known_missing, known in reversed(earlier):
            if wanted := missing & known_bound:
                missing = missing - wanted | known_missing
                parts.insert(0, known)
        outside = sorted(missing)
        head = f"from tests.docs.given import {', '.join(outside)}\n" if outside else ""
        found[f"{page}_{example.line}.py"] = head + "\n".join(parts)
        earlier.append((bound, missing, source))
    return found


def _names(source: str) -> tuple[set[str], set[str]]:
    """Return the names that a program binds, and those that it misses."""
    top = symtable.symtable(source, "snippet", "exec")
    bound = {
        symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()
    }
    used: set[str] = set()
    tables = [top]
    while tables:
        table = tables.pop()
        tables.extend(table.get_children())
        used |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (table is top or symbol.is_global())
        }
    builtin = (
        set(dir(__builtins__)) | set(__builtins__ if isinstance(__builtins__, dict) else ()) | {"__name__"}
    )
    return bound, used - bound - builtin


def _console(source: str) -> None:
    for command, expected in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n?)*)", source, re.MULTILINE):
        output = _bash(command)
        if expected.strip():
            _compare(expected, output)


def _bash(command: str) -> str:
    done = subprocess.run(
        ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
    )
    assert done.returncode == 0, f"exit status {done.returncode} of: {command}\n{done.stdout}"
    return done.stdout


def _compare(expected: str, got: str) -> None:
    want, have = _same(expected), _same(got)
    same = doctest.OutputChecker().check_output(want, have, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert same, f"expected:\n{expected}\ngot:\n{got}"


def _same(text: str) -> str:
    for pattern, replacement in _DIFFERS:
        text = pattern.sub(replacement, text)
    return text


def commands(folder: Path) -> dict[str, str]:
    """Write the command to a folder; return the environment in which pages run."""
    folder.mkdir()
    for name, module in (("claude-batches", "-m claude_batches"), ("python", "")):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        script.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100", "NO_COLOR": "1"}


def namespace(url: str) -> dict[str, Any]:
    """Return the names that pages take as given."""
    return given.values(url)
