"""Requests from files, tables and stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import attrs
import typer

from ._exits import CommandError, ExitStatus

if TYPE_CHECKING:
    from claude_batches.jobs._tables import SourceRow

__all__ = ["RowOptions", "SourceArgument", "SourceOptions", "place_of"]

_PANEL = "Requests"

SourceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="REQUESTS",
        help="Requests: a JSONL, CSV, TSV or Parquet file, or `-` for JSONL from stdin.",
        show_default=False,
    ),
]


@attrs.frozen(kw_only=True)
class SourceOptions:
    """Options of a source of requests: each command that reads one has them."""

    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="Model of rows that name none.", rich_help_panel=_PANEL),
    ] = None
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens",
            min=1,
            metavar="N",
            help="max_tokens of rows that set none.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    template: Annotated[
        Path | None,
        typer.Option(
            "--template",
            metavar="FILE",
            help="A prompt template (.j2 or .jinja: Jinja; else {column}) that makes a request of each row.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", metavar="TEXT", help="The same, as text.", rich_help_panel=_PANEL),
    ] = None
    system: Annotated[
        str | None,
        typer.Option(
            "--system",
            metavar="TEXT",
            help="A system text for rows that have none; it is cached.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    cache: Annotated[
        Literal["1h", "5m", "none"] | None,
        typer.Option(
            "--cache",
            help="How long the system text is cached (1h); `none` leaves it uncached.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    id_column: Annotated[
        str | None,
        typer.Option(
            "--id-column", metavar="COLUMN", help="The column with the custom_id.", rich_help_panel=_PANEL
        ),
    ] = None
    attachments: Annotated[
        list[str] | None,
        typer.Option(
            "--attachment",
            metavar="COLUMN",
            help="A column with paths of images or PDFs. Repeatable.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    format: Annotated[
        Literal["jsonl", "csv", "tsv", "parquet"] | None,
        typer.Option(
            "--format", help="The format of REQUESTS, where its name does not tell.", rich_help_panel=_PANEL
        ),
    ] = None
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            metavar="N",
            help="Take the first N rows alone; the same command without it goes on with the others.",
            rich_help_panel=_PANEL,
        ),
    ] = None

    def check_unused(self, why: str) -> None:
        """Check that none was given where there are no requests to read.

        Args:
            why: Tells why there are none.

        Raises:
            CommandError: Some were.
        """
        given = [name for name, value in attrs.asdict(self).items() if value is not None]
        if given:
            names = ", ".join(f"--{name.replace('_', '-').removesuffix('s')}" for name in given)
            raise CommandError(f"{names} would have no effect: {why}", ExitStatus.USAGE)

    def rows(self, path: str, **options: Any) -> Iterator[SourceRow]:
        """Return the rows of a source.

        Args:
            path: The source.
            **options: Further options of `read_source`.

        Raises:
            TableError: The source can't be read.
            CommandError: Both a template and a prompt are given.
        """
        from claude_batches.jobs._tables import read_source

        return read_source(place_of(path), **self.options(path), **options)

    def options(self, path: str) -> dict[str, Any]:
        """Return the options of `read_source` that were given.

        Args:
            path: The source.

        Raises:
            CommandError: Both a template and a prompt are given.
        """
        if self.template is not None and self.prompt is not None:
            raise CommandError("--template and --prompt exclude each other", ExitStatus.USAGE)
        options: dict[str, Any] = {
            "template": self.template if self.template is not None else self.prompt,
            "system": self.system,
            "cache": self.cache,
            "id_column": self.id_column,
            "model": self.model,
            "params": None if self.max_tokens is None else {"max_tokens": self.max_tokens},
            "attachments": self.attachments,
            "format": self.format or ("jsonl" if path == "-" else None),
            "limit": self.limit,
        }
        given = {name: value for name, value in options.items() if value is not None}
        return given | {"cache": None} if self.cache == "none" else given


@attrs.frozen(kw_only=True)
class RowOptions(SourceOptions):
    """Those of a source whose rows a job takes."""

    dedupe: Annotated[
        bool | None,
        typer.Option(
            "--dedupe/--no-dedupe",
            help="Pay once for rows with equal requests, those with ids of their own as well, or for each row; by "
            "default once for those without ids.",
            show_default=False,
            rich_help_panel=_PANEL,
        ),
    ] = None

    def options(self, path: str) -> dict[str, Any]:
        """Return the options of `read_source` that were given, as `SourceOptions` does."""
        given = SourceOptions.options(self, path)
        return given if self.dedupe is None else given | {"dedupe": self.dedupe}


def place_of(path: str) -> Any:
    """Return a source as `read_source` takes it: its path, or stdin as a binary file.

    Args:
        path: The path, or `-`.
    """
    return sys.stdin.buffer if path == "-" else Path(path)
