"""An exchange: the flow from a request to its response, and the result made of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

import attrs
from claude_batches_api.request import Request, RequestOptions

from .attempts import DEFAULT_POLICY, SAFE_POLICY, RetryPolicy, fetch, open_response
from .effects import Flow
from .prepare import PreparedRequest, prepare
from .response import OpenedResponse
from .session import Session

__all__ = ["Exchange", "Parser", "Transfer", "exchange", "transfer"]

T = TypeVar("T")

Parser = Callable[[OpenedResponse, bytes], T]
"""Makes the result of a response and its body."""


def decoded_gradually(response: OpenedResponse, content: bytes) -> Any:
    """Replace the parser of a body whose lines are decoded one by one.

    Raises:
        TypeError: Always; the transport sets another parser.
    """
    raise TypeError(f"{response!r} with {len(content)} bytes is decoded line by line")


Transfer = Callable[[PreparedRequest, RetryPolicy], Flow[Any]]
"""The flow from a request to its response, with the body read or unread."""


def left(response: OpenedResponse) -> None:
    """Do nothing with a response that a streamed view leaves."""


@attrs.frozen
class Exchange(Generic[T]):
    """A request and the result of its response."""

    flow: Callable[[bool], Flow[Any]]
    """The flow to a `Fetched` response, or, with `False`, to one with an unread body."""
    parse: Parser[T] = decoded_gradually
    stream: Callable[[Any], T] | None = None
    """Makes a result that reads the body gradually; `None` for a result of the whole body."""
    leave: Callable[[OpenedResponse], None] = left
    """Called with the open response when a streamed view ends."""


def exchange(
    session: Session,
    request: Request[Any],
    options: RequestOptions,
    parse: Parser[T] | None = None,
) -> Exchange[T]:
    """Return the exchange of an operation; without `parse`, of one whose body is decoded line by line."""

    def flow(read: bool) -> Flow[Any]:
        policy = DEFAULT_POLICY if session.config.retries_unsafe else SAFE_POLICY
        return transfer(session, prepare(session, request, options), policy, read=read)

    return Exchange(flow, decoded_gradually if parse is None else parse)


def transfer(session: Session, prepared: PreparedRequest, policy: RetryPolicy, *, read: bool) -> Flow[Any]:
    """Return the flow to a response, with its body read or unread."""
    return partial(fetch if read else open_response, session)(prepared, policy)
