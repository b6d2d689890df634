"""The parts that the clients of this API and of others share: their connections, and how they are shown."""

from __future__ import annotations

from types import TracebackType
from typing import Never

from .driver import AsyncDriver
from .transport import AsyncTransport

__all__ = ["AsyncBaseClient"]


class AsyncBaseClient:
    """The connections of a client."""

    _driver: AsyncDriver
    _transport: AsyncTransport
    _owner: bool
    """True if the connections end with this client."""

    @property
    def base_url(self) -> str:
        """URL of the API, without a slash at the end."""
        return self._transport.session.config.base_url

    async def close(self) -> None:
        """Close the connections, unless they belong to another client or to an `http_client`."""
        if self._owner:
            await self._driver.close()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        # A traceback can show a client whose constructor failed.
        transport: AsyncTransport | None = getattr(self, "_transport", None)
        return f"{type(self).__name__}(base_url={transport and transport.session.config.base_url!r})"

    def __reduce__(self) -> Never:
        raise TypeError(
            "a client can't be pickled or copied: make one in each process, or use with_options()"
        )
