"""The signature of a client for `help()`, notebooks and other tools that do not read `Unpack[Settings]`."""

from __future__ import annotations

from typing import Any

from .config import Settings

__all__ = ["SettingsSignature"]


class SettingsSignature:
    """A `__signature__` with one keyword argument for each setting, made when it is first asked for.

    Args:
        names: Further keyword arguments.
    """

    def __init__(self, *names: str) -> None:
        self._names = names

    def __get__(self, instance: object, owner: type) -> Any:
        """Return the signature."""
        from inspect import Parameter, Signature

        annotations = {**dict.fromkeys(self._names, "Any"), **Settings.__annotations__}
        return Signature(
            [
                Parameter(
                    name,
                    Parameter.KEYWORD_ONLY,
                    default=None,
                    annotation=getattr(annotation, "__forward_arg__", annotation),
                )
                for name, annotation in annotations.items()
                if not name.startswith("set_")
            ]
        )
