"""Arrow record batches and Parquet files of results (extra `arrow`)."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate, chain, islice
from operator import attrgetter
from typing import Any, NamedTuple

from ._columns import SCHEMA, ColumnBuilder, Layout, ResultRow, check_known, input_columns
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


class _Column(NamedTuple):
    """A column of the table."""

    name: str
    source: str | None
    """Its name in the input; `None` for one of `SCHEMA`."""
    type: Any


class ArrowTable:
    """Makes record batches of rows.

    Types of the input's columns that are not given are those of the first rows: booleans, integers, numbers, instants,
    dates and bytes are kept, anything else is text, or JSON text where it is nested or of several types.

    Args:
        builder: The builder of the columns.
        layout: The columns.
        types: The types of columns of the input, by their names in the input.
        complete: No row has a column of the input that is not among `types`.
    """

    def __init__(
        self,
        builder: ColumnBuilder,
        layout: Layout,
        types: Mapping[str, Any],
        *,
        complete: bool = False,
    ) -> None:
        self._arrow = require("pyarrow", "arrow", "a table of Arrow or Parquet")
        self._builder = builder
        self._layout = layout
        self._given: dict[str, Any] = {
            name: self._arrow.type_for_alias(kind) if isinstance(kind, str) else kind
            for name, kind in types.items()
        }
        self._columns: list[_Column] = []
        self._schema: Any = None
        self._known: frozenset[str] = frozenset()
        if complete or (layout.inputs is not None and self._given.keys() >= set(layout.inputs)):
            self._begin(self._given)

    def reader(self, chunks: Iterator[list[ResultRow]]) -> Any:
        """Return a record batch reader over rows.

        Args:
            chunks: The rows.
        """
        batches = map(self._batch, self._settled(chunks))
        return self._arrow.RecordBatchReader.from_batches(self._schema, batches)

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
        repeated = [
            column.name for column in self._columns if column.source is None and column.name in _REPEATED
        ]
        with (
            parquet.ParquetWriter(
                file,
                self._schema,
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
        """Return the chunks, after the columns are known."""
        if self._schema is not None:
            return chunks
        first = list(islice(chunks, FIRST_CHUNKS))
        rows = input_columns(list(chain.from_iterable(first)))
        names = self._layout.inputs
        if names is None:
            names = list(dict.fromkeys(chain(self._given, chain.from_iterable(rows))))
        self._begin(
            {name: self._given.get(name) or self._infer([row.get(name) for row in rows]) for name in names}
        )
        return chain(first, chunks)

    def _begin(self, types: Mapping[str, Any]) -> None:
        """Set the columns.

        Args:
            types: The input's columns with their types.
        """
        self._columns = [
            _Column(
                name, source, self._arrow.type_for_alias(SCHEMA[name]) if source is None else types[source]
            )
            for name, source in self._layout.columns(types)
        ]
        self._schema = self._arrow.schema(
            [(column.name, column.type) for column in self._columns],
            metadata={b"claude_batches.schema": SCHEMA_VERSION},
        )
        self._known = frozenset(types)

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
        columns = self._builder.build(chunk)
        rows: Sequence[Mapping[str, Any]] = ()
        if self._layout.inputs != [] and any(map(_COLUMNS, chunk)):
            rows = input_columns(chunk)
            if self._layout.inputs is None:
                check_known(rows, self._known)
        arrays = [
            self._fixed(name, kind, columns[name])
            if source is None
            else self._input(source, kind, rows)
            if rows
            else self._arrow.nulls(len(chunk), kind)
            for name, source, kind in self._columns
        ]
        return self._arrow.record_batch(arrays, schema=self._schema)

    def _fixed(self, name: str, kind: Any, values: Sequence[Any]) -> Any:
        try:
            return self._raw(values) if name == "raw" else self._arrow.array(values, kind)
        except (self._arrow.ArrowException, TypeError, ValueError, UnicodeError) as error:
            raise WriteError(f"the column {name!r} of a result can't be written: {error}") from None

    def _raw(self, lines: Sequence[Any]) -> Any:
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
                f'Give its type: types={{{name!r}: "string"}}.'
            ) from None


_COLUMNS = attrgetter("columns")
#: Columns with few distinct values.
_REPEATED = frozenset(("result_type", "stop_reason", "model", "error_type", "batch_id", "attempt"))


def _text(value: Any) -> str:
    return str(value) if hasattr(value, "isoformat") else dumps(value).decode()
