"""Staging by many processes: tasks write shards to a stage, and one process registers them in the ledger.

    write = begin("tickets", "s3://bucket/stage", ledger=ledger)     # on the driver
    shards = stage(rows, write, partition=3, attempt=1)              # in a task, on any machine
    commit(shards, write, ledger=ledger)                             # on the driver: all shards, or none

Engines run a task twice, lose drivers, and abort. So a task creates nothing at the API: it writes files that nobody
knows, and returns what they are. `commit` makes them known in one transaction of the ledger.
"""

from __future__ import annotations

from ._registering import Committed, commit
from ._sweeping import discard, sweep
from ._tasks import stage
from ._writes import StagedShard, Write, begin

__all__ = ["Committed", "StagedShard", "Write", "begin", "commit", "discard", "stage", "sweep"]
