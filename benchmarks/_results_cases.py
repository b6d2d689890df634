"""One case of the benchmark of results, in a separate process: prints seconds, lines and peak memory as JSON.

Seconds are those of the processor, which other programs on the machine change little. Every case keeps it busy.

A case is asked for by its name, with the URL of a server or the path of a file.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson
from _results_server import BATCH_ID

Measured = tuple[int, float]


def floor(url: str, use: Callable[[Any], object] = orjson.loads) -> Measured:
    """Floor: the same stream, split, and parsed by orjson into discarded dicts."""
    import httpx

    with httpx.Client(trust_env=False) as http:
        http.get(f"{url}/v1/messages/batches/{BATCH_ID}")
        start, count, rest = time.process_time(), 0, b""
        with http.stream("GET", f"{url}/v1/messages/batches/{BATCH_ID}/results") as response:
            for chunk in response.iter_raw():
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    use(line)
                count += len(lines)
        return count, time.process_time() - start


def floor_async(url: str) -> Measured:
    """Floor of asynchronous clients: the same on `httpx.AsyncClient`."""
    import httpx

    async def read() -> Measured:
        loads = orjson.loads
        async with httpx.AsyncClient(trust_env=False) as http:
            await http.get(f"{url}/v1/messages/batches/{BATCH_ID}")
            start, count, rest = time.process_time(), 0, b""
            async with http.stream("GET", f"{url}/v1/messages/batches/{BATCH_ID}/results") as response:
                async for chunk in response.aiter_raw():
                    lines = (rest + chunk).split(b"\n")
                    rest = lines.pop()
                    for line in lines:
                        loads(line)
                    count += len(lines)
            return count, time.process_time() - start

    return asyncio.run(read())


def by_hand(url: str) -> Measured:
    """Classes with slots, written by hand for these very lines, and the same fields read."""
    from _results_by_hand import result_of

    loads = orjson.loads
    return floor(url, lambda line: read_fields(result_of(loads(line))))


def nothing(url: str) -> Measured:
    """Run the program of `ours` up to the start of reading."""
    _client(url).messages.batches.retrieve(BATCH_ID)
    return 0, 0.0


def ours(url: str, use: Callable[[Any], object] | None = None) -> Measured:
    """Typed results by `claude_batches.Client`."""
    client = _client(url)
    client.messages.batches.retrieve(BATCH_ID)
    start, count = time.process_time(), 0
    for item in client.messages.batches.results(BATCH_ID):
        count += 1
        if use is not None:
            use(item)
    return count, time.process_time() - start


def ours_used(url: str) -> Measured:
    """Read the results, with text and usage of each."""
    return ours(url, read_fields)


def ours_async(url: str, use: Callable[[Any], object] | None = None) -> Measured:
    """Typed results by `claude_batches.AsyncClient`."""
    from claude_batches import AsyncClient

    async def read() -> Measured:
        async with AsyncClient(base_url=url, api_key="benchmark") as client:
            await client.messages.batches.retrieve(BATCH_ID)
            start, count = time.process_time(), 0
            async for item in client.messages.batches.results(BATCH_ID):
                count += 1
                if use is not None:
                    use(item)
            return count, time.process_time() - start

    return asyncio.run(read())


def ours_async_used(url: str) -> Measured:
    """Read the results, with text and usage of each."""
    return ours_async(url, read_fields)


def theirs(url: str, use: Callable[[Any], object] | None = None) -> Measured:
    """Typed results by `anthropic.Anthropic`."""
    import anthropic

    with anthropic.Anthropic(base_url=url, api_key="benchmark") as client:
        client.messages.batches.retrieve(BATCH_ID)
        start, count = time.process_time(), 0
        for item in client.messages.batches.results(BATCH_ID):
            count += 1
            if use is not None:
                use(item)
        return count, time.process_time() - start


def theirs_used(url: str) -> Measured:
    """Read the results, with text and usage of each."""
    return theirs(url, read_fields)


def theirs_async(url: str, use: Callable[[Any], object] | None = None) -> Measured:
    """Typed results by `anthropic.AsyncAnthropic`."""
    import anthropic

    async def read() -> Measured:
        async with anthropic.AsyncAnthropic(base_url=url, api_key="benchmark") as client:
            await client.messages.batches.retrieve(BATCH_ID)
            start, count = time.process_time(), 0
            async for item in await client.messages.batches.results(BATCH_ID):
                count += 1
                if use is not None:
                    use(item)
            return count, time.process_time() - start

    return asyncio.run(read())


def theirs_async_used(url: str) -> Measured:
    """Read the results, with text and usage of each."""
    return theirs_async(url, read_fields)


def file(path: str) -> Measured:
    """Typed results by `claude_batches.results_from_file`."""
    from claude_batches import results_from_file

    start, count = time.process_time(), 0
    for _ in results_from_file(path):
        count += 1
    return count, time.process_time() - start


def no_file(path: str) -> Measured:
    """Run the program of `file` up to the start of reading."""
    from claude_batches import results_from_file

    results_from_file(path).close()
    return 0, 0.0


CASES: dict[str, Callable[[str], Measured]] = {
    case.__name__: case
    for case in (
        floor, floor_async, by_hand, nothing, ours, ours_used, ours_async, ours_async_used,
        theirs, theirs_used, theirs_async, theirs_async_used, file, no_file,
    )
}  # fmt: skip


def _client(url: str) -> Any:
    from claude_batches import Client

    return Client(base_url=url, api_key="benchmark")


def read_fields(item: Any) -> object:
    if item.result.type != "succeeded":
        return None
    message = item.result.message
    texts = [block.text for block in message.content if block.type == "text"]
    return texts, message.usage.output_tokens


if __name__ == "__main__":
    lines, seconds = CASES[sys.argv[1]](sys.argv[2])
    # Linux counts in kilobytes, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    sys.stdout.buffer.write(orjson.dumps({"lines": lines, "seconds": seconds, "peak": peak}))
