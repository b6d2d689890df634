# The public names of the package. `__init__.py` imports each from the module named here.

from . import types as types
from ._async.client import AsyncClient as AsyncClient
from ._async.line_stream import AsyncLineStream as AsyncLineStream
from ._async.pages import AsyncPage as AsyncPage
from ._async.pages import AsyncPager as AsyncPager
from ._async.result_stream import AsyncResultStream as AsyncResultStream
from ._async.views import AsyncStreamedResponse as AsyncStreamedResponse
from ._batches.reconcile import ReconciledBatch as ReconciledBatch
from ._batches.wait import PollOptions as PollOptions
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
from ._errors import SpoolError as SpoolError
from ._errors import UnprocessableEntityError as UnprocessableEntityError
from ._errors import UnsafeURLError as UnsafeURLError
from ._http.config import Settings as Settings
from ._http.known_batches import UnsettledCreate as UnsettledCreate
from ._http.views import RawResponse as RawResponse
from ._results.errors import BadLineError as BadLineError
from ._results.errors import BrokenEncodingError as BrokenEncodingError
from ._results.errors import DownloadFolderError as DownloadFolderError
from ._results.errors import DownloadTargetError as DownloadTargetError
from ._results.errors import DuplicateResultsError as DuplicateResultsError
from ._results.errors import ExcessResultsError as ExcessResultsError
from ._results.errors import ForeignResultsError as ForeignResultsError
from ._results.errors import IncompleteResultsError as IncompleteResultsError
from ._results.errors import LineTooLongError as LineTooLongError
from ._results.errors import ResultsChangedError as ResultsChangedError
from ._results.errors import ResultsClosedError as ResultsClosedError
from ._results.errors import ResultsError as ResultsError
from ._results.errors import ResultsFormatError as ResultsFormatError
from ._results.errors import ResultsGoneError as ResultsGoneError
from ._results.errors import ResultsNotReadyError as ResultsNotReadyError
from ._results.file import results_from_file as results_from_file
from ._results.index import ResultsById as ResultsById
from ._results.partial import DownloadProgress as DownloadProgress
from ._sync.client import Client as Client
from ._sync.line_stream import LineStream as LineStream
from ._sync.pages import Page as Page
from ._sync.result_stream import ResultStream as ResultStream
from ._sync.views import StreamedResponse as StreamedResponse
from ._version import __version__ as __version__

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
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
    "DownloadFolderError",
    "DownloadProgress",
    "DownloadTargetError",
    "DuplicateResultsError",
    "ExcessResultsError",
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
    "PollOptions",
    "PreconditionFailedError",
    "RateLimitError",
    "RawResponse",
    "ReconciledBatch",
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
    "Settings",
    "SpoolError",
    "StreamedResponse",
    "UnprocessableEntityError",
    "UnsafeURLError",
    "UnsettledCreate",
    "__version__",
    "results_from_file",
    "types",
]
