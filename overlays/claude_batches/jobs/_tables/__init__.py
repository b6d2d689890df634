"""Tables: requests of them, and results to them."""

from __future__ import annotations

from ._answers import AnswerType, answer_type, check_answer
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
from ._requests import SourceRow, read_source
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
    "answer_type",
    "check_answer",
    "read_source",
    "write",
]
