"""The body of a new batch: any number of requests, written to a file as they come, and checked on the way.

A batch has up to 256 MB. In memory there is never more than a part of it: small ones stay there, larger
ones go to a temporary file, from which they are sent, more than once where they have to be.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from itertools import pairwise
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, NamedTuple, cast

import orjson

from ._encoding import encode, is_object
from ._errors import InvalidBatchError, RequestEncodingError
from ._upload import FilePiece, Payload

__all__ = ["MAX_BYTES", "MAX_REQUESTS", "BatchWriter", "WrittenBatch"]

MAX_REQUESTS = 100_000
MAX_BYTES = 256 * 1024 * 1024

#: How many problems an error lists.
LISTED = 5
#: How large a batch may be to stay in memory.
IN_MEMORY = 1024 * 1024
#: How much is collected before it's written to the file.
BLOCK = 128 * 1024

_CUSTOM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class WrittenBatch(NamedTuple):
    """A batch, ready to be sent."""

    payload: Payload
    request_count: int
    ids: array[int]
    """A hash of each custom_id, in order: by these the results of a batch can be told to be those of another."""


class BatchWriter:
    """Writes a batch, one request at a time.

    Arguments:
        validate: Whether to check what the API would refuse the whole batch for.
    """

    def __init__(self, *, validate: bool) -> None:
        self._validate = validate
        # Closed with the payload, which outlives this.
        self._file = cast(BinaryIO, SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115
        self._block: list[bytes] = [b'{"requests":[']
        self._block_size = len(self._block[0])
        self._size = 0
        self._count = 0
        self._ids: array[int] = array("q")
        self._problems: list[str] = []
        self._problem_count = 0

    def add(self, request: Any) -> None:
        """Write one request.

        Raises:
            InvalidBatchError: It can't be written, or there are more than a batch can have.
        """
        index = self._count
        self._count += 1
        if hasattr(request, "to_dict"):
            request = request.to_dict()
        custom_id = request.get("custom_id") if is_object(request) else None
        self._ids.append(hash(custom_id) if isinstance(custom_id, str) else 0)
        if self._validate:
            if self._count > MAX_REQUESTS:
                self._problem(f"it has more than {MAX_REQUESTS:,} requests: split it")
                raise self._error()
            self._check(index, custom_id, request)
        try:
            line = encode(request)
        except RequestEncodingError as error:
            self._problem(f"{_name(index, custom_id)}: {error}")
            raise self._error() from None
        # Each request has its line, so that one can be found again (see _duplicates).
        self._block.append(line if index == 0 else b",\n" + line)
        self._block_size += len(line) + 2
        if self._block_size >= BLOCK:
            self._flush()

    def finish(self, others: Mapping[str, object]) -> WrittenBatch:
        """End the body.

        Arguments:
            others: Its properties besides `requests`.

        Raises:
            InvalidBatchError: It can't be a batch.
        """
        tail = encode(others)[1:] if others else b"}"
        self._block.append(b"]" + (b"," if others else b"") + tail)
        self._flush()
        if self._validate:
            if self._count == 0:
                self._problem("it has no requests")
            self._check_unique()
            if self._problem_count:
                raise self._error()
        return WrittenBatch(
            Payload([FilePiece(self._file, self._size)], owned=self._file), self._count, self._ids
        )

    def discard(self) -> None:
        """Delete what was written."""
        self._file.close()

    def _flush(self) -> None:
        data = b"".join(self._block)
        self._block, self._block_size = [], 0
        self._size += len(data)
        if self._validate and self._size > MAX_BYTES:
            self._problem(
                f"it has more than {MAX_BYTES // 1024**2} MB after {self._count} requests: split it"
            )
            raise self._error()
        self._file.write(data)

    def _check(self, index: int, custom_id: Any, request: Any) -> None:
        if not is_object(request):
            self._problem(
                f"request {index} must be a dict with custom_id and params; got {type(request).__name__}"
            )
            return
        name = _name(index, custom_id)
        if custom_id is None:
            self._problem(f"{name} has no custom_id")
        elif not isinstance(custom_id, str) or not _CUSTOM_ID.fullmatch(custom_id):
            self._problem(
                f"{name}: a custom_id has 1 to 64 letters A-Z and a-z, digits, hyphens or underscores"
            )
        params: Any = request.get("params")
        if is_object(params):
            if params.get("stream", False) is not False:
                self._problem(f"{name}: params has stream, and a batch can't stream: leave it out")
            if "betas" in params:
                self._problem(
                    f"{name}: params has betas, for which the whole batch is refused: give create "
                    'extra_headers={"anthropic-beta": ...} instead'
                )

    def _check_unique(self) -> None:
        repeated = {key for key, following in pairwise(sorted(self._ids)) if key == following}
        if not repeated:
            return
        # Different ids can have the same hash, so the ids themselves are read again where a hash came twice.
        first: dict[str, int] = {}
        self._file.seek(0)
        for index, line in enumerate(self._file):
            if index < self._count and self._ids[index] in repeated:
                custom_id = _read_id(line)
                if custom_id is not None and first.setdefault(custom_id, index) != index:
                    self._problem(
                        f"{_name(index, custom_id)}: request {first[custom_id]} has this custom_id already"
                    )

    def _problem(self, text: str) -> None:
        self._problem_count += 1
        if len(self._problems) < LISTED:
            self._problems.append(text)

    def _error(self) -> InvalidBatchError:
        more = self._problem_count - len(self._problems)
        lines = [*self._problems, *([f"and {more} more"] if more else [])]
        self.discard()
        text = "".join(f"\n  - {line}" for line in lines)
        return InvalidBatchError(
            f"this can't be a batch, and nothing was sent:{text}", tuple(self._problems), self._problem_count
        )


def _name(index: int, custom_id: object) -> str:
    return f"request {index}" if custom_id is None else f"request {index} (custom_id {_short(custom_id)})"


def _short(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _read_id(line: bytes) -> str | None:
    """The custom_id in a line of the body, which has the rest of the body's JSON around it."""
    text = line.removeprefix(b'{"requests":[').rstrip(b"\n").removesuffix(b",")
    for end in (text, text[: text.rfind(b"]")]):
        try:
            custom_id: object = orjson.loads(end)["custom_id"]
        except (ValueError, LookupError, TypeError):
            continue
        return custom_id if isinstance(custom_id, str) else None
    return None
