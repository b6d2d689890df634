"""The names and files that snippets use without a definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from claude_batches import AsyncClient, Client
from claude_batches.types import MessageBatch, Request

client: Client
async_client: AsyncClient
batch: MessageBatch
batch_id: str
requests: list[Request]
rows: Callable[[], Iterator[Request]]


#: The files that snippets read without a definition.
FILES = {
    "requests.jsonl": "".join(
        f'{{"custom_id": "request-{number}", "params": {{"model": "claude-haiku-4-5", "max_tokens": 100, '
        f'"messages": [{{"role": "user", "content": "Question {number}"}}]}}}}\n'
        for number in (1, 2, 7)
    ),
    "reviews.csv": "id,review\nr1,Arrived quickly.\nr2,Broke after two days.\n",
}


def values(url: str) -> dict[str, Any]:
    """Return the values: clients of a sandbox with one ended batch of three requests."""

    def ask(name: str, text: str) -> Request:
        message: Any = {"role": "user", "content": text}
        return {
            "custom_id": name,
            "params": {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": [message]},
        }

    # The names that the text of the pages uses.
    requests = [ask(f"request-{number}", f"Question {number}") for number in (1, 2, 7)]
    client = Client(base_url=url, api_key="any")
    batch = client.messages.batches.create(requests=requests)
    batch = client.messages.batches.wait(batch.id)
    return {
        "client": client,
        "async_client": AsyncClient(base_url=url, api_key="any"),
        "batch": batch,
        "batch_id": batch.id,
        "requests": requests,
        "rows": lambda: iter(requests),
    }
