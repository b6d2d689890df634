"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import typer

from ._exits import CommandError

__all__ = [
    "BatchId",
    "Ids",
    "JobName",
    "JobSettings",
    "Json",
    "LeaseSeconds",
    "Ledger",
    "MaxBytes",
    "MaxCost",
    "MaxRequests",
    "PollInterval",
    "Prices",
    "Verbose",
    "Workspace",
    "prices_of",
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
        help="The largest cost of all that is committed; the rest is not sent. The job does not keep it: give it each "
        "time.",
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
MaxBytes = Annotated[
    int | None,
    typer.Option(
        "--max-bytes",
        min=1,
        metavar="N",
        help="The largest body of a batch in bytes (256,000,000).",
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


def _checked(value: str | None) -> str | None:
    if value in (None, "keep", "more") or (value.isdecimal() and int(value) > 0):
        return value
    raise typer.BadParameter(f"{value!r} is not `keep`, `more` or a number of tokens.")


@attrs.frozen(kw_only=True)
class JobSettings:
    """Options that a job keeps until others are given: each command that takes it forward has them."""

    max_requests: MaxRequests = None
    max_bytes: MaxBytes = None
    max_in_flight: Annotated[
        int | None,
        typer.Option(
            "--max-in-flight",
            min=1,
            metavar="N",
            help="The largest number of requests in process.",
            rich_help_panel=_SENDING,
        ),
    ] = None
    max_attempts: Annotated[
        int | None,
        typer.Option(
            "--max-attempts",
            min=1,
            metavar="N",
            help="The largest number of attempts for a request (3).",
            rich_help_panel=_SENDING,
        ),
    ] = None
    canary: Annotated[
        int | None,
        typer.Option(
            "--canary",
            min=0,
            metavar="N",
            help="Send a first batch of N requests, and pause if more of it fails than --canary-failures.",
            rich_help_panel=_SENDING,
        ),
    ] = None
    canary_failures: Annotated[
        float | None,
        typer.Option(
            "--canary-failures",
            min=0,
            max=1,
            metavar="SHARE",
            help="The share of the canary that may fail, from 0 to 1 (0.1).",
            rich_help_panel=_SENDING,
        ),
    ] = None
    on_max_tokens: Annotated[
        str | None,
        typer.Option(
            "--on-max-tokens",
            metavar="keep|more|N",
            help="Keep an answer that was cut at max_tokens (keep), or send it again with twice as many: any number "
            "of them (more), or at most N.",
            callback=_checked,
            rich_help_panel=_SENDING,
        ),
    ] = None
    retry_canceled: Annotated[
        bool | None,
        typer.Option(
            "--retry-canceled/--no-retry-canceled",
            help="Send canceled requests again, such as those of a batch that was canceled elsewhere (no).",
            show_default=False,
            rich_help_panel=_SENDING,
        ),
    ] = None
    settle_seconds: Annotated[
        float | None,
        typer.Option(
            "--settle-seconds",
            min=0,
            metavar="SECONDS",
            help="Seconds by the server's clock until a batch that is not listed counts as not made (60).",
            rich_help_panel=_SENDING,
        ),
    ] = None
    prices: Prices = None
    workspace: Workspace = None

    def options(self) -> dict[str, Any]:
        """Return them as options of `Job.open`; `None` for those that were not given.

        Raises:
            CommandError: The prices are not JSON.
        """
        options = attrs.asdict(self)
        options["workspace_id"] = options.pop("workspace")
        options["prices"] = prices_of(self.prices)
        if self.on_max_tokens is not None and self.on_max_tokens.isdecimal():
            options["on_max_tokens"] = int(self.on_max_tokens)
        return options


def prices_of(path: Path | None) -> Any:
    """Return the prices in a file of JSON.

    Args:
        path: The file.

    Raises:
        CommandError: It is not JSON.
    """
    import orjson

    if path is None:
        return None
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise CommandError(f"--prices {path}: not JSON: {error}") from None
