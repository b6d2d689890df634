"""Requests, as users give them to a job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

import orjson

from ._errors import JobRequestError
from ._ids import OWN_ID, derived_id, key_of, params_key
from ._lines import OWN_ID_COLUMN, params_start, write_line
from ._tables._requests import SourceRow

__all__ = ["Given", "Request", "Rows", "encode_params", "given_of", "prepare"]


class Given(NamedTuple):
    """A row of a table as a request."""

    custom_id: str
    params: Mapping[str, Any]
    columns: dict[str, Any]
    row: int | None
    """The number of the row in its source; `None` where rows have no order."""


def given_of(row: SourceRow) -> Given:
    """Return a row of a table as a request.

    Args:
        row: The row.
    """
    if row.shared:
        columns = {**row.columns, OWN_ID_COLUMN: row.custom_id}
        return Given(derived_id(row.key), row.params, columns, row.position)
    return Given(row.custom_id, row.params, row.columns, row.position)


class Rows:
    """The rows of a table as requests.

    Args:
        source: The rows, as `read_source` returns them.
    """

    def __init__(self, source: Iterable[SourceRow]) -> None:
        self._source = source
        self.where = ""
        """The place of the last one."""

    def __iter__(self) -> Iterator[Given]:
        """Yield the requests."""
        for row in self._source:
            self.where = row.where
            yield given_of(row)


class Request(NamedTuple):
    """A request, checked and written."""

    at: int
    """Its index in the call."""
    custom_id: str
    key: bytes
    """The key that its row is found by."""
    line: bytes
    """The line on disk."""
    params_size: int
    model: str
    max_tokens: int
    row: int | None = None
    """The number of the row in its source, for a row of a table."""
    columns: bytes = b"{}"
    """JSON of its columns."""


def prepare(index: int, given: Any, *, own_ids: bool) -> Request:
    """Check and write a request.

    Args:
        index: Its index in the call, for messages.
        given: `{"custom_id": ..., "params": ...}`, with other properties or not, or params alone.
        own_ids: Its id is sent as it is.

    Raises:
        JobRequestError: It can't be sent.
    """
    return _usual(index, given, own_ids=own_ids) or _any(index, given, own_ids=own_ids)


def _usual(index: int, given: Any, *, own_ids: bool) -> Request | None:
    """Write a request of the usual form at once; `None` for one of another form, or with a mistake.

    A million requests come through here: the checks of `_any` would take twice as long.
    """
    if given.__class__ is not dict or len(given) != 2:
        return None
    custom_id, params = given.get("custom_id"), given.get("params")
    if custom_id.__class__ is not str or not custom_id or params.__class__ is not dict:
        return None
    if "stream" in params or "betas" in params or (own_ids and not OWN_ID.fullmatch(custom_id)):
        return None
    try:
        # A copy, since orjson's own bytes keep the room of a kilobyte or more.
        line = b"%b" % orjson.dumps(given, _plain)
    except TypeError:
        return None
    start = params_start(line)
    if start is None:
        return None
    model, most = _facts(params)
    return Request(index, custom_id, key_of(custom_id), line, len(line) - start - 1, model, most)


def _facts(params: Mapping[str, Any]) -> tuple[str, int]:
    """Return the model and `max_tokens` of params, as far as they are such."""
    model, most = params.get("model"), params.get("max_tokens")
    return model if isinstance(model, str) else "", most if isinstance(most, int) else 0


def _any(index: int, given: Any, *, own_ids: bool) -> Request:
    row, extra = None, None
    if isinstance(given, Given):
        row, extra = given.row, given.columns
        given = {"custom_id": given.custom_id, "params": given.params}
    given = _as_dict(given)
    if not isinstance(given, dict | Mapping):
        raise JobRequestError(
            index,
            None,
            f"a request is a dict with custom_id and params, or params alone; got {type(given).__name__}",
        )
    request = cast("Mapping[str, Any]", given)
    custom_id = request.get("custom_id")
    if custom_id is not None and (not isinstance(custom_id, str) or not custom_id):
        raise JobRequestError(
            index, None, f"custom_id must be text; got {type(custom_id).__name__} {custom_id!r:.50}"
        )
    if "params" in request:
        params: Any = request["params"]
        if row is None and (len(request) > 2 or custom_id is None):
            extra = {name: value for name, value in request.items() if name not in ("custom_id", "params")}
    elif custom_id is None:
        params = request
    else:
        raise JobRequestError(index, custom_id, "it has no params")
    params = _as_dict(params)
    if not isinstance(params, dict | Mapping):
        raise JobRequestError(index, custom_id, f"params must be a dict; got {type(params).__name__}")
    params = cast("Mapping[str, Any]", params)
    _check_params(index, custom_id, params)
    try:
        written = encode_params(params)
        if custom_id is None:
            custom_id = derived_id(
                params_key(orjson.dumps(orjson.loads(written), option=orjson.OPT_SORT_KEYS))
            )
        columns = b"%b" % orjson.dumps(extra, _plain) if extra else b"{}"
    except TypeError as error:
        raise JobRequestError(
            index, custom_id, f"it can't be written as JSON: {error.__cause__ or error}"
        ) from None
    if own_ids and not OWN_ID.fullmatch(custom_id):
        raise JobRequestError(
            index,
            custom_id,
            "the API takes ids of 1 to 64 letters, digits, hyphens or underscores; derived ids "
            '(ids="derived", the default) may be any text',
        )
    try:
        custom_id.encode()
    except UnicodeEncodeError:
        raise JobRequestError(
            index, None, f"custom_id {custom_id!a} is not text: it has half a character"
        ) from None
    return Request(
        index,
        custom_id,
        key_of(custom_id),
        write_line(custom_id, written, columns, row),
        len(written),
        *_facts(params),
        row,
        columns,
    )


def encode_params(params: Mapping[str, Any]) -> bytes:
    """Write params as JSON.

    Raises:
        TypeError: Something in them has no JSON.
    """
    return orjson.dumps(params, _plain)


def _check_params(index: int, custom_id: str | None, params: Mapping[str, Any]) -> None:
    if params.get("stream", False) is not False:
        raise JobRequestError(index, custom_id, "params has stream, and a batch can't stream: leave it out")
    if "betas" in params:
        raise JobRequestError(
            index,
            custom_id,
            "params has betas, for which the API refuses the whole batch: set the anthropic-beta header of the client",
        )


def _as_dict(value: Any) -> Any:
    # Nearly all are dicts, for which the other tests cost as much as writing them.
    return value.to_dict() if value.__class__ is not dict and hasattr(value, "to_dict") else value


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    # Any for mypy is a type with unknown arguments for pyright.
    several: Any = value
    if isinstance(value, Mapping):
        return dict(several)
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray):
        return list(several)
    raise TypeError(f"{type(value).__name__} is not JSON")
