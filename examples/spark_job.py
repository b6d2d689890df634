"""A table of Spark becomes a job, the job is run without Spark, and its results are a table again.

    python examples/spark_job.py

It needs Java 17 and `pip install "claude-batches[spark,sandbox]"`, and no key: the server is a local sandbox, and the
job and its stage are in a temporary folder. On a cluster, name a stage that all machines share, and a PostgreSQL
database as the ledger.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from claude_batches import Client
from claude_batches.jobs import Job
from claude_batches.sandbox import Sandbox
from claude_batches.spark import ClaudeBatchesSource
from pyspark.sql import SparkSession

# Workers run this Python, which has claude-batches.
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)


def main(folder: Path) -> None:
    """Write a table, run the job, and read the results."""
    spark = (
        SparkSession.builder.appName("tickets")
        .master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    spark.dataSource.register(ClaudeBatchesSource)
    job, stage = str(folder / "tickets.job"), str(folder / "stage")

    tickets = spark.range(1_000).selectExpr(
        "concat('ticket-', id) AS custom_id",
        "element_at(array('billing', 'delivery', 'login'), int(id % 3) + 1) AS queue",
        "concat('Order ', id, ' has not arrived.') AS body",
    )

    # No money is spent: the tasks stage the requests, and the driver notes them in the ledger.
    tickets.write.format("claude_batches").mode("append").options(
        job=job,
        stage=stage,
        template="Write a short answer to this ticket: {body}",
        model="claude-haiku-4-5",
        max_tokens=200,
    ).save()

    # Without Spark, and on any machine: submit, wait, collect, and send again what failed.
    with (
        Sandbox(instant=True) as sandbox,
        Client(base_url=sandbox.url, api_key="any") as client,
        Job.open(job, client=client) as opened,
    ):
        status = opened.run().status
        print(f"requests: {status.requests}, with a result: {status.done}, batches: {status.batches}")

    results = spark.read.format("claude_batches").option("job", job).load()
    results.groupBy("queue", "status").count().orderBy("queue").show()
    results.select("custom_id", "queue", "status", "text", "output_tokens").orderBy("custom_id").show(
        3, truncate=40
    )
    spark.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
