"""Fixtures for tests that talk to a sandbox: `claude_sandbox`, and a marker that says how it is made.

    @pytest.mark.claude_sandbox(faults="flaky", seed=3)
    def test_my_pipeline(claude_sandbox): ...

Every test has a sandbox of its own, on a free port, so tests may run side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from . import Sandbox

__all__ = ["claude_sandbox", "pytest_configure"]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "claude_sandbox(**options): options of claude_batches.sandbox.Sandbox for the claude_sandbox fixture; "
        "a sandbox is instant unless they say otherwise",
    )


@pytest.fixture
def claude_sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A running sandbox whose batches end when they are looked at; clients find it through the environment."""
    # Imported here, so that a test run which has the plugin but not the sandbox's extra still works.
    from . import Sandbox

    marker = request.node.get_closest_marker("claude_sandbox")
    options = {} if marker is None else dict(marker.kwargs)
    if "speed" not in options:
        options.setdefault("instant", True)
    with Sandbox(**options) as sandbox:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", sandbox.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sandbox")
        monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
        yield sandbox
