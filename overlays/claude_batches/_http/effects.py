"""Effects: the vocabulary between flows and drivers.

A flow decides (when to retry, when to stop paging, how to settle a create) and does no I/O. It is a generator that
yields effects and receives their replies:

    response = yield Send(prepared)
    yield Sleep(0.5)
    return result

A driver performs the effects, synchronously (`_sync/driver.py`) or asynchronously (`_async/driver.py`). So each
decision is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

import attrs

from .prepare import PreparedRequest
from .response import OpenedResponse

__all__ = ["Call", "Close", "Effect", "Flow", "Read", "ReadChunk", "Send", "Sleep", "Work"]

T = TypeVar("T")


@attrs.frozen
class Send:
    """Send a request once. The reply is an open response or a `Failure`."""

    request: PreparedRequest


@attrs.frozen
class Read:
    """Read the body of a response and close it. The reply is its bytes or a `Failure`."""

    response: OpenedResponse
    limit: int | None = None
    """Stop after this number of bytes."""


@attrs.frozen
class ReadChunk:
    """Read the next chunk of a body as it was sent, with its content encoding.

    The reply is bytes, `None` at the end, or a `Failure`. The first reply is empty: it ties the response to its reader,
    so that the connection is closed even if the reader is garbage collected before the end.
    """

    response: OpenedResponse


@attrs.frozen
class Close:
    """Close a response. The reply is `None`."""

    response: OpenedResponse


@attrs.frozen
class Sleep:
    """Wait. The reply is `None`."""

    seconds: float


@attrs.frozen
class Call:
    """Call a user's function, and await its result if it is awaitable. The reply is `None`."""

    function: Callable[[Any], object]
    argument: Any


@attrs.frozen
class Work:
    """Call a function that blocks on the disk. An async driver runs it in a thread. The reply is its result."""

    function: Callable[[], Any]


Effect: TypeAlias = Send | Read | ReadChunk | Close | Sleep | Call | Work

Flow: TypeAlias = Generator[Effect, Any, T]
