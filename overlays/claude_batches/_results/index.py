"""Results by custom_id, in the order of the requests."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Generic, Self, TypeVar

from .._errors import SpoolError
from .decoder import RawLine
from .errors import ResultsClosedError
from .line import parse

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["ResultsById", "ResultsIndex", "wanted_ids"]

T = TypeVar("T")

#: Position of a result that was not read.
MISSING = -1


def wanted_ids(requests: Iterable[object]) -> list[str]:
    """Return the custom_ids of requests in their order.

    Args:
        requests: custom_ids, requests as `create` takes them, or objects with a `custom_id`.

    Raises:
        TypeError: An element has no custom_id.
        ValueError: A custom_id is repeated.
    """
    if isinstance(requests, str | bytes | dict):
        raise TypeError("requests must be several ids or requests; got a single one")
    ids: dict[str, None] = {}
    for position, request in enumerate(requests):
        custom_id = _custom_id(request)
        if not isinstance(custom_id, str):
            raise TypeError(f"number {position} is neither a custom_id nor a request with one")
        if custom_id in ids:
            raise ValueError(f"custom_id {custom_id!r} is repeated; number {position} is the second")
        ids[custom_id] = None
    return list(ids)


def _custom_id(request: Any) -> object:
    if isinstance(request, str):
        return request
    try:
        return request["custom_id"]
    except (TypeError, LookupError):
        return getattr(request, "custom_id", None)


class ResultsIndex(Generic[T]):
    """A sink that writes lines to a temporary file and indexes them by custom_id.

    Args:
        ids: The wanted results in order; `None` takes all in the order of the file.
        decode: Makes a result of a parsed line.
    """

    def __init__(self, ids: list[str] | None, decode: Callable[[Any], T]) -> None:
        self._positions = dict.fromkeys(ids or (), MISSING)
        self._all = ids is None
        self._decode = decode
        try:
            self._file = tempfile.TemporaryFile(prefix="claude-batches-")  # noqa: SIM115  # ResultsById closes it
        except OSError as error:
            raise _refused(error) from error
        self._end = 0

    def write(self, item: RawLine) -> None:
        """Add a line.

        Raises:
            SpoolError: The temporary file can't be written.
        """
        custom_id, line = item
        if self._all or custom_id in self._positions:
            self._positions[custom_id] = self._end
            try:
                self._end += self._file.write(line) + self._file.write(b"\n")
            except OSError as error:
                raise _refused(error) from error

    def close(self) -> None:
        """Delete the temporary file."""
        # Pending writes may fail now. The file is deleted, so that does not matter.
        with contextlib.suppress(OSError):
            self._file.close()

    def finish(self, batch: MessageBatch) -> ResultsById[T]:
        """Return the indexed results.

        Raises:
            SpoolError: The temporary file can't be written.
        """
        try:
            self._file.flush()
        except OSError as error:
            raise _refused(error) from error
        missing = [custom_id for custom_id, position in self._positions.items() if position == MISSING]
        for custom_id in missing:
            del self._positions[custom_id]
        return ResultsById(batch, self._positions, missing, self._file, self._decode)


def _refused(error: OSError) -> SpoolError:
    problem = f"the temporary file of the results can't be written ({error.strerror or error})"
    return SpoolError(
        error.errno, f"{problem}. Free space in the folder for temporary files, or set TMPDIR to another"
    )


class ResultsById(Mapping[str, T]):
    """The results of a batch by custom_id, in the order of the requests.

    The results are in a temporary file and are decoded at each look-up. Memory: about 100 bytes for each result besides
    its custom_id. Close it, or use it in a `with`, to delete the file before garbage collection. Not thread-safe.
    """

    def __init__(
        self,
        batch: MessageBatch,
        positions: dict[str, int],
        missing: list[str],
        file: IO[bytes],
        decode: Callable[[Any], T],
    ) -> None:
        self.batch = batch
        """The batch at the start of reading."""
        self.missing = missing
        """The wanted custom_ids without a result, in their order."""
        self._positions = positions
        self._file = file
        self._decode = decode

    def __getitem__(self, custom_id: str) -> T:
        if self._file.closed:
            raise ResultsClosedError
        self._file.seek(self._positions[custom_id])
        return self._decode(parse(self._file.readline()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._positions)

    def __len__(self) -> int:
        return len(self._positions)

    def __contains__(self, custom_id: object) -> bool:
        return custom_id in self._positions

    def close(self) -> None:
        """Delete the temporary file. Look-ups are no longer possible."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.batch.id}: {len(self)} results, {len(self.missing)} missing>"
