"""Errors of jobs.

ClaudeBatchesError
 └─ JobError
     ├─ JobHeldError            another process works on the job
     ├─ JobConflictError        a custom_id came again with other params
     ├─ JobRequestError         a request that can't be sent, with its index
     ├─ JobOptionsError         options that contradict the job or each other
     ├─ ShardError              a shard in an unsuitable state for the operation
     ├─ TableError              a table of requests or results can't be read or written
     │   ├─ SourceError         a row of a source can't become a request
     │   ├─ TemplateError       a template is malformed, or names a column that a row doesn't have
     │   ├─ WriteError          a file can't be written, or a row doesn't fit into its table
     │   ├─ AnswerTypeError     an output type that can't be described by a JSON schema
     │   └─ UnparsableAnswerError  an answer is not of the output type
     ├─ BudgetError             a limit that can't hold, or that leaves no room for a shard
     ├─ UnpricedError           a price is needed and not known
     └─ LedgerError             the ledger can't be used
         ├─ LedgerTooNewError   it is of a newer release
         ├─ LedgerDamagedError  a file of the job is corrupt, truncated, changed or missing
         ├─ LedgerFullError     the disk is full
         └─ LeaseLostError      the lease of this process expired
"""

from __future__ import annotations

import errno

from .. import ClaudeBatchesError

__all__ = [
    "RESTORE",
    "JobConflictError",
    "JobError",
    "JobHeldError",
    "JobOptionsError",
    "JobRequestError",
    "LeaseLostError",
    "LedgerDamagedError",
    "LedgerError",
    "LedgerFullError",
    "LedgerTooNewError",
    "ShardError",
    "closed_error",
    "disk_is_full",
]


class JobError(ClaudeBatchesError):
    """The root of the errors about a job, and about tables of its requests and results."""


class JobHeldError(JobError):
    """Another process works on the job."""

    def __init__(self, place: str, pid: int | None, host: str | None) -> None:
        holder = f"process {pid} on {host}" if pid is not None else "another process"
        super().__init__(
            f"{place} is held by {holder}. A job in a folder has one process at a time: wait for that one, or "
            "stop it; the job continues from where it stops. Several processes need a PostgreSQL ledger."
        )
        self.pid = pid
        """The id of that process, where it is known."""
        self.host = host
        """The name of its machine, where it is known."""


class JobConflictError(JobError, ValueError):
    """A custom_id came again with other params."""

    def __init__(
        self,
        custom_id: str,
        index: int,
        known: str,
        given: str,
        *,
        partition: int | None = None,
        repeated: bool = False,
        first_index: int | None = None,
        first_partition: int | None = None,
    ) -> None:
        if repeated:
            call = "this call" if partition is None else "the write"
            first = "" if first_index is None else f"; the first is {_request(first_index, first_partition)}"
            problem = (
                f"{call} has custom_id {custom_id!r} twice, with different params{first}. Give one of them a"
            )
        else:
            problem = (
                f"the job has custom_id {custom_id!r} already, with other params. Give the changed request a"
            )
        super().__init__(
            f"{_request(index, partition)}: {problem} different id. Nothing of this call was added."
            f"\n  {'first' if repeated else 'known'}: {known}\n  given: {given}"
        )
        self.custom_id = custom_id
        self.index = index
        """The index of the request in this call, or in its partition."""
        self.partition = partition
        """The partition of a staged request."""
        self.repeated = repeated
        """The other request with this custom_id is of the same call, and not in the job."""
        self.first_index = first_index
        """The index of that request in the call, or in its partition, where it is known."""
        self.first_partition = first_partition
        """The partition of that request, where it is known."""
        self.known = known
        """The params of the other request, cut where they are long."""
        self.given = given
        """The params that were given, cut where they are long."""


def _request(index: int, partition: int | None) -> str:
    return f"request {index}" if partition is None else f"request {index} of partition {partition}"


class JobRequestError(JobError, ValueError):
    """A request that can't be sent. Nothing of the call was added."""

    def __init__(self, index: int, custom_id: str | None, problem: str) -> None:
        name = "" if custom_id is None else f" (custom_id {custom_id!r})"
        super().__init__(f"request {index}{name}: {problem}. Nothing of this call was added.")
        self.index = index
        """The index of the request in this call."""
        self.custom_id = custom_id
        self.problem = problem


class JobOptionsError(JobError, ValueError):
    """Options that contradict the job or each other."""


class ShardError(JobError):
    """A shard in an unsuitable state for the operation."""

    def __init__(self, message: str, shard: int, *, foreign: bool = False) -> None:
        super().__init__(message)
        self.shard = shard
        """The number of the shard."""
        self.foreign = foreign
        """Its batch was found to be the batch of something else."""


class LedgerError(JobError):
    """The ledger can't be used."""


def closed_error(place: str) -> LedgerError:
    """Return the error for a job that is used after it was closed.

    Args:
        place: The job.
    """
    return LedgerError(f"{place} is closed: open it again")


class LedgerTooNewError(LedgerError):
    """The ledger is of a newer release."""

    def __init__(self, place: str, found: int, known: int) -> None:
        super().__init__(
            f"{place} has schema {found}, and this release supports schemas up to {known}: upgrade claude-batches. "
            "Nothing was changed."
        )
        self.found = found
        self.known = known


#: What to do about a file that is not as it was written.
RESTORE = "Restore it from a copy of the job."


class LedgerDamagedError(LedgerError):
    """A file of the job is corrupt, truncated, changed or missing. Nothing was overwritten."""


class LedgerFullError(LedgerError):
    """The disk is full. The ledger is as it was before the last step."""


class LeaseLostError(LedgerError):
    """The lease of this process expired, so another one may have taken over its shards."""


def disk_is_full(error: OSError) -> bool:
    """Tell if a file could not be written because the disk or the user's share of it is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
