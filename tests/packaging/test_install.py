"""The wheel in clean environments: alone, with each extra, and with all of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]

# Each environment is downloaded anew, so the inner loop leaves this to CI.
pytestmark = pytest.mark.skipif(
    "CLAUDE_BATCHES_REQUIRE_INSTALL" not in os.environ, reason="clean environments are tried in CI alone"
)

READ = """
from claude_batches import Client, results_from_file
from claude_batches.types import MessageBatch
client = Client(base_url="http://127.0.0.1:9", api_key="any-key", max_retries=0)
try:
    client.messages.batches.retrieve("msgbatch_1")
except Exception as error:
    print(type(error).__name__)
"""


def run(*command: str | Path, status: int = 0) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(params=["", *EXTRAS])
def environment(request: pytest.FixtureRequest, wheel: Path, tmp_path: Path) -> tuple[str, Path]:
    """A clean environment with the wheel and one extra."""
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[{request.param}]" if request.param else wheel)
    return request.param, python


def test_every_extra_installs_alone(environment: tuple[str, Path]) -> None:
    """The client works with any extra, and the command names a missing one in a line."""
    extra, python = environment
    assert run(python, "-W", "error", "-c", READ).strip() == "APIConnectionError"
    run(python, "-m", "pip", "check")
    has_cli = extra in ("cli", "all")
    shown = run(python, "-m", "claude_batches", "--version", status=0 if has_cli else 1)
    assert re.search(r"\d+\.\d+", shown) if has_cli else "claude-batches[cli" in shown
    if extra == "cli":
        for command in ("demo", "sandbox"):
            lines = run(python, "-m", "claude_batches", command, status=1).strip().splitlines()
            assert len(lines) == 1
            assert "claude-batches[sandbox]" in lines[0]
