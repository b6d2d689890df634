"""One call: its attempts, redirects and retries until it succeeds."""

from __future__ import annotations

import logging
from typing import NamedTuple, Protocol

import attrs

from .._errors import APIError, ErrorResponse
from .._headers import SentRequest, redacted
from .._logging import logger
from .effects import Close, Flow, Read, Send, Sleep
from .failure import Failure, connection_error
from .origin import MAX_REDIRECTS, is_redirect
from .prepare import PreparedRequest, redirected
from .response import OpenedResponse
from .retry import backoff, requested_delay, worth_retrying_failure, worth_retrying_status
from .session import Session
from .status import status_error

__all__ = [
    "DEFAULT_POLICY",
    "SAFE_POLICY",
    "FailedAttempt",
    "Fetched",
    "RetryPolicy",
    "fetch",
    "open_response",
]

#: Number of bytes read from the body of an error.
ERROR_BODY_LIMIT = 1024 * 1024


class Fetched(NamedTuple):
    """A response and its body."""

    response: OpenedResponse
    content: bytes


@attrs.frozen
class FailedAttempt:
    """A failed attempt: no response, an error status or a truncated body."""

    request: SentRequest
    failure: Failure | None
    response: ErrorResponse | None
    success: bool = False
    """True if the status was a success and the body was truncated."""

    def error(self, retries_taken: int, note: str = "") -> APIError:
        """Return the exception for the attempt."""
        if self.failure is not None:
            return connection_error(self.failure, self.request, retries_taken=retries_taken, note=note)
        assert self.response is not None
        return status_error(self.response, retries_taken=retries_taken, note=note)

    def worth_retrying(self) -> bool:
        """Return true if the call is repeated by the rules of the official SDKs."""
        if self.failure is not None:
            return worth_retrying_failure(self.failure, self.request.method)
        assert self.response is not None
        return worth_retrying_status(self.response.status_code, self.response.headers)

    @property
    def status(self) -> int | None:
        """Status code; `None` without a complete response."""
        return None if self.response is None else self.response.status_code

    @property
    def summary(self) -> str:
        """A few words for the log."""
        return (
            self.failure.kind
            if self.failure is not None
            else str(self.response and self.response.status_code)
        )


class RetryPolicy(Protocol):
    """Decides which failed attempts are repeated."""

    def begin(self) -> None:
        """Note the start of an attempt."""
        ...

    def worth_retrying(self, failed: FailedAttempt) -> bool:
        """Return true to repeat the call."""
        ...

    def final(self, error: APIError, retries_taken: int) -> Exception:
        """Return the exception to raise after the last attempt."""
        ...


class _DefaultPolicy:
    """Rules for calls that are harmless to repeat."""

    def begin(self) -> None:
        """Do nothing."""

    def worth_retrying(self, failed: FailedAttempt) -> bool:
        """Return the rule of the attempt itself."""
        return failed.worth_retrying()

    def final(self, error: APIError, retries_taken: int) -> Exception:  # noqa: ARG002
        """Return the error."""
        return error


DEFAULT_POLICY = _DefaultPolicy()


class _SafePolicy(_DefaultPolicy):
    """Rules for calls of any API: a request with effects is not repeated where it may have had them."""

    def worth_retrying(self, failed: FailedAttempt) -> bool:
        """Return the rule of the attempt itself, if the request can be repeated or had certainly no effect."""
        request = failed.request
        repeatable = request.method not in ("POST", "PATCH") or "idempotency-key" in request.headers
        if not repeatable and failed.failure is not None and not failed.failure.before_sending:
            return False
        if not repeatable and failed.response is not None:
            # A limit of the rate refuses a request before it is processed.
            return failed.response.status_code == 429 and failed.worth_retrying()
        return failed.worth_retrying()


SAFE_POLICY = _SafePolicy()


def open_response(
    session: Session, prepared: PreparedRequest, policy: RetryPolicy = DEFAULT_POLICY
) -> Flow[OpenedResponse]:
    """Send a request until it succeeds, and leave the body unread.

    Raises:
        APIError: The last attempt failed.
    """
    fetched = yield from _attempts(session, prepared, policy, read=False)
    return fetched.response


def fetch(session: Session, prepared: PreparedRequest, policy: RetryPolicy = DEFAULT_POLICY) -> Flow[Fetched]:
    """Send a request until it succeeds, and read the body.

    Raises:
        APIError: The last attempt failed.
    """
    return (yield from _attempts(session, prepared, policy, read=True))


def _attempts(
    session: Session, prepared: PreparedRequest, policy: RetryPolicy, *, read: bool
) -> Flow[Fetched]:
    retries_taken = 0
    lost = False
    while True:
        policy.begin()
        outcome = yield from _attempt(session, prepared, retries_taken, read=read)
        if isinstance(outcome, Fetched):
            return outcome
        delay, note = _next_delay(session, prepared, policy, outcome, retries_taken)
        if delay is None:
            if lost and prepared.method == "DELETE" and outcome.status == 404:
                note = "An earlier attempt, whose response was lost, may have deleted it."
            raise policy.final(outcome.error(retries_taken, note), retries_taken)
        logger.info(
            "%s: %s; retrying in %.2f s (retry %d of %d)",
            prepared.name,
            outcome.summary,
            delay,
            retries_taken + 1,
            prepared.retry.max_retries,
        )
        yield Sleep(delay)
        retries_taken += 1
        lost = lost or outcome.status is None or outcome.status >= 500


def _next_delay(
    session: Session,
    prepared: PreparedRequest,
    policy: RetryPolicy,
    failed: FailedAttempt,
    retries_taken: int,
) -> tuple[float | None, str]:
    """Return the seconds to wait before the next attempt, or `None` and a sentence about the reason."""
    clock = session.clock
    # The policy comes first: that of a create notes if the attempt may have created something.
    if not policy.worth_retrying(failed) or retries_taken >= prepared.retry.max_retries:
        return None, ""
    asked = requested_delay(failed.response.headers, clock.now()) if failed.response is not None else None
    if asked is not None and asked > prepared.retry.max_delay:
        limit = f"{prepared.retry.max_delay:g}"
        return None, f"The server asks to wait {asked:.0f} s, longer than max_retry_delay allows ({limit} s)."
    delay = backoff(retries_taken, clock.random) if asked is None else asked
    left = prepared.deadline.left(clock.monotonic())
    if left is not None and delay >= left:
        return None, f"The deadline of {prepared.deadline.shown()} leaves no time to try again."
    return delay, ""


def _attempt(
    session: Session, prepared: PreparedRequest, retries_taken: int, *, read: bool
) -> Flow[Fetched | FailedAttempt]:
    """Send once, following redirects."""
    redirects = 0
    while True:
        logger.debug("%s: %s %s", prepared.name, prepared.method, prepared.shown_url)
        response: OpenedResponse | Failure = yield Send(prepared)
        if isinstance(response, Failure):
            return FailedAttempt(prepared.shown(), _blame_deadline(response, prepared, session), None)
        response.retries_taken = retries_taken
        status = response.status_code
        if logger.isEnabledFor(logging.INFO):
            logger.info(
                "%s: %d in %.0f ms (request id %s)",
                prepared.name,
                status,
                response.elapsed.total_seconds() * 1000,
                redacted(str(response.request_id), prepared.secrets()),
            )
        if is_redirect(status, response.headers, prepared.method) and redirects < MAX_REDIRECTS:
            yield Close(response)
            location = response.headers["location"]
            prepared = redirected(prepared, location, session.config, what=f"a redirect ({status})")
            redirects += 1
            continue
        if 200 <= status < 300:
            if not read:
                return Fetched(response, b"")
            content: bytes | Failure = yield Read(response)
            if isinstance(content, Failure):
                failure = _blame_deadline(content, prepared, session)
                return FailedAttempt(response.http_request, failure, None, success=True)
            return Fetched(response, content)
        said: bytes | Failure = yield Read(response, ERROR_BODY_LIMIT)
        # An error with a truncated body is still that error.
        body = b"" if isinstance(said, Failure) else said
        return FailedAttempt(response.http_request, None, response.with_body(body))


def _blame_deadline(failure: Failure, prepared: PreparedRequest, session: Session) -> Failure:
    """Attribute a timeout to the deadline if the deadline shortened it."""
    left = prepared.deadline.left(session.now())
    if failure.timed_out and left is not None and left <= 0.01:
        return attrs.evolve(
            failure, deadline=True, lasting=True, text=f"the deadline of {prepared.deadline.shown()} passed"
        )
    return failure
