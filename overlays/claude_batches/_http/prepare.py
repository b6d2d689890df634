"""Prepared requests: an operation's request with URL, headers, body, timeouts and retry policy, ready to be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus, urlsplit

import attrs
from claude_batches_api.parameters import query_pairs
from claude_batches_api.request import Operation, Request, RequestOptions

from .._errors import ConfigurationError, UnsafeURLError
from .._headers import HIDDEN, Headers, Secret, SentRequest, shown_headers, shown_url
from .._logging import logger
from .config import Config, HeaderChanges
from .encoding import encode_body, encode_query
from .options import given
from .origin import foreign_headers, origin_of, redirect_target, unsafe_step
from .retry import RetryLimits
from .session import Session
from .signed import Signed
from .timeouts import NO_DEADLINE, Deadline, Timeouts
from .upload import Payload

__all__ = ["PreparedRequest", "extra_query_pairs", "prepare", "prepare_url", "redirected"]


@attrs.frozen
class PreparedRequest:
    """A request with everything that its attempts need."""

    name: str
    """Name for the log: `messages.batches.create`."""
    method: str
    url: str
    headers: Headers
    body: bytes | Payload | None = attrs.field(repr=False)
    timeouts: Timeouts
    deadline: Deadline
    retry: RetryLimits
    trusted: bool = True
    """True if the URL belongs to the origin of `base_url`."""
    server_url: bool = False
    """True if the server gave the URL. Its query may be a signature and is never shown."""
    request_id_header: str = "request-id"
    """The header of the response with the id of the request."""
    hidden_headers: frozenset[str] = frozenset()
    """Names of headers that hold a credential."""
    hidden_query: frozenset[str] = frozenset()
    """Names of query parameters that hold a credential."""
    fresh: bool = False
    """True to send on a new connection, where no earlier response can be mistaken for that of this request."""

    @property
    def shown_url(self) -> str:
        """The URL, as an error or a log may show it."""
        if self.server_url or not self.trusted:
            return shown_url(self.url)
        return without_values(self.url, self.hidden_query) if self.hidden_query else self.url

    def shown(self) -> SentRequest:
        """Return the request without credentials."""
        return SentRequest(self.method, self.shown_url, self._shown_headers())

    def secrets(self) -> tuple[str, ...]:
        """Return the values to remove from texts of others about this request."""
        shown = self._shown_headers()
        secrets = [value for name, value in self.headers.items() if shown[name] != value]
        if self.hidden_query:
            query = parse_qsl(urlsplit(self.url).query)
            hidden = [value for name, value in query if name in self.hidden_query]
            # A server may repeat its URL.
            secrets += [*hidden, *map(quote, hidden), *map(quote_plus, hidden)]
        return (*secrets, *(value.removeprefix("Bearer ").removeprefix("Basic ") for value in secrets))

    def _shown_headers(self) -> Headers:
        shown = shown_headers(self.headers)
        if self.hidden_headers <= {name for name in shown if shown[name] == HIDDEN}:
            return shown
        return Headers(
            {name: HIDDEN if name in self.hidden_headers else value for name, value in shown.items()}
        )


def prepare(
    session: Session, request: Request[Any], options: RequestOptions, body: Payload | None = None
) -> PreparedRequest:
    """Prepare the request of an operation.

    Args:
        session: State of the client.
        request: Request of the operation.
        options: The caller's options.
        body: The body, if it is encoded already.

    Raises:
        ConfigurationError: An option is invalid.
        RequestEncodingError: The body can't be encoded.
    """
    config = session.config
    operation = request.operation
    content_type: str | None = None if request.body is None else request.body.media_type
    content: bytes | Payload | None = body
    if body is None and request.body is not None:
        content_type, content = encode_body(request.body, options.get("extra_body") or {})
    own = {"accept": request.accept or operation.success.media_type or "*/*"}
    if content_type is not None:
        own["content-type"] = content_type
    if isinstance(content, Payload):
        own["content-length"] = str(content.size)
    headers, signed = _headers(config, own, request.headers, options, operation, secured=operation.secured)
    cookies = [*request.cookies, *signed.cookies.items()]
    if cookies and "cookie" not in headers:
        headers = Headers({**headers, "cookie": "; ".join(f"{name}={value}" for name, value in cookies)})
    url = f"{config.base_url}{request.path}"
    query = [*_query(config, request, options), *signed.query.items()]
    if query:
        url = f"{url}{'&' if '?' in request.path else '?'}{encode_query(query)}"
    return PreparedRequest(
        name=operation.name,
        method=operation.method,
        url=url,
        headers=headers,
        body=content,
        hidden_headers=frozenset(signed.headers),
        hidden_query=frozenset(signed.query),
        **_limits(session, options),
    )


def prepare_url(
    session: Session,
    url: object,
    headers: Mapping[str, str],
    options: RequestOptions,
    *,
    name: str,
    query: Sequence[tuple[str, str]] = (),
) -> PreparedRequest:
    """Prepare a GET of a URL from the server. Credentials are sent only to the origin of `base_url`.

    Args:
        session: State of the client.
        url: The URL.
        headers: Headers of the request.
        options: The caller's options.
        name: Name for the log.
        query: Query parameters to add to the URL.

    Raises:
        UnsafeURLError: The URL must not be followed.
    """
    config = session.config
    headers, signed = _headers(config, headers, (), options, None, secured=True)
    base = PreparedRequest(
        name=name,
        method="GET",
        url=f"{config.base_url}/",
        headers=headers,
        body=None,
        hidden_headers=frozenset(signed.headers),
        server_url=True,
        **_limits(session, options),
    )
    if not isinstance(url, str):
        raise UnsafeURLError(
            f"the URL from the server is not a string but {type(url).__name__}.", request=base.shown()
        )
    if query:
        url = f"{url}{'&' if '?' in url else '?'}{encode_query(query)}"
    return redirected(base, url, config, what="this URL")


def redirected(prepared: PreparedRequest, location: str, config: Config, *, what: str) -> PreparedRequest:
    """Return the same request to the URL that the server names.

    Args:
        prepared: The request.
        location: Absolute or relative URL.
        config: Settings with the origin that credentials belong to.
        what: Subject of an error message.

    Raises:
        UnsafeURLError: The URL must not be followed.
    """
    url = ""
    try:
        url = redirect_target(prepared.url, location)
        target = origin_of(url)
        reason = unsafe_step(origin_of(prepared.url), target, prepared.method)
    except ValueError as error:
        target, reason = None, str(error)
    if target is None or reason is not None:
        request = prepared.shown()
        raise UnsafeURLError(
            f"{what} is not followed: {reason} ({prepared.method} {request.url}).", request=request
        )
    if target == config.origin and prepared.trusted:
        return attrs.evolve(prepared, url=url, server_url=True)
    logger.debug("%s: continuing at %s without credentials", prepared.name, target)
    headers = foreign_headers(prepared.headers)
    return attrs.evolve(prepared, url=url, headers=headers, trusted=False, server_url=True)


def without_values(url: str, names: frozenset[str]) -> str:
    """Return a URL without the values of some query parameters."""
    path, mark, query = url.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")]
    hidden = (
        f"{name}={HIDDEN}" if unquote_plus(name) in names else f"{name}{equal}{value}"
        for name, equal, value in pairs
    )
    return f"{path}{mark}{'&'.join(hidden)}"


def extra_query_pairs(extra: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the query parameters of `extra_query`.

    A mapping becomes `filter[key]=value`, and a list one parameter for each item.
    """
    return [
        pair
        for name, value in extra.items()
        for pair in query_pairs(name, value, style="deepObject" if isinstance(value, Mapping) else "form")
    ]


class _Limits(TypedDict):
    timeouts: Timeouts
    deadline: Deadline
    retry: RetryLimits
    request_id_header: str


def _limits(session: Session, options: RequestOptions) -> _Limits:
    config = session.config
    if not options and config.deadline is None:
        return {
            "timeouts": config.timeouts,
            "deadline": NO_DEADLINE,
            "retry": config.retry,
            "request_id_header": config.request_id_header,
        }
    retries = given(options, "max_retries", config.retry.max_retries)
    timeout = given(options, "timeout", config.timeouts)
    return {
        "timeouts": timeout if timeout is config.timeouts else Timeouts.of(timeout),
        "deadline": Deadline.after(given(options, "deadline", config.deadline), session.now()),
        "retry": RetryLimits(retries, config.retry.max_delay),
        "request_id_header": config.request_id_header,
    }


def _headers(
    config: Config,
    own: Mapping[str, str],
    arguments: Sequence[tuple[str, str]],
    options: RequestOptions,
    operation: Operation | None,
    *,
    secured: bool,
) -> tuple[Headers, Signed]:
    """Merge headers: those of the package, the client, the arguments and the options, each overriding the last.

    Returns:
        The headers, credentials included, and all credentials.
    """
    changes = config.headers
    for later in (arguments and dict(arguments), options.get("extra_headers")):
        if later:
            changes = changes.then(HeaderChanges.of(Secret(later)))
    # `Headers`, so that no traceback shows their values as locals.
    headers = config.own_headers.merged(own, changes.sent, omitted=changes.omitted)
    if not secured:
        return headers, Signed()
    present = Headers(dict.fromkeys(changes.omitted, "")).merged(headers) if changes.omitted else headers
    signed = config.signed(operation, present)
    return headers.merged(signed.headers), signed


def _query(config: Config, request: Request[Any], options: RequestOptions) -> list[tuple[str, str]]:
    """Merge query parameters: those of the client, the operation and the call, each replacing the last by name."""
    extra: Any = options.get("extra_query") or {}
    if not isinstance(extra, Mapping):
        raise ConfigurationError(
            f"extra_query must be a mapping of names to values; got {type(extra).__name__}"
        )
    extra = cast("Mapping[str, object]", extra)
    if not config.query and not extra:
        return list(request.query)
    pairs = extra_query_pairs(dict(config.query))
    for names, layer in (
        (set(dict(request.query)), request.query),
        (set(extra), extra_query_pairs(extra)),
    ):
        pairs = [pair for pair in pairs if pair[0].partition("[")[0] not in names] + list(layer)
    return pairs
