"""A sandbox to talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from claude_batches.sandbox import Sandbox

from tests.sandbox.calls import Caller, serving


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox where time hardly passes by itself, so that a test moves it on."""
    with Sandbox(speed=1e-9) as running:
        yield running


@pytest.fixture
def caller(sandbox: Sandbox) -> Iterator[Caller]:
    made = Caller(sandbox.url)
    yield made
    made.http.close()


@pytest.fixture(scope="module")
def refused_caller() -> Iterator[Caller]:
    """A caller of a sandbox that tests share, because it has to refuse whatever they send."""
    with serving() as caller:
        yield caller
        assert caller.page()["data"] == []


@pytest.fixture(scope="module")
def instant() -> Iterator[Caller]:
    """A caller of a sandbox whose batches end when they are looked at; a module's tests share it."""
    with serving(instant=True) as caller:
        yield caller
