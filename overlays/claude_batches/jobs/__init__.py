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
from ._collect import Collected as Collected
from ._cost import BudgetError as BudgetError
from ._cost import ModelCost as ModelCost
from ._cost import Plan as Plan
from ._cost import Prices as Prices
from ._cost import Problem as Problem
from ._cost import Report as Report
from ._cost import UnpricedError as UnpricedError
from ._cost import plan as plan
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
from ._ledger._sql import Spent as Spent
from ._opening import FolderLedger as FolderLedger
from ._opening import Ledger as Ledger
from ._opening import PostgresLedger as PostgresLedger
from ._options import JobOptions as JobOptions
from ._records import Shard as Shard
from ._records import Worker as Worker
from ._rows import JobRow as JobRow
from ._stage import Committed as Committed
from ._stage import StagedShard as StagedShard
from ._stage import Write as Write
from ._stage import begin as begin
from ._stage import commit as commit
from ._stage import discard as discard
from ._stage import stage as stage
from ._stage import sweep as sweep
from ._status import Doubt as Doubt
from ._status import JobBatches as JobBatches
from ._status import JobReport as JobReport
from ._status import JobStatus as JobStatus
from ._sync._job import Job as Job
from ._tables import AnswerTypeError as AnswerTypeError
from ._tables import CachePrefixWarning as CachePrefixWarning
from ._tables import MissingExtraError as MissingExtraError
from ._tables import ResultRow as ResultRow
from ._tables import SourceError as SourceError
from ._tables import SourceRow as SourceRow
from ._tables import TableError as TableError
from ._tables import TemplateError as TemplateError
from ._tables import UnparsableAnswerError as UnparsableAnswerError
from ._tables import WriteError as WriteError
from ._tables import read_source as read_source
from ._tables import write as write

__all__ = [
    "AnswerTypeError",
    "AsyncJob",
    "BudgetError",
    "CachePrefixWarning",
    "Cause",
    "Collected",
    "Committed",
    "Doubt",
    "FolderLedger",
    "Job",
    "JobBatches",
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
    "Ledger",
    "LedgerDamagedError",
    "LedgerError",
    "LedgerFullError",
    "LedgerTooNewError",
    "MissingExtraError",
    "ModelCost",
    "Plan",
    "PostgresLedger",
    "Prices",
    "Problem",
    "Report",
    "ResultRow",
    "Shard",
    "ShardError",
    "SourceError",
    "SourceRow",
    "Spent",
    "StagedShard",
    "TableError",
    "TemplateError",
    "UnparsableAnswerError",
    "UnpricedError",
    "Worker",
    "Write",
    "WriteError",
    "begin",
    "commit",
    "discard",
    "plan",
    "read_source",
    "stage",
    "sweep",
    "write",
]
