"""Lists that come in pages: the items of one page, and the way to the next.

A server's cursors are not trusted to lead anywhere: one that was used before raises instead of going round
for ever, an empty page doesn't end a list that says it has more, and asking for a page after the last is an
error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any, Generic, TypeVar, cast

import attrs
from claude_batches_api.request import Cursor, Pagination, Request

from ._errors import PaginationError

__all__ = ["AsyncPage", "AsyncPager", "Page"]

T = TypeVar("T")


class _Page(Generic[T]):
    """What both kinds of page know.

    Arguments:
        request: What this page is the answer to.
        response: The page, decoded.
        seen: The cursors that led here.
    """

    def __init__(self, request: Request[Any], response: Any, seen: frozenset[str]) -> None:
        assert request.operation.pagination is not None
        self.response = response
        """The page as the server sent it, decoded."""
        self._request = request
        self._pagination: Pagination = request.operation.pagination
        self._seen = seen

    @property
    def data(self) -> list[T]:
        """The items of this page alone."""
        items: Any = getattr(self.response, self._pagination.items, None)
        return cast(list[T], items) if type(items) is list else []

    @property
    def has_more(self) -> bool:
        """Whether the server says that more items follow."""
        pagination = self._pagination
        said = getattr(self.response, pagination.more, None) if pagination.more is not None else None
        if isinstance(said, bool):
            return said
        # A server that doesn't say goes by its cursor, which an empty last page may well have.
        return bool(self.data) and self._cursor is not None

    @property
    def _request_id(self) -> str | None:
        """The id that the API gave the request."""
        request_id: str | None = getattr(self.response, "_request_id", None)
        return request_id

    @property
    def _direction(self) -> Cursor:
        """Backwards if that is how the list was asked for."""
        previous = self._pagination.previous
        if previous is not None and previous.parameter in dict(self._request.query):
            return previous
        return self._pagination.next

    @property
    def _cursor(self) -> str | None:
        cursor = getattr(self.response, self._direction.field, None)
        return None if cursor in (None, "") else str(cursor)

    def has_next_page(self) -> bool:
        """Whether `get_next_page()` has one to fetch."""
        return self.has_more

    def next_page_info(self) -> dict[str, str] | None:
        """The query parameters that ask for the next page; `None` after the last."""
        if not self.has_more or self._cursor is None:
            return None
        return {self._direction.parameter: self._cursor}

    def _next_request(self) -> tuple[Request[Any], frozenset[str]]:
        """What asks for the next page, and the cursors that led there.

        Raises:
            PaginationError: There is none, or it was there before.
        """
        if not self.has_more:
            raise PaginationError("this is the last page: ask has_next_page() before get_next_page()")
        cursor, parameter = self._cursor, self._direction.parameter
        name = self._request.operation.name
        if cursor is None:
            raise PaginationError(
                f"{name}: the server says that more follows, and gives no cursor to get there"
            )
        if cursor in self._seen:
            raise PaginationError(
                f"{name}: the server's cursor {parameter}={cursor!r} leads back to a page that was there before"
            )
        query = [pair for pair in self._request.query if pair[0] != parameter]
        return attrs.evolve(self._request, query=(*query, (parameter, cursor))), self._seen | {cursor}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.data)} items, has_more={self.has_more}>"

    def __getattr__(self, name: str) -> Any:
        # The fields of the page itself: first_id, last_id, and whatever the spec adds.
        if name.startswith("_") or name == "response":
            raise AttributeError(name)
        return getattr(self.response, name)


class Page(_Page[T]):
    """One page of a list. Iterating gives its items and then those of the pages after it, fetched as needed.

    A list that was asked for with `before_id` goes backwards, to newer items. Each page has the newest
    first still, so its items are in order within a page, and the pages come from older to newer.
    """

    def __init__(
        self,
        request: Request[Any],
        response: Any,
        seen: frozenset[str],
        fetch: Callable[[Request[Any], frozenset[str]], Page[T]],
    ) -> None:
        super().__init__(request, response, seen)
        self._fetch = fetch

    def __iter__(self) -> Iterator[T]:
        for page in self.iter_pages():
            yield from page.data

    def iter_pages(self) -> Iterator[Page[T]]:
        """This page and those after it."""
        page = self
        yield page
        while page.has_next_page():
            page = page.get_next_page()
            yield page

    def get_next_page(self) -> Page[T]:
        """Fetch the next page.

        Raises:
            PaginationError: This is the last, or the server's cursor was there before.
            APIError: It can't be fetched.
        """
        return self._fetch(*self._next_request())


class AsyncPage(_Page[T]):
    """One page of a list. Iterating gives its items and then those of the pages after it, fetched as needed.

    The order of a list that was asked for with `before_id` is that of `Page`.
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
            for item in page.data:
                yield item

    async def iter_pages(self) -> AsyncIterator[AsyncPage[T]]:
        """This page and those after it."""
        page = self
        yield page
        while page.has_next_page():
            page = await page.get_next_page()
            yield page

    async def get_next_page(self) -> AsyncPage[T]:
        """Fetch the next page.

        Raises:
            PaginationError: This is the last, or the server's cursor was there before.
            APIError: It can't be fetched.
        """
        return await self._fetch(*self._next_request())


class AsyncPager(Generic[T]):
    """A list that is not fetched yet: `await` it for its first page, or iterate over all of its items."""

    def __init__(self, fetch: Callable[[], Awaitable[AsyncPage[T]]]) -> None:
        self._fetch = fetch

    async def _first(self) -> AsyncPage[T]:
        return await self._fetch()

    def __await__(self) -> Generator[Any, None, AsyncPage[T]]:
        return self._first().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in await self._fetch():
            yield item
