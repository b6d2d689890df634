"""A program written for the official SDK runs and type-checks here with other imports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from claude_batches.sandbox import Sandbox

from tests.typing.test_typing import mypy, pyright

PROGRAM = Path(__file__).with_name("official_usage.py")
KEY = "the-right-key"
SECONDS = 60


def ours(official: str) -> str:
    """Return the program with the imports of this package."""
    text = re.sub(r"^import anthropic$", "import claude_batches as anthropic", official, flags=re.MULTILINE)
    return re.sub(r"^from anthropic\b", "from claude_batches", text, flags=re.MULTILINE)


@pytest.fixture
def programs(tmp_path: Path) -> tuple[Path, Path]:
    """The program for the official SDK, and the one for this package."""
    official, migrated = tmp_path / "official.py", tmp_path / "migrated.py"
    text = PROGRAM.read_text("utf-8")
    official.write_text(text, "utf-8")
    migrated.write_text(ours(text), "utf-8")
    return official, migrated


def output(program: Path) -> str:
    """Run a program against a separate sandbox."""
    with Sandbox(speed=3600, api_key=KEY) as sandbox:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
        run = subprocess.run(
            [sys.executable, "-W", "error", str(program)],
            env={**kept, "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": sandbox.url},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_only_imports_change() -> None:
    """The two programs differ in lines that import, and in no other line."""
    official = PROGRAM.read_text("utf-8").splitlines()
    migrated = ours(PROGRAM.read_text("utf-8")).splitlines()
    changed = [line for line, other in zip(official, migrated, strict=True) if line != other]
    assert changed
    assert all(line.startswith(("import anthropic", "from anthropic")) for line in changed)


def test_official_usage_runs(programs: tuple[Path, Path]) -> None:
    """Both programs print the same lines."""
    official, migrated = map(output, programs)
    assert migrated.splitlines() == official.splitlines()
    assert len(official.splitlines()) > 20


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_official_usage_type_checks(programs: tuple[Path, Path], tmp_path: Path, checker: type) -> None:
    """A strict type checker finds no more in our program than in the official one."""
    found, report = checker(tmp_path, [program.name for program in programs], cwd=tmp_path)
    lines = {name: {line for file, line in found if file == name} for name in ("official.py", "migrated.py")}
    assert lines["migrated.py"] <= lines["official.py"], report
