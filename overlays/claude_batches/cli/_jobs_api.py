"""Jobs as the commands use them: opened, planned and priced."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import typer

from ._exits import CommandError, ExitStatus
from ._sources import RowOptions

if TYPE_CHECKING:
    from claude_batches.jobs import Job
    from claude_batches.jobs._cost import Plan, Report

__all__ = ["cost", "is_job", "opened", "plan"]

#: The kinds of tokens in a report, by their names in the usage of a message.
_KINDS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m_tokens",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "server_tool_use.web_search_requests": "web_searches",
}


def is_job(name: str) -> bool:
    """Tell if a folder is a job."""
    from claude_batches.jobs import FolderLedger

    return FolderLedger().has(name)


@contextmanager
def opened(
    name: str,
    *,
    ledger: str | None,
    client: bool,
    create: bool = False,
    lease_seconds: float | None = None,
    swapped: str | None = None,
    **options: Any,
) -> Generator[Job]:
    """Open a job.

    Args:
        name: Its folder, or its name in the ledger.
        ledger: The PostgreSQL database with its ledger.
        client: True for steps that call the API.
        create: True to make it.
        lease_seconds: Seconds without a sign of life after which this process counts as dead, with a ledger.
        swapped: The command, where a file in place of the job may be its requests.
        **options: Options of the job; those that are `None` are left out.

    Raises:
        CommandError: The job does not exist.
    """
    from claude_batches import Client
    from claude_batches.jobs import Job, PostgresLedger
    from claude_batches.jobs._opening import remove_empty

    lease = {} if lease_seconds is None else {"lease_seconds": lease_seconds}
    where = None if ledger is None else PostgresLedger(ledger, **lease)
    if where is None and Path(name).is_file():
        told = "a job is a folder"
        if swapped is not None:
            told = f"the job comes first, which is a folder: claude-batches {swapped} JOB {shlex.quote(name)}"
        raise CommandError(f"{name} is a file, and {told}", ExitStatus.USAGE)
    if not create and not (is_job(name) if where is None else where.has(name)):
        place = "at" if where is None else "in this ledger named"
        raise CommandError(
            f"there is no job {place} {name!r}: create it with `claude-batches run {name} REQUESTS`"
        )
    given: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    if not client:
        with Job.open(name, ledger=where, **given) as job:
            yield job
        return
    founded = where is None and not Path(name).exists()
    try:
        with Client() as api, Job.open(name, client=api, ledger=where, **given) as job:
            yield job
    except BaseException as error:
        # A failure leaves no empty job that the command made; `Exit` is how commands end.
        if founded and not isinstance(error, typer.Exit) and Path(name).is_dir():
            remove_empty(name)
        raise


def plan(path: str, source: RowOptions, prices: Any, **options: Any) -> Plan:
    """Return the plan of a source.

    Args:
        path: The source.
        source: Its options.
        prices: Prices by model, which come before those of the price list.
        **options: Options of the plan; those that are `None` are left out.
    """
    from claude_batches.jobs import Prices
    from claude_batches.jobs import plan as plan_of

    given = {name: value for name, value in options.items() if value is not None}
    # One request for several rows and ids of one's own on the wire exclude each other.
    rows = (
        source.rows(path, own_ids=True) if source.dedupe and given.get("ids") == "own" else source.rows(path)
    )
    return plan_of(rows, prices=Prices(prices), **given)


def cost(job: Job, *, pending: bool) -> Report:
    """Return the tokens and the cost of all attempts of a job; without prices where none are installed.

    Args:
        job: The job.
        pending: Adds the most that the requests in process can cost.
    """
    try:
        return job.cost(pending=pending)
    except ImportError:
        status = job.status()
        return attrs.evolve(_tokens(job), pending_requests=status.in_flight + status.ended)


def _tokens(job: Job) -> Report:
    """Return the tokens of all attempts, unpriced."""
    from claude_batches.jobs._cost import ModelCost, Report

    lines: dict[tuple[str, str], ModelCost] = {}
    for spent in job.spent():
        if not spent.tokens:
            continue
        line = ModelCost(
            model=spent.model or None,
            tier=spent.tier or None,
            requests=spent.requests,
            **{kind: spent.tokens.get(name, 0) for name, kind in _KINDS.items()},
            cost=None,
            standard_cost=None,
            failed_cost=None,
            failed_requests=0 if spent.kept else spent.requests,
        )
        key = (spent.model, spent.tier)
        lines[key] = lines[key] + line if key in lines else line
    return Report(tuple(lines[key] for key in sorted(lines)))
