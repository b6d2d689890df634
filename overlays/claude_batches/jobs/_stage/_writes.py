"""Writes to a stage: what a task needs to know, and what it returns."""

from __future__ import annotations

import os
import re
import secrets
import time
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import orjson

from .._errors import LedgerDamagedError, LedgerError
from .._opening import Ledger, opened, options_of
from .._options import Ids
from .._remote import check_writable, full_url, read_range

__all__ = ["KEY_SIZE", "Index", "StagedShard", "Write", "begin", "read_index", "write_index"]

#: The size of the keys that rows are found by.
KEY_SIZE = 16


@attrs.frozen(kw_only=True)
class Write:
    """A write to a stage. It can be pickled, and holds no credential, so tasks on any machine may have it."""

    job: str
    """The name of the job, or its folder."""
    id: str
    place: str
    """The URL of the folder that tasks write to."""
    token: str
    """The job's part of each derived custom_id."""
    own_ids: bool
    """The custom_ids of the rows are sent as they are."""
    max_requests: int
    """The largest number of requests in a shard."""
    max_bytes: int
    """The largest body of a shard as it is sent."""


@attrs.frozen(kw_only=True)
class StagedShard:
    """A shard on a stage that is not registered. It can be pickled."""

    write: str
    """The id of its write."""
    path: str
    """The URL of its file. A file beside it, with `.index` at its end, has the keys of its rows."""
    hash: str
    """SHA-256 of the file."""
    requests: int
    bytes: int
    """The size of the file."""
    partition: int
    """The partition of the rows."""
    attempt: str
    """The attempt of the task. Shards of one attempt of a partition are registered, and the others deleted."""


def begin(
    job: str | os.PathLike[str],
    stage: str | os.PathLike[str],
    *,
    ledger: Ledger | str | None = None,
    ids: Ids | None = None,
) -> Write:
    """Begin a write to a job, which is made if it doesn't exist. Nothing can be sent before `commit`.

    A file is written to the stage and deleted again, so that a stage that can't be used is found out before any task.

    Args:
        job: The name of the job; without a ledger, its folder.
        stage: The folder that shards are written to: a path, or a URL that fsspec opens, such as `s3://bucket/stage`.
        ledger: The place of the job, as `Job.open` takes it.
        ids: The custom_ids on the wire of a new job, as `Job.open` takes them.

    Raises:
        LedgerError: The ledger or the stage can't be used.
        JobHeldError: Another process works on the job's folder.
        MissingExtraError: fsspec is not installed.
    """
    root = full_url(os.fspath(stage))
    name = os.fspath(job)
    if ledger is None:
        name = str(Path(name).absolute())
    open_job = opened(name, ledger, ids)
    try:
        open_job.hold()
        facts = open_job.ledger.facts()
        options = options_of(open_job, {})
        write = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(4)}"
        place = f"{root}/{_slug(name)}-{facts.token}/{write}"
        # First noted, so that a sweep finds whatever is left there.
        open_job.ledger.begin_write(write, place)
        try:
            check_writable(place)
        except LedgerError as error:
            open_job.ledger.discard_write(write)
            raise LedgerError(
                f"nothing can be written to the stage {root} from here: {_reason(error)}. Nothing was staged."
            ) from error
    finally:
        open_job.close()
    return Write(
        job=name,
        id=write,
        place=place,
        token=facts.token,
        own_ids=facts.ids == "own",
        max_requests=options.shard_requests,
        max_bytes=options.max_bytes,
    )


def _reason(error: LedgerError) -> str:
    """Return what a store said."""
    told = error.__cause__
    if told is None:
        return str(error)
    return f"{type(told).__name__}: {getattr(told, 'strerror', None) or told}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", Path(name).name.lower())[:40].strip("-") or "job"


class Index(NamedTuple):
    """The index of a staged shard: all that `commit` needs of it, so that it doesn't read the body."""

    requests: int
    params: int
    """The size of all params as they are sent."""
    ids: int
    """The size of all custom_ids."""
    codec: str
    hash: str
    facts: str
    """JSON: requests, bytes of params and `max_tokens` by model."""
    blocks: list[tuple[int, int]]
    """The number of lines and the stored size of each block."""
    columns: dict[str, int]
    """The kinds of values in the columns of the rows."""
    keys: bytes
    """The keys of the rows, 16 bytes each."""


def index_url(path: str) -> str:
    """Return the URL of a shard's index."""
    return f"{path}.index"


def write_index(index: Index) -> bytes:
    """Return an index as a file: a line of JSON, then the keys."""
    head: dict[str, Any] = index._asdict()
    del head["keys"]
    return orjson.dumps({"version": 1, **head}) + b"\n" + index.keys


def read_index(shard: StagedShard) -> Index:
    """Read the index of a shard.

    Raises:
        LedgerDamagedError: It is missing, or not the one of this shard.
    """
    url = index_url(shard.path)
    head, _, keys = read_range(url).partition(b"\n")
    try:
        values = orjson.loads(head)
        blocks = [(lines, size) for lines, size in values.pop("blocks")]
        if values.pop("version") != 1:
            raise LedgerDamagedError(f"{url} is of a newer release. Nothing was registered.")
        index = Index(**values, blocks=blocks, keys=keys)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise LedgerDamagedError(f"{url} is not the index of a shard. Nothing was registered.") from None
    if (
        index.hash != shard.hash
        or index.requests != shard.requests
        or len(keys) != index.requests * KEY_SIZE
        or sum(size for _, size in blocks) != shard.bytes
        or sum(lines for lines, _ in blocks) != index.requests
    ):
        raise LedgerDamagedError(f"{url} is not the index of its shard. Nothing was registered.")
    return index
