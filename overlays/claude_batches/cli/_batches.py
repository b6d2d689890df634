"""Commands for single batches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from .._interrupts import Interrupts
from ._console import binary_stdout, instant, say, write_data, write_json, write_lines, write_text
from ._exits import CommandError, ExitStatus, finish
from ._options import BatchId, Json, Workspace
from ._progress import Outlook, reporter
from ._sources import SourceArgument, SourceOptions

if TYPE_CHECKING:
    from claude_batches import Client
    from claude_batches.types import MessageBatch

__all__ = ["cancel_batch", "create", "delete", "download", "is_batch_id", "list_", "show", "wait", "wait_for"]

_FINISHING = (
    "Finishing the upload: to break it off would leave its outcome unknown. Ctrl-C again stops at once."
)
_OUTCOMES = ("succeeded", "errored", "canceled", "expired")

Deadline = Annotated[
    float | None,
    typer.Option(
        "--deadline", min=0, metavar="SECONDS", help="Stop waiting after this time, with exit status 5."
    ),
]


def is_batch_id(text: str) -> bool:
    """Tell a batch id from the path of a job."""
    return re.fullmatch(r"msgbatch_\w+", text, re.ASCII) is not None


def create(
    requests: SourceArgument = "-",
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end of the batch.")] = False,
    on_ambiguous: Annotated[
        Literal["raise", "reconcile"],
        typer.Option(help="After an unknown outcome: exit with status 4, or look for the batch first."),
    ] = "raise",
    source: SourceOptions,
    workspace: Workspace = None,
    json: Json = False,
) -> None:
    """Create a batch of at most 100,000 requests, and write its id on stdout.

    Each line of the source is {"custom_id": ..., "params": {...}}; with a template any table will do. `run` takes any
    number of requests, and sends failed ones again.
    """
    with _client() as client:
        with Interrupts(_FINISHING, say, started=False) as interrupts:
            try:
                batch = client.messages.batches.create(
                    requests=_read(requests or "-", source, interrupts),
                    on_ambiguous=on_ambiguous,
                    workspace_id=workspace,
                )
            except KeyboardInterrupt:
                raise _interrupted_create(client) from None
        if wait and not interrupts.asked:
            batch = wait_for(client, batch, deadline=None, workspace=workspace)
        _write(batch, json=json, text=batch.id)
        if interrupts.asked:
            say(f"The batch was created. Continue with: claude-batches wait {batch.id}")
            finish(ExitStatus.RUNNING)
        if wait:
            finish(status_of(batch))


def list_(
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The number of batches.")] = 20,
    workspace: Workspace = None,
    json: Json = False,
) -> None:
    """List batches, the newest first."""
    with _client() as client:
        page = client.messages.batches.list(limit=min(limit, 1000), workspace_id=workspace)
        batches: Iterator[MessageBatch] = islice(page, limit)
        if json:
            write_lines(batches)
            return
        table = Table(box=None, pad_edge=False)
        for name in ("batch", "status", "created", "ended"):
            table.add_column(name, no_wrap=True)
        for name in ("processing", *_OUTCOMES):
            table.add_column(name, justify="right")
        for batch in batches:
            counts = batch.request_counts
            table.add_row(
                batch.id,
                batch.processing_status,
                instant(batch.created_at),
                instant(batch.ended_at),
                *(f"{getattr(counts, name):,}" for name in ("processing", *_OUTCOMES)),
            )
        write_data(table)


def show(batch: BatchId, workspace: Workspace = None, json: Json = False) -> None:
    """Show a batch. The exit status tells its state."""
    with _client() as client:
        found = client.messages.batches.retrieve(batch, workspace_id=workspace)
    _write(found, json=json)
    finish(status_of(found))


def wait(batch: BatchId, deadline: Deadline = None, workspace: Workspace = None, json: Json = False) -> None:
    """Wait until a batch has ended. The exit status tells its outcome."""
    with _client() as client:
        found = wait_for(client, batch, deadline=deadline, workspace=workspace)
    _write(found, json=json)
    finish(status_of(found))


def download(
    batch: BatchId,
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help="The file, or `-` for stdout; BATCH.jsonl by default.", show_default=False
        ),
    ] = None,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end of the batch first.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The number of results, with `-`.")
    ] = None,
    workspace: Workspace = None,
    json: Json = False,
) -> None:
    """Write the results of a batch as JSONL, as the API sends them.

    A download into a file that was interrupted continues when the same command runs again.
    """
    target = path or f"{batch}.jsonl"
    if limit is not None and target != "-":
        raise CommandError("--limit needs `-`: a file always has all results", ExitStatus.USAGE)
    with _client() as client:
        if wait:
            wait_for(client, batch, deadline=None, workspace=workspace)
        if target == "-":
            _stream(client, batch, limit, workspace)
            return
        try:
            written = client.messages.batches.download(batch, target, workspace_id=workspace)
        except KeyboardInterrupt:
            raise CommandError(
                f"Stopped. Continue with: claude-batches download {batch} {target}", ExitStatus.RUNNING
            ) from None
        except FileNotFoundError:
            raise CommandError(f"there is no folder {str(Path(target).parent)!r}: create it first") from None
    if json:
        write_json({"batch_id": batch, "path": str(written)})
    else:
        say(f"Results are in {written}")


def delete(
    batch: BatchId,
    workspace: Workspace = None,
    json: Json = False,
) -> None:
    """Delete a batch that has ended, with its results."""
    with _client() as client:
        gone = client.messages.batches.delete(batch, workspace_id=workspace)
    if json:
        write_json(gone)
    else:
        write_text(gone.id)


def cancel_batch(batch: str, *, workspace: str | None, json: bool) -> None:
    """Cancel a batch: requests that are done keep their results."""
    with _client() as client:
        found = client.messages.batches.cancel(batch, workspace_id=workspace)
    _write(found, json=json, text=found.id)
    if found.processing_status != "ended":
        say(f"The batch is canceling. Wait for its results with: claude-batches wait {batch}")


def status_of(batch: MessageBatch) -> ExitStatus:
    """Return the exit status for the state of a batch."""
    if batch.processing_status != "ended":
        return ExitStatus.RUNNING
    counts = batch.request_counts
    failed = counts.errored + counts.canceled + counts.expired
    return ExitStatus.FAILED_ROWS if failed else ExitStatus.SUCCEEDED


def _client() -> Client:
    from claude_batches import Client

    return Client()


def _read(path: str, source: SourceOptions, interrupts: Interrupts) -> Iterator[Any]:
    """Yield the requests of a source; the upload starts after the last one."""
    for row in source.rows(path, own_ids=True, dedupe=False):
        yield {"custom_id": row.custom_id, "params": row.params}
    interrupts.started = True


def _interrupted_create(client: Client) -> CommandError:
    for unsettled in client.messages.batches.unsettled:
        return CommandError(
            f"the upload was broken off, and its outcome is unknown: a batch of {unsettled.request_count:,} requests "
            "may have been created and be billed. Look for it with: claude-batches list",
            ExitStatus.UNKNOWN_OUTCOME,
        )
    return CommandError(
        "Stopped before the requests were sent: no batch was created.", ExitStatus.INTERRUPTED
    )


def wait_for(
    client: Client, batch: MessageBatch | str, *, deadline: float | None, workspace: str | None
) -> MessageBatch:
    """Wait for the end of a batch, and show progress.

    Args:
        client: The client.
        batch: The batch or its id.
        deadline: Seconds to wait.
        workspace: The workspace.

    Raises:
        CommandError: Ctrl-C, or the deadline; the batch continues.
    """
    from claude_batches import BatchWaitTimeoutError

    batch_id = batch if isinstance(batch, str) else batch.id
    goes_on = f"Continue with: claude-batches wait {batch_id}"
    with reporter() as shown:
        try:
            return client.messages.batches.wait(
                batch_id,
                deadline=deadline,
                on_poll=lambda now: shown.show(_outlook(now)),
                workspace_id=workspace,
            )
        except KeyboardInterrupt:
            raise CommandError(
                f"Stopped waiting; the batch continues. {goes_on}", ExitStatus.RUNNING
            ) from None
        except BatchWaitTimeoutError:
            raise CommandError(f"The batch has not ended in time. {goes_on}", ExitStatus.RUNNING) from None


def _outlook(batch: MessageBatch) -> Outlook:
    created = batch.created_at.timestamp()
    if batch.ended_at is not None:
        return Outlook([(created, batch.ended_at.timestamp())], [])
    return Outlook([], [created])


def _stream(client: Client, batch_id: str, limit: int | None, workspace: str | None) -> None:
    import orjson

    out = binary_stdout()
    with client.messages.batches.results(batch_id, workspace_id=workspace) as results:
        for item in islice(results, limit):
            out.write(orjson.dumps(item.to_dict()) + b"\n")
    out.flush()


def _write(batch: MessageBatch, *, json: bool, text: str | None = None) -> None:
    if json:
        write_json(batch)
    elif text is not None:
        write_text(text)
    else:
        write_data(_table(batch))


def _table(batch: MessageBatch) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(no_wrap=True)
    table.add_row("batch", batch.id)
    table.add_row("status", batch.processing_status)
    for name in ("created", "expires", "ended", "cancel_initiated", "archived"):
        value = getattr(batch, f"{name}_at")
        if value is not None:
            table.add_row(name.replace("_", " "), instant(value))
    for name in ("processing", *_OUTCOMES):
        table.add_row(name, f"{getattr(batch.request_counts, name):,}")
    return table
