"""The body of a new batch whose requests are encoded already, such as those of a job."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping

import attrs

from .._http.upload import MadePiece, Payload
from .body_writer import WrittenBatch

__all__ = ["EncodedBody"]


@attrs.frozen
class EncodedBody:
    """A body that is made while it is sent: it takes neither memory nor a temporary file."""

    request_count: int
    """Number of requests."""
    size: int
    """Number of bytes."""
    chunks: Callable[[], Iterator[bytes]]
    """Makes the body. An exception before the last chunk prevents the batch."""

    def finish(self, others: Mapping[str, object] | None = None) -> WrittenBatch:
        """Return the body.

        Args:
            others: Properties besides `requests`: none.
        """
        if others:
            raise TypeError(f"an encoded body has no other properties; got {', '.join(others)}")
        payload = Payload([MadePiece(self.chunks, self.size)])
        # Only a search for a batch of unknown outcome compares custom_ids, and a job has a search of its own.
        return WrittenBatch(payload, self.request_count, array("q"))
