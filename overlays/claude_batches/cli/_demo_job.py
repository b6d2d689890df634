"""The demo of a job: three batches on the sandbox, with faults and a kill -9 of the process."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import attrs
import orjson
from rich.console import Console

from ._console import write_json
from ._demo_requests import demo_requests
from ._exits import CommandError

if TYPE_CHECKING:
    from ..sandbox import Sandbox

__all__ = ["run_on_sandbox"]

#: Sandbox seconds per second: a batch of a minute ends in half a second.
SPEED = 120
_JOB = "demo.job"
_REQUESTS = "requests.jsonl"
#: The words of the job's warning about a create whose response was lost.
_LOST = "It is looked for"


@attrs.frozen
class Verdict:
    """The requests that were paid for, by the records of the sandbox."""

    batches: int
    succeeded: int
    paid_twice: int
    without_result: int


def run_on_sandbox(console: Console, *, count: int, model: str, json: bool) -> None:
    """Run the demo on a separate sandbox.

    Args:
        console: The console.
        count: The number of requests.
        model: Their model.
        json: True to write the verdict as JSON on stdout.

    Raises:
        ModuleNotFoundError: The extra of the sandbox is not installed.
        CommandError: The job has not ended well.
    """
    from ..sandbox import Fault, Sandbox

    faults = (
        Fault(kind="overloaded", on="create", times=1),
        # The third batch is created, and the response with its id is lost.
        Fault(kind="cut", on="create", at=0, skip=3, times=1),
        Fault(kind="cut", on="results", at=20_000, times=1),
        Fault(kind="errored", share=0.02),
        Fault(kind="expired", share=0.02),
    )
    started = time.monotonic()
    with Sandbox(speed=SPEED, faults=faults) as sandbox, tempfile.TemporaryDirectory() as folder:
        console.print(f"A sandbox of the API runs at {sandbox.url} (no key, no cost).")
        console.print(
            "Its faults: one create is overloaded, the response of another is lost, a download breaks off, and 4 % of "
            "the requests of each batch fail.",
            soft_wrap=True,
        )
        _write_requests(Path(folder) / _REQUESTS, count, model)
        # Shards are filled to different sizes, up to a twentieth less.
        most = math.ceil(count / 3 / 0.95) + 1
        _run_killed(console, sandbox, folder, most)
        _run_again(console, sandbox, folder)
        verdict = _judge(sandbox, Path(folder) / _JOB, count)
    if json:
        write_json(attrs.asdict(verdict))
    console.print(
        f"\n[bold]By the records of the sandbox: {verdict.batches} batches, {verdict.paid_twice} requests paid twice, "
        f"{verdict.without_result} without a result.[/] [dim]({time.monotonic() - started:.0f} s)[/]",
        soft_wrap=True,
    )
    if verdict.paid_twice or verdict.without_result:
        raise CommandError("the demo did not end as it should: please report this")


def _write_requests(path: Path, count: int, model: str) -> None:
    with path.open("wb") as file:
        for request in demo_requests(count, model=model):
            file.write(orjson.dumps(request) + b"\n")


def _run_killed(console: Console, sandbox: Sandbox, folder: str, most: int) -> None:
    """Run the job, and kill it once the response of a create is lost."""
    options = (_REQUESTS, "--max-requests", str(most))
    with _running(console, sandbox, folder, *options) as process:
        for line in _output(process):
            console.print(f"  {line}", markup=False, soft_wrap=True)
            if _LOST in line:
                process.kill()
                break
        else:
            raise CommandError(f"the job ended with exit status {process.wait()}: please report this")
        process.wait()
    console.print(
        f"[bold red]kill -9 {process.pid}[/] [bold]The ledger has the intent of a batch, and not its id.[/]",
        soft_wrap=True,
    )


def _run_again(console: Console, sandbox: Sandbox, folder: str) -> None:
    """Continue the job until it has finished."""
    with _running(console, sandbox, folder) as process:
        for line in _output(process):
            console.print(f"  {line}", markup=False, soft_wrap=True)
        status = process.wait()
    if status not in (0, 3):
        raise CommandError(f"the job ended with exit status {status}: please report this")


@contextmanager
def _running(
    console: Console, sandbox: Sandbox, folder: str, *options: str
) -> Generator[subprocess.Popen[str]]:
    """Run `claude-batches run` in a separate process."""
    shown = " ".join(("claude-batches run", _JOB, *options, "--verbose"))
    console.print(f"\n[bold]$ {shown}[/]", soft_wrap=True)
    command = [sys.executable, "-m", "claude_batches", "run", _JOB, *options, "--verbose"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
    environment |= {
        "ANTHROPIC_BASE_URL": sandbox.url,
        "ANTHROPIC_API_KEY": "sandbox",
        "PYTHONUNBUFFERED": "1",
    }
    with subprocess.Popen(  # noqa: S603 -- this program itself
        [*command, "--poll-interval", "0.2"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _output(process: subprocess.Popen[str]) -> Iterator[str]:
    output: IO[str] | None = process.stdout
    assert output is not None
    for line in output:
        yield line.rstrip()


def _judge(sandbox: Sandbox, job: Path, count: int) -> Verdict:
    """Count the requests that succeeded in all batches, and compare with the results of the job."""
    from .. import Client
    from ..jobs import Job

    sandbox.set_faults(None)
    paid: Counter[str] = Counter()
    batches = 0
    with Client(base_url=sandbox.url, api_key="sandbox") as client:
        for batch in client.messages.batches.list():
            batches += 1
            for item in client.messages.batches.results(batch.id, wait=True):
                if item.result.type == "succeeded":
                    # A sent custom_id ends with the position of its request.
                    paid[item.custom_id.rpartition("-")[2]] += 1
    with Job.open(job) as opened:
        rows = sum(1 for _ in opened.results())
    return Verdict(
        batches=batches,
        succeeded=len(paid),
        paid_twice=sum(times > 1 for times in paid.values()),
        without_result=count - rows,
    )
