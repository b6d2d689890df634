"""Words of messages."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun.

    Args:
        number: The number.
        one: The noun for 1.
        several: The noun for others; by default the same with an `s`.
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
