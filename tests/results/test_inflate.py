"""Content encodings are undone piece by piece, and seen to be whole."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest
from claude_batches._results._errors import BrokenEncodingError, ResultsFormatError
from claude_batches._results._inflate import PIECE_BYTES, Inflater, inflater
from hypothesis import given
from hypothesis import strategies as st

DATA = random.Random(0).randbytes(500) * 3000


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


ENCODED = [
    ("gzip", gzip.compress(DATA)),
    ("X-GZIP", gzip.compress(DATA)),
    ("gzip", gzip.compress(DATA[:999]) + gzip.compress(DATA[999:]) + bytes(20)),
    ("deflate", zlib.compress(DATA)),
    ("deflate", raw_deflate(DATA)),
]
NAMES = ["gzip", "x-gzip", "several gzip streams and padding", "zlib", "raw deflate"]


def undo(stream: Inflater, data: bytes, step: int) -> bytes:
    out = b"".join(
        piece for start in range(0, len(data), step) for piece in stream.feed(data[start : start + step])
    )
    stream.finish()
    return out


def open_(name: str) -> Inflater:
    stream = inflater(name)
    assert stream is not None
    return stream


@pytest.mark.parametrize(("name", "data"), ENCODED, ids=NAMES)
@pytest.mark.parametrize("step", [1, 17, 1 << 20])
def test_inflates_whatever_the_chunks(name: str, data: bytes, step: int) -> None:
    assert undo(open_(name), data, step) == DATA


@pytest.mark.parametrize(("name", "data"), ENCODED, ids=NAMES)
def test_hands_on_pieces_of_bounded_size(name: str, data: bytes) -> None:
    assert max(map(len, open_(name).feed(data))) <= PIECE_BYTES < len(DATA)


@given(keep=st.integers(0, len(ENCODED[0][1]) - 1))
def test_truncated_gzip_is_an_error(keep: int) -> None:
    with pytest.raises(BrokenEncodingError):
        undo(open_("gzip"), ENCODED[0][1][:keep], 1000)


@given(place=st.integers(10, len(ENCODED[0][1]) - 1), bits=st.integers(1, 255))
def test_corrupt_gzip_is_an_error(place: int, bits: int) -> None:
    damaged = bytearray(ENCODED[0][1])
    damaged[place] ^= bits
    with pytest.raises(BrokenEncodingError):
        undo(open_("gzip"), bytes(damaged), 1000)


@pytest.mark.parametrize("name", [None, "", "identity", " Identity "])
def test_no_encoding_needs_nothing(name: str | None) -> None:
    assert inflater(name) is None


@pytest.mark.parametrize("name", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_an_encoding_that_was_not_asked_for_is_named(name: str) -> None:
    with pytest.raises(ResultsFormatError, match=name):
        inflater(name)
