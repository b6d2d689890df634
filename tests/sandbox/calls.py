"""Plain HTTP requests to a sandbox, shared by the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
from claude_batches.sandbox import Sandbox

HEADERS = {"x-api-key": "any", "anthropic-version": "2023-06-01"}
BATCHES = "/v1/messages/batches"


def params(text: str = "Hello", **changes: Any) -> dict[str, Any]:
    """Return the params of a request with a text; a change to `None` removes a key."""
    whole = {
        "model": "claude-haiku-4-5",
        "max_tokens": 256,
        "messages": [{"role": "user", "content": text}],
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not None}


def requests(*texts: str) -> list[dict[str, Any]]:
    return [{"custom_id": f"r{index}", "params": params(text)} for index, text in enumerate(texts)]


class Caller:
    """A client of plain HTTP requests."""

    def __init__(self, url: str, **options: Any) -> None:
        # Without TLS, loading certificates would only cost time.
        self.http = httpx.Client(base_url=url, headers=HEADERS, timeout=30, verify=False, **options)

    def create(self, *texts: str) -> dict[str, Any]:
        return self.create_from(requests(*texts))

    def create_from(self, wanted: list[dict[str, Any]]) -> dict[str, Any]:
        return self._good(self.http.post(BATCHES, json={"requests": wanted}))

    def retrieve(self, batch_id: str) -> dict[str, Any]:
        return self._good(self.http.get(f"{BATCHES}/{batch_id}"))

    def cancel(self, batch_id: str) -> dict[str, Any]:
        return self._good(self.http.post(f"{BATCHES}/{batch_id}/cancel"))

    def page(self, **query: Any) -> dict[str, Any]:
        return self._good(self.http.get(BATCHES, params=query))

    def results(self, batch_id: str) -> dict[str, dict[str, Any]]:
        """Return the results of a batch by `custom_id`."""
        lines = self.http.get(f"{BATCHES}/{batch_id}/results").content.splitlines()
        return {line["custom_id"]: line["result"] for line in map(orjson.loads, lines)}

    def answer(self, **changes: Any) -> dict[str, Any]:
        """Return the result of a batch of one request with these params."""
        batch = self.create_from([{"custom_id": "only", "params": params(**changes)}])
        return self.results(batch["id"])["only"]

    @staticmethod
    def _good(response: httpx.Response) -> dict[str, Any]:
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body


@contextmanager
def serving(**options: Any) -> Iterator[Caller]:
    """Run a sandbox for the length of a `with` block, and yield a caller of it."""
    with Sandbox(**options) as sandbox:
        caller = Caller(sandbox.url)
        try:
            yield caller
        finally:
            caller.http.close()
