"""The body of a batch: checked request by request, and sent from a file in flat memory."""

from __future__ import annotations

import io
import itertools
import json
import tracemalloc
from array import array
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import claude_batches
import pytest
from claude_batches._batches.body_writer import MAX_BYTES, BodyWriter
from claude_batches.types import Message, TextBlock
from hypothesis import given
from hypothesis import strategies as st

from tests.client.wire import batch, request, requests
from tests.support.server import drop, reply

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab\n,]}", max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


def written(rows: Any, others: Any = None, **options: Any) -> bytes:
    writer = BodyWriter(**{"validate": True, **options})
    writer.extend(rows)
    payload = writer.finish(others or {}).payload
    body = b"".join(payload.chunks())
    assert len(body) == payload.size
    return body


def refused(rows: Any, **options: Any) -> claude_batches.InvalidBatchError:
    with pytest.raises(claude_batches.InvalidBatchError) as raised:
        written(rows, **options)
    return raised.value


@given(
    st.lists(json_values, min_size=1, max_size=5),
    st.dictionaries(st.text(max_size=3), json_values, max_size=2),
)
def test_written_json(values: list[Any], others: dict[str, Any]) -> None:
    """The written body is the JSON of the requests."""
    rows = [request(f"r{index}", metadata=value) for index, value in enumerate(values)]
    others.pop("requests", None)
    assert json.loads(written(rows, others)) == {"requests": rows, **others}


def test_generator(connect: Any, serve: Any) -> None:
    """A generator is sent in full, with a content-length."""
    server = serve(reply(200, batch()))
    do = connect(server)
    do(lambda batches: batches.create(requests=(row for row in requests(5000))))
    (sent,) = server.requests
    assert sent.headers["content-length"] == str(len(sent.body))
    assert "transfer-encoding" not in sent.headers
    assert sent.headers["content-type"] == "application/json"
    assert json.loads(sent.body) == {"requests": requests(5000)}


def test_generator_is_sent_again(connect: Any, serve: Any) -> None:
    """A retry sends the requests of a generator in full."""
    # More than the buffers of a connection hold, so that the second attempt can't have been handed over in full.
    rows = requests(500, system="x" * 50_000)
    server = serve(reply(429), drop(after=10_000), reply(529), reply(200, batch()))
    do = connect(server, max_retries=3)
    do(lambda batches: batches.create(requests=(row for row in rows)))
    assert json.loads(server.requests[-1].body) == {"requests": rows}


@pytest.mark.anyio
async def test_async_iterable(serve: Any) -> None:
    """An async client takes an async iterable."""

    async def rows() -> Any:
        for row in requests(300):
            yield row

    server = serve(reply(200, batch()))
    async with claude_batches.AsyncClient(api_key="k", base_url=server.url) as client:
        await client.messages.batches.create(requests=rows())
    assert server.bodies == [{"requests": requests(300)}]


def test_async_iterable_sync_client() -> None:
    """A sync client refuses an async iterable."""

    async def rows() -> Any:
        yield {}

    with (
        claude_batches.Client(api_key="k") as client,
        pytest.raises(claude_batches.RequestEncodingError, match="async client"),
    ):
        client.messages.batches.create(requests=rows())


def test_extra_body(connect: Any, serve: Any) -> None:
    """`extra_body` adds to the body and can't replace the requests."""
    server = serve(reply(200, batch()))
    do = connect(server)
    do(lambda batches: batches.create(requests=requests(1), extra_body={"new": [1]}))
    assert server.bodies == [{"requests": requests(1), "new": [1]}]
    with pytest.raises(claude_batches.RequestEncodingError):
        do(lambda batches: batches.create(requests=requests(1), extra_body={"requests": []}))


def test_sendable_values(connect: Any, serve: Any) -> None:
    """Models, instants, sets and iterators can be sent."""
    server = serve(reply(200, batch()))
    do = connect(server)
    said = Message.from_dict(
        {"role": "assistant", "content": [{"type": "text", "text": "Hi", "citations": None}]}
    )
    params = {
        "content": said.content,
        "block": TextBlock.from_dict({"type": "text", "text": "x", "citations": None, "new": 1}),
        "at": datetime(2026, 11, 21, tzinfo=UTC),
        "set": {"one"},
        "numbers": iter([1, 2]),
    }
    do(lambda batches: batches.create(requests=[request("a", **params)]))
    assert server.bodies[0]["requests"][0]["params"] == {
        **request("a")["params"],
        "content": [{"type": "text", "text": "Hi", "citations": None}],
        "block": {"type": "text", "text": "x", "citations": None, "new": 1},
        "at": "2026-11-21T00:00:00Z",
        "set": ["one"],
        "numbers": [1, 2],
    }


@pytest.mark.parametrize("custom_id", ["", "a" * 65, "a b", "ä", "a\n", 7, None, ["a"]])
def test_invalid_custom_ids(custom_id: Any) -> None:
    """An invalid custom_id is refused."""
    problem = refused([request("fine"), request(custom_id)])
    assert problem.problem_count == 1
    assert "request 1" in problem.problems[0]


@pytest.mark.parametrize("custom_id", ["a", "A-b_9", "a" * 64])
def test_valid_custom_ids(custom_id: str) -> None:
    """A valid custom_id is accepted."""
    assert json.loads(written([request(custom_id)])) == {"requests": [request(custom_id)]}


@pytest.mark.parametrize("position", [1, 2, 9])
def test_repeated_custom_id(position: int) -> None:
    """A repeated custom_id is refused with both places."""
    rows = [request(f"r{index}", system="]}\n,") for index in range(10)]
    rows[position] = {**rows[position], "custom_id": "r0"}
    (problem,) = refused(rows).problems
    assert problem == f"request {position} (custom_id 'r0'): request 0 has the same custom_id"


def test_colliding_hashes() -> None:
    """Different ids with the same hash are accepted."""
    writer = BodyWriter(validate=True)
    for row in requests(3):
        writer.add(row)
    writer._ids = array("q", [5, 5, 5])
    assert writer.finish({}).request_count == 3


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"stream": True}, "stream"),
        ({"stream": None}, "stream"),
        ({"speed": "fast"}, "speed"),
        ({"betas": []}, "betas"),
        ({"max_tokens": 0}, "max_tokens is 0"),
    ],
)
def test_refused_params(params: dict[str, Any], word: str) -> None:
    """Params that a batch does not accept are refused."""
    problem = refused([request("fine"), request("a", **params)])
    assert problem.problem_count == 1
    assert word in problem.problems[0]
    assert "request 1 (custom_id 'a')" in problem.problems[0]


@pytest.mark.parametrize("missing", ["model", "max_tokens", "messages"])
def test_missing_params(missing: str) -> None:
    """A request without a required param is refused."""
    row = request("a")
    del row["params"][missing]
    assert refused([row]).problems == (f"request 0 (custom_id 'a'): params has no {missing}",)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"custom_id": "a"}, "request 0 (custom_id 'a') has no params"),
        ({"custom_id": "a", "params": "none"}, "request 0 (custom_id 'a'): params must be a dict; got str"),
        ({"params": request("a")["params"]}, "request 0 has no custom_id"),
    ],
)
def test_incomplete_requests(row: Any, problem: str) -> None:
    """A request without custom_id or params is refused."""
    assert refused([row]).problems == (problem,)


def test_other_params() -> None:
    """All other params are left to the API."""
    rows = [
        request("a", stream=False, max_tokens=-1),
        request("b", model="a-new-one", max_tokens=False, new={}),
    ]
    assert json.loads(written(rows)) == {"requests": rows}


def test_many_problems() -> None:
    """The first problems are listed and all are counted."""
    problem = refused(request(f"no way {index}") for index in range(100))
    assert problem.problem_count == 100
    assert len(problem.problems) == 5
    assert str(problem).endswith("and 95 more")


def test_no_requests(connect: Any, serve: Any) -> None:
    """A batch without requests is refused."""
    server = serve(reply(200, batch()))
    do = connect(server)
    with pytest.raises(claude_batches.InvalidBatchError, match="no requests"):
        do(lambda batches: batches.create(requests=[]))
    assert server.requests == []


def test_endless_iterable() -> None:
    """An endless iterable is refused after 100,000 requests."""
    problem = refused(request(f"r{index}") for index in itertools.count())
    assert problem.problems == ("it has more than 100,000 requests: split it",)


def test_limit_after_many_problems() -> None:
    """A limit is named even after many other problems."""
    problem = refused((request("no way") for _ in range(10)), max_requests=9)
    assert problem.problems[0] == "it has more than 9 requests: split it"
    assert problem.problem_count == 10


def test_too_many_bytes() -> None:
    """A body above the limit is refused while it is written."""
    seen = 0

    def rows() -> Any:
        nonlocal seen
        for seen in range(1000):
            yield request(f"r{seen}", system="x" * 100_000)

    assert "more than 1,000,000 bytes" in str(refused(rows(), max_bytes=1_000_000))
    assert seen < 20
    assert MAX_BYTES == 256_000_000


@pytest.mark.parametrize("spare", [0, 1])
def test_exact_limit(spare: int) -> None:
    """A body is accepted up to the last byte that the limit allows."""
    rows = [request("a"), request("b")]
    size = len(written(rows))
    if spare:
        assert len(written(rows, max_bytes=size)) == size
    else:
        refused(rows, max_bytes=size - 1)


@pytest.mark.parametrize("row", [None, "text", 3, ["custom_id", "params"]])
def test_not_a_request(row: Any) -> None:
    """A value that is not a request is refused."""
    assert "must be a dict" in refused([row]).problems[0]


class Thing:
    pass


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Thing(), "params.metadata.x[1]: it can't be written as JSON: Thing is not JSON"),
        ("\ud800", "params.metadata.x[1]: it can't be written"),
        ({1: 2}, "it can't be written"),
        (b"bytes", "params.metadata.x[1]: it can't be written as JSON: bytes is not JSON"),
        (memoryview(b"bytes"), "params.metadata.x[1]: it can't be written as JSON: memoryview is not JSON"),
        (float("nan"), "params.metadata.x[1]: a number is NaN or infinite"),
        (-float("inf"), "params.metadata.x[1]: a number is NaN or infinite"),
        (io.StringIO("text"), "params.metadata.x[1]: it can't be written as JSON: the file is open for text"),
        (2**64, "params.metadata.x[1]: it can't be written"),
    ],
)
def test_not_json(value: Any, said: str) -> None:
    """A value without a JSON form is refused with its path."""
    rows = [request("a"), request("b", metadata={"x": [None, value]})]
    assert f"request 1 (custom_id 'b'): {said}" in refused(rows).problems[0]


def test_files_as_base64(tmp_path: Path) -> None:
    """A path and an open binary file are sent as base64."""
    (tmp_path / "image.png").write_bytes(b"png")
    row = request("a", images=[tmp_path / "image.png", io.BytesIO(b"png"), io.BytesIO()])
    sent = json.loads(written([row]))["requests"][0]["params"]["images"]
    assert sent == ["cG5n", "cG5n", ""]


def test_validate_false(connect: Any, serve: Any) -> None:
    """`validate=False` turns the checks off."""
    server = serve(reply(200, batch()))
    do = connect(server)
    rows = [{"custom_id": "no way", "params": {"stream": True}}] * 2
    do(lambda batches: batches.create(requests=rows, validate=False))
    assert server.bodies == [{"requests": rows}]


def test_exception_of_iterable(connect: Any, serve: Any) -> None:
    """An exception of the iterable reaches the user, and nothing is sent."""
    server = serve(reply(200, batch()))
    do = connect(server)

    def rows() -> Any:
        yield from requests(2)
        raise LookupError("row 3")

    with pytest.raises(LookupError, match="row 3"):
        do(lambda batches: batches.create(requests=rows()))
    assert do.batches.unsettled == []
    assert server.requests == []


def test_flat_memory() -> None:
    """Memory does not grow with the batch."""

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            written_size = 0
            writer = BodyWriter(validate=True)
            writer.extend(request(f"r-{index}", system="x" * 2000) for index in range(count))
            batch = writer.finish({})
            written_size = batch.payload.size
            batch.payload.close()
            assert written_size > count * 2000
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # Eight bytes of each custom_id are kept. At the end a set holds some 100 bytes of each, for up to 32,768 at a time.
    assert peak(20_000) - peak(2_000) < 18_000 * 128
