"""Results matched to requests: they come in any order, and are wanted in that of the requests."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Generic, Self, TypeVar

from ._errors import ResultsClosedError
from ._line import parse

if TYPE_CHECKING:
    from claude_batches_api.models import MessageBatch

__all__ = ["Joiner", "ResultsById", "wanted_ids"]

T = TypeVar("T")

#: Where a result lies that has not come.
NOWHERE = -1


def wanted_ids(requests: Iterable[object]) -> list[str]:
    """The custom_ids that are wanted, in their order.

    Args:
        requests: custom_ids, requests as they are sent to `create`, or anything that has a `custom_id`.

    Raises:
        TypeError: There is something else among them.
        ValueError: One comes twice.
    """
    if isinstance(requests, str | bytes | dict):
        raise TypeError("ids or requests are wanted, several of them; got a single one")
    ids: dict[str, None] = {}
    for position, request in enumerate(requests):
        custom_id = _custom_id(request)
        if not isinstance(custom_id, str):
            raise TypeError(f"number {position} is neither a custom_id nor a request that has one")
        if custom_id in ids:
            raise ValueError(f"custom_id {custom_id!r} is wanted twice; number {position} is the second")
        ids[custom_id] = None
    return list(ids)


def _custom_id(request: Any) -> object:
    if isinstance(request, str):
        return request
    try:
        return request["custom_id"]
    except (TypeError, LookupError):
        return getattr(request, "custom_id", None)


class Joiner(Generic[T]):
    """Takes lines as they come and makes a `ResultsById` of them.

    Args:
        ids: Which results are wanted, and in which order; `None` takes all, as they come.
        decode: Makes a result of a parsed line.
    """

    def __init__(self, ids: list[str] | None, decode: Callable[[Any], T]) -> None:
        self._places = dict.fromkeys(ids or (), NOWHERE)
        self._all = ids is None
        self._decode = decode
        self._file = tempfile.TemporaryFile(prefix="claude-batches-")  # noqa: SIM115 -- ResultsById closes it
        self._end = 0

    def add(self, custom_id: str, line: bytes) -> None:
        """Take a line."""
        if self._all or custom_id in self._places:
            self._places[custom_id] = self._end
            self._end += self._file.write(line) + self._file.write(b"\n")

    def close(self) -> None:
        """Throw away what was taken."""
        self._file.close()

    def finish(self, batch: MessageBatch) -> ResultsById[T]:
        """Make all that was taken available."""
        missing = [custom_id for custom_id, place in self._places.items() if place == NOWHERE]
        for custom_id in missing:
            del self._places[custom_id]
        return ResultsById(batch, self._places, missing, self._file, self._decode)


class ResultsById(Mapping[str, T]):
    """The results of a batch by their custom_id, in the order of the requests.

    The results lie in a temporary file and are decoded when they are looked up, each time anew. In memory
    there is about 100 bytes for each, besides its custom_id. Close it, or use it in a `with`, to have the
    file deleted before it is garbage collected. Not for several threads at once.
    """

    def __init__(
        self,
        batch: MessageBatch,
        places: dict[str, int],
        missing: list[str],
        file: IO[bytes],
        decode: Callable[[Any], T],
    ) -> None:
        self.batch = batch
        """The batch, as it was when reading began."""
        self.missing = missing
        """The custom_ids that were asked for and have no result, in their order."""
        self._places = places
        self._file = file
        self._decode = decode

    def __getitem__(self, custom_id: str) -> T:
        if self._file.closed:
            raise ResultsClosedError
        self._file.seek(self._places[custom_id])
        return self._decode(parse(self._file.readline()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, custom_id: object) -> bool:
        return custom_id in self._places

    def close(self) -> None:
        """Delete the temporary file. Nothing can be looked up then."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.batch.id}: {len(self)} results, {len(self.missing)} missing>"
