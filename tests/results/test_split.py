"""Lines are split where JSONL says, however the bytes were cut into chunks."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from claude_batches._results._errors import LineTooLongError
from claude_batches._results._split import LineSplitter
from hypothesis import example, given
from hypothesis import strategies as st


def split(chunks: list[bytes], **options: int) -> list[bytes]:
    splitter = LineSplitter(**options)
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.finish()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def expected(data: bytes) -> list[bytes]:
    """The definition, without any concern for chunks: what is between line feeds, less a carriage return."""
    lines = [re.sub(rb"\r\Z", b"", line) for line in data.split(b"\n")]
    return [line for line in lines if line.strip()]


#: Bytes in which line ends, blank lines and stray carriage returns are as frequent as anything else.
linelike = st.lists(
    st.sampled_from([b"\n", b"\r", b"\r\n", b" ", b"a", b"bc", b"\xe2\x80\xa8", b"\xc2\x85"])
).map(b"".join)


@given(data=st.binary() | linelike, places=st.lists(st.integers(min_value=0, max_value=200)))
def test_any_bytes_in_any_chunks_give_the_same_lines(data: bytes, places: list[int]) -> None:
    assert split(cut(data, places)) == expected(data)


@given(data=linelike, places=st.lists(st.integers(min_value=0, max_value=200)))
def test_each_line_is_found_where_the_splitter_says_it_is(data: bytes, places: list[int]) -> None:
    splitter = LineSplitter()
    chunks: list[bytes | None] = [*cut(data, places), None]
    for chunk in chunks:
        for line in splitter.finish() if chunk is None else splitter.feed(chunk):
            number, offset = splitter.locate(line)
            assert data[offset:].startswith(line)
            assert data[:offset].count(b"\n") == number - 1
            assert offset == 0 or data[offset - 1 : offset] == b"\n"


@given(data=linelike, places=st.lists(st.integers(min_value=0, max_value=200)), stop=st.integers(0, 10))
@example(data=b"a\na\nb", places=[4], stop=1)  # Python has one object for all bytes of one byte
def test_after_backing_up_the_last_line_and_all_after_it_come_again(
    data: bytes, places: list[int], stop: int
) -> None:
    splitter = LineSplitter()
    lines = [line for chunk in cut(data, places)[:stop] for line in splitter.feed(chunk)]
    again = splitter.back_up()
    if again is not None:
        assert lines.pop() == again
    rest = splitter.feed(data[splitter.offset :])
    assert lines + rest + splitter.finish() == expected(data)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b'{"a":"\xe2\x80\xa8"}\n', [b'{"a":"\xe2\x80\xa8"}']),
        (b'{"a":"\xc2\x85"}\n', [b'{"a":"\xc2\x85"}']),
        (b"a\x0bb\x0cc\x1cd\n", [b"a\x0bb\x0cc\x1cd"]),
        (b"a\rb\n", [b"a\rb"]),
        (b"a\r\r\n", [b"a\r"]),
        (b"\n\r\n \n\t\na", [b"a"]),
        (b"", []),
        (b"a", [b"a"]),
    ],
    ids=[
        "U+2028",
        "U+0085",
        "other separators",
        "inner CR",
        "one CR only",
        "blank lines",
        "nothing",
        "no line feed",
    ],
)
def test_lines_end_at_line_feeds_only(data: bytes, lines: list[bytes]) -> None:
    assert split([data]) == lines
    assert split([data[i : i + 1] for i in range(len(data))]) == lines


def test_one_long_line_costs_what_ten_of_a_tenth_cost() -> None:
    def seconds(size: int, count: int) -> float:
        chunks = cut((b"x" * size + b"\n") * count, list(range(0, (size + 1) * count, 64 * 1024)))
        began = time.process_time()
        assert len(split(chunks)) == count
        return time.process_time() - began

    # Quadratic cost would be ten times; the best of several runs leaves out what else the machine was doing.
    ten_small = min(seconds(1_000_000, 10) for _ in range(5))
    one_large = min(seconds(10_000_000, 1) for _ in range(5))
    assert one_large < 4 * ten_small


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_a_line_over_the_bound_is_an_error_with_its_place_after_the_lines_before_it(step: int) -> None:
    data = b"ok\nfine\n" + b"x" * 50 + b"\nnever"
    splitter = LineSplitter(max_line_bytes=20)
    lines: list[bytes] = []
    with pytest.raises(LineTooLongError) as caught:  # noqa: PT012 -- which chunk raises depends on the step
        for start in range(0, len(data), step):
            lines += splitter.feed(data[start : start + step])
        splitter.finish()
    assert lines == [b"ok", b"fine"]
    assert (caught.value.line_number, caught.value.byte_offset) == (3, 8)


def test_a_line_of_just_the_bound_is_good() -> None:
    assert split([b"x" * 20, b"\n", b"y" * 20], max_line_bytes=20) == [b"x" * 20, b"y" * 20]


def test_an_unending_line_is_given_up_at_the_bound_and_not_gathered() -> None:
    splitter = LineSplitter(max_line_bytes=1000)
    with pytest.raises(LineTooLongError):  # noqa: PT012 -- it must come on the way
        for _ in range(1000):
            splitter.feed(b"x" * 100)
    assert len(splitter.unfinished) <= 1100
