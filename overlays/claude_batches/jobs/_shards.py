"""Splitting: where a shard ends, and how its lines become blocks. Nothing here does I/O."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol, TypeVar
from zlib import crc32

import orjson

from ._codec import BLOCK_BYTES, BLOCK_LINES
from ._ids import sent_id
from ._lines import AROUND, ENVELOPE, SEPARATOR
from ._requests import Request

__all__ = [
    "Limits",
    "ModelFacts",
    "ShardFill",
    "Size",
    "block_full",
    "blocks_of",
    "distinct_count",
    "mergeable",
    "merged",
]


class Limits(NamedTuple):
    """The limits of a shard."""

    requests: int
    bytes: int


class Size(NamedTuple):
    """The size of a shard."""

    requests: int
    bytes: int


def distinct_count(number: int, token: str, most: int) -> int:
    """Return the largest number of requests in a shard, another one for each shard.

    A lost batch is looked for by its number of requests first. Shards that are all filled up would make every one of
    them a candidate for every other, in this job and in others; so each is filled a little less, by another number.

    Args:
        number: The number of the shard.
        token: The job's token, so that two jobs differ.
        most: The largest number allowed.
    """
    spread = min(1000, most // 20)
    if spread < 2:
        return most
    salt = crc32(token.encode())
    # A prime, so that shards have distinct counts for as long as there are some left.
    return most - (salt + number * 617) % spread


class ModelFacts:
    """Requests, bytes of params, and sum of `max_tokens`, by model: enough for a rough cost."""

    def __init__(self) -> None:
        self._by_model: dict[str, list[int]] = {}

    def add(self, model: str, size: int, max_tokens: int) -> None:
        """Count a request."""
        counts = self._by_model.get(model)
        if counts is None:
            counts = self._by_model[model] = [0, 0, 0]
        counts[0] += 1
        counts[1] += size
        counts[2] += max_tokens

    def add_all(self, requests: Sequence[Request]) -> None:
        """Count requests."""
        models = {request.model for request in requests}
        for model in models:
            # Most jobs have one model.
            own = requests if len(models) == 1 else [each for each in requests if each.model == model]
            sizes, tokens = sum(each.params_size for each in own), sum(each.max_tokens for each in own)
            self.merge({model: [len(own), sizes, tokens]})

    def merge(self, others: Mapping[str, Sequence[int]]) -> None:
        """Add the facts of another shard."""
        for model, counts in others.items():
            mine = self._by_model.setdefault(model, [0, 0, 0])
            self._by_model[model] = [own + other for own, other in zip(mine, counts, strict=True)]

    def json(self) -> str:
        """Return the facts as the ledger keeps them."""
        return orjson.dumps(self._by_model).decode()


class ShardFill:
    """The size of a shard while it is filled.

    Args:
        number: Its number.
        token: The job's token; `None` sends the user's own ids.
        limits: Its limits.
    """

    def __init__(self, number: int, token: str | None, limits: Limits) -> None:
        self.number = number
        self.limits = limits
        self.requests = 0
        self.bytes = ENVELOPE
        self.facts = ModelFacts()
        self._token = token
        # A derived id without the digits of its position, which are counted by themselves.
        self._around = AROUND + (0 if token is None else len(sent_id(token, number, 0)) - 1)

    def size(self, custom_id: str, position: int, params_size: int) -> int:
        """Return the size of a line as it is sent; custom_ids are ASCII there."""
        varying = custom_id if self._token is None else str(position)
        return self._around + len(varying) + params_size

    def takes(self, size: int) -> bool:
        """Tell if a line fits."""
        requests, room = self.left
        return requests > 0 and size + SEPARATOR <= room

    def fitting(self, requests: Sequence[Request], positions: Sequence[int], start: int) -> list[int]:
        """Return the sizes of the requests that fit.

        Args:
            requests: Requests.
            positions: Their positions.
            start: The index of the first one.
        """
        count, room = self.left
        # No line is shorter than what is around its params, so the others are not looked at.
        end = start + min(count, room // self._around)
        around = self._around
        if self._token is None:
            sizes = [around + len(each.custom_id) + each.params_size for each in requests[start:end]]
        else:
            numbered = zip(requests[start:end], positions[start:end], strict=True)
            sizes = [around + len(str(position)) + each.params_size for each, position in numbered]
        ends = list(accumulate(size + SEPARATOR for size in sizes))
        return sizes[: bisect_right(ends, room)]

    @property
    def left(self) -> tuple[int, int]:
        """The number of requests that may follow, and the bytes for their lines, each with a separator."""
        room = self.limits.bytes - self.bytes
        return self.limits.requests - self.requests, room if self.requests else room + SEPARATOR

    def add(self, size: int) -> None:
        """Count a line."""
        self.bytes += size + (SEPARATOR if self.requests else 0)
        self.requests += 1

    def add_all(self, sizes: Sequence[int]) -> None:
        """Count lines."""
        if sizes:
            self.bytes += sum(sizes) + SEPARATOR * (len(sizes) - (not self.requests))
            self.requests += len(sizes)


def blocks_of(lines: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Yield the blocks that lines are cut into: (first line, line after the last one)."""
    ends = list(accumulate(len(line) + 1 for line in lines))
    start = size = 0
    while start < len(lines):
        last = bisect_left(ends, size + BLOCK_BYTES, start)
        end = min(last + 1, start + BLOCK_LINES, len(lines))
        yield start, end
        start, size = end, ends[end - 1]


def block_full(lines: int, size: int) -> bool:
    """Tell if a block is to be closed."""
    return lines >= BLOCK_LINES or size >= BLOCK_BYTES


class _Sized(Protocol):
    @property
    def requests(self) -> int: ...
    @property
    def bytes(self) -> int: ...


_SizedT = TypeVar("_SizedT", bound=_Sized)


def mergeable(shards: Sequence[_SizedT], limits: Limits) -> list[_SizedT]:
    """Return small shards, as many as fit into one.

    Args:
        shards: The shards.
        limits: The limits of that one.
    """
    group: list[_SizedT] = []
    requests = size = 0
    for shard in shards:
        if shard.requests > limits.requests // 2 or shard.bytes > limits.bytes // 2:
            continue
        # A derived id may be longer in the new shard, whose number has more digits.
        room = shard.bytes + 10 * shard.requests
        if requests + shard.requests > limits.requests or size + room > limits.bytes:
            break
        group.append(shard)
        requests, size = requests + shard.requests, size + room
    return group


def merged(shards: Sequence[Size], limits: Limits) -> list[Size]:
    """Return the shards that are left when small ones are merged.

    Args:
        shards: The shards.
        limits: The limits of a shard.
    """
    left = list(shards)
    while len(group := mergeable(left, limits)) > 1:
        gone = set(map(id, group))
        left = [each for each in left if id(each) not in gone]
        left.append(Size(sum(each.requests for each in group), sum(each.bytes for each in group)))
    return left
