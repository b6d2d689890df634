"""Sandboxes for the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from claude_batches.sandbox import Sandbox

from tests.sandbox.calls import Caller, serving


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a sandbox whose clock nearly stops, so that a test advances it."""
    with Sandbox(speed=1e-9) as running:
        yield running


@pytest.fixture
def caller(sandbox: Sandbox) -> Iterator[Caller]:
    made = Caller(sandbox.url)
    yield made
    made.http.close()


@pytest.fixture(scope="module")
def refused_caller() -> Iterator[Caller]:
    """Return a caller of a sandbox that tests share, because it must refuse all their requests."""
    with serving() as caller:
        yield caller
        assert caller.page()["data"] == []


@pytest.fixture(scope="module")
def instant() -> Iterator[Caller]:
    """Return a caller of an instant sandbox that the tests of a module share."""
    with serving(instant=True) as caller:
        yield caller
