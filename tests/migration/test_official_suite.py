"""The official package's own tests of batches, clients and responses pass here, but for a list with reasons.

The tests are fetched, run through a small shim of names, and answered by Steady from our spec.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.contract.test_steady import steady
from tests.migration.not_applicable import NOT_APPLICABLE, SUBSTITUTIONS
from tests.migration.sdist import official_tests

SHIM = Path(__file__).with_name("shim")
ROOT = Path(__file__).parents[2]
SECONDS = 600

#: The test files that concern batches.
FILES = (
    "api_resources/messages/test_batches.py",
    "decoders/test_jsonl.py",
    "test_client.py",
    "test_response.py",
)

INI = """[pytest]
anyio_mode = auto
markers =
    asyncio: written for another plugin
    respx: options of the mock
"""


class Outcome(NamedTuple):
    """The outcome of one official test."""

    test: str
    outcome: str
    error: str


def prepare(folder: Path) -> None:
    """Write the official tests and the shim into a folder."""
    official = official_tests()
    tests = folder / "tests"
    for name in FILES:
        target = tests / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(substituted(name, (official / name).read_text("utf-8")), "utf-8")
        for parent in target.parents:
            if parent == folder:
                break
            (parent / "__init__.py").touch()
    shutil.copy(SHIM / "fixtures.py", tests / "conftest.py")
    shutil.copy(SHIM / "utils.py", tests)
    shutil.copy(SHIM / "anthropic_shim.py", folder)
    (folder / "pytest.ini").write_text(INI, "utf-8")


def substituted(name: str, text: str) -> str:
    """Return a test file with the substitutions. One that does not apply any more fails."""
    for file, old, new, _ in SUBSTITUTIONS:
        if file == name:
            assert old in text, f"{name}: {old!r} is not there any more"
            text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """Run the official tests."""
    folder, logs = tmp_path_factory.mktemp("official"), tmp_path_factory.mktemp("steady")
    prepare(folder)
    report = folder / "outcomes.jsonl"
    with steady(logs) as server:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests"],
            cwd=folder,
            env={
                **kept,
                "PYTHONPATH": os.pathsep.join(map(str, (folder, ROOT / "generated", ROOT / "overlays"))),
                "TEST_API_BASE_URL": server.url,
                "CLAUDE_BATCHES_OUTCOMES": str(report),
            },
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert run.returncode in (0, 1), run.stdout[-3000:] + run.stderr[-3000:]
    return [Outcome(**json.loads(line)) for line in report.read_text("utf-8").splitlines()]


def reason(test: str) -> str | None:
    """Return the reason why a test does not apply."""
    return next((text for pattern, text in NOT_APPLICABLE.items() if matches(test, pattern)), None)


def matches(test: str, pattern: str) -> bool:
    """Return true if an id matches a pattern, in which only `*` is special."""
    return fnmatchcase(test.removeprefix("tests/"), pattern.replace("[", "[[]"))


def test_official_tests_pass(outcomes: list[Outcome]) -> None:
    """Each official test passes, or a reason is listed."""
    failed = [each for each in outcomes if each.outcome != "passed" and reason(each.test) is None]
    assert not failed, "\n".join(f"{each.test}: {each.outcome} {each.error}" for each in failed)


def test_no_reason_is_stale(outcomes: list[Outcome]) -> None:
    """Each listed pattern matches tests, and none of them passes."""
    stale = {
        pattern: [each.test for each in outcomes if matches(each.test, pattern) and each.outcome == "passed"]
        for pattern in NOT_APPLICABLE
        if not any(matches(each.test, pattern) and each.outcome != "passed" for each in outcomes)
        or any(matches(each.test, pattern) and each.outcome == "passed" for each in outcomes)
    }
    assert not stale


def test_most_official_tests_of_batches_pass(outcomes: list[Outcome]) -> None:
    """The tests of batches themselves pass, but for a few."""
    batches = [each for each in outcomes if "test_batches.py" in each.test]
    unexpected = [each for each in batches if each.outcome != "passed" and "aiohttp" not in each.test]
    assert len(unexpected) <= 2
    assert len(batches) - len(unexpected) > 100
