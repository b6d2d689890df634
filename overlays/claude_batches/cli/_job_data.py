"""Commands that read a job: plan, status, results, cost, export, resolve."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .._words import counted
from ._console import binary_stdout, is_terminal, say, terminal_width, write_data, write_json, write_text
from ._exits import CommandError, ExitStatus, finish
from ._job_view import (
    advise,
    again,
    cost_summary,
    cost_table,
    gist,
    results_table,
    status_dict,
    status_of,
    status_table,
)
from ._jobs_api import cost as cost_of
from ._jobs_api import is_job, opened
from ._jobs_api import plan as plan_of
from ._options import Ids, JobName, Json, Ledger, MaxBytes, MaxRequests, Prices, Workspace, prices_of
from ._sources import RowOptions

if TYPE_CHECKING:
    from claude_batches.jobs import Job, JobRow, JobStatus

__all__ = ["cost", "export", "plan", "resolve", "results", "status"]

#: Paths of stdout, which have no name of a format.
_STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
#: The largest number of rows that a table on a terminal shows by default.
_SHOWN = 50

Order = Annotated[
    Literal["input", "arrival"],
    typer.Option(
        "--order", help="The order of rows: that of the requests, or batch by batch, as these ended."
    ),
]


def plan(
    requests: Annotated[
        str,
        typer.Argument(
            metavar="REQUESTS|JOB",
            help="Requests, or a job for its unsent ones; with --ledger, its name there.",
            show_default=False,
        ),
    ],
    *,
    count: Annotated[
        bool, typer.Option("--count", help="Count the tokens of a sample with the API, which is free.")
    ] = False,
    sample: Annotated[int, typer.Option(min=1, metavar="N", help="The size of the sample.")] = 32,
    max_requests: MaxRequests = None,
    max_bytes: MaxBytes = None,
    prices: Prices = None,
    ids: Ids = None,
    source: RowOptions,
    ledger: Ledger = None,
    json: Json = False,
) -> None:
    """Show counts, bytes, batches, tokens, the largest cost and mistakes of requests. Nothing is spent.

    It needs no key, except with --count. Exit status 1: some requests would be refused.
    """
    from claude_batches import Client

    status: JobStatus | None = None
    if is_job(requests) or (ledger is not None and requests != "-" and not Path(requests).exists()):
        made = f"{requests} is a job, and its batches are made already"
        source.check_unused(made)
        if (max_requests, max_bytes, ids) != (None, None, None):
            raise CommandError(
                f"--max-requests, --max-bytes and --ids would have no effect: {made}", ExitStatus.USAGE
            )
        with opened(requests, ledger=ledger, client=count, prices=prices_of(prices)) as job:
            planned: Any = job.plan(count=count, sample=sample)
            status = job.status()
    elif requests != "-" and not Path(requests).exists():
        raise CommandError(f"there is neither a job nor a file {requests!r}")
    elif Path(requests).is_dir():
        raise CommandError(f"the folder {requests!r} is not a job: nothing is to be planned")
    else:
        with Client() if count else nullcontext() as client:
            planned = plan_of(
                requests,
                source,
                prices_of(prices),
                client=client,
                sample=sample,
                max_requests=max_requests,
                max_bytes=max_bytes,
                ids=ids,
            )
    empty = not planned.requests if status is None else status.empty
    if json:
        write_json({**_plan_dict(planned), "empty": empty})
    else:
        write_text(str(planned))
    if status is not None and empty:
        advise(requests, status, ledger)
    elif status is not None and not planned.requests:
        say(f"All requests of {requests} were sent: nothing is left to plan.")
    elif empty:
        say(f"{requests} has no requests.")
    finish(ExitStatus.ERROR if planned.errors else ExitStatus.SUCCEEDED)


def status(job: JobName, ledger: Ledger = None, json: Json = False) -> None:
    """Show the state of a job from its ledger, without the API. The exit status tells it as well."""
    with opened(job, ledger=ledger, client=False) as opened_job:
        found = opened_job.status()
    if json:
        write_json(status_dict(found))
    else:
        write_data(status_table(job, found))
        for doubt in found.doubts:
            say(f"in doubt: {doubt}")
        for batch in found.archived_soon:
            say(f"The results of {batch} are archived in less than three days: {again('watch', job, ledger)}")
    if found.empty or found.doubts or found.state == "paused":
        advise(job, found, ledger)
    finish(status_of(found))


def results(
    job: JobName,
    *,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, metavar="N", help="The number of rows; 50 on a terminal, else all."),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only rows that did not succeed.")] = False,
    cause: Annotated[
        list[str] | None,
        typer.Option("--cause", metavar="NAME", help="Only rows that ended so: expired, ... Repeatable."),
    ] = None,
    order: Order = "input",
    ledger: Ledger = None,
    json: Json = False,
) -> None:
    """Write the final results of a job: as a table on a terminal, else as JSONL.

    Each line of JSON has custom_id, cause, attempt, batch_id, request and result. `export` writes tables. The
    exit status tells the state of the job.
    """
    wanted = _causes(cause)
    with opened(job, ledger=ledger, client=False) as opened_job:
        rows = (
            row
            for row in opened_job.results(order)
            if (not failed or row.cause != "succeeded") and (not wanted or row.cause in wanted)
        )
        if json or not is_terminal():
            _write_rows(islice(rows, limit))
        else:
            shown = [
                (row.custom_id, str(row.cause), gist(row.result)) for row in islice(rows, limit or _SHOWN)
            ]
            table, width = results_table(shown, terminal_width())
            write_data(table, width)
        found = opened_job.status()
    if found.state == "paused":
        advise(job, found, ledger)
    finish(status_of(found))


def cost(job: JobName, prices: Prices = None, ledger: Ledger = None, json: Json = False) -> None:
    """Show tokens and cost of all attempts by model, and the most that requests in process can cost.

    Prices need the extra claude-batches[cost], or --prices.
    """
    with opened(job, ledger=ledger, client=False, prices=prices_of(prices)) as opened_job:
        report = cost_of(opened_job, pending=True)
    if json:
        write_json(report.to_dict())
        return
    if report.models:
        write_data(cost_table(report))
    say(cost_summary(report))


def export(
    job: JobName,
    path: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="The table: .jsonl, .csv (also .gz, .zst) or .parquet, or `-` for stdout.",
            show_default=False,
        ),
    ],
    *,
    format: Annotated[
        Literal["jsonl", "csv", "parquet"] | None,
        typer.Option("--format", help="The format, where the name does not tell; jsonl for stdout."),
    ] = None,
    order: Order = "input",
    raw: Annotated[
        bool, typer.Option("--raw/--no-raw", help="The results as they came, as a column.")
    ] = True,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="NAMES",
            help="The columns of the table in their order, by commas: those of results (custom_id, text, ...) and of "
            "the requests. A name with a comma has double quotes around it.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="The number of rows; all by default.")
    ] = None,
    with_cost: Annotated[
        bool,
        typer.Option("--cost", help="Fill the column of costs. It needs claude-batches[cost], or --prices."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
    prices: Prices = None,
    ledger: Ledger = None,
    json: Json = False,
) -> None:
    """Write the results of a job as a table, joined with the columns of its requests.

    The exit status tells the state of the job: 5 if results are still to come.
    """
    if path in _STDOUT and format is None:
        raise CommandError(
            f"{path} doesn't tell a format: give `-` for stdout, or --format", ExitStatus.USAGE
        )
    target: Any = binary_stdout() if path == "-" else Path(path)
    if path != "-" and not target.parent.is_dir():
        raise CommandError(f"there is no folder {str(target.parent)!r}: create it first")
    # Devices and pipes are written to.
    if path != "-" and not force and target.is_file():
        raise CommandError(f"{path} exists: give another name, or overwrite it with --force")
    names = None if columns is None else next(csv.reader([columns], skipinitialspace=True), list[str]())
    if names == []:
        raise CommandError("--columns names no column", ExitStatus.USAGE)
    for name in names or ():
        if names is not None and names.count(name) > 1:
            raise CommandError(f"--columns names {name!r} twice", ExitStatus.USAGE)
    with opened(job, ledger=ledger, client=False, prices=prices_of(prices)) as opened_job:
        written = opened_job.write(
            target,
            format=format or ("jsonl" if path == "-" else None),
            order=order,
            raw=raw,
            cost=with_cost,
            columns=names,
            limit=limit,
        )
        found = opened_job.status()
    if path == "-":
        binary_stdout().flush()
    elif json:
        write_json({"path": path, "rows": written})
    else:
        say(f"{counted(written, 'row is', 'rows are')} in {path}")
    if found.state == "paused":
        advise(job, found, ledger)
    finish(status_of(found))


def resolve(
    job: JobName,
    shard: Annotated[
        int | None,
        typer.Argument(
            metavar="SHARD",
            help="The number of a shard in doubt, or of one whose results are gone.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Argument(
            metavar="BATCH|not-made|lost",
            help="The id of its batch; `not-made`, which sends it again; or `lost`, which keeps its rows as missing.",
            show_default=False,
        ),
    ] = None,
    ledger: Ledger = None,
    workspace: Workspace = None,
    json: Json = False,
) -> None:
    """List the creates whose outcome is unknown, or decide one that running the job cannot settle.

    A wrong `not-made` pays twice: compare with `claude-batches list` first.
    """
    if shard is None or batch is None:
        if shard is not None:
            raise CommandError("name the batch of the shard, or not-made, or lost", ExitStatus.USAGE)
        with opened(job, ledger=ledger, client=False) as opened_job:
            _write_doubts(opened_job, job, ledger, json=json)
        return
    with opened(job, ledger=ledger, client=False) as opened_job:
        in_doubt = any(doubt.shard == shard for doubt in opened_job.status().doubts)
    # A shard in doubt is decided without the API, unless the decision names a batch.
    asks = not in_doubt or batch not in ("not-made", "lost")
    with opened(job, ledger=ledger, client=asks, workspace_id=workspace) as opened_job:
        opened_job.resolve(shard, batch)
        found = opened_job.status()
    if json:
        write_json(status_dict(found))
    if found.state == "paused":
        # Not an error of this command.
        say(f"Resolved. The job is paused. Continue with: {again('retry', job, ledger)}")
    else:
        say("Resolved.")
        advise(job, found, ledger)


def _write_doubts(job: Job, name: str, ledger: str | None, *, json: bool) -> None:
    status = job.status()
    doubts = status.doubts
    if json:
        write_json(status_dict(status)["doubts"])
    elif not doubts:
        say("No create has an unknown outcome.")
    for doubt in () if json else doubts:
        write_text(str(doubt))
        line = again("resolve", name, ledger)
        say(f"Decide with: {line} {doubt.shard} BATCH, where BATCH is the id of its batch, not-made or lost")
    if doubts:
        if not any(doubt.stuck for doubt in doubts):
            say(f"Running the job finds out as well: {again('run', name, ledger)}")
        finish(ExitStatus.UNKNOWN_OUTCOME)


def _write_rows(rows: Iterator[JobRow]) -> None:
    import orjson

    out = sys.stdout.buffer
    for row in rows:
        wire = row.wire
        line = {
            "custom_id": row.custom_id,
            "cause": row.cause,
            "attempt": row.attempt,
            "batch_id": row.batch_id,
            "request": row.request,
            "result": None if wire is None else wire.get("result"),
        }
        out.write(orjson.dumps(line) + b"\n")
    out.flush()


def _causes(names: list[str] | None) -> frozenset[str]:
    from claude_batches.jobs import Cause

    known = [str(cause.value) for cause in Cause]
    for name in names or ():
        if name not in known:
            raise CommandError(f"--cause {name}: there are {', '.join(known)}", ExitStatus.USAGE)
    return frozenset(names or ())


def _plan_dict(plan: Any) -> dict[str, Any]:
    import attrs

    return {**attrs.asdict(plan), "most_cost": plan.most_cost, "unpriced": plan.unpriced}
