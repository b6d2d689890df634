"""The weekly comparison with a published document."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.docs.snippets import ROOT


def compared(document: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", ROOT / ".github/upstream.sh", document, folder],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )


def test_a_changed_document_is_reported(tmp_path: Path):
    """A renamed field is in the report, with an entry for the changelog."""
    theirs = yaml.safe_load((ROOT / "spec/openapi.yaml").read_text(encoding="utf-8"))
    batch = theirs["components"]["schemas"]["MessageBatch"]
    batch["properties"]["finished_at"] = batch["properties"].pop("ended_at")
    batch["required"] = ["finished_at" if name == "ended_at" else name for name in batch["required"]]
    batch.pop("example", None)
    document = tmp_path / "theirs.yaml"
    document.write_text(yaml.safe_dump(theirs), encoding="utf-8")
    done = compared(str(document), tmp_path)
    assert done.returncode == 0, done.stderr
    outputs = dict(line.split("=", 1) for line in done.stdout.splitlines())
    report = Path(outputs["report"]).read_text(encoding="utf-8")
    assert outputs["changed"] == "true"
    assert "finished_at" in report
    assert "## Entry for the changelog" in report


def test_a_missing_document_fails(tmp_path: Path):
    """A comparison without a document, or of one that is not read, fails instead of reporting the same."""
    assert compared("", tmp_path).returncode != 0
    assert compared("http://127.0.0.1/openapi.json", tmp_path).returncode != 0
    assert compared(str(tmp_path / "none.yaml"), tmp_path).returncode != 0


def test_workflows_limit_what_they_may_do():
    """Each workflow starts with the right to read, and each job has a limit of time."""
    files = sorted((ROOT / ".github/workflows").glob("*.yml"))
    assert len(files) >= 4
    for file in files:
        workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert workflow["permissions"] == {"contents": "read"}, file.name
        assert all("timeout-minutes" in job for job in workflow["jobs"].values()), file.name


def test_actions_are_pinned():
    """Each action of a workflow is named by the hash of a commit, with its release behind it."""
    files = sorted((ROOT / ".github/workflows").glob("*.yml"))
    used = [
        line for file in files for line in file.read_text(encoding="utf-8").splitlines() if "uses:" in line
    ]
    assert len(used) > 10
    assert [
        line for line in used if not re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)
    ] == []
