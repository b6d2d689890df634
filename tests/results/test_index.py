"""Results by custom_id: in the order of the requests, from one reading of the file."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest
from claude_batches import BadLineError, IncompleteResultsError, ResultsById, ResultsClosedError
from claude_batches.types import MessageBatchIndividualResponse

from tests.results.lines import lines_of, reordered, result, short
from tests.results.readers import KINDS, Kind, call
from tests.support.results import BATCH_ID, ResultsServer, whole

IDS = [f"request-{number}" for number in range(50)]
LINES = lines_of(result(name, f"text of {name} \u2028") for name in IDS)
kinds = pytest.mark.parametrize("kind", KINDS)


def results_by_id(kind: Kind, server: ResultsServer, *arguments: Any, **options: Any) -> ResultsById[Any]:
    results: ResultsById[Any] = call(kind, server, "results_by_id", BATCH_ID, *arguments, **options)
    return results


@kinds
def test_results_come_in_the_order_of_requests(kind: Kind) -> None:
    """The file is read once, and its results come in the order of the requests."""
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
def test_results_are_looked_up_by_id(kind: Kind) -> None:
    """A look-up decodes the result, and an unknown custom_id is a KeyError."""
    with ResultsServer([whole(LINES)], 50) as server, results_by_id(kind, server, IDS) as results:
        for name in reversed(IDS):
            item = results[name]
            assert isinstance(item, MessageBatchIndividualResponse)
            assert item.to_dict() == result(name, f"text of {name} \u2028")
        assert "request-7" in results
        assert "request-77" not in results
        assert results.get("request-77") is None
        with pytest.raises(KeyError):
            _ = results["request-77"]


@kinds
def test_missing_results_are_named(kind: Kind) -> None:
    """Requests without a result are in `missing`, in their order."""
    with ResultsServer([whole(LINES)], 50) as server:
        results = results_by_id(kind, server, ["x", "request-3", "y", "request-1"])
    assert list(results) == ["request-3", "request-1"]
    assert results.missing == ["x", "y"]
    assert "2 missing" in repr(results)
    results.close()


@kinds
def test_without_requests_all_results_come(kind: Kind) -> None:
    """Without requests the results come in the order of the file."""
    with ResultsServer([whole(LINES)], 50) as server, results_by_id(kind, server) as results:
        assert list(results) == IDS
        assert results.missing == []


@kinds
def test_a_lost_connection_is_resumed(kind: Kind) -> None:
    """Results in another order after a lost connection are all there."""
    answers = [whole(LINES, cut=5000), whole(reordered(LINES), etag='"v2"')]
    with ResultsServer(answers, 50) as server, results_by_id(kind, server, IDS) as results:
        assert list(results) == IDS


@kinds
def test_incomplete_results_are_not_missing_ones(kind: Kind) -> None:
    """A file with too few results raises."""
    with ResultsServer([whole(LINES[:-1])], 50) as server, pytest.raises(IncompleteResultsError):
        results_by_id(kind, server, IDS)


@kinds
def test_bad_lines_can_be_skipped(kind: Kind) -> None:
    """A skipped line that names its custom_id leaves that result missing."""
    cut = LINES[-1][:60]
    with ResultsServer([whole([cut, *LINES[:-1]])], 50) as server:
        with pytest.raises(BadLineError) as caught:
            results_by_id(kind, server, IDS)
        assert caught.value.custom_id == IDS[-1]
        with results_by_id(kind, server, IDS, on_bad_line="skip") as results:
            assert results.missing == IDS[-1:]


@kinds
def test_skipped_lines_without_an_id_do_not_count(kind: Kind) -> None:
    """A skipped line without a custom_id does not count as a result."""
    with ResultsServer([whole([b"bad", *LINES[:-1]])], 50) as server, pytest.raises(IncompleteResultsError):
        results_by_id(kind, server, IDS, on_bad_line="skip")


def test_closed_results_raise() -> None:
    """After close no result can be looked up."""
    with ResultsServer([whole(LINES)], 50) as server:
        results = results_by_id("sync", server, IDS)
    results.close()
    with pytest.raises(ResultsClosedError):
        _ = results["request-1"]


@attrs.define
class Row:
    """A user's own type."""

    custom_id: str


@kinds
def test_requests_may_be_ids_dicts_or_objects(kind: Kind) -> None:
    """Requests are custom_ids, dicts or objects with a custom_id, in any iterable."""
    model = MessageBatchIndividualResponse.from_dict(short("request-4"))
    requests = iter(["request-1", {"custom_id": "request-2"}, Row("request-3"), model])
    with ResultsServer([whole(LINES)], 50) as server, results_by_id(kind, server, requests) as results:
        assert list(results) == IDS[1:5]


@kinds
@pytest.mark.parametrize(
    "requests", ["abc", b"abc", {"custom_id": "a"}, [1], [None], [{"id": "a"}], [{"custom_id": 1}]]
)
def test_requests_without_an_id_are_refused(kind: Kind, requests: Any) -> None:
    """A request without a custom_id is a TypeError, before anything is asked."""
    with ResultsServer([whole(LINES)], 50) as server:
        with pytest.raises(TypeError):
            results_by_id(kind, server, requests)
        assert server.requests == []


@kinds
def test_repeated_requests_are_refused(kind: Kind) -> None:
    """A repeated custom_id is a ValueError, before anything is asked."""
    with ResultsServer([whole(LINES)], 50) as server:
        with pytest.raises(ValueError, match="'a' is repeated"):
            results_by_id(kind, server, ["a", "b", "a"])
        assert server.requests == []


def test_results_by_id_are_not_pickled() -> None:
    """Pickling raises, because the temporary file can't be moved."""
    with ResultsServer([whole(LINES)], 50) as server:
        results = results_by_id("sync", server)
    with results, pytest.raises(TypeError):
        pickle.dumps(results)
