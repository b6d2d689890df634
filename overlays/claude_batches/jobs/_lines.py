"""Lines: one request of a shard, as it is kept on disk and as it is sent.

A line on disk is `{"custom_id":…,"params":…}` with the user's id. Requests with other properties (columns of a table,
say) have these before, so that a line's beginning tells its form. The sent line has the derived id and the params
alone. Its params are the same bytes, so nothing is parsed or written twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

__all__ = ["ENVELOPE", "SEPARATOR", "read_line", "sent_request", "sent_size", "split_line", "write_line"]

#: Bytes of a body besides its lines, and between two of them, as the client writes it.
ENVELOPE = len(b'{"requests":[]}')
SEPARATOR = len(b",\n")

_PLAIN = b'{"custom_id":'
_PARAMS = b',"params":'
_AROUND = len(_PLAIN) + len('""') + len(_PARAMS) + len("}")


def write_line(custom_id: str, params: bytes, extra: Mapping[str, Any] | None = None) -> bytes:
    """Write a line, without its newline.

    Args:
        custom_id: The user's id.
        params: The params as JSON.
        extra: Other properties of the request, kept and not sent.
    """
    head = orjson.dumps(custom_id)
    if not extra:
        return b"".join((_PLAIN, head, _PARAMS, params, b"}"))
    return b"".join((b'{"extra":', orjson.dumps(extra), b',"custom_id":', head, _PARAMS, params, b"}"))


def split_line(line: bytes) -> tuple[str, bytes]:
    """Return the user's id and the params' JSON of a line."""
    if line.startswith(_PLAIN):
        # A quote within a JSON string has a backslash before it, so the first match is the end of the id.
        head, _, tail = line.partition(_PARAMS)
        custom_id: str = orjson.loads(head[len(_PLAIN) :])
        return custom_id, tail[:-1]
    wire = orjson.loads(line)
    return wire["custom_id"], orjson.dumps(wire["params"])


def read_line(line: bytes) -> dict[str, Any]:
    """Return the request of a line as it was added."""
    wire: dict[str, Any] = orjson.loads(line)
    extra = wire.pop("extra", None)
    return {**extra, **wire} if extra else wire


def sent_request(custom_id: str, params: bytes) -> dict[str, Any]:
    """Return a request for the client, with its params as they are on disk."""
    return {"custom_id": custom_id, "params": orjson.Fragment(params)}


def sent_size(id_size: int, params_size: int) -> int:
    """Return the size of a sent line.

    Args:
        id_size: The size of its custom_id, which is ASCII.
        params_size: The size of its params.
    """
    return _AROUND + id_size + params_size
