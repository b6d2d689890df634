"""Memory that the C library keeps after it was freed."""

from __future__ import annotations

import sys
from contextlib import suppress

__all__ = ["give_back"]


def give_back() -> None:
    """Give freed memory back to the system, as far as the C library can: glibc keeps most of it."""
    if sys.platform == "linux":
        import ctypes

        # Other C libraries for Linux have no such function.
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)
