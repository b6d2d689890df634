"""Runs jobs in processes that are killed. Started as a script; reads one order a line, and answers with one.

Each order is done in a fork of this process, so that a kill costs the time of a fork and not that of an import. Nothing
of this is in the package: the kill points are wrapped around functions that the package calls.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from claude_batches import Client
from claude_batches.jobs import Job, PostgresLedger, begin, commit, stage
from claude_batches.jobs._folder import _FileWriter
from claude_batches.jobs._ledger import _sqlite
from claude_batches.jobs._ledger._postgres import PostgresJob


def requests(count: int, start: int = 0) -> Any:
    """Yield small requests, each with a different text."""
    for index in range(start, start + count):
        message = {"role": "user", "content": f"hello {index}"}
        yield {
            "custom_id": f"row {index}",
            "params": {"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": [message]},
        }


class Points:
    """Counts the points at which something becomes durable or is sent, and dies at one."""

    def __init__(self, die_at: int) -> None:
        self.passed = 0
        self._die_at = die_at

    def pass_(self, _: str) -> None:
        self.passed += 1
        if self.passed == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str, *, only: Callable[..., bool] = lambda *_: True) -> None:
        real = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            if not only(*arguments):
                return real(*arguments, **options)
            self.pass_(f"before {name}")
            result = real(*arguments, **options)
            self.pass_(f"after {name}")
            return result

        setattr(owner, name, watched)


def write(order: dict[str, Any]) -> None:
    """Write rows to a stage and commit them, as a driver with three tasks."""
    points = Points(order.get("die_at", 0))
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


def work(order: dict[str, Any]) -> None:
    os.environ.update(order.get("environment", {}))
    points = Points(order.get("die_at", 0))
    points.around(os, "fsync")
    points.around(_FileWriter, "write")
    points.around(Path, "replace")
    points.around(_sqlite.SqliteLedger, "_run", only=lambda _, sql, *__: sql == "COMMIT")
    points.around(PostgresJob, "_run", only=lambda _, sql, *__: sql == "COMMIT")
    points.around(httpx.Client, "send")
    options = {
        "poll_interval": 0.01,
        "max_poll_interval": 0.05,
        "settle_seconds": 5,
        "max_attempts": 20,
        **order.get("options", {}),
    }
    with (
        Client(base_url=order["url"], api_key="k", max_retries=0) as client,
        Job.open(order["folder"], client=client, ledger=_ledger(order), **options) as job,
    ):
        # Two small portions, which are merged, and the rest.
        for count in (4, 8, order["count"]):
            job.add(requests(count))
        report = job.run()
        assert report.finished, report.status
    if "points" in order:
        Path(order["points"]).write_text(str(points.passed))


def _ledger(order: dict[str, Any]) -> PostgresLedger | None:
    return PostgresLedger(order["dsn"], lease_seconds=order["lease"]) if "dsn" in order else None


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                (write if "stage" in order else work)(order)
                status = 0
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
