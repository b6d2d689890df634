"""Runs jobs in processes that are killed. Started as a script; reads one order a line, and answers with one.

Each order is done in a fork of this process, so that a kill costs the time of a fork and not that of an import. Nothing
of this is in the package: the kill points are wrapped around functions that the package calls.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import httpx
from claude_batches import AsyncClient, Client
from claude_batches._interrupts import Interrupts
from claude_batches.jobs import AsyncJob, Job, JobReport, PostgresLedger, begin, commit, stage
from claude_batches.jobs._folder import _FileWriter
from claude_batches.jobs._ledger import _sqlite
from claude_batches.jobs._ledger._postgres import PostgresJob

#: How a process ends whose `run` was stopped by Ctrl-C: after its step, or at once.
STOPPED, CUT_OFF = 5, 130

#: Small portions that are added before the whole, and merged.
PORTIONS = (4, 8)


def requests(count: int, start: int = 0, prefix: str = "row ") -> Any:
    """Yield small requests, each with a different text."""
    for index in range(start, start + count):
        message = {"role": "user", "content": f"hello {index}"}
        yield {
            "custom_id": f"{prefix}{index}",
            "params": {"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": [message]},
        }


def prefix_of(name: Path | str, ids: str) -> str:
    """Return the part of a job's custom_ids before their number.

    Own ids have as many parts as derived ones, so that one count reads both: the job, any text, the position.
    """
    if ids == "derived":
        return "row "
    # Without the suffix: a folder after a power cut has another one than before.
    return f"{blake2b(Path(name).stem.encode(), digest_size=8).hexdigest()}-own-"


class Points:
    """Counts the points at which something becomes durable or is sent, and dies or is interrupted at one."""

    def __init__(self) -> None:
        self.passed = 0
        self._strike_at = 0
        self._interrupts = 0
        # A job passes points in more than one thread.
        self._lock = threading.Lock()
        self._main = threading.get_ident()
        self._handled = threading.Event()

    def begin(self, strike_at: int, interrupts: int = 0) -> None:
        """Count from here, and die at a point, or be interrupted there as often as is said."""
        self.passed, self._strike_at, self._interrupts = 0, strike_at, interrupts

    def pass_(self, _: str) -> None:
        with self._lock:
            self.passed += 1
            struck = self.passed == self._strike_at
        if not struck:
            return
        if not self._interrupts:
            os.kill(os.getpid(), signal.SIGKILL)
        for _ in range(self._interrupts):
            # Signals that wait for their handler are one.
            self._handled.clear()
            signal.pthread_kill(self._main, signal.SIGINT)
            # Where the main thread was about to wait for this one, it runs the handler after another signal.
            assert any(self._handled.wait(0.05) or self._wake() for _ in range(1000))

    def _wake(self) -> None:
        signal.pthread_kill(self._main, signal.SIGUSR1)

    def around(self, owner: Any, name: str, *, only: Callable[..., bool] = lambda *_: True) -> None:
        real = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            if not only(*arguments):
                return real(*arguments, **options)
            self.pass_(f"before {name}")
            result = real(*arguments, **options)
            self.pass_(f"after {name}")
            return result

        async def awaited(*arguments: Any, **options: Any) -> Any:
            self.pass_(f"before {name}")
            result = await real(*arguments, **options)
            self.pass_(f"after {name}")
            return result

        setattr(owner, name, awaited if inspect.iscoroutinefunction(real) else watched)

    def watch_interrupts(self) -> None:
        """Note that a Ctrl-C was handled, however that went."""
        signal.signal(signal.SIGUSR1, lambda *_: None)
        real = Interrupts._received

        def received(*arguments: Any) -> None:
            try:
                real(*arguments)
            finally:
                self._handled.set()

        Interrupts._received = received  # type: ignore[method-assign]


def write(order: dict[str, Any]) -> int:
    """Write rows to a stage and commit them, as a driver with three tasks."""
    points = Points()
    points.begin(order.get("die_at", 0))
    points.around(os, "fsync")
    points.around(os, "unlink")
    points.around(Path, "rmdir")
    for ledger in (_sqlite.SqliteLedger, PostgresJob):
        points.around(ledger, "_run", only=lambda _, sql, *__: sql == "COMMIT")
        points.around(ledger, "insert_items")
    write = begin(order["folder"], order["stage"], ledger=order["dsn"])
    rows = list(requests(order["count"]))
    shards = [shard for part in range(3) for shard in stage(rows[part::3], write, partition=part)]
    commit(shards, write, ledger=order["dsn"])
    if "points" in order:
        Path(order["points"]).write_text(str(points.passed))
    return 0


def work(order: dict[str, Any]) -> int:
    """Add rows to a job and run it; return how that ended."""
    os.environ.update(order.get("environment", {}))
    points = Points()
    points.around(os, "fsync")
    points.around(_FileWriter, "write")
    points.around(Path, "replace")
    points.around(_sqlite.SqliteLedger, "_run", only=_is_write)
    points.around(PostgresJob, "_run", only=_is_write)
    points.around(httpx.Client, "send")
    points.around(httpx.AsyncClient, "send")
    points.watch_interrupts()
    if "interrupts" not in order:
        points.begin(order.get("die_at", 0))
    try:
        status = (
            asyncio.run(_work_async(order, points)) if order.get("api") == "async" else _work(order, points)
        )
    except KeyboardInterrupt:
        status = CUT_OFF
    if "points" in order:
        Path(order["points"]).write_text(str(points.passed))
    return status


def _work(order: dict[str, Any], points: Points) -> int:
    prefix = prefix_of(order["folder"], order.get("ids", "derived"))
    with (
        Client(base_url=order["url"], api_key="k", max_retries=0) as client,
        Job.open(order["folder"], client=client, ledger=_ledger(order), **_options(order)) as job,
    ):
        for count in (*PORTIONS, order["count"]):
            job.add(requests(count, prefix=prefix))
        if "interrupts" in order:
            points.begin(order.get("die_at", 0), order["interrupts"])
        try:
            status = _end(job.run())
        except KeyboardInterrupt:
            status = CUT_OFF
        if status and order.get("again"):
            assert _end(job.run()) == 0
    return status


async def _work_async(order: dict[str, Any], points: Points) -> int:
    prefix = prefix_of(order["folder"], order.get("ids", "derived"))
    async with (
        AsyncClient(base_url=order["url"], api_key="k", max_retries=0) as client,
        AsyncJob.open(order["folder"], client=client, ledger=_ledger(order), **_options(order)) as job,
    ):
        for count in (*PORTIONS, order["count"]):
            await job.add(requests(count, prefix=prefix))
        if "interrupts" in order:
            points.begin(order.get("die_at", 0), order["interrupts"])
        status = _end(await job.run())
        if status and order.get("again"):
            assert _end(await job.run()) == 0
    return status


def _end(report: JobReport) -> int:
    if report.interrupted:
        return STOPPED
    assert report.finished, report.status
    return 0


def _options(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "ids": order.get("ids"),
        "poll_interval": 0.01,
        "max_poll_interval": 0.05,
        "settle_seconds": 5,
        "max_attempts": 20,
        **order.get("options", {}),
    }


def _is_write(ledger: Any, sql: str, *_: Any) -> bool:
    """Tell if a statement makes something durable: the end of a transaction, or a change outside of one."""
    # The end of a snapshot, which changes nothing, is outside of a transaction as well.
    return sql == "COMMIT" if ledger._depth else sql.startswith(("INSERT", "UPDATE", "DELETE"))


def _ledger(order: dict[str, Any]) -> PostgresLedger | None:
    return PostgresLedger(order["dsn"], lease_seconds=order["lease"]) if "dsn" in order else None


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = write(order) if "stage" in order else work(order)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        if "die_after" in order:
            handle = os.pidfd_open(pid)
            if not select.select([handle], [], [], order["die_after"])[0]:
                os.kill(pid, signal.SIGKILL)
            os.close(handle)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(json.dumps(status), flush=True)


if __name__ == "__main__":
    main()
