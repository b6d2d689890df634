"""Tables of results, as JSONL, CSV, Parquet and Arrow record batches, in flat memory."""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal, cast

import orjson

from ._answers import AnswerType, answer_type
from ._arrow import ArrowTable
from ._columns import SCHEMA, ColumnBuilder, Pricer, ResultRow, input_columns, joined_name
from ._errors import TableError, WriteError
from ._json import dumps
from ._records import zstd_library
from ._shapes import is_path

__all__ = ["SCHEMA", "ResultRow", "TableFormat", "write"]

TableFormat = Literal["jsonl", "csv", "parquet", "arrow"]

#: A chunk of rows is built at once: enough of them that columns pay, few enough that they stay in the processor's
#: cache.
CHUNK_ROWS = 512
CHUNK_BYTES = 2 * 1024 * 1024

_FORMATS: dict[str, TableFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def write(
    rows: Iterable[ResultRow],
    path: str | os.PathLike[str] | IO[bytes] | None = None,
    *,
    format: TableFormat | None = None,
    raw: bool = True,
    columns: Sequence[str] | Mapping[str, Any] | None = None,
    output: type[Any] | AnswerType | None = None,
    pricer: Pricer | None = None,
    compression: str = "snappy",
) -> Any:
    """Write results as a table; the columns are in `SCHEMA`, the input's follow.

    A file is written beside its path and moved there at the end, so that a path never holds half a table. JSONL
    and CSV are compressed for names in `.gz` and `.zst`.

    Args:
        rows: The rows, in the order of the table.
        path: The file, or an open binary file; `None` for Arrow.
        format: `jsonl`, `csv`, `parquet` or `arrow`, where the name doesn't tell it.
        raw: Adds the unparsed results.
        columns: The input's columns that are joined: their names, or names with Arrow types; by default all
            columns of the first rows.
        output: The type that answers have; see `answer_type`.
        pricer: The prices of messages, for the column `cost`.
        compression: The compression of Parquet; `zstd` gives files of two thirds of the size, in more time.

    Returns:
        The number of rows; with the format `arrow`, a `pyarrow.RecordBatchReader`, which reads the rows as it goes.

    Raises:
        WriteError: A row doesn't fit into the table.
        MissingExtraError: pyarrow is not installed, and the format needs it.
        OSError: The file can't be written.
    """
    builder = ColumnBuilder(raw=raw, answers=None if output is None else answer_type(output), pricer=pricer)
    kind = format or _format_of(path)
    chunks = _chunks(rows)
    if kind in ("arrow", "parquet"):
        table = ArrowTable(builder, columns)
        if kind == "arrow":
            if path is not None:
                raise TableError("the format arrow has no file: leave out the path, or take parquet")
            return table.reader(chunks)
        if isinstance(path, str | os.PathLike):
            # pyarrow writes a file by itself without Python's lock.
            with _part(Path(path)) as part:
                return table.write_parquet(chunks, str(part), compression)
        return table.write_parquet(chunks, path, compression)
    writer = _write_jsonl if kind == "jsonl" else _write_csv
    with _target(path) as file:
        return writer(chunks, file, builder, list(columns) if columns is not None else None)


def _format_of(path: object) -> TableFormat:
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


def _chunks(rows: Iterable[ResultRow]) -> Iterator[list[ResultRow]]:
    chunk: list[ResultRow] = []
    size = 0
    for row in rows:
        chunk.append(row)
        line = row.line
        if line is not None:
            size += len(line)
        if len(chunk) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


@contextmanager
def _part(final: Path) -> Generator[Path]:
    """Yield the path of a new file, which takes its final place at the end, if nothing failed."""
    # Beside its place, since files can't be moved between file systems at once.
    part = final.with_name(f".{final.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(final)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _target(path: str | os.PathLike[str] | IO[bytes] | None) -> Generator[IO[bytes]]:
    """Yield the file to write."""
    if not isinstance(path, str | os.PathLike):
        if path is None:
            raise TableError("there is not a path to write to")
        yield path
        return
    final = Path(path)
    with _part(final) as part:
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


def _joined(chunk: Sequence[ResultRow], names: list[str] | None) -> tuple[list[str], list[Mapping[str, Any]]]:
    """Return the names of the input's columns, and the columns of each row."""
    rows: list[Mapping[str, Any]] = input_columns(chunk) if names is None or names else [{} for _ in chunk]
    if names is None:
        names = list(dict.fromkeys(chain.from_iterable(rows)))
    return names, rows


def _write_jsonl(
    chunks: Iterator[list[ResultRow]], file: IO[bytes], builder: ColumnBuilder, names: list[str] | None
) -> int:
    written = 0
    for chunk in chunks:
        columns = builder.build(chunk)
        for name in ("output", "raw"):
            if name in columns:
                columns[name] = [
                    None if value is None else orjson.Fragment(value.strip()) for value in columns[name]
                ]
        keys = tuple(columns)
        # Lines need not have the same columns, so each has those of its row.
        _, inputs = _joined(chunk, names)
        lines = [
            dumps(
                dict(zip(keys, values, strict=True))
                | {joined_name(name): row[name] for name in (row if names is None else names) if name in row}
            )
            for values, row in zip(zip(*columns.values(), strict=True), inputs, strict=True)
        ]
        file.write(b"\n".join(lines) + b"\n")
        written += len(chunk)
    return written


def _write_csv(
    chunks: Iterator[list[ResultRow]], file: IO[bytes], builder: ColumnBuilder, names: list[str] | None
) -> int:
    written = 0
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    try:
        writer = csv.writer(text, lineterminator="\n")
        header: list[str] | None = None
        for chunk in chunks:
            columns = builder.build(chunk)
            if "raw" in columns:
                columns["raw"] = [None if line is None else line.decode("utf-8") for line in columns["raw"]]
            found, inputs = _joined(chunk, names)
            if header is None:
                header = found
                writer.writerow([*columns, *map(joined_name, header)])
            elif not set(found) <= set(header):
                raise _new_columns(set(found) - set(header))
            added = [[_cell(row.get(name)) for row in inputs] for name in header]
            writer.writerows(zip(*columns.values(), *added, strict=True))
            written += len(chunk)
        if header is None:
            writer.writerow([*builder.names, *map(joined_name, names or ())])
    finally:
        text.flush()
        text.detach()
    return written


def _new_columns(names: Iterable[str]) -> WriteError:
    told = ", ".join(map(repr, sorted(names)))
    return WriteError(f"the input's columns {told} came after the first rows: name all of them in columns=")


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value) if hasattr(value, "isoformat") else dumps(value).decode()
