"""Sources: any table becomes requests, and a row that can't is named by its place."""

from __future__ import annotations

import base64
import contextlib
import csv
import gzip
import io
import tracemalloc
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from claude_batches import ClaudeBatchesError
from claude_batches.jobs._tables import CachePrefixWarning, SourceError, TemplateError, read_source
from hypothesis import given, settings
from hypothesis import strategies as st

PARAMS = {"model": "claude-opus-5", "max_tokens": 5, "messages": [{"role": "user", "content": "hé"}]}
REQUEST = {"custom_id": "a", "params": PARAMS, "note": 7}
ASK = {"template": "Rate {name}: {stars:.1f}", "model": "claude-opus-5", "params": {"max_tokens": 9}}
ROWS = [{"id": 1, "name": "Käse", "stars": 4.25}, {"id": 2, "name": "{x}", "stars": 1.0}]


def prompts(rows: Any, **options: Any) -> list[Any]:
    return [row.params["messages"][0]["content"] for row in read_source(rows, **{**ASK, **options})]


def jsonl(*rows: object) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


# Files


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson"])
def test_jsonl(tmp_path: Path, suffix: str) -> None:
    """Requests are read from JSONL, plain and compressed, with blank lines and a byte order mark."""
    data = b"\xef\xbb\xbf" + jsonl(REQUEST) + b"\n\r\n" + jsonl({**REQUEST, "custom_id": "b"})
    path = tmp_path / f"requests{suffix}"
    pack = {".gz": gzip.compress, ".zst": zstandard.compress}.get(path.suffix, bytes)
    path.write_bytes(pack(data))
    rows = list(read_source(path))
    assert [row.custom_id for row in rows] == ["a", "b"]
    assert rows[0].params == PARAMS
    assert rows[0].columns == {"note": 7}
    assert rows[0].key == rows[1].key


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_csv(tmp_path: Path, suffix: str) -> None:
    """CSV is read with cells that span lines, or are longer than Python's limit."""
    path = tmp_path / f"t.{suffix}"
    long = "x" * 200_000
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter="\t" if suffix == "tsv" else ",")
        writer.writerows([["name", "stars"], ['two\nlines, "quoted"', "4"], [long, "5"]])
    assert prompts(path, template="{name}") == ['two\nlines, "quoted"', long]


def test_parquet(tmp_path: Path) -> None:
    """Parquet gives rows for a template, and nested params without the nulls of absent fields."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), path)
    assert prompts(path) == ["Rate Käse: 4.2", "Rate {x}: 1.0"]
    other = {**PARAMS, "system": "s"}
    nested = [{"custom_id": "a", "params": PARAMS}, {"custom_id": "b", "params": other}]
    pq.write_table(pa.Table.from_pylist(nested), path)
    assert [row.params for row in read_source(path)] == [PARAMS, other]


def test_params_as_text(tmp_path: Path) -> None:
    """Params may be JSON text in a column called `params` or `request`."""
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["custom_id", "request", "x"], ["a", orjson.dumps(PARAMS).decode(), "1"]])
    (row,) = read_source(path)
    assert (row.custom_id, row.params, row.columns) == ("a", PARAMS, {"x": "1"})


def frames() -> dict[str, Any]:
    return {
        "polars": pl.DataFrame(ROWS),
        "pandas": pd.DataFrame(ROWS).set_index("id", drop=False),
        "pyarrow": pa.Table.from_pylist(ROWS),
        "reader": pa.Table.from_pylist(ROWS).to_reader(),
        "batch": pa.RecordBatch.from_pylist(ROWS),
        "duckdb": duckdb.from_arrow(pa.Table.from_pylist(ROWS)),
        "list": ROWS,
        "generator": iter(ROWS),
    }


@pytest.mark.parametrize("kind", list(frames()))
def test_same_of_any_table(kind: str) -> None:
    """Every kind of table gives the same requests, ids and keys."""
    expected = list(read_source(ROWS, id_column="id", **ASK))
    assert list(read_source(frames()[kind], id_column="id", **ASK)) == expected
    assert expected[1].columns == ROWS[1]


def test_open_file_stays_open() -> None:
    """An open file is read and left open."""
    file = io.BytesIO(jsonl(REQUEST))
    assert [row.custom_id for row in read_source(file)] == ["a"]
    text = io.BytesIO(b"name,stars\nq,1\n")
    assert prompts(text, format="csv", template="{name}") == ["q"]
    assert not file.closed
    assert not text.closed


BROKEN = [
    (".jsonl", jsonl(REQUEST) + b'{"custom_id": "b", \n', ":2: the line is not JSON"),
    (".jsonl", b"[1]\n", ":1: the line is not an object"),
    (".jsonl", jsonl({"a": 1}), ":1: the row is not a request"),
    (".jsonl", jsonl({"custom_id": "x", "params": 3}), ":1: params is not an object"),
    (".jsonl", jsonl({"custom_id": 1.5, "params": PARAMS}), ":1: the custom_id 1.5 is not text"),
    (".jsonl", jsonl({"params": {"model": "m", "messages": []}}), ":1: the request has no max_tokens"),
    (".jsonl.gz", gzip.compress(jsonl(REQUEST) * 999)[:-20], "can't be read on"),
    (".jsonl.gz", b"plain", ":1: the file can't be read on"),
    (".jsonl.zst", zstandard.compress(jsonl(REQUEST) * 999)[:-20], "can't be read on"),
    (".jsonl.zst", b"plain", ":1: the file can't be read on"),
    (".csv", b"params,note\n{},1,2\n", ":2: the row has 3 cells, and the header 2"),
    (".csv", b'params\n"{', ":2: the row is not CSV"),
    (".csv", b"a,a\n1,2\n", ":1: the header names 'a' twice"),
    (".csv", b"params\n\xff\n", ":2: the file is not UTF-8"),
    (".csv", b"params\n{}\n" + "é".encode("latin1") + b"\n", "iconv -f LATIN1 -t UTF-8"),
    (".csv", b"x,params\n1,2x\n", ":2: params is not JSON"),
    (".parquet", b"PAR1 no", "can't be read"),
]


@pytest.mark.parametrize(("suffix", "data", "message"), BROKEN)
def test_broken_files(tmp_path: Path, suffix: str, data: bytes, message: str) -> None:
    """Each broken file is an error of ours that has its place."""
    path = tmp_path / f"t{suffix}"
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        list(read_source(path))
    assert message in str(caught.value)
    assert path.name in str(caught.value)


@pytest.mark.parametrize("source", [3, {"a": 1}, "nowhere.jsonl", "name.xlsx", [3]])
def test_not_a_source(source: object) -> None:
    """Anything else is refused with a reason."""
    with pytest.raises(SourceError):
        list(read_source(source))


# Ids


def test_ids_are_stable() -> None:
    """Derived ids depend on the params alone, not on the order of keys; without dedupe on the position as well."""
    turned = {"params": dict(reversed(PARAMS.items()))}
    one, two = read_source([{"params": PARAMS}, turned])
    assert one.custom_id == two.custom_id
    assert len(one.custom_id) <= 48
    one, two = read_source([{"params": PARAMS}, turned], dedupe=False)
    assert one.custom_id != two.custom_id


def test_id_columns() -> None:
    """Ids come from a column, which must be there and filled; the API's rule is held to if asked."""
    rows = [{"id": "a b", "params": PARAMS}]
    assert next(read_source(rows, id_column="id")).custom_id == "a b"
    for options in ({"id_column": "id", "own_ids": True}, {"id_column": "key"}):
        with pytest.raises(SourceError, match="row 0"):
            list(read_source(rows, **options))
    with pytest.raises(SourceError, match="empty"):
        list(read_source([{"id": None, "params": PARAMS}], id_column="id"))


# Templates

MISTAKES = ["{", "}", "{}", "{0.__class__", "{a!x}", "{a:{b}}", "{a[}", "{a..b}"]


@pytest.mark.parametrize("text", MISTAKES)
def test_malformed_template(text: str) -> None:
    """A malformed template is refused before a row is read."""
    with pytest.raises(TemplateError):
        read_source([], template=text)


@pytest.mark.parametrize(("text", "told"), [("{{ review }}", 'engine="jinja"'), ("a.txt", "text of the")])
def test_template_without_a_column(text: str, told: str) -> None:
    """A template without any column would pay for one prompt many times: it is refused before a row is read."""
    with pytest.raises(TemplateError, match="all rows would have one prompt") as caught:
        read_source([], template=text)
    assert told in str(caught.value)
    assert prompts([{"review": "fine"}], template="{{ review }}", engine="jinja") == ["fine"]


def test_template_never_reads_attributes() -> None:
    """A field is a key of the data, never an attribute of a Python object."""
    row = {"a": {"b": [1, {"c": "deep"}]}, "stars": 1, "s": "text"}
    assert prompts([row], template="{a.b[1].c} {{}} {a[b]} {s!r}") == ['deep {} [1, {"c": "deep"}] \'text\'']
    for field in ("{s.__class__}", "{a.items}", "{s.upper}", "{a.b.__len__}", "{a.b[9]}", "{missing}"):
        with pytest.raises(TemplateError, match="row 0"):
            prompts([row], template=field)


def test_values_are_not_templates() -> None:
    """Braces in a value mean nothing, in both languages."""
    row = {"name": "{stars} {{ 7*7 }}", "stars": 3}
    assert prompts([row], template="{name}") == [row["name"]]
    assert prompts([row], template="{{ name }}", engine="jinja") == [row["name"]]


def test_jinja_is_sandboxed(tmp_path: Path) -> None:
    """Jinja runs in its sandbox, is chosen by a file's name, and a missing column is an error."""
    path = tmp_path / "prompt.j2"
    path.write_text("{% for x in tags %}<{{ x }}>{% endfor %}")
    assert prompts([{"tags": ["a", "b"]}], template=path) == ["<a><b>"]
    for text in ("{{ ''.__class__.__mro__ }}", "{{ tags.append(1) }}", "{{ nothing }}", "{{ 1/0 }}"):
        with pytest.raises(TemplateError, match="row 0"):
            prompts([{"tags": ["a"]}], template=text, engine="jinja")
    with pytest.raises(TemplateError):
        read_source([], template="{% if %}", engine="jinja")


@pytest.mark.parametrize(("suffix", "field"), [("txt", "{name}"), ("j2", "{{ name }}")])
def test_final_newline_of_a_template(tmp_path: Path, suffix: str, field: str) -> None:
    """A template's final newline is no part of the prompt, in a file and as text, in both languages."""
    engine = "jinja" if suffix == "j2" else "format"
    path = tmp_path / f"prompt.{suffix}"
    for end, kept in [("", ""), ("\n", ""), ("\r\n", ""), ("\n\n", "\n")]:
        path.write_bytes(f"Rate\n{field}{end}".encode())
        for template in (path, f"Rate\n{field}{end}"):
            assert prompts([{"name": "a\n"}], template=template, engine=engine) == [f"Rate\na\n{kept}"]


def test_empty_prompt() -> None:
    """A row that makes an empty prompt is an error with its place and both remedies."""
    with pytest.raises(
        SourceError, match=r"^row 1: the prompt is empty: leave such rows out.* or give a template"
    ):
        prompts([{"name": "a"}, {"name": " "}], template="{name}\n")


@given(st.dictionaries(st.sampled_from("abc"), st.text(), min_size=3), st.text(alphabet="{}abc.[]!: "))
def test_any_template_is_text_or_an_error(row: dict[str, str], text: str) -> None:
    """Every template gives text or an error of ours."""
    with contextlib.suppress(ClaudeBatchesError):
        assert all(isinstance(prompt, str) for prompt in prompts([row], template=text))


# The system text


def test_cached_system() -> None:
    """A system text is one cached block for an hour; rows with their own keep it."""
    long = "word " * 9000
    rows = [{"params": PARAMS}, {"params": {**PARAMS, "system": "mine"}}]
    first, second = read_source(rows, system=long)
    assert first.params["system"] == [
        {"type": "text", "text": long, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    ]
    assert second.params["system"] == "mine"
    assert next(read_source(rows, system="s", cache=None)).params["system"] == "s"


def test_short_prefix_warns_once() -> None:
    """A prefix below the model's shortest warns once for each model, at the caller's line, and names the limit."""
    params = {**PARAMS, "model": "claude-haiku-4-5-20251001"}
    with pytest.warns(CachePrefixWarning, match="4096") as warned:
        list(read_source([{"params": params}] * 3, system="short"))
    assert [each.filename for each in warned] == [__file__]


# Attachments

PNG = b"\x89PNG\r\n\x1a\n rest"


def test_attachments(tmp_path: Path) -> None:
    """Files become blocks before the prompt, by their content, relative to the table."""
    for name, data in (("a.dat", PNG), ("b.pdf", b"%PDF-1.7 x"), ("c.jpg", b"\xff\xd8\xff\xe0")):
        (tmp_path / name).write_bytes(data)
    table = tmp_path / "t.jsonl"
    table.write_bytes(jsonl({"p": "a.dat", "q": ["b.pdf", "c.jpg"], "r": None}))
    (content,) = prompts(table, template="See.", attachments=["p", "q", "r"])
    assert [block["type"] for block in content] == ["image", "document", "image", "text"]
    assert [block["source"]["media_type"] for block in content[:3]] == [
        "image/png",
        "application/pdf",
        "image/jpeg",
    ]
    assert base64.b64decode(content[0]["source"]["data"]) == PNG


@pytest.mark.parametrize("path", ["none.png", "text.png", 3])
def test_bad_attachments(tmp_path: Path, path: object) -> None:
    """A file that is missing or of another kind is an error with the row's place."""
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(SourceError, match="row 0"):
        prompts([{"p": path}], template="x", attachments=["p"], base=tmp_path)


# OpenAI's form


def openai(**body: object) -> dict[str, Any]:
    defaults = {"model": "gpt-x", "max_completion_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    return {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {**defaults, **body}}


def translated(**body: object) -> dict[str, Any]:
    return next(read_source([openai(**body)], model="claude-opus-5")).params


def test_openai_request() -> None:
    """A whole conversation with tools is translated."""
    call = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
    params = translated(
        messages=[
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "look"}, {
                "type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}]},
            {"role": "assistant", "content": None, "tool_calls": [call, {**call, "id": "t2"}]},
            {"role": "tool", "tool_call_id": "t1", "content": "1"},
            {"role": "tool", "tool_call_id": "t2", "content": "2"},
        ],
        tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}],
        tool_choice="required",
        parallel_tool_calls=False,
        stop="END",
        reasoning_effort="high",
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        temperature=0.5,
        n=1,
        seed=3,
        user="u",
    )  # fmt: skip
    assert params == {
        "model": "claude-opus-5",
        "max_tokens": 9,
        "system": "Be kind.",
        "temperature": 0.5,
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}},
                {"type": "tool_use", "id": "t2", "name": "f", "input": {"x": 1}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "1"},
                {"type": "tool_result", "tool_use_id": "t2", "content": "2"}]},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "strict": True}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "stop_sequences": ["END"],
        "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "metadata": {"user_id": "u"},
    }  # fmt: skip


UNEQUAL = [
    ({"n": 2}, "body.n = 2"),
    ({"temperature": 1.5}, "body.temperature"),
    ({"logit_bias": {"1": 2}}, "body.logit_bias"),
    ({"a_new_field": 1}, "body.a_new_field"),
    ({"response_format": {"type": "json_object"}}, "body.response_format"),
    ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "body.messages.0.content.0"),
    (
        {"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]},
        "body.messages.1.role",
    ),
    ({"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": "{"}}]}]}, "is not JSON"),
    ({"messages": []}, "not a list"),
    ({"tools": [{"type": "custom"}]}, "body.tools.0"),
    ({"tool_choice": {"type": "odd"}}, "body.tool_choice"),
    ({"reasoning_effort": "none"}, "body.reasoning_effort"),
]


@pytest.mark.parametrize(("body", "path"), UNEQUAL)
def test_openai_without_equal(body: dict[str, Any], path: str) -> None:
    """A field without an equal is an error with its path, never left out."""
    with pytest.raises(SourceError) as caught:
        translated(**body)
    assert str(caught.value).startswith("row 0: ")
    assert path in str(caught.value)


def test_openai_needs_a_model() -> None:
    """The model of another maker is not sent."""
    with pytest.raises(SourceError, match="give model="):
        list(read_source([openai()]))
    with pytest.raises(SourceError, match="/v1/embeddings"):
        list(read_source([{**openai(), "url": "/v1/embeddings"}], model="claude-opus-5"))


# In general

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.text(min_size=1), JSON, max_size=4), max_size=6))
def test_any_params_survive_a_file(
    tmp_path_factory: pytest.TempPathFactory, extras: list[dict[str, Any]]
) -> None:
    """Params written as JSONL are read back equal, with the keys of the same rows given directly."""
    rows = [{"params": {**extra, **PARAMS}} for extra in extras]
    path = tmp_path_factory.mktemp("any") / "t.jsonl"
    path.write_bytes(jsonl(*rows))
    read = list(read_source(path))
    assert [row.params for row in read] == [row["params"] for row in rows]
    assert [row.key for row in read] == [row.key for row in read_source(rows)]


def test_flat_memory(tmp_path: Path) -> None:
    """A source ten times as long takes no more memory."""

    def peak(count: int) -> int:
        path = tmp_path / "t.jsonl"
        with path.open("wb") as file:
            for number in range(count):
                file.write(orjson.dumps({"name": f"n{number}", "stars": 1, "filler": "x" * 500}) + b"\n")
        tracemalloc.start()
        assert sum(1 for _ in read_source(path, **ASK)) == count
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(10)
    assert peak(5000) < peak(500) + 200_000
