"""A local server with the whole Message Batches API, to build and test against for free.

`Sandbox` runs it; `docs/sandbox.md` tells what it does. It needs the extra `claude-batches[sandbox]`.
"""

from ._exchange import Exchange
from ._faults import PROFILES, Fault
from ._reply_function import ReplyError, ReplyFunction, load_reply
from ._sandbox import Sandbox

__all__ = ["PROFILES", "Exchange", "Fault", "ReplyError", "ReplyFunction", "Sandbox", "load_reply"]
