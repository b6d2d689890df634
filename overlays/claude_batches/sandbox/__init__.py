"""A local server with the whole Message Batches API, for development and tests.

`Sandbox` runs it; `docs/sandbox.md` describes it. It needs the extra `claude-batches[sandbox]`.
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

# Imported on first use: pytest loads the plugin of this package wherever claude-batches is installed, even without
# the extra.
_HOME = {
    "PROFILES": "_faults",
    "Exchange": "_exchange",
    "Fault": "_faults",
    "ReplyError": "_reply_function",
    "ReplyFunction": "_reply_function",
    "Sandbox": "_sandbox",
    "load_reply": "_reply_function",
}
_EXTRA = ("jinja2", "jsonschema_rs", "starlette", "uvicorn")


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f".{_HOME[name]}", __name__)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        raise ModuleNotFoundError(
            f"the sandbox needs the package {missing}: pip install 'claude-batches[sandbox]'", name=missing
        ) from None
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
