"""Prompt templates: text with the fields of a row."""

from __future__ import annotations

import json
import os
import re
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from ._errors import TemplateError
from ._extras import require
from ._shapes import is_mapping, is_sequence

__all__ = ["Engine", "FormatTemplate", "JinjaTemplate", "Template", "check_columns_used", "template_of"]

Engine = Literal["format", "jinja"]

_FINAL_NEWLINE = re.compile(r"\r?\n\Z")


class Template(Protocol):
    """Anything that makes a prompt of a row."""

    def render(self, row: Mapping[str, Any], /) -> str:
        """Return the prompt of a row.

        Args:
            row: The row's columns.

        Raises:
            TemplateError: The row lacks a column, or a value doesn't take its format.
        """
        ...


def template_of(template: str | os.PathLike[str] | Template, engine: Engine | None = None) -> Template:
    """Return a template, read and parsed once.

    A newline at its end is left out, since editors put one there: a file and its text make the same requests, in both
    languages. Of several newlines one is left out.

    Args:
        template: Its text, a file that holds it, or a template made already.
        engine: The language of the text. By default `jinja` for a file whose name ends in `.j2`, `.jinja` or
            `.jinja2`, and `format` for anything else.

    Raises:
        TemplateError: It is malformed, or its file can't be read.
        MissingExtraError: It needs Jinja, which is not installed.
    """
    if isinstance(template, str):
        text = template
    elif isinstance(template, os.PathLike):
        path = Path(template)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TemplateError(f"the template {str(path)!r} can't be read: {error}") from None
        if engine is None and path.suffix.lower() in (".j2", ".jinja", ".jinja2"):
            engine = "jinja"
    else:
        return template
    text = _FINAL_NEWLINE.sub("", text)
    return JinjaTemplate(text) if engine == "jinja" else FormatTemplate(text)


def check_columns_used(template: Template, example: str | None = None) -> None:
    """Refuse a template without any column: all rows would have one prompt, and be paid for as one request each.

    Args:
        template: The template.
        example: A column of the table.

    Raises:
        TemplateError: It has no column.
    """
    if not isinstance(template, FormatTemplate) or template.columns:
        return
    text = template.text
    name = "column" if example is None else example
    if re.search(r"\{\{.*\}\}", text, re.DOTALL):
        advice = (
            f"Doubled braces stand for single ones here: write {{{name}}}, or take the language of Jinja, with "
            'engine="jinja" or a file whose name ends in .j2.'
        )
    else:
        advice = "Give the text of the template, and not the name of its file."
    shown = text if len(text) <= 100 else f"{text[:100]}…"
    raise TemplateError(
        f"the template is {shown!r}, which has no column, such as {{{name}}}: all rows would have one prompt. {advice}"
    )


_Piece = tuple[str, "Callable[[Mapping[str, Any]], str] | None"]


class FormatTemplate:
    """A template in the language of `str.format`, without access to attributes.

    `{column}`, `{column[key]}`, `{column.key}` (the same: a key, never an attribute), `{column!r}`, `{column:.2f}`;
    braces are written `{{` and `}}`. Values are inserted as they are: braces in them mean nothing. A value that is
    a list or a mapping is inserted as JSON, `None` as nothing.

    Args:
        text: The template.

    Raises:
        TemplateError: It is malformed.
    """

    def __init__(self, text: str) -> None:
        self._pieces: list[_Piece] = []
        self.text = text
        """The template as it was given."""
        self.columns: list[str] = []
        """The columns that a row has to have."""
        try:
            for literal, field, spec, conversion in string.Formatter().parse(text):
                if field is not None:
                    self.columns.append(str(_path(field)[0]))
                getter = None if field is None else _getter(field, spec or "", conversion)
                self._pieces.append((literal, getter))
        except ValueError as error:
            raise TemplateError(f"the template is malformed: {error}") from None

    def render(self, row: Mapping[str, Any], /) -> str:
        """Return the prompt of a row; see `Template.render`."""
        return "".join(
            [literal if getter is None else literal + getter(row) for literal, getter in self._pieces]
        )


def _getter(field: str, spec: str, conversion: str | None) -> Callable[[Mapping[str, Any]], str]:
    first, *keys = _path(field)
    if not isinstance(first, str) or not first:
        raise TemplateError(f"the template's field {{{field}}} names no column; write {{column}}")
    if "{" in spec:
        raise TemplateError(f"the template's field {{{field}}} has a nested format, which is not supported")
    if conversion not in (None, "s", "r", "a"):
        raise TemplateError(f"the template's field {{{field}}} has an unknown conversion !{conversion}")

    def get(row: Mapping[str, Any]) -> str:
        try:
            value = row[first]
        except KeyError:
            columns = ", ".join(map(repr, row)) or "none"
            raise TemplateError(
                f"there is not a column {first!r} for the template; columns: {columns}"
            ) from None
        for key in keys:
            value = _item(value, key, field)
        if conversion is not None:
            value = repr(value) if conversion == "r" else ascii(value) if conversion == "a" else str(value)
        if spec:
            try:
                return format(value, spec)
            except (ValueError, TypeError) as error:
                raise TemplateError(
                    f"the value of {{{field}}} doesn't take the format {spec!r}: {error}"
                ) from None
        return _text(value)

    return get


def _path(field: str) -> list[str | int]:
    keys: list[str | int] = []
    head, *rest = field.replace("[", ".[").split(".")
    keys.append(head)
    for part in rest:
        if not part.startswith("["):
            key: str | int = part
        elif not part.endswith("]"):
            raise TemplateError(f"the template's field {{{field}}} has a bracket that is not closed")
        else:
            key = part[1:-1]
            key = int(key) if key.isdigit() else key
        if key == "":
            raise TemplateError(f"the template's field {{{field}}} has an empty key")
        keys.append(key)
    return keys


def _item(value: Any, key: str | int, field: str) -> Any:
    if is_mapping(value):
        # Keys of a mapping may be numbers, too.
        for candidate in (cast("str", key), str(key)):
            if candidate in value:
                return value[candidate]
    elif is_sequence(value) and isinstance(key, int) and key < len(value):
        return value[key]
    raise TemplateError(f"the template's field {{{field}}} has no item {key!r} in this row")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


class JinjaTemplate:
    """A Jinja template in Jinja's sandbox: no attribute that leads out of the values, no writing to them.

    A column that a row lacks is an error. Nothing is escaped: prompts are not HTML.

    Args:
        text: The template.

    Raises:
        TemplateError: It is malformed.
        MissingExtraError: Jinja is not installed.
    """

    def __init__(self, text: str) -> None:
        jinja2 = require("jinja2", "templates", "a Jinja template")
        sandbox = require("jinja2.sandbox", "templates", "a Jinja template")
        self._error: type[Exception] = jinja2.TemplateError
        environment = sandbox.ImmutableSandboxedEnvironment(
            undefined=jinja2.StrictUndefined, keep_trailing_newline=True
        )
        try:
            self._template = environment.from_string(text)
        except self._error as error:
            raise TemplateError(f"the Jinja template is malformed: {error}") from None

    def render(self, row: Mapping[str, Any], /) -> str:
        """Return the prompt of a row; see `Template.render`."""
        try:
            rendered: str = self._template.render(row)
        # A template is code: its expressions on a row's values may raise anything.
        except Exception as error:
            raise TemplateError(f"the Jinja template failed: {type(error).__name__}: {error}") from None
        return rendered
