"""The cases of `jobs.py`, each run as a process: `python _jobs_cases.py CASE URL FOLDER COUNT SIZE`.

The process prints one line of JSON: its seconds and its processor time without imports, its peak memory, and more by
case. Rows that have an answer are written to `answers.json` in the folder. Cases of other libraries run in environments
of their own, so nothing but the standard library is imported here.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

MODEL = "claude-haiku-4-5"
#: The exit status of a case that waits for a person's decision.
UNDECIDED = 3
_FILLER = "the coffee was hot and the waiter was friendly. " * 3
_NUMBER = re.compile(r"hello (\d+)")


def prompt(index: int) -> str:
    """Return the prompt of a row, which answers of the sandbox repeat."""
    # Text that compresses as prose does, by half.
    return f"hello {index}: {_FILLER}{blake2b(b'%d' % index).hexdigest()}"


def requests(count: int) -> Iterator[dict[str, Any]]:
    """Yield requests of about 450 bytes."""
    for index in range(count):
        message = {"role": "user", "content": prompt(index)}
        yield {
            "custom_id": f"row-{index}",
            "params": {"model": MODEL, "max_tokens": 1024, "messages": [message]},
        }


def number(text: str) -> int | None:
    """Return the number of the row that an answer is for."""
    found = _NUMBER.search(text)
    return None if found is None else int(found[1])


def add(_url: str, folder: Path, count: int, size: int) -> dict[str, Any]:
    """Add rows to a job."""
    from claude_batches.jobs import Job

    job_folder = folder / "a.job"
    started = _begun()
    with Job.open(job_folder, max_requests=size) as job:
        job.add(requests(count))
    spent = _spent(started)
    bodies = sum(path.stat().st_size for path in (job_folder / "bodies").iterdir())
    return {
        **spent,
        "ledger_mb": (job_folder / "ledger.sqlite").stat().st_size / 1e6,
        "bodies_mb": bodies / 1e6,
    }


def bare(_url: str, folder: Path, count: int, _size: int) -> dict[str, Any]:
    """Insert the same rows with `sqlite3` alone: no requests, no bodies."""
    database = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    for statement in (
        "PRAGMA journal_mode = WAL",
        "PRAGMA cache_size = -32000",
        (
            "CREATE TABLE item (position INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, shard INTEGER NOT NULL, "
            "place INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT 1, cause TEXT, "
            "result INTEGER)"
        ),
    ):
        database.execute(statement)
    started = _begun()
    rows = (
        (index, blake2b(b"row-%d" % index, digest_size=16).digest(), index // 100_000, index)
        for index in range(count)
    )
    while part := list(islice(rows, 20_000)):
        database.execute("BEGIN")
        database.executemany("INSERT INTO item (position, key, shard, place) VALUES (?, ?, ?, ?)", part)
        database.execute("COMMIT")
    spent = _spent(started)
    database.close()
    return {**spent, "ledger_mb": (folder / "bare.sqlite").stat().st_size / 1e6}


def ledger(_url: str, folder: Path, count: int, size: int) -> dict[str, Any]:
    """Insert the same rows into a ledger: no requests, no bodies."""
    from claude_batches.jobs._ledger._sqlite import SqliteLedger

    database = SqliteLedger(folder / "ledger.sqlite")
    database.write()
    started = _begun()
    with database.exclusive():
        for first in range(0, count, 36_000):
            part = range(first, min(first + 36_000, count))
            keys = [blake2b(b"row-%d" % index, digest_size=16).digest() for index in part]
            with database.portion():
                database.insert_items(first // size, part, keys, part)
    spent = _spent(started)
    database.close()
    return {**spent, "ledger_mb": (folder / "ledger.sqlite").stat().st_size / 1e6}


def hand(url: str, folder: Path, count: int, size: int) -> dict[str, Any]:
    """Create and read the same batches with the client: no ledger, and nothing to continue from after a crash."""
    from claude_batches import Client

    started = _begun()
    answered: list[int] = []
    with Client(base_url=url, api_key="k") as client:
        batches = client.messages.batches
        source = requests(count)
        created = [batches.create(requests=islice(source, size)).id for _ in range(-(-count // size))]
        for batch_id in created:
            batches.wait(batch_id)
        for batch_id in created:
            for item in batches.results(batch_id):
                if item.result.type == "succeeded":
                    _note(answered, count, item.result.message.content[0].text)
    return _done(started, folder, answered, count)


def job(url: str, folder: Path, count: int, size: int) -> dict[str, Any]:
    """Run a job, and read its rows in input order."""
    from claude_batches import Client
    from claude_batches.jobs import Job

    started = _begun()
    answered: list[int] = []
    options: Any = {"max_requests": size, "poll_interval": 0.05, "max_poll_interval": 1, "settle_seconds": 2}
    steps: dict[str, float] = {}
    with (
        Client(base_url=url, api_key="k", max_retries=0) as client,
        Job.open(folder / "a.job", client=client, **options) as running,
    ):
        running.add(requests(count))
        steps["add"] = _spent(started)["seconds"]
        running.run()
        steps["run"] = _spent(started)["seconds"] - steps["add"]
        for row in running.results():
            message = row.message
            if message is not None:
                _note(answered, count, message.content[0].text)
    return _done(started, folder, answered, count) | steps


def batchor(url: str, folder: Path, count: int, size: int) -> dict[str, Any]:
    """Do the same with batchor, which continues a run by its id."""
    os.environ["ANTHROPIC_BASE_URL"] = url
    # Its token counts come from a file that tiktoken downloads; without it they are estimates.
    sys.modules["tiktoken"] = None  # type: ignore[assignment]
    import batchor as library

    config = library.AnthropicProviderConfig(
        model=MODEL, max_tokens=1024, api_key="k", poll_interval_sec=0.05
    )
    started = _begun()
    runner = library.BatchRunner(
        storage=library.SQLiteStorage(path=folder / "batchor.sqlite"),
        artifact_store=library.LocalArtifactStore(folder / "artifacts"),
        temp_root=folder,
    )
    work = library.BatchJob(
        items=[library.BatchItem(item_id=f"row-{index}", payload=prompt(index)) for index in range(count)],
        build_prompt=lambda item: library.PromptParts(prompt=item.payload),
        provider_config=config,
        chunk_policy=library.ChunkPolicy(max_requests=size),
    )
    answered: list[int] = []
    try:
        run = runner.run_and_wait(work, run_id="benchmark")
    except library.RunSubmissionIndeterminateError:
        sys.exit(UNDECIDED)
    for result in run.results():
        _note(answered, count, result.output_text or "")
    return _done(started, folder, answered, count)


def pydantic_ai(url: str, folder: Path, count: int, size: int) -> dict[str, Any]:
    """Do the same with pydantic-ai, which continues nothing."""
    os.environ.update(ANTHROPIC_BASE_URL=url, ANTHROPIC_API_KEY="k")
    from pydantic_ai import ModelRequest
    from pydantic_ai.direct import model_request_batch
    from pydantic_ai.models.batch import BatchRequest

    async def run() -> list[Any]:
        return await model_request_batch(
            f"anthropic:{MODEL}",
            [
                BatchRequest(
                    custom_id=f"row-{index}",
                    messages=[ModelRequest.user_text_prompt(prompt(index))],
                    model_settings={"max_tokens": 1024},
                )
                for index in range(count)
            ],
            max_requests=size,
            poll_interval=timedelta(seconds=0.05),
        )

    started = _begun()
    answered: list[int] = []
    for response in asyncio.run(run()):
        if not isinstance(response, Exception):
            _note(answered, count, response.text or "")
    return _done(started, folder, answered, count)


CASES: dict[str, Callable[[str, Path, int, int], dict[str, Any]]] = {
    "add": add,
    "bare": bare,
    "ledger": ledger,
    "hand": hand,
    "job": job,
    "batchor": batchor,
    "pydantic-ai": pydantic_ai,
}
#: Rows whose numbers are noted: more of them would be the memory that is measured.
_NOTED = 10_000


def _note(answered: list[int], count: int, text: str) -> None:
    found = number(text)
    if found is not None and count <= _NOTED:
        answered.append(found)
    elif not answered:
        answered.append(0)
    else:
        answered[0] += 1


def _begun() -> tuple[float, float]:
    """Return the time and the processor time, after imports."""
    return time.perf_counter(), time.process_time()


def _spent(started: tuple[float, float]) -> dict[str, Any]:
    clock, work = started
    return {"seconds": time.perf_counter() - clock, "work": time.process_time() - work}


def _done(started: tuple[float, float], folder: Path, answered: list[int], count: int) -> dict[str, Any]:
    spent = _spent(started)
    rows = len(answered) if count <= _NOTED else answered[0] + 1
    (folder / "answers.json").write_text(json.dumps(answered))
    return {**spent, "rows": rows}


def peak() -> float:
    """Return the peak memory of this process in megabytes."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6


def main(case: str, url: str, folder: str, count: str, size: str) -> None:
    """Run a case."""
    measured = CASES[case](url, Path(folder), int(count), int(size))
    print(json.dumps({**measured, "peak_mb": peak()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
