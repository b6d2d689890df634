"""Returned lines are not returned again, in every order of the file."""

from __future__ import annotations

import random
import sys
import tracemalloc
from array import array

import orjson
import pytest
from claude_batches import (
    DuplicateResultsError,
    ExcessResultsError,
    IncompleteResultsError,
    ResultsChangedError,
)
from claude_batches._distinct import distinct
from claude_batches._results.completeness import check_complete, expected_results
from claude_batches._results.seen_lines import Retrace, SeenLines
from claude_batches.types import MessageBatchRequestCounts
from hypothesis import given
from hypothesis import strategies as st

from tests.results.lines import lines_of, reordered, result, short, some_lines

CUT = b'{"custom_id":"cut","result":{"type":"succ'


def seen_of(lines: list[bytes]) -> SeenLines:
    seen = SeenLines()
    seen.note(lines)
    for line in lines:
        try:
            seen.add_id(hash(orjson.loads(line)["custom_id"]))
        except (ValueError, TypeError):
            seen.add_bad(line)
    return seen


def retrace(seen: SeenLines, lines: list[bytes], step: int = 7) -> list[bytes]:
    pass_ = Retrace(seen)
    unseen = [
        line for start in range(0, len(lines), step) for line in pass_.unseen(lines[start : start + step])
    ]
    pass_.finish()
    return unseen


@given(returned=st.integers(0, 40), step=st.integers(1, 50))
def test_the_same_file_is_passed_over(returned: int, step: int) -> None:
    """The same file gives the lines after the returned ones."""
    lines = some_lines(40)
    assert retrace(seen_of(lines[:returned]), lines, step) == lines[returned:]


@given(returned=st.integers(0, 40), step=st.integers(1, 50), seed=st.integers())
def test_another_order_gives_the_rest(returned: int, step: int, seed: int) -> None:
    """A file in another order gives each other line once."""
    lines = some_lines(40)
    again = reordered(lines, seed)
    assert retrace(seen_of(lines[:returned]), again, step) == [
        line for line in again if line not in lines[:returned]
    ]


def test_bad_lines_are_passed_over() -> None:
    """Bad lines, with and without a custom_id, are known again in any order."""
    lines = [
        *lines_of([short("a")]),
        b"garbage",
        CUT,
        *lines_of([short("b")]),
        b"[]",
        *lines_of([short("c")]),
    ]
    assert retrace(seen_of(lines[:5]), lines) == lines[5:]
    assert retrace(seen_of(lines[:5]), lines[::-1]) == lines[5:]


@pytest.mark.parametrize("order", [1, -1], ids=["same order", "other order"])
def test_a_changed_result_is_an_error(order: int) -> None:
    """Another result for a returned custom_id raises and names it."""
    lines = lines_of(result(name, "first") for name in "abcdef")
    changed = [*lines[:2], *lines_of([result("c", "second")]), *lines[3:]]
    with pytest.raises(ResultsChangedError) as caught:
        retrace(seen_of(lines[:4]), changed[::order])
    assert caught.value.custom_id == "c"


def test_a_lost_result_is_an_error() -> None:
    """A returned result that is missing from the file raises."""
    lines = some_lines(10)
    with pytest.raises(ResultsChangedError, match="1 of 5"):
        retrace(seen_of(lines[:5]), [*lines[:2], *lines[3:]])


def test_a_shorter_file_is_not_a_change() -> None:
    """A file that ends within the returned lines does not contradict them."""
    lines = some_lines(10)
    assert retrace(seen_of(lines[:5]), lines[:3]) == []


def test_repeated_ids_are_met_by_each_result() -> None:
    """A custom_id that was returned with two results is known again with both."""
    lines = lines_of([result("a", "first"), short("b"), result("a", "second"), short("c")])
    assert retrace(seen_of(lines[:3]), [lines[1], lines[2], lines[0], lines[3]]) == lines[3:]


def test_a_line_takes_12_bytes() -> None:
    """Seen lines take 12 bytes each."""
    lines = lines_of(short(f"request-{number:06}") for number in range(50_000))
    seen = seen_of(lines)
    assert sys.getsizeof(seen.ids) + sys.getsizeof(seen.checks) < 13 * len(lines)
    assert seen.ids.itemsize + seen.checks.itemsize == 12


def test_another_order_takes_bounded_memory() -> None:
    """Lines in another order take about 150 bytes each."""
    lines = lines_of(short(f"request-{number:06}") for number in range(50_000))
    seen = seen_of(lines)
    first = [random.Random(1).choice(lines[1:])]
    tracemalloc.start()
    pass_ = Retrace(seen)
    pass_.unseen(first)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150 * len(lines)


def test_counting_ids_takes_constant_memory() -> None:
    """Counting different ids takes memory that does not grow with their number."""
    seen = SeenLines()
    for number in range(200_000):
        seen.add_id(hash(f"request-{number % 199_999}"))
    tracemalloc.start()
    assert seen.distinct() == 199_999
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_bad_lines_count_only_with_a_custom_id() -> None:
    """A bad line counts as the result whose custom_id it begins with, and otherwise as none."""
    nested = b'{"error":"bad gateway","request":{"custom_id":"b"}}'
    seen = seen_of([*lines_of([short("a")]), CUT])
    for line in (b"garbage", b"{}", b"[]", nested, nested[:-5]):
        seen.note([line])
        seen.add_bad(line)
    assert (len(seen), seen.results, seen.returned, seen.distinct()) == (7, 2, 1, 2)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"processing": 0, "succeeded": 5, "errored": 3, "canceled": 2, "expired": 1}, 11),
        ({"processing": 7, "succeeded": 5, "errored": 0, "canceled": 0, "expired": 0}, 5),
        ({"processing": 0, "succeeded": 5, "errored": 3, "canceled": 2}, None),
        ({"succeeded": 5, "errored": 3, "canceled": 2, "expired": None}, None),
        ({"succeeded": 5, "errored": 3, "canceled": 2, "expired": 1.0}, None),
        ({"succeeded": 5, "errored": 3, "canceled": 2, "expired": -1}, None),
        ({"succeeded": 5, "errored": 3, "canceled": 2, "expired": True}, None),
        ({}, None),
    ],
)
def test_counts_promise_a_line_for_each_outcome(counts: dict[str, object], expected: int | None) -> None:
    """The expected number is the sum of the outcomes, and unknown if any is unreadable."""
    assert expected_results(MessageBatchRequestCounts.from_dict(counts)) == expected


def test_missing_counts_promise_nothing() -> None:
    """Without counts the expected number is unknown."""
    assert expected_results(None) is None


def test_complete_means_enough_different_ids() -> None:
    """A file is complete with as many different custom_ids as promised."""
    three = lines_of(short(name) for name in "abc")
    check_complete(seen_of(three), "batch", 3)
    check_complete(seen_of(three), "batch", None)
    with pytest.raises(IncompleteResultsError) as too_few:
        check_complete(seen_of(three[:2]), "batch", 3)
    assert (too_few.value.lines_read, too_few.value.lines_expected) == (2, 3)
    with pytest.raises(IncompleteResultsError) as repeated:
        check_complete(seen_of([three[0], *three[:2]]), "batch", 3)
    assert repeated.value.lines_read == 2


def test_more_than_promised_is_an_error() -> None:
    """More different custom_ids than promised raise."""
    with pytest.raises(ExcessResultsError) as caught:
        check_complete(seen_of(lines_of(short(name) for name in "abc")), "batch", 2)
    assert (caught.value.lines_read, caught.value.lines_expected) == (3, 2)


@pytest.mark.parametrize("expected", [3, None])
def test_repeated_results_are_an_error(expected: int | None) -> None:
    """Repeated custom_ids raise, also if the number of results is unknown."""
    with pytest.raises(DuplicateResultsError) as caught:
        check_complete(seen_of(lines_of(short(name) for name in "abca")), "batch", expected)
    assert caught.value.duplicates == 1


@given(
    values=st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)),
    at_once=st.sampled_from([1, 3, 1000]),
)
def test_different_hashes(values: list[int], at_once: int) -> None:
    """Different hashes are counted exactly, in one part or in several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("claude_batches._distinct.AT_ONCE", at_once)
        assert distinct(array("q", values)) == len(set(values))
