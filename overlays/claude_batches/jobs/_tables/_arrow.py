"""Arrow record batches and Parquet files of results (extra `arrow`)."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate, chain, islice
from typing import Any

from ._columns import SCHEMA, ColumnBuilder, ResultRow, input_columns, joined_name
from ._errors import WriteError
from ._extras import require
from ._json import dumps

__all__ = ["ArrowTable"]

#: A row group of Parquet, which is held in memory as a whole.
GROUP_ROWS = 16_384
GROUP_BYTES = 16 * 1024 * 1024
#: A page stays in the processor's cache between being written and compressed.
PAGE_BYTES = 64 * 1024
#: The chunks of rows that the types of the input's columns are taken from.
FIRST_CHUNKS = 8

#: The version of the documented columns, in the schema's metadata.
SCHEMA_VERSION = b"1"


class ArrowTable:
    """Makes record batches of rows.

    The types of the input's columns are those of the first rows: booleans, integers, numbers, instants, dates and
    bytes are kept, anything else is text, or JSON text where it is nested or of several types.

    Args:
        builder: The builder of the columns.
        columns: The input's columns: names, or names with types; `None` for those of the first rows.
    """

    def __init__(
        self, builder: ColumnBuilder, columns: Sequence[str] | Mapping[str, Any] | None = None
    ) -> None:
        self._arrow = require("pyarrow", "arrow", "a table of Arrow or Parquet")
        self._builder = builder
        self._types: dict[str, Any] | None = None
        self._names: list[str] | None = None if columns is None else list(columns)
        self._given: dict[str, Any] = {}
        if isinstance(columns, Mapping):
            for name, kind in columns.items():
                self._given[name] = self._arrow.type_for_alias(kind) if isinstance(kind, str) else kind
        self._fixed = [(name, self._arrow.type_for_alias(SCHEMA[name])) for name in builder.names]

    def reader(self, chunks: Iterator[list[ResultRow]]) -> Any:
        """Return a record batch reader over rows.

        Args:
            chunks: The rows.
        """
        batches = map(self._batch, self._settled(chunks))
        return self._arrow.RecordBatchReader.from_batches(self._schema(), batches)

    def write_parquet(self, chunks: Iterator[list[ResultRow]], file: Any, compression: str) -> int:
        """Write a Parquet file of rows, a row group for each chunk.

        Args:
            chunks: The rows.
            file: Its path, or an open binary file.
            compression: The compression.

        Returns:
            The number of rows.
        """
        parquet = require("pyarrow.parquet", "arrow", "a table of Parquet")
        settled = self._settled(chunks)
        written = 0
        # A dictionary is worth its while for these columns alone; for the others it is tried and given up.
        repeated = [name for name, _ in self._fixed if name in _REPEATED]
        with (
            parquet.ParquetWriter(
                file,
                self._schema(),
                compression=compression,
                use_dictionary=repeated,
                write_statistics=repeated,
                data_page_size=PAGE_BYTES,
            ) as writer,
            ThreadPoolExecutor(1) as pool,
        ):
            # Compression runs without Python's lock, beside the parsing of the next rows; one group at a time, so
            # that the memory stays flat.
            pending: Future[Any] | None = None
            for group in self._groups(map(self._batch, settled)):
                if pending is not None:
                    pending.result()
                pending = pool.submit(writer.write_table, self._arrow.Table.from_batches(group))
                written += sum(batch.num_rows for batch in group)
            if pending is not None:
                pending.result()
        return written

    # --------------------------------------------------------------------------------------------------------

    def _settled(self, chunks: Iterator[list[ResultRow]]) -> Iterator[list[ResultRow]]:
        first = list(islice(chunks, FIRST_CHUNKS))
        self._settle(list(chain.from_iterable(first)))
        return chain(first, chunks)

    def _groups(self, batches: Iterable[Any]) -> Iterator[list[Any]]:
        group: list[Any] = []
        rows = size = 0
        for batch in batches:
            group.append(batch)
            rows += batch.num_rows
            size += batch.nbytes
            if rows >= GROUP_ROWS or size >= GROUP_BYTES:
                yield group
                group, rows, size = [], 0, 0
        if group:
            yield group

    def _schema(self) -> Any:
        fields = [*self._fixed, *((joined_name(name), kind) for name, kind in (self._types or {}).items())]
        return self._arrow.schema(fields, metadata={b"claude_batches.schema": SCHEMA_VERSION})

    def _settle(self, chunk: Sequence[ResultRow]) -> None:
        """Set the input's columns and their types by the first rows."""
        rows = input_columns(chunk) if self._names != [] else []
        names = self._names
        if names is None:
            names = list(dict.fromkeys(chain.from_iterable(rows)))
        self._types = {
            name: self._given.get(name) or self._infer([row.get(name) for row in rows]) for name in names
        }

    def _infer(self, values: list[Any]) -> Any:
        arrow = self._arrow
        try:
            kind = arrow.infer_type(values)
        except (arrow.ArrowException, TypeError, ValueError):
            return arrow.string()
        types = arrow.types
        kept = (types.is_boolean, types.is_integer, types.is_floating, types.is_temporal, types.is_binary)
        return kind if any(test(kind) for test in kept) else arrow.string()

    def _batch(self, chunk: Sequence[ResultRow]) -> Any:
        arrow = self._arrow
        columns = self._builder.build(chunk)
        arrays: list[Any] = []
        for name, kind in self._fixed:
            values = columns[name]
            try:
                if name == "raw":
                    arrays.append(self._raw(values))
                else:
                    arrays.append(arrow.array(values, kind))
            except (arrow.ArrowException, TypeError, ValueError, UnicodeError) as error:
                raise WriteError(f"the column {name!r} of a result can't be written: {error}") from None
        if self._types or (self._names is None and any(row.columns is not None for row in chunk)):
            rows = input_columns(chunk)
            if self._names is None:
                unknown = set(chain.from_iterable(rows)) - (self._types or {}).keys()
                if unknown:
                    told = ", ".join(map(repr, sorted(unknown)))
                    raise WriteError(
                        f"the input's columns {told} came after the first rows: name all of them in columns="
                    )
            arrays.extend(self._input(name, kind, rows) for name, kind in (self._types or {}).items())
        return arrow.record_batch(arrays, schema=self._schema())

    def _raw(self, lines: list[Any]) -> Any:
        """Return the lines as text, without making a `str` of each."""
        arrow = self._arrow
        if None in lines:
            return arrow.array(lines, arrow.binary()).cast(arrow.string())
        offsets = array("i", accumulate(map(len, lines), initial=0))
        data = arrow.py_buffer(b"".join(lines))
        text = arrow.StringArray.from_buffers(len(lines), arrow.py_buffer(offsets), data)
        # Checks that it is UTF-8.
        text.validate(full=True)
        return text

    def _input(self, name: str, kind: Any, rows: Iterable[Mapping[str, Any]]) -> Any:
        arrow = self._arrow
        values = [row.get(name) for row in rows]
        if arrow.types.is_string(kind):
            values = [value if value is None or isinstance(value, str) else _text(value) for value in values]
        try:
            return arrow.array(values, kind)
        except (arrow.ArrowException, TypeError, ValueError, OverflowError, UnicodeError) as error:
            raise WriteError(
                f"the input's column {name!r} is {kind} by its first rows, and a later value is not: {error}. "
                f'Give its type: columns={{{name!r}: "string"}}.'
            ) from None


#: Columns with few distinct values.
_REPEATED = frozenset(("result_type", "stop_reason", "model", "error_type", "batch_id", "attempt"))


def _text(value: Any) -> str:
    return str(value) if hasattr(value, "isoformat") else dumps(value).decode()
