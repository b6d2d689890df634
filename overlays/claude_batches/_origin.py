"""Where credentials may go, and which redirects are followed.

An API key belongs to the origin (scheme, host and port) of `base_url`, and is sent nowhere else. The API
does send clients elsewhere, by a `results_url` or a redirect; those are followed when nothing secret goes
along:

- a GET to another origin: without credentials, cookies, and headers of the user's own;
- from https to http: never, since what is read could be changed on the way;
- a POST or DELETE to another origin: never, since a body holds prompts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from ._headers import Headers

__all__ = ["MAX_REDIRECTS", "Origin", "foreign_headers", "is_redirect", "origin_of", "unsafe_step"]

#: How many redirects a request follows.
MAX_REDIRECTS = 10

#: What a stranger may see of a request; everything else could hold a secret.
_HARMLESS = frozenset({"accept", "accept-encoding", "if-range", "range", "user-agent"})

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Who answers for a URL."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def origin_of(url: str) -> Origin:
    """The origin of an absolute URL.

    Raises:
        ValueError: It is no http or https URL, or has a user name or password in it; the message doesn't
            show it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("it can't be read as a URL") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("it must start with https:// or http:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it must not have a user name or a password in it")
    return Origin(parts.scheme, parts.hostname.lower().rstrip("."), port or _DEFAULT_PORTS[parts.scheme])


def unsafe_step(source: Origin, target: Origin, method: str) -> str | None:
    """Why a request must not go on from one origin to another; `None` where it may."""
    if source.scheme == "https" and target.scheme == "http":
        return f"it leads from https to http ({target}), where others could read and change what is sent"
    if source != target and method not in ("GET", "HEAD"):
        return f"it leads to another server ({target}), which would see what a {method} sends"
    return None


def foreign_headers(headers: Mapping[str, str]) -> Headers:
    """What of the headers goes to an origin that is not that of `base_url`."""
    return Headers({name: value for name, value in headers.items() if name.lower() in _HARMLESS})


def is_redirect(status: int, headers: Mapping[str, str], method: str) -> bool:
    """Whether a response asks for the same request elsewhere.

    301, 302 and 303 turn a POST into a GET by custom, which is another request than the one that was meant.
    """
    if "location" not in headers:
        return False
    return status in (307, 308) or (status in (301, 302, 303) and method in ("GET", "HEAD"))


def redirect_target(url: str, location: str) -> str:
    """The absolute URL that a `location` header means, without its fragment.

    Raises:
        ValueError: It means none.
    """
    try:
        return urljoin(url, location).partition("#")[0]
    except ValueError:
        raise ValueError("it can't be read as a URL") from None
