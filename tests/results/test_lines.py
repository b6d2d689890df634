"""Lines are split at line feeds only, however the bytes were cut into chunks."""

from __future__ import annotations

import re
import time
from itertools import pairwise
from typing import Any

import pytest
from claude_batches import LineTooLongError
from claude_batches._http.lines import LineSplitter
from hypothesis import given
from hypothesis import strategies as st


def splitter_of(**options: Any) -> LineSplitter:
    return LineSplitter(LineTooLongError, **options)


def split(chunks: list[bytes], **options: int) -> list[bytes]:
    splitter = splitter_of(**options)
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.finish()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def expected(data: bytes) -> list[bytes]:
    """Return the lines by their definition: the bytes between line feeds, without a carriage return."""
    lines = [re.sub(rb"\r\Z", b"", line) for line in data.split(b"\n")]
    return [line for line in lines if line.strip()]


#: Bytes in which line ends, blank lines and stray carriage returns are as frequent as anything else.
linelike = st.lists(
    st.sampled_from([b"\n", b"\r", b"\r\n", b" ", b"a", b"bc", b"\xe2\x80\xa8", b"\xc2\x85"])
).map(b"".join)
places = st.lists(st.integers(min_value=0, max_value=200))


@given(data=st.binary() | linelike, places=places)
def test_chunks_do_not_matter(data: bytes, places: list[int]) -> None:
    """Any bytes in any chunks give the same lines."""
    assert split(cut(data, places)) == expected(data)


@given(data=linelike, places=places)
def test_lines_are_located(data: bytes, places: list[int]) -> None:
    """Each line is at the number and offset that the splitter names."""
    splitter = splitter_of()
    chunks: list[bytes | None] = [*cut(data, places), None]
    for chunk in chunks:
        for line in splitter.finish() if chunk is None else splitter.feed(chunk):
            number, offset = splitter.locate(line)
            assert data[offset:].startswith(line)
            assert data[:offset].count(b"\n") == number - 1
            assert offset == 0 or data[offset - 1 : offset] == b"\n"


@given(data=linelike, places=places, stop=st.integers(0, 10))
def test_position_counts_all_bytes(data: bytes, places: list[int], stop: int) -> None:
    """The position is the number of bytes fed, and the unfinished line its end."""
    splitter = splitter_of()
    fed = cut(data, places)[:stop]
    for chunk in fed:
        splitter.feed(chunk)
    so_far = b"".join(fed)
    assert splitter.position == len(so_far)
    assert splitter.unfinished == so_far[splitter.offset :]
    assert b"\n" not in splitter.unfinished


def test_a_later_start_shifts_places() -> None:
    """A splitter that starts later in a file counts lines and bytes from the start of the file."""
    splitter = splitter_of(offset=100, number=11)
    first, second = splitter.feed(b"a\nb\n")
    assert splitter.locate(first) == (11, 100)
    assert splitter.locate(second) == (12, 102)
    assert splitter.position == 104


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
    ids=["U+2028", "U+0085", "others", "inner CR", "one CR only", "blank lines", "nothing", "no line feed"],
)
def test_lines_end_at_line_feeds_only(data: bytes, lines: list[bytes]) -> None:
    """No other character ends a line, whole or byte by byte."""
    assert split([data]) == lines
    assert split([data[i : i + 1] for i in range(len(data))]) == lines


def test_long_lines_cost_linear_time() -> None:
    """One long line costs about as much as ten lines of a tenth."""

    def seconds(size: int, count: int) -> float:
        chunks = cut((b"x" * size + b"\n") * count, list(range(0, (size + 1) * count, 64 * 1024)))
        began = time.process_time()
        assert len(split(chunks)) == count
        return time.process_time() - began

    # Quadratic cost would be ten times. The best of several runs leaves out other work of the machine.
    ten_small = min(seconds(1_000_000, 10) for _ in range(5))
    one_large = min(seconds(10_000_000, 1) for _ in range(5))
    assert one_large < 4 * ten_small


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_a_line_over_the_limit_is_an_error(step: int) -> None:
    """A long line raises with its place, after the lines before it."""
    data = b"ok\nfine\n" + b"x" * 50 + b"\nnever"
    splitter = splitter_of(max_line_bytes=20)
    lines: list[bytes] = []
    with pytest.raises(LineTooLongError) as caught:  # noqa: PT012 -- the chunk that raises depends on the step
        for start in range(0, len(data), step):
            lines += splitter.feed(data[start : start + step])
        splitter.finish()
    assert lines == [b"ok", b"fine"]
    assert (caught.value.line_number, caught.value.byte_offset) == (3, 8)


def test_a_line_at_the_limit_is_good() -> None:
    """A line of exactly the limit is not too long."""
    assert split([b"x" * 20, b"\n", b"y" * 20], max_line_bytes=20) == [b"x" * 20, b"y" * 20]


def test_an_endless_line_is_not_gathered() -> None:
    """A line without an end raises at the limit and takes no more memory."""
    splitter = splitter_of(max_line_bytes=1000)
    with pytest.raises(LineTooLongError):  # noqa: PT012 -- it raises within the loop
        for _ in range(1000):
            splitter.feed(b"x" * 100)
    assert len(splitter.unfinished) <= 1100
