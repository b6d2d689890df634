"""Opening a job: its ledger, its store, and the lock on its folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import attrs
import orjson

from ._errors import JobError, JobOptionsError, LedgerDamagedError, LedgerError
from ._folder import Folder, FolderLock, Store, sync_folder, writing
from ._ledger._postgres import PostgresJob, has_job
from ._ledger._postgres_store import PostgresStore
from ._ledger._sql import SqlLedger
from ._ledger._sqlite import SqliteLedger
from ._options import Ids, JobOptions, OptionKeys
from ._reading import Lines
from ._staged_store import StagedStore
from ._tables import AnswerType, answer_name, json_answers, same_answers

__all__ = [
    "FolderLedger",
    "Ledger",
    "Opened",
    "PostgresLedger",
    "check_answers",
    "existing",
    "ledger_of",
    "opened",
    "opened_to_read",
    "options_of",
    "remove_empty",
    "store_options",
    "stored_answers",
]

#: The name of the type of the answers and its schema among the stored options; it is not an option itself.
_ANSWERS = "answers"


#: The names in the folder of a job, and those that systems leave in any folder.
_FILES = frozenset(
    {
        *(f"ledger.sqlite{ending}" for ending in ("", "-wal", "-shm", "-journal")),
        *("lock", "bodies", "results", ".DS_Store", "Thumbs.db", "desktop.ini", "lost+found"),
    }
)


def _nothing() -> None:
    """Do nothing: any number of processes may change the job."""


def _always() -> bool:
    return True


@attrs.frozen
class Opened:
    """An open job."""

    name: str
    ledger: SqlLedger
    store: Store
    close: Callable[[], None]
    hold: Callable[[], None] = _nothing
    """Have the job for changes, which reading does not need. Raises `JobHeldError` where another process has it."""
    held: Callable[[], bool] = _always
    """Tell if this process has it."""
    lines: Lines = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "lines", Lines(self.ledger, self.store))


class Ledger(Protocol):
    """The place of jobs: it keeps their rows, shards and batches, their bodies and their results."""

    def open(self, name: str, *, ids: Ids = "derived") -> Opened:
        """Open a job, or make it.

        Args:
            name: Its name.
            ids: The custom_ids of a new job on the wire.
        """
        ...


class FolderLedger:
    """Folders that hold a job each: `Job.open` without a `ledger`. One process at a time changes a job."""

    def open(self, name: str, *, ids: Ids = "derived") -> Opened:
        """Open or make the folder of a job.

        Args:
            name: The folder.
            ids: The custom_ids of a new job on the wire.

        Raises:
            JobHeldError: Another process is making it.
            LedgerDamagedError: The ledger is missing or empty, and bodies are there.
            LedgerError: The ledger can't be used.
        """
        path = Path(name)
        file = path / "ledger.sqlite"
        if file.exists() and file.stat().st_size:
            folder = _JobFolder(path, SqliteLedger(file), ids)
            try:
                if not folder.ledger.readable:
                    folder.hold()
            except BaseException:
                folder.close()
                raise
            return folder.opened()
        return _made(path, file, ids).opened()

    def has(self, name: str) -> bool:
        """Tell if a folder is a job; nothing is made.

        Args:
            name: The folder.
        """
        return (Path(name) / "ledger.sqlite").exists()

    def open_to_read(self, name: str) -> Opened:
        """Open the folder of a job to read it, while another process of this machine may work on it.

        Args:
            name: The folder.

        Raises:
            LedgerError: There is no job, or its ledger can't be used.
        """
        path = Path(name)
        if not self.has(name):
            raise LedgerError(f"there is no job at {path}")
        folder = _JobFolder(path, SqliteLedger(path / "ledger.sqlite"), "derived")
        try:
            folder.ledger.check_readable()
        except BaseException:
            folder.close()
            raise
        return folder.opened()


def _made(path: Path, file: Path, ids: Ids) -> _JobFolder:
    """Make the folder of a job."""
    _check_place(path)
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
        sync_folder(path.absolute().parent)
    lock = FolderLock(path)
    try:
        if not file.exists() or not file.stat().st_size:
            _check_new(path, file)
        folder = _JobFolder(path, SqliteLedger(file), ids)
    except BaseException:
        lock.release()
        raise
    try:
        folder.hold(lock)
    except BaseException:
        folder.close()
        raise
    return folder


class _JobFolder:
    """An open folder: to read, and to write from the first change on.

    Args:
        path: The folder.
        ledger: Its ledger.
        ids: The custom_ids of a new job on the wire.
    """

    def __init__(self, path: Path, ledger: SqliteLedger, ids: Ids) -> None:
        self.ledger = ledger
        self._path = path
        self._ids = ids
        self._folder = Folder(path, ledger)
        self._lock: FolderLock | None = None
        # Two threads may make the first change at once.
        self._holding = Lock()

    def opened(self) -> Opened:
        store = StagedStore(self._folder, self.ledger, shared=False)
        return Opened(str(self._path), self.ledger, store, self.close, self.hold, self.held)

    def hold(self, lock: FolderLock | None = None) -> None:
        with self._holding:
            if self._lock is not None:
                return
            lock = lock or FolderLock(self._path)
            try:
                self.ledger.write(self._ids)
                self._folder.prepare()
            except BaseException:
                lock.release()
                raise
            self._lock = lock

    def held(self) -> bool:
        return self._lock is not None

    def close(self) -> None:
        self.ledger.close()
        if self._lock is not None:
            self._lock.release()


class PostgresLedger:
    """A PostgreSQL database that holds jobs: `Job.open("reviews", ledger=PostgresLedger(dsn), client=client)`.

    It needs the extra `claude-batches[postgres]`, and the right to create schemas in the database.

    Args:
        dsn: The database, as `psycopg.connect` takes it, or `env:NAME` for the variable of the environment with it.
        lease_seconds: Seconds without a sign of life after which a process counts as dead.

    Raises:
        JobOptionsError: `lease_seconds` is not more than 0, or the variable is not set.
    """

    def __init__(self, dsn: str, *, lease_seconds: float = 60.0) -> None:
        if not lease_seconds > 0:
            raise JobOptionsError(f"lease_seconds must be more than 0; got {lease_seconds!r}")
        self._dsn = _dsn_of(dsn)
        self._lease_seconds = lease_seconds

    def open(self, name: str, *, ids: Ids = "derived") -> Opened:
        """Open or make a job in the database.

        Args:
            name: Its name.
            ids: The custom_ids of a new job on the wire.

        Raises:
            LedgerError: The database can't be used, or psycopg is not installed.
        """
        return _shared(name, PostgresJob(self._dsn, name, ids=ids, lease_seconds=self._lease_seconds))

    def open_to_read(self, name: str) -> Opened:
        """Open a job to read it: without a lease, and with one connection.

        Args:
            name: Its name.

        Raises:
            LedgerError: There is no such job, the database can't be used, or psycopg is not installed.
        """
        return _shared(
            name,
            PostgresJob(self._dsn, name, ids="derived", lease_seconds=self._lease_seconds, read_only=True),
        )

    def has(self, name: str) -> bool:
        """Tell if a job is in the database; nothing is made.

        Args:
            name: Its name.

        Raises:
            LedgerError: The database can't be used, or psycopg is not installed.
        """
        return has_job(self._dsn, name)

    def __repr__(self) -> str:
        # The text may hold a password.
        return f"<{type(self).__name__}>"


def _dsn_of(given: str) -> str:
    """Return the DSN that is given, or that a variable of the environment has."""
    if not given.startswith("env:"):
        return _checked_dsn(given)
    name = given.removeprefix("env:")
    dsn = os.environ.get(name)
    if not dsn:
        raise JobOptionsError(f"ledger is the variable {name} of the environment, which is not set here")
    return _checked_dsn(dsn)


def _checked_dsn(dsn: str) -> str:
    """Refuse the URL of another database.

    Raises:
        JobOptionsError: It is one.
    """
    # Without the rest, which may have a password.
    scheme, separator, _ = dsn.partition("://")
    if separator and scheme.isidentifier() and scheme not in ("postgresql", "postgres"):
        raise JobOptionsError(
            f"the ledger begins with {scheme}://, and must be a PostgreSQL database: postgresql://host/jobs"
        )
    return dsn


def _shared(name: str, job: PostgresJob) -> Opened:
    store = StagedStore(PostgresStore(job), job, shared=True)

    def close() -> None:
        job.close()
        store.close()

    return Opened(name, job, store, close)


def opened_to_read(name: str | os.PathLike[str], ledger: Ledger | str | None) -> Opened:
    """Open a job to read it, as many processes at once may do.

    Args:
        name: The folder or the name.
        ledger: The ledger, as `ledger_of` takes it.

    Raises:
        LedgerError: There is no such job, or its ledger can't be used.
        JobOptionsError: The ledger is of a kind that can't be read so.
    """
    place = ledger_of(ledger)
    if not isinstance(place, FolderLedger | PostgresLedger):
        raise JobOptionsError(f"a {type(place).__name__} can't be read by many processes")
    return place.open_to_read(os.fspath(name))


def existing(name: str | os.PathLike[str], ledger: Ledger | str | None) -> Opened:
    """Open a job that is there, to change it.

    Args:
        name: The folder or the name.
        ledger: The ledger, as `ledger_of` takes it.

    Raises:
        LedgerError: There is no such job, or its ledger can't be used.
    """
    place = ledger_of(ledger)
    if isinstance(place, FolderLedger | PostgresLedger) and not place.has(os.fspath(name)):
        raise LedgerError(f"there is no job {os.fspath(name)!r} here")
    return opened(name, place, None)


def ledger_of(ledger: Ledger | str | None) -> Ledger:
    """Return a ledger.

    Args:
        ledger: The ledger; the DSN of a PostgreSQL database, or `env:NAME` for the DSN in an environment variable;
            `None` for folders.

    Raises:
        JobOptionsError: It is something else, or the variable is not set.
    """
    if ledger is None:
        return FolderLedger()
    if isinstance(ledger, str):
        if not ledger.startswith("env:") and "=" not in ledger and "://" not in ledger:
            raise JobOptionsError(
                'ledger is text, and not the DSN of a PostgreSQL database, such as "postgresql://host/jobs", nor '
                '"env:NAME" with the name of a variable that has one'
            )
        return PostgresLedger(ledger)
    if not hasattr(ledger, "open"):
        raise JobOptionsError(
            f"ledger must be a ledger, such as a PostgresLedger; got {type(ledger).__name__}"
        )
    return ledger


def opened(name: str | os.PathLike[str], ledger: Ledger | str | None, ids: Ids | None) -> Opened:
    """Open a job in a folder, or by its name in another ledger.

    Args:
        name: The folder or the name.
        ledger: The ledger, as `ledger_of` takes it.
        ids: The custom_ids on the wire; `None` takes those of the job, `"derived"` for a new one.
    """
    if ids not in (None, "derived", "own"):
        raise JobOptionsError(f'ids must be "derived" or "own"; got {ids!r}')
    job = ledger_of(ledger).open(os.fspath(name), ids=ids or "derived")
    try:
        _check_ids(job, ids)
    except BaseException:
        job.close()
        raise
    return job


def _check_ids(job: Opened, ids: Ids | None) -> None:
    stored = job.ledger.facts().ids
    if ids is None or ids == stored:
        return
    # A write that failed may have made the job, with ids that were the mistake.
    if not job.ledger.shards():
        job.hold()
        with job.ledger.exclusive():
            if job.ledger.set_ids(ids):
                return
    raise JobOptionsError(
        f'{job.name} was made with ids="{stored}", which can\'t change once it has requests'
    )


def options_of(job: Opened, given: OptionKeys) -> JobOptions:
    """Return the options of a job: those that are given, then those that are stored.

    Args:
        job: The job.
        given: The options that are given.
    """
    # An option of a newer release means nothing here, and stays stored.
    known = {
        name: value for name, value in job.ledger.options().items() if name in OptionKeys.__annotations__
    }
    merged: Any = {**known, **given}
    return JobOptions(**merged)


def store_options(job: Opened, given: OptionKeys, answers: AnswerType | None) -> None:
    """Store the options that are given, in a job that this process may change.

    Args:
        job: The job.
        given: The options that are given.
        answers: The type of the answers that is given, of which the schema and the name are stored.

    Raises:
        JobOptionsError: The answers of the job are of another type.
    """
    before = job.ledger.options()
    after = {**before, **JobOptions(**given).stored(given)}
    if answers is not None:
        check_answers(job, answers)
        after[_ANSWERS] = {"name": answer_name(answers.type), "schema": answers.schema}
    if after != before:
        job.ledger.set_options(after)


def check_answers(job: Opened, answers: AnswerType) -> None:
    """Check that a type of answers is the one that the job was given before.

    Args:
        job: The job.
        answers: The type.

    Raises:
        JobOptionsError: It is another one, and the job has requests.
    """
    stored = _stored_answers(job)
    # The stored one went through JSON.
    given = orjson.loads(orjson.dumps(answers.schema))
    if stored is None or same_answers(stored["schema"], given) or not job.ledger.shards():
        return
    raise JobOptionsError(
        f"{job.name} has answers of the type {stored['name']}, and output is {answer_name(answers.type)}, whose JSON "
        "schema differs. Open the job with that type, or without one to have the answers as JSON; requests for "
        "answers of another type need a job of their own."
    )


def stored_answers(job: Opened) -> AnswerType | None:
    """Return the type of the answers of a job as far as the job knows it, whose values are those of JSON.

    Args:
        job: The job.
    """
    stored = _stored_answers(job)
    return None if stored is None else json_answers(stored["schema"])


def _stored_answers(job: Opened) -> dict[str, Any] | None:
    stored: dict[str, Any] | None = job.ledger.options().get(_ANSWERS)
    return stored


def _check_place(path: Path) -> None:
    """Refuse to make a job among the files of something else.

    Raises:
        JobError: The folder has other files, or is a file.
    """
    if path.is_dir():
        others = sorted(each.name for each in path.iterdir() if each.name not in _FILES)
        if others:
            raise JobError(
                f"the folder {str(path)!r} is not a job, and has other files ({', '.join(others[:3])}"
                f"{', ...' if others[3:] else ''}): give a new folder for the job"
            )
    elif path.exists():
        raise JobError(f"{str(path)!r} is a file, and a job is a folder: give a new folder for the job")


def remove_empty(name: str) -> None:
    """Remove the folder of a job that has nothing, unless another process works on it.

    Args:
        name: The folder.
    """
    path = Path(name)
    folders = [path / "bodies", path / "results"]
    try:
        lock = FolderLock(path)
    except JobError:
        return
    try:
        if any(each.name not in _FILES for each in path.iterdir()):
            return
        if any(any(folder.iterdir()) for folder in folders if folder.is_dir()):
            return
        for folder in folders:
            if folder.is_dir():
                folder.rmdir()
        for ending in ("", "-wal", "-shm"):
            (path / f"ledger.sqlite{ending}").unlink(missing_ok=True)
    finally:
        lock.release()
    (path / "lock").unlink()
    path.rmdir()


def _check_new(path: Path, file: Path) -> None:
    """Refuse to begin a new ledger beside the bodies of an old one, which may have been paid for."""
    bodies = path / "bodies"
    if bodies.is_dir() and any(bodies.iterdir()):
        state = "is empty" if file.exists() else "is missing"
        raise LedgerDamagedError(
            f"{file} {state}, and {bodies} has bodies that may have been sent. Nothing was overwritten. Restore the "
            "ledger from a copy, or begin a new job in another folder."
        )
