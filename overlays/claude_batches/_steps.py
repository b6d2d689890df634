"""How decisions are shared by the sync and the async client.

Everything that decides (what to retry, when to stop paging, whether a batch was made) is written once, as a
generator that yields what is to be done and is sent what came of it:

    reply = yield Send(...)
    yield Sleep(0.5)
    return result

One driver does these things and waits, another does them and lets others run (`_sender`). A test can be a
third.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import attrs

from ._headers import Headers, SentRequest, shown_headers, shown_url
from ._timeouts import Deadline, Timeouts

if TYPE_CHECKING:
    from ._response import AsyncResponse, Response
    from ._upload import Payload

__all__ = ["Action", "AnyResponse", "Close", "Read", "Run", "Send", "Sleep", "Steps"]

T = TypeVar("T")

AnyResponse: TypeAlias = "Response | AsyncResponse"


@attrs.frozen
class Send:
    """Send a request, once; the reply is an open response or a `Failure`."""

    method: str
    url: str
    headers: Headers
    body: bytes | Payload | None = attrs.field(repr=False)
    timeouts: Timeouts
    deadline: Deadline
    trusted: bool
    """Whether it goes to the origin of `base_url`; to another, nothing but `headers` may go along."""

    def shown(self) -> SentRequest:
        """What can be shown of it."""
        url = self.url if self.trusted else shown_url(self.url)
        return SentRequest(self.method, url, shown_headers(self.headers))

    def secrets(self) -> tuple[str, ...]:
        """What must not be shown of what others say about it."""
        shown = shown_headers(self.headers)
        secrets = [value for name, value in self.headers.items() if shown[name] != value]
        return (*secrets, *(value.removeprefix("Bearer ") for value in secrets))


@attrs.frozen
class Read:
    """Read the body of a response and close it; the reply is its bytes or a `Failure`."""

    response: AnyResponse
    limit: int | None = None
    """Stop after so many bytes."""


@attrs.frozen
class Close:
    """Close a response; the reply is `None`."""

    response: AnyResponse


@attrs.frozen
class Sleep:
    """Wait so many seconds; the reply is `None`."""

    seconds: float


@attrs.frozen
class Run:
    """Call a user's function, awaiting what it gives where that can be awaited; the reply is `None`."""

    function: Callable[[Any], object]
    argument: Any


Action: TypeAlias = Send | Read | Close | Sleep | Run

Steps: TypeAlias = Generator[Action, Any, T]
