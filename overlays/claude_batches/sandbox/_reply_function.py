"""Reply functions: functions of the user that answer requests in place of the sandbox."""

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
"""A function that answers a request (`{"custom_id": ..., "params": ...}`) in place of the sandbox.

It returns the text of the reply, a dictionary with fields of a message (the sandbox adds the others), or `None`
for the sandbox's own reply. It may raise `ReplyError`.
"""


class ReplyError(Exception):
    """An error of a reply function that makes its request `errored`.

    Args:
        kind: The type of the error, such as `overloaded_error`.
        message: The message.

    Raises:
        ValueError: The type is not one of an `errored` result.
    """

    def __init__(self, kind: str = "api_error", message: str = "The reply function failed.") -> None:
        if kind not in REQUEST_ERRORS:
            raise ValueError(
                f"{kind!r} is not a type of error of a request; use one of {', '.join(REQUEST_ERRORS)}"
            )
        super().__init__(message)
        self.kind = kind
        self.message = message


def load_reply(name: str) -> ReplyFunction:
    """Return the reply function of a name, `package.module:function` or `path/to/file.py:function`.

    This runs the code of its module.

    Raises:
        ValueError: The module cannot be loaded, or has no such function.
    """
    place, _, function_name = name.rpartition(":")
    if not place or not function_name:
        raise ValueError(f"{name!r} is not a reply function: write module:function or file.py:function")
    try:
        module = _load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except (ImportError, OSError) as error:
        raise ValueError(f"the module of the reply function {name!r} cannot be loaded: {error}") from error
    function: Any = getattr(module, function_name, None)
    if not callable(function):
        raise ValueError(f"{place} has no function {function_name!r}")  # noqa: TRY004 - the name is wrong, not a type
    return cast(ReplyFunction, function)


def _load_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
