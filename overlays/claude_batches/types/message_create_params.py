"""The params of one request."""

from __future__ import annotations

from claude_batches_api.params import MessageCreateParamsNonStreaming

__all__ = ["MessageCreateParamsNonStreaming"]
