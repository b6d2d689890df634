"""The command `claude-batches`, and `python -m claude_batches.cli`."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command; where the packages that it needs are not installed, say how to install them."""
    try:
        from ._app import app
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("typer", "rich", "click"):
            raise
        sys.exit(f"the command needs the package {error.name}: pip install 'claude-batches[cli]'")
    if "_CLAUDE_BATCHES_COMPLETE" in os.environ:
        # Descriptions are wrapped at the width, and fish takes each line for a candidate.
        os.environ["COLUMNS"] = "1000"
    # `python -m` has another name, which no shell can complete.
    app(prog_name="claude-batches")
