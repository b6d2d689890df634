"""Content encodings are decompressed piece by piece, and must be complete."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest
from claude_batches import BrokenEncodingError, ResultsFormatError
from claude_batches._results.inflate import PIECE_BYTES, Inflater, inflater
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
def test_chunks_do_not_matter(name: str, data: bytes, step: int) -> None:
    """The content is the same for chunks of any size."""
    assert undo(open_(name), data, step) == DATA


@pytest.mark.parametrize(("name", "data"), ENCODED, ids=NAMES)
def test_pieces_are_bounded(name: str, data: bytes) -> None:
    """A small chunk that inflates to a large content comes in pieces of bounded size."""
    assert max(map(len, open_(name).feed(data))) <= PIECE_BYTES < len(DATA)


@given(keep=st.integers(0, len(ENCODED[0][1]) - 1))
def test_truncated_gzip_is_an_error(keep: int) -> None:
    """A gzip stream cut anywhere is an error."""
    with pytest.raises(BrokenEncodingError) as caught:
        undo(open_("gzip"), ENCODED[0][1][:keep], 1000)
    assert not caught.value.corrupt


@given(place=st.integers(10, len(ENCODED[0][1]) - 1), bits=st.integers(1, 255))
def test_corrupt_gzip_is_an_error(place: int, bits: int) -> None:
    """A gzip stream with a changed byte is an error."""
    damaged = bytearray(ENCODED[0][1])
    damaged[place] ^= bits
    with pytest.raises(BrokenEncodingError):
        undo(open_("gzip"), bytes(damaged), 1000)


@pytest.mark.parametrize("name", [None, "", "identity", " Identity "])
def test_plain_content_needs_no_decompressor(name: str | None) -> None:
    """A missing or identity encoding has no decompressor."""
    assert inflater(name) is None


@pytest.mark.parametrize("name", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_other_encodings_are_named(name: str) -> None:
    """An encoding that was not requested is an error that names it."""
    with pytest.raises(ResultsFormatError, match=name):
        inflater(name)
