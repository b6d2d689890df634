"""The arguments of `create`."""

from __future__ import annotations

from claude_batches_api.params import BatchCreateParams, Request

__all__ = ["BatchCreateParams", "Request"]
