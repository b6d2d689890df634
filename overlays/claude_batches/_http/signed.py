"""The credentials of one request."""

from __future__ import annotations

import attrs

__all__ = ["Signed"]


@attrs.define
class Signed:
    """The headers, query parameters and cookies that carry the credentials of a request."""

    headers: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)
    """Values by names in lower case."""
    query: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)
    cookies: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)
