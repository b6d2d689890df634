"""Check of the id that a user gives for a batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from .._errors import ConfigurationError

__all__ = ["check_id", "checked"]

P = ParamSpec("P")
T = TypeVar("T")


def check_id(batch_id: object) -> None:
    """Check an id before any I/O.

    Raises:
        ConfigurationError: It is not a string that names a batch: a path with it would lead to another resource.
    """
    if not isinstance(batch_id, str) or batch_id in ("", ".", "..") or not batch_id.isprintable():
        raise ConfigurationError(f"message_batch_id must be the id of a batch; got {batch_id!a:.80}")


def checked(method: Callable[P, T]) -> Callable[P, T]:
    """Return a generated method that checks its id first."""

    @wraps(method)
    def check_and_call(*arguments: P.args, **options: P.kwargs) -> T:
        given: tuple[Any, ...] = arguments
        if len(given) > 1 or "message_batch_id" in options:
            check_id(given[1] if len(given) > 1 else options["message_batch_id"])
        return method(*arguments, **options)

    return check_and_call
