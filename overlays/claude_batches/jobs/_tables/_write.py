"""Tables of results, as JSONL, CSV, Parquet and Arrow record batches, in flat memory."""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice, repeat
from operator import attrgetter
from pathlib import Path
from typing import IO, Any, Literal, Protocol, Self, cast

import attrs
import orjson

from .._errors import disk_is_full
from ._answers import AnswerType, answer_type
from ._arrow import FIRST_CHUNKS, ArrowTable
from ._columns import (
    SCHEMA,
    ColumnBuilder,
    Layout,
    Pricer,
    ResultRow,
    check_known,
    input_columns,
    joined_name,
    layout_of,
)
from ._errors import TableError, WriteError
from ._json import dumps
from ._records import zstd_library
from ._shapes import is_path

__all__ = [
    "SCHEMA",
    "ArrowReader",
    "FileFormat",
    "Inputs",
    "ResultRow",
    "TableFormat",
    "format_of",
    "write",
    "write_table",
]

TableFormat = Literal["jsonl", "csv", "parquet", "arrow"]
FileFormat = Literal["jsonl", "csv", "parquet"]


class ArrowReader(Protocol):
    """The part of a `pyarrow.RecordBatchReader` that type checkers know, with pyarrow or without."""

    @property
    def schema(self) -> Any:
        """The `pyarrow.Schema`."""
        ...

    def __iter__(self) -> Iterator[Any]: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> Any: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> Any: ...
    def read_next_batch(self) -> Any:
        """Return the next `pyarrow.RecordBatch`."""
        ...

    def read_all(self) -> Any:
        """Return all rows as a `pyarrow.Table`."""
        ...

    def read_pandas(self, **options: Any) -> Any:
        """Return all rows as a data frame of pandas."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


#: A chunk of rows is built at once: enough of them that columns pay, few enough that they stay in the processor's
#: cache.
CHUNK_ROWS = 512
CHUNK_BYTES = 2 * 1024 * 1024
_LINE = attrgetter("line")
#: Rows whose size is added up at once.
PART_ROWS = 16

_FORMATS: dict[str, TableFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}


@attrs.frozen
class Inputs:
    """The input's columns, as far as they are known before the first row."""

    types: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Columns with their Arrow types, by their names in the input."""
    complete: bool = False
    """No row has another column."""


def write(
    rows: Iterable[ResultRow],
    path: str | os.PathLike[str] | IO[bytes] | None = None,
    *,
    format: TableFormat | None = None,
    raw: bool = True,
    columns: Sequence[str] | None = None,
    types: Mapping[str, Any] | None = None,
    output: type[Any] | AnswerType | None = None,
    pricer: Pricer | None = None,
    compression: str = "snappy",
) -> Any:
    """Write results as a table; the columns are in `SCHEMA`, the input's follow.

    A file is written beside its path and moved there at the end, so that a path never holds half a table. It replaces
    a file that is there; devices and pipes are written to. JSONL and CSV are compressed for names in `.gz` and `.zst`.

    Args:
        rows: The rows, in the order of the table.
        path: The file, or an open binary file; `None` for Arrow.
        format: `jsonl`, `csv`, `parquet` or `arrow`, where the name doesn't tell it.
        raw: Adds the unparsed results.
        columns: The names of the table's columns in their order, those of `SCHEMA` and the input's; by default all.
            One that is neither in `SCHEMA` nor in any row is empty.
        types: The Arrow types of columns of the input, by their names there. Without it they are those of the first
            rows, and so are the columns of CSV, Parquet and Arrow.
        output: The type that answers have; see `answer_type`.
        pricer: The prices of messages, for the column `cost`.
        compression: The compression of Parquet; `zstd` gives files of two thirds of the size, in more time.

    Returns:
        The number of rows; with the format `arrow`, a `pyarrow.RecordBatchReader`, which reads the rows as it goes.

    Raises:
        TableError: The columns contradict each other, or the name doesn't tell a format.
        WriteError: The file can't be written, or a row doesn't fit into the table.
        MissingExtraError: pyarrow is not installed, and the format needs it.
        OSError: An open file can't be written.
    """
    return write_table(
        rows,
        path,
        format=format,
        layout=layout_of(columns, raw=raw),
        inputs=Inputs(dict(types or {})),
        output=output,
        pricer=pricer,
        compression=compression,
    )


def write_table(
    rows: Iterable[ResultRow],
    path: str | os.PathLike[str] | IO[bytes] | None,
    *,
    format: TableFormat | None,
    layout: Layout,
    inputs: Inputs,
    output: type[Any] | AnswerType | None,
    pricer: Pricer | None,
    compression: str,
) -> Any:
    """Write results as a table, as `write` does.

    Args:
        rows: The rows.
        path: The file; `None` for Arrow.
        format: The format.
        layout: The columns.
        inputs: The input's, as far as they are known.
        output: The type that answers have.
        pricer: The prices.
        compression: The compression of Parquet.
    """
    answers = None if output is None else answer_type(output)
    builder = ColumnBuilder(layout.fixed, answers=answers, pricer=pricer)
    kind = format or format_of(path)
    source = _Chunks(rows)
    chunks = iter(source)
    if kind in ("arrow", "parquet"):
        table = ArrowTable(builder, layout, inputs.types, complete=inputs.complete)
        if kind == "arrow":
            if path is not None:
                raise TableError("the format arrow has no file: leave out the path, or take parquet")
            return table.reader(chunks)
        if isinstance(path, str | os.PathLike):
            # pyarrow writes a file by itself without Python's lock.
            with _part(Path(path), source) as part:
                return table.write_parquet(chunks, str(part), compression)
        return table.write_parquet(chunks, path, compression)
    with _target(path, source) as file:
        if kind == "jsonl":
            return _write_jsonl(chunks, file, builder, layout)
        return _write_csv(chunks, file, builder, layout, inputs)


def format_of(path: object) -> TableFormat:
    """Return the format that a path tells.

    Args:
        path: The path; `None` for Arrow.

    Raises:
        TableError: It tells none.
    """
    if path is None:
        return "arrow"
    if not is_path(path):
        return "jsonl"
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] in (".gz", ".zst"):
        suffixes.pop()
    kind = _FORMATS.get(suffixes[-1]) if suffixes else None
    if kind is None:
        raise TableError(
            f"the name {str(path)!r} doesn't tell a format ({', '.join(_FORMATS)}): give format="
        )
    return kind


class _Chunks:
    """Rows that are built together.

    Args:
        rows: The rows.
    """

    def __init__(self, rows: Iterable[ResultRow]) -> None:
        self._rows = iter(rows)
        self.failed = False
        """The rows couldn't be read on, so that an error is not one of writing."""

    def __iter__(self) -> Iterator[list[ResultRow]]:
        chunk: list[ResultRow] = []
        size = 0
        # Large rows come in small parts, so that no chunk is larger than its limit by more than one part.
        while part := self._part():
            chunk += part
            size += sum([len(line) for line in map(_LINE, part) if line is not None])
            if len(chunk) >= CHUNK_ROWS or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk

    def _part(self) -> list[ResultRow]:
        try:
            return list(islice(self._rows, PART_ROWS))
        except OSError:
            self.failed = True
            raise


@contextmanager
def _part(final: Path, source: _Chunks) -> Generator[Path]:
    """Yield the path of a new file, which takes its final place at the end, if nothing failed.

    Args:
        final: That place.
        source: The rows that are written.

    Raises:
        WriteError: The file can't be written.
    """
    try:
        if final.exists() and not final.is_file():
            # A device or a pipe.
            yield final
            return
        # Beside its place, since files can't be moved between file systems at once.
        part = final.with_name(f".{final.name}.{os.getpid()}.part")
        try:
            yield part
            part.replace(final)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        # A reader that has enough closes its pipe.
        if source.failed or isinstance(error, BrokenPipeError):
            raise
        hint = ". Make room, and write the table again" if disk_is_full(error) else ""
        raise WriteError(f"{final} can't be written: {error.strerror or error}{hint}") from error


@contextmanager
def _target(path: str | os.PathLike[str] | IO[bytes] | None, source: _Chunks) -> Generator[IO[bytes]]:
    """Yield the file to write.

    Args:
        path: Its path, or itself.
        source: The rows that are written.

    Raises:
        WriteError: The file can't be written.
    """
    if not isinstance(path, str | os.PathLike):
        if path is None:
            raise TableError("there is not a path to write to")
        yield path
        return
    final = Path(path)
    with _part(final, source) as part:
        opened: IO[bytes]
        match final.suffix.lower():
            case ".gz":
                opened = cast("IO[bytes]", gzip.open(part, "wb", compresslevel=6))  # noqa: SIM115 -- closed below
            case ".zst":
                opened = zstd_library().open(part, "wb")
            case _:
                opened = part.open("wb")
        with opened as file:
            yield file


def _write_jsonl(
    chunks: Iterator[list[ResultRow]], file: IO[bytes], builder: ColumnBuilder, layout: Layout
) -> int:
    written = 0
    columns: dict[str, Any]
    chosen = None if layout.chosen is None else layout.columns(())
    for chunk in chunks:
        columns = builder.build(chunk)
        for name in ("output", "raw"):
            if name in columns:
                columns[name] = [
                    None if value is None else orjson.Fragment(value.strip()) for value in columns[name]
                ]
        rows = _inputs_of(chunk, layout)
        keys = tuple(columns)
        lines: list[bytes] = []
        for values, row in zip(
            zip(*columns.values(), strict=True) if columns else repeat(()), rows, strict=False
        ):
            made = dict(zip(keys, values, strict=True))
            if chosen is None:
                # Lines need not have the same columns, so each has those of its row.
                made |= {joined_name(name): value for name, value in row.items()}
            else:
                made = {name: made[name] if source is None else row.get(source) for name, source in chosen}
            lines.append(dumps(made))
        file.write(b"\n".join(lines) + b"\n")
        written += len(chunk)
    return written


def _write_csv(
    chunks: Iterator[list[ResultRow]],
    file: IO[bytes],
    builder: ColumnBuilder,
    layout: Layout,
    inputs: Inputs,
) -> int:
    written = 0
    # Not a wrapper of the file: it would close that of a caller after an error.
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    first: list[list[ResultRow]] = []
    names = layout.inputs
    if names is None:
        names = list(inputs.types)
        if not inputs.complete:
            first = list(islice(chunks, FIRST_CHUNKS))
            names = list(dict.fromkeys(chain(names, *map(_names_in, first))))
    header = layout.columns(names)
    writer.writerow([name for name, _ in header])
    file.write(_taken(text))
    known = frozenset(names)
    for chunk in chain(first, chunks):
        columns = builder.build(chunk)
        if "raw" in columns:
            columns["raw"] = [None if line is None else line.decode("utf-8") for line in columns["raw"]]
        rows = _inputs_of(chunk, layout)
        if layout.inputs is None:
            check_known(rows, known)
        cells = [
            columns[name] if source is None else [_cell(row.get(source)) for row in rows]
            for name, source in header
        ]
        writer.writerows(zip(*cells, strict=True))
        file.write(_taken(text))
        written += len(chunk)
    return written


def _taken(text: io.StringIO) -> bytes:
    """Return what was written, and forget it."""
    data = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return data


def _names_in(chunk: Sequence[ResultRow]) -> Iterable[str]:
    return chain.from_iterable(input_columns(chunk))


def _inputs_of(chunk: Sequence[ResultRow], layout: Layout) -> Sequence[Mapping[str, Any]]:
    """Return the input's columns of each row, unless none of them is wanted."""
    return input_columns(chunk) if layout.inputs != [] else [dict[str, Any]()] * len(chunk)


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value) if hasattr(value, "isoformat") else dumps(value).decode()
