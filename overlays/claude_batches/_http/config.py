"""Settings of a client: arguments first, then the environment, then defaults."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypedDict, cast
from urllib.parse import urlsplit

import attrs
from claude_batches_api.parameters import Unset
from claude_batches_api.request import Operation, TimeoutLike

from .._errors import ConfigurationError, CredentialsError
from .._headers import Headers, Secret, header_problem, shown_headers
from .._logging import logger
from .._version import __version__
from .origin import Origin, origin_of
from .retry import RetryLimits
from .signed import Signed
from .timeouts import DEFAULT, Timeouts, positive_seconds

__all__ = [
    "DEFAULT_BASE_URL",
    "DEFAULT_VERSION",
    "SETTINGS",
    "Config",
    "HeaderChanges",
    "Settings",
    "has_credential",
    "hide",
]

DEFAULT_BASE_URL: Final = "https://api.anthropic.com"
DEFAULT_VERSION: Final = "2023-06-01"

#: Statuses after which a create is sent again: the API has certainly not created the batch.
NOT_CREATED: Final = frozenset({429, 529})

#: Authentication headers. A user who sets or omits one of them handles authentication.
_CREDENTIALS = frozenset({"authorization", "x-api-key"})

USER_AGENT = f"claude-batches/{__version__} python/{platform.python_version()}"


class Settings(TypedDict, total=False):
    """Settings of a client, as `Client(...)` and `with_options(...)` take them."""

    api_key: str | None
    """API key, sent as `x-api-key`. Default: `ANTHROPIC_API_KEY`."""
    auth_token: str | None
    """Token, sent as `Authorization: Bearer` in place of a key. Default: `ANTHROPIC_AUTH_TOKEN`."""
    base_url: str | None
    """URL of the API. Default: `ANTHROPIC_BASE_URL`, else https://api.anthropic.com. Credentials are sent only to its
    scheme, host and port."""
    timeout: float | TimeoutLike | Unset | None
    """Network timeouts of an attempt in seconds, or an object with seconds to `connect`, `read`, `write` and for the
    `pool`. Default: 600, and 5 to connect. `None` waits forever."""
    deadline: float | Unset | None
    """Seconds that a whole call may take, including its retries. Default: no limit."""
    max_retries: int | Unset | None
    """Number of retries of a call that can be repeated without harm. Default: 2."""
    max_retry_delay: float | None
    """Longest delay in seconds that a server may ask for before a retry. A call raises at once if the server asks for
    more. Default: 60."""
    retry_created_statuses: frozenset[int] | None
    """Error statuses after which `create` is sent again, because no batch was created. After every other status that a
    gateway may add to a successful create (408, 409, 5xx), the outcome is unknown. Default: 429 and 529."""
    default_headers: Mapping[str, str | Unset | None] | None
    """Headers of every request, added to earlier ones; `None` as a value omits a header."""
    set_default_headers: Mapping[str, str | Unset | None] | None
    """Headers of every request, in place of earlier ones."""
    default_query: Mapping[str, object] | None
    """Query parameters of every request, added to earlier ones."""
    set_default_query: Mapping[str, object] | None
    """Query parameters of every request, in place of earlier ones."""
    anthropic_version: str | None
    """Version of the API. Default: 2023-06-01."""


SETTINGS = frozenset(Settings.__annotations__)

#: Settings that may hold a credential.
_HIDDEN = ("api_key", "auth_token", "base_url", "default_headers", "set_default_headers")


def hide(settings: Settings) -> None:
    """Remove settings that are not given (`NOT_GIVEN`), and wrap those that may hold a credential, in place.

    Wrapped, they do not show as locals in a traceback.
    """
    values = cast(dict[str, Any], settings)
    for name in [name for name, value in values.items() if isinstance(value, Unset)]:
        del values[name]
    for name in _HIDDEN:
        if name in values:
            values[name] = Secret(values[name])


def has_credential(settings: Settings) -> bool:
    """Return true if hidden settings contain a credential."""
    hidden = cast("dict[str, Secret[Any]]", settings)
    return any(bool(hidden[name].reveal()) for name in ("api_key", "auth_token") if name in hidden)


class HeaderChanges:
    """Headers that a user adds or replaces, and those that the user omits."""

    def __init__(self, sent: Headers, omitted: frozenset[str]) -> None:
        self.sent = sent
        self.omitted = omitted
        """Names in lower case."""

    @classmethod
    def of(cls, headers: Secret[Any]) -> HeaderChanges:
        """Read a mapping of names to values, or to `None` or `omit` for an omitted header.

        Raises:
            ConfigurationError: A header can't be sent.
        """
        problem = _mapping_problem(headers)
        if problem is not None:
            raise ConfigurationError(problem)
        values: dict[str, Any] = dict(headers.reveal() or {})
        given = {name: value for name, value in values.items() if not _is_omitted(value)}
        return cls(Headers(given), frozenset(name.lower() for name in values if name not in given))

    def then(self, later: HeaderChanges) -> HeaderChanges:
        """Return these changes followed by others."""
        kept = {name: value for name, value in self.sent.items() if name not in later.omitted}
        return HeaderChanges(
            Headers({**kept, **later.sent}), (self.omitted - later.sent.keys()) | later.omitted
        )


def _is_omitted(value: object) -> bool:
    return value is None or isinstance(value, Unset)


def _mapping_problem(headers: Secret[Any]) -> str | None:
    """Return the reason why a mapping of headers is invalid, without a value in any frame that can raise."""
    value = headers.reveal()
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return f"headers must be a mapping of names to strings; got {type(value).__name__}"
    problems = (
        header_problem(name, "" if _is_omitted(each) else each)
        for name, each in cast("Mapping[object, object]", value).items()
    )
    return next((problem for problem in problems if problem is not None), None)


@attrs.frozen
class Config:
    """Validated settings. No repr shows a credential."""

    base_url: str = DEFAULT_BASE_URL
    """URL of the API, without a slash and without `/v1` at its end."""
    origin: Origin = attrs.field(factory=lambda: origin_of(DEFAULT_BASE_URL))
    """The only origin that receives credentials."""
    api_key: Secret[str] | None = None
    auth_token: Secret[str] | None = None
    version: str = DEFAULT_VERSION
    """Value of the `anthropic-version` header."""
    timeouts: Timeouts = DEFAULT
    deadline: float | None = None
    """Seconds that a call may take; `None` without a limit."""
    retry: RetryLimits = attrs.field(factory=RetryLimits)
    not_created: frozenset[int] = NOT_CREATED
    """Error statuses that prove that a create made no batch."""
    request_id_header: str = "request-id"
    """The header of a response with the id of the request."""
    retries_unsafe: bool = True
    """True to repeat a POST or PATCH after a failure that may have come after its effect."""
    headers: HeaderChanges = attrs.field(factory=lambda: HeaderChanges(Headers(), frozenset()))
    """The user's headers of every request."""
    query: tuple[tuple[str, object], ...] = ()
    """The user's query parameters of every request."""
    own_headers: Headers = attrs.field(
        init=False,
        repr=False,
        default=attrs.Factory(lambda self: Headers(self.package_headers()), takes_self=True),
    )
    """`package_headers()`, made once."""

    @classmethod
    def from_environment(cls, *, credentials: bool) -> Config:
        """Read the environment.

        Args:
            credentials: False if the client gets a credential as an argument, so that those of the environment are
                neither needed nor checked.

        Raises:
            ConfigurationError: A variable is invalid; the message shows no credential.
        """
        config = cls().changed(
            cast(
                Settings,
                {
                    "base_url": Secret(os.environ.get("ANTHROPIC_BASE_URL") or None),
                    "default_headers": Secret(_custom_headers()),
                },
            )
        )
        if not credentials:
            return config
        key = _credential("ANTHROPIC_API_KEY", Secret(os.environ.get("ANTHROPIC_API_KEY")))
        token = _credential("ANTHROPIC_AUTH_TOKEN", Secret(os.environ.get("ANTHROPIC_AUTH_TOKEN")))
        if key is not None and token is not None:
            logger.warning("both ANTHROPIC_API_KEY and ANTHROPIC_AUTH_TOKEN are set: the API key is used")
            token = None
        return attrs.evolve(config, api_key=key, auth_token=token)

    def changed(self, settings: Settings) -> Config:
        """Return these settings with others in their place.

        Args:
            settings: Settings after `hide()`. `None` keeps a setting, except for `timeout` and `deadline`, which take
                `None` as a value.

        Raises:
            ConfigurationError: A setting is invalid.
        """
        given = cast(dict[str, Any], settings)
        changes: dict[str, Any] = {}

        def value(name: str) -> Any:
            found: Secret[Any] | None = given.get(name)
            return None if found is None else found.reveal()

        key, token = (_credential(name, Secret(value(name))) for name in ("api_key", "auth_token"))
        if key is not None and token is not None:
            raise ConfigurationError("give the client api_key= or auth_token=, not both")
        if key is not None or token is not None:
            changes |= {"api_key": key, "auth_token": token}
        if value("base_url") is not None:
            changes |= self._base(given["base_url"])
        if given.get("anthropic_version") is not None:
            changes["version"] = _version(given["anthropic_version"])
        if not isinstance(given.get("timeout", _UNSET), Unset):
            changes["timeouts"] = Timeouts.of(given["timeout"])
        if not isinstance(given.get("deadline", _UNSET), Unset):
            seconds = given["deadline"]
            changes["deadline"] = None if seconds is None else positive_seconds("deadline", seconds)
        retries, delay = given.get("max_retries"), given.get("max_retry_delay")
        changes["retry"] = RetryLimits(
            self.retry.max_retries if retries is None else retries,
            self.retry.max_delay if delay is None else delay,
        )
        if given.get("retry_created_statuses") is not None:
            changes["not_created"] = _statuses(given["retry_created_statuses"])
        changes["headers"] = self._headers(given)
        changes["query"] = self._query(given)
        return attrs.evolve(self, **changes)

    def secrets(self) -> tuple[str, ...]:
        """Return the credentials to remove from texts of others."""
        shown = shown_headers(self.headers.sent)
        own = (each.reveal() for each in (self.api_key, self.auth_token) if each is not None)
        return (*own, *(value for name, value in self.headers.sent.items() if shown[name] != value))

    def package_headers(self) -> dict[str, str]:
        """Return the package's headers of every request."""
        return {"user-agent": USER_AGENT, "anthropic-version": self.version}

    def credentials(self) -> dict[str, str]:
        """Return the authentication header.

        Raises:
            CredentialsError: Neither a key nor a token is set.
        """
        if self.api_key is not None:
            return {"x-api-key": self.api_key.reveal()}
        if self.auth_token is not None:
            return {"authorization": f"Bearer {self.auth_token.reveal()}"}
        raise CredentialsError(
            "a credential is missing: set the environment variable ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN, "
            "or give the client api_key= or auth_token="
        )

    def signed(self, operation: Operation | None, headers: Mapping[str, str]) -> Signed:  # noqa: ARG002
        """Return the credentials of a request: none if it has an authentication header already.

        Args:
            operation: The operation; `None` for a URL from the server.
            headers: The other headers, with empty ones for those that the caller omits.

        Raises:
            CredentialsError: Neither a key nor a token is set.
        """
        return Signed(self.credentials() if _CREDENTIALS.isdisjoint(headers) else {})

    def _base(self, base_url: Secret[Any]) -> dict[str, Any]:
        return _base(base_url)

    def _headers(self, given: Mapping[str, Any]) -> HeaderChanges:
        nothing = Secret(None)
        added, replaced = given.get("default_headers", nothing), given.get("set_default_headers", nothing)
        if replaced.reveal() is None:
            return self.headers.then(HeaderChanges.of(added))
        if added.reveal() is not None:
            raise ConfigurationError(
                "give default_headers= to add or set_default_headers= to replace, not both"
            )
        return HeaderChanges.of(replaced)

    def _query(self, given: Mapping[str, Any]) -> tuple[tuple[str, object], ...]:
        added: Mapping[str, object] | None = given.get("default_query")
        replaced: Mapping[str, object] | None = given.get("set_default_query")
        for query in (given.get("default_query"), given.get("set_default_query")):
            if query is not None and not isinstance(query, Mapping):
                raise ConfigurationError(
                    f"query parameters must be a mapping of names to values; got {type(query).__name__}"
                )
        if replaced is None:
            return tuple({**dict(self.query), **(added or {})}.items())
        if added is not None:
            raise ConfigurationError("give default_query= to add or set_default_query= to replace, not both")
        return tuple(replaced.items())


_UNSET = Unset()


def _base(base_url: Secret[Any]) -> dict[str, Any]:
    """Return base URL and origin.

    Paths of operations begin with `/v1`, so a base URL that ends with it means the same API.

    Raises:
        ConfigurationError: The URL can't be a base URL.
    """
    problem = _base_problem(base_url)
    if problem is not None:
        raise ConfigurationError(f"base_url is invalid: {problem}")
    url = str(base_url.reveal())
    return {"base_url": url.rstrip("/").removesuffix("/v1").rstrip("/"), "origin": origin_of(url)}


def _base_problem(base_url: Secret[Any]) -> str | None:
    """Return the reason why a URL can't be a base URL, without a part of it in any frame that raises."""
    url = str(base_url.reveal())
    try:
        origin_of(url)
    except ValueError as error:
        return str(error)
    parts = urlsplit(url)
    return "it must end with its path (see default_query)" if parts.query or parts.fragment else None


def _credential(name: str, value: Secret[Any]) -> Secret[str] | None:
    """Return a valid credential; `None` for an empty one."""
    if value.reveal() is None:
        return None
    problem = header_problem(name, value.reveal())
    if problem is not None:
        raise ConfigurationError(problem)
    stripped = Secret(str(value.reveal()).strip())
    return stripped if stripped.reveal() else None


def _version(version: object) -> str:
    problem = header_problem("anthropic-version", version)
    if problem is not None:
        raise ConfigurationError(problem)
    return str(version)


def _statuses(statuses: Any) -> frozenset[int]:
    given: list[Any] = [None]
    if isinstance(statuses, set | frozenset | list | tuple):
        given = [*cast("Iterable[Any]", statuses)]
    errors = frozenset(status for status in given if isinstance(status, int) and 400 <= status < 600)
    if len(errors) < len(given):
        raise ConfigurationError(
            f"retry_created_statuses must be a set of error statuses, such as {{429, 529}}; got {statuses!r}"
        )
    return errors


def _custom_headers() -> dict[str, str]:
    """Parse `ANTHROPIC_CUSTOM_HEADERS`: one `name: value` a line."""
    headers: dict[str, str] = {}
    for line in os.environ.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip():
            headers[name.strip()] = value.strip()
    return headers
