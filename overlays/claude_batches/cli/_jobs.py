"""Commands that take a job forward: run, submit, watch, retry, cancel."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from .._interrupts import Interrupts
from .._words import counted
from ._console import say, write_data, write_json
from ._events import followed, outlook
from ._exits import CommandError, ExitStatus, finish
from ._job_view import (
    advise,
    again,
    amount,
    cost_summary,
    cost_table,
    status_dict,
    status_of,
    status_table,
    unsent,
)
from ._jobs_api import cost, opened
from ._options import (
    Ids,
    JobName,
    JobSettings,
    Json,
    LeaseSeconds,
    Ledger,
    MaxCost,
    PollInterval,
    Verbose,
)
from ._progress import Reporter
from ._sources import RowOptions, SourceArgument, place_of

if TYPE_CHECKING:
    from claude_batches.jobs import Job
    from claude_batches.jobs._cost import Report

__all__ = ["cancel_job", "next_pause", "retry", "run", "submit", "watch"]


def run(
    job: JobName,
    requests: SourceArgument = None,
    *,
    source: RowOptions,
    max_cost: MaxCost = None,
    ids: Ids = None,
    poll_interval: PollInterval = None,
    settings: JobSettings,
    ledger: Ledger = None,
    lease_seconds: LeaseSeconds = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Run a job: submit, wait, collect, and send again what may succeed.

    JOB is created on first use. The same command continues a job after Ctrl-C, a crash or a reboot: nothing is paid
    twice. Requests that the job has already are passed over.

    Ctrl-C once stops after the current step, twice at once; sent batches continue.
    """
    with (
        opened(
            job,
            ledger=ledger,
            lease_seconds=lease_seconds,
            client=True,
            create=requests is not None,
            swapped="run" if requests is None else None,
            ids=ids,
            poll_interval=poll_interval,
            **settings.options(),
        ) as opened_job,
        _continued(again("run", job, ledger, max_cost)),
    ):
        _add(opened_job, requests, source)
        with followed(opened_job, verbose=verbose):
            report = opened_job.run(max_cost=max_cost)
        status = status_of(report.status)
        # With a limit the amounts are known; else each request in process is to be read for them.
        costs = cost(opened_job, pending=max_cost is not None)
        if json:
            write_json({**status_dict(report.status), "cost": costs.to_dict()})
        else:
            write_data(status_table(job, report.status))
            if costs.models:
                write_data(cost_table(costs))
            say(cost_summary(costs))
        if report.over_cost:
            raise CommandError(_over_cost(opened_job, job, max_cost, costs))
        advise(job, report.status, ledger, max_cost)
        finish(status)


def submit(
    job: JobName,
    requests: SourceArgument = None,
    *,
    source: RowOptions,
    max_cost: MaxCost = None,
    ids: Ids = None,
    settings: JobSettings,
    ledger: Ledger = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Add requests to a job, and send the batches that the limits allow, without waiting for them.

    Exit status 0: all was sent; 4: the outcome of a create is unknown, and the next `watch` or `run` finds it out; 5:
    some batches have to wait: submit again later; 1: --max-cost allows none of the rest.
    """
    with (
        opened(
            job,
            ledger=ledger,
            client=True,
            create=requests is not None,
            swapped="submit" if requests is None else None,
            ids=ids,
            **settings.options(),
        ) as opened_job,
        _continued(again("submit", job, ledger, max_cost)),
    ):
        _add(opened_job, requests, source)
        _send(opened_job, job, ledger, max_cost=max_cost, verbose=verbose, json=json)


def retry(
    job: JobName,
    *,
    max_cost: MaxCost = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the errors that paused the job as results instead.")
    ] = False,
    settings: JobSettings,
    ledger: Ledger = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Resume a paused job, and send the collected rows again that failed and may succeed.

    A request that failed --max-attempts times is sent again only with a larger number.

    The exit status is that of `submit`.
    """
    with (
        opened(job, ledger=ledger, client=True, **settings.options()) as opened_job,
        _continued(again("retry", job, ledger, max_cost)),
    ):
        paused = opened_job.status().state == "paused"
        if paused:
            opened_job.resume(keep=keep)
        # It sends each row again that may succeed, those with the errors that are kept too.
        again_sent = 0 if paused and keep else opened_job.retry()
        say(f"{counted(again_sent, 'request')} will be sent again")
        final = opened_job.exhausted()
        if final:
            least, most = min(final), max(final)
            times = counted(most, "time") if least == most else f"{least:,} to {most:,} times"
            say(
                f"{counted(sum(final.values()), 'request')} failed {times}, and the limit is "
                f"{opened_job.options.max_attempts:,}: {again('retry', job, ledger, max_cost)} "
                f"--max-attempts {2 * most} sends {'it' if sum(final.values()) == 1 else 'them'} again"
            )
        _send(opened_job, job, ledger, max_cost=max_cost, verbose=verbose, json=json)


def watch(
    job: JobName,
    *,
    poll_interval: PollInterval = 2.0,
    settings: JobSettings,
    ledger: Ledger = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Wait for the batches that were sent, and collect their results. Nothing is sent.

    While other processes work on the job, it waits for what they send as well. The exit status tells the state of the
    job; 5: requests are left to be sent, and nobody works on the job.
    """
    with (
        opened(job, ledger=ledger, client=True, **settings.options()) as opened_job,
        followed(opened_job, verbose=verbose) as shown,
        Interrupts(
            "Stopping after the current step; Ctrl-C again stops at once. "
            f"Continue with: {again('watch', job, ledger)}",
            say,
        ) as interrupts,
    ):
        _watch(opened_job, shown, interrupts, poll_interval or 2.0)
        status = opened_job.status()
    _write(job, status, json=json)
    if unsent(status) and not interrupts.asked and not status.doubts:
        left = counted(unsent(status), "request is", "requests are")
        say(f"{left} left to send, and nobody works on the job. Continue with: {again('run', job, ledger)}")
    else:
        advise(job, status, ledger)
    finish(status_of(status))


def cancel_job(job: str, *, ledger: str | None, workspace: str | None, json: bool) -> None:
    """Cancel the batches of a job, and collect what was done.

    Args:
        job: The job.
        ledger: The database with its ledger.
        workspace: The workspace.
        json: True for JSON.
    """
    with (
        opened(job, ledger=ledger, client=True, workspace_id=workspace) as opened_job,
        followed(opened_job, verbose=False),
    ):
        report = opened_job.cancel()
    _write(job, report.status, json=json)
    finish(status_of(report.status))


def _add(job: Job, path: str | None, source: RowOptions) -> None:
    if path is None:
        source.check_unused("give REQUESTS as well")
        return
    added = job.add(place_of(path), **source.options(path))
    say(f"{counted(added, 'request', 'requests')} added")


def _send(
    job: Job, name: str, ledger: str | None, *, max_cost: float | None, verbose: bool, json: bool
) -> None:
    with followed(job, verbose=verbose):
        sent = job.submit(max_cost=max_cost)
    status = job.status()
    say(f"{counted(sent, 'batch', 'batches')} sent")
    _write(name, status, json=json)
    if status.doubts or status.state != "active" or status.empty:
        advise(name, status, ledger, max_cost)
        finish(status_of(status))
    if status.staged and job.over_cost:
        told = _over_cost(job, name, max_cost, cost(job, pending=True))
        if not status.in_flight and not status.ended:
            raise CommandError(told)
        say(told)
        say(
            "What is in process counts as the most that it can cost: when it has ended, more may go with: "
            f"{again('submit', name, ledger, max_cost)}"
        )
        finish(ExitStatus.RUNNING)
    if status.staged:
        left = counted(status.staged, "request was", "requests were")
        others = [f"process {worker.pid} on {worker.host}" for worker in job.workers()]
        if others:
            say(f"{left} not sent yet. On the job works {' and '.join(others)} as well.")
        else:
            say(f"{left} not sent. Continue with: {again('submit', name, ledger, max_cost)}")
        finish(ExitStatus.RUNNING)
    if status.finished:
        advise(name, status, ledger, max_cost)


def _watch(job: Job, shown: Reporter, interrupts: Interrupts, pause: float) -> None:
    """Poll and collect until no batch is in process and no other process sends any, or only a person can go on."""
    told: list[str] = []
    first = pause
    while not interrupts.asked:
        others, polled = _step(job, interrupts)
        if others and others != told:
            does = "work on the job; watching what they do" if others[1:] else "works on the job; watching"
            say(f"{' and '.join(others)} {does}.")
        told = others
        # After the look at the others: what one of them leaves when it ends is seen.
        status = job.status()
        shown.show(outlook(job))
        stuck = sum(doubt.requests for doubt in status.doubts if doubt.stuck)
        adding = "adding" in status.shards
        if status.in_flight == stuck and not status.ended and not (others and (unsent(status) or adding)):
            return
        until = time.monotonic() + pause
        while time.monotonic() < until and not interrupts.asked:
            time.sleep(min(0.1, pause))
        pause = next_pause(pause, first, polled=polled) if status.in_flight else pause


def next_pause(pause: float, first: float, *, polled: bool) -> float:
    """Return the pause before the next look: a longer one where the API is polled, and not where the ledger is read.

    Args:
        pause: The last pause.
        first: The first one.
        polled: The API was polled.
    """
    return min(pause * 1.5, 60.0) if polled else first


def _step(job: Job, interrupts: Interrupts) -> tuple[list[str], bool]:
    """Poll and collect once; return the other processes that work on the job, and true if this one polled."""
    from claude_batches.jobs import JobHeldError

    try:
        job.poll()
        if not interrupts.asked:
            job.collect()
    except JobHeldError as error:
        return ["Another process" if error.pid is None else f"Process {error.pid} on {error.host}"], False
    return [f"Process {worker.pid} on {worker.host}" for worker in job.workers()], True


def _over_cost(job: Job, name: str, max_cost: float | None, costs: Report) -> str:
    """Return why the rest of a job is not sent, with the limit that it needs."""
    parts = (costs.cost, costs.lost_cost, costs.pending_cost, job.plan(count=False, validate=False).most_cost)
    known = [part for part in parts if part is not None]
    whole = amount(sum(known, Decimal(0)), up=True) if len(known) == len(parts) else ""
    larger = f"of {whole} for all of it" if whole else "that is larger"
    return (
        f"the rest of {name} is not sent: it could cost more than {amount(max_cost or 0)} in all. Run it again with a "
        f"--max-cost {larger}. A batch is sent whole or not at all: in a new job, a smaller --max-requests lets a "
        "part go."
    )


def _write(name: str, status: object, *, json: bool) -> None:
    from claude_batches.jobs import JobStatus

    assert isinstance(status, JobStatus)
    if json:
        write_json(status_dict(status))
    else:
        write_data(status_table(name, status))


@contextmanager
def _continued(line: str) -> Generator[None]:
    """Say how to continue a job that was stopped at once."""
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(
            f"Stopped at once; sent batches continue. Continue with: {line}",
            ExitStatus.INTERRUPTED,
        ) from None
