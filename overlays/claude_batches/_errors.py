"""Exceptions of the package.

    ClaudeBatchesError
     ├─ ConfigurationError              invalid arguments or environment
     │   └─ CredentialsError            no API key and no token
     ├─ RequestEncodingError            a body that can't be encoded; nothing was sent
     │   ├─ InvalidBatchError           requests that can't form a batch; a BadRequestError as well
     │   └─ SpoolError                  the temporary file of a batch can't be written
     ├─ ClientClosedError               a call on a closed client
     ├─ PaginationError                 no further page, or a repeated cursor
     ├─ BatchWaitTimeoutError           the batch has not ended within the deadline
     └─ APIError                        a request was made and failed
         ├─ APIConnectionError          no response, or a truncated one
         │   └─ APITimeoutError         a network timeout
         │       └─ CallTimeoutError    the deadline of the whole call
         ├─ AmbiguousCreateError        the outcome of a create is unknown
         │   └─ AsyncAmbiguousCreateError
         ├─ UnsafeURLError              a redirect or `results_url` that is not followed
         ├─ APIResponseValidationError  a response of a different form than the API's
         └─ APIStatusError              a response with an error status
             ├─ RedirectError                     3xx that can't be followed
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

Errors with a stable `error_code` have classes of their own below these: see `_error_codes`.

Errors about reading results form a tree of their own below `ClaudeBatchesError`, `ResultsError`.

No exception holds a credential, the body of a request, or an object of an HTTP library. Every exception can be logged
and pickled.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import attrs
import orjson

from ._headers import Headers, SentRequest

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

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
    "SpoolError",
    "UnprocessableEntityError",
    "UnsafeURLError",
]

#: Length of the excerpt shown of a body that is not the API's JSON.
EXCERPT = 200


class ClaudeBatchesError(Exception):
    """Root of every exception that this package raises at run time."""

    # Restored from attributes rather than constructor arguments, because worker pools send exceptions between
    # processes.
    def __reduce__(self) -> tuple[Any, ...]:
        return _blank, (type(self), self.args), self.__dict__


def _blank(kind: type[ClaudeBatchesError], args: tuple[Any, ...]) -> ClaudeBatchesError:
    error = kind.__new__(kind)
    error.args = args
    return error


# ------------------------------------------------------------------------------------------------------------
# Before a request is sent


class ConfigurationError(ClaudeBatchesError, ValueError):
    """Invalid arguments of a client or call, or an invalid environment variable."""


class CredentialsError(ConfigurationError):
    """Neither an API key nor a token is set. The first call raises it, not the constructor."""


class RequestEncodingError(ClaudeBatchesError, ValueError):
    """A body can't be encoded, or its file can't be read. The server did not receive the whole request."""


class SpoolError(RequestEncodingError, OSError):
    """The temporary file of a batch can't be written, for example because the disk is full. Nothing was sent."""

    def __init__(self, errno: int | None, message: str) -> None:
        super().__init__(errno, message)
        # The constructor of ValueError comes before that of OSError, and leaves these unset.
        self.errno, self.strerror = errno, message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args


class ClientClosedError(ClaudeBatchesError):
    """The client, or its `http_client`, was closed before this call, or belongs to another process."""


class PaginationError(ClaudeBatchesError):
    """The page does not exist, or the server repeated a cursor."""


class BatchWaitTimeoutError(ClaudeBatchesError, TimeoutError):
    """The batch has not ended within the deadline of `wait`. Processing continues: wait again, or cancel it."""

    def __init__(self, message: str, batch: MessageBatch | None) -> None:
        super().__init__(message)
        self.batch = batch
        """The batch at the last poll; `None` if no poll succeeded."""


# ------------------------------------------------------------------------------------------------------------
# A request was sent


class APIError(ClaudeBatchesError):
    """A request was sent and failed."""

    advice: str = ""
    """Recommended action; empty if there is none."""

    def __init__(
        self, message: str, *, request: SentRequest, body: object = None, advice: str | None = None
    ) -> None:
        if advice is not None:
            self.advice = advice
        super().__init__(f"{message} {self.advice}".rstrip())
        self.message = message
        """Description without the advice; `str(error)` has both."""
        self.request = request
        """Sent request: method, URL, and headers without credentials."""
        self.body = body
        """Body of the response: parsed JSON, else text; `None` if there is none."""

    @property
    def worth_retrying(self) -> bool:
        """True if the same call may succeed later."""
        return False


class APIConnectionError(APIError):
    """The connection failed before or during the response."""

    @property
    def worth_retrying(self) -> bool:
        return True


class APITimeoutError(APIConnectionError):
    """A network operation took longer than `timeout`."""


class CallTimeoutError(APITimeoutError):
    """The whole call, including its retries, took longer than `deadline`."""


class UnsafeURLError(APIError):
    """A redirect or `results_url` was not followed, because it could disclose credentials or prompts."""


class AmbiguousCreateError(APIError):
    """A create was sent and its outcome is unknown; sending it again may pay twice.

    Call `find_candidates()` to list the batches that may be the one, and continue with the right one. Send again
    only if there is none after some seconds. `create(..., on_ambiguous="reconcile")` does this automatically.

    The `__cause__` is the failure that made the outcome unknown.
    """

    advice = (
        "Call find_candidates() on this error to list the batches that may be the one, or use "
        'create(..., on_ambiguous="reconcile").'
    )

    request_count: int
    """Number of requests in the batch."""
    body_bytes: int
    """Size of the body in bytes."""
    started_at: datetime
    """Start of the attempt, by this machine's clock."""
    failed_at: datetime
    """Time of the failure, by this machine's clock."""
    retries_taken: int
    """Number of earlier attempts; the server did not accept any of them."""

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
        finder: Callable[[AmbiguousCreateError], Any] | None = None,
    ) -> None:
        super().__init__(message, request=request, body=body)
        self.request_count = request_count
        self.body_bytes = body_bytes
        self.started_at = started_at
        self.failed_at = failed_at
        self.retries_taken = retries_taken
        self._finder = finder

    def note_search(self) -> None:
        """Replace the advice to search by the result of the search."""
        self.advice = (
            "The batches of the server were searched and not exactly one matches, so none was reconciled. Call "
            "find_candidates() on this error to search again."
        )
        self.args = (f"{self.message} {self.advice}",)

    def note_found(self, batch_id: str, problem: str) -> None:
        """Replace the advice to search by the batch that was found and could not be retrieved."""
        self.advice = (
            f"Batch {batch_id} matches and could not be retrieved: {problem} "
            "Retrieve it later; do not send again."
        )
        self.args = (f"{self.message} {self.advice}",)

    def find_candidates(self) -> list[MessageBatch]:
        """List the batches that may be this one: created in that period with that number of requests.

        A new batch can be missing from the list for some seconds. Another program that creates batches of the same size
        at the same time adds candidates: compare before continuing with one.

        Raises:
            ClaudeBatchesError: The error was pickled and has lost its client.
        """
        found: list[MessageBatch] = self._find()
        return found

    def _find(self) -> Any:
        if self._finder is None:
            raise ClaudeBatchesError(
                "this error came from another process without its client: list the batches created between "
                f"{self.started_at:%H:%M:%S} and {self.failed_at:%H:%M:%S %Z} and look for one with "
                f"{self.request_count} requests"
            )
        return self._finder(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _blank, (type(self), self.args), {**self.__dict__, "_finder": None}


class AsyncAmbiguousCreateError(AmbiguousCreateError):
    """`AmbiguousCreateError` of an async client, with an awaitable `find_candidates()`."""

    def find_candidates(self) -> Awaitable[list[MessageBatch]]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """List the batches that may be this one; see `AmbiguousCreateError.find_candidates`."""
        found: Awaitable[list[MessageBatch]] = self._find()
        return found


# ------------------------------------------------------------------------------------------------------------
# A response arrived


@attrs.frozen(repr=False)
class ErrorResponse:
    """The response behind an error: status, headers, and the part of the body that was read."""

    status_code: int
    headers: Headers
    content: bytes
    request: SentRequest

    @property
    def text(self) -> str:
        """Body as text."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Parse the body as JSON.

        Raises:
            ValueError: The body is not JSON.
        """
        return orjson.loads(self.content)

    def __repr__(self) -> str:
        return f"<ErrorResponse {self.status_code}, {len(self.content)} bytes>"


class APIResponseValidationError(APIError):
    """A response of a different form than the API's: HTML from a proxy, an empty or truncated body."""

    advice = "Check that base_url is the API's, and that no proxy answers in its place."

    def __init__(self, message: str, *, response: ErrorResponse, body: object) -> None:
        super().__init__(message, request=response.request, body=body)
        self.response = response
        self.status_code = response.status_code
        self.request_id = response.headers.get("request-id")


class APIStatusError(APIError):
    """A response with an error status."""

    def __init__(
        self, message: str, *, response: ErrorResponse, body: object, retries_taken: int = 0
    ) -> None:
        super().__init__(message, request=response.request, body=body)
        error = as_mapping(as_mapping(body).get("error"))
        self.response = response
        self.status_code = response.status_code
        self.request_id = response.headers.get("request-id") or as_text(as_mapping(body).get("request_id"))
        """Id of the request at the API; quote it to support."""
        self.workspace_id = response.headers.get("anthropic-workspace-id")
        """Workspace of the request, if the API names it."""
        self.type = as_text(error.get("type"))
        """Error type of the API, such as `rate_limit_error`."""
        self.api_message = as_text(error.get("message"))
        """Message of the API. The wording can change; do not compare with it."""
        self.details: Any = error.get("details")
        """Machine-readable details, if the API adds any."""
        self.error_code = as_text(as_mapping(self.details).get("error_code"))
        """Stable name of the cause, if the API gives one."""
        self.retries_taken = retries_taken
        """Number of attempts before the failed one."""

    @property
    def worth_retrying(self) -> bool:
        """True if the same call may succeed later."""
        return self.status_code in (408, 409, 429) or self.status_code >= 500


class RedirectError(APIStatusError):
    """A redirect that can't be followed: no target, too many redirects, or a redirected write."""

    advice = "Check base_url: use the final address of the API."


class BadRequestError(APIStatusError):
    """400: invalid request."""

    advice = "Trying again won't help: change the request as the message says."


class InvalidBatchError(RequestEncodingError, BadRequestError):
    """The requests can't form a batch. Nothing was sent.

    The API would answer 400, so code that catches `BadRequestError` catches this as well. It has the attributes of
    such an error, as if the API had answered, but no `request_id`.
    """

    advice = ""

    def __init__(self, message: str, problems: tuple[str, ...] = (), count: int = 0) -> None:
        body = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
        unsent = SentRequest("POST", "/v1/messages/batches", Headers())
        response = ErrorResponse(400, Headers(), orjson.dumps(body), unsent)
        BadRequestError.__init__(self, message, response=response, body=body)
        self.problems = problems
        """The first problems, each with the index and the custom_id of its request."""
        self.problem_count = count
        """Number of problems found before reading stopped."""


class AuthenticationError(APIStatusError):
    """401: missing, wrong or revoked credential."""

    advice = "Trying again won't help: check the API key or token, and that it belongs to this base_url."


class PaymentRequiredError(APIStatusError):
    """402: a billing problem."""

    advice = "Trying again won't help: check the account's billing."


class PermissionDeniedError(APIStatusError):
    """403: valid credential, insufficient permission."""

    advice = "Trying again won't help: use a credential with this permission, or another workspace."


class NotFoundError(APIStatusError):
    """404: unknown id, or an id of another workspace."""

    advice = "Check the id and the workspace. A new batch can be missing for some seconds."


class RequestTimeoutError(APIStatusError):
    """408: the server timed out while it waited for the request."""

    advice = "Worth trying again."


class ConflictError(APIStatusError):
    """409: conflict with another operation on the same resource."""

    advice = "Worth trying again, after a moment."


class PreconditionFailedError(APIStatusError):
    """412: a condition in the request headers does not hold."""


class RequestTooLargeError(APIStatusError):
    """413: the body exceeds the API's limit."""

    advice = "Trying again won't help: split the batch."


class UnprocessableEntityError(APIStatusError):
    """422: valid form, invalid content."""

    advice = "Trying again won't help: change the request as the message says."


class RateLimitError(APIStatusError):
    """429: a rate limit or a full queue."""

    advice = "Worth trying again, after the delay in the retry-after header; or raise max_retries."


class RequestHeaderFieldsTooLargeError(APIStatusError):
    """431: the headers exceed the API's limit."""

    advice = "Trying again won't help: send fewer or shorter headers."


class ClientClosedRequestError(APIStatusError):
    """499: the server lost the connection to the client."""


class InternalServerError(APIStatusError):
    """5xx: a failure of the server or of a gateway."""

    advice = "Worth trying again, later."


class HTTPNotImplementedError(InternalServerError):
    """501: the server does not support the operation."""

    advice = "Check base_url: this server does not support the operation."


class ServiceUnavailableError(InternalServerError):
    """503: the server is unavailable."""


class GatewayTimeoutError(InternalServerError):
    """504: an upstream server timed out."""


class OverloadedError(InternalServerError):
    """529: the API is overloaded."""

    advice = "Worth trying again, in a minute or so."


def parse_body(content: bytes) -> object:
    """Return the body of an error: parsed JSON, else text; `None` if it is empty."""
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
    """Return the beginning of a body on one line: the title of an HTML page, or its text without tags."""
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


def as_mapping(value: object) -> dict[str, Any]:
    """Return a JSON object, or an empty one for every other value."""
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def as_text(value: object) -> str | None:
    """Return a string, or `None` for every other value."""
    return value if isinstance(value, str) else None


def name_publicly(names: Mapping[str, object]) -> None:
    """Set the module of errors to the public package, as tracebacks show it."""
    for each in names.values():
        if isinstance(each, type) and issubclass(each, ClaudeBatchesError):
            each.__module__ = "claude_batches"


name_publicly(globals())
