"""Exporting: the rows of a job as those of a table, of which only what the table has is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import attrs
import orjson

from ._input_columns import arrow_type, columns_of_job
from ._ledger._sql import SqlLedger
from ._lines import custom_id_of, head_reader, user_head
from ._reading import Lines
from ._records import ItemValues, Twin
from ._rows import Joining, Order
from ._tables import SCHEMA, ResultRow, TableError
from ._tables._columns import Layout, joined_name, layout_of
from ._tables._write import Inputs

__all__ = ["Export", "export"]


@attrs.frozen
class Export:
    """The columns of a table of results, and its rows."""

    layout: Layout
    inputs: Inputs
    _ledger: SqlLedger
    _lines: Lines

    def rows(self, order: Order) -> Iterator[ResultRow]:
        """Yield the rows that have a final result.

        Args:
            order: Their order.
        """
        wanted = self.layout.inputs
        joining = _Exporting(
            self._ledger,
            self._lines,
            ids="custom_id" in self.layout.fixed,
            inputs=bool(self.inputs.types if wanted is None else wanted),
        )
        # Of the kind that `_rows` makes.
        rows: Any = joining.by_arrival() if order == "arrival" else joining.by_input()
        return rows  # type: ignore[no-any-return]


def export(
    ledger: SqlLedger,
    lines: Lines,
    *,
    columns: Sequence[str] | None,
    types: Mapping[str, Any] | None,
    raw: bool,
) -> Export:
    """Return what a table of a job's results has. Nothing is read of its requests and results.

    Args:
        ledger: The ledger.
        lines: The lines of bodies and results.
        columns: The names of the columns; `None` for all.
        types: Arrow types of the input's columns, by their names in the input.
        raw: Adds the unparsed results.

    Raises:
        TableError: The job has no such column.
    """
    layout = layout_of(columns, raw=raw)
    found = columns_of_job(ledger, lines)
    unknown = [joined_name(name) for name in (*(layout.inputs or ()), *(types or ())) if name not in found]
    if unknown:
        known = ", ".join([*SCHEMA, *map(joined_name, found)])
        told = ", ".join(map(repr, dict.fromkeys(unknown)))
        raise TableError(f"there is not a column {told}. The columns of this job are {known}")
    by_kinds = {name: arrow_type(kinds) for name, kinds in found.items()}
    return Export(layout, Inputs({**by_kinds, **(types or {})}, complete=True), ledger, lines)


class _Exporting(Joining):
    """Joins rows with their results as rows of a table.

    Args:
        ledger: The ledger.
        lines: The lines of bodies and results.
        ids: The table has the custom_ids.
        inputs: It has columns of the input.
    """

    def __init__(self, ledger: SqlLedger, lines: Lines, *, ids: bool, inputs: bool) -> None:
        own = ledger.facts().ids == "own"
        # Results have the users' own ids, and derived ids say nothing to users.
        super().__init__(ledger, lines, None, bodies=inputs or (ids and not own))
        self._ids = ids
        self._inputs = inputs

    def _rows(  # type: ignore[override]
        self, items: Sequence[ItemValues], results: Sequence[bytes | None], twins: Sequence[Twin | None] = ()
    ) -> Iterator[ResultRow]:
        # A million rows come through here: few of the steps are Python's.
        names = [self._batch_of(shard) for _, shard, *_ in items]
        attempts = [attempt for _, _, _, _, attempt, _, _ in items]
        if not self._with_bodies:
            yield from map(ResultRow, results, self._missing_ids(items, results), names, attempts)
            return
        bodies = self._lines.bodies((shard, place) for _, shard, place, *_ in items)
        if not self._inputs and not twins:
            yield from map(ResultRow, results, map(custom_id_of, bodies), names, attempts)
            return
        heads = map(head_reader(), bodies)
        for line, (added, extra), name, attempt, twin in zip(
            results, heads, names, attempts, twins or repeat(None), strict=False
        ):
            custom_id, columns = user_head(added, extra if twin is None else orjson.loads(twin.columns))
            yield ResultRow(line, custom_id, name, attempt, columns)

    def _missing_ids(
        self, items: Sequence[ItemValues], results: Sequence[bytes | None]
    ) -> Iterator[str | None]:
        """Yield the ids of rows without a result, whose line would have it."""
        if not self._ids or None not in results:
            return repeat(None)
        return (
            custom_id_of(self._lines.body(shard, place)) if line is None else None
            for (_, shard, place, *_), line in zip(items, results, strict=True)
        )
