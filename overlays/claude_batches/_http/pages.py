"""Cursor pagination: the items of a page, and the request for the next one.

The cursors of a server are not trusted. A repeated cursor raises rather than looping forever, an empty page does not
end a list that has more, and a request for a page after the last one is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import attrs
from claude_batches_api.request import Cursor, Pagination, Request, RequestOptions

from .._errors import PaginationError
from .prepare import extra_query_pairs

__all__ = ["BasePage", "first_request"]

T = TypeVar("T")


class BasePage(Generic[T]):
    """Items and cursors of one page.

    Args:
        request: The request of the page.
        response: The decoded page.
        seen: The cursors that led to the page.
    """

    def __init__(self, request: Request[Any], response: Any, seen: frozenset[str]) -> None:
        assert request.operation.pagination is not None
        self.response = response
        """The decoded page as the server sent it."""
        self._request = request
        self._pagination: Pagination = request.operation.pagination
        self._seen = seen

    @property
    def data(self) -> list[T]:
        """The items of this page."""
        items: Any = getattr(self.response, self._pagination.items, None)
        return cast(list[T], items) if type(items) is list else []

    @property
    def has_more(self) -> bool:
        """True if the server has more items."""
        pagination = self._pagination
        said = getattr(self.response, pagination.more, None) if pagination.more is not None else None
        if isinstance(said, bool):
            return said
        # Without the server's statement the cursor decides, and an empty last page may have one.
        return bool(self.data) and self._cursor is not None

    @property
    def first_id(self) -> str | None:
        """Id of the first item; the cursor to the previous page."""
        return getattr(self.response, "first_id", None)

    @property
    def last_id(self) -> str | None:
        """Id of the last item; the cursor to the next page."""
        return getattr(self.response, "last_id", None)

    @property
    def _request_id(self) -> str | None:
        """Id of the request at the API."""
        request_id: str | None = getattr(self.response, "_request_id", None)
        return request_id

    @property
    def _workspace_id(self) -> str | None:
        """Workspace of the request, if the API named it."""
        workspace_id: str | None = getattr(self.response, "_workspace_id", None)
        return workspace_id

    @property
    def _direction(self) -> Cursor:
        """Backwards if the list was requested so."""
        previous = self._pagination.previous
        if previous is not None and previous.parameter in dict(self._request.query):
            return previous
        return self._pagination.next

    @property
    def _cursor(self) -> str | None:
        cursor = getattr(self.response, self._direction.field, None)
        return None if cursor in (None, "") else str(cursor)

    def has_next_page(self) -> bool:
        """Return true if `get_next_page()` has a page to fetch."""
        return self.has_more

    def next_page_info(self) -> dict[str, str] | None:
        """Return the query parameters of the next page; `None` after the last page."""
        if not self.has_more or self._cursor is None:
            return None
        return {self._direction.parameter: self._cursor}

    def to_dict(self, **options: Any) -> dict[str, Any]:
        """Return the page as parsed JSON; see `Model.to_dict`."""
        page: dict[str, Any] = self.response.to_dict(**options)
        return page

    def to_json(self, **options: Any) -> str:
        """Return the page as JSON text; see `Model.to_json`."""
        return str(self.response.to_json(**options))

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Return the fields of the page as a dict; see `Model.model_dump`."""
        page: dict[str, Any] = self.response.model_dump(**options)
        return page

    def model_dump_json(self, **options: Any) -> str:
        """Return the fields of the page as JSON text; see `Model.model_dump_json`."""
        return str(self.response.model_dump_json(**options))

    @property
    def model_extra(self) -> dict[str, Any]:
        """The fields of the page that are not in the spec."""
        extra: dict[str, Any] = self.response.model_extra
        return extra

    @property
    def model_fields_set(self) -> set[str]:
        """The names of the received fields of the page."""
        names: set[str] = self.response.model_fields_set
        return names

    def _next_request(self) -> tuple[Request[Any], frozenset[str]]:
        """Return the request of the next page, and the cursors that lead to it.

        Raises:
            PaginationError: This is the last page, or the cursor is repeated.
        """
        if not self.has_more:
            raise PaginationError("this is the last page: call has_next_page() before get_next_page()")
        cursor, parameter = self._cursor, self._direction.parameter
        name = self._request.operation.name
        if cursor is None:
            raise PaginationError(f"{name}: the server has more items, and gives no cursor to the next page")
        if cursor in self._seen:
            raise PaginationError(
                f"{name}: the server's cursor {parameter}={cursor!r} leads to a page that was fetched before"
            )
        query = [pair for pair in self._request.query if pair[0] != parameter]
        return attrs.evolve(self._request, query=(*query, (parameter, cursor))), self._seen | {cursor}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.data)} items, has_more={self.has_more}>"

    # Type checkers would accept every misspelt name.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Further fields of the page, and the methods of its model.
            if name.startswith("_") or name == "response":
                raise AttributeError(name)
            return getattr(self.response, name)


def first_request(
    request: Request[Any], options: RequestOptions
) -> tuple[Request[Any], RequestOptions, frozenset[str]]:
    """Return the request of a first page with `extra_query` in its query, the other options, and its cursors.

    The cursor of the next page then replaces one that `extra_query` gave.
    """
    extra = options.get("extra_query") or {}
    query = (*(pair for pair in request.query if pair[0] not in extra), *extra_query_pairs(extra))
    pagination = request.operation.pagination
    assert pagination is not None
    cursors = {pagination.next.parameter, pagination.previous.parameter if pagination.previous else ""}
    seen = frozenset(value for name, value in query if name in cursors)
    kept = cast(RequestOptions, {name: value for name, value in options.items() if name != "extra_query"})
    return attrs.evolve(request, query=query), kept, seen
