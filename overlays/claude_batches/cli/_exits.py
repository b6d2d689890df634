"""Exit statuses, and errors as one line."""

from __future__ import annotations

import inspect
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from enum import IntEnum
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, get_type_hints

import attrs
import typer

from ._console import say
from ._spoken import spoken

if TYPE_CHECKING:
    from claude_batches import ClaudeBatchesError

__all__ = ["EXIT_HELP", "CommandError", "ExitStatus", "finish", "guarded"]


class ExitStatus(IntEnum):
    """Exit statuses of the command."""

    SUCCEEDED = 0
    ERROR = 1
    USAGE = 2
    FAILED_ROWS = 3
    UNKNOWN_OUTCOME = 4
    RUNNING = 5
    INTERRUPTED = 130
    """Ctrl-C came twice, as shells report it."""


EXIT_HELP = (
    "Exit status: 0 all succeeded, or no requests yet, 1 error, 2 usage, 3 finished with failed rows, 4 outcome of a "
    "create unknown, 5 still running."
)

_Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


class CommandError(Exception):
    """An error of the command itself, with its exit status.

    Args:
        message: The problem and the remedy.
        status: The exit status.
    """

    def __init__(self, message: str, status: ExitStatus = ExitStatus.ERROR) -> None:
        super().__init__(message)
        self.status = status


def guarded(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command whose errors are one line on stderr and an exit status, with the option `--debug`.

    A parameter whose type is a class of attrs is a group of options: the command has an option for each of its fields.

    Args:
        function: The command.
    """
    # Typer reads names, types and defaults from the signature. Its releases differ in how they resolve annotations
    # that are text, so they are resolved here.
    hints = get_type_hints(function, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if isinstance(hint, type) and attrs.has(hint)}
    parameters: list[Parameter] = []
    for name, each in inspect.signature(function).parameters.items():
        parameters.extend(
            _options_of(groups[name]) if name in groups else (each.replace(annotation=hints[name]),)
        )
    parameters.append(Parameter("debug", Parameter.KEYWORD_ONLY, default=False, annotation=_Debug))

    def command(*, debug: bool = False, **options: Any) -> None:
        # Without a handler, Python writes the client's warnings on stderr; errors say the same.
        logging.getLogger("claude_batches").addHandler(logging.NullHandler())
        for name, group in groups.items():
            options[name] = group(**{each.name: options.pop(each.name) for each in attrs.fields(group)})
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _warn
                function(**options)
        except (Exception, KeyboardInterrupt) as error:
            known = _known(error)
            if known is None:
                raise
            if debug:
                traceback.print_exc()
            _fail(*known)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    return command


def _options_of(group: type[Any]) -> list[Parameter]:
    """Return a parameter for each field of a group of options."""
    hints = get_type_hints(group, include_extras=True)
    return [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in attrs.fields(group)
    ]


def _known(error: BaseException) -> tuple[str, ExitStatus] | None:
    """Return the line and the exit status of an error; `None` for others than those of users and servers."""
    from claude_batches import AmbiguousCreateError, ClaudeBatchesError

    match error:
        case CommandError():
            return str(error), error.status
        case AmbiguousCreateError():
            return _text_of(error), ExitStatus.UNKNOWN_OUTCOME
        case ClaudeBatchesError():
            return _text_of(error), ExitStatus.ERROR
        case BrokenPipeError():
            # The reader has enough. Python would complain at exit while it flushes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(int(ExitStatus.ERROR)) from None
        case OSError():
            return _os_text(error), ExitStatus.ERROR
        case KeyboardInterrupt():
            return "Stopped at once.", ExitStatus.INTERRUPTED
        case _:
            return None


def finish(status: ExitStatus) -> NoReturn:
    """End the command with an exit status."""
    raise typer.Exit(int(status))


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    say(f"warning: {spoken(str(message))}")


def _fail(text: str, status: ExitStatus) -> NoReturn:
    # Work in progress, or stopped on purpose, is not an error.
    say(" ".join(text.split()), error=status not in (ExitStatus.RUNNING, ExitStatus.INTERRUPTED))
    raise typer.Exit(int(status)) from None


def _text_of(error: ClaudeBatchesError) -> str:
    """Return the message of an error and a hint for the command line."""
    from claude_batches import AmbiguousCreateError, CredentialsError, NotFoundError

    match error:
        case AmbiguousCreateError():
            return (
                f"{error.message} A batch of {error.request_count:,} requests may have been created: look for it with "
                "`claude-batches list`, or create with --on-ambiguous reconcile."
            )
        case CredentialsError():
            return (
                "no API key: set ANTHROPIC_API_KEY, or ANTHROPIC_AUTH_TOKEN; `claude-batches sandbox` runs a local "
                "server for which any key is valid."
            )
        case NotFoundError():
            return f"{error.message} Check the id, the API key and its workspace; `claude-batches list` shows batches."
        case _:
            return spoken(str(error)) or type(error).__name__


def _os_text(error: OSError) -> str:
    if error.filename is None:
        return str(error)
    return f"{error.filename}: {error.strerror or error}"
