"""One call: a request with its redirects and retries, up to a response that says yes.

Only decisions are here; `_sender` does what they ask for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypedDict

import attrs
from claude_batches_api.parameters import query_pairs
from claude_batches_api.request import Request, RequestOptions

from ._config import Config, HeaderChanges
from ._encoding import encode_body, encode_query
from ._errors import APIError, ErrorResponse, UnsafeURLError, status_error
from ._failure import Failure
from ._headers import Headers, Secret, SentRequest, shown_headers, shown_url
from ._logging import logger
from ._origin import MAX_REDIRECTS, foreign_headers, is_redirect, origin_of, redirect_target, unsafe_step
from ._response import connection_error
from ._retry import (
    RetryPolicy,
    backoff,
    requested_delay,
    worth_retrying_failure,
    worth_retrying_status,
)
from ._sender import Clock
from ._steps import AnyResponse, Close, Read, Send, Sleep, Steps
from ._timeouts import Deadline, Timeouts
from ._upload import Payload

__all__ = ["Call", "Fetched", "Guard", "Problem", "call_of", "call_to", "fetch", "open_response"]

#: How much of the body of an error is read.
ERROR_BODY_LIMIT = 1024 * 1024

#: A user who sets or leaves out one of these has taken authentication into their own hands.
_CREDENTIALS = frozenset({"authorization", "x-api-key"})


@attrs.frozen
class Call:
    """A request with all that its attempts need, ready to be sent."""

    name: str
    """For the log: `messages.batches.create`."""
    method: str
    url: str
    headers: Headers
    body: bytes | Payload | None = attrs.field(repr=False)
    timeouts: Timeouts
    deadline: Deadline
    retry: RetryPolicy
    trusted: bool = True
    """Whether the URL is of the origin that credentials belong to."""


class Fetched(NamedTuple):
    """A response whose body was read."""

    response: AnyResponse
    content: bytes


# ------------------------------------------------------------------------------------------------------------
# Making a call


def call_of(
    config: Config, clock: Clock, request: Request[Any], options: RequestOptions, body: Payload | None = None
) -> Call:
    """The call of an operation.

    Arguments:
        config: The client's settings.
        clock: The time, for the deadline.
        request: What is asked.
        options: What the user said about this call.
        body: The body, where it is written already.

    Raises:
        ConfigurationError: An option can't work.
        RequestEncodingError: The body can't be written.
    """
    operation = request.operation
    content_type: str | None = None if request.body is None else request.body.media_type
    content: bytes | Payload | None = body
    if body is None and request.body is not None:
        content_type, content = encode_body(request.body, options.get("extra_body") or {})
    headers = {"accept": operation.success.media_type or "*/*"}
    if content_type is not None:
        headers["content-type"] = content_type
    if isinstance(content, Payload):
        headers["content-length"] = str(content.size)
    if request.cookies:
        headers["cookie"] = "; ".join(f"{name}={value}" for name, value in request.cookies)
    url = f"{config.base_url}{request.path}"
    query = _query(config, request, options)
    if query:
        url = f"{url}{'&' if '?' in request.path else '?'}{encode_query(query)}"
    return Call(
        name=operation.name,
        method=operation.method,
        url=url,
        headers=_headers(config, headers, request.headers, options, secured=operation.secured),
        body=content,
        **_limits(config, clock, options),
    )


def call_to(
    config: Config, clock: Clock, url: str, headers: Mapping[str, str], options: RequestOptions, *, name: str
) -> Call:
    """The call of a GET to a URL that the server gave: with credentials if it's of the server's own origin.

    Raises:
        UnsafeURLError: The URL is not one to follow.
    """
    call = Call(
        name=name,
        method="GET",
        url=f"{config.base_url}/",
        headers=_headers(config, headers, (), options, secured=True),
        body=None,
        **_limits(config, clock, options),
    )
    return _elsewhere(call, url, config, what="this URL")


class _Limits(TypedDict):
    timeouts: Timeouts
    deadline: Deadline
    retry: RetryPolicy


def _limits(config: Config, clock: Clock, options: RequestOptions) -> _Limits:
    return {
        "timeouts": Timeouts.of(options["timeout"]) if "timeout" in options else config.timeouts,
        "deadline": Deadline.after(options.get("deadline", config.deadline), clock.monotonic()),
        "retry": RetryPolicy(options.get("max_retries", config.retry.max_retries), config.retry.max_delay),
    }


def _headers(
    config: Config,
    own: Mapping[str, str],
    arguments: Iterable[tuple[str, str]],
    options: RequestOptions,
    *,
    secured: bool,
) -> Headers:
    """The headers of a call: the package's; then, each stronger, the client's, the arguments', the options'."""
    changes = config.headers
    for later in (dict(arguments), options.get("extra_headers")):
        if later:
            changes = changes.then(HeaderChanges.of(Secret(later)))
    headers = {**config.own_headers(), **own, **changes.sent}
    for name in changes.omitted:
        headers.pop(name, None)
    if secured and _CREDENTIALS.isdisjoint(headers) and _CREDENTIALS.isdisjoint(changes.omitted):
        headers.update(config.credentials())
    return Headers(headers)


def _query(config: Config, request: Request[Any], options: RequestOptions) -> list[tuple[str, str]]:
    """The query of a call: the client's, the operation's, the call's own; a later one replaces an earlier."""
    layers = [
        [pair for name, value in config.query for pair in query_pairs(name, value)],
        list(request.query),
        [
            pair
            for name, value in (options.get("extra_query") or {}).items()
            for pair in query_pairs(name, value)
        ],
    ]
    names = [
        {name for name, _ in config.query},
        set(dict(request.query)),
        set(options.get("extra_query") or {}),
    ]
    pairs: list[tuple[str, str]] = []
    for layer, replaced in zip(layers, names, strict=True):
        pairs = [pair for pair in pairs if pair[0] not in replaced] + layer
    return pairs


# ------------------------------------------------------------------------------------------------------------
# Problems: what became of an attempt that didn't go well


@attrs.frozen
class Problem:
    """An attempt that didn't go well: no response, one that says no, or one that broke off."""

    request: SentRequest
    failure: Failure | None
    response: ErrorResponse | None
    success: bool = False
    """Whether the server said yes, before what it said got lost."""

    def error(self, retries_taken: int, note: str = "") -> APIError:
        """The exception for it."""
        if self.failure is not None:
            return connection_error(self.failure, self.request, retries_taken=retries_taken, note=note)
        assert self.response is not None
        return status_error(self.response, retries_taken=retries_taken, note=note)

    def worth_retrying(self) -> bool:
        """Whether to try again, going by what users of the official SDKs know."""
        if self.failure is not None:
            return worth_retrying_failure(self.failure, self.request.method)
        assert self.response is not None
        return worth_retrying_status(self.response.status_code, self.response.headers)

    @property
    def summary(self) -> str:
        """A few words for the log."""
        return (
            self.failure.kind
            if self.failure is not None
            else str(self.response and self.response.status_code)
        )


class Guard(Protocol):
    """Decides about problems in the place of the usual rules."""

    def attempt(self) -> None:
        """An attempt begins."""
        ...

    def worth_retrying(self, problem: Problem) -> bool:
        """Whether to try again."""
        ...

    def final(self, error: APIError, retries_taken: int) -> Exception:
        """The exception to raise in the end."""
        ...


class Usual:
    """The rules for everything that does no harm when it's done twice."""

    def attempt(self) -> None:
        """Nothing is to be done."""

    def worth_retrying(self, problem: Problem) -> bool:
        """As the problem itself says."""
        return problem.worth_retrying()

    def final(self, error: APIError, retries_taken: int) -> Exception:  # noqa: ARG002
        """The error as it is."""
        return error


USUAL = Usual()


# ------------------------------------------------------------------------------------------------------------
# Going through with it


def open_response(config: Config, clock: Clock, call: Call, guard: Guard = USUAL) -> Steps[AnyResponse]:
    """Send a call until a response says yes; its body is still to be read.

    Raises:
        APIError: It didn't work out.
    """
    fetched = yield from _attempts(config, clock, call, guard, read=False)
    return fetched.response


def fetch(config: Config, clock: Clock, call: Call, guard: Guard = USUAL) -> Steps[Fetched]:
    """Send a call until a response says yes and was read to its end.

    Raises:
        APIError: It didn't work out.
    """
    return (yield from _attempts(config, clock, call, guard, read=True))


def _attempts(config: Config, clock: Clock, call: Call, guard: Guard, *, read: bool) -> Steps[Fetched]:
    retries_taken = 0
    while True:
        guard.attempt()
        outcome = yield from _attempt(config, clock, call, retries_taken, read=read)
        if isinstance(outcome, Fetched):
            return outcome
        delay, note = _next_delay(clock, call, guard, outcome, retries_taken)
        if delay is None:
            raise guard.final(outcome.error(retries_taken, note), retries_taken)
        logger.info(
            "%s: %s; trying again in %.2f s (retry %d of %d)",
            call.name,
            outcome.summary,
            delay,
            retries_taken + 1,
            call.retry.max_retries,
        )
        yield Sleep(delay)
        retries_taken += 1


def _next_delay(
    clock: Clock, call: Call, guard: Guard, problem: Problem, retries_taken: int
) -> tuple[float | None, str]:
    """How long to wait before the next attempt, or `None` and what to say about there being none."""
    if not guard.worth_retrying(problem) or retries_taken >= call.retry.max_retries:
        gone = problem.response is not None and problem.response.status_code == 404
        if gone and call.method == "DELETE" and retries_taken:
            return None, "An earlier attempt, whose answer got lost, may have deleted it."
        return None, ""
    asked = requested_delay(problem.response.headers, clock.now()) if problem.response is not None else None
    if asked is not None and asked > call.retry.max_delay:
        limit = f"{call.retry.max_delay:g}"
        return None, f"The server asks to wait {asked:.0f} s, longer than max_retry_delay allows ({limit} s)."
    delay = backoff(retries_taken, clock.random) if asked is None else asked
    left = call.deadline.left(clock.monotonic())
    if left is not None and delay >= left:
        return None, f"The deadline of {call.deadline.seconds:g} s leaves no time to try again."
    return delay, ""


def _attempt(
    config: Config, clock: Clock, call: Call, retries_taken: int, *, read: bool
) -> Steps[Fetched | Problem]:
    """Send once, following redirects."""
    redirects = 0
    while True:
        logger.debug("%s: %s %s", call.name, call.method, _shown(call))
        send = Send(
            call.method, call.url, call.headers, call.body, call.timeouts, call.deadline, call.trusted
        )
        response: AnyResponse | Failure = yield send
        if isinstance(response, Failure):
            request = SentRequest(call.method, _shown(call), shown_headers(call.headers))
            return Problem(request, _blame_deadline(response, call, clock), None)
        response.retries_taken = retries_taken
        status = response.status_code
        logger.info(
            "%s: %d in %.0f ms (request id %s)",
            call.name,
            status,
            response.elapsed.total_seconds() * 1000,
            response.request_id,
        )
        if is_redirect(status, response.headers, call.method) and redirects < MAX_REDIRECTS:
            yield Close(response)
            call = _elsewhere(call, response.headers["location"], config, what=f"a redirect ({status})")
            redirects += 1
            continue
        if 200 <= status < 300:
            if not read:
                return Fetched(response, b"")
            content: bytes | Failure = yield Read(response)
            if isinstance(content, Failure):
                failure = _blame_deadline(content, call, clock)
                return Problem(response.http_request, failure, None, success=True)
            return Fetched(response, content)
        said: bytes | Failure = yield Read(response, ERROR_BODY_LIMIT)
        # An error whose body broke off is still that error.
        body = b"" if isinstance(said, Failure) else said
        error = ErrorResponse(status, response.headers, body, response.http_request)
        return Problem(response.http_request, None, error)


def _elsewhere(call: Call, location: str, config: Config, *, what: str) -> Call:
    """The same call to the place that the server names."""
    request = SentRequest(call.method, _shown(call), shown_headers(call.headers))
    url = ""
    try:
        url = redirect_target(call.url, location)
        target = origin_of(url)
        reason = unsafe_step(origin_of(call.url), target, call.method)
    except ValueError as error:
        target, reason = None, str(error)
    if target is None or reason is not None:
        raise UnsafeURLError(
            f"{what} is not followed: {reason} ({call.method} {request.url}).", request=request
        )
    if target == config.origin and call.trusted:
        return attrs.evolve(call, url=url)
    logger.debug("%s: goes on at %s, without credentials", call.name, target)
    return attrs.evolve(call, url=url, headers=foreign_headers(call.headers), trusted=False)


def _shown(call: Call) -> str:
    return call.url if call.trusted else shown_url(call.url)


def _blame_deadline(failure: Failure, call: Call, clock: Clock) -> Failure:
    """The failure of an attempt whose timeouts were cut to what was left of the deadline."""
    left = call.deadline.left(clock.monotonic())
    if failure.timed_out and left is not None and left <= 0.01:
        return attrs.evolve(
            failure, deadline=True, lasting=True, text=f"the deadline of {call.deadline.seconds:g} s passed"
        )
    return failure
