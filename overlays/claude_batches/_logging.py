"""What the client tells about its work: who was asked, what came, how long it took, and each retry.

It goes to `logging.getLogger("claude_batches")`: `INFO` has a line for each response and each retry,
`DEBUG` one for each attempt as well. Bodies and credentials are in neither. `ANTHROPIC_LOG=info` or
`=debug` shows them on stderr without a line of code.
"""

from __future__ import annotations

import logging
import os

__all__ = ["logger", "show_logs_if_asked"]

logger = logging.getLogger("claude_batches")

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO}


def show_logs_if_asked() -> None:
    """Do what `ANTHROPIC_LOG` says, unless the program has set up logging itself."""
    level = _LEVELS.get(os.environ.get("ANTHROPIC_LOG", "").strip().lower())
    if level is None:
        return
    logger.setLevel(level)
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("[%(asctime)s %(name)s %(levelname)s] %(message)s"))
        logger.addHandler(handler)
