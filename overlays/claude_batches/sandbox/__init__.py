"""A local server with the whole Message Batches API, to build and test against for free.

`Sandbox` runs it; `docs/sandbox.md` tells what it does. It needs the extra `claude-batches[sandbox]`.
"""

from ._batches import ReplyError, ReplyFunction
from ._faults import PROFILES, Fault
from ._sandbox import Sandbox

__all__ = ["PROFILES", "Fault", "ReplyError", "ReplyFunction", "Sandbox"]
