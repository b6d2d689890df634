"""Ids: the custom_ids that are sent, and the keys that rows are found by.

A sent custom_id is derived as `TOKEN-SHARD-POSITION`. The token is random for each job, so the results of a batch
prove which job and shard it was made for, even if two jobs have equal ids and counts. A user's own ids can therefore
be any text. Where a user keeps own ids on the wire (`ids="own"`), the proof is that they are in the ledger.
"""

from __future__ import annotations

import re
import secrets
from hashlib import blake2b
from typing import Final, NamedTuple

__all__ = [
    "KEY_BYTES",
    "OWN_ID",
    "SentId",
    "derived_id",
    "key_of",
    "new_token",
    "params_key",
    "parse_sent_id",
    "sent_id",
    "twin_key",
]

#: The size of the keys that rows are found by.
KEY_BYTES: Final = 16

#: The form that the API asks of a custom_id.
OWN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_SENT = re.compile(r"([a-z2-7]{10})-(\d{1,9})-(\d{1,15})")


class SentId(NamedTuple):
    """A derived custom_id, taken apart."""

    token: str
    shard: int
    position: int


def new_token() -> str:
    """Return 50 random bits as 10 characters."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def sent_id(token: str, shard: int, position: int) -> str:
    """Derive the custom_id of a row."""
    return f"{token}-{shard}-{position}"


def parse_sent_id(custom_id: str) -> SentId | None:
    """Take a derived custom_id apart; `None` for an id of another form."""
    found = _SENT.fullmatch(custom_id)
    if found is None:
        return None
    token, shard, position = found.groups()
    return SentId(token, int(shard), int(position))


def key_of(custom_id: str) -> bytes:
    """Return the 16 bytes that a row is found by."""
    return blake2b(custom_id.encode(), digest_size=KEY_BYTES).digest()


def twin_key(key: bytes, row: int, columns: bytes) -> bytes:
    """Return the 16 bytes that a repeated row of a table is known by, so that adding it again changes nothing."""
    return blake2b(b"%b%d %b" % (key, row, columns), digest_size=KEY_BYTES).digest()


def params_key(params: bytes) -> bytes:
    """Return the 16 bytes that params are known by.

    Args:
        params: The params as JSON with sorted keys.
    """
    return blake2b(params, digest_size=KEY_BYTES).digest()


def derived_id(key: bytes, position: int | None = None) -> str:
    """Return the stable id of a request without one.

    Args:
        key: The key of its params, by `params_key`.
        position: The row's position, where equal params are to have ids of their own.
    """
    return f"r-{key.hex()}" if position is None else f"r-{key.hex()}-{position}"
