"""Jobs: any number of requests, paid for once, joined with their results.

from claude_batches import Client
from claude_batches.jobs import Job

with Job.open("reviews.job", client=Client()) as job:
job.add(requests)
report = job.run()
for row in job.results():
...
"""

from __future__ import annotations

from ._async._job import AsyncJob as AsyncJob
from ._causes import Cause as Cause
from ._errors import JobConflictError as JobConflictError
from ._errors import JobError as JobError
from ._errors import JobHeldError as JobHeldError
from ._errors import JobOptionsError as JobOptionsError
from ._errors import JobRequestError as JobRequestError
from ._errors import LeaseLostError as LeaseLostError
from ._errors import LedgerDamagedError as LedgerDamagedError
from ._errors import LedgerError as LedgerError
from ._errors import LedgerFullError as LedgerFullError
from ._errors import LedgerTooNewError as LedgerTooNewError
from ._errors import ShardError as ShardError
from ._ledger._postgres import PostgresLedger as PostgresLedger
from ._options import JobOptions as JobOptions
from ._rows import JobRow as JobRow
from ._status import Doubt as Doubt
from ._status import JobReport as JobReport
from ._status import JobStatus as JobStatus
from ._sync._job import Job as Job

__all__ = [
    "AsyncJob",
    "Cause",
    "Doubt",
    "Job",
    "JobConflictError",
    "JobError",
    "JobHeldError",
    "JobOptions",
    "JobOptionsError",
    "JobReport",
    "JobRequestError",
    "JobRow",
    "JobStatus",
    "LeaseLostError",
    "LedgerDamagedError",
    "LedgerError",
    "LedgerFullError",
    "LedgerTooNewError",
    "PostgresLedger",
    "ShardError",
]
