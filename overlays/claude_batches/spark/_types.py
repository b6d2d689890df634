"""Types and columns: those of Spark and of Arrow, and those that a job read as a table has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from pyspark.sql import types as spark

from ..jobs import JobOptionsError
from ..jobs._tables import SCHEMA
from ..jobs._tables._extras import require

__all__ = ["FIXED", "arrow_type", "described", "passed_through", "read_name", "spark_schema"]

_PLAIN: dict[type[spark.DataType], str] = {
    spark.BooleanType: "bool",
    spark.ByteType: "int8",
    spark.ShortType: "int16",
    spark.IntegerType: "int32",
    spark.LongType: "int64",
    spark.FloatType: "float32",
    spark.DoubleType: "float64",
    spark.StringType: "string",
    spark.BinaryType: "binary",
    spark.DateType: "date32",
    spark.TimestampNTZType: "timestamp[us]",
    spark.DayTimeIntervalType: "duration[us]",
    spark.NullType: "null",
}
_OF_COLUMNS: dict[str, spark.DataType] = {
    "string": spark.StringType(),
    "int64": spark.LongType(),
    "int32": spark.IntegerType(),
    "float64": spark.DoubleType(),
}

#: The columns that every job has: the id, the outcome, the message, then those of a table of results.
FIXED: dict[str, str] = {"custom_id": "string", "status": "string", "response": "string", **SCHEMA}
#: The columns of requests, which are not passed through.
_REQUEST = frozenset(("custom_id", "params", "request"))


def read_name(name: str) -> str:
    """Return the name of a passed-through column in the table that is read: Spark doesn't tell capitals apart."""
    return f"input_{name}" if name.lower() in FIXED else name


def arrow_type(kind: spark.DataType) -> Any:
    """Return the Arrow type that Spark takes for a type of its.

    Raises:
        JobOptionsError: There is none here.
    """
    arrow = require("pyarrow", "spark", "the Spark data source")
    name = _PLAIN.get(type(kind))
    if name is not None:
        return arrow.null() if name == "null" else arrow.type_for_alias(name)
    if isinstance(kind, spark.TimestampType):
        return arrow.timestamp("us", tz="UTC")
    if isinstance(kind, spark.DecimalType):
        return arrow.decimal128(kind.precision, kind.scale)
    if isinstance(kind, spark.ArrayType):
        return arrow.list_(arrow.field("element", arrow_type(kind.elementType), nullable=kind.containsNull))
    if isinstance(kind, spark.MapType):
        return arrow.map_(
            arrow.field("key", arrow_type(kind.keyType), nullable=False),
            arrow.field("value", arrow_type(kind.valueType), nullable=kind.valueContainsNull),
        )
    if isinstance(kind, spark.StructType):
        return arrow.struct(
            [arrow.field(each.name, arrow_type(each.dataType), nullable=each.nullable) for each in kind]
        )
    raise JobOptionsError(f"a column of the type {kind.simpleString()} can't be passed through: cast it")


def passed_through(schema: spark.StructType) -> list[spark.StructField]:
    """Return the columns of a written table that come back with the results.

    Raises:
        JobOptionsError: One has a type that can't, or two would have one name.
    """
    kept = [field for field in schema if field.name not in _REQUEST]
    names: dict[str, str] = {}
    for field in kept:
        read = read_name(field.name)
        if names.setdefault(read, field.name) != field.name:
            raise JobOptionsError(
                f"the columns {names[read]!r} and {field.name!r} would both be read as {read!r}: rename one"
            )
        try:
            arrow_type(field.dataType)
        except JobOptionsError as error:
            raise JobOptionsError(f"the column {field.name!r}: {error}") from None
    return kept


def described(schema: spark.StructType) -> str:
    """Return the passed-through columns as the ledger keeps them."""
    return spark.StructType(passed_through(schema)).json()


def spark_schema(written: Iterable[str | None], columns: Iterable[str] | None) -> spark.StructType:
    """Return the columns of a job.

    Args:
        written: The descriptions of its writes, the oldest first. A column that changes its type is text. One that
            was only null so far has no type.
        columns: The names of the wanted ones; `None` for all.

    Raises:
        JobOptionsError: One is not there.
    """
    found: dict[str, spark.DataType] = {name: _OF_COLUMNS[kind] for name, kind in FIXED.items()}
    for text in written:
        if text is None:
            continue
        for field in spark.StructType.fromJson(orjson.loads(text)):
            name = read_name(field.name)
            kind = _with_nulls(field.dataType)
            before = found.setdefault(name, kind)
            if isinstance(before, spark.NullType):
                found[name] = kind
            elif before != kind and not isinstance(kind, spark.NullType):
                found[name] = spark.StringType()
    wanted = list(found if columns is None else columns)
    _check_names(wanted, found)
    return spark.StructType([spark.StructField(name, found[name]) for name in wanted])


def _with_nulls(kind: spark.DataType) -> spark.DataType:
    """Return a type whose parts may all be null: Spark's types differ in that from one query to the next."""
    if isinstance(kind, spark.ArrayType):
        return spark.ArrayType(_with_nulls(kind.elementType))
    if isinstance(kind, spark.MapType):
        return spark.MapType(_with_nulls(kind.keyType), _with_nulls(kind.valueType))
    if isinstance(kind, spark.StructType):
        return spark.StructType([spark.StructField(each.name, _with_nulls(each.dataType)) for each in kind])
    return kind


def _check_names(wanted: Iterable[str], found: Mapping[str, Any]) -> None:
    unknown = [name for name in wanted if name not in found]
    if unknown:
        raise JobOptionsError(
            f"the job has no column {', '.join(map(repr, unknown))}; its columns are {', '.join(found)}"
        )
