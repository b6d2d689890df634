"""State of a client that flows need: settings, clock and known batches."""

from __future__ import annotations

import attrs

from .clock import Clock
from .config import Config
from .known_batches import KnownBatches

__all__ = ["Session"]


@attrs.frozen
class Session:
    """State that a client and its copies pass to every flow."""

    config: Config
    """Settings; a copy made by `with_options` has its own."""
    clock: Clock
    """Time and randomness."""
    batches: KnownBatches
    """Batches that the client and its copies created, and creates of unknown outcome."""

    def now(self) -> float:
        """Return seconds on the monotonic clock."""
        return self.clock.monotonic()
