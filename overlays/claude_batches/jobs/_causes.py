"""Causes: how a request ended, and the action that follows.

| cause | recognised by | action |
|---|---|---|
| `succeeded` | a message with any other `stop_reason` than those below | keep |
| `expired` | result type `expired` | retry |
| `missing` | no result line in an ended batch | retry |
| `overloaded` | `overloaded_error` | retry |
| `api_error` | `api_error` | retry |
| `rate_limit` | `rate_limit_error` | retry |
| `timeout` | `timeout_error` | retry |
| `billing` | `billing_error`; `invalid_request_error` about credit or limits, or as a `Flood` | pause the job |
| `invalid` | any other `invalid_request_error`, `request_too_large` | keep |
| `not_found` | `not_found_error` | keep |
| `denied` | `authentication_error`, `permission_error` | keep |
| `canceled` | result type `canceled` | keep; retry with `retry_canceled` |
| `max_tokens` | `stop_reason` `max_tokens` | keep; retry with more by `on_max_tokens` |
| `pause_turn` | `stop_reason` `pause_turn` | continue, up to `max_turns` |
| `refusal` | `stop_reason` `refusal` | keep |
| `unparsable` | the answer is not of the output type (set by the caller) | keep; retry with `retry_unparsable` |
| `unknown` | anything else: a kind newer than this release, or a broken result | keep |

A retry happens while `attempt < max_attempts`. Errored, canceled and expired requests are not billed; the
causes that come with a message are.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal, cast

__all__ = [
    "Action",
    "Cause",
    "Flood",
    "OnMaxTokens",
    "classify",
    "error_of",
    "follow_up",
    "policy",
    "sent_again",
]

Action = Literal["keep", "retry", "retry_more", "continue", "pause_job"]
OnMaxTokens = Literal["keep", "more"] | int


class Cause(StrEnum):
    """The way that a request ended; the value is stored in ledgers."""

    SUCCEEDED = "succeeded"
    EXPIRED = "expired"
    MISSING = "missing"
    OVERLOADED = "overloaded"
    API_ERROR = "api_error"
    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    BILLING = "billing"
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    DENIED = "denied"
    CANCELED = "canceled"
    MAX_TOKENS = "max_tokens"
    PAUSE_TURN = "pause_turn"
    REFUSAL = "refusal"
    UNPARSABLE = "unparsable"
    UNKNOWN = "unknown"

    @property
    def succeeded(self) -> bool:
        """True for a row that counts as succeeded in reports and in the exit status."""
        return self is Cause.SUCCEEDED


_BY_ERROR = {
    "overloaded_error": Cause.OVERLOADED,
    "api_error": Cause.API_ERROR,
    "rate_limit_error": Cause.RATE_LIMIT,
    "timeout_error": Cause.TIMEOUT,
    "billing_error": Cause.BILLING,
    "invalid_request_error": Cause.INVALID,
    "request_too_large": Cause.INVALID,
    "not_found_error": Cause.NOT_FOUND,
    "authentication_error": Cause.DENIED,
    "permission_error": Cause.DENIED,
}
_BY_STOP = {
    "max_tokens": Cause.MAX_TOKENS,
    "pause_turn": Cause.PAUSE_TURN,
    "refusal": Cause.REFUSAL,
}
_RETRIED = frozenset(
    {Cause.EXPIRED, Cause.MISSING, Cause.OVERLOADED, Cause.API_ERROR, Cause.RATE_LIMIT, Cause.TIMEOUT}
)

#: Low credit and reached spend limits arrive as `invalid_request_error`; only their message distinguishes them.
_LOW_CREDIT = re.compile(
    r"credit balance|purchase credits|plans (?:&|and) billing|insufficient (?:credit|fund|balance)"
    r"|(?:usage|spend(?:ing)?|billing) limits?\b|payment (?:is )?required|out of credits?",
    re.IGNORECASE,
)


def error_of(result: Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """Return the type and message of an errored result's error, `None` where there is none.

    Args:
        result: The parsed `result` of a line.
    """
    error = _mapping((result or {}).get("error"))
    inner = error.get("error")
    if isinstance(inner, Mapping):
        error = cast("Mapping[str, Any]", inner)
    kind, message = error.get("type"), error.get("message")
    return (
        kind if isinstance(kind, str) else None,
        message if isinstance(message, str) else None,
    )


def classify(result: Mapping[str, Any] | None) -> Cause:
    """Return the cause of a result.

    Args:
        result: The parsed `result` of a line, `None` for a request that has no line in an ended batch.
    """
    if result is None:
        return Cause.MISSING
    match result.get("type"):
        case "succeeded":
            message = result.get("message")
            # The test for an abstract class costs more than all the rest, and lines of results have dicts.
            if message.__class__ is not dict and not isinstance(message, Mapping):
                return Cause.UNKNOWN
            stop = cast("Mapping[str, Any]", message).get("stop_reason")
            return _BY_STOP.get(stop, Cause.SUCCEEDED) if isinstance(stop, str) else Cause.SUCCEEDED
        case "errored":
            kind, message = error_of(result)
            cause = _BY_ERROR.get(kind or "", Cause.UNKNOWN)
            if cause is Cause.INVALID and message is not None and _LOW_CREDIT.search(message):
                return Cause.BILLING
            return cause
        case "expired":
            return Cause.EXPIRED
        case "canceled":
            return Cause.CANCELED
        case _:
            return Cause.UNKNOWN


def policy(
    cause: Cause,
    *,
    attempt: int,
    max_attempts: int = 3,
    on_max_tokens: OnMaxTokens = "keep",
    retry_canceled: bool = False,
    retry_unparsable: bool = False,
    max_turns: int = 10,
) -> Action:
    """Return the action that follows a cause.

    Args:
        cause: The cause.
        attempt: The number of the attempt that ended so, the first is 1. Continued turns are not failures, so the
            caller leaves them out where it is compared with `max_attempts`.
        max_attempts: The largest number of attempts for a request.
        on_max_tokens: The treatment of an answer that was cut at `max_tokens`; a number is the most to ask for.
        retry_canceled: Sends canceled requests again.
        retry_unparsable: Sends requests with an unparsable answer again.
        max_turns: The largest number of attempts for a request whose turn was paused.

    Returns:
        `"keep"`, `"retry"`, `"retry_more"` (with more tokens), `"continue"` (the paused turn), or `"pause_job"`
        (the cause holds for all requests; no attempt is counted). See `follow_up` for the params that go with
        an action.
    """
    if cause is Cause.BILLING:
        return "pause_job"
    if cause is Cause.PAUSE_TURN:
        return "continue" if attempt < max_turns else "keep"
    if attempt >= max_attempts:
        return "keep"
    if (
        cause in _RETRIED
        or (cause is Cause.CANCELED and retry_canceled)
        or (cause is Cause.UNPARSABLE and retry_unparsable)
    ):
        return "retry"
    if cause is Cause.MAX_TOKENS and on_max_tokens != "keep":
        return "retry_more"
    return "keep"


def sent_again(*, retry_canceled: bool = False) -> frozenset[Cause]:
    """Return the causes of requests that cost nothing and are sent again as they are.

    Args:
        retry_canceled: Counts canceled requests among them.
    """
    return _RETRIED | {Cause.CANCELED} if retry_canceled else _RETRIED


def follow_up(
    action: Action,
    params: Mapping[str, Any],
    result: Mapping[str, Any] | None,
    *,
    error: str | None = None,
    factor: float = 2,
    most_tokens: int | None = None,
) -> dict[str, Any]:
    """Return the params of the next attempt; the given ones are not changed.

    Args:
        action: The action by `policy`: `"retry"`, `"retry_more"` or `"continue"`.
        params: The params of the attempt that ended.
        result: Its parsed result.
        error: The error of an unparsable answer. With `"retry"`, the answer and this error are added to the
            conversation, so that the model can correct itself.
        factor: The growth of `max_tokens` for `"retry_more"`.
        most_tokens: The largest `max_tokens` that the model takes, where it is known.
    """
    following = dict(params)
    content = _mapping((result or {}).get("message")).get("content")
    if action == "retry_more":
        given = following.get("max_tokens")
        # A server may have taken something else than a number; then nothing says how many more are needed.
        if isinstance(given, int | float):
            more = math.ceil(given * factor)
            following["max_tokens"] = more if most_tokens is None else max(given, min(more, most_tokens))
    elif action == "continue" and content:
        following["messages"] = [*_messages(params), {"role": "assistant", "content": content}]
        container = _mapping(_mapping((result or {}).get("message")).get("container")).get("id")
        if isinstance(container, str):
            given = following.get("container")
            following["container"] = (
                {**cast("dict[str, Any]", given), "id": container} if isinstance(given, dict) else container
            )
    elif action == "retry" and error is not None and content:
        following["messages"] = [
            *_messages(params),
            {"role": "assistant", "content": content},
            {
                "role": "user",
                "content": f"That answer is not valid: {error}\nAnswer again, with valid JSON of the schema alone.",
            },
        ]
    return following


class Flood:
    """A gauge for one error that ends most of a batch.

    Low credit is recognized by a message whose wording is not stable. So one message that ends most requests of a
    batch with `invalid_request_error` is taken for a condition of the account, or a mistake that all requests
    share; sending more of them helps in neither case. The job pauses instead. A few equal errors are no flood: a small
    batch may well be of requests with a mistake of their own, which are to fail without a pause.

    Args:
        least: The smallest number of equal errors that make a flood.
        share: The smallest share of all results that they make.
    """

    __slots__ = ("_least", "_messages", "_share", "_total")

    #: The maximum number of distinct messages: bounds the memory.
    DISTINCT = 512

    def __init__(self, *, least: int = 100, share: float = 0.9) -> None:
        self._least = least
        self._share = share
        self._total = 0
        self._messages: Counter[str] = Counter()

    def passed(self) -> None:
        """Count a result without an error."""
        self._total += 1

    def add(self, cause: Cause, message: str | None) -> None:
        """Count a result.

        Args:
            cause: Its cause.
            message: The message of its error.
        """
        self._total += 1
        if cause in (Cause.INVALID, Cause.BILLING) and message is not None:
            # Messages name positions and sizes.
            key = _NUMBER.sub("#", message)
            if key in self._messages or len(self._messages) < self.DISTINCT:
                self._messages[key] += 1

    @property
    def message(self) -> str | None:
        """The message of the flood, its numbers replaced by `#`; `None` while there is not one."""
        if not self._messages:
            return None
        message, count = self._messages.most_common(1)[0]
        return message if count >= max(self._least, self._share * self._total) else None


_NUMBER = re.compile(r"\d+")


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _messages(params: Mapping[str, Any]) -> list[Any]:
    messages = params.get("messages")
    return [*cast("Sequence[Any]", messages)] if isinstance(messages, list) else []
