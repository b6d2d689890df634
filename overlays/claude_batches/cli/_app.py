"""The commands; each is in the module of its group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from .._version import __version__
from . import _batches, _demo, _job_data, _jobs, _sandbox
from ._exits import EXIT_HELP, guarded
from ._targets import cancel

__all__ = ["app"]

_BATCHES = "Single batches"
_JOBS = "Jobs: any number of requests, with failed ones sent again"
_LOCAL = "Without a key"

app = typer.Typer(
    name="claude-batches",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    epilog=EXIT_HELP,
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
    """Run requests through Claude's Message Batches API. Unofficial.

    The key is read from ANTHROPIC_API_KEY, the address from ANTHROPIC_BASE_URL. Data goes to stdout, everything else to
    stderr.
    """


def _add(panel: str, **commands: Callable[..., None]) -> None:
    for name, function in commands.items():
        app.command(name.strip("_"), rich_help_panel=panel, epilog=EXIT_HELP)(guarded(function))


_add(_BATCHES, create=_batches.create, list_=_batches.list_, show=_batches.show, wait=_batches.wait)
_add(_BATCHES, download=_batches.download, delete=_batches.delete, cancel=cancel)
_add(
    _JOBS, run=_jobs.run, plan=_job_data.plan, submit=_jobs.submit, status=_job_data.status, watch=_jobs.watch
)
_add(_JOBS, results=_job_data.results, export=_job_data.export, cost=_job_data.cost, retry=_jobs.retry)
_add(_JOBS, resolve=_job_data.resolve)
_add(_LOCAL, demo=_demo.command, sandbox=_sandbox.command)
