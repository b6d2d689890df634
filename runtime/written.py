"""Functions that are written at run time.

attrs makes constructors in the same way: an attribute that is written out costs a fraction of one that is looked up by
name. The text of a function contains names of slots and quoted keys of the spec, which the generator has made safe.
Every other value is a global of the function.
"""

from __future__ import annotations

from typing import Any

__all__ = ["bound", "rewrite", "written"]


def written(source: str, names: dict[str, Any]) -> Any:
    """Return the only function of a source text.

    Args:
        source: The text.
        names: The globals of the function.
    """
    defined: dict[str, Any] = {}
    exec(source, names, defined)  # noqa: S102
    (function,) = defined.values()
    return function


def rewrite(function: Any, source: str) -> None:
    """Replace the code of a function in place, so that each reference to it has the new code."""
    function.__code__ = written(source, function.__globals__).__code__


def bound(value: Any, names: dict[str, Any]) -> str:
    """Add a value to the globals of a function that is being written, and return its name."""
    name = f"bound_{len(names)}"
    names[name] = value
    return name
