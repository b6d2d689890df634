"""The exception for an error status."""

from __future__ import annotations

from .._errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ClientClosedRequestError,
    ConflictError,
    ErrorResponse,
    GatewayTimeoutError,
    HTTPNotImplementedError,
    InternalServerError,
    NotFoundError,
    OverloadedError,
    PaymentRequiredError,
    PermissionDeniedError,
    PreconditionFailedError,
    RateLimitError,
    RedirectError,
    RequestHeaderFieldsTooLargeError,
    RequestTimeoutError,
    RequestTooLargeError,
    ServiceUnavailableError,
    UnprocessableEntityError,
    as_mapping,
    as_text,
    excerpt,
    parse_body,
)

__all__ = ["BY_STATUS", "status_error"]

BY_STATUS: dict[int, type[APIStatusError]] = {
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
    """Return the exception for a response, by its status.

    Args:
        response: The response.
        retries_taken: Number of earlier attempts.
        note: A sentence to add to the message.
    """
    status = response.status_code
    kind = BY_STATUS.get(status)
    if kind is None:
        kind = (
            InternalServerError if status >= 500 else RedirectError if 300 <= status < 400 else APIStatusError
        )
    body = parse_body(response.content)
    error = as_mapping(as_mapping(body).get("error"))
    code = as_text(as_mapping(error.get("details")).get("error_code"))
    if code is not None:
        from .._error_codes import BY_CODE

        kind = BY_CODE.get((status, code), kind)
    said = as_text(error.get("message")) or excerpt(response.content) or "(no explanation)"
    request_id = response.headers.get("request-id") or as_text(as_mapping(body).get("request_id"))
    facts = [f"{response.request.method} {response.request.url}"]
    if request_id:
        facts.append(f"request id {request_id}")
    if retries_taken:
        facts.append(f"after {retries_taken} {'retry' if retries_taken == 1 else 'retries'}")
    sentences = [
        f"{status} {as_text(error.get('type')) or 'error'}: {said.removesuffix('.')} ({', '.join(facts)}).",
        note,
    ]
    message = " ".join(sentence for sentence in sentences if sentence)
    return kind(message, response=response, body=body, retries_taken=retries_taken)
