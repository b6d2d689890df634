"""Fixtures of the official package's tests, with the clients of this package, and a report of the outcomes."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anthropic_shim as shim
import pytest

BASE_URL = os.environ["TEST_API_BASE_URL"]
OUTCOMES = Path(os.environ["CLAUDE_BATCHES_OUTCOMES"])


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def client(request: Any) -> Iterator[Any]:
    with shim.Anthropic(base_url=BASE_URL, api_key="my-anthropic-api-key") as client:
        yield client


@pytest.fixture(scope="session")
async def async_client(request: Any) -> AsyncIterator[Any]:
    if isinstance(getattr(request, "param", True), dict) and request.param.get("http_client") == "aiohttp":
        pytest.skip("aiohttp is not a client of this package")
    async with shim.AsyncAnthropic(base_url=BASE_URL, api_key="my-anthropic-api-key") as client:
        yield client


def pytest_runtest_logreport(report: Any) -> None:
    """Note the outcome of each test, and of a setup that did not pass."""
    if report.when == "call" or (report.when == "setup" and not report.passed):
        text = str(report.longrepr).splitlines()[-1][:300] if report.failed else ""
        with OUTCOMES.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"test": report.nodeid, "outcome": report.outcome, "error": text}) + "\n")
