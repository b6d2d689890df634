"""An open response, read by I/O."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Self

# async only
import anyio

from .._http.failure import DeadlinePassed, Failure, is_library_error, past_deadline
from .._http.response import OpenedResponse

__all__ = ["AsyncResponse"]


class AsyncResponse(OpenedResponse):
    """An open response. Close it, or use it as a context manager."""

    _body: AsyncGenerator[bytes] | None = None

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """Iterate over the body without its content encoding, in chunks of any size.

        Raises:
            APIConnectionError: The body is truncated, or its encoding is broken.
        """
        return self._chunks(self.native.aiter_bytes)

    async def read(self) -> bytes:
        """Read the whole body.

        Raises:
            APIConnectionError: The body is truncated.
        """
        content = await self.try_read()
        if isinstance(content, Failure):
            raise self.error(content)
        return content

    async def try_read(self, limit: int | None = None) -> bytes | Failure:
        """Read the body, up to a limit in bytes, and close the response. Return a failure instead of raising it."""
        chunks: list[bytes] = []
        length = 0
        try:
            self._tighten()
            async for chunk in self.native.aiter_bytes():
                chunks.append(chunk)
                length += len(chunk)
                if self._overdue():
                    return past_deadline()
                if limit is not None and length >= limit:
                    break
            else:
                self.ended = True
            return b"".join(chunks)
        except Exception as error:
            if not is_library_error(error):
                raise
            return self._failure_of(error)
        finally:
            await self.close()

    async def try_chunk(self) -> bytes | Failure | None:
        """Read the next chunk with its content encoding; empty at first, `None` at the end."""
        if self._body is None:
            self._body = self._owned()
        try:
            return await anext(self._body, None)
        except Exception as error:
            if not is_library_error(error):
                raise
            return self._failure_of(error)

    async def close(self) -> None:
        """Release the connection. It is reused if the body was read to its end."""
        body, self._body = self._body, None
        try:
            # A cancelled task can await nothing else.
            # async only
            with anyio.CancelScope(shield=True):
                if body is not None:
                    await body.aclose()
                await self.native.aclose()
            # sync: if body is not None: body.close()
            # sync: self.native.close()
        except Exception as error:
            if not is_library_error(error):
                raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _owned(self) -> AsyncGenerator[bytes]:
        """Iterate over the body, and close the response at its end or when the generator is garbage collected."""
        try:
            yield b""  # a generator that has not started runs no `finally`
            self._tighten()
            if self.was_read:
                yield self.native.content
                return
            async for chunk in self.native.aiter_raw():
                yield chunk
                if self._overdue():
                    raise DeadlinePassed
        finally:
            # async only
            with anyio.CancelScope(shield=True):
                await self.native.aclose()
            # sync: self.native.close()

    async def _chunks(self, source: Callable[[], AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
        try:
            self._tighten()
            async for chunk in source():
                yield chunk
                if self._overdue():
                    failure = past_deadline()
                    break
            else:
                self.ended = True
                return
        except Exception as error:
            if not is_library_error(error):
                raise
            failure = self._failure_of(error)
        # Outside of the `except`, so that the HTTP library's exception is not the context of ours.
        raise self.error(failure)
