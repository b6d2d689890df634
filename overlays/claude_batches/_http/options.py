"""Check of keyword arguments that `**options: Unpack[...]` accepts at run time."""

from __future__ import annotations

from typing import Any

__all__ = ["check_options"]


def check_options(options: Any, method: Any, known: Any) -> None:
    """Refuse unknown options.

    Raises:
        TypeError: An option is unknown. The message names the nearest known one.
    """
    if options and not options.keys() <= known.__annotations__.keys():
        raise _unexpected(options, method, known)


def _unexpected(options: Any, method: Any, known: Any) -> TypeError:
    import difflib
    import inspect

    name = next(each for each in options if each not in known.__annotations__)
    arguments = [each for each in inspect.signature(method).parameters if each != "options"]
    near = difflib.get_close_matches(name, [*arguments, *known.__annotations__], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return TypeError(f"{method.__qualname__}() got an unexpected keyword argument {name!r}{hint}")
