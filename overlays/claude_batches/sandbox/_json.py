"""What a parsed JSON value is, in a way that type checkers follow."""

from __future__ import annotations

from typing import Any, TypeGuard

__all__ = ["is_array", "is_object", "is_whole"]


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is a whole number: Python counts `true` as one, JSON doesn't."""
    return isinstance(value, int) and not isinstance(value, bool)
