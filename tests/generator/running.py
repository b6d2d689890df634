"""Run the generator as its maintainer does, and import the result."""

from __future__ import annotations

import importlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

REPO = Path(__file__).resolve().parents[2]

PETS = """
openapi: 3.1.0
info: {title: Pets, version: "1"}
security: [{key: []}]
paths:
  /pets/{pet_id}:
    get:
      operationId: pets_retrieve
      tags: [pets]
      parameters:
        - {name: pet_id, in: path, required: true, schema: {type: string}}
      responses:
        "200":
          description: The pet.
          content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}
components:
  schemas:
    Pet:
      description: An animal.
      type: object
      required: [name]
      properties:
        name: {type: string, description: What it is called.}
        age: {type: integer}
"""


def codegen(
    *arguments: object, cwd: Path = REPO, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start the command in a separate process."""
    return subprocess.Popen(
        [sys.executable, str(REPO / "codegen.py"), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file in a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


_numbers = itertools.count()


@dataclass
class Api:
    """An imported package."""

    name: str
    folder: Path
    notes: str

    def module(self, path: str) -> ModuleType:
        """Return one of its modules: `models`, `operations.pets`."""
        return importlib.import_module(f"{self.name}.{path}")

    def __getattr__(self, name: str) -> Any:
        return self.module(name)

    def decode(self, tag: str, operation: str, wire: Any, status: int = 200) -> Any:
        """Decode a response of an operation."""
        return getattr(self.module(f"operations.{tag}"), operation.upper()).decode(status, wire)

    def decode_as(self, tag: str, operation: str, wire: Any, content_type: str) -> Any:
        """Decode a response of an operation with a `Content-Type`."""
        found = getattr(self.module(f"operations.{tag}"), operation.upper())
        return found.decode(200, wire, content_type)

    def source(self, path: str) -> str:
        """Return the text of one of its files."""
        return (self.folder / path).read_text()


def complete(document: str) -> str:
    """Return a document with the keywords that all documents need. `$ref: Pet` is short for the component."""
    document = re.sub(r"\$ref: (\w+)", r'$ref: "#/components/schemas/\1"', document)
    data = yaml.safe_load(document)
    assert isinstance(data, dict)
    return document + "\n".join(
        line
        for key, line in (
            ("openapi", "\nopenapi: 3.1.0"),
            ("info", '\ninfo: {title: A test, version: "1"}'),
            ("paths", "\npaths: {}"),
        )
        if key not in data
    )


@contextmanager
def generated(document: str, folder: Path, *options: str) -> Iterator[Api]:
    """Generate a package from a document, and make it importable."""
    import codegen as command

    name = f"blackbox_{os.getpid()}_{next(_numbers)}"
    spec = folder / f"{name}.yaml"
    spec.write_text(document, encoding="utf-8")
    said = io.StringIO()
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        arguments = ["--debug", "--spec", str(spec), "--output", str(folder), "--package", name, *options]
        status = command.main(arguments)
    assert status == 0, said.getvalue()
    sys.path.insert(0, str(folder))
    try:
        yield Api(name, folder / name, said.getvalue())
    finally:
        sys.path.remove(str(folder))
        for module in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
            del sys.modules[module]


def mypy_complaints(package: Path) -> str:
    """Return the findings of mypy in its strict mode."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=.mypy", package.name]
    done = subprocess.run(command, cwd=package.parent, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def pyright_complaints(package: Path, folder: Path) -> str:
    """Return the findings of pyright in its strict mode. Its configuration goes into another folder."""
    # pyright ignores absolute paths.
    paths = {"include": [os.path.relpath(package, folder)], "extraPaths": [str(package.parent)]}
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict", **paths}))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "-p", folder, "--pythonpath", sys.executable],
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No source files" not in done.stdout, done.stdout
    return "" if done.returncode == 0 else done.stdout + done.stderr


def program_complaints(api: Api, folder: Path, program: str) -> tuple[str, str]:
    """Return the findings of mypy and of pyright in a package and in a program that uses it."""
    path = api.folder / "program.py"
    path.write_text(textwrap.dedent(program))
    try:
        return mypy_complaints(api.folder), pyright_complaints(api.folder, folder)
    finally:
        path.unlink()
