"""Opening a job: its ledger, its store, and the lock on its folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import attrs

from ._errors import JobOptionsError, LedgerDamagedError
from ._folder import Folder, FolderLock, Store, writing
from ._ledger._postgres import PostgresLedger
from ._ledger._postgres_store import PostgresStore
from ._ledger._sql import SqlLedger
from ._ledger._sqlite import SqliteLedger
from ._options import Ids
from ._reading import Lines

__all__ = ["Opened", "open_folder", "opened"]


@attrs.frozen
class Opened:
    """An open job."""

    name: str
    ledger: SqlLedger
    store: Store
    lines: Lines
    close: Callable[[], None]


def opened(name: str | os.PathLike[str], ledger: object, ids: Ids | None) -> Opened:
    """Open a job in a folder, or by its name in another ledger.

    Args:
        name: The folder or the name.
        ledger: A `PostgresLedger`; `None` for a folder.
        ids: The custom_ids on the wire; `None` takes those of the job, `"derived"` for a new one.
    """
    if ids not in (None, "derived", "own"):
        raise JobOptionsError(f'ids must be "derived" or "own"; got {ids!r}')
    if ledger is None:
        job = open_folder(Path(name), ids)
    elif isinstance(ledger, PostgresLedger):
        job = open_postgres(str(name), ledger, ids)
    else:
        raise JobOptionsError(f"ledger must be a PostgresLedger; got {type(ledger).__name__}")
    try:
        stored = job.ledger.facts().ids
    except BaseException:
        job.close()
        raise
    if ids is not None and ids != stored:
        job.close()
        raise JobOptionsError(f'{job.name} was made with ids="{stored}", which can\'t change')
    return job


def open_folder(path: Path, ids: Ids | None) -> Opened:
    """Open or make the folder of a job.

    Raises:
        JobHeldError: Another process works on it.
        LedgerDamagedError: The ledger is missing or empty, and bodies are there.
        LedgerError: The ledger can't be used.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    file = path / "ledger.sqlite"
    lock = FolderLock(path)
    try:
        if not file.exists() or not file.stat().st_size:
            _check_new(path, file)
        ledger = SqliteLedger(file, ids=ids or "derived")
    except BaseException:
        lock.release()
        raise
    try:
        store = Folder(path, ledger)
    except BaseException:
        ledger.close()
        lock.release()
        raise

    def close() -> None:
        ledger.close()
        lock.release()

    return Opened(str(path), ledger, store, Lines(ledger, store), close)


def open_postgres(name: str, ledger: PostgresLedger, ids: Ids | None) -> Opened:
    """Open or make a job in PostgreSQL."""
    job = ledger.open(name, ids=ids or "derived")
    store = PostgresStore(job)

    def close() -> None:
        job.close()
        store.close()

    return Opened(name, job, store, Lines(job, store), close)


def _check_new(path: Path, file: Path) -> None:
    """Refuse to begin a new ledger beside the bodies of an old one, which may have been paid for."""
    bodies = path / "bodies"
    if bodies.is_dir() and any(bodies.iterdir()):
        state = "is empty" if file.exists() else "is missing"
        raise LedgerDamagedError(
            f"{file} {state}, and {bodies} has bodies that may have been sent. Nothing was overwritten. Restore the "
            "ledger from a copy, or begin a new job in another folder."
        )
