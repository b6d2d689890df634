"""A batch of any size is checked as it comes and sent from a file, in flat memory."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from array import array
from datetime import UTC, datetime
from typing import Any

import claude_batches
import pytest
from claude_batches import _batch_body
from claude_batches._batch_body import BatchWriter
from claude_batches.types import Message, TextBlock
from hypothesis import given
from hypothesis import strategies as st

from tests.support.server import drop, reply
from .wire import batch, requests

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
    writer = BatchWriter(**{"validate": True, **options})
    for row in rows:
        writer.add(row)
    payload = writer.finish(others or {}).payload
    body = b"".join(payload.chunks())
    assert len(body) == payload.size
    return body


def refused(rows: Any, **options: Any) -> claude_batches.InvalidBatchError:
    with pytest.raises(claude_batches.InvalidBatchError) as raised:
        written(rows, **options)
    return raised.value


@given(st.lists(json_values, max_size=5), st.dictionaries(st.text(max_size=3), json_values, max_size=2))
def test_what_is_written_is_the_json_of_what_was_given(values: list[Any], others: dict[str, Any]) -> None:
    rows = [{"custom_id": f"r{index}", "params": value} for index, value in enumerate(values)]
    others.pop("requests", None)
    assert json.loads(written(rows, others, validate=False)) == {"requests": rows, **others}


def test_a_generator_is_sent_with_its_length_and_in_full(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    do = connect(server)
    do(lambda batches: batches.create(requests=(row for row in requests(5000))))
    (request,) = server.requests
    assert request.headers["content-length"] == str(len(request.body))
    assert "transfer-encoding" not in request.headers
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {"requests": requests(5000)}


def test_a_generator_is_sent_again_whole_after_a_retry(connect: Any, serve: Any) -> None:
    # More than the buffers of a connection hold, so that the second attempt can't have been handed over in full.
    rows = [{"custom_id": f"r-{index}", "params": {"filler": "x" * 50_000}} for index in range(500)]
    server = serve(reply(429), drop(after=10_000), reply(529), reply(200, batch()))
    do = connect(server, max_retries=3)
    do(lambda batches: batches.create(requests=(row for row in rows)))
    assert json.loads(server.requests[-1].body) == {"requests": rows}


@pytest.mark.anyio
async def test_an_async_iterable_is_taken_by_an_async_client(serve: Any) -> None:
    async def rows() -> Any:
        for row in requests(300):
            yield row

    server = serve(reply(200, batch()))
    async with claude_batches.AsyncClient(api_key="k", base_url=server.url) as client:
        await client.messages.batches.create(requests=rows())
    assert server.bodies == [{"requests": requests(300)}]


def test_an_async_iterable_is_refused_by_a_sync_client() -> None:
    async def rows() -> Any:
        yield {}

    with (
        claude_batches.Client(api_key="k") as client,
        pytest.raises(claude_batches.RequestEncodingError, match="AsyncClient"),
    ):
        client.messages.batches.create(requests=rows())


def test_extra_body_adds_to_the_body_and_cannot_replace_the_requests(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    do = connect(server)
    do(lambda batches: batches.create(requests=requests(1), extra_body={"new": [1]}))
    assert server.bodies == [{"requests": requests(1), "new": [1]}]
    with pytest.raises(claude_batches.RequestEncodingError):
        do(lambda batches: batches.create(requests=requests(1), extra_body={"requests": []}))


def test_models_instants_and_iterables_can_be_sent(connect: Any, serve: Any) -> None:
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
    do(lambda batches: batches.create(requests=[{"custom_id": "a", "params": params}]))
    assert server.bodies[0]["requests"][0]["params"] == {
        "content": [{"type": "text", "text": "Hi", "citations": None}],
        "block": {"type": "text", "text": "x", "citations": None, "new": 1},
        "at": "2026-11-21T00:00:00Z",
        "set": ["one"],
        "numbers": [1, 2],
    }


@pytest.mark.parametrize("custom_id", ["", "a" * 65, "a b", "ä", "a\n", 7, None, ["a"]])
def test_a_custom_id_of_another_form_is_refused(custom_id: Any) -> None:
    problem = refused([{"custom_id": "fine", "params": {}}, {"custom_id": custom_id, "params": {}}])
    assert problem.problem_count == 1
    assert "request 1" in problem.problems[0]


@pytest.mark.parametrize("custom_id", ["a", "A-b_9", "a" * 64])
def test_a_custom_id_of_the_right_form_is_taken(custom_id: str) -> None:
    assert json.loads(written([{"custom_id": custom_id}])) == {"requests": [{"custom_id": custom_id}]}


@pytest.mark.parametrize("position", [1, 2, 9])
def test_a_custom_id_that_comes_twice_is_refused_and_both_places_are_named(position: int) -> None:
    rows = [{"custom_id": f"r{index}", "params": {"x": "]}\n,"}} for index in range(10)]
    rows[position] = {**rows[position], "custom_id": "r0"}
    (problem,) = refused(rows).problems
    assert problem == f"request {position} (custom_id 'r0'): request 0 has this custom_id already"


def test_ids_whose_hashes_collide_are_not_taken_for_the_same() -> None:
    writer = BatchWriter(validate=True)
    for row in requests(3):
        writer.add(row)
    writer._ids = array("q", [5, 5, 5])
    assert writer.finish({}).request_count == 3


@pytest.mark.parametrize(
    ("params", "word"),
    [({"stream": True}, "stream"), ({"stream": None}, "stream"), ({"betas": []}, "betas")],
)
def test_params_that_cannot_be_in_a_batch_are_refused(params: dict[str, Any], word: str) -> None:
    assert word in refused([{"custom_id": "a", "params": params}]).problems[0]


def test_nothing_else_about_params_is_second_guessed() -> None:
    rows = [
        {"custom_id": "a", "params": {"stream": False, "max_tokens": -1}},
        {"custom_id": "b", "params": "none"},
        {"custom_id": "c"},
    ]
    assert json.loads(written(rows)) == {"requests": rows}


def test_only_the_first_few_problems_are_listed_and_all_are_counted() -> None:
    problem = refused({"custom_id": f"no way {index}"} for index in range(100))
    assert problem.problem_count == 100
    assert len(problem.problems) == 5
    assert str(problem).endswith("and 95 more")


def test_a_batch_of_nothing_is_refused(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    do = connect(server)
    with pytest.raises(claude_batches.InvalidBatchError, match="no requests"):
        do(lambda batches: batches.create(requests=[]))
    assert server.requests == []


def test_what_never_ends_is_refused_at_100_001_requests() -> None:
    problem = refused({"custom_id": f"r{index}"} for index in itertools.count())
    assert "more than 100,000 requests" in str(problem)


def test_more_than_256_mb_is_refused_as_soon_as_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_batch_body, "MAX_BYTES", 1024**2)
    seen = 0

    def rows() -> Any:
        nonlocal seen
        for seen in range(1000):
            yield {"custom_id": f"r{seen}", "params": "x" * 100_000}

    assert "more than 1 MB" in str(refused(rows()))
    assert seen < 20


@pytest.mark.parametrize("row", [None, "text", 3, ["custom_id", "params"]])
def test_what_is_no_request_is_refused(row: Any) -> None:
    assert "must be a dict" in refused([row]).problems[0]


def test_what_has_no_json_is_refused_with_its_place() -> None:
    class Thing:
        pass

    assert (
        "request 1 (custom_id 'b')"
        in refused([{"custom_id": "a"}, {"custom_id": "b", "params": Thing()}]).problems[0]
    )
    assert "Thing" in str(refused([{"custom_id": "a", "params": Thing()}]))
    assert "can't be written" in str(refused([{"custom_id": "a", "params": "\ud800"}]))
    assert "can't be written" in str(refused([{"custom_id": "a", "params": {1: 2}}]))


def test_validate_false_turns_the_checks_off(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    do = connect(server)
    rows = [{"custom_id": "no way", "params": {"stream": True}}] * 2
    do(lambda batches: batches.create(requests=rows, validate=False))
    assert server.bodies == [{"requests": rows}]


def test_the_iterables_own_exception_comes_through_and_nothing_is_sent(connect: Any, serve: Any) -> None:
    server = serve(reply(200, batch()))
    do = connect(server)

    def rows() -> Any:
        yield from requests(2)
        raise LookupError("row 3")

    with pytest.raises(LookupError, match="row 3"):
        do(lambda batches: batches.create(requests=rows()))
    assert server.requests == []


def test_memory_does_not_grow_with_the_batch() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            written_size = 0
            writer = BatchWriter(validate=True)
            for index in range(count):
                writer.add({"custom_id": f"r-{index}", "params": {"text": "x" * 2000}})
            batch = writer.finish({})
            written_size = batch.payload.size
            batch.payload.close()
            assert written_size > count * 2000
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # Eight bytes a custom_id is what's kept, and for a moment a sorted list of these, to see that none came twice.
    assert peak(20_000) - peak(2_000) < 18_000 * 64
