"""Staging: tasks write shards to a stage, and a commit makes them a part of the job."""

from __future__ import annotations

import datetime as dt
import decimal
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import fsspec
import httpx
import orjson
import pyarrow as pa
import pytest
from claude_batches import Client
from claude_batches.jobs import (
    Job,
    JobConflictError,
    JobError,
    JobOptionsError,
    JobRequestError,
    LedgerDamagedError,
    LedgerError,
    PostgresLedger,
    SourceError,
    Write,
    begin,
    commit,
    discard,
    stage,
    sweep,
)
from claude_batches.jobs._opening import opened_to_read
from claude_batches.jobs._records import JobState
from claude_batches.jobs._remote import below, delete_tree, new_file, read_range, size_of
from claude_batches.jobs._rows import rows_of_shard
from claude_batches.jobs._stage import _registering
from claude_batches.jobs._stage._values import plain, restorer
from claude_batches.jobs._stage._writes import read_index
from claude_batches.sandbox import Fault, Sandbox
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.jobs.killing import HOSTILE, KILLED, Victim, paid, points
from tests.jobs.kinds import QUICK
from tests.jobs.postgres import Postgres
from tests.jobs.s3 import BUCKET, S3
from tests.jobs.staging import Place, numbered

ASK: dict[str, Any] = {"model": "claude-haiku-4-5", "params": {"max_tokens": 50}}


@pytest.fixture
def shared(tmp_path: Path, postgres: Postgres) -> Place:
    """A new job in PostgreSQL, with a stage."""
    return Place(f"tickets {secrets.token_hex(4)}", str(tmp_path / "stage"), postgres.dsn)


@pytest.fixture(params=["folder", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A new job, in a folder or in PostgreSQL, with a stage."""
    if request.param == "postgres":
        shared: Place = request.getfixturevalue("shared")
        return shared
    return Place(str(tmp_path / "tickets.job"), str(tmp_path / "stage"), None)


def run(place: Place, sandbox: Sandbox, **options: Any) -> list[Any]:
    """Run a job to its end; return its rows."""
    with (
        Client(base_url=sandbox.url, api_key="k", max_retries=0) as client,
        Job.open(place.job, client=client, ledger=place.ledger, **{**QUICK, **options}) as job,
    ):
        report = job.run()
        assert report.finished, report.status
        return list(job.results())


# Splitting ------------------------------------------------------------------------------------------------------


@given(
    texts=st.lists(st.text(max_size=300), max_size=60),
    max_requests=st.integers(1, 30),
    max_bytes=st.integers(2_500, 8_000),
    own=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_split(texts: list[str], max_requests: int, max_bytes: int, own: bool) -> None:
    """Any rows are split into shards within the limits, in order, each with an index that fits its body."""
    write = Write(
        job="j", id=secrets.token_hex(4), place=f"memory://stage/{secrets.token_hex(4)}", token="a" * 10, own_ids=own,
        max_requests=max_requests, max_bytes=max_bytes,
    )  # fmt: skip
    rows = [
        {
            "custom_id": f"r{index}",
            "params": {"model": "m", "max_tokens": 1, "messages": [text]},
            "text": text,
        }
        for index, text in enumerate(texts)
    ]
    shards = stage(rows, write, partition=7, attempt="a")
    seen: list[Any] = []
    for shard in shards:
        index = read_index(shard)
        lines = [orjson.loads(line) for line in _registering._lines(shard)]
        ids = [line["custom_id"] if own else f"{'a' * 10}-999999999-4294967295" for line in lines]
        sent = orjson.dumps(
            {"requests": [{"custom_id": i, "params": x["params"]} for i, x in zip(ids, lines, strict=True)]}
        )
        assert 1 <= len(lines) == shard.requests == index.requests <= max_requests
        assert len(sent) + len(lines) - 1 <= max_bytes
        assert index.params == sum(len(orjson.dumps(line["params"])) for line in lines)
        seen += [(line["custom_id"], line["extra"]["text"]) for line in lines]
    assert seen == [(row["custom_id"], row["text"]) for row in rows]
    assert {(shard.partition, shard.attempt, shard.write) for shard in shards} <= {(7, "a", write.id)}


def test_row_larger_than_a_batch(place: Place) -> None:
    """A row that no batch can have is an error that names it, and leaves nothing on the stage."""
    write = attrs.evolve(place.begin(), max_bytes=2_000)
    with pytest.raises(JobRequestError, match=r"request 1 \(custom_id 'long'\).*max_bytes"):
        stage(
            [*numbered(1), {"custom_id": "long", "params": {**numbered(1)[0]["params"], "x": "y" * 2_000}}],
            write,
        )
    assert place.files() == set()


def test_wrong_rows(place: Place) -> None:
    """A row that is not a request is an error with its place; options of an order are refused."""
    write = place.begin()
    with pytest.raises(SourceError, match="row 1: the row is not a request") as caught:
        stage([*numbered(1), {"text": "hi"}], write, partition=12)
    assert "partition 12" in caught.value.__notes__[0]
    with pytest.raises(JobOptionsError, match="dedupe"):
        stage(numbered(1), write, dedupe=False)
    assert place.files() == set()


_TYPES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.string(), st.text()),
    (pa.binary(), st.binary()),
    (pa.decimal128(20, 3), st.decimals(-(10**16), 10**16, places=3)),
    (pa.date32(), st.dates()),
    (pa.time64("us"), st.times()),
    (pa.timestamp("us"), st.datetimes()),
    (pa.timestamp("us", tz="UTC"), st.datetimes(timezones=st.just(dt.UTC))),
    (pa.duration("us"), st.timedeltas(dt.timedelta(-1000), dt.timedelta(1000))),
    (pa.bool_(), st.booleans()),
]


@given(data=st.data(), kind=st.integers(0, len(_TYPES) - 1), form=st.integers(0, 3))
@settings(deadline=None, max_examples=150)
def test_columns_come_back(data: st.DataObject, kind: int, form: int) -> None:
    """A value of any type, alone or nested, is the same after it was JSON."""
    arrow, values = _TYPES[kind]
    values = st.none() | values
    match form:
        case 1:
            arrow, values = pa.list_(arrow), st.lists(values, max_size=3)
        case 2:
            arrow = pa.struct([("a", arrow), ("b", pa.string())])
            values = st.fixed_dictionaries({"a": values, "b": st.text()})
        case 3:
            arrow = pa.map_(pa.string(), arrow)
            values = st.lists(st.tuples(st.text(), values), max_size=3)
    before = pa.array([data.draw(values)], arrow)
    stored = orjson.loads(orjson.dumps(plain(before.to_pylist()[0])))
    restore = restorer(arrow)
    assert pa.array([stored if restore is None else restore(stored)], arrow) == before


# Committing -----------------------------------------------------------------------------------------------------


def test_staged_job(place: Place, sandbox: Sandbox) -> None:
    """Rows of three tasks become a job; it is run without the tasks, and each row has its columns."""
    rows = [{"ticket": f"t{number}", "text": f"hello {number}", "n": number, "when": dt.date(2026, 1, 2),
             "paid": decimal.Decimal("1.50")} for number in range(30)]  # fmt: skip
    committed = place.write(rows, template="Say {text}", id_column="ticket", **ASK)
    assert (committed.added, committed.known, committed.shards) == (30, 0, 3)
    found = run(place, sandbox, max_requests=10)
    assert {row.custom_id: row.columns["n"] for row in found} == {row["ticket"]: row["n"] for row in rows}
    assert found[0].columns == {
        "ticket": "t0", "text": "hello 0", "n": 0, "when": "2026-01-02", "paid": "1.50",
    }  # fmt: skip
    assert all(f"hello {row.columns['n']}" in str(row.wire) for row in found)
    assert set(paid(sandbox).values()) == {1}


def test_shard_is_as_large_as_it_says(place: Place, sandbox: Sandbox) -> None:
    """The size of a staged shard in the ledger is that of the body as it is sent."""
    lengths: list[int] = []

    def note(request: httpx.Request) -> None:
        if request.method == "POST":
            lengths.append(int(request.headers["content-length"]))

    place.write(numbered(25), partitions=1)
    with (
        httpx.Client(event_hooks={"request": [note]}) as http,
        Client(base_url=sandbox.url, api_key="k", http_client=http) as client,
        Job.open(place.job, client=client, ledger=place.ledger, **QUICK) as job,
    ):
        job.run()
        assert [shard.bytes for shard in job.shards()] == lengths


def test_commit_again(place: Place) -> None:
    """A repeated commit changes nothing and has the same outcome."""
    write = place.begin()
    shards = stage(numbered(5), write)
    first = place.commit(shards, write)
    files = place.files()
    assert place.commit(shards, write) == first
    assert place.files() == files
    with Job.open(place.job, ledger=place.ledger) as job:
        assert job.status().requests == 5


def test_write_again(place: Place, sandbox: Sandbox) -> None:
    """Writing a table again adds the new rows alone, however they are partitioned, and leaves no other file."""
    place.write(numbered(20))
    again = place.write(numbered(20))
    assert (again.added, again.known, again.shards) == (0, 20, 0)
    with Job.open(place.job, ledger=place.ledger) as job:
        assert job._job.ledger.counters() == (20, 4), "positions are used up"
    more = place.write(numbered(26), partitions=4)
    assert (more.added, more.known) == (6, 20)
    run(place, sandbox, max_requests=20)
    assert len(paid(sandbox)) == 26
    assert set(paid(sandbox).values()) == {1}


def test_conflict(place: Place) -> None:
    """An id with other params is an error with both, in one write or against the job, and nothing is registered."""
    other = {"custom_id": "row 3", "params": {**numbered(1)[0]["params"], "max_tokens": 7}}
    with pytest.raises(JobConflictError, match="the write has custom_id 'row 3' twice") as caught:
        place.write([*numbered(7), other])
    error = caught.value
    assert (error.repeated, error.first_partition, error.first_index) == (True, 0, 1)
    assert (error.partition, error.index) == (1, 2)
    assert "first is request 1 of partition 0. Give one of them a different id" in str(error)
    assert '"max_tokens":50' in caught.value.known + caught.value.given
    assert '"max_tokens":7' in caught.value.known + caught.value.given
    with Job.open(place.job, ledger=place.ledger) as job:
        assert job.status().requests == 0
        job.add(numbered(6))
    with pytest.raises(JobConflictError, match="the job has custom_id 'row 3' already") as caught:
        place.write([other, *numbered(2, 10)])
    assert (caught.value.repeated, caught.value.first_index) == (False, None)
    with Job.open(place.job, ledger=place.ledger) as job:
        assert job.status().requests == 6


def test_conflict_in_a_partition(place: Place) -> None:
    """The places of two rows are those in their partitions, of however many shards."""
    with Job.open(place.job, ledger=place.ledger, max_requests=2):
        pass
    other = {"custom_id": "row 3", "params": {**numbered(1)[0]["params"], "max_tokens": 7}}
    with pytest.raises(JobConflictError) as caught:
        place.write([*numbered(8), other], partitions=1)
    assert (caught.value.index, caught.value.first_index) == (8, 3)


def test_equal_requests(place: Place, sandbox: Sandbox) -> None:
    """Rows with one request are paid for once; those with other columns come back with them, once each."""
    rows = [{"text": "same", "n": number // 2} for number in range(8)]
    committed = place.write(rows, template="{text}", **ASK)
    assert (committed.added, committed.known) == (1, 7)
    place.write(rows, partitions=2, template="{text}", **ASK)
    found = run(place, sandbox)
    assert sorted(row.columns["n"] for row in found) == [0, 1, 2, 3]
    assert len({row.custom_id for row in found}) == 1
    assert len(paid(sandbox)) == 1


def test_written_last(place: Place, sandbox: Sandbox) -> None:
    """Of rows that were written again with other columns, the last ones are known, also if they are the first ones."""

    def write(count: int, version: int) -> None:
        rows = [{"id": f"t{number}", "v": version} for number in range(count)]
        place.write(rows, partitions=2, template="Say {id}", id_column="id", **ASK)

    def versions(*, latest: bool) -> list[tuple[str, int]]:
        job = opened_to_read(place.job, place.ledger)
        found = [
            (row.columns["id"], row.columns["v"])
            for shard in job.ledger.shards()
            for row in rows_of_shard(job.ledger, job.lines, shard, latest=latest)
        ]
        job.close()
        return sorted(found)

    write(6, 1)
    write(4, 2)
    write(2, 3)
    run(place, sandbox)
    every = [("t0", 1), ("t0", 2), ("t0", 3), ("t1", 1), ("t1", 2), ("t1", 3), ("t2", 1), ("t2", 2), ("t3", 1),
             ("t3", 2), ("t4", 1), ("t5", 1)]  # fmt: skip
    assert versions(latest=False) == every
    assert versions(latest=True) == [("t0", 3), ("t1", 3), ("t2", 2), ("t3", 2), ("t4", 1), ("t5", 1)]
    # An older version becomes the last one again: that of the twins, then that of the rows that were sent.
    write(3, 2)
    assert versions(latest=True) == [("t0", 2), ("t1", 2), ("t2", 2), ("t3", 2), ("t4", 1), ("t5", 1)]
    for count in (1, 6, 6):
        write(count, 1)
        expected = [(f"t{number}", 1 if number < count else 2) for number in range(4)]
        assert versions(latest=True) == [*expected, ("t4", 1), ("t5", 1)]
        with Job.open(place.job, ledger=place.ledger) as job:
            positions = job._job.ledger.counters()[0]
            assert job.status().twins == 6
    write(6, 1)
    assert versions(latest=False) == every
    with Job.open(place.job, ledger=place.ledger) as job:
        assert job._job.ledger.counters()[0] == positions, "positions are used up"
    assert len(paid(sandbox)) == 6


def test_task_run_twice(place: Place) -> None:
    """Of a task that ran twice one attempt is registered, and the files of the other one are deleted."""
    write = place.begin()
    lost = stage(numbered(5), write, partition=0, attempt=1)
    first = stage(numbered(5), write, partition=0, attempt=2)
    second = stage(numbered(5, 5), write, partition=1, attempt=3)
    assert place.commit([*first, *second], write).added == 10
    assert place.files() == {shard.path for shard in (*first, *second)}
    assert lost[0].path not in place.files()
    # Processes that return both attempts: the first counts.
    write = place.begin()
    both = [*stage(numbered(5, 50), write, attempt=1), *stage(numbered(5, 50), write, attempt=2)]
    assert place.commit(both, write).known == 0


def test_discard(place: Place) -> None:
    """A discarded write leaves no file and can't be committed; a committed one can't be discarded."""
    write = place.begin()
    shards = stage(numbered(5), write)
    assert discard(write, ledger=place.ledger)
    assert place.files() == set()
    with pytest.raises(JobError, match="was discarded"):
        place.commit(shards, write)
    write = place.begin()
    shards = stage(numbered(5), write)
    place.commit(shards, write)
    assert not discard(write, ledger=place.ledger)
    assert place.files() == {shard.path for shard in shards}


def test_sweep(place: Place, sandbox: Sandbox) -> None:
    """Files of a driver that died and of a task that ended late are swept; young ones, and needed ones, stay."""
    write = place.begin()
    needed = stage(numbered(5), write)
    place.commit(needed, write)
    stage(numbered(5, 5), write, attempt="late")
    stage(numbered(5, 5), place.begin())
    assert sweep(place.job, ledger=place.ledger) == 0
    assert sweep(place.job, ledger=place.ledger, older_than=0) == 4
    assert place.files() == {shard.path for shard in needed}
    assert len(run(place, sandbox)) == 5


def test_foreign_shards(place: Place) -> None:
    """Shards of another write, or of another ledger, are refused."""
    shards = stage(numbered(5), place.begin())
    with pytest.raises(JobError, match="is of write"):
        place.commit(shards, place.begin())
    with pytest.raises(JobError, match="was not begun"):
        place.commit([], attrs.evolve(place.begin(), id="other"))


def test_damaged_stage(place: Place, sandbox: Sandbox) -> None:
    """A file that is missing or changed is found out: at the commit by its size, before sending by its hash."""
    write = place.begin()
    gone, cut, kept = (stage(numbered(5, 5 * number), write, partition=number)[0] for number in range(3))
    Path(gone.path.removeprefix("file://")).unlink()
    with pytest.raises(LedgerDamagedError, match="is missing"):
        place.commit([gone, cut, kept], write)
    Path(cut.path.removeprefix("file://")).write_bytes(b"")
    with pytest.raises(LedgerDamagedError, match="has 0 bytes"):
        place.commit([cut, kept], write)
    place.commit([kept], write)
    path = Path(kept.path.removeprefix("file://"))
    body = bytearray(path.read_bytes())
    body[-1] ^= 1
    path.write_bytes(body)
    with pytest.raises(LedgerDamagedError):
        run(place, sandbox)
    assert not paid(sandbox)


@pytest.mark.parametrize("protocol", ["memory", "s3"])
def test_object_store(shared: Place, protocol: str, request: pytest.FixtureRequest) -> None:
    """A stage that is not a folder of this machine has everything, too: bodies, those sent again, and results."""
    if protocol == "s3":
        request.getfixturevalue("s3")
    url = f"{protocol}://{BUCKET}/{secrets.token_hex(4)}"
    place = attrs.evolve(shared, stage=url)
    place.write(numbered(30), partitions=5)
    again = place.write(numbered(33))
    assert (again.added, again.known) == (3, 30)
    stage(numbered(5), place.begin())
    with Sandbox(instant=True, seed=2, faults=[Fault(kind="expired", share=0.3)]) as sandbox:
        found = run(place, sandbox, max_attempts=20)
        assert set(paid(sandbox).values()) == {1}
    assert sorted(row.custom_id for row in found) == sorted(row["custom_id"] for row in numbered(33))
    assert sweep(place.job, ledger=place.ledger, older_than=0) == 2
    with Job.open(place.job, ledger=place.ledger) as job:
        needed = job._job.ledger.staged_paths()
    assert needed == set(below(url))
    assert {path.split("/")[-2] for path in needed} >= {"bodies", "results"}


def test_s3_beside_others(s3: S3) -> None:
    """Files that other processes write after a list was made are seen."""
    folder = f"s3://{BUCKET}/{secrets.token_hex(4)}"
    with new_file(f"{folder}/one") as file:
        file.write(b"1")
    assert below(folder) == [f"{folder}/one"]
    code = f"import s3fs; s3fs.S3FileSystem().pipe_file({f'{folder}/two'!r}, b'22')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert size_of(f"{folder}/two") == 2
    assert read_range(f"{folder}/two") == b"22"
    assert delete_tree(folder) == 2
    assert below(folder) == []


def test_s3_that_cannot_be_written(s3: S3, shared: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket that is not there, and credentials that are not, are errors of `begin` that say so."""
    with pytest.raises(LedgerError, match=r"s3://nobody/x from here: .*(not exist|NoSuchBucket)"):
        attrs.evolve(shared, stage="s3://nobody/x").begin()
    s3fs: Any = pytest.importorskip("s3fs")
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(LedgerError, match="NoCredentialsError: Unable to locate credentials"):
        attrs.evolve(shared, stage=f"s3://{BUCKET}/x").begin()


def test_stage_that_cannot_be_had(shared: Place, tmp_path: Path) -> None:
    """A stage that can't be opened or written is an error of `begin` with its URL and the reason."""
    fsspec.register_implementation("denied", Denied, clobber=True)
    fsspec.register_implementation("lacking", "no_such_package.Files", clobber=True, errtxt="Install no-such")
    (tmp_path / "file").write_text("a file")
    for url, told in (
        ("unknown://stage", "unknown://stage can't be opened: Protocol not known: unknown"),
        ("lacking://stage", "lacking://stage can't be opened on this machine: Install no-such"),
        ("denied://stage", "to the stage denied://stage from here: DeniedError: no credentials"),
        (str(tmp_path / "file"), f"to the stage file://{tmp_path}/file from here: .*(directory|exists)"),
        ("sftp://me:hush@host/stage", "password"),
    ):
        with pytest.raises(JobError, match=told) as caught:
            attrs.evolve(shared, stage=url).begin()
        assert "hush" not in str(caught.value)
    # Neither a file nor a write is left over, and the job can be written to.
    assert shared.write(numbered(1)).added == 1
    with Job.open(shared.job, ledger=shared.ledger) as job:
        assert [write.state.value for write in job._job.ledger.writes()] == ["discarded"] * 2 + ["registered"]


class DeniedError(Exception):
    """An error of a store that is not one of the operating system."""


class Denied(MemoryFileSystem):
    """A store that takes no file."""

    protocol = "denied"

    def put_file(self, *_: Any, **__: Any) -> None:
        raise DeniedError("no credentials")


def test_ids_changed(place: Place) -> None:
    """A write is not committed once its empty job was given other ids."""
    write = place.begin()
    shards = stage(numbered(3), write)
    Job.open(place.job, ledger=place.ledger, ids="own").close()
    with pytest.raises(JobError, match="write the rows again"):
        place.commit(shards, write)


def test_canary(place: Place, sandbox: Sandbox) -> None:
    """The first rows of a staged job are a canary where the job has one."""
    with Job.open(place.job, ledger=place.ledger, canary=4):
        pass
    assert place.write(numbered(30)).added == 30
    with Job.open(place.job, ledger=place.ledger) as job:
        assert [shard.requests for shard in job.shards() if shard.kind == "canary"] == [4]
    run(place, sandbox)
    assert sorted(paid(sandbox).values()) == [1] * 30


def test_own_ids(place: Place, sandbox: Sandbox) -> None:
    """With own ids the ids of the rows are sent, and held to the API's rule in the tasks."""
    with Job.open(place.job, ledger=place.ledger, ids="own"):
        pass
    write = place.begin()
    with pytest.raises(SourceError, match="row 0: the custom_id 'row 0'"):
        stage(numbered(1), write)
    place.commit(
        stage([{**row, "custom_id": row["custom_id"].replace(" ", "-")} for row in numbered(5)], write), write
    )
    assert [row.custom_id for row in run(place, sandbox)] == [f"row-{number}" for number in range(5)]


def test_merged_and_sent_again(place: Place) -> None:
    """Small shards are merged and failed rows sent again, with bodies and results on the stage of a shared ledger."""
    place.write(numbered(40), partitions=8)
    with Sandbox(instant=True, seed=1, faults=[Fault(kind="expired", share=0.3)]) as sandbox:
        found = run(place, sandbox, max_attempts=20, max_requests=100)
        assert [row.custom_id for row in found] != []
        assert {row.custom_id for row in found} == {f"row {number}" for number in range(40)}
        assert max(row.attempt for row in found) > 1
        assert set(paid(sandbox).values()) == {1}
    folders = {url.split("/")[-2] for url in place.files()}
    assert folders == ({"bodies", "results"} if place.ledger else set())
    with Job.open(place.job, ledger=place.ledger) as job:
        assert {row.custom_id: "hello" in str(row.wire) for row in job.results("arrival")} == {
            f"row {number}": True for number in range(40)
        }


# Reading --------------------------------------------------------------------------------------------------------


def test_read_beside_a_worker(place: Place, sandbox: Sandbox) -> None:
    """Processes read a job, shard by shard, while another one has it open; they can't change it."""
    place.write(numbered(12))
    run(place, sandbox)
    with Job.open(place.job, ledger=place.ledger):
        readers = [opened_to_read(place.job, place.ledger) for _ in range(2)]
        for reader in readers:
            found = [
                (row.custom_id, row.cause, row.raw is not None)
                for shard in reader.ledger.shards()
                for row in rows_of_shard(reader.ledger, reader.lines, shard)
            ]
            assert sorted(found) == sorted((f"row {number}", "succeeded", True) for number in range(12))
            (shard, *_) = reader.ledger.shards()
            assert not list(rows_of_shard(reader.ledger, reader.lines, shard, ("expired",)))
            with pytest.raises(LedgerError, match="read"):
                reader.ledger.set_state(JobState.PAUSED, None)
            reader.close()
    with pytest.raises(LedgerError, match=r"there is no job at|doesn't exist"):
        opened_to_read(f"{place.job} of nobody", place.ledger)


def test_commit_of_others(place: Place) -> None:
    """A second commit of a write with other shards is an error, and with the same ones changes nothing."""
    rows = list(numbered(20))
    write = begin(place.job, place.stage, ledger=place.ledger)
    first = stage(rows[:10], write, partition=0)
    assert commit(first, write, ledger=place.ledger).added == 10
    assert commit(first, write, ledger=place.ledger).added == 10
    lost = stage(rows[:10], write, partition=0, attempt=1)
    assert commit([*first, *lost], write, ledger=place.ledger).added == 10
    for others in (stage(rows[10:], write, partition=1), stage(rows[10:], write, partition=0)):
        with pytest.raises(JobError, match="begin another write"):
            commit(others, write, ledger=place.ledger)


def test_no_job_is_made(place: Place) -> None:
    """Sweeping, discarding and committing make no job where there is none."""
    name = f"{place.job} of nobody"
    write = attrs.evolve(begin(place.job, place.stage, ledger=place.ledger), job=name)
    for change in (
        lambda: sweep(name, ledger=place.ledger),
        lambda: discard(write, ledger=place.ledger),
        lambda: commit([], write, ledger=place.ledger),
    ):
        with pytest.raises(LedgerError, match="there is no job"):
            change()
    with pytest.raises(LedgerError):
        opened_to_read(name, place.ledger)


def test_columns_of_staged_rows(place: Place, sandbox: Sandbox) -> None:
    """A table of results has the columns of rows that tasks staged, those that a commit rewrote among them."""
    place = attrs.evolve(place, job=f"{place.job} columns")
    rows = numbered(6)
    place.write([{**each, "first": 1} for each in rows[:3]])
    place.write([{**each, "second": "x"} for each in rows])
    run(place, sandbox)
    with Job.open(place.job, ledger=place.ledger) as job:
        table = job.write(columns=["first", "second"]).read_all()
    assert [str(kind) for kind in table.schema.types] == ["int64", "string"]
    assert (table["first"].null_count, table["second"].null_count) == (6, 3)


def test_ledger_of_version_1(tmp_path: Path, sandbox: Sandbox) -> None:
    """A ledger of an earlier schema is migrated when it is opened, and not by those who only read."""
    place = Place(str(tmp_path / "old.job"), str(tmp_path / "stage"), None)
    with Job.open(place.job) as job:
        job.add(numbered(3))
    with closing(sqlite3.connect(tmp_path / "old.job" / "ledger.sqlite")) as database:
        database.executescript(
            "DROP TABLE stage_write; DROP TABLE staged; DROP INDEX twin_item; DROP TABLE input_column;"
            "ALTER TABLE worker DROP COLUMN sends; ALTER TABLE job DROP COLUMN unlisted"
        )
        database.execute("PRAGMA user_version = 1")
    with pytest.raises(LedgerError, match="open the job once"):
        opened_to_read(place.job, None)
    assert place.write(numbered(5)).added == 2
    assert len(run(place, sandbox)) == 5


def test_no_migration_beneath_others(postgres: Postgres) -> None:
    """A ledger of an earlier schema is not migrated while a process of an earlier release works on it."""
    ledger = PostgresLedger(postgres.dsn)
    with Job.open("older", ledger=ledger) as older:
        older.add(numbered(1))
        older._job.ledger._run("UPDATE version SET number = 2")
        with pytest.raises(LedgerError, match="earlier release work on it: end them"):
            Job.open("older", ledger=ledger)
        older._job.ledger._run("UPDATE version SET number = 3")
    with Job.open("older", ledger=ledger) as newer:
        assert newer.status().requests == 1


def test_workers_while_they_work(postgres: Postgres, sandbox: Sandbox) -> None:
    """A process counts as a worker while it adds or runs; after steps of its own, until it closes the job."""
    seen: list[int] = []
    ledger = PostgresLedger(postgres.dsn)
    with (
        Client(base_url=sandbox.url, api_key="k") as client,
        Job.open("works", ledger=ledger) as watching,
        Job.open("works", ledger=ledger, client=client, **QUICK) as working,
    ):

        def rows() -> Iterator[Any]:
            seen.append(len(watching.workers()))
            yield from numbered(3)

        working.add(rows())
        working.run()
        seen.append(len(watching.workers()))
        working.submit()
        seen.append(len(watching.workers()))
    assert seen == [1, 0, 1]


# Kills ----------------------------------------------------------------------------------------------------------


def test_driver_killed(place: Place, tmp_path: Path, victim: Victim) -> None:
    """A driver is killed before, in and after its commit; the write is repeated: nothing is lost or paid twice."""
    counted = tmp_path / "points"
    order: dict[str, Any] = {"stage": place.stage, "dsn": place.ledger, "count": 12}
    whole = attrs.evolve(place, job=f"{place.job} whole")
    # Two of the rows are known, so that a shard is written anew.
    whole.write(numbered(2))
    assert victim.run(**order, folder=whole.job, points=str(counted)) == 0
    places = [whole]
    for die_at in points(int(counted.read_text()), 5):
        each = attrs.evolve(place, job=f"{place.job} {die_at}")
        each.write(numbered(2))
        assert victim.run(**order, folder=each.job, die_at=die_at) == KILLED
        each.write(numbered(12))
        places.append(each)
    needed: set[str] = set()
    with Sandbox(instant=True) as sandbox:
        for each in places:
            run(each, sandbox)
            sweep(each.job, ledger=each.ledger, older_than=0)
            with Job.open(each.job, ledger=each.ledger) as job:
                assert sorted(row.custom_id for row in job.results()) == sorted(f"row {n}" for n in range(12))
                needed |= job._job.ledger.staged_paths()
        assert place.files() == needed, "orphans"
        counts = paid(sandbox)
        assert len(counts) == 12 * len(places), "lost"
        assert set(counts.values()) == {1}, "paid twice"


def test_workers_go_on_during_a_commit(shared: Place, sandbox: Sandbox, postgres: Postgres) -> None:
    """A job is opened, run and read while another process has the right to add, as a large commit does."""
    shared.write(numbered(20))
    committing = PostgresLedger(postgres.dsn).open(shared.job)
    with committing.ledger.exclusive():
        assert len(run(shared, sandbox, max_requests=5)) == 20
    committing.close()


def test_staged_workers_killed(
    shared: Place, victim: Victim, second_victim: Victim, postgres: Postgres
) -> None:
    """Two workers run a staged job on a hostile server; one is killed, and the other one ends the job."""
    shared.write(numbered(45))
    order: dict[str, Any] = {"dsn": postgres.dsn, "lease": 2.0, "count": 45, "options": {"max_requests": 10}}
    with Sandbox(instant=True, seed=3, faults=HOSTILE) as sandbox:
        victim.start(**order, url=sandbox.url, folder=shared.job, die_at=60)
        second_victim.start(**order, url=sandbox.url, folder=shared.job)
        assert victim.outcome() in (0, KILLED)
        assert second_victim.outcome() == 0
        counts = paid(sandbox)
        assert sorted(counts.values()) == [1] * 45
        with Job.open(shared.job, ledger=PostgresLedger(postgres.dsn)) as job:
            assert sorted(row.custom_id for row in job.results()) == sorted(f"row {n}" for n in range(45))
            assert all(row.cause == "succeeded" for row in job.results())
