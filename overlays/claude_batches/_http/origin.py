"""The origin that credentials belong to, and the rules for redirects.

An API key is sent only to the origin (scheme, host and port) of `base_url`. The API can direct a client to another
origin by a `results_url` or a redirect. These are followed under three rules:

- a GET to another origin carries no credentials, no cookies and no headers of the user;
- a step from https to http is never followed, because the content could be changed on the way;
- a POST or DELETE to another origin is never followed, because its body holds prompts.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from .._headers import Headers

__all__ = [
    "MAX_REDIRECTS",
    "Origin",
    "foreign_headers",
    "is_redirect",
    "origin_of",
    "redirect_target",
    "unsafe_step",
]

#: Number of redirects that a request follows.
MAX_REDIRECTS = 10

#: Headers sent to a foreign origin; every other header could hold a secret.
_HARMLESS = frozenset({"accept", "accept-encoding", "if-range", "range", "user-agent"})

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host and port of a URL."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """True if the host is this machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def origin_of(url: str) -> Origin:
    """Return the origin of an absolute URL.

    A trailing dot makes another host, as in browsers.

    Raises:
        ValueError: The URL is not http or https, has no usable host or port, or contains a user name or password. The
            message does not show them.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname
    except ValueError:
        raise ValueError("it can't be parsed as a URL") from None
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise ValueError("it must start with https:// or http:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it must not contain a user name or a password")
    if port == 0:
        raise ValueError("its port is 0")
    return Origin(parts.scheme, host.lower(), port or _DEFAULT_PORTS[parts.scheme])


def unsafe_step(source: Origin, target: Origin, method: str) -> str | None:
    """Return the reason why a request must not continue at another origin; `None` if it may."""
    if source.scheme == "https" and target.scheme == "http":
        return f"it leads from https to http ({target}), where others could read and change the content"
    if source != target and method not in ("GET", "HEAD"):
        return f"it leads to another server ({target}), which would receive the body of the {method}"
    return None


def foreign_headers(headers: Mapping[str, str]) -> Headers:
    """Return the headers that may be sent to an origin other than that of `base_url`."""
    return Headers({name: value for name, value in headers.items() if name.lower() in _HARMLESS})


def is_redirect(status: int, headers: Mapping[str, str], method: str) -> bool:
    """Return true if a response asks for the same request at another URL.

    By custom, 301, 302 and 303 turn a POST into a GET, which is a different request.
    """
    if "location" not in headers:
        return False
    return status in (307, 308) or (status in (301, 302, 303) and method in ("GET", "HEAD"))


def redirect_target(url: str, location: str) -> str:
    """Return the absolute URL of a `location` header, without its fragment.

    Raises:
        ValueError: The header is not a URL.
    """
    try:
        return urljoin(url, location).partition("#")[0]
    except ValueError:
        raise ValueError("it can't be parsed as a URL") from None
