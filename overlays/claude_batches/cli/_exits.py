"""Exit statuses, and errors as one line."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from ._console import say

if TYPE_CHECKING:
    from claude_batches import ClaudeBatchesError

__all__ = ["EXIT_HELP", "Command", "CommandError", "ExitStatus", "Group", "finish"]


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
    "Exit status: 0 all succeeded, 1 error, 2 usage, 3 finished with failed rows, 4 outcome of a create unknown, "
    "5 still running."
)

_DEBUG = "claude_batches.debug"


class CommandError(Exception):
    """An error of the command itself, with its exit status.

    Args:
        message: The problem and the remedy.
        status: The exit status.
    """

    def __init__(self, message: str, status: ExitStatus = ExitStatus.ERROR) -> None:
        super().__init__(message)
        self.status = status


class Command(TyperCommand):
    """A command with the option `--debug`."""

    def __init__(self, *args: Any, params: list[Any] | None = None, **options: Any) -> None:
        debug = TyperOption(
            param_decls=["--debug"],
            is_flag=True,
            expose_value=False,
            callback=_note_debug,
            help="Show the traceback of an error.",
        )
        super().__init__(*args, params=[*(params or []), debug], **options)


class Group(TyperGroup):
    """All commands. An error of this package becomes one line on stderr and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        from claude_batches import AmbiguousCreateError, ClaudeBatchesError

        # Without a handler, Python writes the client's warnings on stderr; errors say the same.
        logging.getLogger("claude_batches").addHandler(logging.NullHandler())
        try:
            return super().invoke(ctx)
        except CommandError as error:
            _fail(ctx, str(error), error.status)
        except AmbiguousCreateError as error:
            _fail(ctx, _text_of(error), ExitStatus.UNKNOWN_OUTCOME)
        except ClaudeBatchesError as error:
            _fail(ctx, _text_of(error), ExitStatus.ERROR)
        except BrokenPipeError:
            # The reader has enough. Python would complain at exit while it flushes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(ExitStatus.ERROR) from None
        except OSError as error:
            _fail(ctx, _os_text(error), ExitStatus.ERROR)
        except KeyboardInterrupt:
            _fail(ctx, "Stopped at once.", ExitStatus.INTERRUPTED)


def finish(status: ExitStatus) -> NoReturn:
    """End the command with an exit status."""
    raise typer.Exit(int(status))


def _note_debug(ctx: typer.Context, _option: Any, wanted: bool) -> None:
    if wanted:
        ctx.meta[_DEBUG] = True


def _fail(ctx: typer.Context, text: str, status: ExitStatus) -> NoReturn:
    if ctx.meta.get(_DEBUG):
        traceback.print_exc()
    # Work that goes on, or was stopped on purpose, is not an error.
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
            return str(error) or type(error).__name__


def _os_text(error: OSError) -> str:
    if error.filename is None:
        return str(error)
    return f"{error.filename}: {error.strerror or error}"
