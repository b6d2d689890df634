"""Check of the keyword arguments that handwritten methods collect as options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from claude_batches_api.parameters import Unset
from claude_batches_api.request import Operation, RequestOptions
from claude_batches_api.request import check_options as check_names

__all__ = ["check_options", "given", "shows_options", "split_options"]

F = TypeVar("F", bound=Callable[..., Any])


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


def split_options(options: Mapping[str, Any], operation: Operation) -> tuple[RequestOptions, dict[str, Any]]:
    """Separate `RequestOptions` from the arguments of an operation, those that are not given left out.

    Args:
        options: The collected arguments, checked before.
        operation: The operation.
    """
    own = operation.arguments
    known = cast(RequestOptions, {name: value for name, value in options.items() if name not in own})
    return known, {name: value for name, value in options.items() if name in own}


def shows_options(operation: Operation) -> Callable[[F], F]:
    """Decorate a method whose `**options` hold the optional arguments of an operation.

    `help()` and notebooks do not read `Unpack`. They read a signature with each of these arguments.
    """

    def decorate(method: F) -> F:
        from inspect import Parameter, signature

        shown = signature(method)
        *named, options = shown.parameters.values()
        new = [
            Parameter(name, Parameter.KEYWORD_ONLY, default=None)
            for name in operation.arguments
            if name not in shown.parameters
        ]
        method.__signature__ = shown.replace(parameters=[*named, *new, options])  # type: ignore[attr-defined]
        return method

    return decorate
