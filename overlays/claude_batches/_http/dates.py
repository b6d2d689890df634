"""Dates in headers."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["header_date"]


def header_date(text: str) -> datetime:
    """Parse a date. One without a zone, or with the zone `-0000`, is in UTC.

    Raises:
        ValueError: The text is not a date.
    """
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (TypeError, OverflowError):
        problem = f"{text!r} is not a date"
    raise ValueError(problem)
