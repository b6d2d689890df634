"""Records: the rows of any source, one by one, each with its place."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast

import orjson

from ._errors import SourceError
from ._extras import optional, require
from ._shapes import is_mapping, is_object, is_path

__all__ = ["Record", "SourceFormat", "records", "zstd_library"]

SourceFormat = Literal["jsonl", "csv", "tsv", "parquet"]

#: The rows of a columnar source that are Python objects at once.
BATCH_ROWS = 1024
#: The longest cell of a CSV file. Python's own limit is shorter than many prompts.
CELL_CHARACTERS = 256_000_000

_FORMATS: dict[str, SourceFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


class Record(NamedTuple):
    """One row of a source."""

    where: str
    values: dict[str, Any]
    sparse: bool
    """True where absent fields of nested values are `None`, as in Arrow's structs."""


def records(source: object, format: SourceFormat | None = None) -> Iterator[Record]:
    """Return the rows of a source; its size doesn't matter to the memory that this takes.

    Args:
        source: A path; an open file; any object with the Arrow C stream interface, such as a frame of polars or
            pandas, a table or reader of pyarrow, or a relation of DuckDB; or an iterable of mappings.
        format: The format of a file, where its name doesn't tell.

    Raises:
        SourceError: It is not a source, or a row is broken; the message has the file and line.
        MissingExtraError: A package is missing that reads it.
    """
    if is_path(source):
        path = Path(source)
        kind = format or _format_of(path)
        if kind == "parquet":
            return _parquet(path)
        if not path.is_file():
            raise SourceError(f"there is not a file {str(path)!r}")
        return _lines(_opener(path), str(path), kind)
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return _arrow(source)
    if isinstance(source, io.IOBase) or hasattr(source, "readline"):
        if format == "parquet":
            return _parquet(cast("IO[bytes]", source))
        file = cast("IO[bytes]", source)
        name = str(getattr(file, "name", "the file"))
        return _lines(lambda: _Kept(file), name, format or "jsonl")
    if is_mapping(source) or not isinstance(source, Iterable):
        raise SourceError(
            f"{type(source).__name__} is not a table: give a path, a data frame, or an iterable of mappings"
        )
    return _iterable(cast("Iterable[object]", source))


def _format_of(path: Path) -> SourceFormat:
    if path.is_dir():
        raise SourceError(f"{str(path)!r} is a folder: give a file")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    kind = _FORMATS.get(suffixes[-1]) if suffixes else None
    if kind is None:
        known = ", ".join(_FORMATS)
        raise SourceError(f"the name {path.name!r} doesn't tell a format ({known}): give format=")
    return kind


# ------------------------------------------------------------------------------------------------------------
# Files of lines


class _Kept:
    """An open file of the caller's, which stays open."""

    def __init__(self, file: IO[Any]) -> None:
        self._file = file

    def __enter__(self) -> IO[Any]:
        return self._file

    def __exit__(self, *_: object) -> None:
        pass


def _opener(path: Path) -> Callable[[], Any]:
    match path.suffix.lower():
        case ".gz" | ".gzip":
            return lambda: gzip.open(path, "rb")
        case ".zst" | ".zstd":
            library = zstd_library()
            if hasattr(library, "ZstdFile"):
                return lambda: library.open(path, "rb")
            return lambda: io.BufferedReader(_Zstd(path, library), 128 * 1024)
        case _:
            return lambda: path.open("rb")


def zstd_library() -> Any:
    """Return the module that opens files of Zstandard.

    Raises:
        MissingExtraError: There is not one.
    """
    try:
        return import_module("compression.zstd")
    except ImportError:
        return require("zstandard", "zstd", "a file compressed with Zstandard")


class _Zstd(io.RawIOBase):
    """Reads frames of Zstandard; unlike the reader of `zstandard`, it detects a truncated file."""

    def __init__(self, path: Path, library: Any) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._new = library.ZstdDecompressor().decompressobj
        self._frame: Any = None
        self._waiting = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            # A small piece of compressed data can hold much.
            data = self._waiting or self._file.read(16 * 1024)
            self._waiting = b""
            if not data:
                if self._frame is not None:
                    raise EOFError("the zstd data stops before its end")
                return 0
            if self._frame is None:
                self._frame = self._new()
            self._ready = memoryview(self._frame.decompress(data))
            if self._frame.eof:
                self._waiting = self._frame.unused_data
                self._frame = None
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


def _broken() -> tuple[type[Exception], ...]:
    kinds: list[type[Exception]] = [OSError, EOFError, zlib.error, UnicodeDecodeError]
    for name in ("compression.zstd", "zstandard"):
        module = optional(name)
        if module is not None:
            kinds.append(module.ZstdError)
    return tuple(kinds)


def _lines(open_file: Callable[[], Any], name: str, kind: SourceFormat) -> Iterator[Record]:
    number = [0]
    rows = _json_rows if kind == "jsonl" else _csv_rows
    broken = _broken()
    try:
        with open_file() as file:
            yield from rows(file, name, kind, number)
    except UnicodeDecodeError as error:
        raise SourceError(
            f"the file is not UTF-8: {error}. Convert it first, such as with: iconv -f LATIN1 -t UTF-8",
            f"{name}:{_undecodable(open_file) or number[0] + 1}",
        ) from None
    except broken as error:
        raise SourceError(f"the file can't be read on: {error}", f"{name}:{number[0] + 1}") from None


def _undecodable(open_file: Callable[[], Any]) -> int | None:
    """Return the number of the first line that is not UTF-8: text is decoded ahead of its rows."""
    file = open_file()
    if isinstance(file, _Kept):
        return None
    with file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return None


def _json_rows(file: IO[bytes], name: str, kind: SourceFormat, number: list[int]) -> Iterator[Record]:
    del kind
    for line in file:
        number[0] += 1
        where = f"{name}:{number[0]}"
        if number[0] == 1 and line[:3] == b"\xef\xbb\xbf":
            line = line[3:]
        if not line.strip():
            continue
        try:
            values = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            hint = " (one JSON object a line)" if line.lstrip()[:1] == b"[" else ""
            raise SourceError(f"the line is not JSON: {error}{hint}", where) from None
        if not is_object(values):
            raise SourceError(f"the line is not an object but {type(values).__name__}", where)
        yield Record(where, values, sparse=False)


def _csv_rows(file: IO[Any], name: str, kind: SourceFormat, number: list[int]) -> Iterator[Record]:
    if csv.field_size_limit() < CELL_CHARACTERS:
        csv.field_size_limit(CELL_CHARACTERS)
    # Wrapped rather than opened as text: compressed files and files of the caller's come as bytes.
    text: Any = file
    wrapper = None
    if not isinstance(file, io.TextIOBase):
        wrapper = text = io.TextIOWrapper(cast("IO[bytes]", file), encoding="utf-8-sig", newline="")
    try:
        reader = csv.reader(text, strict=True, delimiter="\t" if kind == "tsv" else ",")
        try:
            header = next(reader, None)
            if header is None:
                return
            number[0] = reader.line_num
            doubled = sorted({column for column in header if header.count(column) > 1})
            if doubled:
                raise SourceError(f"the header names {', '.join(map(repr, doubled))} twice", f"{name}:1")
            for cells in reader:
                # A row may span lines; it is found by its first.
                where = f"{name}:{number[0] + 1}"
                number[0] = reader.line_num
                if not cells:
                    continue
                if len(cells) != len(header):
                    message = f"the row has {len(cells)} cells, and the header {len(header)}"
                    raise SourceError(message, where)
                yield Record(where, dict(zip(header, cells, strict=True)), sparse=False)
        except csv.Error as error:
            raise SourceError(f"the row is not CSV: {error}", f"{name}:{reader.line_num}") from None
    finally:
        if wrapper is not None:
            # The file may be closed by now.
            with suppress(ValueError):
                wrapper.detach()


# ------------------------------------------------------------------------------------------------------------
# Columns


def _parquet(source: Path | IO[bytes]) -> Iterator[Record]:
    parquet = require("pyarrow.parquet", "arrow", "a Parquet file")
    arrow = require("pyarrow", "arrow", "a Parquet file")
    name = str(source) if isinstance(source, Path) else str(getattr(source, "name", "the file"))
    position = 0
    try:
        # Memory stays flat only without reading ahead.
        with parquet.ParquetFile(source, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                for values in batch.to_pylist():
                    yield Record(f"{name}: row {position}", values, sparse=True)
                    position += 1
    except (OSError, arrow.ArrowException) as error:
        raise SourceError(f"the file can't be read: {error}", name) from None


def _arrow(source: object) -> Iterator[Record]:
    arrow = require("pyarrow", "arrow", f"a table of {type(source).__module__.partition('.')[0]}")
    position = 0
    try:
        if hasattr(source, "__arrow_c_stream__"):
            batches: Iterable[Any] = arrow.RecordBatchReader.from_stream(source)
        else:
            batches = [arrow.record_batch(source)]
        for batch in batches:
            kept = [column for column in batch.schema.names if not _PANDAS_INDEX.fullmatch(column)]
            selected = batch.select(kept) if len(kept) < len(batch.schema.names) else batch
            for start in range(0, selected.num_rows, BATCH_ROWS):
                for values in selected.slice(start, BATCH_ROWS).to_pylist():
                    yield Record(f"row {position}", values, sparse=True)
                    position += 1
    except arrow.ArrowException as error:
        raise SourceError(f"the table can't be read on: {error}", f"row {position}") from None


def _iterable(source: Iterable[object]) -> Iterator[Record]:
    for position, item in enumerate(source):
        if hasattr(item, "to_dict"):
            item = cast("Any", item).to_dict()
        if not is_mapping(item):
            raise SourceError(f"{type(item).__name__} is not a mapping", f"row {position}")
        yield Record(f"row {position}", dict(item), sparse=False)
