"""The body of a new batch, written request by request to a temporary file and checked on the way.

A batch has up to 256 MB. A small body stays in memory; a large one goes to a temporary file and is sent from there,
more than once if necessary.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from itertools import islice, pairwise
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, NamedTuple, cast

import orjson
from claude_batches_api import params as api_params

from .._distinct import distinct
from .._errors import InvalidBatchError, RequestEncodingError, SpoolError
from .._http.encoding import NULL, OPTIONS, encode, is_object, non_finite, plain, unencodable
from .._http.upload import FilePiece, Payload

__all__ = ["MAX_BYTES", "MAX_REQUESTS", "BodyWriter", "WrittenBatch"]

MAX_REQUESTS = 100_000
MAX_BYTES = 256_000_000

#: Number of problems listed in an error.
LISTED = 5
#: Largest body in bytes that stays in memory.
IN_MEMORY = 1024 * 1024
#: Number of bytes collected before they are written to the file.
BLOCK = 256 * 1024

_is_custom_id = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_has_id_letters = re.compile(r"[A-Za-z0-9_-]*").fullmatch
_PREFIX = b'{"requests":['
# Each request is a separate line, so that it can be found again (see _check_unique).
_SEPARATOR = b",\n"

#: Parameters that the API refuses in a batch, each with the reason.
_REFUSED = {
    "stream": "a batch can't stream: leave it out",
    "speed": "a batch has no speed: leave it out",
    "betas": 'the whole batch would be refused: give create extra_headers={"anthropic-beta": ...} in its place',
}


class WrittenBatch(NamedTuple):
    """An encoded batch."""

    payload: Payload
    request_count: int
    ids: array[int]
    """A hash of each custom_id, in order. Results of another batch are recognised by them."""


class BodyWriter:
    """Writes the body of a batch.

    Args:
        validate: True to check everything that the API would refuse the whole batch or a request for.
        max_requests: Largest number of requests.
        max_bytes: Largest body in bytes.
    """

    def __init__(
        self, *, validate: bool, max_requests: int = MAX_REQUESTS, max_bytes: int = MAX_BYTES
    ) -> None:
        self._validate = validate
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._required: frozenset[str] = api_params.MessageCreateParamsNonStreaming.__required_keys__
        # Closed with the payload, which outlives this object.
        self._file = cast(BinaryIO, SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115
        # Unlike a bytearray, this keeps its memory when it is emptied, so that the system isn't asked for it again.
        self._block = BytesIO()
        self._block.write(_PREFIX)
        self._written = 0
        self._count = 0
        self._ids: array[int] = array("q")
        # The custom_ids of usual requests that are written to the block, and not in `_count` and `_ids` yet.
        self._pending: list[str] = []
        self._problems: list[str] = []
        self._problem_count = 0

    def extend(self, requests: Iterable[Any]) -> int:
        """Write requests, each before the next one is taken, and return their number.

        The outcome is that of `add` for each. Usual requests take a third less time.

        Raises:
            InvalidBatchError: A request can't be written, or exceeds a limit of a batch.
            SpoolError: The temporary file can't be written.
        """
        iterator = iter(requests)
        start = self._count
        if not self._validate:
            for request in iterator:
                self.add(request)
            return self._count - start
        if start == 0:
            # The first request has no separator before it.
            for request in iterator:
                self.add(request)
                break
            else:
                return 0
        # Local names, because a batch has 100,000 requests and each step counts.
        block, pending, write, dumps = self._block, self._pending, self._block.write, orjson.dumps
        default, options, null, separator = plain, OPTIONS, NULL, _SEPARATOR
        size = block.tell()
        params: dict[str, Any]
        problem: str | None
        for request in islice(cast("Iterator[dict[str, Any]]", iterator), self._max_requests - self._count):
            # The names of `_required` and `_REFUSED` are written out, which is faster than operations on sets. Requests
            # that don't pass may be valid all the same.
            if (
                type(request) is dict
                and "custom_id" in request
                and "params" in request
                and type(custom_id := request["custom_id"]) is str
                and type(params := request["params"]) is dict
                and "max_tokens" in params
                and type(max_tokens := params["max_tokens"]) is int
                and max_tokens != 0
                and "model" in params
                and "messages" in params
                and "stream" not in params
                and "speed" not in params
                and "betas" not in params
            ):
                # A string can't change, so the custom_ids of a block are checked together.
                pending.append(custom_id)
            else:
                self.add(request)
                size = block.tell()
                continue
            # As `encode` does it, without the call.
            try:
                line = dumps(request, default, options)
            except (TypeError, OSError) as error:
                line, problem = b"", unencodable(request, error)
            else:
                problem = non_finite(request) if line.rfind(null) >= 0 else None
            if problem is not None:
                raise self._unwritable(self._count + len(pending) - 1, custom_id, problem)
            write(separator)
            write(line)
            size += len(line) + 2
            if size >= BLOCK:
                self._write_block()
                size = block.tell()
        self._count_pending()
        if self._count == self._max_requests:
            # The next request, if there is one, is one too many.
            for request in iterator:
                self.add(request)
        return self._count - start

    def add(self, request: Any) -> None:
        """Write one request.

        Raises:
            InvalidBatchError: The request can't be written, or exceeds a limit of a batch.
            SpoolError: The temporary file can't be written.
        """
        self._count_pending()
        index = self._count
        self._count += 1
        if not is_object(request) and hasattr(request, "to_dict"):
            request = request.to_dict()
        custom_id: Any = request.get("custom_id") if is_object(request) else None
        self._ids.append(hash(custom_id) if isinstance(custom_id, str) else 0)
        if self._validate:
            if self._count > self._max_requests:
                raise self._fatal(f"it has more than {self._max_requests:,} requests: split it")
            self._check(index, custom_id, request)
        try:
            line = encode(request)
        except RequestEncodingError as error:
            raise self._unwritable(index, custom_id, str(error)) from None
        if index:
            self._block.write(_SEPARATOR)
        self._block.write(line)
        if self._block.tell() >= BLOCK:
            self._write_block()

    def finish(self, others: Mapping[str, object] | None = None) -> WrittenBatch:
        """End the body.

        Args:
            others: Properties besides `requests`.

        Raises:
            InvalidBatchError: The requests can't form a batch.
            SpoolError: The temporary file can't be written.
        """
        tail = encode(others)[1:] if others else b"}"
        self._block.write(b"]" + (b"," if others else b"") + tail)
        self._write_block(last=True)
        self._block.close()
        if self._validate:
            if self._count == 0:
                self._problem("it has no requests")
            self._check_unique()
            if self._problem_count:
                raise self._error()
        piece = FilePiece(self._file, self._written)
        return WrittenBatch(Payload([piece], owned=self._file), self._count, self._ids)

    def discard(self) -> None:
        """Delete the body."""
        self._file.close()

    def _write_block(self, *, last: bool = False) -> None:
        """Write the block to the file.

        The file grows by whole blocks until the last one. The system keeps such a file in larger pieces of memory,
        which are made and deleted in less time.
        """
        self._count_pending()
        size = self._block.tell()
        if self._validate and self._written + size > self._max_bytes:
            raise self._fatal(
                f"it has more than {self._max_bytes:,} bytes after {self._count} requests: split it"
            )
        used = size if last else size - size % BLOCK
        try:
            with self._block.getbuffer() as block, block[:used] as whole:
                rest = bytes(block[used:size])
                self._file.write(whole)
        except OSError as error:
            self.discard()
            raise SpoolError(
                error.errno,
                f"the temporary file of the batch can't be written ({error.strerror}); nothing was sent. Free space in "
                "the folder for temporary files, or set TMPDIR to another",
            ) from None
        self._written += used
        self._block.seek(0)
        if size > 2 * BLOCK:
            # A large request does not take memory for longer than necessary.
            self._block.truncate()
        self._block.write(rest)

    def _count_pending(self) -> None:
        """Count the usual requests written since the last call, and check their custom_ids."""
        ids = self._pending
        if not ids:
            return
        lengths = set(map(len, ids))
        if _has_id_letters("".join(ids)) is None or 0 in lengths or max(lengths) > 64:
            for index, custom_id in enumerate(ids, self._count):
                self._check_id(index, custom_id)
        self._ids.extend(map(hash, ids))
        self._count += len(ids)
        ids.clear()

    def _check(self, index: int, custom_id: Any, request: Any) -> None:
        if not is_object(request):
            self._problem(
                f"request {index} must be a dict with custom_id and params; got {type(request).__name__}"
            )
            return
        self._check_id(index, custom_id)
        params: Any = request.get("params")
        if is_object(params):
            self._check_params(index, custom_id, params)
        elif not hasattr(params, "to_dict"):
            self._problem(
                f"{_name(index, custom_id)} has no params"
                if params is None
                else f"{_name(index, custom_id)}: params must be a dict; got {type(params).__name__}"
            )

    def _check_id(self, index: int, custom_id: Any) -> None:
        if not isinstance(custom_id, str) or not _is_custom_id(custom_id):
            self._problem(
                f"{_name(index, custom_id)} has no custom_id"
                if custom_id is None
                else f"{_name(index, custom_id)}: a custom_id has 1 to 64 letters A-Z and a-z, digits, hyphens or "
                "underscores"
            )

    def _check_params(self, index: int, custom_id: Any, params: Mapping[str, Any]) -> None:
        if missing := self._required - params.keys():
            self._problem(f"{_name(index, custom_id)}: params has no {', '.join(sorted(missing))}")
        for name in _REFUSED:
            if name in params and not (name == "stream" and params[name] is False):
                self._problem(f"{_name(index, custom_id)}: params has {name}, and {_REFUSED[name]}")
        if params.get("max_tokens") == 0 and type(params["max_tokens"]) is int:
            self._problem(f"{_name(index, custom_id)}: max_tokens is 0, which a batch does not accept")

    def _check_unique(self) -> None:
        if distinct(self._ids) == len(self._ids):
            return
        repeated = {key for key, following in pairwise(sorted(self._ids)) if key == following}
        # Different ids can have the same hash, so the ids with a repeated hash are read again.
        first: dict[str, int] = {}
        self._file.seek(0)
        for index, line in enumerate(self._file):
            if index < self._count and self._ids[index] in repeated:
                custom_id = _read_id(line)
                if custom_id is not None and first.setdefault(custom_id, index) != index:
                    self._problem(
                        f"{_name(index, custom_id)}: request {first[custom_id]} has the same custom_id"
                    )

    def _problem(self, text: str) -> None:
        self._problem_count += 1
        if len(self._problems) < LISTED:
            self._problems.append(text)

    def _unwritable(self, index: int, custom_id: object, problem: str) -> InvalidBatchError:
        """Return the error for a request without a JSON form."""
        self._count_pending()
        return self._fatal(f"{_name(index, custom_id)}: {problem}")

    def _fatal(self, text: str) -> InvalidBatchError:
        """Return the error for a problem that ends reading. It is listed first, however many came before."""
        self._problem_count += 1
        self._problems = [text, *self._problems][:LISTED]
        return self._error()

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
    """Return the custom_id in a line of the body, which has parts of the body's JSON around it."""
    text = line.removeprefix(_PREFIX).rstrip(b"\n").removesuffix(b",")
    for end in (text, text[: text.rfind(b"]")]):
        try:
            custom_id: object = orjson.loads(end)["custom_id"]
        except (ValueError, LookupError, TypeError):
            continue
        return custom_id if isinstance(custom_id, str) else None
    return None
