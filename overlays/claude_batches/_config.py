"""What a client is set up with: arguments first, then the environment, then defaults."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
from claude_batches_api.parameters import Unset
from claude_batches_api.request import TimeoutLike

from ._errors import ConfigurationError, CredentialsError
from ._headers import Headers, Secret, header_problem
from ._logging import logger
from ._origin import Origin, origin_of
from ._retry import RetryPolicy
from ._timeouts import DEFAULT, Timeouts
from ._version import __version__

__all__ = ["DEFAULT_BASE_URL", "DEFAULT_VERSION", "USER_AGENT", "Config", "HeaderChanges", "configure"]

DEFAULT_BASE_URL: Final = "https://api.anthropic.com"
DEFAULT_VERSION: Final = "2023-06-01"

USER_AGENT = f"claude-batches/{__version__} python/{platform.python_version()}"


class HeaderChanges:
    """Headers that a user adds or replaces, and those that the user leaves out."""

    def __init__(self, sent: Headers, omitted: frozenset[str]) -> None:
        self.sent = sent
        self.omitted = omitted
        """Names, in lower case."""

    @classmethod
    def of(cls, headers: Secret[Any]) -> HeaderChanges:
        """Read a mapping of names to values, or to `None` for what is left out.

        Raises:
            ConfigurationError: One can't be sent.
        """
        given, omitted = _split(headers.reveal() or {})
        for name in given:
            problem = header_problem(name, given[name])
            if problem is not None:
                raise ConfigurationError(problem)
        return cls(given, omitted)

    def then(self, later: HeaderChanges) -> HeaderChanges:
        """These changes and others after them."""
        kept = {name: value for name, value in self.sent.items() if name not in later.omitted}
        return HeaderChanges(
            Headers({**kept, **later.sent}), (self.omitted - later.sent.keys()) | later.omitted
        )


@attrs.frozen
class Config:
    """The settings of a client. Nothing of it shows a credential."""

    base_url: str
    """Without a slash at its end."""
    origin: Origin
    """The only one that credentials are sent to."""
    api_key: Secret[str] | None
    auth_token: Secret[str] | None
    version: str
    """The `anthropic-version` header."""
    timeouts: Timeouts
    deadline: float | None
    """Seconds that a call may take; `None` for as long as it takes."""
    retry: RetryPolicy
    headers: HeaderChanges
    """The user's own, for every request."""
    query: tuple[tuple[str, object], ...]
    """The user's own query parameters, for every request."""

    def own_headers(self) -> dict[str, str]:
        """What every request to the API has."""
        return {"user-agent": USER_AGENT, "anthropic-version": self.version}

    def credentials(self) -> dict[str, str]:
        """The header that says who is asking.

        Raises:
            CredentialsError: There is nothing to say.
        """
        if self.api_key is not None:
            return {"x-api-key": self.api_key.reveal()}
        if self.auth_token is not None:
            return {"authorization": f"Bearer {self.auth_token.reveal()}"}
        raise CredentialsError(
            "there is no credential to send: set the environment variable ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN, "
            "or give the client api_key= or auth_token="
        )

    def changed(
        self,
        *,
        api_key: Secret[Any],
        auth_token: Secret[Any],
        base_url: str | None,
        anthropic_version: str | None,
        timeout: float | TimeoutLike | Unset | None,
        deadline: float | Unset | None,
        max_retries: int | None,
        max_retry_delay: float | None,
        default_headers: Secret[Any],
        set_default_headers: Secret[Any],
        default_query: Mapping[str, object] | None,
        set_default_query: Mapping[str, object] | None,
    ) -> Config:
        """The settings of a copy: these, with what is given in their place.

        Raises:
            ConfigurationError: They can't work.
        """
        key, token = _credential("api_key", api_key), _credential("auth_token", auth_token)
        if key is not None and token is not None:
            raise ConfigurationError("give the client api_key= or auth_token=, not both")
        if default_headers.reveal() is not None and set_default_headers.reveal() is not None:
            raise ConfigurationError(
                "give default_headers= to add or set_default_headers= to replace, not both"
            )
        if default_query is not None and set_default_query is not None:
            raise ConfigurationError("give default_query= to add or set_default_query= to replace, not both")
        same = key is None and token is None
        retry = self.retry
        return Config(
            base_url=self.base_url if base_url is None else str(base_url).rstrip("/"),
            origin=self.origin if base_url is None else base_origin(str(base_url)),
            api_key=self.api_key if same else key,
            auth_token=self.auth_token if same else token,
            version=self.version if anthropic_version is None else _version(anthropic_version),
            timeouts=self.timeouts if isinstance(timeout, Unset) else Timeouts.of(timeout),
            deadline=self.deadline if isinstance(deadline, Unset) else deadline,
            retry=RetryPolicy(
                retry.max_retries if max_retries is None else max_retries,
                retry.max_delay if max_retry_delay is None else max_retry_delay,
            ),
            headers=self.headers.then(HeaderChanges.of(default_headers))
            if set_default_headers.reveal() is None
            else HeaderChanges.of(set_default_headers),
            query=tuple({**dict(self.query), **(default_query or {})}.items())
            if set_default_query is None
            else tuple(set_default_query.items()),
        )


def configure(
    *,
    api_key: Secret[Any],
    auth_token: Secret[Any],
    base_url: str | None,
    anthropic_version: str,
    timeout: float | TimeoutLike | Unset | None,
    deadline: float | None,
    max_retries: int,
    max_retry_delay: float,
    default_headers: Secret[Any],
    default_query: Mapping[str, object] | None,
) -> Config:
    """Settings from a client's arguments, completed from the environment.

    Arguments that may hold a credential come wrapped, since each frame of a traceback can be shown with its
    locals.

    Raises:
        ConfigurationError: They can't work; no message shows a credential.
    """
    key, token = _credential("api_key", api_key), _credential("auth_token", auth_token)
    if key is not None and token is not None:
        raise ConfigurationError("give the client api_key= or auth_token=, not both")
    if key is None and token is None:
        key = _credential("ANTHROPIC_API_KEY", Secret(os.environ.get("ANTHROPIC_API_KEY")))
        token = _credential("ANTHROPIC_AUTH_TOKEN", Secret(os.environ.get("ANTHROPIC_AUTH_TOKEN")))
        if key is not None and token is not None:
            logger.warning("both ANTHROPIC_API_KEY and ANTHROPIC_AUTH_TOKEN are set: the API key is used")
            token = None
    base_url = str(base_url or os.environ.get("ANTHROPIC_BASE_URL") or DEFAULT_BASE_URL)
    custom = HeaderChanges.of(Secret(_custom_headers()))
    return Config(
        base_url=base_url.rstrip("/"),
        origin=base_origin(base_url),
        api_key=key,
        auth_token=token,
        version=_version(anthropic_version),
        timeouts=DEFAULT if isinstance(timeout, Unset) else Timeouts.of(timeout),
        deadline=deadline,
        retry=RetryPolicy(max_retries, max_retry_delay),
        headers=custom.then(HeaderChanges.of(default_headers)),
        query=tuple((default_query or {}).items()),
    )


def _split(headers: Mapping[str, Any]) -> tuple[Headers, frozenset[str]]:
    """The headers that are given, and the names of those that are `None`."""
    given = Headers({name: value for name, value in headers.items() if value is not None})
    return given, frozenset(name.lower() for name in headers if name not in given)


def base_origin(base_url: str) -> Origin:
    """The origin of a base URL.

    Raises:
        ConfigurationError: It can't be one.
    """
    try:
        origin = origin_of(base_url)
    except ValueError as error:
        raise ConfigurationError(f"base_url can't be used: {error}") from None
    parts = urlsplit(base_url)
    if parts.query or parts.fragment:
        raise ConfigurationError("base_url can't be used: it must end with its path (see default_query)")
    return origin


def _credential(name: str, value: Secret[Any]) -> Secret[str] | None:
    """A credential, checked; an empty one is none."""
    if value.reveal() is None:
        return None
    problem = header_problem(name, value.reveal())
    if problem is not None:
        raise ConfigurationError(problem)
    stripped = Secret(str(value.reveal()).strip())
    return stripped if stripped.reveal() else None


def _version(version: str) -> str:
    problem = header_problem("anthropic-version", version)
    if problem is not None:
        raise ConfigurationError(problem)
    return version


def _custom_headers() -> dict[str, str]:
    """Headers of `ANTHROPIC_CUSTOM_HEADERS`: one `name: value` a line."""
    headers: dict[str, str] = {}
    for line in os.environ.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip():
            headers[name.strip()] = value.strip()
    return headers
