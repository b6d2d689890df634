"""Streams: server-sent events, declared or implied by an argument `stream`, and JSON text sequences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from claude_batches import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    AsyncClient,
    Client,
    EventStream,
    LineStream,
)

from tests.generator.running import Api, program_complaints
from tests.support.server import Act, Exchange, ScriptedServer

EVENTS = "text/event-stream; charset=utf-8"


def stream(*chunks: str, media_type: str = EVENTS, cut: bool = False) -> Act:
    """Send a chunked response; without its last chunk, if it is cut."""

    def act(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(
            f"HTTP/1.1 200 OK\r\n{f'content-type: {media_type}' if media_type else 'x: y'}\r\n".encode()
        )
        exchange.send(b"request-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n")
        for chunk in chunks:
            data = chunk.encode()
            exchange.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        if cut:
            exchange.hang_up()
        else:
            exchange.send(b"0\r\n\r\n")

    return act


class Caller:
    """Calls the methods of the package, of a sync or of an async client."""

    def __init__(self, api: Api, kind: str) -> None:
        self._resources = api.module("resources")
        self._kind = kind
        self.requests: list[Exchange] = []

    def __call__(self, act: Act, method: str, /, *, view: str = "", **arguments: Any) -> Any:
        """Return the result, or the list of the items of a stream."""
        with ScriptedServer([act]) as server:
            try:
                return self._called(server.url, method, view, arguments)
            finally:
                self.requests = server.requests

    def _called(self, url: str, method: str, view: str, arguments: dict[str, Any]) -> Any:
        settings: Any = {"base_url": url, "api_key": "k", "max_retries": 0}
        if self._kind == "sync":
            with Client(**settings) as client:
                resource = self._resources.SyncResources(client._transport).t
                if view:
                    result = getattr(resource.with_raw_response, method)(**arguments).parse()
                else:
                    result = getattr(resource, method)(**arguments)
                return [*result] if isinstance(result, EventStream | LineStream) else result

        async def call() -> Any:
            async with AsyncClient(**settings) as client:
                resource = self._resources.AsyncResources(client._transport).t
                if view:
                    raw = await getattr(resource.with_raw_response, method)(**arguments)
                    result = await raw.parse()
                else:
                    result = await getattr(resource, method)(**arguments)
                return [item async for item in result] if hasattr(result, "__aiter__") else result

        return anyio.run(call)


@pytest.fixture(params=["sync", "async"])
def call(api: Api, request: pytest.FixtureRequest) -> Caller:
    return Caller(api, request.param)


class TestEvents:
    document = """
paths:
  /chat:
    post:
      operationId: t_chat
      tags: [t]
      requestBody: {required: true, content: {application/json: {schema: {$ref: Ask}}}}
      responses:
        "200":
          description: It.
          content: {application/json: {schema: {$ref: Answer}}, text/event-stream: {schema: {$ref: Chunk}}}
  /implied:
    post:
      operationId: t_implied
      tags: [t]
      requestBody: {required: true, content: {application/json: {schema: {$ref: Ask}}}}
      responses: {"200": {description: It., content: {application/json: {schema: {$ref: Answer}}}}}
  /watch:
    get:
      operationId: t_watch
      tags: [t]
      responses: {"200": {description: It., content: {text/event-stream: {schema: {$ref: Change}}}}}
  /raw:
    get:
      operationId: t_raw
      tags: [t]
      responses: {"200": {description: It., content: {text/event-stream: {schema: {type: string}}}}}
components:
  schemas:
    Ask:
      type: object
      required: [prompt]
      properties: {prompt: {type: string}, stream: {type: [boolean, "null"]}}
    Answer: {type: object, properties: {text: {type: string}}}
    Chunk: {type: object, properties: {delta: {type: string}, at: {type: string, format: date-time}}}
    Change:
      type: object
      required: [event, data]
      properties: {event: {enum: [made, gone]}, data: {$ref: Chunk}, id: {type: string}}
"""

    def test_stream_is_typed_events(self, api: Api, call: Caller) -> None:
        """With `stream=True` the data of each event is the documented model, up to the end mark."""
        act = stream('data: {"delta"', ': "a"}\r\n\r\n: ping\n\ndata: {"delta": "b"}\n\ndata: [DONE]\n\n')
        found = call(act, "chat", prompt="p", stream=True)
        assert [type(each) for each in found] == [api.models.Chunk] * 2
        assert [each.delta for each in found] == ["a", "b"]
        [request] = call.requests
        assert request.headers["accept"] == "text/event-stream"
        assert json.loads(request.body or b"") == {"prompt": "p", "stream": True}

    def test_result_without_stream(self, api: Api, call: Caller) -> None:
        """Without `stream` the result is the JSON."""
        answer = call(stream('{"text": "t"}', media_type="application/json"), "chat", prompt="p")
        assert answer == api.models.Answer(text="t")
        assert call.requests[0].headers["accept"] == "application/json"

    def test_stream_can_be_implied(self, call: Caller) -> None:
        """An argument `stream` makes a stream of events where the document says nothing of it."""
        found = call(stream("id: 7\nevent: tick\ndata: 1\n\n"), "implied", prompt="p", stream=True)
        assert [(each.event, each.json(), each.id) for each in found] == [("tick", 1, "7")]

    def test_schema_of_whole_event(self, api: Api, call: Caller) -> None:
        """A schema with `event` and `data` is that of the whole event."""
        [found] = call(stream('event: made\nid: 3\ndata: {"delta": "x"}\n\n'), "watch")
        assert found == api.models.Change(event="made", data=api.models.Chunk(delta="x"), id="3")

    def test_event_without_schema(self, call: Caller) -> None:
        """Events whose data is text stay events."""
        [found] = call(stream("data: a\ndata: b\n\n"), "raw")
        assert (found.event, found.data) == ("message", "a\nb")

    @pytest.mark.parametrize(
        "error",
        ['event: error\ndata: {"error": {"type": "overloaded_error", "message": "Busy"}}\n\n',
         'data: {"error": {"type": "overloaded_error", "message": "Busy"}}\n\n'],
    )  # fmt: skip
    def test_error_in_mid_stream(self, call: Caller, error: str) -> None:
        """An error event raises with the API's words."""
        with pytest.raises(APIStatusError, match=r"Busy.*The stream had begun") as raised:
            call(stream('data: {"delta": "a"}\n\n', error), "chat", prompt="p", stream=True)
        assert raised.value.type == "overloaded_error"
        assert raised.value.request_id == "req_1"

    def test_lost_connection(self, call: Caller) -> None:
        """A lost connection raises."""
        with pytest.raises(APIConnectionError):
            call(stream('data: {"delta": "a"}\n\n', cut=True), "chat", prompt="p", stream=True)

    def test_cut_event(self, call: Caller) -> None:
        """A stream that ends in the middle of an event raises."""
        with pytest.raises(APIResponseValidationError, match="ends in the middle of an event"):
            call(stream('data: {"delta": "a"}\n\ndata: {"del'), "chat", prompt="p", stream=True)

    def test_other_answer_is_no_stream(self, call: Caller) -> None:
        """JSON in place of a stream raises, and does not pass for an empty stream."""
        with pytest.raises(APIResponseValidationError, match="not a stream of events but application/json"):
            call(stream("{}", media_type="application/json"), "chat", prompt="p", stream=True)

    def test_data_that_is_not_json(self, call: Caller) -> None:
        """Data that is not JSON raises."""
        with pytest.raises(APIResponseValidationError, match="data is not JSON"):
            call(stream("data: <html>\n\n"), "chat", prompt="p", stream=True)

    def test_raw_view(self, call: Caller) -> None:
        """A raw response parses to the same items."""
        found = call(stream('data: {"delta": "a"}\n\n'), "chat", view="raw", prompt="p", stream=True)
        assert [each.delta for each in found] == ["a"]

    def test_overloads(self, api: Api, tmp_path: Path) -> None:
        """Type checkers know the result by the value of `stream`, and the views take both."""
        program = f"""
            from {api.name} import models
            from {api.name}.resources import AsyncT, T
            from typing import assert_type
            from claude_batches import AsyncEventStream, EventStream

            async def use(sync: T, other: AsyncT, flag: bool) -> None:
                assert_type(sync.chat(prompt="p"), models.Answer)
                assert_type(sync.chat(prompt="p", stream=False), models.Answer)
                assert_type(sync.chat(prompt="p", stream=True), EventStream[models.Chunk])
                assert_type(sync.chat(prompt="p", stream=flag), models.Answer | EventStream[models.Chunk])
                assert_type(await other.chat(prompt="p", stream=True), AsyncEventStream[models.Chunk])
                async for chunk in await other.chat(prompt="p", stream=True):
                    assert_type(chunk, models.Chunk)
                async for change in other.watch():
                    assert_type(change, models.Change)
                for event in sync.raw():
                    assert_type(event.data, str)
                sync.with_raw_response.chat(prompt="p")
        """
        assert program_complaints(api, tmp_path, program) == ("", "")


ANSWERS = """
      responses:
        "200":
          description: It.
          content: {application/json: {schema: {$ref: Answer}}, text/event-stream: {schema: {$ref: Chunk}}}
"""


class TestStreamByDefault:
    document = f"""
paths:
  /generate:
    post:
      operationId: t_generate
      tags: [t]
      requestBody: {{required: true, content: {{application/json: {{schema: {{$ref: Ask}}}}}}}}{ANSWERS}
  /search:
    get:
      operationId: t_search
      tags: [t]
      parameters: [{{name: stream, in: query, schema: {{type: boolean, default: true}}}}]{ANSWERS}
  /always:
    post:
      operationId: t_always
      tags: [t]
      requestBody: {{required: true, content: {{application/json: {{schema: {{$ref: Always}}}}}}}}{ANSWERS}
components:
  schemas:
    Ask:
      type: object
      required: [prompt]
      properties: {{prompt: {{type: string}}, stream: {{type: boolean, default: true}}}}
    Always:
      type: object
      required: [stream]
      properties: {{stream: {{const: true}}}}
    Answer: {{type: object, properties: {{text: {{type: string}}}}}}
    Chunk: {{type: object, properties: {{delta: {{type: string}}}}}}
"""

    @pytest.mark.parametrize(
        ("method", "arguments"),
        [
            ("generate", {"prompt": "p"}),
            ("generate", {"prompt": "p", "stream": True}),
            ("search", {}),
            ("always", {"stream": True}),
        ],
    )
    def test_stream_without_argument(self, api: Api, call: Caller, method: str, arguments: Any) -> None:
        """A call without a flag whose default is true, and one whose flag is always true, gets the stream."""
        found = call(stream('data: {"delta": "a"}\n\n'), method, **arguments)
        assert found == [api.models.Chunk(delta="a")]
        assert call.requests[0].headers["accept"] == "text/event-stream"

    @pytest.mark.parametrize(("method", "arguments"), [("generate", {"prompt": "p"}), ("search", {})])
    def test_result_on_request(self, api: Api, call: Caller, method: str, arguments: Any) -> None:
        """With `stream=False` the result is the JSON."""
        act = stream('{"text": "t"}', media_type="application/json")
        assert call(act, method, stream=False, **arguments) == api.models.Answer(text="t")
        assert call.requests[0].headers["accept"] == "application/json"

    def test_overloads(self, api: Api, tmp_path: Path) -> None:
        """Type checkers know the stream as the result of a call without the flag."""
        program = f"""
            from {api.name} import models
            from {api.name}.resources import AsyncT, T
            from typing import assert_type
            from claude_batches import AsyncEventStream, EventStream

            async def use(sync: T, other: AsyncT, flag: bool) -> None:
                assert_type(sync.generate(prompt="p"), EventStream[models.Chunk])
                assert_type(sync.generate(prompt="p", stream=True), EventStream[models.Chunk])
                assert_type(sync.generate(prompt="p", stream=False), models.Answer)
                assert_type(sync.generate(prompt="p", stream=flag), models.Answer | EventStream[models.Chunk])
                assert_type(await other.search(), AsyncEventStream[models.Chunk])
                assert_type(await other.search(stream=False), models.Answer)
                assert_type(sync.always(stream=True), EventStream[models.Chunk])
        """
        assert program_complaints(api, tmp_path, program) == ("", "")


class TestUnionBodies:
    document = f"""
paths:
  /literal:
    post:
      operationId: t_literal
      tags: [t]
      requestBody:
        required: true
        content: {{application/json: {{schema: {{oneOf: [$ref: Plain, $ref: Streamed]}}}}}}{ANSWERS}
  /either:
    post:
      operationId: t_either
      tags: [t]
      requestBody:
        required: true
        content: {{application/json: {{schema: {{oneOf: [$ref: Words, $ref: Picture, $ref: Plain]}}}}}}{ANSWERS}
  /implied:
    post:
      operationId: t_implied
      tags: [t]
      requestBody:
        required: true
        content: {{application/json: {{schema: {{oneOf: [$ref: Words, $ref: Picture]}}}}}}
      responses: {{"200": {{description: It., content: {{application/json: {{schema: {{$ref: Answer}}}}}}}}}}
  /default:
    post:
      operationId: t_default
      tags: [t]
      requestBody: {{content: {{application/json: {{schema: {{$ref: Eager}}}}}}}}{ANSWERS}
components:
  schemas:
    Plain:
      type: object
      required: [kind]
      properties: {{kind: {{const: plain}}, stream: {{enum: [false]}}}}
    Streamed:
      type: object
      required: [kind, stream]
      properties: {{kind: {{const: streamed}}, stream: {{const: true}}}}
    Words:
      type: object
      required: [words]
      properties: {{words: {{type: string}}, stream: {{$ref: Flag}}}}
    Picture:
      type: object
      required: [url]
      properties: {{url: {{type: string}}, stream: {{type: boolean}}}}
    Eager:
      type: object
      properties: {{words: {{type: string}}, stream: {{type: boolean, default: true}}}}
    Flag: {{type: [boolean, "null"], description: Stream it.}}
    Answer: {{type: object, properties: {{text: {{type: string}}}}}}
    Chunk: {{type: object, properties: {{delta: {{type: string}}}}}}
"""

    @pytest.mark.parametrize(
        ("method", "arguments"),
        [
            ("literal", {"body": {"kind": "streamed", "stream": True}}),
            ("either", {"body": {"words": "w", "stream": True}}),
            ("either", {"body": {"url": "u", "stream": True}}),
            ("default", {"body": {"words": "w"}}),
            ("default", {}),
        ],
    )
    def test_body_asks_for_stream(self, api: Api, call: Caller, method: str, arguments: Any) -> None:
        """A body whose flag is true, or left out where the default is true, gets the stream."""
        found = call(stream('data: {"delta": "a"}\n\n'), method, **arguments)
        assert found == [api.models.Chunk(delta="a")]
        assert call.requests[0].headers["accept"] == "text/event-stream"

    @pytest.mark.parametrize(
        ("method", "body"),
        [
            ("literal", {"kind": "plain"}),
            ("either", {"words": "w"}),
            ("either", {"kind": "plain", "stream": False}),
            ("implied", {"url": "u", "stream": None}),
            ("default", {"stream": False}),
        ],
    )
    def test_body_asks_for_result(self, api: Api, call: Caller, method: str, body: Any) -> None:
        """Any other body gets the JSON."""
        act = stream('{"text": "t"}', media_type="application/json")
        assert call(act, method, body=body) == api.models.Answer(text="t")
        assert json.loads(call.requests[0].body or b"") == body

    def test_stream_can_be_implied(self, call: Caller) -> None:
        """A flag in a member makes a stream of events where the document says nothing of it."""
        [event] = call(stream("data: 1\n\n"), "implied", body={"url": "u", "stream": True})
        assert event.data == "1"

    def test_overloads(self, api: Api, tmp_path: Path) -> None:
        """Type checkers know the result by the flag in the body."""
        program = f"""
            from {api.name} import models, params
            from {api.name}.resources import AsyncT, T
            from typing import assert_type
            from claude_batches import AsyncEventStream, EventStream, ServerSentEvent

            async def use(sync: T, other: AsyncT, flag: bool, words: params.Words) -> None:
                assert_type(sync.literal(body={{"kind": "streamed", "stream": True}}), EventStream[models.Chunk])
                assert_type(sync.literal(body={{"kind": "plain"}}), models.Answer)
                assert_type(sync.either(body={{"words": "w", "stream": True}}), EventStream[models.Chunk])
                assert_type(sync.either(body={{"url": "u", "stream": False}}), models.Answer)
                assert_type(sync.either(body={{"kind": "plain"}}), models.Answer)
                assert_type(sync.either(body=words), models.Answer | EventStream[models.Chunk])
                assert_type(sync.implied(body={{"url": "u", "stream": True}}), EventStream[ServerSentEvent])
                assert_type(await other.default(), AsyncEventStream[models.Chunk])
                assert_type(await other.default(body={{"stream": False}}), models.Answer)
                sync.with_raw_response.either(body={{"url": "u"}})
        """
        assert program_complaints(api, tmp_path, program) == ("", "")


class TestLinesByFlag:
    document = """
paths:
  /generate:
    post:
      operationId: t_generate
      tags: [t]
      requestBody: {required: true, content: {application/json: {schema: {$ref: Ask}}}}
      responses:
        "200":
          description: It.
          content: {application/json: {schema: {$ref: Answer}}, application/x-ndjson: {schema: {$ref: Chunk}}}
components:
  schemas:
    Ask:
      type: object
      properties: {stream: {type: boolean, default: true}}
    Answer: {type: object, properties: {text: {type: string}}}
    Chunk: {type: object, properties: {delta: {type: string}}}
"""

    @pytest.mark.parametrize("media_type", ["application/x-ndjson", ""])
    def test_lines(self, api: Api, call: Caller, media_type: str) -> None:
        """The stream may be JSON Lines, and its lines have their own model."""
        act = stream('{"delta": "a"}\n{"delta": "b"}\n', media_type=media_type)
        assert call(act, "generate") == [api.models.Chunk(delta="a"), api.models.Chunk(delta="b")]
        assert call.requests[0].headers["accept"] == "application/x-ndjson"

    def test_other_media_type(self, call: Caller) -> None:
        """A result in place of the asked-for stream raises."""
        with pytest.raises(APIResponseValidationError, match="not a stream of lines but application/json"):
            call(stream("{}", media_type="application/json"), "generate")

    def test_overloads(self, api: Api, tmp_path: Path) -> None:
        """Type checkers know the stream of lines, and the result."""
        program = f"""
            from {api.name} import models
            from {api.name}.resources import AsyncT, T
            from typing import assert_type
            from claude_batches import AsyncLineStream, LineStream

            async def use(sync: T, other: AsyncT) -> None:
                assert_type(sync.generate(), LineStream[models.Chunk])
                assert_type(sync.generate(stream=False), models.Answer)
                assert_type(await other.generate(stream=True), AsyncLineStream[models.Chunk])
                assert_type(await other.generate(stream=False), models.Answer)
        """
        assert program_complaints(api, tmp_path, program) == ("", "")


class TestBytesBesideEvents:
    document = """
paths:
  /speech:
    post:
      operationId: t_speech
      tags: [t]
      responses:
        "200":
          description: It.
          content:
            text/event-stream: {schema: {$ref: Chunk}}
            application/octet-stream: {schema: {type: string, format: binary}}
components: {schemas: {Chunk: {type: object, properties: {delta: {type: string}}}}}
"""

    def test_bytes_without_a_flag(self, call: Caller) -> None:
        """Without a flag that asks for the stream, the other media type is the result."""
        assert call(stream("audio", media_type="application/octet-stream"), "speech") == b"audio"


class TestSequences:
    document = """
paths:
  /numbers:
    get:
      operationId: t_numbers
      tags: [t]
      responses: {"200": {description: It., content: {application/json-seq: {schema: {type: integer}}}}}
  /things:
    get:
      operationId: t_things
      tags: [t]
      responses: {"200": {description: It., content: {application/json-seq: {schema: {$ref: Thing}}}}}
components: {schemas: {Thing: {type: object, properties: {name: {type: string}}}}}
"""

    def test_texts_may_have_lines(self, api: Api, call: Caller) -> None:
        """A text begins with a record separator, and may hold line ends (RFC 7464)."""
        act = stream('\x1e{"name":\n "a"}\n\x1e', '\x1e{"name": "b"}\n', media_type="application/json-seq")
        assert [each.name for each in call(act, "things")] == ["a", "b"]
        assert api.decode("t", "things", {"name": "a"}) == api.models.Thing(name="a")

    def test_cut_number(self, call: Caller) -> None:
        """A number without white space behind it may be cut, and raises (RFC 7464, 2.4)."""
        assert call(stream("\x1e1\n\x1e23\n", media_type="application/json-seq"), "numbers") == [1, 23]
        with pytest.raises(APIResponseValidationError, match="was cut off"):
            call(stream("\x1e1\n\x1e2", media_type="application/json-seq"), "numbers")
