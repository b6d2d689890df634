"""What was handed out is not handed out again, in whatever order it comes by."""

from __future__ import annotations

import random
import sys
import tracemalloc

import orjson
import pytest
from claude_batches._results._completeness import check_complete, promised
from claude_batches._results._errors import DuplicateResultsError, IncompleteResultsError, ResultsChangedError
from claude_batches._results._ledger import Ledger, Retrace
from claude_batches_api.models import MessageBatchRequestCounts
from hypothesis import given
from hypothesis import strategies as st

from .lines import lines_of, reordered, result, short, some_lines


def ledger_of(lines: list[bytes]) -> Ledger:
    ledger = Ledger()
    ledger.note(lines)
    for line in lines:
        try:
            ledger.add_id(hash(orjson.loads(line)["custom_id"]))
        except (ValueError, TypeError):
            ledger.add_id(hash(line))
    return ledger


def retrace(ledger: Ledger, lines: list[bytes], step: int = 7) -> list[bytes]:
    pass_ = Retrace(ledger)
    unseen = [
        line for start in range(0, len(lines), step) for line in pass_.unseen(lines[start : start + step])
    ]
    pass_.finish()
    return unseen


@given(handed=st.integers(0, 40), step=st.integers(1, 50))
def test_the_same_file_is_passed_over_up_to_where_it_was_read(handed: int, step: int) -> None:
    lines = some_lines(40)
    assert retrace(ledger_of(lines[:handed]), lines, step) == lines[handed:]


@given(handed=st.integers(0, 40), step=st.integers(1, 50), seed=st.integers())
def test_in_another_order_the_rest_comes_and_nothing_twice(handed: int, step: int, seed: int) -> None:
    lines = some_lines(40)
    again = reordered(lines, seed)
    assert retrace(ledger_of(lines[:handed]), again, step) == [
        line for line in again if line not in lines[:handed]
    ]


def test_lines_that_are_no_results_are_passed_over_as_well() -> None:
    lines = [*lines_of([short("a")]), b"garbage", *lines_of([short("b")]), b"[]", *lines_of([short("c")])]
    assert retrace(ledger_of(lines[:4]), lines) == lines[4:]
    assert retrace(ledger_of(lines[:4]), lines[::-1]) == lines[4:]


@pytest.mark.parametrize("order", [1, -1], ids=["same order", "other order"])
def test_another_result_for_an_id_that_was_handed_out_is_an_error(order: int) -> None:
    lines = lines_of(result(name, "first") for name in "abcdef")
    changed = [*lines[:2], *lines_of([result("c", "second")]), *lines[3:]]
    with pytest.raises(ResultsChangedError) as caught:
        retrace(ledger_of(lines[:4]), changed[::order])
    assert caught.value.custom_id == "c"


def test_a_result_that_was_handed_out_and_is_not_there_any_more_is_an_error() -> None:
    lines = some_lines(10)
    with pytest.raises(ResultsChangedError, match="1 of 5"):
        retrace(ledger_of(lines[:5]), [*lines[:2], *lines[3:]])


def test_a_reading_that_ends_before_what_was_handed_out_is_not_taken_for_a_change() -> None:
    lines = some_lines(10)
    assert retrace(ledger_of(lines[:5]), lines[:3]) == []


def test_a_ledger_takes_at_most_16_bytes_a_line() -> None:
    lines = lines_of(short(f"request-{number:06}") for number in range(50_000))
    ledger = ledger_of(lines)
    again = Retrace(ledger)
    again.unseen(reordered(lines)[:1])
    order = again._order
    assert order is not None
    assert sys.getsizeof(ledger.ids) + sys.getsizeof(ledger.checks) < 13 * len(lines)
    used = sum(part.itemsize * len(part) for part in (ledger.ids, ledger.checks, order))
    assert used == 16 * len(lines)


def test_to_prepare_for_another_order_takes_little_memory_for_a_moment_too() -> None:
    lines = lines_of(short(f"request-{number:06}") for number in range(50_000))
    ledger = ledger_of(lines)
    first = [random.Random(1).choice(lines[1:])]
    tracemalloc.start()
    Retrace(ledger).unseen(first)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * len(lines)


def test_to_count_different_ids_takes_memory_that_does_not_grow_with_their_number() -> None:
    ledger = Ledger()
    for number in range(200_000):
        ledger.add_id(hash(f"request-{number % 199_999}"))
    tracemalloc.start()
    assert ledger.distinct() == 199_999
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_request_counts_promise_one_line_for_each_outcome() -> None:
    counts = {"processing": 0, "succeeded": 5, "errored": 3, "canceled": 2, "expired": 1}
    assert promised(MessageBatchRequestCounts.from_dict(counts)) == 11
    assert promised(MessageBatchRequestCounts.from_dict({})) is None
    assert promised(None) is None


def test_complete_means_as_many_different_ids_as_promised() -> None:
    three = lines_of(short(name) for name in "abc")
    check_complete(ledger_of(three), "batch", 3)
    check_complete(ledger_of(three), "batch", None)
    with pytest.raises(IncompleteResultsError) as short_error:
        check_complete(ledger_of(three[:2]), "batch", 3)
    assert (short_error.value.lines_read, short_error.value.lines_expected) == (2, 3)
    with pytest.raises(IncompleteResultsError) as twice_error:
        check_complete(ledger_of([three[0], *three[:2]]), "batch", 3)
    assert twice_error.value.lines_read == 2


def test_a_result_that_comes_twice_is_told_when_all_are_there() -> None:
    lines = lines_of(short(name) for name in "abca")
    with pytest.raises(DuplicateResultsError) as caught:
        check_complete(ledger_of(lines), "batch", 3)
    assert caught.value.duplicates == 1
