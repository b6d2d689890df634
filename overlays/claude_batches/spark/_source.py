"""The data source: the format `claude_batches` of Spark."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql.datasource import DataSource, DataSourceReader, DataSourceWriter
from pyspark.sql.types import StructType

from ..jobs import JobError, JobOptionsError
from ..jobs._opening import Opened, opened_to_read
from ..jobs._records import StageWrite, WriteState
from ._options import ReadOptions, WriteOptions
from ._reader import JobReader, PushingReader
from ._types import spark_schema
from ._writer import JobWriter

__all__ = ["ClaudeBatchesSource"]


class ClaudeBatchesSource(DataSource):
    """The format `claude_batches`: `spark.dataSource.register(ClaudeBatchesSource)`.

    Writing stages the requests of a table for a job, and reading returns the results of a job. Neither sends anything.
    [Spark](../howto/spark.md) has the options and the columns.
    """

    @classmethod
    def name(cls) -> str:
        """Return the name of the format."""
        return "claude_batches"

    def schema(self) -> StructType:
        """Return the columns of the job that the options name.

        Raises:
            JobOptionsError: Options that can't work.
            JobError: The job has no requests, such as after a write that failed.
            LedgerError: There is no such job, or its ledger can't be used.
        """
        options = ReadOptions.of(self.options)
        return self._columns(options, options.columns)

    def _columns(self, options: ReadOptions, wanted: Sequence[str] | None = None) -> StructType:
        job = opened_to_read(options.job, options.ledger)
        try:
            writes = job.ledger.writes()
            if not any(write.state is WriteState.REGISTERED for write in writes):
                _check_not_empty(job, writes)
            return spark_schema((write.columns for write in writes), wanted)
        finally:
            job.close()

    def reader(self, schema: StructType) -> DataSourceReader:
        """Return the reader of a job.

        Args:
            schema: The columns to read.

        Raises:
            JobOptionsError: The job has no such column.
        """
        options = ReadOptions.of(self.options)
        known = self._columns(options).names
        if unknown := [name for name in schema.names if name not in known]:
            raise JobOptionsError(
                f"the job has no column {', '.join(map(repr, unknown))}: names are exact, in capitals as well"
            )
        return (PushingReader if options.push_filters else JobReader)(options, schema)

    def writer(self, schema: StructType, overwrite: bool) -> DataSourceWriter:
        """Return the writer of a table.

        Args:
            schema: The columns of the table.
            overwrite: The mode is "overwrite", which a job can't have: its requests may have been paid for.

        Raises:
            JobOptionsError: Options that can't work.
        """
        if overwrite:
            raise JobOptionsError(
                'a job can\'t be overwritten, since its requests may have been sent: use mode("append")'
            )
        return JobWriter(WriteOptions.of(self.options), schema)


def _check_not_empty(job: Opened, writes: Sequence[StageWrite]) -> None:
    """Check that a job without a committed write has requests by other ways.

    Raises:
        JobError: It has none. An empty table would hide that a write failed.
    """
    if job.ledger.shards():
        return
    why = (
        f"write {writes[-1].id} was not committed: write the table again" if writes else "write a table to it"
    )
    raise JobError(f"the job {job.name!r} has no requests: {why}")
