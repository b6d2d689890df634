"""What an endpoint function gives: a request, not yet sent, that knows how its response decodes.

Nothing here does I/O. Any sender can send a `Request`: put `request.path` after the base URL, add the query,
the headers and the body, and hand status and parsed body to `request.operation.decode()`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from json import dumps
from typing import Any, Generic, Literal, Protocol, TypedDict, TypeVar, cast
from urllib.parse import quote

import attrs

from .model import Link, Model, to_json

__all__ = [
    "Body",
    "Cursor",
    "Operation",
    "Pagination",
    "Request",
    "RequestOptions",
    "Response",
    "TimeoutLike",
    "Unset",
    "unset",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

#: How the body of a response is read: `json` whole, `jsonl` line by line, `text`, `bytes`, or `none` at all.
ResponseKind = Literal["json", "jsonl", "text", "bytes", "none"]
#: How the body of a request is written.
BodyKind = Literal["json", "form", "multipart", "bytes", "text"]


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


class Unset:
    """The default of an argument that may also be `None`: `None` is sent as null, `unset` is not sent."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "unset"


unset = Unset()


@attrs.frozen
class Cursor:
    """One direction of paging: the parameter that asks for a page, and the field of a page that fills it."""

    parameter: str
    field: str


@attrs.frozen
class Pagination:
    """How an operation pages, as `x-pagination` of the spec says."""

    items: str
    """The field of a page that holds the list of items."""
    more: str | None
    """The field that says whether another page follows; `None` where only a missing cursor says so."""
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

    def matches(self, status: int) -> bool:
        """Whether a response with this status code is this one."""
        return self.status in ("default", str(status), f"{status // 100}XX")


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
    """The documented responses; a status code before a range, a range before `default`."""
    pagination: Pagination | None = None
    """How it pages, where it does."""
    secured: bool = True
    """Whether credentials are sent."""
    _decoders: dict[str, Callable[[Any], Any]] = attrs.field(
        factory=dict[str, Callable[[Any], Any]], init=False, repr=False, eq=False
    )

    @property
    def success(self) -> Response:
        """The response of a call that went well."""
        for response in self.responses:
            if response.status[0] == "2" or response.status == "default":
                return response
        return Response("2XX", "none")

    def response(self, status: int) -> Response | None:
        """The documented response with this status code."""
        return next((response for response in self.responses if response.matches(status)), None)

    def decode(self, status: int, wire: Any) -> Any:
        """Decode the parsed body, or one line of it, of a response with this status code.

        What the spec doesn't describe is handed back as it is.
        """
        response = self.response(status)
        return wire if response is None else self.decoder(response)(wire)

    def decoder(self, response: Response) -> Callable[[Any], Any]:
        """What decodes the bodies of one response; made, and its models imported, the first time."""
        decoder = self._decoders.get(response.status)
        if decoder is None:
            decoder = self._decoders[response.status] = (
                _as_is if response.link is None else response.link.resolve()
            )
        return decoder


@attrs.frozen
class Body:
    """The body of a request, not yet encoded."""

    kind: BodyKind
    content: Any
    """A JSON value with models, instants and iterables still in it; the fields of a form; or bytes."""
    media_type: str


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


# ------------------------------------------------------------------------------------------------------------
# Writing arguments into a request


_PARAMETER = re.compile(r"\{([^{}]+)\}")


def fill_path(template: str, parameters: Mapping[str, str]) -> str:
    """A path with its parameters in it, each already written by `path_segment`."""
    return _PARAMETER.sub(lambda match: parameters[match[1]], template)


def path_segment(name: str, value: object, *, style: str = "simple", explode: bool = False) -> str:
    """Percent-encode a path parameter.

    Raises:
        ValueError: It is `None`, empty, `.` or `..`, or a whole object in place of its id: the request would be for
            another resource than was meant.
    """
    if isinstance(value, Model):
        raise ValueError(f"{name} must name a resource; got a {type(value).__name__}, and not its id")  # noqa: TRY004
    texts = [] if value is None else _texts(value, explode=explode)
    if not any(texts) or texts in (["."], [".."]):
        raise ValueError(f"{name} must name a resource; got {value!r}")
    encoded = [quote(text, safe="=" if explode and isinstance(value, Mapping) else "") for text in texts]
    if style == "label":
        return "." + (".".join(encoded) if explode else ",".join(encoded))
    if style == "matrix":
        if explode and isinstance(value, Mapping):
            return "".join(f";{each}" for each in encoded)
        return "".join(f";{name}={each}" for each in (encoded if explode else [",".join(encoded)]))
    return ",".join(encoded)


#: What stands between the items of a list that is written as one value.
_SEPARATORS = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}


def query_pairs(
    name: str, value: object, *, style: str = "form", explode: bool = True, json: bool = False
) -> list[tuple[str, str]]:
    """A query parameter as the pairs that say it: none for `None`, one for each item of a list.

    Args:
        name: Its name.
        value: Its value.
        style: How lists and mappings are written, as OpenAPI calls it.
        explode: Whether each item is a pair of its own.
        json: Whether it is written as JSON.
    """
    if value is None or isinstance(value, Unset):
        return []
    if json:
        return [(name, dumps(to_json(value), ensure_ascii=False, separators=(",", ":")))]
    if isinstance(value, Mapping) and style == "deepObject":
        items = cast("Mapping[object, object]", value).items()
        return [
            pair for key, item in items for pair in query_pairs(f"{name}[{key}]", item, style="deepObject")
        ]
    if isinstance(value, Mapping) and explode:
        items = cast("Mapping[object, object]", value).items()
        return [pair for key, item in items for pair in query_pairs(str(key), item)]
    texts = _texts(value)
    if explode:
        return [(name, text) for text in texts]
    return [(name, _SEPARATORS.get(style, ",").join(texts))]


def header_pairs(
    name: str, value: object, *, explode: bool = False, json: bool = False
) -> list[tuple[str, str]]:
    """A header parameter as none or one pair."""
    if value is None or isinstance(value, Unset) or json:
        return query_pairs(name, value, json=json)
    return [(name, ",".join(_texts(value, explode=explode)))]


def given(properties: Mapping[str, object], others: Mapping[str, object] | None = None) -> dict[str, object]:
    """The properties of a body that were given.

    Args:
        properties: Those that must be there, or may be null: `unset` leaves one out.
        others: Those that may not be null: `None` leaves one out.
    """
    body = {name: value for name, value in properties.items() if not isinstance(value, Unset)}
    return body | {name: value for name, value in (others or {}).items() if value is not None}


def optional_body(kind: BodyKind, content: object, media_type: str) -> Body | None:
    """A body that need not be there: none for `None`."""
    return None if content is None else Body(kind, content, media_type)


def _texts(value: Any, *, explode: bool = False) -> list[str]:
    """A value as the texts it is written with: one for each item of a list, key and value of each of a mapping."""
    if isinstance(value, Mapping):
        pairs = [(str(key), _text(item)) for key, item in cast("Mapping[object, object]", value).items()]
        return (
            [f"{key}={item}" for key, item in pairs] if explode else [text for pair in pairs for text in pair]
        )
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_text(item) for item in cast("Iterable[object]", value)]
    return [_text(value)]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode()
    return str(to_json(value))
