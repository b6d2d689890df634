"""Tables: requests of them, and results to them."""

from __future__ import annotations

from ._answers import AnswerType, answer_name, answer_type, check_answer, json_answers, same_answers
from ._errors import (
    AnswerTypeError,
    CachePrefixWarning,
    MissingExtraError,
    SourceError,
    TableError,
    TemplateError,
    UnparsableAnswerError,
    WriteError,
)
from ._requests import SourceRow, checked_limit, read_source
from ._write import SCHEMA, ResultRow, write

__all__ = [
    "SCHEMA",
    "AnswerType",
    "AnswerTypeError",
    "CachePrefixWarning",
    "MissingExtraError",
    "ResultRow",
    "SourceError",
    "SourceRow",
    "TableError",
    "TemplateError",
    "UnparsableAnswerError",
    "WriteError",
    "answer_name",
    "answer_type",
    "check_answer",
    "checked_limit",
    "json_answers",
    "read_source",
    "same_answers",
    "write",
]
