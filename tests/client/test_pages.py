"""Lists: pages are fetched as needed, never repeat, and never end early."""

from __future__ import annotations

from typing import Any

import claude_batches
import pytest

from tests.client.wire import batch, page
from tests.support.server import reply


def ids(batches: Any) -> list[str]:
    return [each.id for each in batches]


def test_iterate(connect: Any, serve: Any) -> None:
    """Iterating fetches the pages."""
    server = serve(
        reply(200, page(batch("a"), batch("b"), more=True)),
        reply(200, page(batch("c"), more=True)),
        reply(200, page(batch("d"))),
    )
    do = connect(server)
    assert ids(do.items(lambda batches: batches.list(limit=2, workspace_id="w"))) == ["a", "b", "c", "d"]
    assert [request.target for request in server.requests] == [
        "/v1/messages/batches?limit=2",
        "/v1/messages/batches?limit=2&after_id=b",
        "/v1/messages/batches?limit=2&after_id=c",
    ]
    assert {request.headers["anthropic-workspace-id"] for request in server.requests} == {"w"}


def test_pages_are_lazy(serve: Any) -> None:
    """A page is not fetched before its items are needed."""
    server = serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("b"))))
    with claude_batches.Client(api_key="k", base_url=server.url) as client:
        items = iter(client.messages.batches.list())
        assert next(items).id == "a"
        assert len(server.requests) == 1


def test_page_attributes(connect: Any, serve: Any) -> None:
    """A page has the attributes of the official SDK."""
    server = serve(reply(200, page(batch("a"), batch("b"), more=True)))
    found = connect(server)(lambda batches: batches.list())
    assert ids(found.data) == ["a", "b"]
    assert (found.has_more, found.first_id, found.last_id) == (True, "a", "b")
    assert found.has_next_page()
    assert found.next_page_info() == {"after_id": "b"}
    assert found._request_id == "req_scripted"
    assert found.response.data[0].id == "a"
    assert "2 items" in repr(found)
    with pytest.raises(AttributeError):
        _ = found.other


def test_get_next_page(connect: Any, serve: Any) -> None:
    """`get_next_page()` returns the next page and raises after the last."""
    server = serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("b"))))
    do = connect(server)
    first = do(lambda batches: batches.list())
    second = do.run(first.get_next_page)
    assert ids(second.data) == ["b"]
    assert second.next_page_info() is None
    with pytest.raises(claude_batches.PaginationError, match="last page"):
        do.run(second.get_next_page)


def test_page_twice(connect: Any, serve: Any) -> None:
    """The next page can be fetched twice."""
    do = connect(serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("b")))))
    first = do(lambda batches: batches.list())
    assert ids(do.run(first.get_next_page).data) == ids(do.run(first.get_next_page).data) == ["b"]


def test_repeated_cursor(connect: Any, serve: Any) -> None:
    """A repeated cursor raises."""
    server = serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("a"), more=True)))
    do = connect(server)
    with pytest.raises(
        claude_batches.PaginationError, match="after_id='a' leads to a page that was fetched before"
    ):
        do.items(lambda batches: batches.list())
    assert len(server.requests) == 2


def test_circle_of_cursors(connect: Any, serve: Any) -> None:
    """A longer circle of cursors raises."""
    server = serve(*(reply(200, page(batch(name), more=True)) for name in "abcb"))
    with pytest.raises(claude_batches.PaginationError):
        connect(server).items(lambda batches: batches.list())
    assert len(server.requests) == 4


def test_cursor_of_the_user(connect: Any, serve: Any) -> None:
    """A cursor that leads back to the user's own raises."""
    server = serve(reply(200, page(batch("b"), more=True, last="a")))
    with pytest.raises(claude_batches.PaginationError):
        connect(server).items(lambda batches: batches.list(after_id="a"))
    assert len(server.requests) == 1


def test_empty_page(connect: Any, serve: Any) -> None:
    """An empty page does not end a list that has more."""
    server = serve(
        reply(200, page(batch("a"), more=True)),
        reply(200, page(more=True, last="z")),
        reply(200, page(batch("b"))),
    )
    assert ids(connect(server).items(lambda batches: batches.list())) == ["a", "b"]
    assert server.requests[-1].target.endswith("after_id=z")


def test_missing_cursor(connect: Any, serve: Any) -> None:
    """A list that has more and no cursor raises."""
    server = serve(reply(200, {"data": [batch("a")], "has_more": True}))
    with pytest.raises(claude_batches.PaginationError, match="no cursor"):
        connect(server).items(lambda batches: batches.list())


def test_missing_has_more(connect: Any, serve: Any) -> None:
    """Without `has_more` the cursor decides."""
    server = serve(
        reply(200, {"data": [batch("a")], "last_id": "a"}), reply(200, {"data": [], "last_id": "b"})
    )
    assert ids(connect(server).items(lambda batches: batches.list())) == ["a"]


@pytest.mark.parametrize("data", [None, 5, "text", {}])
def test_page_without_items(connect: Any, serve: Any, data: Any) -> None:
    """A page without a list has no items."""
    found = connect(serve(reply(200, {"data": data, "has_more": False})))(lambda batches: batches.list())
    assert found.data == []
    assert repr(found)


@pytest.mark.parametrize("content", [b'"text"', b"null", b"[]", b"7"])
def test_not_a_page(connect: Any, serve: Any, content: bytes) -> None:
    """A response that is not a page raises rather than being an empty list."""
    do = connect(serve(reply(200, content)))
    with pytest.raises(claude_batches.APIResponseValidationError):
        do(lambda batches: batches.list())


def test_before_id(connect: Any, serve: Any) -> None:
    """A list with `before_id` goes backwards."""
    server = serve(
        reply(200, page(batch("d"), batch("e"), more=True)), reply(200, page(batch("b"), batch("c")))
    )
    found = connect(server).items(lambda batches: batches.list(before_id="f"))
    assert ids(found) == ["d", "e", "b", "c"]
    assert [request.target.partition("?")[2] for request in server.requests] == ["before_id=f", "before_id=d"]


def test_iter_pages(connect: Any, serve: Any) -> None:
    """`iter_pages()` returns whole pages."""
    server = serve(reply(200, page(batch("a"), batch("b"), more=True)), reply(200, page(batch("c"))))
    do = connect(server)
    first = do(lambda batches: batches.list())

    pages = [ids(each.data) for each in do.all(first.iter_pages)]
    assert pages == [["a", "b"], ["c"]]


def test_options_of_pages(connect: Any, serve: Any) -> None:
    """The options of a call hold for each page."""
    server = serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("b"))))
    connect(server).items(
        lambda batches: batches.list(
            extra_headers={"x-team": "blue"}, extra_query={"limit": 7, "after_id": "z"}
        )
    )
    assert [request.headers["x-team"] for request in server.requests] == ["blue"] * 2
    assert [request.target.partition("?")[2] for request in server.requests] == [
        "limit=7&after_id=z",
        "limit=7&after_id=a",
    ]


def test_page_is_retried(connect: Any, serve: Any) -> None:
    """A failed page is retried, and no item comes twice."""
    server = serve(reply(200, page(batch("a"), more=True)), reply(503), reply(200, page(batch("b"))))
    assert ids(connect(server).items(lambda batches: batches.list())) == ["a", "b"]


@pytest.mark.anyio
async def test_async_list(serve: Any) -> None:
    """An async list can be awaited or iterated over."""
    server = serve(reply(200, page(batch("a"), batch("b"))))
    async with claude_batches.AsyncClient(api_key="k", base_url=server.url) as client:
        first = await client.messages.batches.list()
        assert ids(first.data) == ["a", "b"]
        assert [each.id async for each in client.messages.batches.list()] == ["a", "b"]
        assert [each.id async for each in first] == ["a", "b"]
