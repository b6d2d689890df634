"""Pages of lists, by their names in the official SDK."""

from __future__ import annotations

from ._async.pages import AsyncPage
from ._sync.pages import Page as SyncPage

__all__ = ["AsyncPage", "SyncPage"]
