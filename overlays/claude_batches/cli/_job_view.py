"""Jobs on stdout: status, results and costs."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, ROUND_UP, Decimal
from typing import TYPE_CHECKING, Any

import attrs
from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

from .._words import counted
from ._console import say
from ._exits import CommandError, ExitStatus
from ._spoken import spoken

if TYPE_CHECKING:
    from claude_batches.jobs import JobStatus
    from claude_batches.jobs._cost import Report

__all__ = [
    "advise",
    "again",
    "amount",
    "cost_table",
    "gist",
    "results_table",
    "status_dict",
    "status_of",
    "status_table",
    "unsent",
]

#: The order of outcomes in tables; others follow.
_FIRST = ("succeeded",)
#: The commands that take --max-cost.
_SENDING = ("retry", "run", "submit")
#: The smallest width of texts in a table of results: beside long ids, lines are longer than the terminal.
_LEAST_TEXT = 12


def status_of(status: JobStatus) -> ExitStatus:
    """Return the exit status for the state of a job."""
    if status.doubts:
        return ExitStatus.UNKNOWN_OUTCOME
    if status.state == "paused":
        return ExitStatus.ERROR
    if status.finished or (status.state == "canceled" and not status.in_flight and not status.ended):
        return ExitStatus.SUCCEEDED if status.succeeded == status.requests else ExitStatus.FAILED_ROWS
    return ExitStatus.RUNNING


def again(command: str, name: str, ledger: str | None, max_cost: float | None = None) -> str:
    """Return the command line that goes on with a job.

    Args:
        command: The command.
        name: The job.
        ledger: Its ledger, which is a part of the line unless the environment has it; its DSN may have a password.
        max_cost: The limit that was given, which no job keeps: without it the line would send the rest unlimited.
    """
    line = f"claude-batches {command} {shlex.quote(name)}"
    if ledger is not None and ledger != os.environ.get("CLAUDE_BATCHES_LEDGER"):
        line += " --ledger DSN"
    if max_cost is not None and command in _SENDING:
        line += f" --max-cost {Decimal(str(max_cost)):f}".removesuffix(".0")
    return line


def advise(name: str, status: JobStatus, ledger: str | None, max_cost: float | None = None) -> None:
    """Say how to go on with a job that is not done, or has failed rows.

    Args:
        name: The job.
        status: Its status.
        ledger: Its ledger.
        max_cost: The limit that was given.

    Raises:
        CommandError: It is paused.
    """
    run = again("run", name, ledger, max_cost)
    stuck = [doubt.shard for doubt in status.doubts if doubt.stuck]
    if status.state == "paused":
        retry = again("retry", name, ledger, max_cost)
        reason = spoken(status.reason or "", retry.removeprefix("claude-batches retry "))
        # Most reasons tell the line already.
        more = "" if retry in reason else f" Continue with: {retry}"
        raise CommandError(f"{name} is paused: {reason}{more}")
    if status.state == "canceled":
        left = status.staged + status.again
        if status.empty:
            say(f"{name} has no requests, and is canceled.")
        elif left:
            told = counted(left, "request is", "requests are")
            say(f"{name} is canceled, and {told} not sent: another job can send the rest.")
    elif status.empty:
        say(f"{name} has no requests yet. Add some with: {run} REQUESTS")
    elif stuck:
        say(
            f"The evidence about {counted(len(stuck), 'create')} is gone, so you have to decide: "
            f"{again('resolve', name, ledger)}"
        )
    elif status.doubts:
        say(f"The outcome of a create is unknown; running the job finds it out: {run}")
    elif status_of(status) is ExitStatus.RUNNING:
        say(f"The job has not finished. Continue with: {run}")
    elif status.failed:
        told = counted(status.failed, "request")
        say(f"{told} did not succeed. See why with: {again('results', name, ledger)} --failed")


def unsent(status: JobStatus) -> int:
    """Return the number of requests that a process has still to send.

    Args:
        status: The status of the job.
    """
    return status.staged + status.again if status.state == "active" else 0


def status_dict(status: JobStatus) -> dict[str, Any]:
    """Return a status for JSON."""
    return {
        **attrs.asdict(status),
        "succeeded": status.succeeded,
        "failed": status.failed,
        "finished": status.finished,
        "empty": status.empty,
        "batches_total": status.batches_total,
    }


def status_table(name: str, status: JobStatus) -> Table:
    """Return the table of a status."""
    state = status.state
    if status.empty:
        state = "no requests yet"
    elif status.state == "active":
        state = "finished" if status.finished else "active"
        if not status.requests:
            # Such as after a write that failed.
            state = "no requests"
    title = f"{name}: {state}"
    # A title has the width of its table.
    table = Table(title=escape(title), title_justify="left", box=None, pad_edge=False, min_width=len(title))
    table.add_column("outcome")
    table.add_column("requests", justify="right")
    causes = sorted(status.causes.items(), key=lambda each: (each[0] not in _FIRST, -each[1], each[0]))
    for cause, count in causes:
        table.add_row(f"[{'green' if cause == 'succeeded' else 'red'}]{cause}[/]", f"{count:,}")
    for label, count in (
        ("not sent", status.staged),
        ("in process", status.in_flight),
        ("not collected", status.ended),
        ("sent again", status.again),
        ("held", status.held),
    ):
        if count:
            table.add_row(label, f"{count:,}")
    table.add_row("total", f"{status.requests:,}", style="bold")
    if status.twins:
        told = "more repeats" if status.twins == 1 else "more repeat"
        table.add_row("rows", f"{status.twins:,} {told} the request of another", style="dim")
    table.add_row("batches", f"{status.batches_ended:,} of {status.batches_total:,} ended", style="dim")
    return table


def cost_table(report: Report) -> Table:
    """Return the table of tokens and costs. What most jobs have none of, or one of, has a column where needed alone."""
    tiers = len({line.tier for line in report.models}) > 1
    table = Table(box=None, pad_edge=False)
    for title in ("model", "tier") if tiers else ("model",):
        table.add_column(title)
    columns = {
        "requests": "requests",
        "input": "input_tokens",
        "output": "output_tokens",
        "cache 5m": "cache_write_5m_tokens",
        "cache 1h": "cache_write_1h_tokens",
        "cache read": "cache_read_tokens",
        "web searches": "web_searches",
    }
    used = {
        title: name
        for title, name in columns.items()
        if title in ("requests", "input", "output") or any(getattr(line, name) for line in report.models)
    }
    for title in (*used, "cost"):
        table.add_column(title, justify="right")
    for line in report.models:
        table.add_row(
            escape(line.model or "unknown"),
            *((escape(line.tier or "unknown"),) if tiers else ()),
            *(f"{getattr(line, name):,}" for name in used.values()),
            dollars(line.cost),
        )
    return table


def cost_summary(report: Report) -> str:
    """Return the sums of a report as lines."""
    told: list[str] = []
    if report.models:
        told.append(_sums(report))
    elif not report.pending_requests and not report.lost_requests:
        told.append("No request was billed.")
    if report.pending_requests:
        told.append(f"{'' if report.models else 'No billed results yet; '}{report.pending()}.")
    if report.lost_requests:
        told.append(f"{report.lost()}.")
    if report.cache_hit_rate:
        told.append(f"{report.cache_hit_rate:.1%} of the input was read from the cache.")
    if report.regional_requests:
        regional = counted(report.regional_requests, "request")
        told.append(f"{regional} ran in a chosen region; its surcharge is not in the cost.")
    return "\n".join(told)


def _sums(report: Report) -> str:
    from claude_batches.jobs._tables._extras import optional

    unpriced = set(report.unpriced)
    if len(unpriced) == len({line.model or "unknown" for line in report.models}):
        if optional("genai_prices") is None:
            return "Not priced: install claude-batches[cost], or give --prices."
        names = " and ".join(sorted(unpriced))
        return f"Not priced: the price list has no batch price of {names}. Give --prices."
    parts = [
        f"Cost {dollars(report.cost)}",
        f"{dollars(report.saved)} saved by batching",
        f"{dollars(report.failed_cost)} for attempts that were not kept",
    ]
    if unpriced:
        parts.append(f"without {', '.join(sorted(unpriced))}, which has no price")
    return ", ".join(parts)


def results_table(rows: Sequence[tuple[str, str, str]], width: int) -> tuple[Table, int]:
    """Return the table of results, and its width. Texts are cut to the width; ids and outcomes never are.

    Args:
        rows: The custom_id, outcome and text of each row.
        width: The width of the terminal.
    """
    table = Table(box=None, pad_edge=False)
    taken = 2
    for number, title in enumerate(("custom_id", "outcome")):
        wide = max(map(cell_len, (title, *(row[number] for row in rows))))
        table.add_column(title, no_wrap=True, width=wide)
        taken += wide + 1
    left = max(width - taken, _LEAST_TEXT)
    table.add_column("text", overflow="ellipsis", no_wrap=True, max_width=left)
    for custom_id, outcome, text in rows:
        colour = "green" if outcome == "succeeded" else "red"
        table.add_row(escape(custom_id), f"[{colour}]{outcome}[/]", escape(text))
    return table, taken + left


def gist(result: Any) -> str:
    """Return the answer or the error of a result as one line."""
    message = getattr(result, "message", None)
    if message is not None:
        return " ".join(" ".join(_text(block) for block in message.content).split())
    error = getattr(getattr(result, "error", None), "error", None)
    return "" if error is None else f"{error.type}: {error.message}"


def _text(block: Any) -> str:
    text = getattr(block, "text", None)
    if isinstance(text, str):
        return text
    name, given = getattr(block, "name", None), getattr(block, "input", None)
    if isinstance(name, str) and isinstance(given, dict):
        return f"{name}({', '.join(f'{key}={value!r}' for key, value in given.items())})"  # pyright: ignore[reportUnknownVariableType]
    return f"[{getattr(block, 'type', 'unknown')}]"


def dollars(cost: Decimal | None) -> str:
    """Return a cost for a table."""
    return "unpriced" if cost is None else f"${cost:,.4f}"


def amount(number: Decimal | float, *, up: bool = False) -> str:
    """Return an amount for a sentence: in cents, and with its digits below one.

    Args:
        number: The amount in US dollars.
        up: True to round it up to the last digit, as a limit.
    """
    exact = Decimal(str(number))
    cent = Decimal("0.01")
    digits = cent if not exact or exact >= cent else Decimal(1).scaleb(exact.adjusted() - 1)
    rounded = exact.quantize(digits, ROUND_UP if up else ROUND_HALF_EVEN)
    shown = f"{rounded:,f}"
    return f"${shown if exact >= cent or not exact else shown.rstrip('0')}"
