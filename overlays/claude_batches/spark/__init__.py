"""A Spark data source: tables become a job, and the results of a job a table.

spark.dataSource.register(ClaudeBatchesSource)

table.write.format("claude_batches").mode("append").option("job", "tickets").option("ledger", dsn).option(
    "stage", "s3://bucket/stage"
).save()

Writing costs nothing: it stages the requests. The job is run without Spark. It needs the extra `spark`.
"""

from __future__ import annotations

from ..jobs._tables._extras import require

# Before the modules that import it, so that the error names the extra.
require("pyspark.sql.datasource", "spark", "the Spark data source")

from ._client import ClientConfig as ClientConfig  # noqa: E402
from ._source import ClaudeBatchesSource as ClaudeBatchesSource  # noqa: E402

__all__ = ["ClaudeBatchesSource", "ClientConfig"]
