"""mypy and pyright on the packages of all black-box documents."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import codegen
from tests.generator.running import REPO, complete


def documents() -> dict[str, str]:
    """Return the documents of the test classes in this folder."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for line in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "document":
                    texts = [each.value for each in ast.walk(line.value) if isinstance(each, ast.Constant)]
                    if len(texts) == 1:
                        found[f"{path.stem}_{node.name}".lower()] = complete(str(texts[0]))
    return found


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate all of them into one folder."""
    folder = tmp_path_factory.mktemp("packages")
    for name, text in documents().items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        assert (
            codegen.main(["--spec", str(folder / f"{name}.yaml"), "--output", str(folder), "--package", name])
            == 0
        )
    return folder


def test_documents_are_found() -> None:
    """The search for black-box documents finds more than a dozen."""
    assert len(documents()) > 12


def test_mypy_finds_nothing(packages: Path) -> None:
    """mypy accepts the generated code."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--cache-dir",
            packages / ".mypy",
            *documents(),
        ],
        cwd=packages,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_pyright_finds_nothing(packages: Path) -> None:
    """pyright accepts the generated code."""
    settings = {"typeCheckingMode": "standard", "pythonVersion": "3.11", "include": list(documents())}
    (packages / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "-p", packages, "--pythonpath", sys.executable],
        cwd=REPO,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
