"""Plain HTTP to a sandbox: the small vocabulary that the tests share."""

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
    """The params of a request that says `text`; a change to `None` leaves a key out."""
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
    """Plain HTTP to a sandbox: what a test says, and no more."""

    def __init__(self, url: str, **options: Any) -> None:
        # No TLS is spoken here, so don't spend time on reading certificates.
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
        """The results of a batch by their custom ids."""
        lines = self.http.get(f"{BATCHES}/{batch_id}/results").content.splitlines()
        return {line["custom_id"]: line["result"] for line in map(orjson.loads, lines)}

    def answer(self, **changes: Any) -> dict[str, Any]:
        """The result of a batch of one request with these params."""
        batch = self.create_from([{"custom_id": "only", "params": params(**changes)}])
        return self.results(batch["id"])["only"]

    @staticmethod
    def _good(response: httpx.Response) -> dict[str, Any]:
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body


@contextmanager
def serving(**options: Any) -> Iterator[Caller]:
    """A caller of a sandbox that is there for the length of a `with` block."""
    with Sandbox(**options) as sandbox:
        caller = Caller(sandbox.url)
        try:
            yield caller
        finally:
            caller.http.close()
