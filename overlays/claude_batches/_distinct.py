"""Counting of different hashes."""

from __future__ import annotations

from array import array
from itertools import compress

__all__ = ["distinct"]

#: Number of hashes compared at a time.
AT_ONCE = 65_536


def distinct(hashes: array[int]) -> int:
    """Return the number of different values in an array of 64-bit hashes."""
    parts = min(len(hashes) // AT_ONCE + 1, 256)
    if parts == 1:
        return len(set(hashes))
    # A set takes many times the memory of the array, so it holds a part of the hashes at a time: those with certain
    # values of one byte.
    bytes_ = hashes.tobytes()[:: hashes.itemsize]
    tables = (bytes(value % parts == part for value in range(256)) for part in range(parts))
    return sum(len(set(compress(hashes, bytes_.translate(table)))) for table in tables)
