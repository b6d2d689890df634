"""Headers and requests that are safe to show in a log, an error or a traceback."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, Never, TypeVar, cast, overload

import attrs
import orjson

__all__ = [
    "HIDDEN",
    "Headers",
    "Secret",
    "SentRequest",
    "header_problem",
    "redacted",
    "redacted_bytes",
    "shown_headers",
    "shown_url",
]

T = TypeVar("T")

#: Replaces a credential in all output.
HIDDEN = "***"

# Matched by name, because a header that a user or a proxy invented can hold a credential as well. Headers that begin
# with `anthropic-` name workspaces and versions, which belong in an error.
_CREDENTIAL = re.compile(r"auth|api-?key|cookie|credential|password|secret|signature|token", re.IGNORECASE)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

#: Shorter values are common words or numbers; replacing them would garble an error and protect nothing.
_SHORTEST_SECRET = 6


class Secret(Generic[T]):
    """A value that is hidden from reprs, from the locals of a traceback, and from pickles."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and bool(cast("Secret[T]", other)._value == self._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return f"<{HIDDEN}>"

    def __reduce__(self) -> Never:
        raise TypeError(
            "a credential can't be pickled or copied; pass it to a new client in the other process"
        )


class Headers(Mapping[str, str]):
    """Headers by name, case-insensitive. Repeated headers are joined with commas.

    Only the repr hides credentials.
    """

    __slots__ = ("_values",)

    def __init__(self, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, str] = {}
        values = self._values
        # The test of an abstract class takes three times as long, and a call makes several of these.
        if type(headers) is dict or isinstance(headers, Mapping):
            headers = cast(Mapping[str, str], headers).items()
        for name, value in headers:
            key = name.lower()
            values[key] = f"{values[key]}, {value}" if key in values else value

    def merged(self, *later: Mapping[str, str], omitted: Iterable[str] = ()) -> Headers:
        """Return the headers overridden by later ones, without the omitted ones.

        Args:
            *later: Headers, each stronger than those before.
            omitted: Names in lower case.
        """
        values = self._values.copy()
        for headers in later:
            known = headers if isinstance(headers, Headers) else Headers(headers)
            values.update(known._values)  # noqa: SLF001  # of the same class
        for name in omitted:
            values.pop(name, None)
        merged = Headers()
        merged._values = values
        return merged

    def to_dict(self) -> dict[str, str]:
        """Return the headers as a dict, credentials included."""
        return dict(self._values)

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    # The one of Mapping raises and catches an exception for a missing header.
    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, default: str | T, /) -> str | T: ...
    def get(self, key: str, default: Any = None, /) -> Any:
        """Return the value of a header, or the default."""
        return self._values.get(key.lower(), default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    # The one of Mapping makes two dicts.
    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, Headers) else super().__eq__(other)

    def __repr__(self) -> str:
        return f"Headers({dict(shown_headers(self))!r})"


@attrs.frozen
class SentRequest:
    """A sent request without credentials and body."""

    method: str
    url: str
    """Absolute URL. The query of a URL from the server is hidden, because it may be signed."""
    headers: Headers
    """Headers; credentials are replaced by `***`."""


def shown_headers(headers: Mapping[str, str]) -> Headers:
    """Return the headers with every possible credential replaced by `***`."""
    return Headers({name: HIDDEN if _CREDENTIAL.search(name) else value for name, value in headers.items()})


def shown_url(url: str) -> str:
    """Return a URL without the content of its query."""
    path, mark, _ = url.partition("?")
    return f"{path}{mark}{HIDDEN}" if mark else url


def header_problem(name: object, value: object) -> str | None:
    """Return the reason why a header can't be sent, without its value; `None` for a valid header.

    An HTTP library would quote the value in its exception. A returned text, unlike an exception raised here, leaves no
    frame with the value in a traceback.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        # A line `name: value` that is given as a name holds the value.
        kind = "" if isinstance(name, str) else f" and must be a string, not {type(name).__name__}"
        return f"the name of a header holds a character that can't be in one{kind}"
    if not isinstance(value, str):
        return f"the header {name!r} must be a string, not {type(value).__name__}"
    if not value.isascii() or _CONTROL.search(value):
        return f"the header {name!r} holds a line break or another character that can't be in a header"
    return None


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return a text with known secrets replaced by `***`."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, HIDDEN)
    return text


def redacted_bytes(content: bytes, secrets: Iterable[str]) -> bytes:
    """Return the bytes of a body with known secrets replaced by `***`, even if they are escaped as JSON."""
    known = [secret.encode() for secret in secrets if len(secret) >= _SHORTEST_SECRET]
    content = _replaced(content, known)
    if b"\\" not in content:
        return content
    try:
        plain = orjson.dumps(orjson.loads(content))
    except ValueError:
        return content
    hidden = _replaced(plain, known)
    return content if hidden == plain else hidden


def _replaced(content: bytes, secrets: Iterable[bytes]) -> bytes:
    for secret in secrets:
        content = content.replace(secret, HIDDEN.encode())
    return content
