"""What an endpoint function gives: a request, not yet sent, that knows how its response decodes.

Nothing here does I/O. Any sender can send a `Request`: put `request.path` after the base URL, add the query,
the headers and the body, and hand status and parsed body to `request.operation.decode()`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, Protocol, TypedDict, TypeVar

import attrs

from .body import Body
from .model import Link

__all__ = ["Cursor", "Operation", "Pagination", "Request", "RequestOptions", "Response", "TimeoutLike"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

#: How the body of a response is read: `json` whole, `jsonl` line by line, `text`, `bytes`, or `none` at all.
ResponseKind = Literal["json", "jsonl", "text", "bytes", "none"]


class TimeoutLike(Protocol):
    """Seconds to connect, read, write and wait for a connection of the pool, as `httpx.Timeout` has them."""

    connect: float | None
    read: float | None
    write: float | None
    pool: float | None


class RequestOptions(TypedDict, total=False):
    """What every method takes besides its own arguments."""

    extra_headers: Mapping[str, str | None]
    """Headers to add, or to send instead; `None` leaves a header of the client's out."""
    extra_query: Mapping[str, object]
    """Query parameters to add, or to send instead."""
    extra_body: Mapping[str, object]
    """Properties to add to a JSON body, or to send instead."""
    timeout: float | TimeoutLike | None
    """Seconds that an attempt may wait for the network, instead of the client's; `None` waits for ever."""
    deadline: float | None
    """Seconds that the whole call may take, with all its attempts and the waits between them."""
    max_retries: int
    """How often the call is tried again, instead of the client's setting."""


@attrs.frozen
class Cursor:
    """One direction of paging: the parameter that asks for a page, and the attribute of a page that fills it."""

    parameter: str
    field: str


@attrs.frozen
class Pagination:
    """How an operation pages, as `x-pagination` of the spec says."""

    items: str
    """The attribute of a page that holds the list of items."""
    more: str | None
    """The attribute that says whether another page follows; `None` where only a missing cursor says so."""
    next: Cursor
    """Onwards."""
    previous: Cursor | None = None
    """Backwards, where the operation can."""


@attrs.frozen
class Response:
    """One documented response of an operation."""

    status: str
    """`200`, `4XX` or `default`."""
    kind: ResponseKind
    """How the body is read."""
    media_type: str | None = None
    """What to ask for, and what comes."""
    link: Link | None = None
    """What the JSON decodes to, or each line of it; `None` leaves it as it is parsed."""
    plain: bool = False
    """Whether a text, a number, a flag or null may come as well, which no link decodes."""

    def matches(self, status: int) -> bool:
        """Whether a response with this status code is this one."""
        return self.status in ("default", str(status), f"{status // 100}XX")

    def covers(self, content_type: str) -> bool:
        """Whether a body of this `Content-Type` is documented here: `image/*` stands for every image."""
        kind, _, subtype = (self.media_type or "").partition(";")[0].strip().lower().partition("/")
        has_kind, _, has_subtype = content_type.partition(";")[0].strip().lower().partition("/")
        return kind in ("*", has_kind) and subtype in ("*", has_subtype)

    def closeness(self, content_type: str) -> int:
        """Return how closely this describes a `Content-Type`: as a range, without its parameters, or exactly."""
        own, other = ("".join(each.lower().split()) for each in (self.media_type or "", content_type))
        return 2 if own == other else own.partition(";")[0] == other.partition(";")[0]


@attrs.define
class Operation:
    """What is the same for each request of an operation."""

    name: str
    """`messages.batches.create`: the method of a client that sends it."""
    method: str
    """`GET`, `POST`, ..."""
    path: str
    """The path with its parameters' names in braces, as the spec has it."""
    responses: tuple[Response, ...]
    """The documented responses: a status code before a range, a range before `default`, and of several media types
    of one status the one first that is asked for."""
    pagination: Pagination | None = None
    """How it pages, where it does."""
    secured: bool = True
    """Whether credentials are sent."""
    _decoders: dict[tuple[str, str | None], Callable[[Any], Any]] = attrs.field(
        factory=dict[tuple[str, str | None], Callable[[Any], Any]], init=False, repr=False, eq=False
    )

    @property
    def success(self) -> Response:
        """The response of a call that went well."""
        for response in self.responses:
            if response.status[0] == "2" or response.status == "default":
                return response
        return Response("2XX", "none")

    def response(self, status: int, content_type: str | None = None) -> Response | None:
        """The documented response with this status code; of several media types, the one that came."""
        first = next((response for response in self.responses if response.matches(status)), None)
        if first is None or not content_type:
            return first
        same = [each for each in self.responses if each.status == first.status and each.covers(content_type)]
        return max(same, key=lambda each: each.closeness(content_type), default=first)

    def decode(self, status: int, wire: Any, content_type: str | None = None) -> Any:
        """Decode the parsed body, or one line of it, of a response with this status code.

        What the spec doesn't describe is handed back as it is.
        """
        response = self.response(status, content_type)
        return wire if response is None else self.decoder(response)(wire)

    def decoder(self, response: Response) -> Callable[[Any], Any]:
        """What decodes the bodies of one response; made, and its models imported, the first time."""
        key = response.status, response.media_type
        decoder = self._decoders.get(key)
        if decoder is None:
            decoder = self._decoders[key] = _as_is if response.link is None else response.link.resolve()
        return decoder


@attrs.frozen
class Request(Generic[T_co]):
    """A request of one operation, ready to be sent. `T_co` is what its response decodes to."""

    operation: Operation
    path: str
    """The path, its parameters filled in and percent-encoded."""
    query: tuple[tuple[str, str], ...] = ()
    """Query parameters, in the order of the spec, not yet encoded."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers that arguments gave; the client's own are not in it."""
    cookies: tuple[tuple[str, str], ...] = ()
    """Cookies that arguments gave."""
    body: Body | None = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.operation.method


def _as_is(wire: Any) -> Any:
    return wire
