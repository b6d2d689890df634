"""The public types, as mypy and pyright see them in strict mode."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SOURCES = [ROOT / "generated", ROOT / "overlays"]

FILES = ("user_code.py", "mistakes.py")

Found = set[tuple[str, int]]


def mypy(folder: Path) -> tuple[Found, str]:
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
        [*command, *FILES],
        cwd=HERE,
        capture_output=True,
        text=True,
        env={**os.environ, "MYPYPATH": os.pathsep.join(map(str, SOURCES))},
    )
    places = re.findall(r"^(\w+\.py):(\d+): error:", done.stdout, re.MULTILINE)
    return {(name, int(line)) for name, line in places}, done.stdout + done.stderr


def pyright(folder: Path) -> tuple[Found, str]:
    for name in FILES:
        shutil.copy(HERE / name, folder)
    settings = {
        "include": ["."],
        "typeCheckingMode": "strict",
        "extraPaths": [str(source) for source in SOURCES],
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
def test_right_code_passes_and_each_mistake_is_pointed_at(checker: str, tmp_path: Path) -> None:
    found, output = (mypy if checker == "mypy" else pyright)(tmp_path)
    assert found == marked(), output
