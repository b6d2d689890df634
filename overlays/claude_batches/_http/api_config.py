"""Settings of a client of any API that has a generated package."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib import import_module
from typing import Any, TypedDict, cast
from urllib.parse import urlsplit

import attrs
from claude_batches_api.parameters import Unset
from claude_batches_api.request import Operation, Scheme, TimeoutLike

from .._errors import ConfigurationError, CredentialsError
from .._headers import Headers, Secret, header_problem
from .config import USER_AGENT, Config, Settings
from .origin import origin_of
from .signed import Signed

__all__ = ["ApiConfig", "ApiSettings", "Credentials", "api_config", "hide_credentials"]

#: A credential: a token or key, or a user with a password.
Credentials = Mapping[str, str | tuple[str, str]]


class ApiSettings(TypedDict, total=False):
    """Settings of `ApiClient(...)` and of its `with_options(...)`."""

    base_url: str | None
    """URL of the API, which the paths of the document are added to. Credentials are sent only to its scheme, host and
    port."""
    credentials: Credentials | None
    """The credential of each of the document's `securitySchemes`, by name: a key or token, or a tuple of user and
    password. An operation sends the first of its alternatives that is there in full."""
    request_id_header: str | None
    """The header of a response with the id of the request. Default: `x-request-id`."""
    retry_unsafe_methods: bool | None
    """True to send a POST or PATCH again after a failure that may have come after its effect: a lost connection, a
    timeout, a 5xx. By default that is done only for requests with an `idempotency-key`. Default: False."""
    timeout: float | TimeoutLike | Unset | None
    """Network timeouts of an attempt in seconds; see `Settings`."""
    deadline: float | Unset | None
    """Seconds that a whole call may take, including its retries. Default: no limit."""
    max_retries: int | Unset | None
    """Number of retries. Default: 2."""
    max_retry_delay: float | None
    """Longest delay in seconds that a server may ask for before a retry. Default: 60."""
    default_headers: Mapping[str, str | Unset | None] | None
    """Headers of every request, added to earlier ones; `None` as a value omits a header."""
    default_query: Mapping[str, object] | None
    """Query parameters of every request, added to earlier ones."""


#: Settings that `Config` does not have.
_OWN = ("credentials", "request_id_header", "retry_unsafe_methods")


@attrs.frozen
class ApiConfig(Config):
    """Validated settings of any API. No repr shows a credential."""

    schemes: Mapping[str, Scheme] = attrs.field(factory=dict[str, Scheme])
    """The ways of sending a credential, by name."""
    security: tuple[tuple[str, ...], ...] = ()
    """The alternatives of an operation without a `security`."""
    given: Mapping[str, Secret[str]] = attrs.field(factory=dict[str, Secret[str]])
    """The credentials, ready to be sent."""
    request_id_header: str = "x-request-id"
    retries_unsafe: bool = False

    def changed(self, settings: Settings) -> ApiConfig:
        """Return these settings with others in their place; see `Config.changed`.

        Raises:
            ConfigurationError: A setting is invalid.
        """
        own: dict[str, Any] = {name: cast(Any, settings).get(name) for name in _OWN}
        others: Any = {name: value for name, value in settings.items() if name not in _OWN}
        changed = cast(ApiConfig, super().changed(others))
        credentials = self._credentials(own["credentials"])
        header, retries = own["request_id_header"], own["retry_unsafe_methods"]
        return attrs.evolve(
            changed,
            given={**self.given, **credentials},
            request_id_header=(self.request_id_header if header is None else str(header)).lower(),
            retries_unsafe=self.retries_unsafe if retries is None else bool(retries),
        )

    def package_headers(self) -> dict[str, str]:
        """Return the package's headers of every request."""
        return {"user-agent": USER_AGENT}

    def signed(self, operation: Operation | None, headers: Mapping[str, str]) -> Signed:
        """Return the credentials of an operation.

        Raises:
            CredentialsError: None of its alternatives is there in full.
        """
        alternatives = self.security
        if operation is not None:
            alternatives = alternatives if operation.security is None else operation.security
            alternatives = alternatives if operation.secured else ()
        # Unsupported schemes, such as mutual TLS, are the caller's.
        wanted = [[name for name in each if name in self.schemes] for each in alternatives]
        sent = Headers(headers)
        for names in wanted:
            if all(name in self.given or self._is_sent(name, sent) for name in names):
                return self._sign([name for name in names if not self._is_sent(name, sent)])
        if not wanted:
            return Signed()
        called = "a call" if operation is None else operation.name
        said = " or ".join("{" + ", ".join(f"{name!r}: ..." for name in names) + "}" for names in wanted)
        raise CredentialsError(f"{called} needs a credential: give the client credentials={said}")

    def _is_sent(self, name: str, headers: Headers) -> bool:
        scheme = self.schemes[name]
        return scheme.kind not in ("query", "cookie") and scheme.name in headers

    def _sign(self, names: list[str]) -> Signed:
        signed = Signed()
        for name in names:
            scheme, value = self.schemes[name], self.given[name].reveal()
            if scheme.kind == "query":
                signed.query[scheme.name] = value
            elif scheme.kind == "cookie":
                signed.cookies[scheme.name] = value
            else:
                signed.headers[scheme.name.lower()] = value
        return signed

    def _credentials(self, given: Secret[Any] | None) -> dict[str, Secret[str]]:
        """Return the credentials as they are sent; no frame that can raise has one."""
        credentials: Any = {} if given is None else given.reveal() or {}
        found: dict[str, Secret[str]] = {}
        for name in credentials:
            scheme = self.schemes.get(name)
            if scheme is None:
                known = ", ".join(map(repr, self.schemes)) or "none; use default_headers"
                raise ConfigurationError(f"credentials has {name!r}; the API's schemes are {known}")
            sent = _as_sent(scheme, Secret(credentials[name]))
            problem = (
                f"credentials[{name!r}] must be {_FORMS[scheme.kind == 'basic']}"
                if sent is None
                else (header_problem(scheme.name, sent.reveal()))
            )
            if problem is not None or sent is None:
                raise ConfigurationError(str(problem))
            found[name] = sent
        return found

    def _base(self, base_url: Secret[Any]) -> dict[str, Any]:
        """Return base URL and origin; a path such as `/v1` belongs to the URL.

        Raises:
            ConfigurationError: The URL can't be a base URL.
        """
        url = str(base_url.reveal())
        try:
            origin = origin_of(url)
        except ValueError as error:
            raise ConfigurationError(f"base_url is invalid: {error}") from None
        parts = urlsplit(url)
        if parts.query or parts.fragment:
            raise ConfigurationError("base_url is invalid: it must end with its path (see default_query)")
        return {"base_url": url.rstrip("/"), "origin": origin}


_FORMS = ("a string", "a tuple of user and password")


def _as_sent(scheme: Scheme, credential: Secret[Any]) -> Secret[str] | None:
    """Return a credential as the value of its header, parameter or cookie; `None` for one of another form."""
    value = credential.reveal()
    if scheme.kind == "basic":
        match value:
            case (str(user), str(password)) if ":" not in user:
                return Secret(f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}")
            case _:
                return None
    if not isinstance(value, str):
        return None
    return Secret(f"Bearer {value}" if scheme.kind == "bearer" else value)


def hide_credentials(settings: ApiSettings) -> None:
    """Wrap the credentials in place, so that they do not show as locals in a traceback."""
    values = cast(dict[str, Any], settings)
    if "credentials" in values:
        values["credentials"] = Secret(values["credentials"])


def api_config(resources: Any, settings: ApiSettings) -> ApiConfig:
    """Return the settings of a client of a generated package.

    Args:
        resources: A class of its `resources`.
        settings: Settings after `hide()` and `hide_credentials()`.

    Raises:
        ConfigurationError: A setting is invalid, or `base_url` is missing.
    """
    package = str(getattr(resources, "__module__", "")).rpartition(".resources")[0]
    if not package:
        raise ConfigurationError(
            f"give the client the SyncResources or AsyncResources of a generated package; got {resources!r}"
        )
    if cast(Any, settings).get("base_url") is None:
        raise ConfigurationError("give the client base_url=, the URL of the API")
    security = import_module(f"{package}.security")
    config = ApiConfig(schemes=security.SCHEMES, security=security.DEFAULT)
    return config.changed(cast(Settings, settings))
