"""The pytest plugin, in separate test runs."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import os
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from claude_batches.sandbox import Fault

def batches(sandbox):
    headers = {"x-api-key": os.environ["ANTHROPIC_API_KEY"], "anthropic-version": "2023-06-01"}
    assert os.environ["ANTHROPIC_BASE_URL"] == sandbox.url
    with urlopen(Request(sandbox.url + "/v1/messages/batches", headers=headers)) as response:
        return response.read()

@pytest.mark.parametrize("number", range(2))
def test_every_test_has_an_empty_instant_sandbox(claude_sandbox, number):
    assert claude_sandbox.instant
    assert b'"data":[]' in batches(claude_sandbox)

@pytest.mark.claude_sandbox(faults=[Fault(kind="overloaded")], speed=2)
def test_the_marker_sets_options(claude_sandbox):
    assert claude_sandbox.speed == 2
    assert not claude_sandbox.instant
    with pytest.raises(HTTPError) as failed:
        batches(claude_sandbox)
    assert failed.value.code == 529
    failed.value.close()
"""


@pytest.mark.parametrize("options", [[], ["-p", "xdist", "-n", "2"]], ids=["alone", "xdist"])
def test_the_fixture_and_its_marker_work(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: list[str]
):
    """Each test has its own sandbox, alone and under xdist."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(TESTS)
    plugin = ["-p", "claude_batches.sandbox.pytest_plugin"]
    result = pytester.runpytest_subprocess(*plugin, "--strict-markers", *options)
    result.assert_outcomes(passed=3)


def test_the_plugin_loads_without_the_extra():
    """pytest loads it wherever claude-batches is installed, so it must load without starlette and uvicorn."""
    code = (
        "import sys; sys.modules['starlette'] = sys.modules['uvicorn'] = None\n"
        "import claude_batches.sandbox.pytest_plugin"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_fixture_names_a_missing_extra(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Without the extra, a test that uses the fixture fails with one line."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest("import sys\nsys.modules['starlette'] = None")
    pytester.makepyfile("def test_it(claude_sandbox): ...")
    result = pytester.runpytest_subprocess("-p", "claude_batches.sandbox.pytest_plugin")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the sandbox needs the package starlette: pip install*"])
    result.stdout.no_fnmatch_line("*Traceback*")
