"""Latency of the sandbox, because a test suite of a user makes thousands of calls."""

from __future__ import annotations

import time

import httpx
from claude_batches.sandbox import Sandbox

from tests.contract.calls import KEY

HEADERS = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}


def test_an_answer_waits_for_no_acknowledgement(sandbox: Sandbox) -> None:
    """On a connection that is kept open, the fastest of many answers comes well before a delayed ACK would."""
    with httpx.Client(base_url=sandbox.url, headers=HEADERS) as http:

        def seconds() -> float:
            start = time.perf_counter()
            assert http.get("/v1/messages/batches").status_code == 200
            return time.perf_counter() - start

        # The kernel acknowledges at once while a connection is young.
        assert min([seconds() for _ in range(40)][20:]) < 0.03
