"""Requests that are not sent yet, and the operations that decode their responses.

Nothing here does I/O. To send a `Request`, append `request.path` to the base URL, add the query, the headers and the
body, and pass the status and the parsed body of the response to `request.operation.decode()`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Set
from typing import Any, Generic, Literal, Protocol, TypedDict, TypeVar

import attrs

from .body import Body
from .model import Link
from .parameters import Unset

__all__ = [
    "OPTION_NAMES",
    "Cursor",
    "Operation",
    "Pagination",
    "Request",
    "RequestOptions",
    "Response",
    "Scheme",
    "TimeoutLike",
    "check_options",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

#: The format of a response's body: `json`, `jsonl` (one value a line), `json-seq` (RFC 7464), `events` (server-sent
#: events), `text`, `bytes`, or `none` for no body.
ResponseKind = Literal["json", "jsonl", "json-seq", "events", "text", "bytes", "none"]

SchemeKind = Literal["header", "query", "cookie", "bearer", "basic"]

#: The part of a server-sent event that is decoded: the JSON in its `data`; the whole `event` as an object with the keys
#: `event`, `data`, `id` and `retry`, its data as JSON; or the same with its data as `text`.
EventPart = Literal["data", "event", "text"]


class TimeoutLike(Protocol):
    """Timeouts in seconds, in the form of `httpx.Timeout`."""

    connect: float | None
    read: float | None
    write: float | None
    pool: float | None


class RequestOptions(TypedDict, total=False):
    """Arguments that every method accepts."""

    extra_headers: Mapping[str, str | Unset | None]
    """Headers to add or to replace; `None` removes a header of the client."""
    extra_query: Mapping[str, object]
    """Query parameters to add or to replace."""
    extra_body: Mapping[str, object]
    """Properties to add to a JSON body or to replace in it."""
    timeout: float | TimeoutLike | Unset | None
    """Timeout of one attempt in seconds, in place of the client's; `None` waits forever."""
    deadline: float | None
    """Timeout of the whole call in seconds, with all its attempts and the waits between them."""
    max_retries: int
    """The number of retries, in place of the client's."""


#: The names of the options.
OPTION_NAMES = frozenset(RequestOptions.__annotations__)


def check_options(
    options: Mapping[str, object], method: str, arguments: Collection[str], known: Set[str] = OPTION_NAMES
) -> None:
    """Check the keyword arguments that a method collects as its options, before it does any I/O.

    Args:
        options: The collected arguments.
        method: The name of the method, for the message.
        arguments: The names of the method's own arguments.
        known: The names of the options that the method accepts.

    Raises:
        TypeError: An argument is unknown. The message names it and the nearest one.
    """
    if options.keys() <= known:
        return
    # Imported here, since starting a program must not cost it.
    from difflib import get_close_matches

    name = next(name for name in options if name not in known)
    nearest = get_close_matches(name, [*arguments, *sorted(known)], n=1, cutoff=0.5)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    raise TypeError(f"{method}() got an unexpected keyword argument {name!r}{hint}")


@attrs.frozen
class Cursor:
    """One direction of paging: a query parameter, and the attribute of a page that holds its value."""

    parameter: str
    field: str


@attrs.frozen
class Pagination:
    """The paging of an operation, from `x-pagination` in the spec."""

    items: str
    """The attribute of a page that holds the list of items."""
    more: str | None
    """The attribute that is true if another page follows; `None` if only a missing cursor ends the list."""
    next: Cursor
    """The cursor of the next page."""
    previous: Cursor | None = None
    """The cursor of the previous page, if the operation has one."""


@attrs.frozen
class Scheme:
    """A way of sending a credential, from the `securitySchemes` of the document."""

    kind: SchemeKind
    """A `header`, a parameter in the `query`, a `cookie`, a `bearer` token, or user and password (`basic`)."""
    name: str = "authorization"
    """The name of the header, parameter or cookie."""


@attrs.frozen
class Response:
    """One documented response of an operation."""

    status: str
    """`200`, `4XX` or `default`."""
    kind: ResponseKind
    """The format of the body."""
    media_type: str | None = None
    """The media type, for `Accept` and of the body."""
    link: Link | None = None
    """The decoder of the JSON, or of each line or event; `None` returns it as parsed."""
    plain: bool = False
    """True if the body may also be a string, a number, a boolean or null, which the link does not decode."""
    part: EventPart | None = None
    """The decoded part of each event of a stream; `None` leaves it a `ServerSentEvent`."""

    def matches(self, status: int) -> bool:
        """Return true if this describes responses with a status code."""
        return self.status in ("default", str(status), f"{status // 100}XX")

    def covers(self, content_type: str) -> bool:
        """Return true if this describes bodies of a `Content-Type`: `image/*` matches every image."""
        kind, _, subtype = (self.media_type or "").partition(";")[0].strip().lower().partition("/")
        has_kind, _, has_subtype = content_type.partition(";")[0].strip().lower().partition("/")
        return kind in ("*", has_kind) and subtype in ("*", has_subtype)

    def closeness(self, content_type: str) -> int:
        """Return how closely this describes a `Content-Type`: as a range, without its parameters, or exactly."""
        own, other = ("".join(each.lower().split()) for each in (self.media_type or "", content_type))
        return 2 if own == other else own.partition(";")[0] == other.partition(";")[0]


@attrs.define
class Operation:
    """An operation: the parts that all of its requests share."""

    name: str
    """The method of a client that sends it: `messages.batches.create`."""
    method: str
    """The HTTP method: `GET`, `POST`."""
    path: str
    """The path, with the names of its parameters in braces, as in the spec."""
    responses: tuple[Response, ...]
    """The documented responses: a status code before a range, a range before `default`. Of several media types of one
    status, the first is the one to accept."""
    arguments: tuple[str, ...] = ()
    """The names of the method's arguments in Python."""
    pagination: Pagination | None = None
    """The paging, if the operation has pages."""
    secured: bool = True
    """True if credentials are sent."""
    security: tuple[tuple[str, ...], ...] | None = None
    """The alternatives of credentials, each the names of `Scheme`s that are all needed; `None` for those of the API."""
    _decoders: dict[tuple[str, str | None], Callable[[Any], Any]] = attrs.field(
        factory=dict[tuple[str, str | None], Callable[[Any], Any]], init=False, repr=False, eq=False
    )

    @property
    def success(self) -> Response:
        """The documented response of a successful call."""
        for response in self.responses:
            if response.status[0] == "2" or response.status == "default":
                return response
        return Response("2XX", "none")

    def response(self, status: int, content_type: str | None = None) -> Response | None:
        """Return the documented response with a status code and, if there are several, with a media type."""
        matching = [response for response in self.responses if response.matches(status)]
        if len(matching) < 2 or not content_type:
            return matching[0] if matching else None
        first = matching[0]
        same = [each for each in matching if each.status == first.status]
        covering = [each for each in same if each.covers(content_type)]
        return max(covering, key=lambda each: each.closeness(content_type), default=first)

    def decode(self, status: int, wire: Any, content_type: str | None = None) -> Any:
        """Decode the parsed body of a response, or one line of it.

        A body that the spec does not describe is returned as it is.
        """
        response = self.response(status, content_type)
        return wire if response is None else self.decoder(response)(wire)

    def decoder(self, response: Response) -> Callable[[Any], Any]:
        """Return the decoder of one response. The first call makes it and imports its models."""
        key = response.status, response.media_type
        decoder = self._decoders.get(key)
        if decoder is None:
            decoder = self._decoders[key] = _as_is if response.link is None else response.link.resolve()
        return decoder


@attrs.frozen
class Request(Generic[T_co]):
    """A request of one operation that is not sent yet. `T_co` is the decoded type of its response."""

    operation: Operation
    path: str
    """The path, with percent-encoded parameters."""
    query: tuple[tuple[str, str], ...] = ()
    """Query parameters in the order of the spec, not yet encoded."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers from arguments, without those of the client."""
    cookies: tuple[tuple[str, str], ...] = ()
    """Cookies from arguments."""
    body: Body | None = None
    """The body, not yet encoded."""
    accept: str | None = None
    """The media type to ask for, if it is not that of `operation.success`."""
    method: str = attrs.field(
        default=attrs.Factory(lambda request: request.operation.method, takes_self=True), kw_only=True
    )
    """The HTTP method, by default that of the operation."""


def _as_is(wire: Any) -> Any:
    return wire
