from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import codegen


@dataclass
class Outcome:
    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process."""

    def run_it(*arguments: object) -> Outcome:
        capsys.readouterr()
        try:
            status = codegen.main([*map(str, arguments)])
        except SystemExit as error:
            status = int(error.code or 0)
        printed = capsys.readouterr()
        return Outcome(status, printed.out, printed.err)

    return run_it


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """Write a small document to disk."""
    from tests.generator.running import PETS

    path = tmp_path / "pets.yaml"
    path.write_text(PETS, encoding="utf-8")
    return path
