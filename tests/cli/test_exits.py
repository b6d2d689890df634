"""Exit statuses as documented, and JSON on stdout, of each command, against the sandbox."""

from __future__ import annotations

import json
import re
import shutil
import signal
from pathlib import Path

import pytest
import typer.main
from claude_batches.cli._app import app
from claude_batches.sandbox import Fault, Sandbox

from tests.cli.processes import invoke, jsonl, request, run, running

pytestmark = pytest.mark.usefixtures("claude_sandbox")
ERRORED = "[[error:invalid_request_error]] Hello"
FAST = ("--poll-interval", "0.05")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "command.md"
SECTION = PAGE.read_text().partition("## Exit status")[2].partition("\n## ")[0]


def documented(first: str) -> dict[str, dict[str, int]]:
    """Return the statuses of a table by state and command; cells with words are left out.

    Args:
        first: The first state of the table.
    """
    table = SECTION[SECTION.index(f"| command | {first} |") :].partition("\n\n")[0].splitlines()
    states = [cell.strip() for cell in table[0].strip("|").split("|")][1:]
    found: dict[str, dict[str, int]] = {state: {} for state in states}
    for row in table[2:]:
        names, *cells = (cell.strip() for cell in row.strip("|").split("|"))
        for state, cell in zip(states, cells, strict=True):
            if cell.isdecimal():
                found[state] |= {name: int(cell) for name in re.findall(r"`(.*?)`", names)}
    return found


JOBS = documented("requests left to send")
BATCHES = documented("batch in process")
#: Requests, options and fault of a job in each state, and the command that brings it there.
STATES = {
    "requests left to send": ("submit", [request(0), request(1)], ("--max-in-flight", "1"), None),
    "all in process": ("submit", [request(0)], (), None),
    "all succeeded, or no requests": ("run", [request(0)], FAST, None),
    "some failed": ("run", [request(0), request(1, ERRORED)], FAST, None),
    "paused": ("run", [request(index, ERRORED) for index in range(100)], FAST, None),
    "a create in doubt": ("submit", [request(0)], (), Fault(kind="cut", on="create", at=0, times=1)),
}
OPTIONS = {"run": FAST, "watch": FAST, "export": ("-",)}


@pytest.mark.parametrize("state", JOBS)
def test_statuses_of_jobs(state: str, tmp_path: Path, claude_sandbox: Sandbox):
    """Each command about a job ends with the documented status in each state of the job."""
    made, requests, options, fault = STATES[state]
    claude_sandbox.set_faults([fault] if fault else None)
    invoke(made, tmp_path / "made.job", "-", *options, stdin=jsonl(*requests))
    ended: dict[str, int] = {}
    # Some of the commands end the batches of the sandbox, and with them the state of all copies.
    for name in sorted(JOBS[state], key=lambda name: name.partition(" ")[0] in ("run", "watch", "cancel")):
        command = name.partition(" ")[0]
        job = shutil.copytree(tmp_path / "made.job", tmp_path / f"{command}.job")
        ended[name] = invoke(command, job, *OPTIONS.get(command, ())).returncode
    assert ended == JOBS[state]


def test_statuses_of_a_job_without_requests(tmp_path: Path):
    """Each command about a job without requests ends with the documented status."""
    expected = JOBS["all succeeded, or no requests"]
    ended: dict[str, int] = {}
    for name in expected:
        command = name.partition(" ")[0]
        job = tmp_path / f"{command}.job"
        invoke("submit", job, "-", stdin="")
        ended[name] = invoke(command, job, *OPTIONS.get(command, ())).returncode
    assert ended == expected


@pytest.mark.parametrize(
    "state",
    [
        pytest.param("batch in process", marks=pytest.mark.claude_sandbox(speed=1)),
        "all succeeded",
        "some failed",
    ],
)
def test_statuses_of_batches(state: str):
    """Each command about a batch ends with the documented status in each state of the batch."""
    requests = [request(0), request(1, ERRORED if state == "some failed" else "Hello")]
    ended: dict[str, int] = {}
    for name in BATCHES[state]:
        command, _, option = name.partition(" ")
        batch = invoke("create", "-", stdin=jsonl(*requests)).stdout.strip()
        # The first look ends a batch of an instant sandbox.
        invoke("show", batch)
        if command == "create":
            done = invoke("create", "-", option, stdin=jsonl(*requests))
        else:
            done = invoke(command, batch, *(("-",) if command == "download" else ()))
        ended[name] = done.returncode
    assert ended == BATCHES[state]


def test_each_command_has_a_documented_status():
    """The section about exit statuses names each command, and only those that there are."""
    named = {name.partition(" ")[0] for name in re.findall(r"`([a-z][^`]*)`", SECTION)}
    assert named - {"claude-batches"} == set(typer.main.get_group(app).commands)


WORDS = {"JOB": "made.job", "REQUESTS": "requests.jsonl", "FILE": "file.csv"}
JSON = [
    ("create", "REQUESTS"),
    ("list",),
    ("show", "BATCH"),
    ("wait", "BATCH"),
    ("download", "BATCH", "FILE"),
    ("download", "BATCH", "-"),
    ("delete", "BATCH"),
    ("cancel", "BATCH"),
    ("cancel", "JOB"),
    ("run", "JOB", "REQUESTS", *FAST),
    ("plan", "REQUESTS"),
    ("plan", "JOB"),
    ("submit", "JOB", "REQUESTS"),
    ("status", "JOB"),
    ("watch", "JOB", *FAST),
    ("retry", "JOB"),
    ("results", "JOB"),
    ("export", "JOB", "FILE"),
    ("export", "JOB", "-"),
    ("cost", "JOB"),
    ("resolve", "JOB"),
    ("resolve", "JOB", "1", "lost"),
    ("demo", "--count", "60"),
    ("sandbox", "--port", "0"),
]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            each, id=" ".join(each), marks=[pytest.mark.claude_sandbox(speed=1)] * (each[0] == "cancel")
        )
        for each in JSON
    ],
)
def test_json_alone_is_on_stdout(command: tuple[str, ...], requests: Path, monkeypatch: pytest.MonkeyPatch):
    """Each command with --json writes lines of JSON on stdout, and nothing else."""
    monkeypatch.chdir(requests.parent)
    invoke("submit", "made.job", requests)
    batch = json.loads(invoke("list", "--json").stdout)["id"]
    if command[0] != "cancel" and "lost" not in command:
        invoke("watch", "made.job", *FAST)
    if "lost" in command:
        invoke("wait", batch)
        invoke("delete", batch)
    arguments = [{**WORDS, "BATCH": batch}.get(word, word) for word in command]
    if command[0] == "sandbox":
        with running(*arguments, "--json") as process:
            process.wait_for("Ctrl-C stops it")
            process.process.send_signal(signal.SIGINT)
            status, out, _ = process.end()
    else:
        done = (run if command[0] == "demo" else invoke)(*arguments, "--json")
        status, out = done.returncode, done.stdout
    assert (status, bool(out)) == (3 if command == ("cancel", "JOB") else 0, True)
    for line in out.splitlines():
        assert isinstance(json.loads(line), dict | list)


def test_each_command_is_tried_with_json():
    """The test above has all commands."""
    assert {each[0] for each in JSON} == set(typer.main.get_group(app).commands)
