"""Lists page by themselves, can't go round for ever, and don't end early."""

from __future__ import annotations

from typing import Any

import claude_batches
import pytest

from tests.support.server import reply
from .wire import batch, page


def ids(batches: Any) -> list[str]:
    return [each.id for each in batches]


def test_iterating_fetches_pages_as_they_are_needed(connect: Any, serve: Any) -> None:
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


def test_nothing_is_fetched_before_it_is_asked_for(serve: Any) -> None:
    server = serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("b"))))
    with claude_batches.Client(api_key="k", base_url=server.url) as client:
        items = iter(client.messages.batches.list())
        assert next(items).id == "a"
        assert len(server.requests) == 1


def test_a_page_has_the_official_attributes(connect: Any, serve: Any) -> None:
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


def test_get_next_page_gives_the_next_and_raises_after_the_last(connect: Any, serve: Any) -> None:
    server = serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("b"))))
    do = connect(server)
    first = do(lambda batches: batches.list())
    second = do.run(first.get_next_page)
    assert ids(second.data) == ["b"]
    assert second.next_page_info() is None
    with pytest.raises(claude_batches.PaginationError, match="last page"):
        do.run(second.get_next_page)


def test_the_same_page_can_be_left_twice(connect: Any, serve: Any) -> None:
    do = connect(serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("b")))))
    first = do(lambda batches: batches.list())
    assert ids(do.run(first.get_next_page).data) == ids(do.run(first.get_next_page).data) == ["b"]


def test_a_cursor_that_repeats_raises(connect: Any, serve: Any) -> None:
    server = serve(reply(200, page(batch("a"), more=True)), reply(200, page(batch("a"), more=True)))
    do = connect(server)
    with pytest.raises(claude_batches.PaginationError, match="after_id='a' leads back"):
        do.items(lambda batches: batches.list())
    assert len(server.requests) == 2


def test_a_longer_circle_of_cursors_raises_too(connect: Any, serve: Any) -> None:
    server = serve(*(reply(200, page(batch(name), more=True)) for name in "abcb"))
    with pytest.raises(claude_batches.PaginationError):
        connect(server).items(lambda batches: batches.list())
    assert len(server.requests) == 4


def test_a_cursor_that_leads_back_to_where_the_user_began_raises(connect: Any, serve: Any) -> None:
    server = serve(reply(200, page(batch("b"), more=True, last="a")))
    with pytest.raises(claude_batches.PaginationError):
        connect(server).items(lambda batches: batches.list(after_id="a"))
    assert len(server.requests) == 1


def test_an_empty_page_does_not_end_a_list_that_has_more(connect: Any, serve: Any) -> None:
    server = serve(
        reply(200, page(batch("a"), more=True)),
        reply(200, page(more=True, last="z")),
        reply(200, page(batch("b"))),
    )
    assert ids(connect(server).items(lambda batches: batches.list())) == ["a", "b"]
    assert server.requests[-1].target.endswith("after_id=z")


def test_a_list_that_has_more_and_no_cursor_raises_instead_of_ending_early(connect: Any, serve: Any) -> None:
    server = serve(reply(200, {"data": [batch("a")], "has_more": True}))
    with pytest.raises(claude_batches.PaginationError, match="no cursor"):
        connect(server).items(lambda batches: batches.list())


def test_a_server_that_does_not_say_whether_it_has_more_goes_by_its_cursor(connect: Any, serve: Any) -> None:
    server = serve(
        reply(200, {"data": [batch("a")], "last_id": "a"}), reply(200, {"data": [], "last_id": "b"})
    )
    assert ids(connect(server).items(lambda batches: batches.list())) == ["a"]


@pytest.mark.parametrize("data", [None, 5, "text", {}])
def test_a_page_without_a_list_has_no_items(connect: Any, serve: Any, data: Any) -> None:
    found = connect(serve(reply(200, {"data": data, "has_more": False})))(lambda batches: batches.list())
    assert found.data == []
    assert repr(found)


@pytest.mark.parametrize("content", [b'"text"', b"null", b"[]", b"7"])
def test_what_is_no_page_at_all_is_an_error_and_not_an_empty_list(
    connect: Any, serve: Any, content: bytes
) -> None:
    do = connect(serve(reply(200, content)))
    with pytest.raises(claude_batches.APIResponseValidationError):
        do(lambda batches: batches.list())


def test_before_id_walks_backwards(connect: Any, serve: Any) -> None:
    server = serve(
        reply(200, page(batch("d"), batch("e"), more=True)), reply(200, page(batch("b"), batch("c")))
    )
    found = connect(server).items(lambda batches: batches.list(before_id="f"))
    assert ids(found) == ["d", "e", "b", "c"]
    assert [request.target.partition("?")[2] for request in server.requests] == ["before_id=f", "before_id=d"]


def test_iter_pages_gives_whole_pages(connect: Any, serve: Any) -> None:
    server = serve(reply(200, page(batch("a"), batch("b"), more=True)), reply(200, page(batch("c"))))
    do = connect(server)
    first = do(lambda batches: batches.list())

    async def collect() -> list[list[str]]:
        return [ids(each.data) async for each in first.iter_pages()]

    pages = (
        [ids(each.data) for each in first.iter_pages()] if do._portal is None else do._portal.call(collect)
    )
    assert pages == [["a", "b"], ["c"]]


def test_the_options_of_a_call_hold_for_each_page(connect: Any, serve: Any) -> None:
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


def test_a_page_that_fails_is_retried_and_nothing_comes_twice(connect: Any, serve: Any) -> None:
    server = serve(reply(200, page(batch("a"), more=True)), reply(503), reply(200, page(batch("b"))))
    assert ids(connect(server).items(lambda batches: batches.list())) == ["a", "b"]


@pytest.mark.anyio
async def test_an_async_list_is_awaited_or_iterated_over(serve: Any) -> None:
    server = serve(reply(200, page(batch("a"), batch("b"))))
    async with claude_batches.AsyncClient(api_key="k", base_url=server.url) as client:
        first = await client.messages.batches.list()
        assert ids(first.data) == ["a", "b"]
        assert [each.id async for each in client.messages.batches.list()] == ["a", "b"]
        assert [each.id async for each in first] == ["a", "b"]
