"""The arguments of `list`."""

from __future__ import annotations

from typing import TypedDict

__all__ = ["BatchListParams"]


class BatchListParams(TypedDict, total=False):
    """The arguments of `list`, to collect them before the call."""

    after_id: str
    """Id of a batch; the page begins after it."""
    before_id: str
    """Id of a batch; the page ends before it."""
    limit: int
    """Number of batches in a page, from 1 to 1000. Default: 20."""
    workspace_id: str
    """Workspace to act in, for credentials with access to several."""
