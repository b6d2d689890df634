"""The reader of the data source, as a worker of Spark runs it: without Java."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from claude_batches import ClaudeBatchesError, Client
from claude_batches.jobs import Job
from claude_batches.jobs._cost import Prices
from claude_batches.sandbox import Sandbox
from claude_batches.spark import ClaudeBatchesSource
from claude_batches.spark._options import WriteOptions
from claude_batches.spark._types import described, spark_schema
from claude_batches.spark._writer import JobWriter
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    LongType,
    NullType,
    StringType,
    StructType,
    TimestampType,
)

from tests.jobs.kinds import QUICK
from tests.jobs.staging import Place

ASK = {"template": "Say {text}", "id_column": "ticket", "model": "claude-haiku-4-5", "max_tokens": "50"}
TABLE = StructType().add("ticket", StringType()).add("text", StringType()).add("n", LongType())
TABLE_OF_DOUBLES = StructType().add("ticket", StringType()).add("text", StringType()).add("n", DoubleType())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(str(tmp_path / "tickets.job"), str(tmp_path / "stage"), None)


def write(
    place: Place, count: int, schema: StructType = TABLE, start: int = 0, shift: int = 0, **options: str
) -> None:
    """Write a table of one partition, as Spark calls the writer."""
    rows = [
        {"ticket": f"t{number}", "text": f"hello {number}", "n": number + shift}
        for number in range(start, start + count)
    ]
    writer = JobWriter(WriteOptions.of({"job": place.job, "stage": place.stage, **ASK, **options}), schema)
    writer.commit([writer.write(iter(pa.Table.from_pylist(rows).to_batches(max_chunksize=7)))])


def read(place: Place, **options: str) -> list[dict[str, Any]]:
    """Return the rows of all partitions."""
    source = ClaudeBatchesSource({"job": place.job, **options})
    reader = source.reader(source.schema())
    return [row for part in reader.partitions() for batch in reader.read(part) for row in batch.to_pylist()]


def run(place: Place, sandbox: Sandbox, **options: Any) -> None:
    with (
        Client(base_url=sandbox.url, api_key="k") as client,
        Job.open(place.job, client=client, **{**QUICK, **options}) as job,
    ):
        assert job.run().finished


def test_pruned_columns(place: Place, sandbox: Sandbox) -> None:
    """Results and requests that no column needs are not read."""
    write(place, 20)
    run(place, sandbox)
    whole = read(place)
    results = Path(place.job) / "results" / "000001.jsonl"
    elsewhere = results.rename(f"{place.job}/elsewhere")
    assert read(place, columns="status,batch_id,attempt,ticket") == [
        {name: row[name] for name in ("status", "batch_id", "attempt", "ticket")} for row in whole
    ]
    with pytest.raises(ClaudeBatchesError, match="is missing"):
        read(place, columns="text")
    elsewhere.rename(results)
    shutil.rmtree(place.stage)
    assert read(place, columns="text,response") == [
        {"text": row["text"], "response": row["response"]} for row in whole
    ]
    with pytest.raises(ClaudeBatchesError, match="is missing"):
        read(place, columns="ticket")


def test_cost(place: Place, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost is that of the job's own tables, is looked up once for a model, and not at all where it is not read."""
    write(place, 300)
    write(place, 3, start=300, model="claude-sonnet-4-5")
    run(place, sandbox)
    looked_up: list[str] = []
    find = Prices._find
    monkeypatch.setattr(Prices, "_find", lambda *given: looked_up.append(given[1]) or find(*given))

    def costs() -> dict[str, float | None]:
        found = {row["ticket"]: row["cost"] for row in read(place)}
        with Job.open(place.job) as job:
            own = job.write(cost=True).read_all().to_pylist()
        assert found == {row["ticket"]: row["cost"] for row in own}
        return found

    assert None not in costs().values()
    assert sorted(set(looked_up)) == ["claude-haiku-4-5", "claude-sonnet-4-5"]
    # Each batch is read by itself, and the job's table is one more.
    assert len(looked_up) == 4
    looked_up.clear()
    read(place, columns="text,input_tokens,ticket")
    assert not looked_up
    with Job.open(place.job, prices={"claude-sonnet-*": {"input_tokens": 1, "output_tokens": None}}):
        pass
    assert {ticket for ticket, cost in costs().items() if cost is None} == {"t300", "t301", "t302"}
    # Without the price list the job's own prices hold.
    with Job.open(place.job, prices={"claude-sonnet-*": {"input_tokens": 1_000_000, "output_tokens": 0}}):
        pass
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    for row in read(place, columns="model,cost,input_tokens"):
        assert row["cost"] == (row["input_tokens"] if "sonnet" in row["model"] else None)


@pytest.mark.parametrize("ids", ["derived", "own"])
def test_uncollected(place: Place, ids: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A batch that is not collected is read from the API, joined with its rows as a collected one is."""
    write(place, 30, ids=ids)
    key = tmp_path / "key"
    key.write_text("sk-of-a-secret\n")
    with Sandbox(instant=True) as sandbox, Client(base_url=sandbox.url, api_key="sk-of-a-secret") as client:
        with Job.open(place.job, client=client, **QUICK) as job:
            job.submit()
            job.poll()
        # The same rows again, with another column for some of them.
        write(place, 3, TABLE, ids=ids, shift=1)
        assert read(place) == []
        options = {"uncollected": "true", "base_url": sandbox.url, "key_file": str(key)}
        found = read(place, **options)
        assert sorted(row["ticket"] for row in found) == sorted(f"t{n}" for n in [*range(30), *range(3)])
        latest = read(place, **options, latest="true")
        assert [(row["ticket"], row["n"]) for row in latest] == [
            (f"t{number}", number + (number < 3)) for number in range(30)
        ]
        assert all(row["text"].endswith(row["input_text"]) and row["status"] == "succeeded" for row in found)
        # The same rows, once they are collected.
        with Job.open(place.job, client=client, **QUICK) as job:
            job.collect()
        assert read(place, **options) == found
        assert read(place, latest="true") == latest
        assert len(read(place, latest="true", columns="status")) == 30


def test_columns_of_several_writes(place: Place, sandbox: Sandbox) -> None:
    """A column of later rows is null before, and one that changes its type is text."""
    write(place, 2, StructType().add("ticket", StringType()).add("text", StringType()))
    write(place, 2, TABLE, start=2)
    run(place, sandbox)
    assert [row["n"] for row in read(place, columns="n")] == [0, 1, 2, 3]
    write(place, 1, TABLE_OF_DOUBLES, start=4)
    run(place, sandbox)
    source = ClaudeBatchesSource({"job": place.job, "columns": "n,status"})
    assert source.schema() == StructType().add("n", StringType()).add("status", StringType())
    assert [row["n"] for row in read(place, columns="n")] == ["0", "1", "2", "3", "4"]


def test_types_of_several_writes() -> None:
    """A column without values has no type, a type doesn't change by its nulls, and a changed one is text for good."""

    def merged(*kinds: DataType) -> DataType:
        written = [described(StructType().add("Text", kind)) for kind in kinds]
        schema = spark_schema(written, None)
        # Spark would take "Text" for the text of the answer.
        return schema["input_Text"].dataType

    some, all_of = ArrayType(LongType(), containsNull=False), ArrayType(LongType())
    assert merged(NullType(), LongType(), NullType()) == LongType()
    assert merged(some, all_of) == merged(all_of, some) == all_of
    inner = StructType().add("a", some, nullable=False)
    assert merged(inner, StructType().add("a", all_of)) == StructType().add("a", all_of)
    assert merged(LongType(), DoubleType(), LongType()) == StringType()
    assert merged(NullType()) == NullType()


def test_changed_types(place: Place, sandbox: Sandbox) -> None:
    """A column that has another type later is text, in the forms that the documentation has."""
    values: dict[str, tuple[DataType, Any, str]] = {
        "at": (TimestampType(), dt.datetime(2026, 7, 1, 9, tzinfo=dt.UTC), "2026-07-01T09:00:00+00:00"),
        "day": (DateType(), dt.date(2026, 7, 1), "2026-07-01"),
        "span": (DayTimeIntervalType(), dt.timedelta(seconds=1), "1000000"),
        "paid": (DecimalType(5, 2), Decimal("1.50"), "1.50"),
        "data": (BinaryType(), b"\xff", "/w=="),
        "flag": (BooleanType(), True, "true"),
        "part": (DoubleType(), 0.5, "0.5"),
        "list": (ArrayType(LongType()), [1, None], "[1,null]"),
        "none": (LongType(), None, ""),
    }
    options = WriteOptions.of({"job": place.job, "stage": place.stage, **ASK, "template": "Say {ticket}"})
    for number, ticket in enumerate(("before", "after")):
        row = {"ticket": ticket, **{name: value for name, (_, value, _) in values.items() if not number}}
        schema = StructType().add("ticket", StringType())
        for name, (kind, _, _) in values.items():
            schema.add(name, StringType() if number else kind)
        writer = JobWriter(options, schema)
        writer.commit([writer.write(iter(pa.Table.from_pylist([row]).to_batches()))])
    run(place, sandbox)
    (found,) = (row for row in read(place) if row["ticket"] == "before")
    assert {name: found[name] or "" for name in values} == {name: text for name, (*_, text) in values.items()}


def test_another_schema(place: Place, sandbox: Sandbox) -> None:
    """A schema by the user selects columns; a type that the values don't have is an error that names the column."""
    write(place, 3)
    run(place, sandbox)
    source = ClaudeBatchesSource({"job": place.job})
    reader = source.reader(StructType().add("n", DoubleType()).add("ticket", StringType()))
    (part,) = reader.partitions()
    assert [batch.to_pylist() for batch in reader.read(part)] == [
        [{"n": float(number), "ticket": f"t{number}"} for number in range(3)]
    ]
    reader = source.reader(StructType().add("text", LongType()))
    with pytest.raises(ClaudeBatchesError, match="column 'text' is not int64"):
        list(reader.read(part))
