"""The expected time of batches."""

from __future__ import annotations

import time

import pytest
from claude_batches.cli._progress import LONGEST, Outlook, Reporter, duration
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TIMES = st.integers(0, 10**9)
ENDED = st.lists(
    st.tuples(TIMES, st.integers(0, int(LONGEST))).map(lambda each: (each[0], each[0] + each[1])), max_size=5
)


# The machine may be busy.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ENDED, st.lists(TIMES, max_size=5), TIMES)
def test_the_expected_time_is_bounded(ended: list[tuple[float, float]], opened: list[float], wall: float):
    """It is known once a batch has ended, at least 0, and at most the time to the last expiry."""
    outlook = Outlook(ended, opened)
    expected = outlook.expected(wall)
    if not opened:
        assert expected == 0
    elif not ended:
        assert expected is None
    else:
        assert 0 <= expected <= outlook.latest(wall)


def test_batches_that_ended_tell_the_time_of_others():
    """The median of those that ended counts from the creation of the youngest one."""
    outlook = Outlook([(0, 60), (0, 100), (0, 500)], [1000, 1010])
    assert outlook.expected(1050) == 60
    assert outlook.expected(2000) == 0


def test_no_time_is_told_that_is_over(capsys: pytest.CaptureFixture[str]):
    """While batches are open, an expected time of a few seconds or less is left out."""
    reporter = Reporter(None)
    now = time.time()
    reporter.show(Outlook([(now - 900, now - 800)], [now - 500]))
    reporter.show(Outlook([(now - 900, now - 800), (now - 500, now - 300)], [now]))
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("1 of 2 batches ended, 0:00 elapsed")
    assert second.endswith("about 2:30 left")


def test_durations_are_written_as_clocks_do():
    """Minutes and seconds, with hours above an hour."""
    assert [duration(each) for each in (0, 59.6, 61, 3600, 86399)] == [
        "0:00",
        "1:00",
        "1:01",
        "1:00:00",
        "23:59:59",
    ]
