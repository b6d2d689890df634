"""`claude-batches demo`: the life of a batch, on a terminal."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated

import typer
from claude_batches_api.models import (
    MessageBatch,
    MessageBatchErroredResult,
    MessageBatchIndividualResponse,
    MessageBatchSucceededResult,
    TextBlock,
    ToolUseBlock,
)
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from .. import Client
from ._requests import demo_requests

#: How many sandbox seconds pass in one of ours: a batch that takes minutes is over in a few seconds.
SPEED = 60

#: Seconds after which what is not done yet is canceled on the sandbox, so that canceled results are seen too.
PATIENCE = 3.0

_COLOURS = {"succeeded": "green", "errored": "red", "canceled": "yellow", "expired": "magenta"}


@dataclass
class Tally:
    """What the results add up to."""

    kinds: Counter[str] = field(default_factory=Counter[str])
    input_tokens: int = 0
    output_tokens: int = 0
    first: dict[str, list[MessageBatchIndividualResponse]] = field(
        default_factory=dict[str, list[MessageBatchIndividualResponse]]
    )
    seconds: float = 0.0

    def add(self, item: MessageBatchIndividualResponse) -> None:
        """Count one result, and keep the first few of each kind."""
        kind = item.result.type or "unknown"
        self.kinds[kind] += 1
        kept = self.first.setdefault(kind, [])
        if len(kept) < (3 if kind == "succeeded" else 2 if kind == "errored" else 1):
            kept.append(item)
        if isinstance(item.result, MessageBatchSucceededResult):
            usage = item.result.message.usage
            self.input_tokens += usage.input_tokens
            self.output_tokens += usage.output_tokens


def run_on_sandbox(console: Console, *, count: int, model: str) -> None:
    """Run the demo on a sandbox of its own."""
    from ..sandbox import Sandbox

    with Sandbox(speed=SPEED) as sandbox, Client(base_url=sandbox.url, api_key="any-key-will-do") as client:
        console.print(f"A sandbox of the API is running at [bold]{sandbox.url}[/] [dim](no key, no cost)[/]")
        _run(console, client, count=count, model=model, sandbox=True)


def run_live(console: Console, *, count: int, model: str) -> None:
    """Run the demo on the API that the environment names."""
    with Client() as client:
        console.print(f"Using [bold]{client.base_url}[/]")
        _run(console, client, count=count, model=model, sandbox=False)


def _run(console: Console, client: Client, *, count: int, model: str, sandbox: bool) -> None:
    batch = client.messages.batches.create(requests=demo_requests(count, model=model, magic=sandbox))
    console.print(f"Created [bold]{batch.id}[/] with {count:,} requests")
    batch = _watch(console, client, batch, cancel_after=PATIENCE if sandbox else None)
    tally = _read(console, client, batch, count)
    console.print(_table(tally))
    console.print(_first_lines(tally))


def _watch(
    console: Console, client: Client, batch: MessageBatch, *, cancel_after: float | None
) -> MessageBatch:
    """Await the end, and show the status on the way."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("")
        started = time.monotonic()
        canceled = False

        def show(now: MessageBatch) -> None:
            nonlocal canceled
            waiting = now.request_counts.processing
            progress.update(task, description=f"{now.processing_status}, {waiting:,} requests in processing")
            late = cancel_after is not None and time.monotonic() - started > cancel_after
            if late and not canceled and now.processing_status == "in_progress":
                canceled = True
                client.messages.batches.cancel(now.id)

        # The sandbox is in a hurry; the real API takes minutes at least.
        first, longest = (2.0, 60.0) if cancel_after is None else (0.25, 1.0)
        batch = client.messages.batches.wait(
            batch.id, on_poll=show, poll_interval=first, max_poll_interval=longest
        )
    console.print(
        f"Ended after {time.monotonic() - started:.1f} s" + (", the slow ones canceled" if canceled else "")
    )
    return batch


def _read(console: Console, client: Client, batch: MessageBatch, count: int) -> Tally:
    """Stream the results, and add them up."""
    tally = Tally()
    columns = (TextColumn("Reading results"), BarColumn(), MofNCompleteColumn())
    started = time.perf_counter()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=count)
        with client.messages.batches.results(batch.id) as results:
            for item in results:
                tally.add(item)
                progress.advance(task)
    tally.seconds = time.perf_counter() - started
    return tally


def _table(tally: Tally) -> Table:
    table = Table(title="What came of it", title_justify="left", title_style="bold")
    table.add_column("result")
    table.add_column("requests", justify="right")
    for kind, number in tally.kinds.most_common():
        table.add_row(f"[{_COLOURS.get(kind, 'cyan')}]{escape(kind)}[/]", f"{number:,}")
    table.add_section()
    table.add_row("tokens in", f"{tally.input_tokens:,}")
    table.add_row("tokens out", f"{tally.output_tokens:,}")
    table.add_row("results a second", f"{sum(tally.kinds.values()) / tally.seconds:,.0f}")
    return table


def _first_lines(tally: Tally) -> Table:
    table = Table(title="The first of each kind", title_justify="left", title_style="bold", expand=True)
    table.add_column("custom_id", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("what it says", overflow="ellipsis", no_wrap=True, ratio=1)
    for kind, items in tally.first.items():
        for item in items:
            table.add_row(
                item.custom_id, f"[{_COLOURS.get(kind, 'cyan')}]{escape(kind)}[/]", escape(_gist(item))
            )
    return table


def _gist(item: MessageBatchIndividualResponse) -> str:
    """A result in one line."""
    match item.result:
        case MessageBatchSucceededResult(message=message):
            return " ".join(_block_gist(block) for block in message.content)
        case MessageBatchErroredResult(error=response):
            return f"{response.error.type}: {response.error.message}"
        case other:
            return f"no answer: the request was {other.type}"


def _block_gist(block: object) -> str:
    match block:
        case TextBlock(text=text):
            return " ".join(text.split())
        case ToolUseBlock(name=name, input=arguments):
            return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
        case other:
            return f"[{getattr(other, 'type', 'unknown')}]"


def command(
    live: Annotated[
        bool, typer.Option(help="Use the real API and the key in the environment; costs money.")
    ] = False,
    count: Annotated[int, typer.Option(min=8, max=100_000, metavar="N", help="Number of requests.")] = 300,
    model: Annotated[str, typer.Option(metavar="NAME", help="The model.")] = "claude-haiku-4-5",
    yes: Annotated[bool, typer.Option("--yes", help="With --live, do not ask before spending.")] = False,
) -> None:
    """Show a batch on the local sandbox, or with --live on the real API."""
    console = Console()
    if live:
        if not yes:
            typer.confirm(
                f"This sends {count} requests to the real API, which bills them. Go on?", abort=True
            )
        run_live(console, count=count, model=model)
    else:
        run_on_sandbox(console, count=count, model=model)
