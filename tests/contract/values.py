"""Comparison of our reading with that of the official SDK."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from claude_batches_api.model import Model


def differing(ours: Any, theirs: Any, place: str = "") -> list[str]:
    """The places where two readings of the same JSON differ."""
    if isinstance(ours, Model):
        names = ours._fields.names
        return [
            line
            for name in names
            for line in differing(getattr(ours, name), _field(theirs, name), f"{place}.{name}")
        ]
    if isinstance(ours, list):
        if len(ours) != len(theirs):
            return [f"{place}: {len(ours)} items, and {len(theirs)}"]
        return [
            line
            for index, pair in enumerate(zip(ours, theirs, strict=True))
            for line in differing(*pair, f"{place}[{index}]")
        ]
    if isinstance(ours, datetime) and isinstance(theirs, str):
        theirs = datetime.fromisoformat(theirs)
    return [] if ours == theirs else [f"{place}: {ours!r}, and {theirs!r}"]


def _field(theirs: Any, name: str) -> Any:
    """A field as the official SDK has it: one that its types don't know yet is there only if it came."""
    return theirs.get(name) if isinstance(theirs, dict) else getattr(theirs, name, None)
