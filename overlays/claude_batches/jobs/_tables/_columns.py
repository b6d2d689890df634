"""Columns of results: lists of equal length, built a chunk of rows at a time.

| column | type | meaning |
|---|---|---|
| `custom_id` | text | the user's id of the row |
| `result_type` | text | `succeeded`, `errored`, `canceled`, `expired`; `missing` without a result line |
| `text` | text | the text blocks of the answer, joined; null without a message |
| `output` | JSON text | the answer, where it is of the output type; null otherwise |
| `stop_reason` | text | as the API gives it |
| `model` | text | the model that answered |
| `input_tokens` | integer | neither from the cache nor into it |
| `output_tokens` | integer | all output, thinking included |
| `thinking_tokens` | integer | the thinking tokens among them, if known |
| `cache_write_5m_tokens` | integer | written to the cache for 5 minutes |
| `cache_write_1h_tokens` | integer | written to the cache for an hour |
| `cache_read_tokens` | integer | read from the cache |
| `web_searches` | integer | searches by the web search tool |
| `error_type` | text | the API's kind of error; `unparsable` for an answer not of the output type |
| `error_message` | text | its message |
| `request_id` | text | the id of a failed request on the server |
| `batch_id` | text | the batch of the attempt |
| `attempt` | integer | the number of the attempt, from 1 |
| `cost` | number | the attempt's cost in US dollars; null where there is not a price |
| `raw` | JSON text | the unparsed result; omitted with `raw=False` |

Columns of the input follow. One with a name of this table, or with `input_` before such a name, has `input_` before it,
so that no two columns have one name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple

import attrs
import orjson

from ._answers import AnswerType
from ._errors import TableError, UnparsableAnswerError, WriteError
from ._parsed import ParsedLine, ParsedUsage, lines_parser
from ._shapes import is_mapping

__all__ = [
    "SCHEMA",
    "ColumnBuilder",
    "Layout",
    "Pricer",
    "ResultRow",
    "check_known",
    "input_columns",
    "joined_name",
    "layout_of",
    "source_name",
]

SCHEMA: dict[str, str] = {
    "custom_id": "string",
    "result_type": "string",
    "text": "string",
    "output": "string",
    "stop_reason": "string",
    "model": "string",
    "input_tokens": "int64",
    "output_tokens": "int64",
    "thinking_tokens": "int64",
    "cache_write_5m_tokens": "int64",
    "cache_write_1h_tokens": "int64",
    "cache_read_tokens": "int64",
    "web_searches": "int64",
    "error_type": "string",
    "error_message": "string",
    "request_id": "string",
    "batch_id": "string",
    "attempt": "int32",
    "cost": "float64",
    "raw": "string",
}

#: The cost of a message by its model and usage; `None` without a price.
Pricer = Callable[["str | None", ParsedUsage], "float | None"]


class ResultRow(NamedTuple):
    """A row of results, as a ledger holds it."""

    line: bytes | None
    """The line of the results file, `None` where there is none."""
    custom_id: str | None = None
    """The user's id, where the line has another."""
    batch_id: str | None = None
    attempt: int = 1
    columns: Mapping[str, Any] | bytes | None = None
    """The input's columns, or JSON of them."""


def joined_name(name: str) -> str:
    """Return the name of an input's column in the table of results.

    Args:
        name: Its name in the input.
    """
    return f"input_{name}" if _is_taken(name) else name


def source_name(name: str) -> str:
    """Return the name in the input of a column of the table of results.

    Args:
        name: Its name there.
    """
    source = name.removeprefix("input_")
    return source if source != name and _is_taken(source) else name


def _is_taken(name: str) -> bool:
    """Tell if a name is one of the table, with or without `input_` before it."""
    return name in SCHEMA or (name.startswith("input_") and _is_taken(name.removeprefix("input_")))


@attrs.frozen
class Layout:
    """The columns of a table, and their order."""

    fixed: list[str]
    """The columns of `SCHEMA`."""
    inputs: list[str] | None = None
    """The input's columns, by their names in the input; `None` for all that there are."""
    chosen: list[str] | None = None
    """The names of all columns in their order; `None` for the fixed ones, then the input's."""

    def columns(self, inputs: Iterable[str]) -> list[tuple[str, str | None]]:
        """Return the name of each column in the table, and in the input if it is of the input.

        Args:
            inputs: The input's columns that there are.
        """
        if self.chosen is None:
            return [*((name, None) for name in self.fixed), *((joined_name(name), name) for name in inputs)]
        return [(name, None if name in SCHEMA else source_name(name)) for name in self.chosen]


def layout_of(columns: Sequence[str] | None, *, raw: bool) -> Layout:
    """Return the layout of a table.

    Args:
        columns: The names of its columns in their order; `None` for all.
        raw: Adds the unparsed results.

    Raises:
        TableError: A name is not text, comes twice or contradicts `raw`; or there are none.
    """
    if columns is None:
        return Layout([name for name in SCHEMA if raw or name != "raw"])
    # Types promise nothing: names come from users.
    given: Any = columns
    names: list[Any] = [] if isinstance(given, str | bytes) else list(given)
    if not names or not all(isinstance(name, str) for name in names):
        raise TableError(f"columns must be a list of names; got {columns!r}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError(f"columns has {', '.join(map(repr, twice))} twice")
    if "raw" in names and not raw:
        raise TableError("columns has 'raw', and raw=False leaves it out")
    inputs = [source_name(name) for name in names if name not in SCHEMA]
    return Layout([name for name in names if name in SCHEMA], inputs, names)


class _NoUsage:
    """The usage of a result without a message."""

    input_tokens = output_tokens = cache_creation_input_tokens = cache_read_input_tokens = None
    cache_creation = output_tokens_details = server_tool_use = service_tier = None


class _NoMessage:
    """The message of a result without one."""

    model = stop_reason = None
    # Known by its identity, which an empty tuple does not have alone.
    content: ClassVar[list[Any]] = []
    usage = _NoUsage()


class _Missing:
    """The line of a request that has none."""

    custom_id = None

    class result:  # noqa: N801 -- read as an attribute
        """Its result."""

        type = "missing"
        message = error = None


_NO_MESSAGE: Any = _NoMessage()
_MISSING: Any = _Missing()
_RESULT = attrgetter("result")
_MESSAGE = attrgetter("message")
_USAGE = attrgetter("usage")
_CONTENT = attrgetter("content")
_TYPE = attrgetter("type")
_ERROR = attrgetter("error")
_STOP_REASON = attrgetter("stop_reason")
_MODEL = attrgetter("model")
_INPUT = attrgetter("input_tokens")
_OUTPUT = attrgetter("output_tokens")
_READ = attrgetter("cache_read_input_tokens")
_CREATION = attrgetter("cache_creation")
_DETAILS = attrgetter("output_tokens_details")
_TOOLS = attrgetter("server_tool_use")


@attrs.define
class ColumnBuilder:
    """Builds columns of rows."""

    names: Sequence[str]
    """The names of the columns, of those in `SCHEMA`."""
    answers: AnswerType | None = None
    pricer: Pricer | None = None

    def build(self, rows: Sequence[ResultRow]) -> dict[str, Sequence[Any]]:
        """Return the columns of rows, in the order of `names`; `raw` as the bytes of whole lines.

        Each column is made by one comprehension or `map`, in half the time of a dict for each row.

        Args:
            rows: The rows.

        Raises:
            WriteError: A line is not a result.
        """
        built = self._built(rows) if rows and self.names else {}
        return {name: built.get(name, ()) for name in self.names}

    def _built(self, rows: Sequence[ResultRow]) -> dict[str, Sequence[Any]]:
        """Return all columns of some rows."""
        lines, ids, batches, attempts, _ = zip(*rows, strict=True)
        parsed = self._parse(lines)
        results: list[Any] = list(map(_RESULT, parsed))
        messages: list[Any] = [message or _NO_MESSAGE for message in map(_MESSAGE, results)]
        usages: list[Any] = list(map(_USAGE, messages))
        errors: list[Any] = list(map(_ERROR, results))
        creations: list[Any] = list(map(_CREATION, usages))
        details: list[Any] = list(map(_DETAILS, usages))
        tools: list[Any] = list(map(_TOOLS, usages))
        # Most results have no error, and most usages no details: their columns are made only where there are some.
        nothing: list[None] = [None] * len(rows)
        kinds: Sequence[Any] = nothing
        told: Sequence[Any] = nothing
        requests: Sequence[Any] = nothing
        if errors.count(None) < len(errors):
            inner: list[Any] = [None if error is None else error.error for error in errors]
            kinds = [None if each is None else each.type for each in inner]
            told = [None if each is None else each.message for each in inner]
            requests = [None if each is None else each.request_id for each in errors]
        columns: dict[str, Sequence[Any]] = {
            "custom_id": ids,
            "result_type": list(map(_TYPE, results)),
            "text": list(map(_text, map(_CONTENT, messages))),
            "output": nothing,
            "stop_reason": list(map(_STOP_REASON, messages)),
            "model": list(map(_MODEL, messages)),
            "input_tokens": list(map(_INPUT, usages)),
            "output_tokens": list(map(_OUTPUT, usages)),
            "thinking_tokens": nothing
            if details.count(None) == len(details)
            else [None if each is None else each.thinking_tokens for each in details],
            # Without a time to live it is the default of 5 minutes.
            "cache_write_5m_tokens": [
                usage.cache_creation_input_tokens if each is None else each.ephemeral_5m_input_tokens
                for usage, each in zip(usages, creations, strict=True)
            ],
            "cache_write_1h_tokens": [
                None if each is None else each.ephemeral_1h_input_tokens for each in creations
            ],
            "cache_read_tokens": list(map(_READ, usages)),
            "web_searches": nothing
            if tools.count(None) == len(tools)
            else [None if each is None else each.web_search_requests for each in tools],
            "error_type": kinds,
            "error_message": told,
            "request_id": requests,
            "batch_id": batches,
            "attempt": attempts,
            "cost": nothing,
        }
        if None in ids:
            columns["custom_id"] = [
                line.custom_id if mine is None else mine for mine, line in zip(ids, parsed, strict=True)
            ]
        if self.answers is not None:
            self._check(self.answers, results, columns)
        if self.pricer is not None:
            price = self.pricer
            columns["cost"] = [
                None if message is _NO_MESSAGE else price(message.model, message.usage)
                for message in messages
            ]
        columns["raw"] = lines
        return columns

    def _parse(self, lines: Sequence[bytes | None]) -> list[ParsedLine]:
        parse = lines_parser()
        if None not in lines:
            given: Any = lines
            return parse(given)
        parsed = iter(parse(line for line in lines if line is not None))
        return [_MISSING if line is None else next(parsed) for line in lines]

    def _check(self, answers: AnswerType, results: list[Any], columns: dict[str, Sequence[Any]]) -> None:
        kinds = list(columns["error_type"])
        messages = list(columns["error_message"])
        outputs: list[str | None] = [None] * len(results)
        for index, result in enumerate(results):
            if result.type != "succeeded" or columns["stop_reason"][index] in _UNFINISHED:
                continue
            text = columns["text"][index] or ""
            try:
                answers.parse(text)
            except UnparsableAnswerError as error:
                kinds[index], messages[index] = "unparsable", str(error)
            else:
                outputs[index] = text
        columns.update(output=outputs, error_type=kinds, error_message=messages)


_UNFINISHED = frozenset(("max_tokens", "pause_turn", "refusal"))


def _text(content: Any) -> str | None:
    """Return the text of a message's content; `None` where there is no message."""
    if len(content) == 1:
        block = content[0]
        return block.text if block.type == "text" and block.text is not None else ""
    if content is _NO_MESSAGE.content:
        return None
    return "".join([block.text for block in content if block.type == "text" and block.text is not None])


def input_columns(rows: Sequence[ResultRow]) -> list[Mapping[str, Any]]:
    """Return the columns of the input of each row, parsed where they are JSON.

    Args:
        rows: The rows.

    Raises:
        WriteError: They are not a JSON object.
    """
    joined: list[Mapping[str, Any]] = []
    for row in rows:
        given: Any = row.columns
        if given.__class__ is dict:
            # Most are: the test of an abstract class takes longer than all else here.
            joined.append(given)
            continue
        if isinstance(given, bytes | str):
            try:
                given = orjson.loads(given)
            except orjson.JSONDecodeError as error:
                raise WriteError(f"the input's columns of {row.custom_id!r} are not JSON: {error}") from None
        if given is None:
            given = dict[str, Any]()
        if not is_mapping(given):
            raise WriteError(f"the input's columns of {row.custom_id!r} are not an object")
        joined.append(given)
    return joined


def check_known(rows: Iterable[Mapping[str, Any]], known: AbstractSet[str]) -> None:
    """Check that the input's columns of rows are those that a table was begun with.

    Args:
        rows: The columns of each row.
        known: The names of those that the table has.

    Raises:
        WriteError: Others came later, and would be lost.
    """
    unknown = set[str]().union(*rows) - known
    if unknown:
        told = ", ".join(map(repr, sorted(unknown)))
        raise WriteError(
            f"the input's columns {told} came after the first rows, with which the table was begun: name them in types="
        )
