"""A response whose body is still to come.

It is what the transport opens, what `with_streaming_response` shows, and what results are read from.
Reading from it raises this package's errors only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from functools import cached_property
from typing import Any, Self, cast

from ._errors import APIConnectionError, APIError, APITimeoutError, CallTimeoutError
from ._failure import Failure, failure_of, is_library_error, past_deadline
from ._headers import Headers, SentRequest
from ._steps import Send
from ._timeouts import Timeouts

__all__ = ["AsyncResponse", "Response", "connection_error"]


def connection_error(
    failure: Failure, request: SentRequest, *, retries_taken: int = 0, note: str = ""
) -> APIError:
    """The exception for an attempt that failed, or for a response that broke off."""
    kind: type[APIConnectionError]
    if failure.deadline:
        kind, advice = CallTimeoutError, "Give the call a longer deadline, or try again later."
    elif failure.timed_out:
        kind, advice = APITimeoutError, "Check the network, or give the client a longer timeout."
    elif failure.lasting:
        kind, advice = APIConnectionError, "Trying again won't help: check base_url and the http_client."
    else:
        kind, advice = (
            APIConnectionError,
            "Worth trying again; if it stays so, check the network and base_url.",
        )
    retries = (
        f", after {retries_taken} {'retry' if retries_taken == 1 else 'retries'}" if retries_taken else ""
    )
    sentences = [f"{failure.text} ({request.method} {request.url}{retries}).", note]
    return kind(" ".join(sentence for sentence in sentences if sentence), request=request, advice=advice)


class _Opened:
    """What both kinds of response know.

    Arguments:
        native: The HTTP library's response.
        send: What was sent.
        elapsed: Seconds from the start of the attempt to the end of the headers.
        clock: The monotonic clock, for the deadline.
    """

    def __init__(self, native: Any, send: Send, elapsed: float, clock: Callable[[], float]) -> None:
        self.status_code: int = native.status_code
        self.headers = Headers(native.headers.multi_items())
        """The response's headers."""
        self.elapsed = timedelta(seconds=elapsed)
        """From the start of the attempt to the end of the headers."""
        self.retries_taken = 0
        """How many attempts went before this one."""
        self._native = native
        self._send = send
        self._clock = clock

    @cached_property
    def http_request(self) -> SentRequest:
        """What was sent: method, URL, and headers without credentials."""
        return self._send.shown()

    @property
    def url(self) -> str:
        """Where the response came from, after redirects."""
        return self.http_request.url

    @property
    def request_id(self) -> str | None:
        """The id that the API gave the request; worth quoting to its support."""
        return self.headers.get("request-id")

    @property
    def is_closed(self) -> bool:
        """Whether the connection was let go of, as it is when the body was read to its end."""
        return bool(self._native.is_closed)

    @property
    def http_version(self) -> str:
        """`HTTP/1.1` or `HTTP/2`."""
        return str(self._native.http_version)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status_code} of {self.http_request.method} {self.url}>"

    def _tighten(self) -> None:
        """Let no read take longer than what is left of the call's deadline, now that reading begins."""
        left = self._send.deadline.left(self._clock())
        timeouts = self._native.request.extensions.get("timeout")
        if left is not None and isinstance(timeouts, dict):
            timeouts["read"] = Timeouts(None, cast(Any, timeouts).get("read"), None, None).within(left).read

    def _failure_of(self, error: BaseException) -> Failure:
        return failure_of(error, self._send.secrets())

    def _overdue(self) -> bool:
        return self._send.deadline.passed(self._clock())

    def _error(self, failure: Failure) -> APIError:
        return connection_error(failure, self.http_request, retries_taken=self.retries_taken)


class Response(_Opened):
    """An open response. Close it, or use it in a `with`."""

    def iter_raw(self) -> Iterator[bytes]:
        """The body as it comes over the network, in its content encoding and in pieces of any size.

        Raises:
            APIConnectionError: It broke off; `APITimeoutError` if by silence.
        """
        return self._chunks(self._native.iter_raw)

    def iter_bytes(self) -> Iterator[bytes]:
        """The body as it comes, without its content encoding, in pieces of any size.

        Raises:
            APIConnectionError: It broke off, or its encoding is broken.
        """
        return self._chunks(self._native.iter_bytes)

    def read(self) -> bytes:
        """All of the body.

        Raises:
            APIConnectionError: It broke off.
        """
        content = self.try_read()
        if isinstance(content, Failure):
            raise self._error(content)
        return content

    def try_read(self, limit: int | None = None) -> bytes | Failure:
        """All of the body, or as much of it as was read when `limit` was passed; or why not."""
        self._tighten()
        chunks: list[bytes] = []
        length = 0
        try:
            for chunk in self._native.iter_bytes():
                chunks.append(chunk)
                length += len(chunk)
                if self._overdue():
                    return past_deadline()
                if limit is not None and length >= limit:
                    break
            return b"".join(chunks)
        except Exception as error:
            if not is_library_error(error):
                raise
            return self._failure_of(error)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the connection; it is used again if the body was read to its end."""
        try:
            self._native.close()
        except Exception as error:
            if not is_library_error(error):
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _chunks(self, source: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
        self._tighten()
        try:
            for chunk in source():
                yield chunk
                if self._overdue():
                    failure = past_deadline()
                    break
            else:
                return
        except Exception as error:
            if not is_library_error(error):
                raise
            failure = self._failure_of(error)
        # Out of the `except`, so that the HTTP library's exception is not the context of ours.
        raise self._error(failure)


class AsyncResponse(_Opened):
    """An open response. Close it, or use it in an `async with`."""

    def iter_raw(self) -> AsyncIterator[bytes]:
        """The body as it comes over the network, in its content encoding and in pieces of any size.

        Raises:
            APIConnectionError: It broke off; `APITimeoutError` if by silence.
        """
        return self._chunks(self._native.aiter_raw)

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """The body as it comes, without its content encoding, in pieces of any size.

        Raises:
            APIConnectionError: It broke off, or its encoding is broken.
        """
        return self._chunks(self._native.aiter_bytes)

    async def read(self) -> bytes:
        """All of the body.

        Raises:
            APIConnectionError: It broke off.
        """
        content = await self.try_read()
        if isinstance(content, Failure):
            raise self._error(content)
        return content

    async def try_read(self, limit: int | None = None) -> bytes | Failure:
        """All of the body, or as much of it as was read when `limit` was passed; or why not."""
        self._tighten()
        chunks: list[bytes] = []
        length = 0
        try:
            async for chunk in self._native.aiter_bytes():
                chunks.append(chunk)
                length += len(chunk)
                if self._overdue():
                    return past_deadline()
                if limit is not None and length >= limit:
                    break
            return b"".join(chunks)
        except Exception as error:
            if not is_library_error(error):
                raise
            return self._failure_of(error)
        finally:
            await self.close()

    async def close(self) -> None:
        """Let go of the connection; it is used again if the body was read to its end."""
        try:
            await self._native.aclose()
        except Exception as error:
            if not is_library_error(error):
                raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _chunks(self, source: Callable[[], AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
        self._tighten()
        try:
            async for chunk in source():
                yield chunk
                if self._overdue():
                    failure = past_deadline()
                    break
            else:
                return
        except Exception as error:
            if not is_library_error(error):
                raise
            failure = self._failure_of(error)
        raise self._error(failure)
