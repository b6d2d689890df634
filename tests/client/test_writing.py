"""Usual requests are written in fewer steps than others, with the same outcome."""

from __future__ import annotations

import io
import json
import math
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from types import MappingProxyType
from typing import Any

import claude_batches
import pytest
from claude_batches._batches import body_writer
from claude_batches._batches.body_writer import BodyWriter
from claude_batches._http.encoding import encode
from claude_batches_api import params as api_params
from hypothesis import given
from hypothesis import strategies as st

from tests.client.wire import batch, request, requests
from tests.support.server import reply


class Row:
    """An object with a dict inside, as models have."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def to_dict(self) -> Any:
        return self.value


class Text(str):
    """A string of another type."""

    __slots__ = ()


class Names(dict[str, Any]):
    """A dict of another type."""


REQUIRED = sorted(api_params.MessageCreateParamsNonStreaming.__required_keys__)
REFUSED = ["stream", "speed", "betas"]
numbers = st.sampled_from([0, 1, 1.5, True, False, None, math.nan, math.inf, -math.inf, 10**400])
values = st.recursive(
    numbers | st.sampled_from(["", "text", "null", Text("of another type"), "\ud800", b"bytes"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
custom_ids = st.sampled_from(
    ["a", "b", "c", "A-b_9", "a" * 64, "a" * 65, "", "a b", "a\n", "ä", "\ud800", Text("d"), 7, None, ["a"]]
)


@st.composite
def rows(draw: Any) -> Any:
    """Return a request that often has one mistake."""
    row = request(draw(st.integers(0, 30).map("r{}".format) | custom_ids))
    match draw(st.integers(0, 9)):
        case 0:
            del row["params"][draw(st.sampled_from(REQUIRED))]
        case 1:
            row["params"][draw(st.sampled_from(["max_tokens", *REFUSED]))] = draw(values)
        case 2:
            row["params"]["metadata"] = draw(values)
        case 3:
            del row[draw(st.sampled_from(["custom_id", "params"]))]
        case 4:
            row["params"] = draw(st.sampled_from([None, "text", Row(row["params"]), Names(row["params"])]))
        case 5:
            row = draw(st.sampled_from([None, "text", 3, [row], Row(row), Names(row), MappingProxyType(row)]))
        case 6:
            row["params"]["system"] = "x" * draw(st.integers(0, 300))
        case _:
            pass
    return row


def one_by_one(writer: BodyWriter, rows: Iterable[Any]) -> None:
    for row in rows:
        writer.add(row)


def outcome(write: Callable[[BodyWriter, Any], Any], rows: Iterable[Any], **options: Any) -> Any:
    """Return the body and the hashes of its ids, or all that is said about it."""
    writer = BodyWriter(**{"validate": True, **options})
    try:
        write(writer, rows)
        written = writer.finish({})
    except claude_batches.InvalidBatchError as error:
        return [*error.problems], error.problem_count
    body = b"".join(written.payload.chunks())
    assert len(body) == written.payload.size
    written.payload.close()
    return body, written.request_count, written.ids.tolist()


@given(
    st.lists(rows(), max_size=12),
    st.booleans(),
    st.integers(1, 12),
    st.integers(0, 2000),
    st.sampled_from([1, 100, 257, 1024]),
    st.integers(1, 5),
)
def test_same_outcome(
    rows: list[Any], validate: bool, count: int, size: int, block: int, portion: int
) -> None:
    """The outcome of any requests is that of writing them one by one, whatever the portions and blocks."""

    def in_portions(writer: BodyWriter, rows: list[Any]) -> None:
        for start in range(0, len(rows), portion):
            part = rows[start : start + portion]
            assert writer.extend(part) == len(part)

    options = {"validate": validate, "max_requests": count, "max_bytes": size}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body_writer, "BLOCK", block)
        expected = outcome(one_by_one, rows, **options)
        assert outcome(BodyWriter.extend, rows, **options) == expected
        assert outcome(in_portions, rows, **options) == expected


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=40), st.integers(1, 3000))
def test_blocks(sizes: list[int], block: int) -> None:
    """The body is the JSON of its requests for any sizes of requests and blocks."""
    rows = [request(f"r{index}", system="x" * size) for index, size in enumerate(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body_writer, "BLOCK", block)
        body, count, ids = outcome(BodyWriter.extend, iter(rows))
    assert body == b'{"requests":[' + b",\n".join(encode(row) for row in rows) + b"]}"
    assert count == len(rows)
    assert ids == [hash(row["custom_id"]) for row in rows]


@pytest.mark.parametrize("name", [*REQUIRED, *REFUSED])
def test_every_checked_name(name: str) -> None:
    """Each required and each refused name is checked in every place."""
    assert [*body_writer._REFUSED] == REFUSED
    for position in (0, 1, 2):
        rows = requests(3)
        if name in REFUSED:
            rows[position]["params"][name] = None
        else:
            del rows[position]["params"][name]
        problems, count = outcome(BodyWriter.extend, rows)
        assert count == 1
        assert f"request {position} " in problems[0]
        assert name in problems[0]


def test_same_dict_again() -> None:
    """A generator may change and yield the same dict again."""

    def rows() -> Iterator[Any]:
        row = request("")
        for index in range(2000):
            row["custom_id"] = f"r{index}"
            row["params"]["system"] = f"system {index} " * 100
            yield row
            row["params"]["system"] = "never"

    body, count, _ = outcome(BodyWriter.extend, rows())
    written = json.loads(body)["requests"]
    assert count == 2000
    assert [row["custom_id"] for row in written] == [f"r{index}" for index in range(2000)]
    assert [row["params"]["system"] for row in written] == [f"system {index} " * 100 for index in range(2000)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("text", ["", "null", '"metadata":null'])
def test_number_is_found_at_once(value: float, text: str) -> None:
    """A number without a JSON form is found before the next request is taken, beside words that look like it."""
    taken = 0

    def rows() -> Iterator[Any]:
        nonlocal taken
        for taken in range(10):
            yield request(f"r{taken}", system=text, metadata={"x": [None, value if taken == 4 else 0.5]})

    problems, _ = outcome(BodyWriter.extend, rows())
    assert problems == [
        "request 4 (custom_id 'r4'): params.metadata.x[1]: a number is NaN or infinite, which JSON can't express"
    ]
    assert taken == 4


def test_values_are_encoded_once() -> None:
    """Iterators and files, which can be read once, are written in full or refused for the right reason."""
    rows = [
        request("a"),
        request("b", stop_sequences=iter(["x"]), image=io.BytesIO(b"png"), temperature=None),
    ]
    body, _, _ = outcome(BodyWriter.extend, rows)
    params = json.loads(body)["requests"][1]["params"]
    assert params["stop_sequences"] == ["x"]
    assert params["image"] == "cG5n"
    problems, _ = outcome(BodyWriter.extend, [request("a"), request("b", metadata=iter([math.nan]))])
    assert "a number is NaN or infinite" in problems[0]


def test_problems_in_order() -> None:
    """Problems are listed in the order of the requests, and the one that ends the reading first."""
    rows = [
        *requests(2),
        request("no way"),
        request("x", speed="fast"),
        request(""),
        {"custom_id": "y"},
        request("a" * 65),
        request("not json", metadata=math.nan),
        request("never read"),
    ]
    problems, count = outcome(BodyWriter.extend, rows)
    assert [text.split(":")[0].split(" has")[0] for text in problems] == [
        "request 7 (custom_id 'not json')",
        "request 2 (custom_id 'no way')",
        "request 3 (custom_id 'x')",
        "request 4 (custom_id '')",
        "request 5 (custom_id 'y')",
    ]
    assert count == 7


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_count_at_the_limit(limit: int) -> None:
    """The limit of requests is exact, and nothing is taken after the first request too many."""
    _, count, _ = outcome(BodyWriter.extend, requests(limit), max_requests=limit)
    assert count == limit
    rows = iter(requests(limit + 3))
    problems, _ = outcome(BodyWriter.extend, rows, max_requests=limit)
    assert problems == [f"it has more than {limit} requests: split it"]
    assert next(rows)["custom_id"] == f"r-{limit + 1}"


def test_iterator_that_restarts() -> None:
    """An iterator is not asked again after its end."""

    class Restarting:
        left = 3

        def __iter__(self) -> Iterator[Any]:
            return self

        def __next__(self) -> Any:
            if not self.left:
                self.left = 3
                raise StopIteration
            self.left -= 1
            return request(f"r{self.left}")

    for left in (3, 1, 0):
        rows = Restarting()
        rows.left = left
        writer = BodyWriter(validate=True)
        assert writer.extend(rows) == left
        writer.discard()


def test_memory_after_large_request() -> None:
    """A large request does not take memory after it was written."""
    writer = BodyWriter(validate=True)
    tracemalloc.start()
    try:
        writer.extend(request(f"r{index}", system="x" * size) for index, size in enumerate([5_000_000, 10]))
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
        writer.discard()


@pytest.mark.parametrize("count", [1, 199, 200, 201, 400])
def test_portions_of_async_client(connect: Any, serve: Any, count: int) -> None:
    """Both clients send every request of any number once."""
    server = serve(reply(200, batch()))
    do = connect(server)
    do(lambda batches: batches.create(requests=iter(requests(count))))
    assert server.bodies == [{"requests": requests(count)}]
