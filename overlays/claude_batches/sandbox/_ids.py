"""Ids in the forms of the API, such as `msgbatch_01...` and `req_01...`."""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import Final

__all__ = ["derived_id", "random_request_id"]

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LENGTH: Final = 22  # after the "01" at the start of the API's ids


def derived_id(prefix: str, *parts: object) -> str:
    """Return the id of these parts: equal parts give equal ids."""
    digest = blake2b("\0".join(map(str, parts)).encode(), digest_size=20).digest()
    return _spell(prefix, int.from_bytes(digest, "big"))


def random_request_id() -> str:
    """Return a new id for an HTTP exchange."""
    return _spell("req", secrets.randbits(160))


def _spell(prefix: str, number: int) -> str:
    letters: list[str] = []
    for _ in range(_LENGTH):
        number, index = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[index])
    return f"{prefix}_01{''.join(letters)}"
