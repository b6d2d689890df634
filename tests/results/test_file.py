"""Results in a local file are decoded like those of a server, in constant memory."""

from __future__ import annotations

import bz2
import gzip
import sys
import tracemalloc
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from claude_batches import (
    BadLineError,
    BrokenEncodingError,
    LineTooLongError,
    ResultsClosedError,
    ResultsFormatError,
    results_from_file,
)
from claude_batches.types import MessageBatchIndividualResponse

from tests.results.lines import file_of, lines_of, short, some_lines

LINES = some_lines(300)
IDS = [f"r-{number}" for number in range(300)]


def ids_of(path: Path, **options: Any) -> list[str]:
    return [item.custom_id for item in results_from_file(path, **options)]


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    """Results and progress of a plain file."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(file_of(LINES))
    with results_from_file(str(path)) as results:
        for number, item in enumerate(results):
            assert isinstance(item, MessageBatchIndividualResponse)
            assert item.custom_id == IDS[number]
            assert results.lines_read == number + 1
        assert results.bytes_read == path.stat().st_size
        assert results.path == path


@pytest.mark.parametrize("name", ["x.gz", "x.jsonl.GZ", "x.gzip"])
def test_gzip_is_read_by_name(tmp_path: Path, name: str) -> None:
    """A name of gzip is decompressed, over several gzip streams."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(file_of(LINES[:100])) + gzip.compress(file_of(LINES[100:])))
    assert ids_of(path) == IDS


@pytest.mark.parametrize("keep", [0, 5, 1000])
def test_truncated_gzip_is_an_error(tmp_path: Path, keep: int) -> None:
    """A truncated gzip file raises."""
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(file_of(LINES))[:keep])
    with pytest.raises(BrokenEncodingError):
        ids_of(path)


def test_other_content_under_a_gzip_name(tmp_path: Path) -> None:
    """A plain file with a name of gzip raises."""
    path = tmp_path / "x.gz"
    path.write_bytes(file_of(LINES))
    with pytest.raises(BrokenEncodingError):
        ids_of(path)


class FrameOfBz2:
    """A double of a Zstandard library: the same interface with another format."""

    def __init__(self) -> None:
        self._stream = bz2.BZ2Decompressor()

    eof = property(lambda self: self._stream.eof)
    unused_data = property(lambda self: self._stream.unused_data)

    def decompress(self, data: bytes) -> bytes:
        try:
            return self._stream.decompress(data)
        except OSError as error:
            raise FrameError from error


class FrameError(Exception):
    pass


@pytest.mark.parametrize("library", ["compression.zstd", "zstandard"])
def test_zstd_is_read_with_either_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    """Zstandard is read by the standard library or by `zstandard`."""
    module: Any = ModuleType(library)
    module.ZstdError = FrameError
    if library == "zstandard":
        monkeypatch.setitem(sys.modules, "compression.zstd", None)
        module.ZstdDecompressor = type("D", (), {"decompressobj": lambda self: FrameOfBz2()})
    else:
        module.ZstdDecompressor = FrameOfBz2
    monkeypatch.setitem(sys.modules, library, module)
    whole = bz2.compress(file_of(LINES[:100])) + bz2.compress(file_of(LINES[100:]))
    path = tmp_path / "x.jsonl.zst"
    path.write_bytes(whole)
    assert ids_of(path) == IDS
    path.write_bytes(whole[:-10])
    with pytest.raises(BrokenEncodingError):
        ids_of(path)
    path.write_bytes(file_of(LINES))
    with pytest.raises(BrokenEncodingError):
        ids_of(path)


def test_real_zstd_is_read(tmp_path: Path) -> None:
    """Frames of the real library are read, and truncated ones raise."""
    zstandard = pytest.importorskip("zstandard")
    path = tmp_path / "x.jsonl.zst"
    whole = zstandard.ZstdCompressor().compress(file_of(LINES))
    path.write_bytes(whole + whole)
    assert ids_of(path) == IDS * 2
    path.write_bytes(whole[:-10])
    with pytest.raises(BrokenEncodingError):
        ids_of(path)


def test_a_missing_zstd_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a library the error names one, and the file stays closed."""
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    (tmp_path / "x.zst").write_bytes(b"")
    with pytest.raises(ResultsFormatError, match="install the package zstandard"):
        results_from_file(tmp_path / "x.zst")


def test_a_cut_last_line_is_an_error(tmp_path: Path) -> None:
    """A file cut within its last line raises with the place."""
    path = tmp_path / "x"
    path.write_bytes(file_of(LINES[:2]) + LINES[2][:-5])
    with pytest.raises(BadLineError) as caught:
        ids_of(path)
    assert caught.value.line_number == 3
    assert caught.value.byte_offset == len(file_of(LINES[:2]))
    assert caught.value.custom_id == "r-2"


def test_bad_lines_are_skipped_or_collected(tmp_path: Path) -> None:
    """Skipped lines do not count as results."""
    path = tmp_path / "x"
    path.write_bytes(b"\n".join([LINES[0], b"bad", LINES[1], b"worse"]))
    assert ids_of(path, on_bad_line="skip") == IDS[:2]
    errors: list[BadLineError] = []
    results = results_from_file(path, on_bad_line=errors.append)
    assert [item.custom_id for item in results] == IDS[:2]
    assert [error.line_number for error in errors] == [2, 4]
    assert results.lines_read == 2


def test_lines_have_a_limit(tmp_path: Path) -> None:
    """A line over the limit raises."""
    path = tmp_path / "x"
    path.write_bytes(file_of(lines_of([short("a")])) + b"x" * 500)
    with pytest.raises(LineTooLongError):
        ids_of(path, max_line_bytes=100)


def test_leaving_the_loop_closes_the_file(tmp_path: Path) -> None:
    """After a break the file is closed."""
    path = tmp_path / "x"
    path.write_bytes(file_of(LINES))
    results = results_from_file(path)
    for _ in results:
        break
    with pytest.raises(ResultsClosedError):
        next(results)


def test_close_within_the_loop_is_an_error(tmp_path: Path) -> None:
    """A loop over a closed file does not end silently."""
    path = tmp_path / "x"
    path.write_bytes(file_of(LINES))
    results = results_from_file(path)
    with pytest.raises(ResultsClosedError):  # noqa: PT012 -- the second turn raises
        for _ in results:
            results.close()


def test_a_missing_file_is_the_usual_error(tmp_path: Path) -> None:
    """A missing file is a FileNotFoundError."""
    with pytest.raises(FileNotFoundError):
        results_from_file(tmp_path / "nowhere")


def test_an_empty_file_has_no_results(tmp_path: Path) -> None:
    """An empty file has no results."""
    (tmp_path / "x").write_bytes(b"")
    assert ids_of(tmp_path / "x") == []


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
def test_memory_does_not_grow(tmp_path: Path, name: str) -> None:
    """The peak of memory does not depend on the size of the file."""

    def peak(count: int) -> int:
        body = file_of(some_lines(100)) * count
        (tmp_path / name).write_bytes(gzip.compress(body, 1) if name.endswith("gz") else body)
        del body
        tracemalloc.start()
        for _ in results_from_file(tmp_path / name):
            pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    assert peak(60) < 1.2 * peak(20)
