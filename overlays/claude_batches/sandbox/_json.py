"""Type guards for parsed JSON values."""

from __future__ import annotations

from typing import Any, TypeGuard

__all__ = ["is_array", "is_object", "is_whole"]


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return true for a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Return true for a JSON array."""
    return isinstance(value, list)


def is_whole(value: object) -> TypeGuard[int]:
    """Return true for a whole number. In Python `True` is one as well, in JSON it is not."""
    return isinstance(value, int) and not isinstance(value, bool)
