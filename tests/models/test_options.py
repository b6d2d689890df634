"""Misspelt arguments are refused by every generated method, before any I/O."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import httpx
import pytest
from claude_batches import AsyncClient, Client
from claude_batches_api import resources
from claude_batches_api.operations import messages_batches
from claude_batches_api.request import OPTION_NAMES, check_options

METHODS = ("list", "retrieve", "delete", "cancel")
VIEWS = ("plain", "raw", "streaming")


def refuse(request: httpx.Request) -> httpx.Response:
    pytest.fail(f"{request.url} was asked for")


def view_of(batches: Any, view: str) -> Any:
    return batches if view == "plain" else getattr(batches, f"with_{view}_response")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("method", METHODS)
def test_a_typo_is_refused(method: str, view: str) -> None:
    """A sync method names the argument and the nearest one that exists."""
    client = Client(api_key="k", http_client=httpx.Client(transport=httpx.MockTransport(refuse)))
    call = getattr(view_of(client.messages.batches, view), method)
    arguments = () if method == "list" else ("msgbatch_1",)
    with pytest.raises(TypeError) as caught:
        call(*arguments, workspaceid="w")
    assert str(caught.value) == (
        f"Batches.{method}() got an unexpected keyword argument 'workspaceid'; did you mean 'workspace_id'?"
    )


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("method", METHODS)
def test_an_async_typo_is_refused(method: str, view: str) -> None:
    """An async method does so at the latest when it is awaited or entered."""

    async def run() -> None:
        http = httpx.AsyncClient(transport=httpx.MockTransport(refuse))
        async with AsyncClient(api_key="k", http_client=http) as client:
            call = getattr(view_of(client.messages.batches, view), method)
            arguments = () if method == "list" else ("msgbatch_1",)
            if view == "streaming":
                async with call(*arguments, timout=1):
                    pass
            else:
                await call(*arguments, timout=1)

    with pytest.raises(TypeError, match=rf"AsyncBatches\.{method}\(\).*'timout'.*'timeout'\?$"):
        asyncio.run(run())


def test_a_strange_name_has_no_suggestion() -> None:
    """An argument that is like no other is named alone."""
    with pytest.raises(TypeError, match=r"^B\.list\(\) got an unexpected keyword argument 'zzzz'$"):
        check_options({"zzzz": 1}, "B.list", ("limit",))


@pytest.mark.parametrize("name", sorted(OPTION_NAMES))
def test_options_pass(name: str) -> None:
    """Each option of `RequestOptions` is known."""
    check_options({name: None}, "B.list", ())


@pytest.mark.parametrize("resource", [resources.Batches, resources.AsyncBatches])
def test_operations_know_their_arguments(resource: type) -> None:
    """`Operation.arguments` are the arguments of the method, in its order."""
    for name in (*METHODS, "create", "results"):
        _self, *named, _options = inspect.signature(getattr(resource, name)).parameters
        assert tuple(named) == getattr(messages_batches, name.upper()).arguments


@pytest.mark.parametrize("name", [*METHODS, "create", "results"])
def test_docs_are_printed_for_methods_only(name: str) -> None:
    """The function of an operation has one line; sync and async method have the same full docstring."""
    operation = getattr(messages_batches, name.upper())
    function = getattr(messages_batches, name, None) or getattr(messages_batches, f"{name}_")
    assert function.__doc__ == f"Make a request of `{operation.name}`: `{operation.method} {operation.path}`."
    doc = getattr(resources.Batches, name).__doc__
    assert "Returns:" in doc
    assert doc == getattr(resources.AsyncBatches, name).__doc__


def test_list_leads_to_page() -> None:
    """The documentation of `list` names the class that it returns."""
    doc = resources.Batches.list.__doc__
    assert doc is not None
    assert "`claude_batches.Page`" in doc


def test_a_view_of_results_refuses_a_typo() -> None:
    """The views of `results` take the generated method, which checks as well."""
    client = Client(api_key="k", http_client=httpx.Client(transport=httpx.MockTransport(refuse)))
    with pytest.raises(TypeError, match=r"'workspace'.*'workspace_id'"):
        client.messages.batches.with_raw_response.results("b", workspace="w")  # type: ignore[call-arg]
