"""Shapes of JSON values, for type checkers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

__all__ = ["is_array", "is_mapping", "is_object", "is_path", "is_sequence", "object_of"]


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return true for a dict."""
    return isinstance(value, dict)


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Return true for a mapping."""
    return isinstance(value, Mapping)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Return true for a list."""
    return isinstance(value, list)


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Return true for a sequence that is neither text nor bytes."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)


def is_path(value: object) -> TypeGuard[str | os.PathLike[str]]:
    """Return true for a path, as text or as an object."""
    return isinstance(value, str | os.PathLike)


def object_of(value: object) -> dict[str, Any]:
    """Return a dict as it is, and an empty one for anything else."""
    return value if is_object(value) else {}
