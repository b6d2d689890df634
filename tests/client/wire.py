"""JSON as the API sends it, and requests to send to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def batch(identifier: str = "msgbatch_1", **changes: Any) -> dict[str, Any]:
    """Return a batch of two requests that has ended."""
    return {
        "id": identifier,
        "type": "message_batch",
        "processing_status": "ended",
        "request_counts": {"processing": 0, "succeeded": 2, "errored": 0, "canceled": 0, "expired": 0},
        "created_at": "2026-11-20T10:00:00Z",
        "expires_at": "2026-11-21T10:00:00Z",
        "ended_at": "2026-11-20T10:05:00Z",
        "cancel_initiated_at": None,
        "archived_at": None,
        "results_url": None,
        **changes,
    }


def new_batch(identifier: str, count: int, made: datetime | None = None) -> dict[str, Any]:
    """Return a batch that was created a moment ago."""
    made = made or datetime.now(UTC)
    return batch(
        identifier,
        processing_status="in_progress",
        request_counts={"processing": count, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0},
        created_at=made.isoformat(),
        ended_at=None,
    )


def page(
    *items: Any, more: bool = False, first: str | None = None, last: str | None = None
) -> dict[str, Any]:
    """Return a page of batches."""
    ids = [item["id"] for item in items]
    return {
        "data": list(items),
        "has_more": more,
        "first_id": first or (ids[0] if ids else None),
        "last_id": last or (ids[-1] if ids else None),
    }


def error(kind: str = "invalid_request_error", message: str = "No.", **more: Any) -> dict[str, Any]:
    """Return an error of the API."""
    return {"type": "error", "error": {"type": kind, "message": message, **more}, "request_id": "req_body"}


def request(custom_id: object, **params: Any) -> dict[str, Any]:
    """Return a request, with further params."""
    required = {
        "model": "claude-haiku-4-5",
        "max_tokens": 10,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    return {"custom_id": custom_id, "params": {**required, **params}}


def requests(count: int, **params: Any) -> list[dict[str, Any]]:
    """Return requests of a batch, with further params."""
    return [request(f"r-{index}", **params) for index in range(count)]
