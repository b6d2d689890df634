"""Packages that import a name on first use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["attributes", "finder"]


def attributes(
    package: str, modules: Mapping[str, str], find: Callable[[str], Any] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the functions `__getattr__` and `__dir__` of a package.

    Args:
        package: The name of the package.
        modules: The module of each name in it.
        find: Returns the value of a name. By default it is the attribute of the module.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        value = getattr(import_module(f".{modules[name]}", package), name) if find is None else find(name)
        # From now on, Python finds it without this function.
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*modules, *vars(sys.modules[package])})

    return get, names


def finder(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the function that finds a type by name: a model, or the link of an alias or a union."""

    def find(name: str) -> Any:
        module = import_module(f".{modules[name]}", package)
        return getattr(module, "LINK", None) or getattr(module, name)

    return find
