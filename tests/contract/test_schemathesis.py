"""Schemathesis, which reads our spec and tries to prove the sandbox wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from claude_batches.sandbox import Sandbox

from tests.contract.calls import KEY
from tests.contract.promises import BATCHES, batch_operations
from tests.wire import SPEC_PATH

HERE = Path(__file__).resolve().parent
SECONDS = 180
"""After which a run must hang; it takes about 20, bounded by the number of its examples."""


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """With all checks on, single calls and chains of calls included, it finds the sandbox true to the spec."""
    report_path = tmp_path / "report.json"
    with Sandbox(instant=True, api_key=KEY) as sandbox:
        run = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                f"--config-file={HERE / 'schemathesis.toml'}",
                "run",
                SPEC_PATH,
                f"--url={sandbox.url}",
                f"--include-tag={BATCHES}",
                "--include-tag=messages",
                f"--header=x-api-key: {KEY}",
                "--report=json",
                f"--report-json-path={report_path}",
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(HERE.parent.parent)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(report_path.read_text(encoding="utf-8"))
    assert {name: phase["status"] for name, phase in report["phases"].items()} == dict.fromkeys(
        ("examples", "coverage", "fuzzing", "stateful"), "success"
    )
    assert report["test_cases"]["generated"] > 1000
    # It works out by itself which answer leads to which call, and has followed most of that.
    links = re.search(r"API Links:\s+(\d+) covered / (\d+) selected", run.stdout)
    assert links is not None
    assert int(links[1]) >= int(links[2]) / 2
    assert report["warnings"]["missing_deserializer"] == []
    # Each operation has worked, and not only found reasons to refuse.
    accepted = {
        operation: sum(phase["accepted"] for phase in phases.values())
        for operation, phases in report["valid_rates"].items()
    }
    operations = {f"{method.upper()} {path}" for path, method, _ in batch_operations()}
    assert accepted.keys() == {"POST /v1/messages/count_tokens", *operations}
    assert all(accepted.values())
