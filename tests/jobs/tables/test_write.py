"""Written tables: one schema in every format, joined with the input, in flat memory."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import duckdb
import orjson
import polars as pl
import pyarrow.parquet as pq
import pytest
from claude_batches.jobs import JobError
from claude_batches.jobs._cost._prices import tokens_of
from claude_batches.jobs._tables import (
    SCHEMA,
    ResultRow,
    TableError,
    WriteError,
    _arrow,
    _columns,
    _parsed,
    _write,
    write,
)
from hypothesis import given, settings
from hypothesis import strategies as st


def message(text: str = "hi", **usage: object) -> dict[str, Any]:
    return {
        "type": "message",
        "model": "claude-opus-5",
        "content": [{"type": "text", "text": text, "citations": None}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 3, "service_tier": "batch", **usage},
    }


def line(custom_id: str, result: object) -> bytes:
    return json.dumps({"custom_id": custom_id, "result": result}, separators=(",", ":")).encode()


USAGE = {
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    "cache_read_input_tokens": 40,
    "output_tokens_details": {"thinking_tokens": 2},
    "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0},
}
FAILED = {
    "type": "errored",
    "error": {"type": "error", "error": {"type": "api_error", "message": "oh"}, "request_id": "req_1"},
}
ROWS = [
    ResultRow(line("a", {"type": "succeeded", "message": message('é\n"q"', **USAGE)}), None, "b1", 1, {"name": "x"}),
    ResultRow(line("sent-b", FAILED), "b", "b1", 2, b'{"name": "y", "text": "mine"}'),
    ResultRow(line("c", {"type": "expired"}), None, "b2", 3, None),
    ResultRow(None, "d", None, 1, {"name": None}),
]  # fmt: skip
EXPECTED: list[dict[str, Any]] = [
    {
        "custom_id": "a", "result_type": "succeeded", "text": 'é\n"q"', "stop_reason": "end_turn",
        "model": "claude-opus-5", "input_tokens": 7, "output_tokens": 3, "thinking_tokens": 2,
        "cache_write_5m_tokens": 10, "cache_write_1h_tokens": 20, "cache_read_tokens": 40, "web_searches": 1,
        "batch_id": "b1", "attempt": 1, "raw": ROWS[0].line, "name": "x",
    },
    {
        "custom_id": "b", "result_type": "errored", "error_type": "api_error", "error_message": "oh",
        "request_id": "req_1", "batch_id": "b1", "attempt": 2, "raw": ROWS[1].line, "name": "y",
        "input_text": "mine",
    },
    {"custom_id": "c", "result_type": "expired", "batch_id": "b2", "attempt": 3, "raw": ROWS[2].line},
    {"custom_id": "d", "result_type": "missing", "attempt": 1},
]  # fmt: skip


def expected(index: int) -> dict[str, Any]:
    wanted = dict.fromkeys([*SCHEMA, "name", "input_text"]) | EXPECTED[index]
    return wanted | {"raw": None if wanted["raw"] is None else wanted["raw"].decode()}


def test_parquet(tmp_path: Path) -> None:
    """Parquet has the documented columns and types, and other readers agree on the values."""
    path = tmp_path / "t.parquet"
    assert write(ROWS, path) == 4
    table = pq.read_table(path)
    assert table.to_pylist() == [expected(index) for index in range(4)]
    types = {name: str(table.schema.field(name).type).replace("double", "float64") for name in SCHEMA}
    assert types == SCHEMA
    assert pl.read_parquet(path)["text"].to_list() == ['é\n"q"', None, None, None]
    assert duckdb.sql(f"select custom_id from '{path}' where result_type = 'errored'").fetchall() == [("b",)]


def test_arrow() -> None:
    """Without a path a reader gives the same rows, and any engine takes it."""
    assert write(ROWS).read_all().to_pylist() == [expected(index) for index in range(4)]
    assert pl.from_arrow(write(ROWS)).height == 4
    assert write([]).read_all().to_pylist() == []


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_jsonl(tmp_path: Path, suffix: str) -> None:
    """JSONL holds the result itself and not text of it."""
    path = tmp_path / f"t{suffix}"
    assert write(ROWS, path) == 4
    data = gzip.decompress(path.read_bytes()) if suffix.endswith("gz") else path.read_bytes()
    for index, read in enumerate(map(orjson.loads, data.splitlines())):
        wanted = expected(index)
        raw = wanted.pop("raw")
        assert read.pop("raw") == (None if raw is None else orjson.loads(raw))
        assert read == {name: wanted[name] for name in read}
        assert {name for name in wanted if wanted[name] is not None} <= read.keys()


def test_csv(tmp_path: Path) -> None:
    """CSV gives every cell back, with text that spans lines."""
    path = tmp_path / "t.csv"
    assert write(ROWS, path) == 4
    with path.open(newline="", encoding="utf-8") as file:
        for index, read in enumerate(csv.DictReader(file)):
            assert read == {
                name: "" if value is None else str(value) for name, value in expected(index).items()
            }


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_options(tmp_path: Path, suffix: str) -> None:
    """Columns of the input are chosen, and the raw results left out."""
    path = tmp_path / f"t.{suffix}"
    write(ROWS, path, raw=False, columns=["name", "custom_id"])
    data = path.read_bytes()
    assert b"input_text" not in data
    assert b"sent-b" not in data
    write([], path)
    assert path.exists()


@pytest.mark.parametrize("kind", ["parquet", "arrow", "jsonl", "csv"])
def test_chosen_columns(tmp_path: Path, kind: Any) -> None:
    """The columns of a table are those that are named, in their order; the input's by their names in the table."""
    names = ["input_text", "batch_id", "custom_id", "nowhere"]
    wanted = [{name: expected(index).get(name) for name in names} for index in range(4)]
    path = tmp_path / f"t.{kind}"
    if kind == "arrow":
        read = write(ROWS, columns=names).read_all().to_pylist()
    else:
        write(ROWS, path, columns=names)
        if kind == "parquet":
            read = pq.read_table(path).to_pylist()
        elif kind == "jsonl":
            read = [orjson.loads(each) for each in path.read_bytes().splitlines()]
        else:
            with path.open(newline="") as file:
                read = list(csv.DictReader(file))
            wanted = [{name: value or "" for name, value in row.items()} for row in wanted]
    assert [list(row.items()) for row in read] == [list(row.items()) for row in wanted]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ("text", "list of names"),
        ([], "list of names"),
        ([1], "list of names"),
        (["a", "b", "a"], "'a' twice"),
    ],
)
def test_wrong_columns(tmp_path: Path, columns: Any, told: str) -> None:
    """Columns that can't be a table are an error, and there is no file."""
    with pytest.raises(TableError, match=told):
        write(ROWS, tmp_path / "t.csv", columns=columns)
    with pytest.raises(TableError, match="raw=False"):
        write(ROWS, tmp_path / "t.csv", columns=["raw"], raw=False)
    assert list(tmp_path.iterdir()) == []


@given(
    st.lists(st.sampled_from(["", "input_", "input_input_"]), min_size=2, max_size=2),
    st.sampled_from(list(SCHEMA)),
)
def test_names_of_the_input(prefixes: list[str], name: str) -> None:
    """Columns of the input with different names have different ones in the table, none of them one of its own."""
    sources = [f"{prefix}{name}" for prefix in prefixes]
    names = [_columns.joined_name(source) for source in sources]
    assert (names[0] == names[1]) is (sources[0] == sources[1])
    assert not SCHEMA.keys() & set(names)
    assert [_columns.source_name(each) for each in names] == sources


def test_open_files() -> None:
    """Results are written to an open file, which stays open."""
    for kind in ("jsonl", "csv", "parquet"):
        file = io.BytesIO()
        assert write(ROWS, file, format=kind) == 4
        assert file.getvalue()
    with pytest.raises(TableError):
        write(ROWS, "t.xlsx")


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_a_failure_leaves_the_old_table(tmp_path: Path, suffix: str) -> None:
    """A table that fails half way is not there, and the one before stays."""
    path = tmp_path / f"t.{suffix}"
    path.write_bytes(b"before")

    def rows() -> Any:
        yield from ROWS * 1500
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(rows(), path)
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of the size of files")
@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv", "jsonl.gz", "csv.zst"])
def test_a_file_that_cannot_be_written_on(tmp_path: Path, suffix: str) -> None:
    """A file that can't grow is an error of a job with its name; no part of it is left, and the one before stays."""
    import resource

    path = tmp_path / f"t.{suffix}"
    path.write_bytes(b"before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256, hard))
    try:
        with pytest.raises(WriteError, match=rf"{re.escape(str(path))} can't be written: .*large") as caught:
            write(ROWS * 10_000, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(caught.value, JobError)
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no device that is always full")
@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
@pytest.mark.parametrize("rows", [ROWS, ROWS * 10_000])
def test_a_full_disk(kind: Any, rows: list[ResultRow]) -> None:
    """A full disk is an error with a hint, also where it is seen when the file is closed; a device stays one.

    An open file is the caller's, and so are its errors.
    """
    with pytest.raises(WriteError, match=r"/dev/full can't be written: .*No space left.*Make room"):
        write(rows, "/dev/full", format=kind)
    assert Path("/dev/full").is_char_device()
    with Path("/dev/full").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        write(rows, file, format=kind)


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_no_such_folder(tmp_path: Path, suffix: str) -> None:
    """A file in a folder that is not there, or in the place of one, is an error of a job."""
    (tmp_path / f"t.{suffix}").mkdir()
    for path in (tmp_path / f"t.{suffix}", tmp_path / "none" / f"t.{suffix}"):
        with pytest.raises(WriteError, match="can't be written"):
            write(ROWS, path)
    assert os.listdir(tmp_path) == [f"t.{suffix}"]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_rows_that_cannot_be_read_on(tmp_path: Path, suffix: str) -> None:
    """An error of reading the rows stays as it is: it is not one of writing."""

    def rows() -> Any:
        yield from ROWS
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        write(rows(), tmp_path / f"t.{suffix}")
    assert os.listdir(tmp_path) == []


@attrs.define
class Review:
    stars: int


def test_typed_output() -> None:
    """Answers of the type are in `output`; others are reported as unparsable, with the unparsed result."""
    texts = ['{"stars": 4}', '{"stars": "many"}']
    rows = [ResultRow(line(text, {"type": "succeeded", "message": message(text)})) for text in texts]
    good, bad = write(rows, output=Review).read_all().to_pylist()
    assert (good["output"], good["error_type"]) == ('{"stars": 4}', None)
    assert (bad["output"], bad["error_type"], bad["result_type"]) == (None, "unparsable", "succeeded")
    assert "int" in bad["error_message"]


def test_cost_column() -> None:
    """The pricer is asked for each message, with its model and usage."""
    rows = write(
        ROWS, pricer=lambda model, usage: (usage.input_tokens or 0) * 0.5 if model else None
    ).read_all()
    assert rows["cost"].to_pylist() == [3.5, None, None, None]


@pytest.mark.parametrize("parse", [_parsed.lines_parser(), _parsed.leniently])
def test_usage_for_prices(parse: Any) -> None:
    """A parsed usage has all that a price goes by, as the whole one has it."""
    whole = {**message(**USAGE, speed="fast")["usage"]}
    sent = line("a", {"type": "succeeded", "message": {**message(), "usage": whole}})
    assert tokens_of(parse([sent])[0].result.message.usage) == tokens_of(whole)


# Types of the input's columns


def joined(values: list[Any], **options: Any) -> Any:
    rows = (ResultRow(line("a", {"type": "expired"}), columns={"x": value}) for value in values)
    return write(rows, raw=False, **options).read_all()["x"]


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([1, None], "int64", None),
        ([1.5, 2], "double", None),
        ([True, None], "bool", None),
        (["a", 1, {"b": [2]}], "string", ["a", "1", '{"b":[2]}']),
        ([{"a": 1}, {"b": 2}], "string", ['{"a":1}', '{"b":2}']),
        ([None, None], "string", None),
    ],
)
def test_input_types(values: list[Any], kind: str, read: list[Any] | None) -> None:
    """Plain columns keep their type; nested or mixed ones become JSON text with nothing lost."""
    column = joined(values)
    assert str(column.type) == kind
    assert column.to_pylist() == (read or values)


def test_late_types() -> None:
    """A value that doesn't fit the first rows' type is an error with a hint to give the type."""
    many = [1] * (_write.CHUNK_ROWS * (_arrow.FIRST_CHUNKS + 1))
    with pytest.raises(WriteError, match="types="):
        joined([*many, "text"])
    assert joined([*many, "text"], types={"x": "string"}).to_pylist()[-1] == "text"
    assert joined([None] * len(many) + [3]).to_pylist()[-1] == "3"
    rows = [*([ResultRow(None, "a")] * len(many)), ResultRow(None, "b", columns={"late": 1})]
    with pytest.raises(WriteError, match="late"):
        write(rows).read_all()
    with pytest.raises(WriteError, match="late"):
        write(rows, io.BytesIO(), format="csv")
    assert write(rows, types={"late": "int8"}).read_all()["late"].to_pylist()[-1] == 1
    file = io.BytesIO()
    write(rows, file, format="csv", types={"late": "int8"})
    assert (file.getvalue().splitlines()[0][-5:], file.getvalue().splitlines()[-1][-2:]) == (b",late", b",1")


# Both parsers

COUNTS = (
    st.none()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
    | st.booleans()
)
SOMETHING = st.none() | st.text(max_size=5) | st.integers(-5, 5) | st.lists(st.integers(), max_size=2)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "model": SOMETHING,
        "stop_reason": SOMETHING,
        "content": st.none() | st.lists(
            SOMETHING | st.fixed_dictionaries({}, optional={
                "type": st.sampled_from(["text", "thinking", "new"]) | SOMETHING, "text": SOMETHING}), max_size=3),
        "usage": st.none() | st.dictionaries(
            st.sampled_from(["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_creation",
                             "output_tokens_details", "server_tool_use"]),
            COUNTS | st.dictionaries(st.sampled_from(
                ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "thinking_tokens", "web_search_requests"]),
                COUNTS)),
    },
)  # fmt: skip
RESULTS = st.one_of(
    st.fixed_dictionaries({"type": st.just("succeeded"), "message": MESSAGES | SOMETHING}),
    st.fixed_dictionaries({"type": st.just("errored"), "error": SOMETHING | st.fixed_dictionaries({}, optional={
        "request_id": SOMETHING, "error": SOMETHING | st.dictionaries(
            st.sampled_from(["type", "message"]), SOMETHING)})}),
    st.fixed_dictionaries({"type": SOMETHING}),
    SOMETHING,
)  # fmt: skip


def columns_of(
    lines: list[bytes], parser: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> dict[str, list[Any]]:
    monkeypatch.setattr(_columns, "lines_parser", parser)
    return _columns.ColumnBuilder(list(SCHEMA)).build([ResultRow(each) for each in lines])


@settings(max_examples=100)
@given(st.lists(RESULTS, min_size=1, max_size=4))
def test_both_parsers_agree(results: list[Any]) -> None:
    """Any result, however broken, makes the same row with msgspec and without, and is written."""
    lines = [line("a", result) for result in results]
    with pytest.MonkeyPatch.context() as patch:
        fast = columns_of(lines, _parsed.lines_parser, patch)
        slow = columns_of(lines, lambda: _parsed.leniently, patch)
    assert fast == slow
    assert write([ResultRow(each) for each in lines]).read_all().num_rows == len(lines)


def test_not_json() -> None:
    """A line that is not JSON is an error, not an empty row."""
    with pytest.raises(WriteError, match="not JSON"):
        write([ResultRow(b'{"custom_id": ')]).read_all()


JSON_VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.text(max_size=9), st.dictionaries(st.text(min_size=1, max_size=6), JSON_VALUES, max_size=3)
        ),
        max_size=5,
    )
)
def test_any_row_survives_jsonl(rows: list[tuple[str, dict[str, Any]]]) -> None:
    """Texts and the input's columns come back from JSONL as they were."""
    file = io.BytesIO()
    write(
        [
            ResultRow(line("a", {"type": "succeeded", "message": message(text)}), columns=row)
            for text, row in rows
        ],
        file,
        format="jsonl",
    )
    read = [orjson.loads(each) for each in file.getvalue().splitlines()]
    assert [each["text"] for each in read] == [text for text, _ in rows]
    for each, (_, row) in zip(read, rows, strict=True):
        assert {name: each[_columns.joined_name(name)] for name in row} == row


MEASURE = """
import sys
from pathlib import Path
from claude_batches.jobs._tables import ResultRow, write
import pyarrow.parquet
line = open(sys.argv[1], "rb").read()
def rows(count):
    for number in range(count):
        yield ResultRow(line, f"row-{number}", "b", 1, {"n": number})
write(rows(60_000), sys.argv[2])
def peak():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
before = peak()
write(rows(int(sys.argv[3])), sys.argv[2])
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_flat_memory(tmp_path: Path, suffix: str) -> None:
    """Four times the rows take no more memory."""
    (tmp_path / "line").write_bytes(line("a", {"type": "succeeded", "message": message("word " * 100)}))
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "line"), str(tmp_path / f"t.{suffix}"), "240000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # Of 150 MB of further lines; allocators and the threads that compress make up for 30.
    assert int(done.stdout) < 60_000
