"""The input's columns of a job: their names, and the kinds of values that they hold.

The ledger remembers them while rows are added, so that a table of results has all its columns, and their types, from
the first row on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from ._ledger._sql import SqlLedger
from ._lines import OWN_ID_COLUMN, read_line
from ._reading import Lines

__all__ = ["InputColumns", "arrow_type", "columns_of_job"]

#: The kinds of JSON values, as the bits of a number; null has none.
_BOOL, _INT, _WIDE, _FLOAT, _TEXT, _NESTED, _HUGE = (1 << bit for bit in range(7))
_KINDS: dict[type, int] = {
    type(None): 0,
    bool: _BOOL,
    float: _FLOAT,
    str: _TEXT,
    dict: _NESTED,
    list: _NESTED,
}
#: The largest integers that a float and an int64 have exactly.
_EXACT, _LARGEST = 1 << 53, (1 << 63) - 1


class InputColumns:
    """Columns with their kinds of values, in the order of their first appearance.

    Args:
        found: The columns so far.
    """

    def __init__(self, found: Mapping[str, int] | None = None) -> None:
        self.found: dict[str, int] = dict(found or {})
        """The kinds by name."""

    def add(self, columns: bytes) -> None:
        """Add the columns of a row.

        Args:
            columns: JSON of them.
        """
        self.add_values(orjson.loads(columns))

    def add_values(self, columns: Mapping[str, Any]) -> None:
        """Add the columns of a row.

        Args:
            columns: Values of JSON by name.
        """
        found = self.found
        for name, value in columns.items():
            kind = _KINDS.get(value.__class__)
            found[name] = found.get(name, 0) | (_size(value) if kind is None else kind)

    def merge(self, found: Mapping[str, int]) -> None:
        """Add columns with their kinds.

        Args:
            found: The kinds by name.
        """
        for name, kinds in found.items():
            self.found[name] = self.found.get(name, 0) | kinds


def _size(value: int) -> int:
    """Return the kind of an integer."""
    if -_EXACT <= value <= _EXACT:
        return _INT
    return _WIDE if -_LARGEST - 1 <= value <= _LARGEST else _HUGE


def arrow_type(kinds: int) -> str:
    """Return the Arrow type that holds values of these kinds without a loss: text where they are of several.

    Args:
        kinds: The kinds.
    """
    if kinds == _BOOL:
        return "bool"
    if kinds and not kinds & ~(_INT | _WIDE):
        return "int64"
    return "float64" if kinds in (_FLOAT, _FLOAT | _INT) else "string"


def columns_of_job(ledger: SqlLedger, lines: Lines) -> dict[str, int]:
    """Return the input's columns of a job, with their kinds.

    Args:
        ledger: The ledger.
        lines: The lines of bodies, which are read for rows that an earlier release added.
    """
    columns = InputColumns(ledger.input_columns())
    unlisted = ledger.unlisted()
    if unlisted:
        places = ((item.shard, item.place) for item in ledger.items() if item.position < unlisted)
        for line in lines.bodies(places):
            columns.add_values(read_line(line).extra)
        for twin in ledger.twins():
            columns.add(twin.columns)
    # That of ids is none of the input.
    columns.found.pop(OWN_ID_COLUMN, None)
    return columns.found
