"""The host names under which the sandbox answers: a defence against DNS rebinding.

A web page of another origin can point its own host name at 127.0.0.1 and would then be of the same origin as the
sandbox. Its requests still carry that host name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from starlette.requests import Request

from ._errors import ApiError

__all__ = ["HostRule", "is_loopback"]

_HOST: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:@/\\?#\s\[\]]+)(?::\d{1,5})?")


class HostRule:
    """The admitted host names: loopback names, and those of a setting.

    Args:
        further: Further host names.
    """

    def __init__(self, further: Iterable[str] = ()) -> None:
        self._further = frozenset(name.lower() for name in further)

    def check(self, request: Request) -> None:
        """Refuse a request for another host.

        Raises:
            ApiError: The `Host` header names neither this machine nor an admitted host.
        """
        if not self.admits(request.headers.get("host", "")):
            raise ApiError(
                "permission_error",
                "The sandbox answers to loopback host names only. Admit others with allowed_hosts.",
            )

    def check_same_origin(self, request: Request) -> None:
        """Refuse a request of a web page of another origin.

        Raises:
            ApiError: The `Host`, `Origin` or `Sec-Fetch-Site` header is of another origin.
        """
        self.check(request)
        own = f"{request.url.scheme}://{request.headers['host']}"
        if request.headers.get("origin", own) != own or request.headers.get("sec-fetch-site", "none") not in (
            "none",
            "same-origin",
        ):
            raise ApiError("permission_error", "The sandbox refuses web pages of other origins.")

    def admits(self, host: str) -> bool:
        """Return true for the value of an admitted `Host` header."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].strip("[]").lower()
        return name in self._further or is_loopback(name)


def is_loopback(name: str) -> bool:
    """Return true for `localhost` and loopback addresses."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
