"""`claude-batches sandbox`: run the sandbox until somebody stops it, and show what is asked of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from ..sandbox import PROFILES, Exchange, Sandbox, load_reply


class UsageError(Exception):
    """An option's value is no good."""


def serve(
    console: Console,
    *,
    port: int,
    speed: str,
    state: Path | None,
    faults: str | None,
    reply: str | None,
    seed: int,
) -> None:
    """Run a sandbox until it is interrupted.

    Raises:
        UsageError: An option's value is no good, or the port is taken.
    """
    if faults is not None and faults not in PROFILES:
        raise UsageError(
            f"--faults {faults}: there is no such profile; there are {', '.join(sorted(PROFILES))}"
        )
    log = _access_log(console)
    try:
        sandbox = Sandbox(
            port=port,
            speed=_speed(speed),
            state=state,
            faults=faults,
            reply=None if reply is None else load_reply(reply),
            seed=seed,
            log=log,
        ).start()
    except OSError as error:
        raise UsageError(f"--port {port}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        ended = _end_signals()
        console.print(_welcome(sandbox, speed, state, faults))
        console.print("Paste this where your program runs; any key will do:\n")
        # Bare, so that whole lines can be copied.
        console.print(f"export ANTHROPIC_BASE_URL={sandbox.url}", highlight=False, soft_wrap=True)
        console.print("export ANTHROPIC_API_KEY=sandbox\n", highlight=False)
        # An Event.wait() without a timeout can't be interrupted on every system.
        while not ended.wait(0.5):
            pass
    finally:
        sandbox.close()
        console.print("The sandbox has stopped." + ("" if state is None else f" What it held is in {state}."))


def _welcome(sandbox: Sandbox, speed: str, state: Path | None, faults: str | None) -> Panel:
    pace = (
        "batches end as soon as they are looked at" if speed == "instant" else f"{speed} seconds pass in one"
    )
    lines = [
        f"Look at it   {sandbox.url}/",
        f"Speed        {pace}",
        f"State        {'in memory, gone at the end' if state is None else escape(str(state))}",
        f"Faults       {faults or 'none'}",
        "",
        "[dim]Only this machine can reach it. Ctrl-C stops it.[/]",
    ]
    return Panel("\n".join(lines), title="Sandbox of the Message Batches API", expand=False)


def _access_log(console: Console) -> Callable[[Exchange], None]:
    def show(exchange: Exchange) -> None:
        console.print(
            f"[{_colour(exchange.status)}]{exchange.status or 'cut'}[/] {exchange.method:6} {escape(exchange.path)} "
            f"[dim]{exchange.seconds * 1000:.0f} ms  {exchange.request_id}[/]",
            highlight=False,
            soft_wrap=True,
        )

    return show


def _colour(status: int) -> str:
    if 0 < status < 400:
        return "green"
    return "yellow" if 400 <= status < 500 else "red"


def _speed(text: str) -> float | Literal["instant"]:
    if text == "instant":
        return "instant"
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"--speed {text}: it takes a number of seconds, or `instant`") from None


def _end_signals() -> threading.Event:
    """An event that is set by Ctrl-C, or by the signal with which a supervisor ends a program."""
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return ended
