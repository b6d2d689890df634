"""The package's logger, `logging.getLogger("claude_batches")`.

`INFO` has a line for each response and each retry, `DEBUG` also one for each attempt. Bodies and credentials are never
logged. `ANTHROPIC_LOG=info` or `ANTHROPIC_LOG=debug` prints the log to stderr without a line of code.
"""

from __future__ import annotations

import logging
import os

__all__ = ["logger", "show_logs_if_asked"]

logger = logging.getLogger("claude_batches")

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO}


def show_logs_if_asked() -> None:
    """Apply `ANTHROPIC_LOG`, unless the program has set up logging itself."""
    level = _LEVELS.get(os.environ.get("ANTHROPIC_LOG", "").strip().lower())
    if level is None:
        return
    logger.setLevel(level)
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("[%(asctime)s %(name)s %(levelname)s] %(message)s"))
        logger.addHandler(handler)
