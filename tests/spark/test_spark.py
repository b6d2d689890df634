"""The Spark data source, with a real Spark of two cores."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import pickle
import secrets
from pathlib import Path
from typing import Any

import attrs
import pytest
from claude_batches import Client
from claude_batches.jobs import Job, sweep
from claude_batches.jobs._remote import below
from claude_batches.sandbox import Fault, Sandbox
from pyspark.errors import AnalysisException
from pyspark.sql.types import CalendarIntervalType, DoubleType, LongType, StringType, StructType

from tests.jobs.killing import paid
from tests.jobs.kinds import QUICK
from tests.jobs.postgres import Postgres
from tests.jobs.s3 import BUCKET, S3
from tests.jobs.staging import Place, numbered
from tests.spark.conftest import SECRET

pytestmark = pytest.mark.timeout(300)

REQUEST = {"model": "claude-haiku-4-5", "max_tokens": 50}
ASK = {"model": "claude-haiku-4-5", "max_tokens": "50"}
TABLE = StructType().add("custom_id", StringType()).add("request", StringType())


@pytest.fixture(params=["folder", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A new job, in a folder or in PostgreSQL, with a stage."""
    if request.param == "folder":
        return Place(str(tmp_path / "tickets.job"), str(tmp_path / "stage"), None)
    server = request.getfixturevalue("postgres")
    return Place(f"tickets {secrets.token_hex(4)}", str(tmp_path / "stage"), server.dsn)


@pytest.fixture
def folder(tmp_path: Path) -> Place:
    return Place(str(tmp_path / "tickets.job"), str(tmp_path / "stage"), None)


def write(table: Any, place: Place, format: str = "claude_batches", **options: str) -> None:
    given = {"job": place.job, "stage": place.stage, **options}
    if place.ledger is not None:
        given["ledger"] = place.ledger
    table.write.format(format).mode("append").options(**given).save()


def read(spark: Any, place: Place, **options: str) -> Any:
    given = {"job": place.job, **options}
    if place.ledger is not None:
        given["ledger"] = place.ledger
    return spark.read.format("claude_batches").options(**given).load()


def run(place: Place, sandbox: Sandbox, **options: Any) -> None:
    with (
        Client(base_url=sandbox.url, api_key="k", max_retries=0) as client,
        Job.open(place.job, client=client, ledger=place.ledger, **{**QUICK, **options}) as job,
    ):
        report = job.run()
        assert report.finished, report.status


def tickets(spark: Any, count: int, partitions: int = 3) -> Any:
    return (
        spark.range(count)
        .selectExpr("concat('t', id) ticket", "concat('hello ', id) text")
        .repartition(partitions)
    )


def test_round_trip(spark: Any, place: Place, sandbox: Sandbox) -> None:
    """Requests as JSON text become a job, and come back with their results and the same columns of each type."""
    rows = [
        (
            f"t{n}", json.dumps({**REQUEST, "messages": [{"role": "user", "content": f"q {n}"}]}),
            n, n / 3, bytes([n]), decimal.Decimal(n).scaleb(-2), dt.date(2026, 1, 1 + n), n % 2 == 0,
            dt.datetime(2026, 7, 1, n, 30, 1, 7), [n, None], {"k": float("inf")}, (dt.date(2026, 2, 1), "ü"), None,
            f"b{n}",
        )
        for n in range(9)
    ]  # fmt: skip
    table = spark.createDataFrame(
        rows,
        "custom_id string, request string, n int, ratio double, data binary, price decimal(10,2), day date, "
        "even boolean, at timestamp, list array<bigint>, map map<string,double>, struct struct<day:date,text:string>, "
        "none string, batch_id string",
    )
    write(table.repartition(3), place)
    run(place, sandbox)
    found = read(spark, place)
    assert found.columns[:4] == ["custom_id", "status", "response", "result_type"]
    assert {"text", "input_tokens", "stop_reason", "raw"} <= set(found.columns)
    passed = [column for column in table.columns if column not in ("request", "batch_id")]
    assert sorted(found.select(*passed, "input_batch_id").collect()) == sorted(
        table.drop("request").collect()
    )
    for name, kind in table.select(*passed).dtypes:
        assert (name, kind) in found.dtypes
    for row in found.collect():
        assert row.status == row.result_type == "succeeded"
        assert json.loads(row.response)["content"][0]["text"] == row.text
        assert f"q {row.n}" in row.text
        assert json.loads(row.raw)["result"]["message"]["id"] == json.loads(row.response)["id"]
        assert row.batch_id.startswith("msgbatch_")
        assert row.cost > 0
    assert sorted(paid(sandbox).values()) == [1] * 9


def test_struct_requests(spark: Any, folder: Place, sandbox: Sandbox) -> None:
    """Requests as structs are sent without their nulls."""
    table = spark.sql(
        "select concat('t', id) custom_id, named_struct('model', 'claude-haiku-4-5', 'max_tokens', 5, 'temperature', "
        "if(id = 0, 0.5d, null), 'messages', array(named_struct('role', 'user', 'content', 'hi'))) request "
        "from range(2)"
    )
    write(table, folder)
    with Job.open(folder.job) as job:
        sent = [json.loads(line) for shard in job.shards() for line in job._job.lines.whole_body(shard)]
    assert [set(line["params"]) for line in sorted(sent, key=lambda line: line["custom_id"])] == [
        {"model", "max_tokens", "messages", "temperature"},
        {"model", "max_tokens", "messages"},
    ]


def test_template(spark: Any, folder: Place, sandbox: Sandbox) -> None:
    """A prompt is made of columns as for jobs. Writing again adds the new rows alone; `latest` reads each row once."""
    options = {**ASK, "template": "Say {text}", "id_column": "ticket"}
    write(tickets(spark, 6), folder, **options)
    write(tickets(spark, 8, 2).selectExpr("*", "1 version"), folder, **options)
    run(folder, sandbox)
    found = read(spark, folder, latest="true", columns="ticket,text,status,input_text,version").collect()
    assert sorted((row.ticket, row.input_text, row.version) for row in found) == [
        (f"t{n}", f"hello {n}", 1) for n in range(8)
    ]
    assert all(row.text.endswith(row.input_text) for row in found)
    assert read(spark, folder, columns="status").count() == 6 + 8
    assert len(paid(sandbox)) == 8


@pytest.mark.parametrize(
    ("place", "fault", "fails"),
    [
        ("postgres", "tasks fail", False),
        ("folder", "tasks run twice", False),
        ("postgres", "every task fails", True),
        ("folder", "killed before commit", True),
        ("postgres", "killed in commit", True),
        ("folder", "killed in commit", True),
        ("postgres", "killed after commit", True),
        ("postgres", "commit is not seen to succeed", True),
    ],
    indirect=["place"],
)
def test_faults(spark: Any, place: Place, sandbox: Sandbox, fault: str, fails: bool) -> None:
    """Whatever happens to tasks and drivers, the write is repeated: nothing is lost, paid twice, or left behind."""
    options = {**ASK, "template": "Say {text}", "id_column": "ticket"}
    write(tickets(spark, 2), place, **options)
    if fails:
        with pytest.raises(Exception, match=r"."):
            write(tickets(spark, 9), place, "faulty", fault=fault, **options)
        write(tickets(spark, 9), place, **options)
    else:
        write(tickets(spark, 9), place, "faulty", fault=fault, **options)
    swept = sweep(place.job, ledger=place.ledger, older_than=0)
    # Tasks may go on writing after an abort, too.
    assert swept or fault not in ("killed before commit", "killed in commit")
    with Job.open(place.job, ledger=place.ledger) as job:
        assert place.files() == job._job.ledger.staged_paths()
    run(place, sandbox)
    counts = paid(sandbox)
    assert len(counts) == 9, "lost"
    assert set(counts.values()) == {1}, "paid twice"
    assert sorted(row.ticket for row in read(spark, place, columns="ticket").collect()) == [
        f"t{n}" for n in range(9)
    ]


def test_s3(spark: Any, postgres: Postgres, s3: S3, sandbox: Sandbox) -> None:
    """A stage on S3 is written and read by the workers, with a ledger that machines share: nothing is on a disk."""
    place = Place(f"tickets {secrets.token_hex(4)}", f"s3://{BUCKET}/{secrets.token_hex(4)}", postgres.dsn)
    options = {**ASK, "template": "Say {text}", "id_column": "ticket"}
    write(tickets(spark, 9, 2), place, "faulty", fault="tasks run twice", **options)
    run(place, sandbox)
    found = read(spark, place).select("ticket", "text", "input_text").collect()
    assert sorted((row.ticket, row.text.endswith(row.input_text)) for row in found) == [
        (f"t{n}", True) for n in range(9)
    ]
    with Job.open(place.job, ledger=place.ledger) as job:
        needed = job._job.ledger.staged_paths()
    sweep(place.job, ledger=place.ledger, older_than=0)
    assert set(below(place.stage)) == needed
    assert "results" in {url.split("/")[-2] for url in needed}


def test_task_without_a_message(folder: Place) -> None:
    """A commit that lacks the message of a task registers nothing."""
    from claude_batches.jobs import JobError
    from claude_batches.spark import ClaudeBatchesSource

    writer = ClaudeBatchesSource({"job": folder.job, "stage": folder.stage}).writer(TABLE, False)
    with pytest.raises(JobError, match="a task returned nothing"):
        writer.commit([None])
    writer.abort([None, None])


def test_stage_that_cannot_be_written(spark: Any, folder: Place, tmp_path: Path) -> None:
    """A stage that can't be written is an error of the driver, before any task."""
    (tmp_path / "file").touch()
    for stage, told in (
        (str(tmp_path / "file"), "nothing can be written to the stage file://"),
        ("oci://bucket/stage", "oci://bucket/stage can't be opened on this machine: Install ocifs"),
    ):
        with pytest.raises(AnalysisException, match=told):
            write(tickets(spark, 2), attrs.evolve(folder, stage=stage), template="{text}", **ASK)


def test_conflict(spark: Any, folder: Place) -> None:
    """An id with two prompts in one write fails it with both and their places, and nothing is registered."""
    table = spark.sql("select 'same' ticket, concat('hello ', id) text from range(4)").repartition(2)
    told = r"request \d of partition \d: the write has custom_id 'same' twice.* the first is request 0 of partition 0"
    with pytest.raises(Exception, match=told) as caught:
        write(table, folder, template="Say {text}", id_column="ticket", **ASK)
    assert "first: {" in str(caught.value)
    assert "given: {" in str(caught.value)
    assert folder.files() == set()
    with Job.open(folder.job) as job:
        assert job.status().requests == 0
    # The job that the write made is empty: it is not read as an empty table, and the next write may have other ids.
    with pytest.raises(
        Exception, match=r"has no requests: write \S+ was not committed: write the table again"
    ):
        read(spark, folder)
    write(table.limit(0), folder, template="Say {text}", id_column="ticket", ids="own", **ASK)
    assert read(spark, folder).count() == 0


def test_pushed_filters(spark: Any, folder: Place) -> None:
    """Filters on status and batch are taken from Spark: other batches are not read, and no other rows are made."""
    with Sandbox(instant=True, seed=1, faults=[Fault(kind="errored", share=0.4)]) as sandbox:
        write(tickets(spark, 30), folder, template="Say {text}", id_column="ticket", **ASK)
        run(folder, sandbox, max_requests=10, max_attempts=1)
    everything = read(spark, folder).select("ticket", "status", "batch_id").collect()
    found = read(spark, folder, push_filters="true")
    assert found.rdd.getNumPartitions() == 3
    batch = everything[0].batch_id
    of_batch = found.where(found.batch_id == batch)
    assert of_batch.rdd.getNumPartitions() == 1
    assert {row.ticket for row in of_batch.collect()} == {
        row.ticket for row in everything if row.batch_id == batch
    }
    statuses = {row.status for row in everything}
    assert len(statuses) > 1
    for status in statuses:
        rows = found.where(found.status == status).select("ticket", "response").collect()
        assert {row.ticket for row in rows} == {row.ticket for row in everything if row.status == status}
        assert all((row.response is not None) == (status == "succeeded") for row in rows)
    several = found.where(
        found.status.isin("succeeded", "nothing") & (found.attempt == 1) & (found.batch_id == batch)
    )
    assert several.count() == sum(row.status == "succeeded" and row.batch_id == batch for row in everything)
    assert found.where("batch_id = 'other'").count() == 0


def test_credentials(spark: Any, folder: Place, spark_log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Batches that are not collected are read with the workers' key, which is in no plan, no output and no option."""
    # All that Spark logs, with its plans.
    spark.sparkContext.setLogLevel("DEBUG")
    write(tickets(spark, 5), folder, template="Say {text}", id_column="ticket", **ASK)
    with Sandbox(instant=True) as sandbox, Client(base_url=sandbox.url, api_key=SECRET) as client:
        with Job.open(folder.job, client=client, **QUICK) as job:
            job.submit()
            job.poll()
        assert read(spark, folder).count() == 0
        found = read(spark, folder, uncollected="true", base_url=sandbox.url)
        assert sorted(row.ticket for row in found.where("status = 'succeeded'").collect()) == [
            f"t{n}" for n in range(5)
        ]
        found.explain("extended")
        found.explain("formatted")
        assert SECRET not in found._jdf.queryExecution().toString()
        key = folder.stage + ".key"
        with pytest.raises(Exception, match=r"key file .* can't be read on this worker"):
            read(spark, folder, uncollected="true", base_url=sandbox.url, key_file=key).collect()
    spark.sparkContext.setLogLevel("OFF")
    logged = spark_log.read_text(encoding="utf-8", errors="replace")
    assert "uncollected" in logged, "nothing is logged"
    shown = capfd.readouterr()
    assert SECRET not in shown.out + shown.err + logged


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"api_key": SECRET}, "key_file"),
        ({"ledger": "postgresql://me:hush-hush@db/jobs"}, "PGPASSWORD"),
        ({"ledger": "env:NO_SUCH_VARIABLE"}, "which is not set"),
        ({"colums": "ticket"}, "did you mean columns"),
        ({"columns": "tickets"}, "no column 'tickets'"),
        ({"uncollected": "maybe"}, "true or false"),
        ({"job": "nowhere"}, "there is no job at"),
        ({"job": ""}, "name the job"),
    ],
)
def test_wrong_options_of_a_read(folder: Place, options: dict[str, str], told: str) -> None:
    """Options that can't work are errors that name the way out, and repeat no secret."""
    from claude_batches import ClaudeBatchesError
    from claude_batches.spark import ClaudeBatchesSource

    with Job.open(folder.job) as job:
        job.add(numbered(1))
    with pytest.raises(ClaudeBatchesError, match=told) as caught:
        ClaudeBatchesSource({"job": folder.job, **options}).schema()
    assert SECRET not in str(caught.value)
    assert "hush" not in str(caught.value)


REQUESTS = "custom_id string, request string"
PROMPTS = "ticket string, body string, model string"
PROMPT = {"template": "{body}", "model": "m", "max_tokens": "5"}
TYPES = {
    "string": StringType(),
    "bigint": LongType(),
    "double": DoubleType(),
    "interval": CalendarIntervalType(),
}


@pytest.mark.parametrize(
    ("columns", "options", "told"),
    [
        (REQUESTS, {"stage": ""}, "give the stage"),
        (REQUESTS, {"max_tokens": "many"}, "must be a number"),
        (REQUESTS, {"params": "[1]"}, "must be a JSON object"),
        (REQUESTS, {"params": "{"}, "not JSON"),
        (REQUESTS, {"uncollected": "true"}, "not an option"),
        (REQUESTS, {"cache": "2h"}, "cache must be 5m or 1h or none"),
        (REQUESTS, {"ledger": "jobs"}, 'such as "postgresql://host/jobs"'),
        (f"{REQUESTS}, span interval", {}, "column 'span'.*cast it"),
        (f"{REQUESTS}, text string, input_text string", {}, "'text' and 'input_text'.* rename one"),
        ("request bigint", {}, "column 'request' is bigint: a request is JSON text"),
        ("custom_id double, request string", {}, "column 'custom_id' is double: .* cast it to string"),
        (PROMPTS, {}, r"no column request .*'ticket', 'body', 'model'.*option\(\"template\""),
        (
            PROMPTS,
            {**PROMPT, "template": "{bdy}"},
            "option template names the column 'bdy', .*'ticket', 'body'",
        ),
        (PROMPTS, {**PROMPT, "template": "{"}, "template is malformed"),
        (PROMPTS, {**PROMPT, "template": "prompt.txt"}, "has no column.* not the name of its file"),
        (PROMPTS, {**PROMPT, "id_column": "id"}, "option id_column names the column 'id'"),
        (PROMPTS, {**PROMPT, "attachments": "body,pic"}, "option attachments names the column 'pic'"),
        (
            PROMPTS,
            {"template": "{body}", "max_tokens": "5"},
            r"no model: give option\(\"model\".* is passed through",
        ),
        (
            PROMPTS,
            {"template": "{body}", "model": "m"},
            r"no max_tokens: give option\(\"max_tokens\", 300\)$",
        ),
    ],
)
def test_wrong_writes(folder: Place, columns: str, options: dict[str, str], told: str) -> None:
    """Options and columns that can't work are errors before any task, which name them; no job is made."""
    from claude_batches import ClaudeBatchesError
    from claude_batches.spark import ClaudeBatchesSource

    schema = StructType()
    for column in columns.split(", "):
        name, kind = column.split()
        schema.add(name, TYPES[kind])
    given = {"job": folder.job, "stage": folder.stage, **options}
    with pytest.raises(ClaudeBatchesError, match=told):
        ClaudeBatchesSource(given).writer(schema, False)
    with pytest.raises(ClaudeBatchesError, match="can't be overwritten"):
        ClaudeBatchesSource(given).writer(schema, True)
    assert not Path(folder.job).exists()


def test_row_without_a_model(spark: Any, folder: Place) -> None:
    """A row that lacks what all rows could be given is an error of its task that names row, partition and option."""
    table = spark.sql("""select 'a' custom_id, '{"messages": [], "max_tokens": 5}' request""")
    with pytest.raises(Exception, match="row 0: the request has no model") as caught:
        write(table, folder)
    assert "The row is in partition 0." in str(caught.value)
    assert 'option("model", ...)' in str(caught.value)


def test_pickled_parts_have_no_key(folder: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects that Spark ships to workers have the place of a key, and never a key."""
    from claude_batches.spark import ClaudeBatchesSource, ClientConfig

    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    with Job.open(folder.job) as job:
        job.add(numbered(1))
    source = ClaudeBatchesSource({"job": folder.job, "uncollected": "true"})
    reader = pickle.dumps(source.reader(source.schema()))
    writer = pickle.dumps(
        ClaudeBatchesSource({"job": folder.job, "stage": folder.stage}).writer(TABLE, False)
    )
    assert SECRET.encode() not in reader + writer
    with ClientConfig(base_url="http://127.0.0.1:9").client() as client:
        assert SECRET not in repr(client)
