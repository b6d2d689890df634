"""Results by id: in the order of the requests, what is missing named, and the file read once."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest
from claude_batches._results._errors import BadLineError, IncompleteResultsError, ResultsClosedError
from claude_batches._results._join import ResultsById, wanted_ids
from claude_batches_api.models import MessageBatchIndividualResponse

from .lines import lines_of, reordered, result, short
from .readers import KINDS, Kind, async_batches, run, sync_batches
from .server import BATCH_ID, ResultsServer, whole

IDS = [f"request-{number}" for number in range(50)]
LINES = lines_of(result(name, f"text of {name} \u2028") for name in IDS)
kinds = pytest.mark.parametrize("kind", KINDS)


def results_by_id(kind: Kind, server: ResultsServer, *arguments: Any, **options: Any) -> ResultsById[Any]:
    def sync() -> ResultsById[Any]:
        with sync_batches(server) as batches:
            return batches.results_by_id(BATCH_ID, *arguments, **options)

    async def asynchronous() -> ResultsById[Any]:
        async with async_batches(server) as batches:
            return await batches.results_by_id(BATCH_ID, *arguments, **options)

    joined: ResultsById[Any] = run(kind, sync, asynchronous)
    return joined


@kinds
def test_results_come_in_the_order_of_the_requests_from_one_reading(kind: Kind) -> None:
    requests = [{"custom_id": name, "params": {}} for name in IDS]
    with (
        ResultsServer([whole(reordered(LINES))], 50) as server,
        results_by_id(kind, server, requests) as results,
    ):
        assert len(server.results_asked) == 1
        assert list(results) == IDS
        assert [item.custom_id for item in results.values()] == IDS
        assert len(results) == 50
        assert results.missing == []
        assert results.batch.id == BATCH_ID


@kinds
def test_a_result_is_looked_up_by_its_id(kind: Kind) -> None:
    with ResultsServer([whole(LINES)], 50) as server, results_by_id(kind, server, IDS) as results:
        for name in reversed(IDS):
            item = results[name]
            assert isinstance(item, MessageBatchIndividualResponse)
            assert item.result.message.content[0].text == f"text of {name} \u2028"
        assert "request-7" in results
        assert "request-77" not in results
        assert results.get("request-77") is None
        with pytest.raises(KeyError):
            _ = results["request-77"]


@kinds
def test_what_has_no_result_is_named_in_order(kind: Kind) -> None:
    with ResultsServer([whole(LINES)], 50) as server:
        results = results_by_id(kind, server, ["x", "request-3", "y", "request-1"])
    assert list(results) == ["request-3", "request-1"]
    assert results.missing == ["x", "y"]
    assert "2 missing" in repr(results)
    results.close()


@kinds
def test_without_requests_it_is_all_there_is(kind: Kind) -> None:
    with ResultsServer([whole(LINES)], 50) as server, results_by_id(kind, server) as results:
        assert list(results) == IDS
        assert results.missing == []


@kinds
def test_it_goes_on_after_a_lost_connection(kind: Kind) -> None:
    answers = [whole(LINES, cut=5000), whole(reordered(LINES), etag='"v2"')]
    with ResultsServer(answers, 50) as server, results_by_id(kind, server, IDS) as results:
        assert list(results) == IDS


@kinds
def test_incomplete_results_are_an_error_and_not_missing(kind: Kind) -> None:
    with ResultsServer([whole(LINES[:-1])], 50) as server, pytest.raises(IncompleteResultsError):
        results_by_id(kind, server, IDS)


@kinds
def test_bad_lines_are_skipped_as_asked(kind: Kind) -> None:
    with ResultsServer([whole([*LINES[:-1], b"bad"])], 50) as server:
        with pytest.raises(BadLineError):
            results_by_id(kind, server, IDS)
        with results_by_id(kind, server, IDS, on_bad_line="skip") as results:
            assert results.missing == IDS[-1:]


def test_after_close_nothing_can_be_looked_up() -> None:
    with ResultsServer([whole(LINES)], 50) as server:
        results = results_by_id("sync", server, IDS)
    results.close()
    with pytest.raises(ResultsClosedError):
        _ = results["request-1"]


@attrs.define
class Row:
    """A user's own type."""

    custom_id: str


def test_requests_are_taken_as_ids_mappings_or_objects() -> None:
    model = MessageBatchIndividualResponse.from_dict(short("d"))
    assert wanted_ids(iter(["a", {"custom_id": "b"}, Row("c"), model])) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "requests", ["abc", b"abc", {"custom_id": "a"}, [1], [None], [{"id": "a"}], [{"custom_id": 1}]]
)
def test_what_has_no_id_is_refused(requests: Any) -> None:
    with pytest.raises(TypeError):
        wanted_ids(requests)


def test_an_id_that_is_wanted_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' is wanted twice"):
        wanted_ids(["a", "b", "a"])


def test_results_by_id_are_not_pickled_by_mistake() -> None:
    with ResultsServer([whole(LINES)], 50) as server:
        results = results_by_id("sync", server)
    with results, pytest.raises(TypeError):
        pickle.dumps(results)
