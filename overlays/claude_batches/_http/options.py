"""Check of the keyword arguments that handwritten methods collect as options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from claude_batches_api.parameters import Unset
from claude_batches_api.request import check_options as check_names

__all__ = ["check_options", "given"]


def check_options(options: Mapping[str, Any], method: Callable[..., Any], known: type) -> None:
    """Refuse unknown options before any I/O.

    Args:
        options: The collected arguments.
        method: The method, whose arguments are suggested as well.
        known: The `TypedDict` of the options.

    Raises:
        TypeError: An option is unknown. The message names the nearest known one.
    """
    names = known.__annotations__.keys()
    if options.keys() <= names:
        return
    import inspect

    arguments = [name for name in inspect.signature(method).parameters if name not in ("options", "settings")]
    check_names(options, method.__qualname__, arguments, names)


def given(options: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """Return the value of an option, or the default if the option is missing or `NOT_GIVEN`."""
    value = options.get(name, default)
    return default if isinstance(value, Unset) else value
