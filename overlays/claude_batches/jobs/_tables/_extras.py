"""Packages of extras, imported when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ._errors import MissingExtraError

__all__ = ["optional", "require"]


def require(module: str, extra: str, purpose: str) -> Any:
    """Import a module of an extra.

    Args:
        module: Its full name.
        extra: The extra that installs it.
        purpose: The thing that it is needed for, as the subject of the error's sentence.

    Raises:
        MissingExtraError: It is not installed.
    """
    found = optional(module)
    if found is None:
        package = module.partition(".")[0]
        message = f"{purpose} needs the package {package}: install claude-batches[{extra}]"
        raise MissingExtraError(message, package)
    return found


def optional(module: str) -> Any | None:
    """Import a module; `None` where it is not installed.

    Args:
        module: Its full name.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        # A broken installation of it is not taken for a missing one.
        if error.name is None or not (module == error.name or module.startswith(f"{error.name}.")):
            raise
        return None
