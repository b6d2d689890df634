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

Columns of the input follow. One with a name of this table has `input_` before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import attrs
import orjson

from ._answers import AnswerType
from ._errors import UnparsableAnswerError, WriteError
from ._parsed import ParsedLine, ParsedUsage, line_parser
from ._shapes import is_mapping

__all__ = ["SCHEMA", "ColumnBuilder", "Pricer", "ResultRow", "input_columns", "joined_name"]

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

#: Rows that are parsed at once: so few that their objects stay in the processor's cache, which halves the time.
SLICE_ROWS = 256

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
    return f"input_{name}" if name in SCHEMA else name


class _NoUsage:
    """The usage of a result without a message."""

    input_tokens = output_tokens = cache_creation_input_tokens = cache_read_input_tokens = None
    cache_creation = output_tokens_details = server_tool_use = service_tier = None


class _NoMessage:
    """The message of a result without one."""

    model = stop_reason = None
    content: tuple[()] = ()
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

    raw: bool
    answers: AnswerType | None = None
    pricer: Pricer | None = None

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [name for name in SCHEMA if self.raw or name != "raw"]

    def build(self, rows: Sequence[ResultRow]) -> dict[str, list[Any]]:
        """Return the columns of rows; `raw` as the bytes of whole lines.

        Args:
            rows: The rows.

        Raises:
            WriteError: A line is not a result.
        """
        columns: dict[str, list[Any]] = {name: [] for name in self.names}
        extend = [column.extend for column in columns.values()]
        for start in range(0, len(rows), SLICE_ROWS):
            built = self._slice(rows[start : start + SLICE_ROWS])
            for add, name in zip(extend, columns, strict=True):
                add(built[name])
        return columns

    def _slice(self, rows: Sequence[ResultRow]) -> dict[str, Sequence[Any]]:
        """Return the columns of some rows.

        Each column is made by one comprehension or `map`, in half the time of a dict for each row.
        """
        lines, ids, batches, attempts, _ = zip(*rows, strict=True)
        parsed = self._parse(lines)
        results: list[Any] = list(map(_RESULT, parsed))
        messages: list[Any] = [message or _NO_MESSAGE for message in map(_MESSAGE, results)]
        usages: list[Any] = list(map(_USAGE, messages))
        # Most results have no error, and most usages no details: their columns are made only where there are some.
        nothing: list[None] = [None] * len(rows)
        errors: list[Any] = list(map(_ERROR, results))
        kinds: Sequence[Any] = nothing
        told: Sequence[Any] = nothing
        requests: Sequence[Any] = nothing
        if errors.count(None) < len(errors):
            inner: list[Any] = [None if error is None else error.error for error in errors]
            kinds = [None if each is None else each.type for each in inner]
            told = [None if each is None else each.message for each in inner]
            requests = [None if each is None else each.request_id for each in errors]
        creations: list[Any] = list(map(_CREATION, usages))
        details: list[Any] = list(map(_DETAILS, usages))
        tools: list[Any] = list(map(_TOOLS, usages))
        own: list[Any] = [line.custom_id for line in parsed]
        texts = [_text(message) for message in messages]
        columns: dict[str, Sequence[Any]] = {
            "custom_id": own
            if ids.count(None) == len(ids)
            else [theirs if mine is None else mine for mine, theirs in zip(ids, own, strict=True)],
            "result_type": list(map(_TYPE, results)),
            "text": texts,
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
        if self.answers is not None:
            self._check(self.answers, results, columns)
        if self.pricer is not None:
            price = self.pricer
            columns["cost"] = [
                None if message is _NO_MESSAGE else price(message.model, message.usage)
                for message in messages
            ]
        if self.raw:
            columns["raw"] = lines
        return columns

    def _parse(self, lines: Sequence[bytes | None]) -> list[ParsedLine]:
        parse = line_parser()
        return [_MISSING if line is None else parse(line) for line in lines]

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


def _text(message: Any) -> str | None:
    content = message.content
    if len(content) == 1:
        block = content[0]
        return block.text if block.type == "text" and block.text is not None else ""
    if message is _NO_MESSAGE:
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
