"""Errors of tables."""

from __future__ import annotations

from ..._errors import ConfigurationError
from .._errors import JobError

__all__ = [
    "AnswerTypeError",
    "CachePrefixWarning",
    "MissingExtraError",
    "SourceError",
    "TableError",
    "TemplateError",
    "UnparsableAnswerError",
    "WriteError",
]


class TableError(JobError, ValueError):
    """A table of requests or results can't be read or written."""


class SourceError(TableError):
    """A row of a source can't become a request."""

    def __init__(self, message: str, where: str | None = None, lacks: str | None = None) -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.lacks = lacks
        """The param that the request lacks, where that is the error."""
        self.where = where
        """The position of the row: a file with its line, or the row's number from 0."""


class TemplateError(TableError):
    """A template is malformed, or names a column that a row doesn't have."""


class WriteError(TableError):
    """A table can't be written: its file can't be, because the disk is full, say; or a row doesn't fit into it."""


class AnswerTypeError(TableError, TypeError):
    """An output type that can't be described by a JSON schema."""


class UnparsableAnswerError(TableError):
    """An answer is not of the output type."""


class MissingExtraError(ConfigurationError, ImportError):
    """A package that an extra of this one installs is missing."""

    def __init__(self, message: str, package: str | None = None) -> None:
        super().__init__(message)
        self.package = package
        """The package."""


class CachePrefixWarning(UserWarning):
    """A cached system text is shorter than the model's shortest cacheable prefix, so nothing is cached."""
