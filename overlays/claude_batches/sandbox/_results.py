"""The results of a batch over HTTP, generated while they are sent: whole or a range, plain or gzipped.

The length is unknown until the whole file was generated once. From then on the offset of each slice is kept, so
that a range needs only its own slices.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Iterable
from typing import Final

from attrs import frozen
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response, StreamingResponse

from ._batches import Batches
from ._errors import ApiError
from ._faults import Fault
from ._ids import derived_id
from ._store import BatchRow

__all__ = ["accepts_gzip", "parse_range", "respond"]

_MEDIA_TYPE: Final = "application/x-jsonl"
_GZIP_LEVEL: Final = 1
_GZIP_WBITS: Final = 31
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
_GZIP: Final = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=([\d.]+))?\s*(?:,|$)", re.IGNORECASE)


async def respond(
    batches: Batches, row: BatchRow, headers: Headers, line_faults: Iterable[Fault]
) -> Response:
    """Return the response with the results of an ended batch.

    Raises:
        ApiError: 416, the range is after the end of the file.
    """
    etag = f'"{derived_id("results", row.id, row.ended_at)}"'
    file = _ResultsFile(batches, row, tuple(line_faults))
    wanted = headers.get("range")
    if wanted is not None and _RANGE.fullmatch(wanted.strip()) and headers.get("if-range", etag) == etag:
        size = (await run_in_threadpool(file.measure))[-1]
        start, stop = parse_range(wanted, size)
        return StreamingResponse(
            file.read(start, stop),
            206,
            media_type=_MEDIA_TYPE,
            headers=_headers(
                {"etag": etag, "content-range": f"bytes {start}-{stop - 1}/{size}"},
                None if file.faulty else stop - start,
            ),
        )
    if accepts_gzip(headers.get("accept-encoding", "")):
        # A range of the plain file must not continue compressed bytes. A weak tag never matches an If-Range.
        return StreamingResponse(
            _compress(file.read()),
            media_type=_MEDIA_TYPE,
            headers=_headers({"etag": f"W/{etag}", "content-encoding": "gzip"}, None),
        )
    known = await run_in_threadpool(batches.store.marks, row.number)
    return StreamingResponse(
        file.read(),
        media_type=_MEDIA_TYPE,
        headers=_headers({"etag": etag}, known[-1] if known and not file.faulty else None),
    )


def parse_range(header: str, size: int) -> tuple[int, int]:
    """Return the start and the stop of the bytes of a `Range: bytes=...` header.

    Raises:
        ApiError: 416, the range is empty or outside the file.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is not None:
        first, last = found.groups()
        if first:
            start, stop = int(first), min(int(last) + 1, size) if last else size
        else:
            start, stop = max(0, size - int(last or 0)), size
        if start < stop:
            return start, stop
    raise ApiError(
        "invalid_request_error",
        f"range: {header!r} lies outside the {size} bytes of the results",
        status=416,
        headers={"content-range": f"bytes */{size}"},
    )


def accepts_gzip(header: str) -> bool:
    """Return true if an `Accept-Encoding` header allows gzip."""
    found = _GZIP.search(header)
    return found is not None and float(found[1] or 1) > 0


def _headers(own: dict[str, str], length: int | None) -> dict[str, str]:
    headers = {"accept-ranges": "bytes", "vary": "accept-encoding", **own}
    if length is not None:
        headers["content-length"] = str(length)
    return headers


async def _compress(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WBITS)
    async for chunk in chunks:
        packed = await run_in_threadpool(packer.compress, chunk)
        yield packed + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


@frozen
class _ResultsFile:
    batches: Batches
    row: BatchRow
    faults: tuple[Fault, ...]

    @property
    def faulty(self) -> bool:
        """True if faults change the file."""
        return bool(self.faults)

    def measure(self) -> list[int]:
        """Return the offset of each slice, and last the size of the file."""
        starts = self.batches.store.marks(self.row.number)
        if not starts:
            starts = [0]
            for index in range(self.batches.slices(self.row)):
                starts.append(starts[-1] + sum(map(len, self.batches.result_lines(self.row, index))))
            self.batches.store.mark(self.row.number, starts)
        return starts

    async def read(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """Yield the file from byte `start` to before byte `stop`, slice by slice."""
        first, offset = 0, 0
        if start:
            starts = await run_in_threadpool(self.measure)
            first = next(index for index, begin in enumerate(starts) if begin > start) - 1
            offset = starts[first]
        passed = [offset]
        lines = _LineFaults(self.faults)
        for index in range(first, self.batches.slices(self.row)):
            made = await run_in_threadpool(self.batches.result_lines, self.row, index)
            chunk = b"".join(made)
            offset += len(chunk)
            passed.append(offset)
            begin = max(0, start - passed[-2])
            end = len(chunk) if stop is None else min(len(chunk), stop - passed[-2])
            yield lines.apply(chunk[begin:end])
            if lines.ended or (stop is not None and offset >= stop):
                return
        if first == 0:
            await run_in_threadpool(self.batches.store.mark, self.row.number, passed)


class _LineFaults:
    """Faults of lines. Lines count from the start of the response."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._truncated = {fault.at for fault in faults if fault.kind == "truncated_line"}
        self._duplicated = {fault.at for fault in faults if fault.kind == "duplicated_line"}
        self._count = 0
        self.ended = False

    def apply(self, chunk: bytes) -> bytes:
        if not self._truncated and not self._duplicated:
            return chunk
        spoiled: list[bytes] = []
        for line in chunk.splitlines(keepends=True):
            self._count += 1
            if self._count in self._truncated:
                spoiled.append(line[: len(line) // 2])
                self.ended = True
                break
            spoiled += [line, line] if self._count in self._duplicated else [line]
        return b"".join(spoiled)
