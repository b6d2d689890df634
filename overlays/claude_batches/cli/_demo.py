"""`claude-batches demo`: a job on the sandbox that survives faults and kill -9, or a batch on the real API."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from ._exits import CommandError
from ._options import Json

__all__ = ["command"]


def command(
    live: Annotated[
        bool,
        typer.Option("--live", help="Create a single batch on the real API instead, which costs money."),
    ] = False,
    count: Annotated[
        int, typer.Option(min=60, max=100_000, metavar="N", help="The number of requests.")
    ] = 300,
    model: Annotated[str, typer.Option(metavar="NAME", help="The model.")] = "claude-haiku-4-5",
    yes: Annotated[bool, typer.Option("--yes", help="With --live, do not ask before spending.")] = False,
    json: Json = False,
) -> None:
    """Run a job on a local sandbox through faults and a kill -9. No key is needed.

    With --live: create a batch on the real API, wait for it and read its results.
    """
    if live:
        from ._demo_live import run_live

        if not yes:
            typer.confirm(
                f"This sends {count} requests to the real API, which bills them. Continue?", abort=True
            )
        run_live(Console(stderr=json), count=count, model=model, json=json)
        return
    from ._demo_job import run_on_sandbox

    try:
        run_on_sandbox(Console(stderr=json, highlight=False), count=count, model=model, json=json)
    except ModuleNotFoundError as error:
        # The sandbox names its extra.
        raise CommandError(str(error)) from None
