"""Checks of a write on the driver: what each row would fail for in a task is told before any task runs."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import types as spark

from ..jobs import JobOptionsError
from ..jobs._tables._errors import TemplateError
from ..jobs._tables._template import FormatTemplate, check_columns_used, template_of
from ._options import WriteOptions

__all__ = ["check_columns"]

_IDS = (spark.StringType, spark.ByteType, spark.ShortType, spark.IntegerType, spark.LongType)
_OBJECTS = (spark.StructType, spark.MapType)
_REQUESTS = (spark.StringType, spark.BinaryType, *_OBJECTS)


def check_columns(options: WriteOptions, schema: spark.StructType) -> None:
    """Check that the rows of a table can become requests.

    Args:
        options: The options.
        schema: The columns of the table.

    Raises:
        JobOptionsError: A column or an option is missing, or of a wrong type.
        TemplateError: The template is malformed.
    """
    given: list[str] = schema.names
    _check_there("id_column", [options.id_column] if options.id_column is not None else [], given)
    _check_there("attachments", options.attachments, given)
    name = options.id_column or "custom_id"
    if name in given and not isinstance(schema[name].dataType, _IDS):
        raise _wrong_type(schema[name], "the custom_id is text: cast it to string")
    if options.template is None:
        _check_requests(schema)
    else:
        _check_template(options, given)


def _check_template(options: WriteOptions, given: list[str]) -> None:
    template = template_of(options.template or "", options.engine)
    # A template of Jinja may do without a column that is not there.
    if isinstance(template, FormatTemplate):
        _check_there("template", template.columns, given)
        if not options.attachments:
            try:
                check_columns_used(template, _first(given))
            except TemplateError as error:
                told = str(error).replace(
                    'engine="jinja" or a file whose name ends in .j2', 'option("engine", "jinja")'
                )
                raise JobOptionsError(f"the option template: {told}") from None
    params = options.source()["params"]
    for name, found, example in (
        ("model", options.model or params.get("model"), '"claude-haiku-4-5"'),
        ("max_tokens", params.get("max_tokens"), "300"),
    ):
        if found is None:
            passed = ". The column of this name is passed through, and not sent" if name in given else ""
            raise JobOptionsError(
                f'the prompts of the template have no {name}: give option("{name}", {example}){passed}'
            )


def _check_requests(schema: spark.StructType) -> None:
    """Check that a table without a template has requests."""
    for name in ("params", "request"):
        if name in schema.names:
            if not isinstance(schema[name].dataType, _REQUESTS):
                raise _wrong_type(schema[name], "a request is JSON text, or a struct")
            return
    # Lines of OpenAI's batch files are requests, too.
    if "body" not in schema.names or not isinstance(schema["body"].dataType, _OBJECTS):
        raise JobOptionsError(
            f"the table has no column request with params ({_listed(schema.names)}): add one, or make prompts of "
            f'columns with option("template", "Answer this: {{{_first(schema.names)}}}")'
        )


def _check_there(option: str, names: Iterable[str], given: list[str]) -> None:
    for name in names:
        if name not in given:
            raise JobOptionsError(
                f"the option {option} names the column {name!r}, which the table does not have ({_listed(given)})"
            )


def _wrong_type(field: spark.StructField, need: str) -> JobOptionsError:
    return JobOptionsError(f"the column {field.name!r} is {field.dataType.simpleString():.100}: {need}")


def _first(given: list[str]) -> str:
    return next((name for name in reversed(given) if name != "custom_id"), "column")


def _listed(given: list[str]) -> str:
    return f"columns: {', '.join(map(repr, given)) or 'none'}"
