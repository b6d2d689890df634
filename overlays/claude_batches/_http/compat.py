"""Names of the official SDK that need nothing of an HTTP library."""

from __future__ import annotations

from typing import Any, Final

from claude_batches_api.parameters import Unset

__all__ = ["DEFAULT_MAX_RETRIES", "NOT_GIVEN", "NotGiven", "Omit", "not_given", "omit"]

DEFAULT_MAX_RETRIES: Final = 2


class NotGiven(Unset):
    """The type of `not_given`: an argument that is left out."""

    def __repr__(self) -> str:
        return "NOT_GIVEN"


class Omit(Unset):
    """The type of `omit`: an argument that is left out; among headers, a header of the client that is not sent."""

    def __repr__(self) -> str:
        return "omit"


# Their type is `Any`, because every argument that may be left out accepts them.
not_given: Any = NotGiven()
"""Default of an omitted argument."""
NOT_GIVEN: Any = not_given
"""The same as `not_given`."""
omit: Any = Omit()
"""Default of an omitted argument."""
