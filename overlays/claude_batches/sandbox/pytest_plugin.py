"""A pytest fixture with a running sandbox, `claude_sandbox`, and a marker with its options.

    @pytest.mark.claude_sandbox(faults="flaky", seed=3)
    def test_my_pipeline(claude_sandbox): ...

Every test has its own sandbox on a free port, so tests can run in parallel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from . import Sandbox

__all__ = ["claude_sandbox", "pytest_configure"]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        "claude_sandbox(**options): options of claude_batches.sandbox.Sandbox for the claude_sandbox fixture; "
        "a sandbox is instant by default",
    )


@pytest.fixture
def claude_sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Run an instant sandbox for the test. Clients find it through the environment."""
    try:
        # Here and not at the top: pytest loads this module without the extra as well.
        from . import Sandbox
    except ModuleNotFoundError as error:
        pytest.fail(str(error), pytrace=False)

    marker = request.node.get_closest_marker("claude_sandbox")
    options = {} if marker is None else dict(marker.kwargs)
    if "speed" not in options:
        options.setdefault("instant", True)
    with Sandbox(**options) as sandbox:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", sandbox.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sandbox")
        monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
        yield sandbox
