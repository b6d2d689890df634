"""A local server with the whole Message Batches API, to build and test against for free.

`Sandbox` runs it; `docs/sandbox.md` tells what it does. It needs the extra `claude-batches[sandbox]`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._exchange import Exchange as Exchange
    from ._faults import PROFILES as PROFILES
    from ._faults import Fault as Fault
    from ._reply_function import ReplyError as ReplyError
    from ._reply_function import ReplyFunction as ReplyFunction
    from ._reply_function import load_reply as load_reply
    from ._sandbox import Sandbox as Sandbox

__all__ = ["PROFILES", "Exchange", "Fault", "ReplyError", "ReplyFunction", "Sandbox", "load_reply"]

# Imported when they are asked for: pytest loads the plugin in this folder wherever claude-batches is installed,
# also without the extra.
_HOME = {
    "PROFILES": "_faults",
    "Exchange": "_exchange",
    "Fault": "_faults",
    "ReplyError": "_reply_function",
    "ReplyFunction": "_reply_function",
    "Sandbox": "_sandbox",
    "load_reply": "_reply_function",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_HOME[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
