"""Requests of a table: one for each of its rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import GeneratorType
from typing import Any

import attrs

from .._errors import JobOptionsError
from .._ids import OWN_ID, derived_id
from ._answers import AnswerType, answer_type
from ._errors import SourceError, TableError, TemplateError
from ._json import key_of, loads_text
from ._media import media_block
from ._openai import is_openai, translate
from ._records import Record, SourceFormat, records
from ._shapes import is_array, is_mapping, is_object, is_path, is_sequence, object_of
from ._system import Ttl, cached_system, warn_of_short_prefix
from ._template import Engine, Template, check_columns_used, template_of

__all__ = ["SourceRow", "checked_limit", "read_source"]

#: Columns of the request form, which are not joined with the results.
_REQUEST = ("params", "request")


@attrs.frozen
class SourceRow:
    """One request, and the row that it was made of."""

    position: int
    """The number of the row in its source, from 0."""
    custom_id: str
    params: dict[str, Any]
    columns: dict[str, Any]
    """The row's columns, to be joined with its result."""
    key: bytes
    """The dedupe key: 16 bytes, equal for equal params."""
    where: str = attrs.field(default="", eq=False)
    """The place of the row, such as its file and line."""
    shared: bool = False
    """True if it shares its request with rows with equal params, though it has an id of its own."""


def read_source(
    source: object,
    *,
    template: str | os.PathLike[str] | Template | None = None,
    engine: Engine | None = None,
    system: str | None = None,
    cache: Ttl | None = "1h",
    id_column: str | None = None,
    model: str | None = None,
    params: Mapping[str, Any] | None = None,
    attachments: Sequence[str] = (),
    base: str | os.PathLike[str] | None = None,
    output: type[Any] | AnswerType | None = None,
    dedupe: bool | None = None,
    own_ids: bool = False,
    format: SourceFormat | None = None,
    limit: int | None = None,
) -> Iterator[SourceRow]:
    """Return the requests of a table, one by one, in flat memory.

    With a template each row is a request to `model` whose prompt is the rendered template. Without one the rows
    are requests already: `{"custom_id": ..., "params": {...}}` (params may be JSON text, or be called `request`),
    or lines of OpenAI's batch files.

    Args:
        source: A path (JSONL, CSV, TSV, Parquet; the first three plain, `.gz` or `.zst`), an open file, an object
            with the Arrow C stream interface, or an iterable of mappings.
        template: The prompt's template; see `template_of`.
        engine: The template's language.
        system: A system text for rows that have none.
        cache: The time to live of the cached system text, `None` to leave it uncached.
        id_column: The column that the custom_id is taken from; by default `custom_id`, if there is one. Without it
            the id is derived from the params, so that it is the same in each run.
        model: The model for rows that name none, and for all rows in OpenAI's form.
        params: Params for all rows; those of a row come first.
        attachments: Columns with paths of images and PDFs, one or a list, which are put before the prompt.
        base: The folder that relative paths of attachments start from; by default the source's, else the current.
        output: The type that answers are to have; see `answer_type`.
        dedupe: The rows with equal params that are paid for once, each of which gets the result. `None`: those
            without ids, since ids tell that each is wanted. `True`: those with ids as well. `False`: none; a derived id
            then has the row's position in it. Keep to one value in a job. Rows with ids that were added without
            `True` are paid for again when they are added with it, and the other way round.
        own_ids: Holds the ids of the column to the API's rule; by default any text is taken, for jobs that derive
            the id that is sent.
        format: The format of a file whose name doesn't tell it.
        limit: The number of rows that are read, from the first one on; by default all.

    Raises:
        SourceError: The source can't be read; or a row can't become a request, while iterating. The message has
            the place of the row.
        TemplateError: The template is malformed, has no column, or doesn't fit a row.
        AnswerTypeError: The output type has no JSON schema.
        JobOptionsError: `dedupe=True` together with `own_ids`, or a negative `limit`.
        MissingExtraError: A package of an extra is missing.
    """
    if dedupe and own_ids:
        raise JobOptionsError(
            "dedupe=True sends one request for several rows, and so none of their own ids: leave out dedupe, or make "
            'the job with ids="derived" (the default), by which each row keeps its id in the results'
        )
    base_folder = None if base is None else Path(base)
    if base_folder is None and is_path(source):
        base_folder = Path(source).parent
    defaults = dict(params or {})
    if model is not None:
        defaults["model"] = model
    parsed = None if template is None else template_of(template, engine)
    if parsed is not None and not attachments:
        check_columns_used(parsed)
    build = _Builder(
        template=parsed,
        system=system,
        cache=cache,
        model=model,
        defaults=defaults,
        attachments=tuple(attachments),
        base=base_folder,
        answers=None if output is None else answer_type(output),
    )
    return _rows(
        records(source, format),
        build.params,
        id_column,
        dedupe=dedupe,
        own_ids=own_ids,
        limit=checked_limit(limit),
    )


def checked_limit(limit: int | None) -> int | None:
    """Return a number of rows, `None` for all.

    Raises:
        JobOptionsError: It is negative.
    """
    if limit is not None and limit < 0:
        raise JobOptionsError(f"limit is a number of rows, 0 or more; got {limit}")
    return limit


def _rows(
    source: Iterator[Record],
    build: Callable[[Record], dict[str, Any]],
    id_column: str | None,
    *,
    dedupe: bool | None,
    own_ids: bool,
    limit: int | None,
) -> Iterator[SourceRow]:
    try:
        yield from _requests_of(islice(source, limit), build, id_column, dedupe=dedupe, own_ids=own_ids)
    finally:
        # In its order: the collector of garbage may close a file before the rows that are read from it.
        if isinstance(source, GeneratorType):
            source.close()


def _requests_of(
    source: Iterator[Record],
    build: Callable[[Record], dict[str, Any]],
    id_column: str | None,
    *,
    dedupe: bool | None,
    own_ids: bool,
) -> Iterator[SourceRow]:
    for position, record in enumerate(source):
        values = record.values
        try:
            params = build(record)
            key = key_of(params)
            if id_column is not None and id_column not in values:
                columns = ", ".join(map(repr, values)) or "none"
                raise SourceError(
                    f"there is not a column {id_column!r} for the custom_id; columns: {columns}"
                )
            named = values.get(id_column or "custom_id")
            if named is not None and not (named == "" and id_column is None):
                custom_id = _checked_id(named, own=own_ids)
            elif id_column is not None:
                raise SourceError(f"the column {id_column!r} is empty, and the custom_id is taken from it")
            else:
                custom_id = derived_id(key, position if dedupe is False else None)
                named = None
        except TableError as error:
            raise _placed(error, record.where) from None
        shared = dedupe is True and named is not None
        yield SourceRow(position, custom_id, params, _joined(values), key, record.where, shared)


def _placed(error: TableError, where: str) -> TableError:
    if isinstance(error, TemplateError):
        return TemplateError(f"{where}: {error}")
    return SourceError(str(error), where, getattr(error, "lacks", None))


def _joined(values: dict[str, Any]) -> dict[str, Any]:
    left_out = {"custom_id", *(name for name in _REQUEST if name in values)}
    if is_openai(values):
        left_out |= {"body", "method", "url"}
    return {name: value for name, value in values.items() if name not in left_out}


def _checked_id(value: object, *, own: bool) -> str:
    custom_id = value if isinstance(value, str) else str(value) if isinstance(value, int) else None
    if custom_id is None:
        raise SourceError(f"the custom_id {value!r} is not text but {type(value).__name__}")
    if own and not OWN_ID.fullmatch(custom_id):
        raise SourceError(
            f"the custom_id {value!r} is not 1 to 64 ASCII letters, digits, hyphens and underscores; "
            "without an id column one is derived"
        )
    return custom_id


@attrs.define
class _Builder:
    """The params of each row."""

    template: Template | None
    system: str | None
    cache: Ttl | None
    model: str | None
    defaults: dict[str, Any]
    attachments: tuple[str, ...]
    base: Path | None
    answers: AnswerType | None
    _warned: set[str] = attrs.field(factory=set[str])

    def params(self, record: Record) -> dict[str, Any]:
        params = {**self.defaults, **self._own(record)}
        if self.system is not None and "system" not in params:
            params["system"] = self.system if self.cache is None else cached_system(self.system, self.cache)
            model = params.get("model")
            if self.cache is not None and isinstance(model, str) and model not in self._warned:
                self._warned.add(model)
                warn_of_short_prefix(model, self.system, params)
        if self.answers is not None:
            config = params.get("output_config")
            params["output_config"] = {
                **object_of(config),
                "format": self.answers.format,
            }
        for name in ("model", "max_tokens", "messages"):
            if name not in params:
                every = "a template" if name == "messages" else f"for all rows params={{{name!r}: ...}}"
                raise SourceError(f"the request has no {name}: give it in the row, or {every}", lacks=name)
        return params

    def _own(self, record: Record) -> dict[str, Any]:
        values = record.values
        if self.template is not None:
            content: list[dict[str, Any]] = [
                media_block(path, self.base) for column in self.attachments for path in _paths(values, column)
            ]
            prompt = self.template.render(values)
            if not prompt.strip():
                raise SourceError(
                    "the prompt is empty: leave such rows out of the table, or give a template with words of its own "
                    "beside the columns"
                )
            text = {"type": "text", "text": prompt}
            return {"messages": [{"role": "user", "content": [*content, text] if content else prompt}]}
        if is_openai(values):
            params = translate(values)
            if self.model is not None:
                params["model"] = self.model
            elif not str(params.get("model", "")).startswith("claude-"):
                raise SourceError(f"the model {params.get('model')!r} is not one of Claude's: give model=")
            return params
        for name in _REQUEST:
            if values.get(name) is not None:
                given = loads_text(values[name], name)
                if record.sparse:
                    given = _dense(given)
                if hasattr(given, "to_dict"):
                    given = given.to_dict()
                if not is_mapping(given):
                    raise SourceError(f"{name} is not an object but {type(given).__name__}")
                return dict(given)
        columns = ", ".join(map(repr, values)) or "none"
        raise SourceError(
            f"the row is not a request: it has neither params nor body (columns: {columns}). "
            "Give template= to make a prompt of its columns."
        )


def _paths(values: Mapping[str, Any], column: str) -> list[str]:
    if column not in values:
        raise SourceError(f"there is not a column {column!r} for attachments")
    value = values[column]
    if value is None or value == "":
        return []
    paths = value if is_sequence(value) else [value]
    for path in paths:
        if not is_path(path):
            raise SourceError(f"the column {column!r} holds {type(path).__name__} and not a path")
    return [os.fspath(path) for path in paths]


def _dense(value: Any) -> Any:
    """Return a value without the `None` that Arrow's structs have for absent fields."""
    if is_object(value):
        return {name: _dense(item) for name, item in value.items() if item is not None}
    if is_array(value):
        return [_dense(item) for item in value]
    return value
