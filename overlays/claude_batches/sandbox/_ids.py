"""Ids in the API's forms, such as `msgbatch_01...` and `req_01...`."""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import Final

__all__ = ["derived_id", "random_request_id"]

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LENGTH: Final = 22  # after the "01" that ids of the API begin with


def derived_id(prefix: str, *parts: object) -> str:
    """An id that is the same whenever it is made from the same parts."""
    digest = blake2b("\0".join(map(str, parts)).encode(), digest_size=20).digest()
    return _spell(prefix, int.from_bytes(digest, "big"))


def random_request_id() -> str:
    """The id of one HTTP exchange, never seen before."""
    return _spell("req", secrets.randbits(160))


def _spell(prefix: str, number: int) -> str:
    letters: list[str] = []
    for _ in range(_LENGTH):
        number, index = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[index])
    return f"{prefix}_01{''.join(letters)}"
