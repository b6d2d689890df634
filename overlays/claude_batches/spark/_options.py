"""Options of the data source. Spark shows them in plans and logs, so none of them is a secret."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal, cast

import attrs
import orjson

from ..jobs import JobOptionsError
from ..jobs._opening import ledger_of
from ..jobs._tables._extras import optional
from ._client import ClientConfig

__all__ = ["ReadOptions", "WriteOptions"]

_CHOICES = {"ids": ("derived", "own"), "engine": ("format", "jinja"), "cache": ("5m", "1h", "none")}
#: Names that people give to credentials.
_SECRETS = frozenset(
    (
        "anthropic_api_key",
        "anthropic_auth_token",
        "api_key",
        "apikey",
        "auth_token",
        "key",
        "password",
        "token",
    )
)


@attrs.frozen(kw_only=True)
class WriteOptions:
    """Options of a write."""

    job: str
    """The name of the job; without a ledger, its folder."""
    stage: str
    """The folder that tasks write to: a path that all machines share, or a URL such as `s3://bucket/stage`."""
    ledger: str | None = None
    """The DSN of a PostgreSQL database without a password, or `env:NAME`; none for a folder on this machine."""
    ids: Literal["derived", "own"] | None = None
    """The custom_ids on the wire of a new job."""
    template: str | None = None
    """The text of the prompt's template."""
    engine: Literal["format", "jinja"] | None = None
    """The language of the template."""
    system: str | None = None
    """A system text for all rows."""
    cache: Literal["5m", "1h"] | None = "1h"
    """The time to live of the cached system text; `none` leaves it uncached."""
    id_column: str | None = None
    """The column that the custom_id is taken from."""
    model: str | None = None
    """The model of rows that name none."""
    max_tokens: int | None = None
    """The `max_tokens` of rows that name none."""
    params: Mapping[str, Any] | None = None
    """Params for all rows, as JSON."""
    attachments: tuple[str, ...] = ()
    """Columns with paths of images and PDFs, separated by commas."""
    base: str | None = None
    """The folder that relative paths of attachments start from."""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> WriteOptions:
        """Parse options.

        Raises:
            JobOptionsError: One is missing, unknown, malformed, or a secret.
        """
        values: dict[str, Any] = _checked(cls, given)
        if not values.get("stage"):
            raise JobOptionsError('give the stage: option("stage", "s3://bucket/stage")')
        if "max_tokens" in values:
            values["max_tokens"] = _number("max_tokens", values["max_tokens"])
        if "params" in values:
            values["params"] = _object("params", values["params"])
        if "attachments" in values:
            values["attachments"] = _names(values["attachments"])
        if values.get("cache", "").lower() in ("none", "false"):
            values["cache"] = None
        for name, choices in _CHOICES.items():
            if (value := values.get(name)) is not None and value not in choices:
                raise JobOptionsError(f"{name} must be {' or '.join(choices)}; got {value!r}")
        return cls(**values)

    def source(self) -> dict[str, Any]:
        """Return how rows become requests, as `stage` takes it."""
        params = dict(self.params or {})
        if self.max_tokens is not None:
            params["max_tokens"] = self.max_tokens
        found: dict[str, Any] = {
            "template": self.template,
            "engine": self.engine,
            "system": self.system,
            "id_column": self.id_column,
            "model": self.model,
            "base": self.base,
            "cache": self.cache,
            "params": params,
            "attachments": self.attachments,
        }
        return {name: value for name, value in found.items() if value is not None or name == "cache"}


@attrs.frozen(kw_only=True)
class ReadOptions:
    """Options of a read."""

    job: str
    """The name of the job; without a ledger, its folder."""
    ledger: str | None = None
    """The DSN of a PostgreSQL database without a password, or `env:NAME`; none for a folder on this machine."""
    columns: tuple[str, ...] | None = None
    """The columns to read, separated by commas; all by default."""
    push_filters: bool = False
    """Takes filters on `status` and `batch_id`; Spark's `spark.sql.python.filterPushdown.enabled` has to be on."""
    uncollected: bool = False
    """Reads batches that have ended and are not collected from the API, too."""
    latest: bool = False
    """Reads one row for each custom_id, with the columns that were written last."""
    client: ClientConfig = attrs.field(factory=ClientConfig)

    @classmethod
    def of(cls, given: Mapping[str, str]) -> ReadOptions:
        """Parse options.

        Raises:
            JobOptionsError: One is missing, unknown, malformed, or a secret.
        """
        of_client = [each.name for each in attrs.fields(ClientConfig)]
        values: dict[str, Any] = _checked(cls, given, more=of_client, without=("client",))
        client = ClientConfig(**{name: values.pop(name) for name in of_client if name in values})
        if "columns" in values:
            values["columns"] = _names(values["columns"])
            if not values["columns"]:
                raise JobOptionsError("columns is empty: name some, separated by commas, or leave it out")
        for name in ("push_filters", "uncollected", "latest"):
            if name in values:
                values[name] = _flag(name, values[name])
        return cls(**values, client=client)


def _checked(
    kind: type[Any], given: Mapping[str, str], more: list[str] | None = None, without: tuple[str, ...] = ()
) -> dict[str, str]:
    """Return options by name, after a look at the names and at the ledger."""
    known = [*(each.name for each in attrs.fields(kind) if each.name not in without), *(more or [])]
    values: dict[str, str] = {}
    for name, value in given.items():
        name = name.lower()
        if name in _SECRETS:
            raise JobOptionsError(
                f"{name} can't be an option: Spark shows options in plans and logs. Writing needs no key. Reading of "
                "uncollected batches takes it from ANTHROPIC_API_KEY in the environment of the workers, or from a "
                'mounted secret: option("key_file", PATH)'
            )
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f": did you mean {near[0]}?" if near else f"; options are {', '.join(known)}"
            raise JobOptionsError(f"{name} is not an option of claude_batches{hint}")
        values[name] = value
    if not values.get("job"):
        raise JobOptionsError('name the job: option("job", "tickets")')
    if values.get("ledger"):
        _check_ledger(values["ledger"])
    return values


def _check_ledger(ledger: str) -> None:
    """Refuse a DSN that has a password.

    Raises:
        JobOptionsError: It has one.
    """
    if ledger.startswith("env:"):
        return
    ledger_of(ledger)
    psycopg: Any = optional("psycopg.conninfo")
    if psycopg is None:
        # Opening it says that the extra is missing.
        return
    try:
        parts = psycopg.conninfo_to_dict(ledger)
    except Exception:
        # The message may repeat a part of it.
        raise JobOptionsError("ledger is not the DSN of a PostgreSQL database") from None
    if parts.keys() & {"password", "sslpassword"}:
        raise JobOptionsError(
            "ledger has a password, and Spark shows options in plans and logs: leave it out of the DSN, and set "
            'PGPASSWORD or PGPASSFILE where drivers and workers run; or use option("ledger", "env:NAME") with the name '
            "of a variable that has the DSN"
        )


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise JobOptionsError(f"{name} must be a number; got {text!r}") from None


def _flag(name: str, text: str) -> bool:
    found = {"true": True, "false": False}.get(text.lower())
    if found is None:
        raise JobOptionsError(f"{name} must be true or false; got {text!r}")
    return found


def _object(name: str, text: str) -> dict[str, Any]:
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise JobOptionsError(f"{name} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise JobOptionsError(f"{name} must be a JSON object; got {text:.50}")
    return cast("dict[str, Any]", value)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
