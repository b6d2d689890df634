"""Splitting: limits hold to the byte, and nothing is lost or reordered."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from claude_batches import Client
from claude_batches.jobs import Job, JobRequestError, Shard, _adding
from claude_batches.jobs._ids import parse_sent_id, sent_id
from claude_batches.jobs._lines import read_line, split_line, write_line
from claude_batches.jobs._records import Positions
from claude_batches.jobs._shards import distinct_count
from claude_batches.sandbox import Sandbox
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.jobs.kinds import QUICK

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)


def _request(custom_id: str, text: str) -> dict[str, Any]:
    return {"custom_id": custom_id, "params": {"messages": [{"role": "user", "content": text}]}}


@settings(max_examples=25, deadline=None)
@given(
    given=st.lists(st.tuples(ids, texts), min_size=1, max_size=60, unique_by=lambda pair: pair[0]),
    most=st.integers(1, 30),
    size=st.integers(400, 3000),
)
def test_limits(given: list[tuple[str, str]], most: int, size: int) -> None:
    """Each shard is within both limits, as full as they allow, and all rows are in one, in order."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Job.open(Path(folder, "a"), max_requests=most, max_bytes=size) as job,
    ):
        refused: JobRequestError | None = None
        try:
            job.add(_request(*pair) for pair in given)
        except JobRequestError as error:
            refused = error
        if refused is not None:
            custom_id, text = given[refused.index]
            assert refused.custom_id == custom_id
            assert len(orjson.dumps(_request("", text))) + 20 > size - 50
            assert job.status().requests == 0
            return
        shards = job.shards()
        assert sum(shard.requests for shard in shards) == len(given)
        found: list[str] = []
        for shard in shards:
            lines = _lines(job, shard)
            assert shard.bytes <= size
            assert shard.requests <= most
            found += [split_line(line)[0] for line in lines]
        assert found == [custom_id for custom_id, _ in given]


def _lines(job: Job, shard: Shard) -> list[bytes]:
    """The lines of a shard, whose size as sent is the one in the ledger."""
    lines = list(job._job.lines.whole_body(shard))
    token = job._job.ledger.facts().token
    sent = [
        b'{"custom_id":"%s","params":%s}'
        % (sent_id(token, shard.number, position).encode(), split_line(line)[1])
        for position, line in zip(job._job.ledger.positions(shard), lines, strict=True)
    ]
    assert len(b'{"requests":[' + b",\n".join(sent) + b"]}") == shard.bytes
    assert len(lines) == shard.requests
    return lines


@settings(max_examples=40, deadline=None)
@given(
    adds=st.lists(st.lists(st.integers(0, 120), max_size=60), min_size=1, max_size=4),
    most=st.integers(1, 30),
    size=st.integers(400, 1500),
    together=st.integers(1, 9),
)
def test_added_in_portions(adds: list[list[int]], most: int, size: int, together: int) -> None:
    """Rows that are inserted in portions, with known and repeated ones among them, are all there once, in order."""
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as folder,
        Job.open(Path(folder, "a"), max_requests=most, max_bytes=size) as job,
    ):
        patch.setattr(_adding, "_PENDING_ROWS", together)
        expected: dict[str, None] = {}
        for numbers in adds:
            added = job.add(_request(f"row {number}", "x" * (number % 50)) for number in numbers)
            before = len(expected)
            expected.update(dict.fromkeys(f"row {number}" for number in numbers))
            assert added == len(expected) - before
        found: list[str] = []
        for shard in job.shards():
            lines = _lines(job, shard)
            assert shard.bytes <= size
            assert shard.requests <= most
            assert sum(each[0] for each in shard.models.values()) == shard.requests
            found += [split_line(line)[0] for line in lines]
        assert found == list(expected)
        assert job.status().requests == len(expected)


def test_exact_bytes(tmp_path: Path, sandbox: Sandbox) -> None:
    """The size of a shard is the size of the body on the wire, for first shards and those that are sent again."""
    lengths: list[int] = []

    def note(request: httpx.Request) -> None:
        if request.method == "POST":
            lengths.append(int(request.headers["content-length"]))

    with (
        httpx.Client(event_hooks={"request": [note]}) as http,
        Client(base_url=sandbox.url, api_key="k", http_client=http) as client,
        Job.open(tmp_path / "a", client=client, max_requests=30, **QUICK) as job,
    ):
        job.add(
            {
                "custom_id": f"é {index}",
                "note": index,
                "params": {
                    "model": "claude-sonnet-4-5",
                    "max_tokens": 9,
                    "messages": [{"role": "user", "content": "[[expire]]" if index % 3 else "ü" * index}],
                },
            }
            for index in range(100)
        )
        assert job.run().finished
        assert lengths == [shard.bytes for shard in job.shards()]
        assert len(lengths) > 6


@pytest.mark.parametrize("most", [100_000, 1000, 100])
def test_distinct_counts(most: int) -> None:
    """Full shards have different counts, a little below the limit."""
    counts = [distinct_count(number, "abcdefghij", most) for number in range(1, 200)]
    spread = min(1000, most // 20)
    assert len(set(counts)) >= min(199, spread) * 0.99
    assert all(most - spread < count <= most for count in counts)
    assert counts != [distinct_count(number, "zbcdefghij", most) for number in range(1, 200)]


@given(
    custom_id=ids,
    extra=st.dictionaries(ids, texts, max_size=3),
    text=texts,
    row=st.none() | st.integers(0, 9),
)
def test_lines(custom_id: str, extra: dict[str, str], text: str, row: int | None) -> None:
    """A line gives back id, params and other properties with every character."""
    params = orjson.dumps({"content": text})
    line = write_line(custom_id, params, orjson.dumps(extra), row)
    assert split_line(line) == (custom_id, params)
    assert read_line(line) == (custom_id, {"content": text}, extra, row)
    assert b"\n" not in line


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**12))
def test_sent_ids(shard: int, position: int) -> None:
    """Derived ids can be taken apart, and are ids to the API."""
    made = sent_id("abcdefghij", shard, position)
    assert len(made) <= 64
    assert parse_sent_id(made) == ("abcdefghij", shard, position)


def test_positions() -> None:
    """Rows of a shard are found by position, in a range and in a list."""
    plain, listed = Positions(5, 3), Positions(0, 3, Positions.packed([9, 4, 7]))
    assert [list(plain), list(listed)] == [[5, 6, 7], [9, 4, 7]]
    assert [plain.index(6), plain.index(8), listed.index(7), listed.index(5)] == [1, None, 2, None]
