"""`claude-batches sandbox`: run the sandbox until it is interrupted, with a log of its requests."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from ._console import say, stderr, write_json, write_text
from ._exits import ExitStatus
from ._options import Json

if TYPE_CHECKING:
    from ..sandbox import Exchange, Fault, Sandbox

__all__ = ["UsageError", "command", "serve"]


class UsageError(Exception):
    """An option with an invalid value."""

    status = ExitStatus.USAGE


class MissingExtraError(UsageError):
    """The extra of the sandbox is not installed."""

    status = ExitStatus.ERROR


def command(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The loopback address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="The port to listen on; 0 takes a free one.")
    ] = 8787,
    key: Annotated[
        str | None,
        typer.Option(metavar="SECRET", help="The only valid API key; any key is valid by default."),
    ] = None,
    speed: Annotated[
        str, typer.Option(metavar="N", help="Sandbox seconds per real second, or `instant`.")
    ] = "60",
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file for the state; by default it ends with the sandbox."),
    ] = None,
    faults: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROFILE|JSON",
            help="Failures on purpose: flaky, overloaded or hostile, or one fault or a list of faults as JSON. "
            "Can be repeated.",
        ),
    ] = None,
    queue_limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="The most requests in processing for a key; 429 above it."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A host name to answer to beside those of loopback. Repeatable."),
    ] = None,
    reply: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A function that answers requests, as `module:function`."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The seed of everything random.")] = 0,
    json: Json = False,
) -> None:
    """Run a local server with the whole API, for development and tests."""
    try:
        serve(
            stderr(),
            json=json,
            host=host,
            port=port,
            key=key,
            speed=speed,
            state=state,
            faults=faults,
            queue_limit=queue_limit,
            allow_host=allow_host or (),
            reply=reply,
            seed=seed,
        )
    except UsageError as error:
        say(str(error), error=True)
        sys.exit(error.status)


def serve(
    console: Console,
    *,
    port: int,
    speed: str,
    state: Path | None,
    faults: str | Sequence[str] | None,
    reply: str | None,
    seed: int,
    json: bool = False,
    host: str = "127.0.0.1",
    key: str | None = None,
    queue_limit: int | None = None,
    allow_host: Sequence[str] = (),
) -> None:
    """Run a sandbox until it is interrupted.

    Raises:
        UsageError: An option has an invalid value, or the port is taken.
        MissingExtraError: The extra is not installed.
    """
    try:
        from ..sandbox import Sandbox, load_reply
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error)) from None

    wanted = [faults] if isinstance(faults, str) else list(faults or ())
    try:
        sandbox = Sandbox(
            host=host,
            port=port,
            api_key=key,
            speed=_speed(speed),
            state=state,
            faults=[fault for text in wanted for fault in _faults(text)],
            queue_limit=queue_limit,
            allowed_hosts=allow_host,
            reply=None if reply is None else load_reply(reply),
            seed=seed,
            log=_access_log(console),
        ).start()
    except OSError as error:
        raise UsageError(f"--port {port}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(str(error)) from None
    try:
        ended = _end_signals()
        console.print(_welcome(sandbox, speed, state, wanted))
        shown = "sandbox" if key is None else "THE_KEY"
        if json:
            write_json({"base_url": sandbox.url, "api_key": key or shown})
        else:
            console.print(f"Paste this where your program runs{'' if key else '; any key works'}:\n")
            write_text(f"export ANTHROPIC_BASE_URL={sandbox.url}")
            write_text(f"export ANTHROPIC_API_KEY={shown}\n")
        # An Event.wait() without a timeout cannot be interrupted on every system.
        while not ended.wait(0.5):
            pass
    finally:
        sandbox.close()
        console.print(
            "The sandbox has stopped." + ("" if state is None else f" Its state is in {state}."),
            highlight=False,
        )


def _welcome(sandbox: Sandbox, speed: str, state: Path | None, faults: list[str]) -> Panel:
    pace = (
        "batches end at the first request about them"
        if speed == "instant"
        else f"{speed} sandbox seconds per second: its times run ahead of the wall clock"
    )
    lines = [
        f"Page         {sandbox.url}/",
        f"Speed        {pace}",
        f"State        {'in memory, ends with the sandbox' if state is None else escape(str(state))}",
        f"Faults       {escape(', '.join(faults)) or 'none'}",
        "",
        "[dim]Only this machine can reach it. Ctrl-C stops it.[/]",
    ]
    return Panel("\n".join(lines), title="Sandbox of the Message Batches API", expand=False)


def _faults(text: str) -> Sequence[Fault]:
    """Return the faults of a profile, or of JSON in the form of `PUT /_sandbox/faults`.

    Raises:
        UsageError: The text is neither.
    """
    from ..sandbox import PROFILES, Fault

    if text in PROFILES:
        return PROFILES[text]
    try:
        value: Any = json.loads(text)
        listed = cast(list[dict[str, Any]], value if isinstance(value, list) else [value])
        return [Fault(**fault) for fault in listed]
    except (TypeError, ValueError) as error:
        problem = "" if isinstance(error, json.JSONDecodeError) else f": {error}"
        raise UsageError(
            f"--faults {text}: neither a profile nor JSON of faults{problem}; there are "
            f"{', '.join(sorted(PROFILES))}, or JSON such as "
            '{"kind": "overloaded", "on": "create", "times": 2}'
        ) from None


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
        raise UsageError(f"--speed {text}: use a number of seconds, or `instant`") from None


def _end_signals() -> threading.Event:
    """Return an event that Ctrl-C or SIGTERM sets."""
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return ended
