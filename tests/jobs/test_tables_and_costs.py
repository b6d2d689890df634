"""Jobs of tables, with typed answers, plans and limits."""

from __future__ import annotations

import csv
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict

import anyio
import anyio.lowlevel
import orjson
import pyarrow.parquet as pq
import pydantic
import pytest
from claude_batches.jobs import (
    BudgetError,
    Job,
    JobConflictError,
    JobError,
    JobOptionsError,
    SourceError,
    TableError,
    TemplateError,
    _adding,
    _rows,
    plan,
    read_source,
)
from claude_batches.jobs._requests import Given
from claude_batches.jobs._rows import rows_of_shard
from claude_batches.jobs._tables import _write
from claude_batches.sandbox import Sandbox

from tests.jobs.kinds import Open, async_jobs
from tests.jobs.victim import requests

#: Dollars a million.
PRICES = {"claude-sonnet-4-5": {"input_tokens": 1.5, "output_tokens": 7.5}}
QUESTION = {"template": "Is {text} nice?", "model": "claude-sonnet-4-5", "params": {"max_tokens": 50}}


def _table(path: Path, texts: list[str]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "country"])
        writer.writerows((text, f"country {index}") for index, text in enumerate(texts))
    return path


def test_repeated_rows_are_written_on_the_way(
    tmp_path: Path, open_job: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that repeat one request don't gather in memory until another one comes."""
    monkeypatch.setattr(_adding, "_PENDING_ROWS", 10)
    job = open_job(tmp_path / "a", None)
    written: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for index in range(100):
            written.append(job.status().twins)
            yield {"text": "the same", "number": index}

    assert job.add(rows(), **QUESTION) == 1
    assert written[-1] >= 70
    assert job.status().twins == 99


@pytest.mark.parametrize("together", [2, 50_000])
def test_repeated_rows(
    tmp_path: Path, open_job: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    """Rows with equal prompts are paid for once, and each gets the result, in the order of the table."""
    monkeypatch.setattr(_adding, "_PENDING_ROWS", together)
    job = open_job(tmp_path / "a", sandbox.url, max_requests=2)
    table = _table(tmp_path / "t.csv", ["a", "b", "a", "c", "b", "a", "d"])
    assert job.add(table, **QUESTION) == 4
    assert job.add(table, **QUESTION) == 0
    report = job.run()
    assert (report.status.requests, report.status.twins, report.status.done) == (4, 3, 4)
    assert (
        str(report)
        == str(report.status)
        == (
            "finished\n4 requests: 4 succeeded\n3 more rows repeat the request of another\n2 of 2 batches ended"
        )
    )
    rows = list(job.results())
    assert [row.columns["country"] for row in rows] == [f"country {index}" for index in range(7)]
    assert [row.message.content[0].text.split()[-2] for row in rows] == ["a", "b", "a", "c", "b", "a", "d"]
    assert len(list(job.results("arrival"))) == 7
    longer = _table(tmp_path / "t.csv", ["a", "b", "a", "c", "b", "a", "d", "a", "e"])
    assert job.add(longer, **QUESTION) == 1
    job.run()
    assert [row.columns["country"] for row in job.results()] == [f"country {index}" for index in range(9)]


def test_a_changed_column(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """A row that is added again with a changed column is there twice; the last version comes last."""
    job = open_job(tmp_path / "a", sandbox.url)
    for country in ("CH", "AT"):
        job.add([{"id": "r1", "text": "a", "country": country}], **QUESTION, id_column="id")
    job.run()
    assert [row.columns["country"] for row in job.results()] == ["CH", "AT"]
    assert (job.status().requests, job.status().twins) == (1, 1)
    last = {row.custom_id: row for row in job.results()}
    assert last["r1"].columns["country"] == "AT"


def test_errors_of_tables_are_of_jobs(tmp_path: Path, open_folder: Open) -> None:
    """Errors of `add` and `write` about a table are `JobError`s, as those about the job."""
    job = open_folder(tmp_path / "a", None)
    for wrong in ({"template": "{texts}"}, {"template": "{text"}, {"id_column": "no"}):
        with pytest.raises(JobError):
            job.add([{"text": "a"}], **{**QUESTION, **wrong})
    for options in ({"path": "t.unknown"}, {"columns": ["no"]}):
        with pytest.raises(JobError):
            job.write(**options)


def test_many_repeated_rows(
    tmp_path: Path, open_folder: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of many rows with one prompt has its result, however many there are for the rows read together."""
    monkeypatch.setattr(_rows, "AHEAD_ROWS", 100)
    job = open_folder(tmp_path / "a", sandbox.url)
    texts = [f"prompt {index % 3}" for index in range(2500)]
    assert job.add(_table(tmp_path / "t.csv", texts), **QUESTION) == 3
    job.run()
    for order in ("input", "arrival"):
        rows = list(job.results(order))
        assert sorted(row.columns["country"] for row in rows) == sorted(f"country {n}" for n in range(2500))
        assert all(row.params["messages"][0]["content"] in row.message.content[0].text for row in rows)


#: Rows with ids, of which the third alone has a prompt of its own.
NAMED = [{"id": id, "text": text, "n": n} for n, (id, text) in enumerate(zip("abcd", "xxyx", strict=True))]


def _read_ids(path: Path) -> list[tuple[str, str, str]]:
    """The ids, answers and numbers of a table of results; it has no other column of ids."""
    read: list[dict[str, Any]]
    if path.suffix == ".parquet":
        read = pq.read_table(path).to_pylist()
    elif path.suffix == ".csv":
        with path.open(newline="") as file:
            read = list(csv.DictReader(file))
    else:
        read = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert not any("input_custom_id" in row for row in read)
    return [(row["custom_id"], row["text"].split()[-2], str(row["n"])) for row in read]


@pytest.mark.parametrize("together", [1, 50_000])
def test_rows_with_ids_share_a_request(
    tmp_path: Path, open_job: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    """With `dedupe=True` rows with equal params and ids of their own are paid for once, and each has the result."""
    monkeypatch.setattr(_adding, "_PENDING_ROWS", together)
    job = open_job(tmp_path / "a", sandbox.url)
    options = {**QUESTION, "id_column": "id", "dedupe": True}
    planned = plan(read_source(NAMED, **options))
    assert job.add(NAMED, **options) == planned.requests == 2
    assert job.add(iter(NAMED), **options) == 0
    assert job.status().twins == planned.repeated == 2
    assert sum(shard.requests for shard in job.shards()) == 2
    job.run()
    # Later rows: one with a prompt that was answered, and a new one.
    later = [*NAMED, {"id": "e", "text": "y", "n": 4}, {"id": "f", "text": "z", "n": 5}]
    assert job.add(later, **options) == 1
    job.run()
    assert (job.status().requests, job.status().twins) == (3, 3)
    expected = [(row["id"], row["text"], str(row["n"])) for row in later]
    rows = list(job.results())
    assert [
        (row.custom_id, row.message.content[0].text.split()[-2], str(row.columns["n"])) for row in rows
    ] == expected
    assert [row.columns for row in rows] == later
    assert [row.request for row in rows] == [
        {**each, "custom_id": each["id"], "params": row.params} for each, row in zip(later, rows, strict=True)
    ]
    assert sorted(row.custom_id for row in job.results("arrival")) == list("abcdef")
    for suffix in ("jsonl", "csv", "parquet"):
        job.write(tmp_path / f"t.{suffix}")
        assert _read_ids(tmp_path / f"t.{suffix}") == expected
    ids = job.write(columns=["custom_id", "text"]).read_all()["custom_id"].to_pylist()
    assert ids == list("abcdef")


def test_ids_of_requests_that_are_sent_again(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """Rows that share a request keep their ids when it is sent again, and `retry_if` has the one of the first row."""
    asked: list[str] = []

    def retry(custom_id: str, params: Any, result: Any, attempt: int) -> bool:
        asked.append(custom_id)
        return attempt < 2

    job = open_job(tmp_path / "a", sandbox.url, retry_if=retry)
    requests = [{"custom_id": row["id"], "params": request(len(row["text"])), "n": row["n"]} for row in NAMED]
    assert job.add(requests, dedupe=True) == 1
    job.run()
    assert asked == ["a", "a"]
    assert [(row.custom_id, row.attempt, row.columns) for row in job.results()] == [
        (row["id"], 2, {"n": row["n"]}) for row in NAMED
    ]


def test_rows_without_ids_among_them(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """A row without an id that shares the request of rows with ids has its derived id, whichever came first."""
    for name, rows in (("a", [NAMED[0], {"text": "x"}]), ("b", [{"text": "x"}, NAMED[0]])):
        job = open_job(tmp_path / name, sandbox.url)
        given = [{"custom_id": row.pop("id", None), **row} for row in map(dict, rows)]
        assert job.add(given, **QUESTION, dedupe=True) == 1
        job.run()
        derived = next(read_source([{"text": "x"}], **QUESTION)).custom_id
        expected = [each["custom_id"] or derived for each in given]
        assert [row.custom_id for row in job.results()] == expected
        assert job.write(columns=["custom_id"]).read_all()["custom_id"].to_pylist() == expected


def test_latest_of_each_id(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """The latest rows are one for each id, where several ids share a request."""
    job = open_job(tmp_path / "a", sandbox.url)
    options = {**QUESTION, "id_column": "id", "dedupe": True}
    job.add(NAMED, **options)
    job.add([{**row, "n": 10 + row["n"]} for row in NAMED if row["id"] in "ab"], **options)
    job.run()
    opened = job._job if isinstance(job, Job) else job._job._job
    (shard,) = job.shards()
    rows = rows_of_shard(opened.ledger, opened.lines, shard, latest=True)
    found = sorted((row.custom_id, row.columns["n"]) for row in rows)
    assert found == [("a", 10), ("b", 11), ("c", 2), ("d", 3)]


def test_samples_of_one_prompt(tmp_path: Path, open_job: Open) -> None:
    """By default each row with an id is a request, and rows without ids share one; with `False` each row is one."""
    job = open_job(tmp_path / "a", None)
    assert job.add(NAMED, **QUESTION, id_column="id") == 4
    assert job.add(NAMED, **QUESTION, id_column="id", dedupe=False) == 0
    without = [{"text": "x"}] * 3
    assert job.add(without, **QUESTION) == 1
    assert job.add(without, **QUESTION, dedupe=False) == 3


def test_own_ids_are_not_shared(tmp_path: Path, open_folder: Open) -> None:
    """Ids that are sent as they are can't share a request, and the error says what to do."""
    job = open_folder(tmp_path / "a", None, ids="own")
    with pytest.raises(JobOptionsError, match='leave out dedupe, or make the job with ids="derived"'):
        job.add(NAMED, **QUESTION, id_column="id", dedupe=True)
    assert job.add(NAMED, **QUESTION, id_column="id") == 4


@pytest.fixture
def open_async() -> Iterator[Open]:
    """Open asynchronous jobs."""
    yield from async_jobs(None)


async def _as_they_come(rows: Iterable[Any], taken: list[Any]) -> AsyncIterator[Any]:
    for row in rows:
        await anyio.lowlevel.checkpoint()
        taken.append(row)
        yield row


def test_async_rows(tmp_path: Path, open_async: Open) -> None:
    """Rows of an async iterable become requests by the options that rows of an iterable do."""
    taken: list[Any] = []
    with Sandbox(instant=True, reply=lambda _: '{"good": true}') as sandbox:
        job = open_async(tmp_path / "a", sandbox.url, output=Review)
        same = open_async(tmp_path / "b", sandbox.url, output=Review)
        options = {**QUESTION, "id_column": "id", "dedupe": True}
        assert job.add(_as_they_come(NAMED, taken), **options, limit=3) == 2
        # Nothing is taken of the source beyond the limit.
        assert taken == NAMED[:3]
        assert job.add(_as_they_come(NAMED, taken), **options) == 0
        same.add(NAMED, **options)
        plain = {"custom_id": "plain", "params": request(1)}
        for each, source in ((job, _as_they_come([plain], taken)), (same, [plain])):
            assert each.add(source) == 1
            each.run()
    rows = list(job.results())
    assert [row.request for row in rows] == [row.request for row in same.results()]
    assert [row.custom_id for row in rows] == ["a", "b", "c", "d", "plain"]
    assert all(row.output == {"good": True} for row in rows)


def test_errors_of_async_rows(tmp_path: Path, open_async: Open) -> None:
    """An error about a row of an async iterable has its place, and nothing is added."""
    job = open_async(tmp_path / "a", None)
    for options, kind, told in (
        ({**QUESTION, "id_column": "no"}, SourceError, "row 0: there is not a column 'no'"),
        ({"template": "{nothing}", "model": "m"}, TemplateError, "row 0"),
        ({**QUESTION, "id_column": "one"}, JobConflictError, "row 2: .*'1' twice"),
    ):
        with pytest.raises(kind, match=told):
            job.add(_as_they_come([{**row, "one": 1} for row in NAMED], []), **options)
    assert job.status().empty


def test_failed_call_leaves_no_repeated_rows(
    tmp_path: Path, open_folder: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeated rows of a call that fails are not there, even if they came before its first new row."""
    monkeypatch.setattr(_adding, "_PENDING_ROWS", 5)
    job = open_folder(tmp_path / "a", sandbox.url, max_requests=10)
    first = [Given(f"row {n}", request(n), {"n": n}, n) for n in range(5)]
    assert job.add(first) == 5

    def failing() -> Any:
        yield from (Given(f"row {n}", request(n), {"n": 100 + n}, 100 + n) for n in range(5))
        yield from (Given(f"row {n}", request(n), {"n": n}, n) for n in range(5, 60))
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        job.add(failing())
    status = job.status()
    assert (status.requests, status.twins) == (5, 0)
    repeated = [Given(f"row {n}", request(n), {"n": 100 + n}, 100 + n) for n in range(5)]
    assert job.add(repeated) == 0
    job.run()
    assert [row.columns["n"] for row in job.results()] == [*range(5), *range(100, 105)]


def request(number: int) -> dict[str, Any]:
    """Params of a request."""
    message = {"role": "user", "content": f"number {number}"}
    return {"model": "claude-haiku-4-5", "max_tokens": 10, "messages": [message]}


def test_table_out(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """The input's columns are joined with the results in a table."""
    job = open_job(tmp_path / "a", sandbox.url, prices=PRICES)
    job.add(_table(tmp_path / "t.csv", ["a", "b"]), **QUESTION)
    job.run()
    assert job.write(tmp_path / "out.jsonl", cost=True) == 2
    lines = [orjson.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert [line["country"] for line in lines] == ["country 0", "country 1"]
    assert all(line["cost"] > 0 and line["attempt"] == 1 and line["batch_id"] for line in lines)


MEASURE = """
import sys
from pathlib import Path
import pyarrow.parquet
from claude_batches.jobs import Job, _rows
from claude_batches.jobs._tables import _arrow
def peak():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
# As many rows are read together as the memory of large jobs is bounded by.
_rows.AHEAD_ROWS, _arrow.GROUP_ROWS = 1000, 1000
for name in sys.argv[2:]:
    with Job.open(name) as job:
        before = peak()
        print(job.write(sys.argv[1]), peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_writing_in_flat_memory(tmp_path: Path, open_folder: Open, suffix: str) -> None:
    """A table of a job with twice the rows takes no more memory."""
    folders: list[str] = []
    with Sandbox(instant=True, reply=lambda _: "word " * 1000) as sandbox:
        for count in (6000, 12000):
            folders.append(str(tmp_path / str(count)))
            job = open_folder(folders[-1], sandbox.url, max_requests=3000)
            job.add(
                {"params": {**request(number), "max_tokens": 2000}, "n": number} for number in range(count)
            )
            job.run()
            job.close()
    command = [sys.executable, "-c", MEASURE, str(tmp_path / f"t.{suffix}"), *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (few, _), (many, more) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert (few, many) == (6000, 12000)
    # Of 30 MB of further results.
    assert more < 20_000, done.stdout


#: Columns of rows, of which most come late, and whose values are of several kinds.
LATE: list[dict[str, Any]] = [
    *({"n": number, "text": f"t{number}"} for number in range(9)),
    {"n": 2**53, "late": True, "wide": 2**60, "nested": [1], "a\0b": 1, "none": None},
    {"n": 0.5, "late": "yes", "wide": 0.5, "huge": 2**64 - 1, "nested": {"a": 1}},
]
TYPES = {
    "n": "double", "input_text": "string", "late": "string", "wide": "string", "nested": "string", "a\0b": "int64",
    "none": "string", "huge": "string",
}  # fmt: skip


def _with_columns(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, **columns} for each, columns in zip(requests(len(rows)), rows, strict=True)]


def test_late_columns(
    tmp_path: Path, open_job: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table has all columns of the requests, of types that hold all values, wherever the first value comes."""
    # The first rows of a table are eight chunks.
    monkeypatch.setattr(_write, "CHUNK_ROWS", 1)
    job = open_job(tmp_path / "a", sandbox.url)
    given = _with_columns(LATE)
    job.add(given[:5])
    job.add(given[4:])
    job.run()
    table = job.write().read_all()
    assert {name: str(table.schema.field(name).type) for name in TYPES} == TYPES
    assert table.column_names[-len(TYPES) :] == list(TYPES)
    assert table["n"].to_pylist() == [*map(float, range(9)), float(2**53), 0.5]
    last = table.to_pylist()[-1]
    assert [last[name] for name in ("late", "wide", "nested", "huge", "none")] == [
        "yes", "0.5", '{"a":1}', str(2**64 - 1), None,
    ]  # fmt: skip
    job.write(tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet").equals(table)
    job.write(tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["late"] for row in rows] == [*[""] * 9, "True", "yes"]
    job.write(tmp_path / "t.jsonl")
    for line, columns in zip((tmp_path / "t.jsonl").read_bytes().splitlines(), LATE, strict=True):
        read = orjson.loads(line)
        assert {name: read[f"input_{name}" if name == "text" else name] for name in columns} == columns


def test_columns_of_twins(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """Columns that only repeated rows have are in the table."""
    job = open_job(tmp_path / "a", sandbox.url)
    job.add([{"text": "a"}, {"text": "a", "country": "CH"}], **QUESTION)
    job.run()
    assert job.write().read_all()["country"].to_pylist() == [None, "CH"]


def test_chosen_columns(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """Columns are chosen and put in order; a name that is not there is an error with those that are."""
    job = open_job(tmp_path / "a", sandbox.url, prices=PRICES)
    job.add(_table(tmp_path / "t.csv", ["a", "b"]), **QUESTION)
    job.run()
    names = ["country", "cost", "custom_id", "input_text"]
    read = job.write(columns=names).read_all()
    assert read.column_names == names
    assert read["input_text"].to_pylist() == ["a", "b"]
    assert all(cost > 0 for cost in read["cost"].to_pylist())
    for options in ({"columns": ["custom_id", "county"]}, {"types": {"county": "string"}}):
        with pytest.raises(TableError, match=r"'county'.*custom_id.*raw, input_text, country$"):
            job.write(tmp_path / "out.csv", **options)
    assert not (tmp_path / "out.csv").exists()
    assert job.write(types={"country": "large_string"}).schema.field("country").type == "large_string"


@pytest.mark.parametrize("ids", ["own", "derived"])
def test_requests_that_no_column_needs(tmp_path: Path, open_folder: Open, sandbox: Sandbox, ids: str) -> None:
    """The requests are not read where no column of the table is of them."""
    names = ["custom_id", "text"] if ids == "own" else ["batch_id", "text"]
    job = open_folder(tmp_path / "a", sandbox.url, ids=ids)
    job.add([{**each, "custom_id": f"row-{number}"} for number, each in enumerate(requests(3))])
    job.run()
    shutil.rmtree(tmp_path / "a" / "bodies")
    rows = job.write(columns=names).read_all().to_pylist()
    assert [row["text"] for row in rows] == [f"You said: hello {number}" for number in range(3)]
    if ids == "own":
        assert [row["custom_id"] for row in rows] == ["row-0", "row-1", "row-2"]


def test_own_ids_without_results(tmp_path: Path, open_job: Open) -> None:
    """Rows without a result have their ids in a table, too."""
    with Sandbox(instant=True) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, ids="own")
        job.add([{**each, "custom_id": f"row-{number}"} for number, each in enumerate(requests(3))])
        job.submit()
        sandbox.advance(30 * 24 * 3600)
        job.resolve(1, "lost")
    assert job.write(columns=["custom_id"]).read_all()["custom_id"].to_pylist() == ["row-0", "row-1", "row-2"]


def test_columns_of_an_earlier_release(tmp_path: Path, open_folder: Open, sandbox: Sandbox) -> None:
    """The columns of rows whose ledger had no list of them are found in the requests."""
    job = open_folder(tmp_path / "a", sandbox.url)
    job.add([{"text": "a"}, {"text": "b", "size": 1}, {"text": "a", "country": "CH"}], **QUESTION)
    job.run()
    job.close()
    with closing(sqlite3.connect(tmp_path / "a" / "ledger.sqlite")) as database:
        database.executescript(
            "DROP TABLE input_column; ALTER TABLE worker DROP COLUMN sends; ALTER TABLE job DROP COLUMN unlisted;"
            "PRAGMA user_version = 2"
        )
    job = open_folder(tmp_path / "a", sandbox.url)
    job.add([{"text": "c", "late": 2}], **QUESTION)
    job.run()
    columns = ["input_text", "country", "size", "late"]
    assert job.write(columns=columns).read_all().to_pylist() == [
        dict(zip(columns, values, strict=True))
        for values in (
            ("a", None, None, None),
            ("b", None, 1, None),
            ("a", "CH", None, None),
            ("c", None, None, 2),
        )
    ]


def test_one_rule_for_ids(tmp_path: Path, open_folder: Open) -> None:
    """Params alone and a row with the same prompt have the same derived id."""
    job = open_folder(tmp_path / "a", None)
    job.add([{"text": "a"}], **QUESTION)
    message = {"role": "user", "content": "Is a nice?"}
    assert job.add([{"messages": [message], "max_tokens": 50, "model": "claude-sonnet-4-5"}]) == 0


class Review(TypedDict):
    good: bool


def test_typed_answers(tmp_path: Path, open_job: Open) -> None:
    """Answers are values of a type, and one that is not is asked for again with its error, where that is wanted."""
    asked: list[Any] = []

    def reply(wire: Any) -> str:
        asked.append(wire["params"])
        return '{"good": true}' if len(wire["params"]["messages"]) > 1 else "Oh yes"

    with Sandbox(instant=True, reply=reply) as sandbox:
        job = open_job(tmp_path / "a", sandbox.url, output=Review, retry_unparsable=True)
        job.add([{"text": "a"}], **QUESTION)
        job.run()
    (row,) = job.results()
    assert (row.output, row.attempt, row.cause) == ({"good": True}, 2, "succeeded")
    assert "good" in str(asked[0]["output_config"]["format"]["schema"])
    assert "not valid" in str(asked[1]["messages"][-1])


class Rating(pydantic.BaseModel):
    """An answer."""

    good: bool


class Renamed(pydantic.BaseModel):
    """The same answer, described in other words."""

    good: bool = pydantic.Field(title="Is it good?")


class Other(pydantic.BaseModel):
    """Another answer."""

    good: str


def test_answers_without_their_type(tmp_path: Path, open_job: Open) -> None:
    """A job that is opened without the type of its answers has them as JSON; another type is an error."""
    with Sandbox(instant=True, reply=lambda _: '{"good": true}') as sandbox:
        typed = open_job(tmp_path / "a", sandbox.url, output=Rating)
        typed.add([{"text": "a"}], **QUESTION)
        typed.run()
        typed.close()
    job = open_job(tmp_path / "a", None)
    assert [row.output for row in job.results()] == [{"good": True}]
    assert job.write(columns=["output", "error_type"]).read_all().to_pylist() == [
        {"output": '{"good": true}', "error_type": None}
    ]
    with pytest.raises(JobOptionsError, match=r"type Rating, and output is Other, whose JSON schema differs"):
        open_job(tmp_path / "a", None, output=Other)
    assert [row.output for row in open_job(tmp_path / "a", None, output=Renamed).results()] == [
        Renamed(good=True)
    ]


def test_another_type_before_any_request(tmp_path: Path, open_folder: Open) -> None:
    """The type of the answers may change as long as the job has no requests."""
    open_folder(tmp_path / "a", None, output=Rating).close()
    open_folder(tmp_path / "a", None, output=Other).close()
    assert open_folder(tmp_path / "a", None, output=Other).status().empty


def test_one_answer_type(tmp_path: Path, open_folder: Open) -> None:
    """The schema of an output type is made once for an open job, whatever options are stored with it."""
    made: list[object] = []

    class Counted(pydantic.BaseModel):
        good: bool

        @classmethod
        def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
            made.append(cls)
            return handler(schema)

    job = open_folder(tmp_path / "a", None, output=Counted, max_attempts=2)
    job.add([{"text": "a"}], **QUESTION)
    assert made == [Counted]
    assert job.options.check is not None


def test_plan(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """A plan has counts, bytes, shards, mistakes and the maximum cost, and nothing is sent."""
    job = open_job(tmp_path / "a", sandbox.url, max_requests=10, prices=PRICES)
    job.add(requests(24))
    job.add([{"custom_id": "wrong", "params": {"model": "claude-sonnet-4-5", "messages": []}}])
    plan = job.plan()
    assert (plan.requests, plan.shards, plan.errors) == (25, 3, 1)
    assert plan.bytes == sum(shard.bytes for shard in job.shards())
    assert plan.most_cost > 0
    assert "max_tokens" in str(plan.problems[0])
    assert job.status().batches == 0


def test_max_cost(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """A shard that could exceed the limit is not sent; an ended one counts at its cost."""
    job = open_job(tmp_path / "a", sandbox.url, max_requests=10, prices=PRICES)
    job.add(requests(30))
    most = job.plan().most_cost
    assert job.submit(max_cost=float(most / 2)) == 1
    report = job.run(max_cost=float(most / 2))
    assert report.over_cost is not report.finished
    assert job.cost().cost <= most / 2
    assert job.run(max_cost=float(most)).finished
    spent = job.cost()
    assert Decimal(0) < spent.cost < most
    assert spent.models[0].requests == 30


def test_unbounded_request(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """A request whose params don't bound its cost is named, and nothing is sent under a limit."""
    job = open_job(tmp_path / "a", sandbox.url, prices=PRICES)
    bad = next(iter(requests(1, 5)))
    job.add([*requests(3), {**bad, "params": {**bad["params"], "max_tokens": "many"}}])
    with pytest.raises(BudgetError, match=r"request 3 \(custom_id 'row 5'\).*max_tokens: 'many'"):
        job.run(max_cost=10)
    with pytest.raises(BudgetError, match="max_cost is 'much'"):
        job.run(max_cost="much")
    assert job.status().shards == {"staged": 1}
    assert [problem.path for problem in job.plan(count=False).problems] == ["max_tokens"]


def test_no_price(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """A limit can't hold over a model without a price, and that is said before anything is sent."""
    job = open_job(tmp_path / "a", sandbox.url)
    job.add([{"custom_id": "a", "params": {"model": "claude-unknown-9", "max_tokens": 5, "messages": []}}])
    with pytest.raises(BudgetError, match="without a price"):
        job.run(max_cost=10)
    assert job.status().shards == {"staged": 1}


def test_negative_limit(tmp_path: Path, open_job: Open, sandbox: Sandbox) -> None:
    """A negative number of rows is refused by its name, and nothing is read or written."""
    job = open_job(tmp_path / "a", sandbox.url)
    table = _table(tmp_path / "t.csv", ["a"])
    with pytest.raises(JobOptionsError, match="limit is a number of rows, 0 or more; got -1"):
        job.add(table, **QUESTION, limit=-1)
    with pytest.raises(JobOptionsError, match="got -1"):
        job.write(tmp_path / "a.jsonl", limit=-1)
    assert not (tmp_path / "a.jsonl").exists()
