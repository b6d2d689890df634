from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.attack.servers import KINDS, Caller, Server, connected


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the environment variables of the machine."""
    for name in ("API_KEY", "AUTH_TOKEN", "BASE_URL", "LOG", "CUSTOM_HEADERS"):
        monkeypatch.delenv(f"ANTHROPIC_{name}", raising=False)
    for scheme, form in itertools.product(("http", "https", "all", "no"), (str.lower, str.upper)):
        monkeypatch.delenv(form(f"{scheme}_proxy"), raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start a server: `serve(create=says(...))`."""
    with ExitStack() as stack:
        yield lambda **routes: stack.enter_context(Server(**routes))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of client in turn."""
    kind: str = request.param
    return kind


@pytest.fixture
def connect(kind: str) -> Iterator[Callable[..., Caller]]:
    """Make a client of each kind in turn: `call = connect(server)`."""
    with ExitStack() as stack:

        def start(server: Server | None = None, **options: Any) -> Caller:
            url = options.pop("url", None if server is None else server.url)
            return stack.enter_context(connected(kind, url, **options))

        yield start
