"""`docs/migrate.md` names each public name of the installed official package, truly."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from functools import cache, reduce
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import claude_batches
import claude_batches.types

from tests.migration.names import official_names, ours

DOCUMENT = Path(__file__).parents[2] / "docs" / "migrate.md"
HEADER = "| Name in `anthropic` | Verdict | What to write |"
_WILDCARDS = {"*": "[^.]*", "?": "[^.]"}
VERDICTS = {"same", "other", "out"}


class Row(NamedTuple):
    """One pattern of a row of a table."""

    pattern: str
    verdict: str
    text: str

    @property
    def is_exact(self) -> bool:
        """True for a name, not a pattern."""
        return not set(self.pattern) & set("*?[")

    def matches(self, name: str) -> bool:
        """Return true for the name, or for one that fits the pattern. `*` matches no dot."""
        if self.is_exact:
            return name == self.pattern
        parts = (_WILDCARDS.get(part, part) for part in re.split(r"(\*|\?|\[[^]]*\])", self.pattern))
        known = {*_WILDCARDS.values()}
        expression = "".join(part if part in known or part[:1] == "[" else re.escape(part) for part in parts)
        return re.fullmatch(expression, name) is not None


@cache
def rows() -> tuple[Row, ...]:
    """Return the patterns of the tables of names: exact names first, then patterns in the order of the document."""
    return tuple(sorted(_rows(), key=lambda row: not row.is_exact))


def _rows() -> Iterator[Row]:
    for table in DOCUMENT.read_text("utf-8").split(HEADER)[1:]:
        for line in table.splitlines()[2:]:
            if not line.startswith("|"):
                break
            names, verdict, text = (cell.strip() for cell in line.strip("|").split(" |"))
            for pattern in re.findall(r"`([^`]+)`", names):
                yield Row(pattern, verdict, text)


@cache
def verdicts() -> dict[str, Row | None]:
    """Return the first row that matches each official name."""
    return {name: next((row for row in rows() if row.matches(name)), None) for name in official_names()}


def test_each_official_name_is_listed() -> None:
    """No public name of the official package is missing from the tables."""
    assert len(verdicts()) > 1500
    assert [name for name, row in verdicts().items() if row is None] == []


def test_no_row_is_stale() -> None:
    """Each pattern decides about at least one name of the official package, and no pattern is repeated."""
    used = {row for row in verdicts().values() if row is not None}
    assert [row.pattern for row in rows() if row not in used] == []
    patterns = [row.pattern for row in rows()]
    assert len(patterns) == len(set(patterns))


def test_verdicts_are_true() -> None:
    """A name marked `same` exists here, and one marked `out` does not. One marked `other` has a replacement."""
    decided = {name: row for name, row in verdicts().items() if row is not None}
    assert [name for name, row in decided.items() if row.verdict == "same" and not ours(name)] == []
    assert [name for name, row in decided.items() if row.verdict == "out" and ours(name)] == []
    assert {row.verdict for row in rows()} == VERDICTS
    assert [row.pattern for row in rows() if row.verdict == "other" and not row.text] == []


def test_what_to_write_exists() -> None:
    """Each class and each dotted name of this package that the document sends users to exists."""
    named = set(re.findall(r"`(\w[\w.]*)`", "".join(row.text for row in rows())))
    dotted = {name for name in named if name.startswith("claude_batches.")}
    classes = {name for name in named if re.fullmatch(r"[A-Z]\w*[a-z]", name)}
    assert dotted
    assert len(classes) > 5
    missing = [name for name in dotted if not hasattr(*_parent(name))]
    places = (claude_batches, claude_batches.types, builtins)
    missing += [name for name in classes if not any(hasattr(place, name) for place in places)]
    assert missing == []


def _parent(name: str) -> tuple[object, str]:
    """Return the owner of a dotted name, and its last part."""
    first, *between, last = name.split(".")
    return reduce(getattr, between, import_module(first)), last
