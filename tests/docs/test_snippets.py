"""Each snippet of the README and of the documentation runs, and type-checks."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from claude_batches.sandbox import Sandbox

from tests.docs.snippets import PAGES, PENDING, ROOT, commands, namespace, parse, programs, run

SOURCES = os.pathsep.join(map(str, (ROOT / "generated", ROOT / "overlays", ROOT)))


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _marked(page: Path) -> Any:
    marks = [pytest.mark.xfail(reason="not exported yet")] if _name(page) in PENDING else []
    return pytest.param(page, id=_name(page), marks=marks)


# Short snippets leave clients to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("page", [_marked(page) for page in PAGES])
def test_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The snippets of a page run on a sandbox, and print the output that the page shows."""
    document = parse(page)
    if not list(document):
        return
    for name, value in commands(tmp_path / "bin").items():
        monkeypatch.setenv(name, value)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with Sandbox(instant=True) as sandbox:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", sandbox.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "any")
        monkeypatch.setenv("PYTHONPATH", SOURCES)
        document.namespace.update(namespace(sandbox.url))
        run(document)
        document.namespace.clear()
        gc.collect()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each snippet as a program."""
    made = tmp_path_factory.mktemp("snippets")
    for page in PAGES:
        if _name(page) in PENDING:
            continue
        for name, source in programs(parse(page)).items():
            (made / name).write_text(source, encoding="utf-8")
    assert len(list(made.glob("README_*.py"))) >= 1
    return made


def test_snippets_pass_mypy(folder: Path, tmp_path: Path):
    """Each snippet, with the snippets before that it uses, passes mypy in strict mode."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}"]
    options = ["--explicit-package-bases", "--follow-untyped-imports", "--no-error-summary"]
    done = subprocess.run(
        [*command, *options, *sorted(path.name for path in folder.glob("*.py"))],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": SOURCES},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_snippets_pass_pyright(folder: Path):
    """Each snippet, with the snippets before that it uses, passes pyright in strict mode."""
    settings = {
        "include": ["*.py"],
        "typeCheckingMode": "strict",
        "extraPaths": SOURCES.split(os.pathsep),
        # Some snippets show an expression, or a test before the code that it uses.
        "reportUnusedExpression": "none",
        "reportMissingTypeStubs": "none",
    }
    project = folder / "pyrightconfig.json"
    project.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run([*command, "--project", str(project)], capture_output=True, text=True)
    problems = [each for each in json.loads(done.stdout)["generalDiagnostics"] if each["severity"] == "error"]
    places = [
        f"{Path(each['file']).name}:{each['range']['start']['line'] + 1}: {each['message']}"
        for each in problems
    ]
    assert not places, "\n".join(places)
