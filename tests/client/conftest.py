from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Any

import pytest

from tests.support.clients import KINDS, Do, connected
from tests.support.server import Act, ScriptedServer

Connect = Callable[..., AbstractContextManager[Do]]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the environment variables of the machine."""
    for name in ("API_KEY", "AUTH_TOKEN", "BASE_URL", "LOG", "CUSTOM_HEADERS"):
        monkeypatch.delenv(f"ANTHROPIC_{name}", raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    """Start a server with a script: `serve(reply(200, ...), drop())`."""
    with ExitStack() as stack:

        def start(*script: Act) -> ScriptedServer:
            return stack.enter_context(ScriptedServer(script))

        yield start


@pytest.fixture(params=KINDS)
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Make a client of each kind in turn: `do = connect(server)`."""
    with ExitStack() as stack:

        def start(server: ScriptedServer | None, **options: Any) -> Do:
            if server is not None:
                options["url"] = server.url
            return stack.enter_context(partial(connected, request.param)(**options))

        yield start


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
