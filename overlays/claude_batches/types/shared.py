"""The bodies of errors, as the official SDK groups them."""

from __future__ import annotations

from claude_batches_api.models import (
    APIErrorObject,
    AuthenticationErrorObject,
    BillingErrorObject,
    ErrorObject,
    ErrorResponse,
    GatewayTimeoutErrorObject,
    InvalidRequestErrorObject,
    NotFoundErrorObject,
    OverloadedErrorObject,
    PermissionErrorObject,
    RateLimitErrorObject,
)

__all__ = [
    "APIErrorObject",
    "AuthenticationErrorObject",
    "BillingErrorObject",
    "ErrorObject",
    "ErrorResponse",
    "GatewayTimeoutErrorObject",
    "InvalidRequestErrorObject",
    "NotFoundErrorObject",
    "OverloadedErrorObject",
    "PermissionErrorObject",
    "RateLimitErrorObject",
]
