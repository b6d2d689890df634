"""Pages of a list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

from claude_batches_api.request import Request

from .._http.pages import BasePage

# sync: __all__ = ["Page"]
# async only
__all__ = ["AsyncPage", "AsyncPager"]

T = TypeVar("T")


class AsyncPage(BasePage[T]):
    """One page of a list. Iterating returns its items, then those of the following pages, fetched as needed.

    A list requested with `before_id` goes backwards, to newer items. Each page still has its newest item first, so the
    items are ordered within a page, and the pages go from older to newer.
    """

    def __init__(
        self,
        request: Request[Any],
        response: Any,
        seen: frozenset[str],
        fetch: Callable[[Request[Any], frozenset[str]], Awaitable[AsyncPage[T]]],
    ) -> None:
        super().__init__(request, response, seen)
        self._fetch = fetch

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.iter_pages():
            # sync: yield from page.data
            # async only
            for item in page.data:
                yield item

    async def iter_pages(self) -> AsyncIterator[AsyncPage[T]]:
        """Iterate over this page and the following ones."""
        page = self
        yield page
        while page.has_next_page():
            page = await page.get_next_page()
            yield page

    async def get_next_page(self) -> AsyncPage[T]:
        """Fetch the next page.

        Raises:
            PaginationError: This is the last page, or the server repeated a cursor.
            APIError: The page can't be fetched.
        """
        return await self._fetch(*self._next_request())


# async only
class AsyncPager(Generic[T]):
    """A list that is not fetched yet. Await it for the first page, or iterate over all of its items."""

    def __init__(self, fetch: Callable[[], Awaitable[AsyncPage[T]]]) -> None:
        self._fetch = fetch

    async def _first(self) -> AsyncPage[T]:
        return await self._fetch()

    def __await__(self) -> Generator[Any, None, AsyncPage[T]]:
        return self._first().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in await self._fetch():
            yield item
