"""Packages whose names are imported when they are first asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["attributes", "finder"]


def attributes(
    package: str, modules: Mapping[str, str], find: Callable[[str], Any] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package.

    Args:
        package: Its name.
        modules: The module of the package that each of its names is in.
        find: What a name stands for; without it, what the module has under that name.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        value = getattr(import_module(f".{modules[name]}", package), name) if find is None else find(name)
        # The next time, Python finds it without asking here.
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*modules, *vars(sys.modules[package])})

    return get, names


def finder(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """What decodes the type of a name: a model, or the link of another name for a type."""

    def find(name: str) -> Any:
        module = import_module(f".{modules[name]}", package)
        return getattr(module, "LINK", None) or getattr(module, name)

    return find
