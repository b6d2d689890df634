"""Sweeping: files of a stage that no job needs are deleted."""

from __future__ import annotations

import os
import time

from .._ledger._sql import SqlLedger
from .._opening import Ledger, existing
from .._records import WriteState
from .._remote import below, delete_files, delete_tree, modified_at
from ._writes import Write

__all__ = ["discard", "sweep"]

#: Seconds after which a write that was not registered counts as lost: longer than any engine's tasks run.
LOST_AFTER = 7 * 24 * 3600.0


def discard(write: Write, *, ledger: Ledger | str | None = None) -> bool:
    """Give up a write: it can't be registered any more, and its files are deleted.

    A write that is registered stays as it is: an engine may abort one whose commit it couldn't see succeed.

    Args:
        write: The write.
        ledger: The place of the job, as `begin` took it.

    Returns:
        True if it is given up; false if it is registered.

    Raises:
        JobHeldError: Another process works on the job's folder.
        LedgerError: The ledger or the stage can't be used. `sweep` deletes the files later.
    """
    job = existing(write.job, ledger)
    try:
        job.hold()
        if not job.ledger.discard_write(write.id):
            return False
    finally:
        job.close()
    delete_tree(write.place)
    return True


def sweep(
    job: str | os.PathLike[str],
    *,
    ledger: Ledger | str | None = None,
    older_than: float = LOST_AFTER,
) -> int:
    """Delete the files on the stage that a job doesn't need: of drivers that were killed, of tasks that ended late.

    Args:
        job: The name of the job, or its folder.
        ledger: The place of the job, as `Job.open` takes it.
        older_than: Seconds. Younger files, and writes that were begun later, are left alone: they may be going on.

    Returns:
        The number of deleted files.

    Raises:
        JobHeldError: Another process works on the job's folder.
        LedgerError: The ledger or the stage can't be used.
    """
    open_job = existing(job, ledger)
    try:
        open_job.hold()
        return _sweep(open_job.ledger, time.time() - older_than)
    finally:
        open_job.close()


def _sweep(ledger: SqlLedger, before: float) -> int:
    roots: set[str] = set()
    given_up: list[str] = []
    for write in ledger.writes():
        roots.add(write.place.rpartition("/")[0])
        if write.state is WriteState.DISCARDED or (
            write.state is WriteState.BEGUN and write.begun_at <= before and ledger.discard_write(write.id)
        ):
            given_up.append(write.place)
    count = 0
    for place in given_up:
        count += delete_tree(place)
    for root in sorted(roots):
        files = below(root)
        # After the list was made: a file that was registered meanwhile is needed.
        needed = ledger.staged_paths()
        count += delete_files(url for url in files if url not in needed and _is_old(url, before))
    return count


def _is_old(url: str, before: float) -> bool:
    written = modified_at(url)
    return written is not None and written <= before
