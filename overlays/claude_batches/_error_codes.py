"""Errors whose cause the API names by a stable `error_code`, with the names that the official SDK gives them."""

from __future__ import annotations

from ._errors import (
    APIStatusError,
    BadRequestError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RequestTooLargeError,
    ServiceUnavailableError,
    name_publicly,
)

__all__ = [
    "BY_CODE",
    "CMEKContextUnavailableError",
    "CMEKKeyDisabledError",
    "CMEKKeyNetworkBlockedError",
    "CMEKKeyUnreachableError",
    "ClaudeCodeKeyCreatorNotMemberError",
    "ClaudeCodeVersionTooOldError",
    "ContractSpendLimitReachedError",
    "EnforcedSpendLimitReachedError",
    "LinkedOrganizationBillingUnavailableError",
    "LinkedOrganizationSpendLimitReachedError",
    "OrganizationOnHoldError",
    "OrganizationTypeNotSupportedError",
    "ParentOrganizationRequiredError",
    "RampLimitExceededError",
    "RequestBodyEncodingInvalidError",
    "RequestBodyEncodingUnsupportedError",
    "RequestBodyTooLargeAfterDecodingError",
    "SandboxEgressRestrictedError",
]


class ClaudeCodeKeyCreatorNotMemberError(BadRequestError):
    """400, `claude_code_key_creator_not_member`: the user of the key has left the organization or its workspace."""


class ClaudeCodeVersionTooOldError(BadRequestError):
    """400, `claude_code_version_too_old`: Claude Code is older than the model or the organization requires."""


class CMEKKeyDisabledError(BadRequestError):
    """400, `cmek_key_disabled`: the workspace's own encryption key is disabled or revoked."""


class CMEKKeyNetworkBlockedError(BadRequestError):
    """400, `cmek_key_network_blocked`: the key management service refuses access to the workspace's key."""


class OrganizationOnHoldError(BadRequestError):
    """400, `organization_on_hold`: the organization is disabled for reasons of trust and safety."""


class OrganizationTypeNotSupportedError(BadRequestError):
    """400, `organization_type_not_supported`: the operation is not available for organizations of this type."""


class ParentOrganizationRequiredError(BadRequestError):
    """400, `parent_organization_required`: the operation needs an organization with a parent organization."""


class RequestBodyEncodingInvalidError(BadRequestError):
    """400, `request_body_encoding_invalid`: the body does not match its `Content-Encoding`."""


class RequestBodyEncodingUnsupportedError(BadRequestError):
    """400, `request_body_encoding_unsupported`: the `Content-Encoding` of the body is not supported."""


class LinkedOrganizationBillingUnavailableError(PaymentRequiredError):
    """402, `linked_organization_billing_unavailable`: the organization of the user profile can't be billed."""


class LinkedOrganizationSpendLimitReachedError(PaymentRequiredError):
    """402, `linked_organization_spend_limit_reached`: the organization of the user profile has no credit left."""


class SandboxEgressRestrictedError(PermissionDeniedError):
    """403, `sandbox_egress_restricted`: the request came from a Claude sandbox with restricted network access."""


class RequestBodyTooLargeAfterDecodingError(RequestTooLargeError):
    """413, `request_body_too_large_after_decoding`: the decompressed body exceeds the limit."""


class ContractSpendLimitReachedError(RateLimitError):
    """429, `contract_spend_limit_reached`: the organization has reached the spend limit of its contract."""


class EnforcedSpendLimitReachedError(RateLimitError):
    """429, `enforced_spend_limit_reached`: the organization has reached the monthly spend limit of its tier."""


class RampLimitExceededError(RateLimitError):
    """429, `ramp_limit_exceeded`: usage grows faster than the limit allows."""


class CMEKContextUnavailableError(ServiceUnavailableError):
    """503, `cmek_context_unavailable`: the workspace's encryption settings can't be read at the moment."""


class CMEKKeyUnreachableError(ServiceUnavailableError):
    """503, `cmek_key_unreachable`: the workspace's own encryption key can't be reached at the moment."""


#: The class of each status and error code.
BY_CODE: dict[tuple[int, str], type[APIStatusError]] = {
    (400, "claude_code_key_creator_not_member"): ClaudeCodeKeyCreatorNotMemberError,
    (400, "claude_code_version_too_old"): ClaudeCodeVersionTooOldError,
    (400, "cmek_key_disabled"): CMEKKeyDisabledError,
    (400, "cmek_key_network_blocked"): CMEKKeyNetworkBlockedError,
    (400, "organization_on_hold"): OrganizationOnHoldError,
    (400, "organization_type_not_supported"): OrganizationTypeNotSupportedError,
    (400, "parent_organization_required"): ParentOrganizationRequiredError,
    (400, "request_body_encoding_invalid"): RequestBodyEncodingInvalidError,
    (400, "request_body_encoding_unsupported"): RequestBodyEncodingUnsupportedError,
    (402, "linked_organization_billing_unavailable"): LinkedOrganizationBillingUnavailableError,
    (402, "linked_organization_spend_limit_reached"): LinkedOrganizationSpendLimitReachedError,
    (403, "sandbox_egress_restricted"): SandboxEgressRestrictedError,
    (413, "request_body_too_large_after_decoding"): RequestBodyTooLargeAfterDecodingError,
    (429, "contract_spend_limit_reached"): ContractSpendLimitReachedError,
    (429, "enforced_spend_limit_reached"): EnforcedSpendLimitReachedError,
    (429, "ramp_limit_exceeded"): RampLimitExceededError,
    (503, "cmek_context_unavailable"): CMEKContextUnavailableError,
    (503, "cmek_key_unreachable"): CMEKKeyUnreachableError,
}

name_publicly(globals())
