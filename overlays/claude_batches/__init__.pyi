# The public names of the package. `__init__.py` imports each from the module named here.

from . import pagination as pagination
from . import types as types
from ._async.api_client import AsyncApiClient as AsyncApiClient
from ._async.client import AsyncClient as AsyncAnthropic
from ._async.client import AsyncClient as AsyncClient
from ._async.event_stream import AsyncEventStream as AsyncEventStream
from ._async.line_stream import AsyncLineStream as AsyncLineStream
from ._async.pages import AsyncPage as AsyncPage
from ._async.pages import AsyncPager as AsyncPager
from ._async.result_stream import AsyncResultStream as AsyncResultStream
from ._async.views import AsyncAPIResponse as AsyncAPIResponse
from ._async.views import AsyncRawResponse as AsyncRawResponse
from ._async.views import AsyncStreamedResponse as AsyncStreamedResponse
from ._batches.reconcile import ReconciledBatch as ReconciledBatch
from ._batches.wait import PollOptions as PollOptions
from ._error_codes import ClaudeCodeKeyCreatorNotMemberError as ClaudeCodeKeyCreatorNotMemberError
from ._error_codes import ClaudeCodeVersionTooOldError as ClaudeCodeVersionTooOldError
from ._error_codes import CMEKContextUnavailableError as CMEKContextUnavailableError
from ._error_codes import CMEKKeyDisabledError as CMEKKeyDisabledError
from ._error_codes import CMEKKeyNetworkBlockedError as CMEKKeyNetworkBlockedError
from ._error_codes import CMEKKeyUnreachableError as CMEKKeyUnreachableError
from ._error_codes import ContractSpendLimitReachedError as ContractSpendLimitReachedError
from ._error_codes import EnforcedSpendLimitReachedError as EnforcedSpendLimitReachedError
from ._error_codes import (
    LinkedOrganizationBillingUnavailableError as LinkedOrganizationBillingUnavailableError,
)
from ._error_codes import LinkedOrganizationSpendLimitReachedError as LinkedOrganizationSpendLimitReachedError
from ._error_codes import OrganizationOnHoldError as OrganizationOnHoldError
from ._error_codes import OrganizationTypeNotSupportedError as OrganizationTypeNotSupportedError
from ._error_codes import ParentOrganizationRequiredError as ParentOrganizationRequiredError
from ._error_codes import RampLimitExceededError as RampLimitExceededError
from ._error_codes import RequestBodyEncodingInvalidError as RequestBodyEncodingInvalidError
from ._error_codes import RequestBodyEncodingUnsupportedError as RequestBodyEncodingUnsupportedError
from ._error_codes import RequestBodyTooLargeAfterDecodingError as RequestBodyTooLargeAfterDecodingError
from ._error_codes import SandboxEgressRestrictedError as SandboxEgressRestrictedError
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
from ._errors import ClaudeBatchesError as AnthropicError
from ._errors import ClaudeBatchesError as ClaudeBatchesError
from ._errors import ClientClosedError as ClientClosedError
from ._errors import ClientClosedRequestError as ClientClosedRequestError
from ._errors import ConfigurationError as ConfigurationError
from ._errors import ConflictError as ConflictError
from ._errors import CredentialsError as CredentialsError
from ._errors import GatewayTimeoutError as DeadlineExceededError
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
from ._errors import RequestTooLargeError as ContentTooLargeError
from ._errors import RequestTooLargeError as RequestTooLargeError
from ._errors import ServiceUnavailableError as ServiceUnavailableError
from ._errors import SpoolError as SpoolError
from ._errors import UnprocessableEntityError as UnprocessableEntityError
from ._errors import UnsafeURLError as UnsafeURLError
from ._http.api_config import ApiSettings as ApiSettings
from ._http.compat import DEFAULT_MAX_RETRIES as DEFAULT_MAX_RETRIES
from ._http.compat import NOT_GIVEN as NOT_GIVEN
from ._http.compat import NotGiven as NotGiven
from ._http.compat import Omit as Omit
from ._http.compat import not_given as not_given
from ._http.compat import omit as omit
from ._http.config import Settings as Settings
from ._http.defaults import DEFAULT_CONNECTION_LIMITS as DEFAULT_CONNECTION_LIMITS
from ._http.defaults import DEFAULT_TIMEOUT as DEFAULT_TIMEOUT
from ._http.defaults import DefaultAsyncHttpxClient as DefaultAsyncHttpxClient
from ._http.defaults import DefaultHttpxClient as DefaultHttpxClient
from ._http.defaults import Timeout as Timeout
from ._http.events import ServerSentEvent as ServerSentEvent
from ._http.known_batches import UnsettledCreate as UnsettledCreate
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
from ._sync.api_client import ApiClient as ApiClient
from ._sync.client import Client as Anthropic
from ._sync.client import Client as Client
from ._sync.event_stream import EventStream as EventStream
from ._sync.line_stream import LineStream as LineStream
from ._sync.pages import Page as Page
from ._sync.result_stream import ResultStream as ResultStream
from ._sync.views import APIResponse as APIResponse
from ._sync.views import RawResponse as RawResponse
from ._sync.views import StreamedResponse as StreamedResponse
from ._version import __version__ as __version__

__all__ = [
    "DEFAULT_CONNECTION_LIMITS",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "NOT_GIVEN",
    "APIConnectionError",
    "APIError",
    "APIResponse",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AmbiguousCreateError",
    "Anthropic",
    "AnthropicError",
    "ApiClient",
    "ApiSettings",
    "AsyncAPIResponse",
    "AsyncAmbiguousCreateError",
    "AsyncAnthropic",
    "AsyncApiClient",
    "AsyncClient",
    "AsyncEventStream",
    "AsyncLineStream",
    "AsyncPage",
    "AsyncPager",
    "AsyncRawResponse",
    "AsyncResultStream",
    "AsyncStreamedResponse",
    "AuthenticationError",
    "BadLineError",
    "BadRequestError",
    "BatchWaitTimeoutError",
    "BrokenEncodingError",
    "CMEKContextUnavailableError",
    "CMEKKeyDisabledError",
    "CMEKKeyNetworkBlockedError",
    "CMEKKeyUnreachableError",
    "CallTimeoutError",
    "ClaudeBatchesError",
    "ClaudeCodeKeyCreatorNotMemberError",
    "ClaudeCodeVersionTooOldError",
    "Client",
    "ClientClosedError",
    "ClientClosedRequestError",
    "ConfigurationError",
    "ConflictError",
    "ContentTooLargeError",
    "ContractSpendLimitReachedError",
    "CredentialsError",
    "DeadlineExceededError",
    "DefaultAsyncHttpxClient",
    "DefaultHttpxClient",
    "DownloadFolderError",
    "DownloadProgress",
    "DownloadTargetError",
    "DuplicateResultsError",
    "EnforcedSpendLimitReachedError",
    "EventStream",
    "ExcessResultsError",
    "ForeignResultsError",
    "GatewayTimeoutError",
    "HTTPNotImplementedError",
    "IncompleteResultsError",
    "InternalServerError",
    "InvalidBatchError",
    "LineStream",
    "LineTooLongError",
    "LinkedOrganizationBillingUnavailableError",
    "LinkedOrganizationSpendLimitReachedError",
    "NotFoundError",
    "NotGiven",
    "Omit",
    "OrganizationOnHoldError",
    "OrganizationTypeNotSupportedError",
    "OverloadedError",
    "Page",
    "PaginationError",
    "ParentOrganizationRequiredError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "PollOptions",
    "PreconditionFailedError",
    "RampLimitExceededError",
    "RateLimitError",
    "RawResponse",
    "ReconciledBatch",
    "RedirectError",
    "RequestBodyEncodingInvalidError",
    "RequestBodyEncodingUnsupportedError",
    "RequestBodyTooLargeAfterDecodingError",
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
    "SandboxEgressRestrictedError",
    "ServerSentEvent",
    "ServiceUnavailableError",
    "Settings",
    "SpoolError",
    "StreamedResponse",
    "Timeout",
    "UnprocessableEntityError",
    "UnsafeURLError",
    "UnsettledCreate",
    "__version__",
    "not_given",
    "omit",
    "pagination",
    "results_from_file",
    "types",
]
