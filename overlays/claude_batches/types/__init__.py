"""Every type of the API: models of received values, and dicts of sent ones.

    from claude_batches.types import MessageBatch, MessageCreateParamsNonStreaming

None is imported before it is asked for. The submodules have the names that the official SDK gives them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from claude_batches_api import models, params

if TYPE_CHECKING:
    from claude_batches_api.models import *  # noqa: F403
    from claude_batches_api.params import *  # noqa: F403

    from . import message_create_params as message_create_params
    from . import messages as messages
    from . import shared as shared
else:
    __all__ = sorted({*models.__all__, *params.__all__})

    def __getattr__(name: str) -> Any:
        if name in ("message_create_params", "messages", "shared"):
            return import_module(f".{name}", __name__)
        for module in (models, params):
            if name in module.__all__:
                value = globals()[name] = getattr(module, name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return __all__
