"""Options and arguments that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["BatchId", "Json", "Workspace"]

BatchId = Annotated[str, typer.Argument(metavar="BATCH", help="The id of a batch.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Write JSON on stdout.")]
Workspace = Annotated[
    str | None,
    typer.Option("--workspace", metavar="ID", help="The workspace, for keys with access to several."),
]
