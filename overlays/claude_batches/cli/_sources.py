"""Requests from files, tables and stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import attrs
import typer

from ._exits import CommandError

if TYPE_CHECKING:
    from claude_batches.jobs._tables import SourceRow

__all__ = [
    "Attachments",
    "Dedupe",
    "Format",
    "IdColumn",
    "Limit",
    "MaxTokens",
    "Model",
    "Prompt",
    "Source",
    "SourceArgument",
    "System",
    "Template",
]

_PANEL = "Requests"

SourceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="REQUESTS",
        help="Requests: a JSONL, CSV, TSV or Parquet file, or `-` for JSONL from stdin.",
        show_default=False,
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="Model of rows that name none.", rich_help_panel=_PANEL),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens", min=1, metavar="N", help="max_tokens of rows that set none.", rich_help_panel=_PANEL
    ),
]
Template = Annotated[
    Path | None,
    typer.Option(
        "--template",
        metavar="FILE",
        help="A prompt template (.j2 or .jinja: Jinja; else {column}) that makes a request of each row.",
        rich_help_panel=_PANEL,
    ),
]
Prompt = Annotated[
    str | None,
    typer.Option("--prompt", metavar="TEXT", help="The same, as text.", rich_help_panel=_PANEL),
]
System = Annotated[
    str | None,
    typer.Option(
        "--system",
        metavar="TEXT",
        help="A system text for rows that have none; it is cached for 1 hour.",
        rich_help_panel=_PANEL,
    ),
]
IdColumn = Annotated[
    str | None,
    typer.Option(
        "--id-column", metavar="COLUMN", help="The column with the custom_id.", rich_help_panel=_PANEL
    ),
]
Dedupe = Annotated[
    bool | None,
    typer.Option(
        "--dedupe/--no-dedupe",
        help="Pay once for rows with equal requests, those with ids of their own as well, or for each row; by default "
        "once for those without ids.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Attachments = Annotated[
    list[str] | None,
    typer.Option(
        "--attachment",
        metavar="COLUMN",
        help="A column with paths of images or PDFs. Repeatable.",
        rich_help_panel=_PANEL,
    ),
]
Format = Annotated[
    Literal["jsonl", "csv", "tsv", "parquet"] | None,
    typer.Option(
        "--format", help="The format of REQUESTS, where its name does not tell.", rich_help_panel=_PANEL
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        metavar="N",
        help="Take the first N rows alone; the same command without it goes on with the others.",
        rich_help_panel=_PANEL,
    ),
]


@attrs.frozen(kw_only=True)
class Source:
    """Requests that the options of a command describe."""

    path: str
    model: str | None = None
    max_tokens: int | None = None
    template: Path | None = None
    prompt: str | None = None
    system: str | None = None
    id_column: str | None = None
    attachments: list[str] | None = None
    dedupe: bool | None = None
    format: Literal["jsonl", "csv", "tsv", "parquet"] | None = None
    limit: int | None = None

    def rows(self, **options: Any) -> Iterator[SourceRow]:
        """Return the rows.

        Args:
            **options: Further options of `read_source`.

        Raises:
            TableError: The source can't be read.
            CommandError: Both a template and a prompt are given.
        """
        from claude_batches.jobs._tables import read_source

        return read_source(self.place(), **self.options(), **options)

    def place(self) -> Any:
        """Return the path, or stdin as a binary file."""
        return sys.stdin.buffer if self.path == "-" else Path(self.path)

    def options(self) -> dict[str, Any]:
        """Return the options of `read_source` that were given.

        Raises:
            CommandError: Both a template and a prompt are given.
        """
        if self.template is not None and self.prompt is not None:
            raise CommandError("--template and --prompt exclude each other")
        options: dict[str, Any] = {
            "template": self.template if self.template is not None else self.prompt,
            "system": self.system,
            "id_column": self.id_column,
            "model": self.model,
            "params": None if self.max_tokens is None else {"max_tokens": self.max_tokens},
            "attachments": self.attachments,
            "dedupe": self.dedupe,
            "format": self.format or ("jsonl" if self.path == "-" else None),
            "limit": self.limit,
        }
        return {name: value for name, value in options.items() if value is not None}
