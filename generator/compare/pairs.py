"""Pairs of the common elements of two lists."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

#: An element and its identities, the most reliable first.
Identified = tuple[T, tuple[Hashable, ...]]


def paired(
    before: Sequence[Identified[T]], after: Sequence[Identified[T]]
) -> Iterator[tuple[T | None, T | None]]:
    """Yield the elements of both lists in the order of the first, then those of the second only."""
    found: dict[int, int] = {}
    for level in range(len(before[0][1]) if before else 0):
        taken = set(found.values())
        free: dict[Hashable, int] = {}
        for index, (_, identities) in enumerate(after):
            if index not in taken:
                free.setdefault(identities[level], index)
        for index, (_, identities) in enumerate(before):
            if index not in found and identities[level] in free:
                found[index] = free.pop(identities[level])
    for index, (each, _) in enumerate(before):
        yield each, after[found[index]][0] if index in found else None
    taken = set(found.values())
    for index, (each, _) in enumerate(after):
        if index not in taken:
            yield None, each
