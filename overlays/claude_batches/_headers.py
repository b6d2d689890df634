"""Headers and requests that can be shown, in a log, an error or a traceback, without a credential in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, Never, TypeVar, cast

import attrs

__all__ = [
    "HIDDEN",
    "Headers",
    "Secret",
    "SentRequest",
    "clean",
    "header_problem",
    "shown_headers",
    "shown_url",
]

T = TypeVar("T")

#: What stands in the place of a credential.
HIDDEN = "***"

# By name, since a header that a user or a proxy invented can hold a credential as well. Our own
# `anthropic-` headers name workspaces and versions, which is what one wants to see.
_CREDENTIAL = re.compile(r"auth|api-?key|cookie|credential|password|secret|signature|token", re.IGNORECASE)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Secret(Generic[T]):
    """A value that doesn't show itself: not in a repr, not in the locals of a traceback, not in a pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return f"<{HIDDEN}>"

    def __reduce__(self) -> Never:
        raise TypeError("a credential can't be pickled or copied; give it to a new client there")


class Headers(Mapping[str, str]):
    """Headers by name, without regard to case. A header that came more than once is joined with commas.

    Its repr, and that alone, hides what may be a credential.
    """

    __slots__ = ("_values",)

    def __init__(self, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, str] = {}
        pairs = cast(Mapping[str, str], headers).items() if isinstance(headers, Mapping) else headers
        for name, value in pairs:
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def to_dict(self) -> dict[str, str]:
        """The headers as a dict, credentials and all, for an HTTP library."""
        return dict(self._values)

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __repr__(self) -> str:
        return f"Headers({dict(shown_headers(self))!r})"


@attrs.frozen
class SentRequest:
    """A request as it was sent, less its credentials and its body."""

    method: str
    url: str
    """The absolute URL; the query of a URL that the server gave is hidden, as it may be signed."""
    headers: Headers
    """The headers; `***` stands for a credential."""


def shown_headers(headers: Mapping[str, str]) -> Headers:
    """The headers with `***` in the place of what may be a credential."""
    return Headers({name: HIDDEN if _CREDENTIAL.search(name) else value for name, value in headers.items()})


def shown_url(url: str) -> str:
    """A URL without what stands in its query."""
    path, mark, _ = url.partition("?")
    return f"{path}{mark}{HIDDEN}" if mark else url


def header_problem(name: str, value: object) -> str | None:
    """Why a value can't be in a header, without showing it; `None` where it can.

    An HTTP library would quote the value in its complaint. And this tells instead of raising, so that no
    traceback has a frame with the value in it.
    """
    if not _NAME.fullmatch(name):
        return f"{name!r} can't be the name of a header"
    if not isinstance(value, str):
        return f"the header {name!r} must be a string, not {type(value).__name__}"
    if not value.isascii() or _CONTROL.search(value):
        return f"the header {name!r} holds a line break or another character that can't be in one"
    return None


def clean(text: str, secrets: Iterable[str]) -> str:
    """Somebody else's text, with known secrets hidden."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    return text
