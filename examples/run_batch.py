"""Run a batch from a file of questions, one a line: create it, wait for it, and print its results.

    python examples/run_batch.py questions.txt

The key is read from ANTHROPIC_API_KEY. To try it without one, start `claude-batches sandbox` in another terminal and
set the two variables that it prints.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from claude_batches import Client
from claude_batches.types import (
    MessageBatchErroredResult,
    MessageBatchSucceededResult,
    Request,
    TextBlock,
)


def requests(questions: Path) -> Iterator[Request]:
    with questions.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            yield {
                "custom_id": f"line-{number}",
                "params": {
                    "model": "claude-haiku-4-5",
                    "max_tokens": 300,
                    "messages": [{"role": "user", "content": line.strip()}],
                },
            }


def main(questions: Path) -> None:
    with Client() as client:
        batch = client.messages.batches.create(requests=requests(questions))
        print(f"created {batch.id}")
        client.messages.batches.wait(batch.id)
        with client.messages.batches.results(batch.id) as results:
            for item in results:
                match item.result:
                    case MessageBatchSucceededResult(message=message):
                        text = "".join(
                            block.text for block in message.content if isinstance(block, TextBlock)
                        )
                        print(f"{item.custom_id}: {text}")
                    case MessageBatchErroredResult(error=error):
                        print(f"{item.custom_id}: {error.error.type}: {error.error.message}", file=sys.stderr)
                    case other:
                        print(f"{item.custom_id}: {other.type}", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python examples/run_batch.py QUESTIONS, a file with one question a line")
    main(Path(sys.argv[1]))
