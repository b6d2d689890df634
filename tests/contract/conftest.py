"""The servers of the contract tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from claude_batches.sandbox import Sandbox

from tests.contract.calls import KEY


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox where time only passes when a test lets it."""
    with Sandbox(speed=1e-9, api_key=KEY) as running:
        yield running
