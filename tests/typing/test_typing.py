"""The public types, checked by mypy and pyright in strict mode."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from claude_batches_api import models

from tests.generator.running import complete, generated
from tests.wire import schemas

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SOURCES = [ROOT / "generated", ROOT / "overlays"]

FILES = ("user_code.py", "mistakes.py")

Found = set[tuple[str, int]]


def mypy(
    folder: Path, files: Sequence[str] = FILES, *, cwd: Path = HERE, sources: Sequence[Path] = SOURCES
) -> tuple[Found, str]:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-pretty",
        "--no-error-summary",
        "--config-file=",
        f"--cache-dir={folder}",
    ]
    done = subprocess.run(
        [*command, *files],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": os.pathsep.join(map(str, sources))},
    )
    places = re.findall(r"^(\w+\.py):(\d+): error:", done.stdout, re.MULTILINE)
    return {(name, int(line)) for name, line in places}, done.stdout + done.stderr


def pyright(
    folder: Path, files: Sequence[str] = FILES, *, cwd: Path = HERE, sources: Sequence[Path] = SOURCES
) -> tuple[Found, str]:
    for name in files:
        if cwd != folder:
            shutil.copy(cwd / name, folder)
    settings = {
        "include": [*files],
        "typeCheckingMode": "strict",
        "extraPaths": [str(source) for source in sources],
        # Some statements are only there to be wrong.
        "reportUnusedExpression": "none",
        "reportUnusedCoroutine": "none",
    }
    project = folder / "pyrightconfig.json"
    project.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run([*command, "--project", str(project)], capture_output=True, text=True)
    problems = [each for each in json.loads(done.stdout)["generalDiagnostics"] if each["severity"] == "error"]
    places = {(Path(problem["file"]).name, problem["range"]["start"]["line"] + 1) for problem in problems}
    return places, "\n".join(
        f"{problem['file']}:{problem['range']}: {problem['message']}" for problem in problems
    )


def marked() -> Found:
    lines = (HERE / "mistakes.py").read_text().splitlines()
    return {("mistakes.py", number) for number, line in enumerate(lines, 1) if line.endswith("# wrong")}


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_user_code(checker: str, tmp_path: Path) -> None:
    """Code of users passes in strict mode, and each mistake is reported."""
    found, output = (mypy if checker == "mypy" else pyright)(tmp_path)
    assert found == marked(), output


def narrowings() -> str:
    """Compare the tag of each discriminated union with each of its values."""
    lines = ["from typing import assert_type", "", "from claude_batches import types", ""]
    for name, schema in sorted(schemas().items()):
        discriminator = schema.get("discriminator")
        if discriminator is None or name not in models.__all__:
            continue
        lines += ["", f"def narrow_{name.lower()}(value: types.{name}) -> None:"]
        for tag, target in discriminator["mapping"].items():
            lines += [f"    if value.{discriminator['propertyName']} == {tag!r}:"]
            lines += [f"        assert_type(value, types.{target.rpartition('/')[2]})"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_tag_narrows_each_union(checker: str, tmp_path: Path) -> None:
    """After `if value.type == "..."` both checkers know the one member that it can be."""
    text = narrowings()
    assert text.count("assert_type(value") > 50
    (tmp_path / "narrowing.py").write_text(text)
    found, output = (mypy if checker == "mypy" else pyright)(tmp_path, ["narrowing.py"], cwd=tmp_path)
    assert found == set(), output


PETS = """
paths:
  /pet: {get: {operationId: pets_get, tags: [pets], responses: {"200": {description: a, content: {application/json: {
    schema: {$ref: Holder}}}}}}}
components:
  schemas:
    Holder: {type: object, required: [pet], properties: {pet: {oneOf: [{$ref: Cat}, {$ref: Dog}], discriminator: {
      propertyName: petType}}, others: {type: array, items: {$ref: Shape}}}}
    Cat: {type: object, required: [petType, lives], properties: {petType: {const: Cat}, lives: {type: integer}}}
    Dog: {type: object, required: [petType, bark], properties: {petType: {const: Dog}, bark: {type: string}}}
    Shape: {oneOf: [{$ref: Square}, {$ref: Circle}]}
    Square: {type: object, required: [kind, side], properties: {kind: {const: square}, side: {type: integer}}}
    Circle: {type: object, required: [kind, radius], properties: {kind: {const: circle}, radius: {type: integer}}}
"""

READER = """
from typing import assert_type
from {package}.models import Cat, Circle, Holder, Shape


def read(holder: Holder, shape: Shape) -> None:
    if holder.pet.pet_type == "Cat":
        assert_type(holder.pet, Cat)
        print(holder.pet.lives)
    if shape.kind == "circle":
        assert_type(shape, Circle)
        print(shape.radius)
"""


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_tags_of_other_names_narrow(checker: str, tmp_path: Path) -> None:
    """A tag that is not called `type` narrows a named and an unnamed union, and `Unknown` has its own value."""
    with generated(complete(PETS), tmp_path) as api:
        pet = api.models.Holder.from_dict({"pet": {"petType": "Axolotl"}}).pet
        assert (type(pet).__name__, pet.type, pet.pet_type) == ("Unknown", "Axolotl", "Axolotl")
        (tmp_path / "reader.py").write_text(READER.format(package=api.name))
        sources = [tmp_path, *SOURCES]
        check = mypy if checker == "mypy" else pyright
        found, output = check(tmp_path, ["reader.py"], cwd=tmp_path, sources=sources)
        assert found == set(), output
