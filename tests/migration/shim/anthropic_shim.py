"""The modules that the official package's tests import, made of this package.

Private parts of the official package that its tests use are stood in for by public behaviour of ours where there is
one, and by `Missing` where there is none.
"""

# The imports follow the change of sys.modules.
# ruff: noqa: E402

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx

# The official package is built on httpx2, and the tests mock httpx.
sys.modules["httpx2"] = httpx

import claude_batches
import claude_batches.pagination
import claude_batches.types.messages
import pydantic
from claude_batches._errors import ErrorResponse
from claude_batches._headers import Headers, SentRequest
from claude_batches._http.prepare import prepare
from claude_batches._http.status import BY_STATUS, status_error
from claude_batches_api.body import Body
from claude_batches_api.request import Operation, Request, Response


class Missing:
    """A private part of the official package without a counterpart here."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("this package has no counterpart")

    def __class_getitem__(cls, _: Any) -> type[Missing]:
        return cls

    def __init_subclass__(cls, **_: Any) -> None:
        """Accept subclasses."""


class FinalRequestOptions(SimpleNamespace):
    """The arguments of a request."""

    @classmethod
    def construct(cls, **values: Any) -> FinalRequestOptions:
        return cls(**values)


def make_request_options(
    *,
    query: Mapping[str, Any] | None = None,
    extra_headers: Any = None,
    extra_query: Mapping[str, Any] | None = None,
    extra_body: Any = None,
    timeout: Any = claude_batches.not_given,
) -> dict[str, Any]:
    return {
        "params": {**(query or {}), **(extra_query or {})},
        "headers": extra_headers,
        "extra_json": extra_body,
        "timeout": timeout,
    }


def request_of(options: FinalRequestOptions) -> tuple[Request[Any], dict[str, Any]]:
    """Return the request that official options describe, and our options for it."""
    given = vars(options)
    operation = Operation("shim", given["method"].upper(), given["url"], (Response("2XX", "json"),))
    body = given.get("json_data")
    request: Request[Any] = Request(
        operation,
        given["url"],
        body=None
        if body is None and not given.get("extra_json")
        else Body("json", body or {}, "application/json"),
    )
    ours = {
        "extra_headers": given.get("headers") or {},
        "extra_query": given.get("params") or {},
        "extra_body": given.get("extra_json") or {},
        "timeout": given.get("timeout", claude_batches.not_given),
    }
    return request, ours


class Requests:
    """Requests to any path, with the methods of the official client."""

    def __init__(self, *, _strict_response_validation: bool = True, **settings: Any) -> None:
        given = settings.pop("default_headers", None) or {}
        # The one header that the tests look for. This package has a user agent of its own.
        own = {} if "x-stainless-lang" in map(str.lower, given) else {"x-stainless-lang": "python"}
        super().__init__(default_headers={**own, **given}, **settings)

    def _make_status_error(self, _: str, *, body: object, response: httpx.Response) -> Exception:
        shown = ErrorResponse(response.status_code, Headers(), b"", SentRequest("GET", "/", Headers()))
        return status_error(shown)

    def _build_request(self: Any, options: FinalRequestOptions) -> httpx.Request:
        request, ours = request_of(options)
        prepared = prepare(self._transport.session, request, ours)
        native: httpx.Request = self._driver._native(self._driver._http, prepared, None)
        return native

    def _send(self: Any, method: str, path: str, body: Any) -> Any:
        request, ours = request_of(FinalRequestOptions(method=method, url=path, json_data=body))
        return self._transport.view("raw").send(request, ours)


class Anthropic(Requests, claude_batches.Client):
    def get(self, path: str, *, cast_to: Any, body: Any = None) -> Any:
        return self._send("get", path, body).parse(to=cast_to)

    def post(self, path: str, *, cast_to: Any, body: Any = None) -> Any:
        return self._send("post", path, body).parse(to=cast_to)


class AsyncAnthropic(Requests, claude_batches.AsyncClient):
    async def get(self, path: str, *, cast_to: Any, body: Any = None) -> Any:
        return await (await self._send("get", path, body)).parse(to=cast_to)

    async def post(self, path: str, *, cast_to: Any, body: Any = None) -> Any:
        return await (await self._send("post", path, body)).parse(to=cast_to)


def response_of(raw: httpx.Response, **_: Any) -> SimpleNamespace:
    """Return the facts that the constructor of our responses takes, of a response without a request."""
    if getattr(raw, "_request", None) is None:
        raw.request = httpx.Request("GET", "http://127.0.0.1/foo")
    with claude_batches.Client(api_key="key") as client:
        request, ours = request_of(FinalRequestOptions(method="get", url="/foo"))
        prepared = prepare(client._transport.session, request, ours)
    return SimpleNamespace(native=raw, prepared=prepared, elapsed=0.0, clock=time.monotonic)


def api_response(*, raw: httpx.Response, **_: Any) -> Any:
    from claude_batches._sync.response import Response as Opened

    return claude_batches.RawResponse(Opened(**vars(response_of(raw))), as_text, content=raw.content)


def async_api_response(*, raw: httpx.Response, **_: Any) -> Any:
    from claude_batches._async.response import AsyncResponse as Opened

    return claude_batches.AsyncRawResponse(Opened(**vars(response_of(raw))), as_text, content=raw.content)


def as_text(_: Any, content: bytes) -> str:
    return content.decode()


def module(name: str, **names: Any) -> None:
    found = ModuleType(name)
    vars(found).update(names)
    sys.modules[name] = found


def decoder(*, raw_iterator: Any, line_type: Any, http_response: Any) -> Any:
    """Return the stream of lines in place of an official decoder."""

    async def opened() -> Any:
        return response, raw_iterator

    async def close() -> None:
        return None

    if hasattr(raw_iterator, "__anext__"):
        response: Any = SimpleNamespace(close=close)
        return claude_batches.AsyncLineStream(opened, lambda _: json.loads)
    response = SimpleNamespace(close=lambda: None)
    return claude_batches.LineStream(lambda: (response, raw_iterator), lambda _: json.loads)


def made_by(function: Any) -> type[Missing]:
    """Return a class whose instances a function makes."""
    return type(function.__name__, (Missing,), {"__new__": lambda _, **facts: function(**facts)})


PUBLIC = {name: getattr(claude_batches, name) for name in claude_batches.__all__}
TYPES = claude_batches.types.messages

module(
    "anthropic",
    **{**PUBLIC, "Anthropic": Anthropic, "AsyncAnthropic": AsyncAnthropic},
    BaseModel=pydantic.BaseModel,
    DefaultAioHttpClient=Missing,
    __path__=[],
)
module("anthropic.pagination", **vars(claude_batches.pagination))
module("anthropic.types", messages=TYPES, __path__=[])
module("anthropic.types.messages", **vars(TYPES))
module(
    "anthropic._types",
    Omit=claude_batches.Omit,
    Timeout=claude_batches.Timeout,
    NotGiven=claude_batches.NotGiven,
    not_given=claude_batches.not_given,
)
module("anthropic._utils", asyncify=Missing)
module("anthropic._models", BaseModel=pydantic.BaseModel, FinalRequestOptions=FinalRequestOptions)
module("anthropic._streaming", Stream=Missing, AsyncStream=Missing)
module("anthropic._exceptions", **PUBLIC)
module("anthropic._client", default_credentials=None)
module("anthropic._error_classes", ERROR_CLASSES=BY_STATUS)
module("anthropic._decoders", __path__=[])
module("anthropic._decoders.jsonl", JSONLDecoder=made_by(decoder), AsyncJSONLDecoder=made_by(decoder))
module(
    "anthropic._response",
    APIResponse=made_by(api_response),
    AsyncAPIResponse=made_by(async_api_response),
    BaseAPIResponse=Missing,
    BinaryAPIResponse=Missing,
    AsyncBinaryAPIResponse=Missing,
    StreamAlreadyConsumed=Missing,
    extract_response_type=Missing,
)
module(
    "anthropic._base_client",
    DEFAULT_TIMEOUT=claude_batches.DEFAULT_TIMEOUT,
    HTTPX_DEFAULT_TIMEOUT=httpx.Timeout(5.0),
    BaseClient=Missing,
    OtherPlatform=Missing,
    DefaultHttpxClient=claude_batches.DefaultHttpxClient,
    DefaultAsyncHttpxClient=claude_batches.DefaultAsyncHttpxClient,
    FinalRequestOptions=FinalRequestOptions,
    get_platform=Missing,
    get_architecture=Missing,
    make_request_options=make_request_options,
)
