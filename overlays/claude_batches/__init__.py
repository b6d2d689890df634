"""An unofficial Python SDK for Claude's Message Batches API.

    from claude_batches import Client

    client = Client()
    batch = client.messages.batches.create(requests=[{"custom_id": "a", "params": {...}}])
    client.messages.batches.wait(batch.id)
    for item in client.messages.batches.results(batch.id):
        ...

Importing this package costs next to nothing: what is in it is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from . import types as types
    from ._adoption import AdoptedBatch as AdoptedBatch
    from ._client import AsyncClient as AsyncClient
    from ._client import Client as Client
    from ._errors import AmbiguousCreateError as AmbiguousCreateError
    from ._errors import APIConnectionError as APIConnectionError
    from ._errors import APIError as APIError
    from ._errors import APIResponseValidationError as APIResponseValidationError
    from ._errors import APIStatusError as APIStatusError
    from ._errors import APITimeoutError as APITimeoutError
    from ._errors import AsyncAmbiguousCreateError as AsyncAmbiguousCreateError
    from ._errors import AuthenticationError as AuthenticationError
    from ._errors import BadRequestError as BadRequestError
    from ._errors import BatchWaitTimeoutError as BatchWaitTimeoutError
    from ._errors import CallTimeoutError as CallTimeoutError
    from ._errors import ClaudeBatchesError as ClaudeBatchesError
    from ._errors import ClientClosedError as ClientClosedError
    from ._errors import ClientClosedRequestError as ClientClosedRequestError
    from ._errors import ConfigurationError as ConfigurationError
    from ._errors import ConflictError as ConflictError
    from ._errors import CredentialsError as CredentialsError
    from ._errors import GatewayTimeoutError as GatewayTimeoutError
    from ._errors import HTTPNotImplementedError as HTTPNotImplementedError
    from ._errors import InternalServerError as InternalServerError
    from ._errors import InvalidBatchError as InvalidBatchError
    from ._errors import NotFoundError as NotFoundError
    from ._errors import OverloadedError as OverloadedError
    from ._errors import PaginationError as PaginationError
    from ._errors import PaymentRequiredError as PaymentRequiredError
    from ._errors import PermissionDeniedError as PermissionDeniedError
    from ._errors import PreconditionFailedError as PreconditionFailedError
    from ._errors import RateLimitError as RateLimitError
    from ._errors import RedirectError as RedirectError
    from ._errors import RequestEncodingError as RequestEncodingError
    from ._errors import RequestHeaderFieldsTooLargeError as RequestHeaderFieldsTooLargeError
    from ._errors import RequestTimeoutError as RequestTimeoutError
    from ._errors import RequestTooLargeError as RequestTooLargeError
    from ._errors import ServiceUnavailableError as ServiceUnavailableError
    from ._errors import UnprocessableEntityError as UnprocessableEntityError
    from ._errors import UnsafeURLError as UnsafeURLError
    from ._lines import AsyncLineStream as AsyncLineStream
    from ._lines import LineStream as LineStream
    from ._pages import AsyncPage as AsyncPage
    from ._pages import AsyncPager as AsyncPager
    from ._pages import Page as Page
    from ._raw import AsyncStreamedResponse as AsyncStreamedResponse
    from ._raw import RawResponse as RawResponse
    from ._raw import StreamedResponse as StreamedResponse
    from ._results._async_stream import AsyncResultStream as AsyncResultStream
    from ._results._errors import BadLineError as BadLineError
    from ._results._errors import BrokenEncodingError as BrokenEncodingError
    from ._results._errors import DuplicateResultsError as DuplicateResultsError
    from ._results._errors import ForeignResultsError as ForeignResultsError
    from ._results._errors import IncompleteResultsError as IncompleteResultsError
    from ._results._errors import LineTooLongError as LineTooLongError
    from ._results._errors import ResultsChangedError as ResultsChangedError
    from ._results._errors import ResultsClosedError as ResultsClosedError
    from ._results._errors import ResultsError as ResultsError
    from ._results._errors import ResultsFormatError as ResultsFormatError
    from ._results._errors import ResultsGoneError as ResultsGoneError
    from ._results._errors import ResultsNotReadyError as ResultsNotReadyError
    from ._results._file import results_from_file as results_from_file
    from ._results._join import ResultsById as ResultsById
    from ._results._partial import DownloadProgress as DownloadProgress
    from ._results._stream import ResultStream as ResultStream

_HOME = {
    "AdoptedBatch": "_adoption",
    "AsyncClient": "_client",
    "Client": "_client",
    "APIConnectionError": "_errors",
    "APIError": "_errors",
    "APIResponseValidationError": "_errors",
    "APIStatusError": "_errors",
    "APITimeoutError": "_errors",
    "AmbiguousCreateError": "_errors",
    "AsyncAmbiguousCreateError": "_errors",
    "AuthenticationError": "_errors",
    "BadRequestError": "_errors",
    "BatchWaitTimeoutError": "_errors",
    "CallTimeoutError": "_errors",
    "ClaudeBatchesError": "_errors",
    "ClientClosedError": "_errors",
    "ClientClosedRequestError": "_errors",
    "ConfigurationError": "_errors",
    "ConflictError": "_errors",
    "CredentialsError": "_errors",
    "GatewayTimeoutError": "_errors",
    "HTTPNotImplementedError": "_errors",
    "InternalServerError": "_errors",
    "InvalidBatchError": "_errors",
    "NotFoundError": "_errors",
    "OverloadedError": "_errors",
    "PaginationError": "_errors",
    "PaymentRequiredError": "_errors",
    "PermissionDeniedError": "_errors",
    "PreconditionFailedError": "_errors",
    "RateLimitError": "_errors",
    "RedirectError": "_errors",
    "RequestEncodingError": "_errors",
    "RequestHeaderFieldsTooLargeError": "_errors",
    "RequestTimeoutError": "_errors",
    "RequestTooLargeError": "_errors",
    "ServiceUnavailableError": "_errors",
    "UnprocessableEntityError": "_errors",
    "UnsafeURLError": "_errors",
    "AsyncLineStream": "_lines",
    "LineStream": "_lines",
    "AsyncPage": "_pages",
    "AsyncPager": "_pages",
    "Page": "_pages",
    "AsyncStreamedResponse": "_raw",
    "RawResponse": "_raw",
    "StreamedResponse": "_raw",
    "AsyncResultStream": "_results._async_stream",
    "BadLineError": "_results._errors",
    "BrokenEncodingError": "_results._errors",
    "DuplicateResultsError": "_results._errors",
    "ForeignResultsError": "_results._errors",
    "IncompleteResultsError": "_results._errors",
    "LineTooLongError": "_results._errors",
    "ResultsChangedError": "_results._errors",
    "ResultsClosedError": "_results._errors",
    "ResultsError": "_results._errors",
    "ResultsFormatError": "_results._errors",
    "ResultsGoneError": "_results._errors",
    "ResultsNotReadyError": "_results._errors",
    "results_from_file": "_results._file",
    "ResultsById": "_results._join",
    "DownloadProgress": "_results._partial",
    "ResultStream": "_results._stream",
    "types": "types",
}

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AdoptedBatch",
    "AmbiguousCreateError",
    "AsyncAmbiguousCreateError",
    "AsyncClient",
    "AsyncLineStream",
    "AsyncPage",
    "AsyncPager",
    "AsyncResultStream",
    "AsyncStreamedResponse",
    "AuthenticationError",
    "BadLineError",
    "BadRequestError",
    "BatchWaitTimeoutError",
    "BrokenEncodingError",
    "CallTimeoutError",
    "ClaudeBatchesError",
    "Client",
    "ClientClosedError",
    "ClientClosedRequestError",
    "ConfigurationError",
    "ConflictError",
    "CredentialsError",
    "DownloadProgress",
    "DuplicateResultsError",
    "ForeignResultsError",
    "GatewayTimeoutError",
    "HTTPNotImplementedError",
    "IncompleteResultsError",
    "InternalServerError",
    "InvalidBatchError",
    "LineStream",
    "LineTooLongError",
    "NotFoundError",
    "OverloadedError",
    "Page",
    "PaginationError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "RateLimitError",
    "RawResponse",
    "RedirectError",
    "RequestEncodingError",
    "RequestHeaderFieldsTooLargeError",
    "RequestTimeoutError",
    "RequestTooLargeError",
    "ResultStream",
    "ResultsById",
    "ResultsChangedError",
    "ResultsClosedError",
    "ResultsError",
    "ResultsFormatError",
    "ResultsGoneError",
    "ResultsNotReadyError",
    "ServiceUnavailableError",
    "StreamedResponse",
    "UnprocessableEntityError",
    "UnsafeURLError",
    "__version__",
    "results_from_file",
    "types",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_HOME[name]}", __name__)
    value = globals()[name] = module if name == _HOME[name] else getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
