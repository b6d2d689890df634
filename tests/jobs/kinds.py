"""One interface over `Job` and `AsyncJob`, and over both ledgers, so that each test is written once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anyio.from_thread
from claude_batches import AsyncClient, Client
from claude_batches.jobs import AsyncJob, Job

Open = Callable[..., Any]


class Blocking:
    """An `AsyncJob` whose methods block, in a separate event loop."""

    def __init__(self, job: AsyncJob, client: AsyncClient, portal: Any) -> None:
        self._job = job
        self._client = client
        self._portal = portal

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._job, name)
        if name not in (
            "add",
            "submit",
            "poll",
            "collect",
            "retry",
            "run",
            "cancel",
            "resume",
            "resolve",
            "plan",
        ):
            return value

        def call(*arguments: Any, **options: Any) -> Any:
            async def awaited() -> Any:
                return await value(*arguments, **options)

            return self._portal.call(awaited)

        return call

    def close(self) -> None:
        self._portal.call(self._job.close)
        self._portal.call(self._client.close)


#: Options that suit an instant sandbox.
QUICK = {"poll_interval": 0.01, "max_poll_interval": 0.05, "settle_seconds": 1}


def sync_jobs(ledger: Any) -> Iterator[Open]:
    made: list[Any] = []

    def open_(name: Any, url: str | None, **options: Any) -> Job:
        client = None if url is None else Client(base_url=url, api_key="k", max_retries=0)
        job = Job.open(name, client=client, ledger=ledger, **{**QUICK, **options})
        made.extend(filter(None, (job, client)))
        return job

    yield open_
    for each in made:
        each.close()


def async_jobs(ledger: Any) -> Iterator[Open]:
    made: list[Any] = []
    with anyio.from_thread.start_blocking_portal() as portal:

        def open_(name: Any, url: str | None, **options: Any) -> Any:
            client = AsyncClient(base_url=url or "http://127.0.0.1:1", api_key="k", max_retries=0)
            job = AsyncJob.open(name, client=client, ledger=ledger, **{**QUICK, **options})
            made.append(Blocking(job, client, portal))
            return made[-1]

        yield open_
        for each in made:
            each.close()
