"""The commands and their options; what each does is in a module of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .._version import __version__

app = typer.Typer(
    name="claude-batches",
    help="Work with Claude's Message Batches API, and with a local sandbox of it. Unofficial.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"claude-batches {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Work with Claude's Message Batches API, and with a local sandbox of it. Unofficial."""


@app.command()
def demo(
    live: Annotated[
        bool, typer.Option(help="Use the real API and the key in the environment; costs money.")
    ] = False,
    count: Annotated[
        int, typer.Option(min=8, max=100_000, metavar="N", help="How many requests it holds.")
    ] = 300,
    model: Annotated[str, typer.Option(metavar="NAME", help="The model to ask.")] = "claude-haiku-4-5",
    yes: Annotated[bool, typer.Option("--yes", help="With --live, don't ask before spending.")] = False,
) -> None:
    """Create a batch, watch it, stream its results: on the local sandbox, or with --live on the real API."""
    from .. import ClaudeBatchesError
    from ._demo import run_live, run_on_sandbox

    console = Console()
    try:
        if live:
            if not yes:
                typer.confirm(
                    f"This sends {count} requests to the real API, which bills them. Go on?", abort=True
                )
            run_live(console, count=count, model=model)
        else:
            run_on_sandbox(console, count=count, model=model)
    except ClaudeBatchesError as error:
        Console(stderr=True).print(f"[bold red]{type(error).__name__}[/]: {error}", highlight=False)
        sys.exit(1)


@app.command()
def sandbox(
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="The port to listen on; 0 takes a free one.")
    ] = 8787,
    speed: Annotated[
        str, typer.Option(metavar="N", help="How many sandbox seconds pass in one second, or `instant`.")
    ] = "60",
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file to keep everything in; without one, all is forgotten."),
    ] = None,
    faults: Annotated[str | None, typer.Option(help="What goes wrong: flaky, overloaded or hostile.")] = None,
    reply: Annotated[
        str | None,
        typer.Option(help="A function of yours that answers requests, as `module:function`."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="What all that looks random depends on.")] = 0,
) -> None:
    """Run a local server with the whole API, to build and test against for nothing."""
    from ._sandbox import UsageError, serve

    try:
        serve(Console(), port=port, speed=speed, state=state, faults=faults, reply=reply, seed=seed)
    except UsageError as error:
        Console(stderr=True).print(f"[bold red]claude-batches sandbox:[/] {error}", highlight=False)
        sys.exit(2)
