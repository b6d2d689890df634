"""The same with asyncio: several batches at once; the results of each are read when it has ended.

python examples/run_batch_async.py questions.txt more-questions.txt
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

from claude_batches import AsyncClient
from claude_batches.types import Request


def requests(questions: Path) -> list[Request]:
    return [
        {
            "custom_id": f"line-{number}",
            "params": {
                "model": "claude-haiku-4-5",
                "max_tokens": 300,
                "messages": [{"role": "user", "content": line}],
            },
        }
        for number, line in enumerate(questions.read_text(encoding="utf-8").splitlines())
    ]


async def run(client: AsyncClient, questions: Path) -> None:
    batch = await client.messages.batches.create(requests=requests(questions))
    await client.messages.batches.wait(batch.id)
    outcomes: Counter[str | None] = Counter()
    async for item in client.messages.batches.results(batch.id):
        outcomes[item.result.type] += 1
    print(f"{questions.name}: {batch.id}: {dict(outcomes)}")


async def main(files: list[Path]) -> None:
    async with AsyncClient() as client:
        await asyncio.gather(*(run(client, file) for file in files))


if __name__ == "__main__":
    asyncio.run(main([Path(name) for name in sys.argv[1:]]))
