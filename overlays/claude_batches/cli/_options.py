"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "BatchId",
    "Canary",
    "Ids",
    "JobName",
    "Json",
    "LeaseSeconds",
    "Ledger",
    "MaxAttempts",
    "MaxCost",
    "MaxInFlight",
    "MaxRequests",
    "OnMaxTokens",
    "PollInterval",
    "Prices",
    "SettleSeconds",
    "Verbose",
    "Workspace",
]

BatchId = Annotated[str, typer.Argument(metavar="BATCH", help="The id of a batch.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Write JSON on stdout.")]
Workspace = Annotated[
    str | None,
    typer.Option("--workspace", metavar="ID", help="The workspace, for keys with access to several."),
]

JobName = Annotated[
    str,
    typer.Argument(
        metavar="JOB", help="The folder of a job; with --ledger, its name there.", show_default=False
    ),
]
Ledger = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        metavar="DSN",
        envvar="CLAUDE_BATCHES_LEDGER",
        help="A PostgreSQL database with the ledger, for several processes on one job.",
        show_default=False,
    ),
]
LeaseSeconds = Annotated[
    float | None,
    typer.Option(
        "--lease-seconds",
        min=0.1,
        metavar="SECONDS",
        help="With --ledger: seconds without a sign of life until others take over from this process (60).",
        show_default=False,
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Write each event on stderr.")]

_SENDING = "Sending"

MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        min=0,
        metavar="USD",
        help="The largest cost of all that is committed; the rest is not sent.",
        rich_help_panel=_SENDING,
    ),
]
MaxRequests = Annotated[
    int | None,
    typer.Option(
        "--max-requests",
        min=1,
        metavar="N",
        help="The largest number of requests in a batch.",
        rich_help_panel=_SENDING,
    ),
]
MaxInFlight = Annotated[
    int | None,
    typer.Option(
        "--max-in-flight",
        min=1,
        metavar="N",
        help="The largest number of requests in process.",
        rich_help_panel=_SENDING,
    ),
]
MaxAttempts = Annotated[
    int | None,
    typer.Option(
        "--max-attempts",
        min=1,
        metavar="N",
        help="The largest number of attempts for a request (3).",
        rich_help_panel=_SENDING,
    ),
]
Canary = Annotated[
    int | None,
    typer.Option(
        "--canary",
        min=0,
        metavar="N",
        help="Send a first batch of N requests, and pause if more than a tenth of it fails.",
        rich_help_panel=_SENDING,
    ),
]
OnMaxTokens = Annotated[
    Literal["keep", "more"] | None,
    typer.Option(
        "--on-max-tokens",
        help="Keep an answer that was cut at max_tokens, or send it again with twice as many.",
        rich_help_panel=_SENDING,
    ),
]
Ids = Annotated[
    Literal["derived", "own"] | None,
    typer.Option(
        "--ids",
        help="The custom_ids that a new job sends: derived for it, or your own.",
        rich_help_panel=_SENDING,
    ),
]
PollInterval = Annotated[
    float | None,
    typer.Option(
        "--poll-interval",
        min=0.01,
        metavar="SECONDS",
        help="Seconds between the first polls; later pauses grow up to a minute (2).",
        rich_help_panel=_SENDING,
    ),
]
SettleSeconds = Annotated[
    float | None,
    typer.Option(
        "--settle-seconds",
        min=0,
        metavar="SECONDS",
        help="Seconds by the server's clock until a batch that is not listed counts as not made (60).",
        rich_help_panel=_SENDING,
    ),
]

Prices = Annotated[
    Path | None,
    typer.Option(
        "--prices",
        metavar="FILE",
        help='Your prices as JSON: {"model": {"input_tokens": USD per million, "output_tokens": ...}}.',
    ),
]
