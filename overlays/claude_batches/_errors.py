"""What can go wrong, as exceptions.

    ClaudeBatchesError
     ├─ ConfigurationError              a client was set up in a way that can't work
     │   └─ CredentialsError            there is no API key and no token to send
     ├─ RequestEncodingError            what was to be sent can't be written as JSON
     │   └─ InvalidBatchError           requests that can't be a batch; nothing was sent
     ├─ ClientClosedError               the client was closed
     ├─ PaginationError                 a list has no further page, or would go round in circles
     ├─ BatchWaitTimeoutError           the batch has not ended in the time given
     └─ APIError                        a request was made, and didn't go well
         ├─ APIConnectionError          no response, or not all of it
         │   └─ APITimeoutError         ... in time
         │       └─ CallTimeoutError    the deadline of the whole call passed
         ├─ AmbiguousCreateError        a batch may or may not have been made
         │   └─ AsyncAmbiguousCreateError
         ├─ UnsafeURLError              a redirect or `results_url` that is not followed
         ├─ APIResponseValidationError  a response of another form than the API's
         └─ APIStatusError              a response that says no
             ├─ RedirectError                     3xx, where it can't be followed
             ├─ BadRequestError                   400
             ├─ AuthenticationError               401
             ├─ PaymentRequiredError              402
             ├─ PermissionDeniedError             403
             ├─ NotFoundError                     404
             ├─ RequestTimeoutError               408
             ├─ ConflictError                     409
             ├─ PreconditionFailedError           412
             ├─ RequestTooLargeError              413
             ├─ UnprocessableEntityError          422
             ├─ RateLimitError                    429
             ├─ RequestHeaderFieldsTooLargeError  431
             ├─ ClientClosedRequestError          499
             └─ InternalServerError               5xx
                 ├─ HTTPNotImplementedError       501
                 ├─ ServiceUnavailableError       503
                 ├─ GatewayTimeoutError           504
                 └─ OverloadedError               529

Those about reading results are in a tree of their own under `ClaudeBatchesError` (`ResultsError`).

No exception holds a credential, a request's body, or an object of an HTTP library: each can be logged
and pickled.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import orjson

from ._headers import Headers, SentRequest

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

    from ._ambiguity import FindCandidates

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AmbiguousCreateError",
    "AsyncAmbiguousCreateError",
    "AuthenticationError",
    "BadRequestError",
    "BatchWaitTimeoutError",
    "CallTimeoutError",
    "ClaudeBatchesError",
    "ClientClosedError",
    "ClientClosedRequestError",
    "ConfigurationError",
    "ConflictError",
    "CredentialsError",
    "ErrorResponse",
    "GatewayTimeoutError",
    "HTTPNotImplementedError",
    "InternalServerError",
    "InvalidBatchError",
    "NotFoundError",
    "OverloadedError",
    "PaginationError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "RateLimitError",
    "RedirectError",
    "RequestEncodingError",
    "RequestHeaderFieldsTooLargeError",
    "RequestTimeoutError",
    "RequestTooLargeError",
    "ServiceUnavailableError",
    "UnprocessableEntityError",
    "UnsafeURLError",
]

#: How much of an error's body is shown where it isn't the API's JSON.
EXCERPT = 200


class ClaudeBatchesError(Exception):
    """The root of every exception that this package raises for what happens at run time."""

    # Made again from what they hold, not from constructor arguments: worker pools send exceptions between
    # processes.
    def __reduce__(self) -> tuple[Any, ...]:
        return _blank, (type(self), self.args), self.__dict__


def _blank(kind: type[ClaudeBatchesError], args: tuple[Any, ...]) -> ClaudeBatchesError:
    error = kind.__new__(kind)
    error.args = args
    return error


# ------------------------------------------------------------------------------------------------------------
# Before anything is sent


class ConfigurationError(ClaudeBatchesError, ValueError):
    """A client was given arguments, or found an environment, that can't work."""


class CredentialsError(ConfigurationError):
    """There is neither an API key nor a token. It is raised by the first call, not by making the client."""


class RequestEncodingError(ClaudeBatchesError, ValueError):
    """What was to be sent can't be written, or read from its file. No request was sent whole."""


class InvalidBatchError(RequestEncodingError):
    """Requests that can't be a batch. Nothing was sent."""

    def __init__(self, message: str, problems: tuple[str, ...] = (), count: int = 0) -> None:
        super().__init__(message)
        self.problems = problems
        """The first few problems, each with the index and the custom_id of its request."""
        self.problem_count = count
        """How many there are in all, as far as the requests were read."""


class ClientClosedError(ClaudeBatchesError):
    """The client, or the `http_client` that it was given, was closed before this call."""


class PaginationError(ClaudeBatchesError):
    """There is no page to fetch, or the server's cursors lead back to a page that was there before."""


class BatchWaitTimeoutError(ClaudeBatchesError, TimeoutError):
    """The batch has not ended in the time given to `wait`. It goes on: wait again, or cancel it."""

    def __init__(self, message: str, batch: MessageBatch | None) -> None:
        super().__init__(message)
        self.batch = batch
        """The batch as it was last seen; `None` if it never was."""


# ------------------------------------------------------------------------------------------------------------
# A request was made


class APIError(ClaudeBatchesError):
    """A request was made, and it didn't go well."""

    advice: str = ""
    """What to do about it, where that is known."""

    def __init__(
        self, message: str, *, request: SentRequest, body: object = None, advice: str | None = None
    ) -> None:
        if advice is not None:
            self.advice = advice
        super().__init__(f"{message} {self.advice}".rstrip())
        self.message = message
        """What happened; `str(error)` has the advice as well."""
        self.request = request
        """What was asked: method, URL, and headers without credentials."""
        self.body = body
        """The body of the response: parsed where it is JSON, else as text; `None` where there is none."""

    @property
    def worth_retrying(self) -> bool:
        """Whether the same call may well succeed when it is made again, later."""
        return False


class APIConnectionError(APIError):
    """The connection failed, before the response or in the middle of it."""

    @property
    def worth_retrying(self) -> bool:
        return True


class APITimeoutError(APIConnectionError):
    """The network was silent for longer than `timeout`."""


class CallTimeoutError(APITimeoutError):
    """The whole call, with its retries, took longer than `deadline`."""


class UnsafeURLError(APIError):
    """A redirect or a `results_url` was not followed, as that could show keys or prompts to others."""


class AmbiguousCreateError(APIError):
    """A batch was sent, and it isn't known whether the server took it; sending it again may pay twice.

    Call `find_candidates()` to see which batches may be it, and go on with the one that is; send again only
    if there is none after some seconds. `create(..., on_ambiguous="reconcile")` does the looking by itself.

    What made the outcome unknown is the `__cause__`.
    """

    advice = (
        "Call find_candidates() on this error to see which batches may be it, or use "
        'create(..., on_ambiguous="reconcile").'
    )

    request_count: int
    """How many requests the batch has."""
    body_bytes: int
    """How large the body was."""
    started_at: datetime
    """When the attempt began, by this machine's clock."""
    failed_at: datetime
    """When its outcome got lost, by this machine's clock."""
    retries_taken: int
    """How many attempts went before, all of which the server is sure not to have taken."""

    def __init__(
        self,
        message: str,
        *,
        request: SentRequest,
        body: object = None,
        request_count: int,
        body_bytes: int,
        started_at: datetime,
        failed_at: datetime,
        retries_taken: int = 0,
        finder: FindCandidates | None = None,
    ) -> None:
        super().__init__(message, request=request, body=body)
        self.request_count = request_count
        self.body_bytes = body_bytes
        self.started_at = started_at
        self.failed_at = failed_at
        self.retries_taken = retries_taken
        self._finder = finder

    def note_search(self) -> None:
        """Say that the batch was looked for already, in place of the advice to do so."""
        self.advice = (
            "It was looked for among the batches of the server, and there was not just one that fits, so none was "
            "adopted. Call find_candidates() on this error to look again."
        )
        self.args = (f"{self.message} {self.advice}",)

    def find_candidates(self) -> list[MessageBatch]:
        """List the batches that may be this one: made in that time, with that number of requests.

        A batch that was made a moment ago can be missing from the list for some seconds. And a program that
        makes batches of the same size at the same time makes candidates too: compare before you adopt one.

        Raises:
            ClaudeBatchesError: The error was pickled, and so lost its client.
        """
        found: list[MessageBatch] = self._find()
        return found

    def _find(self) -> Any:
        if self._finder is None:
            raise ClaudeBatchesError(
                "this error came from another process, without its client: list the batches made between "
                f"{self.started_at:%H:%M:%S} and {self.failed_at:%H:%M:%S %Z} and look for one with "
                f"{self.request_count} requests"
            )
        return self._finder(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _blank, (type(self), self.args), {**self.__dict__, "_finder": None}


class AsyncAmbiguousCreateError(AmbiguousCreateError):
    """`AmbiguousCreateError` of an async client: its `find_candidates()` is awaited."""

    def find_candidates(self) -> Awaitable[list[MessageBatch]]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """List the batches that may be this one, as `AmbiguousCreateError.find_candidates` does."""
        found: Awaitable[list[MessageBatch]] = self._find()
        return found


# ------------------------------------------------------------------------------------------------------------
# A response came


class ErrorResponse:
    """A response that made an error: status, headers, and as much of the body as was read."""

    def __init__(self, status_code: int, headers: Headers, content: bytes, request: SentRequest) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content
        self.request = request

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as parsed JSON.

        Raises:
            ValueError: It isn't JSON.
        """
        return orjson.loads(self.content)

    def __repr__(self) -> str:
        return f"<ErrorResponse {self.status_code}, {len(self.content)} bytes>"


class APIResponseValidationError(APIError):
    """A response that isn't of the API's form: HTML of a proxy, an empty or truncated body."""

    advice = "Check that base_url is the API's, and that no proxy answers in its place."

    def __init__(self, message: str, *, response: ErrorResponse, body: object) -> None:
        super().__init__(message, request=response.request, body=body)
        self.response = response
        self.status_code = response.status_code
        self.request_id = response.headers.get("request-id")


class APIStatusError(APIError):
    """A response whose status says that the request was not fulfilled."""

    def __init__(
        self, message: str, *, response: ErrorResponse, body: object, retries_taken: int = 0
    ) -> None:
        super().__init__(message, request=response.request, body=body)
        error = _mapping(_mapping(body).get("error"))
        self.response = response
        self.status_code = response.status_code
        self.request_id = response.headers.get("request-id") or _text(_mapping(body).get("request_id"))
        """The id that the API gave the request; worth quoting to its support."""
        self.workspace_id = response.headers.get("anthropic-workspace-id")
        """The workspace that the request was for, where the API says so."""
        self.type = _text(error.get("type"))
        """What kind of error the API calls it: `rate_limit_error`, ..."""
        self.api_message = _text(error.get("message"))
        """What the API says about it. Its words change: don't compare with them."""
        self.details: Any = error.get("details")
        """What the API adds for programs, where it does."""
        self.error_code = _text(_mapping(self.details).get("error_code"))
        """The stable name of the cause, where the API gives one."""
        self.retries_taken = retries_taken
        """How many attempts went before the one that failed so."""

    @property
    def worth_retrying(self) -> bool:
        """Whether the same call may well succeed when it is made again, later."""
        return self.status_code in (408, 409, 429) or self.status_code >= 500


class RedirectError(APIStatusError):
    """A redirect that can't be followed: it leads nowhere, is one too many, or is of a request that writes."""

    advice = "Check base_url: it should be the address that answers by itself."


class BadRequestError(APIStatusError):
    """400: the API can't make sense of the request."""

    advice = "Trying again won't help: change the request as the message says."


class AuthenticationError(APIStatusError):
    """401: the credential is missing, wrong or revoked."""

    advice = "Trying again won't help: check the API key or token, and that it belongs to this base_url."


class PaymentRequiredError(APIStatusError):
    """402: there is something to be settled with billing."""

    advice = "Trying again won't help: look at the account's billing."


class PermissionDeniedError(APIStatusError):
    """403: the credential is good, and not for this."""

    advice = "Trying again won't help: use a credential with this permission, or another workspace."


class NotFoundError(APIStatusError):
    """404: no such thing, or not in this workspace."""

    advice = "Check the id and the workspace. What was made a moment ago can be missing for a second or two."


class RequestTimeoutError(APIStatusError):
    """408: the server waited too long for the request."""

    advice = "Worth trying again."


class ConflictError(APIStatusError):
    """409: something else is being done to the same thing."""

    advice = "Worth trying again, in a moment."


class PreconditionFailedError(APIStatusError):
    """412: a condition in the request's headers doesn't hold."""


class RequestTooLargeError(APIStatusError):
    """413: the body is larger than the API takes."""

    advice = "Trying again won't help: split the batch."


class UnprocessableEntityError(APIStatusError):
    """422: the request makes sense, and can't be done."""

    advice = "Trying again won't help: change the request as the message says."


class RateLimitError(APIStatusError):
    """429: too many requests, or too much in the queue."""

    advice = "Worth trying again, after the time that the retry-after header gives; or raise max_retries."


class RequestHeaderFieldsTooLargeError(APIStatusError):
    """431: the headers are larger than the API takes."""

    advice = "Trying again won't help: send fewer or shorter headers."


class ClientClosedRequestError(APIStatusError):
    """499: the server saw the connection go away."""


class InternalServerError(APIStatusError):
    """5xx: something went wrong at the server, or before it."""

    advice = "Worth trying again, later."


class HTTPNotImplementedError(InternalServerError):
    """501: the server can't do this."""

    advice = "Check base_url: this server doesn't know the operation."


class ServiceUnavailableError(InternalServerError):
    """503: the server is down or busy."""


class GatewayTimeoutError(InternalServerError):
    """504: a server behind the one that answers took too long."""


class OverloadedError(InternalServerError):
    """529: the API is overloaded."""

    advice = "Worth trying again, in a minute or so."


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: RequestTimeoutError,
    409: ConflictError,
    412: PreconditionFailedError,
    413: RequestTooLargeError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    431: RequestHeaderFieldsTooLargeError,
    499: ClientClosedRequestError,
    501: HTTPNotImplementedError,
    503: ServiceUnavailableError,
    504: GatewayTimeoutError,
    529: OverloadedError,
}


def status_error(response: ErrorResponse, *, retries_taken: int = 0, note: str = "") -> APIStatusError:
    """The exception for a response, by its status.

    Arguments:
        response: The response.
        retries_taken: How many attempts went before.
        note: What to say besides what the response says, as a sentence.
    """
    status = response.status_code
    kind = _BY_STATUS.get(status)
    if kind is None:
        kind = (
            InternalServerError if status >= 500 else RedirectError if 300 <= status < 400 else APIStatusError
        )
    body = parse_body(response.content)
    error = _mapping(_mapping(body).get("error"))
    said = _text(error.get("message")) or excerpt(response.content) or "(no explanation)"
    request_id = response.headers.get("request-id") or _text(_mapping(body).get("request_id"))
    facts = [f"{response.request.method} {response.request.url}"]
    if request_id:
        facts.append(f"request id {request_id}")
    if retries_taken:
        facts.append(f"after {retries_taken} {'retry' if retries_taken == 1 else 'retries'}")
    sentences = [
        f"{status} {_text(error.get('type')) or 'error'}: {said.removesuffix('.')} ({', '.join(facts)}).",
        note,
    ]
    message = " ".join(sentence for sentence in sentences if sentence)
    return kind(message, response=response, body=body, retries_taken=retries_taken)


def parse_body(content: bytes) -> object:
    """What an error's body says: parsed, or as text, or `None` where it is empty."""
    if not content.strip():
        return None
    try:
        parsed: object = orjson.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")
    return parsed


_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


def excerpt(content: bytes) -> str:
    """The beginning of a body in one line: of an HTML page its title, or its text without the tags."""
    page = content[:20_000]
    if page.lstrip()[:1] == b"<":
        title = _TITLE.search(page)
        page = (
            title[1]
            if title and title[1].strip()
            else _TAG.sub(" ", page.decode("utf-8", "replace")).encode()
        )
    text = " ".join(page.decode("utf-8", "replace").split())
    text = "".join(character if character.isprintable() else "�" for character in text)
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


def _mapping(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def name_publicly(names: Mapping[str, object]) -> None:
    """Let a traceback name the errors of a module by where users import them from."""
    for each in names.values():
        if isinstance(each, type) and issubclass(each, ClaudeBatchesError):
            each.__module__ = "claude_batches"


name_publicly(globals())
