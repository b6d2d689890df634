"""What a user's own function may do in place of the sandbox's model, and how to find one by its name."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from ._errors import REQUEST_ERRORS

__all__ = ["ReplyError", "ReplyFunction", "load_reply"]

ReplyFunction = Callable[[dict[str, Any]], str | dict[str, Any] | None]
"""Answers a request (`{"custom_id": ..., "params": ...}`) in place of the sandbox.

It gives the reply's text, or a dictionary with any fields of a message (the sandbox fills in the others), or
`None` to leave this request to the sandbox. It may raise `ReplyError`.
"""


class ReplyError(Exception):
    """Raised by a reply function to make its request end as `errored`.

    Args:
        kind: a kind of error, `overloaded_error` say.
        message: what the error tells a person.

    Raises:
        ValueError: no request fails like this.
    """

    def __init__(self, kind: str = "api_error", message: str = "The reply function failed.") -> None:
        if kind not in REQUEST_ERRORS:
            raise ValueError(
                f"{kind!r} is not how a request can fail; these are: {', '.join(REQUEST_ERRORS)}"
            )
        super().__init__(message)
        self.kind = kind
        self.message = message


def load_reply(name: str) -> ReplyFunction:
    """Find a reply function by its name, `package.module:function` or `path/to/file.py:function`.

    Loading it runs the code of its module.

    Raises:
        ValueError: there is no such module, or it has no such function.
    """
    place, _, function_name = name.rpartition(":")
    if not place or not function_name:
        raise ValueError(f"{name!r} is not a reply function: write module:function or file.py:function")
    try:
        module = _load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except (ImportError, OSError) as error:
        raise ValueError(f"the module of the reply function {name!r} can't be loaded: {error}") from error
    function: Any = getattr(module, function_name, None)
    if not callable(function):
        raise ValueError(f"{place} has no function {function_name!r}")  # noqa: TRY004 - a name was wrong
    return cast(ReplyFunction, function)


def _load_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
