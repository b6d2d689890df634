"""Each drill changes the spec as the API might change, runs the generator, and uses the result through the client.

Nothing is written by hand in any of them: the client's own code is that of this checkout.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

import codegen
from tests.generator.conftest import Outcome, Run
from tests.generator.running import REPO, files_of

Edit = Callable[[dict[str, Any]], None]

BATCH = {
    "id": "b_1",
    "type": "message_batch",
    "processing_status": "ended",
    "request_counts": {"processing": 0, "succeeded": 1, "errored": 0, "canceled": 0, "expired": 0},
    "created_at": "2026-11-02T09:30:00Z",
    "expires_at": "2026-11-03T09:30:00Z",
    "ended_at": "2026-11-02T09:40:00Z",
    "cancel_initiated_at": None,
    "archived_at": None,
    "results_url": None,
}


class Wire(BaseHTTPRequestHandler):
    """A server that answers by path and records its requests."""

    answers: dict[str, Any]
    asked: list[tuple[str, str, dict[str, list[str]], Any]]
    traces: list[str | None]

    def _answer(self) -> None:
        split = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        query = parse_qs(split.query)
        is_json = self.headers.get("content-type") == "application/json"
        self.traces.append(self.headers.get("trace-id"))
        self.asked.append((self.command, split.path, query, json.loads(body) if is_json else body or None))
        answer = self.answers[f"{self.command} {split.path}"]
        answer = answer(query) if callable(answer) else answer
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header(
            "content-type", "application/octet-stream" if isinstance(answer, bytes) else "application/json"
        )
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = do_PATCH = _answer

    def log_message(self, format: str, *args: object) -> None:
        pass


class Drill:
    """A spec in a separate folder, its generated package, and a server."""

    def __init__(self, folder: Path, before: Path, run: Run, wire: type[Wire], url: str) -> None:
        self.spec = folder / "openapi.yaml"
        self.spec.write_bytes((before / "openapi.yaml").read_bytes())
        self.output = folder / "generated"
        self.overlays = folder / "overlays"
        shutil.copytree(before / "generated", self.output)
        shutil.copytree(REPO / "overlays", self.overlays, ignore=shutil.ignore_patterns("__pycache__"))
        self.wire = wire
        self.url = url
        self._run = run

    def codegen(self, *options: str) -> Outcome:
        return self._run(
            "--spec", self.spec, "--output", self.output, "--package", "claude_batches_api", *options
        )

    def edit(self, change: Edit) -> None:
        """Change the spec and generate: the check fails before and passes after."""
        document = yaml.safe_load(self.spec.read_text())
        change(document)
        self.spec.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
        overlays = files_of(self.overlays)
        assert self.codegen("--check").status == 1
        outcome = self.codegen()
        assert outcome.status == 0, outcome.err
        assert self.codegen("--check").status == 0
        assert files_of(self.overlays) == overlays

    def use(self, code: str) -> Any:
        """Run code that has a `client` and prints JSON."""
        prelude = f"""
            import json
            from claude_batches import AsyncClient, Client
            client = Client(base_url={self.url!r}, api_key="k")
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(prelude) + textwrap.dedent(code)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (self.output, self.overlays)))},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def mypy(self, code: str) -> list[tuple[int, str]]:
        """Check code with mypy's strict mode; return the line and the kind of each finding."""
        program = self.spec.with_name("program.py")
        program.write_text(textwrap.dedent(code))
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--config-file=", "--strict", "--follow-imports=silent", program],
            env={**os.environ, "MYPYPATH": os.pathsep.join(map(str, (self.output, self.overlays)))},
            cwd=program.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.findall(r"^program\.py:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
        return [(int(line), kind) for line, kind in found]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate the package of the committed spec."""
    folder = tmp_path_factory.mktemp("before")
    spec = folder / "openapi.yaml"
    spec.write_bytes((REPO / "spec" / "openapi.yaml").read_bytes())
    output = ["--output", str(folder / "generated")]
    assert codegen.main(["--spec", str(spec), *output, "--package", "claude_batches_api"]) == 0
    return folder


@pytest.fixture
def drill(tmp_path: Path, before: Path, run: Run) -> Iterator[Drill]:
    wire = type("Handler", (Wire,), {"answers": {}, "asked": [], "traces": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), wire)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Drill(tmp_path, before, run, wire, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def schemas(document: dict[str, Any]) -> dict[str, Any]:
    return document["components"]["schemas"]


def operation(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(
        each
        for item in document["paths"].values()
        for each in item.values()
        if isinstance(each, dict) and each.get("operationId") == name
    )


def test_a_new_field_can_be_read(drill: Drill) -> None:
    """A new field can be read."""

    def change(document: dict[str, Any]) -> None:
        schemas(document)["MessageBatch"]["properties"]["priority"] = {
            "type": "integer",
            "description": "How urgent.",
        }

    drill.edit(change)
    drill.wire.answers["GET /v1/messages/batches/b_1"] = {**BATCH, "priority": 7}
    assert drill.use("""
        batch = client.messages.batches.retrieve("b_1")
        print(json.dumps([batch.priority, batch.extra_fields]))
    """) == [7, {}]


def test_new_enum_value_is_a_literal(drill: Drill) -> None:
    """A new enum value is a literal."""

    def change(document: dict[str, Any]) -> None:
        schemas(document)["ProcessingStatus"]["enum"].append("paused")

    drill.edit(change)
    assert (
        '"paused"' in (drill.output / "claude_batches_api" / "models" / "_processing_status.py").read_text()
    )
    drill.wire.answers["GET /v1/messages/batches/b_1"] = {**BATCH, "processing_status": "paused"}
    assert (
        drill.use('print(json.dumps(client.messages.batches.retrieve("b_1").processing_status))') == "paused"
    )


def test_new_union_member_is_a_class(drill: Drill) -> None:
    """A new member of a union is a class."""

    def change(document: dict[str, Any]) -> None:
        schemas(document)["HologramBlock"] = {
            "type": "object",
            "required": ["type", "depth"],
            "properties": {"type": {"const": "hologram"}, "depth": {"type": "integer"}},
        }
        block = schemas(document)["ContentBlock"]
        block["oneOf"].append({"$ref": "#/components/schemas/HologramBlock"})
        block["discriminator"]["mapping"]["hologram"] = "#/components/schemas/HologramBlock"

    code = """
        from claude_batches.types import Message
        block = Message.from_dict({"content": [{"type": "hologram", "depth": 3}]}).content[0]
        print(json.dumps([type(block).__name__, block.depth]))
    """
    assert drill.use(code) == ["Unknown", 3]
    drill.edit(change)
    assert drill.use(code) == ["HologramBlock", 3]


@pytest.mark.parametrize("required", [False, True])
def test_new_parameter_can_be_given(drill: Drill, required: bool) -> None:
    """A new parameter is an argument."""

    def change(document: dict[str, Any]) -> None:
        operation(document, "messages_batches_list").setdefault("parameters", []).append(
            {"name": "sort-order", "in": "query", "required": required, "schema": {"enum": ["asc", "desc"]}}
        )

    drill.edit(change)
    page = {"data": [BATCH], "has_more": False, "first_id": None, "last_id": None}
    drill.wire.answers["GET /v1/messages/batches"] = page
    assert drill.use("""
        import inspect
        parameter = inspect.signature(client.messages.batches.list).parameters["sort_order"]
        ids = [batch.id for batch in client.messages.batches.list(sort_order="desc")]
        print(json.dumps([parameter.default is inspect.Parameter.empty, ids]))
    """) == [required, ["b_1"]]
    assert drill.wire.asked[-1][2]["sort-order"] == ["desc"]


def test_new_operation_is_a_method(drill: Drill) -> None:
    """A new operation of a tag is a method."""

    def change(document: dict[str, Any]) -> None:
        document["paths"]["/v1/messages/batches/{message_batch_id}/notes"] = {
            "post": {
                "operationId": "messages_batches_annotate",
                "tags": ["messages.batches"],
                "parameters": [
                    {"name": "message_batch_id", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["text"],
                                "properties": {
                                    "text": {"type": "string"},
                                    "color": {"type": ["string", "null"]},
                                },
                            }
                        }
                    },
                },
                "responses": {
                    "200": {
                        "description": "The batch.",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/MessageBatch"}}
                        },
                    }
                },
            }
        }

    drill.edit(change)
    drill.wire.answers["POST /v1/messages/batches/b_1/notes"] = BATCH
    assert drill.use("""
        import asyncio
        one = client.messages.batches.annotate("b_1", text="hello", color=None)
        async def main():
            async with AsyncClient(base_url=str(client.base_url), api_key="k") as other:
                return await other.messages.batches.annotate("b_1", text="again")
        print(json.dumps([one.id, asyncio.run(main()).id]))
    """) == ["b_1", "b_1"]
    assert [each[3] for each in drill.wire.asked] == [{"text": "hello", "color": None}, {"text": "again"}]


def add_widgets(document: dict[str, Any]) -> None:
    """Add a tag with a list that pages and a retrieve."""

    def answers(schema: str) -> dict[str, Any]:
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
        return {"200": {"description": "It is there.", "content": content}}

    def query(name: str, kind: str) -> dict[str, Any]:
        return {"name": name, "in": "query", "schema": {"type": kind}}

    schemas(document)["Widget"] = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string"}, "size": {"type": "integer"}},
    }
    schemas(document)["WidgetsPage"] = {
        "type": "object",
        "required": ["allWidgets", "hasMore", "nextCursor"],
        "properties": {
            "allWidgets": {"type": "array", "items": {"$ref": "#/components/schemas/Widget"}},
            "hasMore": {"type": "boolean"},
            "nextCursor": {"type": ["string", "null"]},
        },
    }
    document["paths"]["/v1/widgets"] = {
        "get": {
            "operationId": "widgets_list",
            "tags": ["widgets"],
            "parameters": [query("cursor", "string"), query("limit", "integer")],
            "x-pagination": {
                "items": "allWidgets",
                "more": "hasMore",
                "next": {"parameter": "cursor", "field": "nextCursor"},
            },
            "responses": answers("WidgetsPage"),
        }
    }
    document["paths"]["/v1/widgets/{widget_id}"] = {
        "get": {
            "operationId": "widgets_retrieve",
            "tags": ["widgets"],
            "parameters": [
                {"name": "widget_id", "in": "path", "required": True, "schema": {"type": "string"}}
            ],
            "responses": answers("Widget"),
        }
    }


def widgets(query: dict[str, list[str]]) -> dict[str, Any]:
    """Return a page of three of seven widgets."""
    start = int(query.get("cursor", ["0"])[0])
    ids = [str(number) for number in range(7)][start : start + 3]
    return {
        "allWidgets": [{"id": each} for each in ids],
        "hasMore": start + 3 < 7,
        "nextCursor": str(start + 3),
    }


def test_new_tag_is_a_resource(drill: Drill) -> None:
    """A new tag is a resource whose list pages."""
    drill.edit(add_widgets)
    drill.wire.answers |= {"GET /v1/widgets": widgets, "GET /v1/widgets/w%2F1": {"id": "w/1", "size": 4}}
    found = drill.use("""
        import asyncio
        page = client.widgets.list(limit=3)
        async def main():
            async with AsyncClient(base_url=str(client.base_url), api_key="k") as other:
                first = await other.widgets.list()
                return {
                    "async ids": [widget.id async for widget in other.widgets.list()],
                    "async page": [widget.id for widget in first.data],
                    "async one": (await other.widgets.retrieve("w/1")).size,
                }
        print(json.dumps({
            "ids": [widget.id for widget in client.widgets.list()],
            "page": [widget.id for widget in page.data],
            "pages": [len(each.data) for each in page.iter_pages()],
            "one": client.widgets.retrieve("w/1").size,
            "raw": client.widgets.with_raw_response.retrieve("w/1").status_code,
            "kind": type(page.data[0]).__name__,
            **asyncio.run(main()),
        }))
    """)
    every = [str(number) for number in range(7)]
    assert found == {
        "ids": every, "page": every[:3], "pages": [3, 3, 1], "one": 4, "raw": 200, "kind": "Widget",
        "async ids": every, "async page": every[:3], "async one": 4,
    }  # fmt: skip
    assert drill.wire.asked[0][2] == {"limit": ["3"]}


def test_new_tag_with_files(drill: Drill) -> None:
    """A new tag can upload and download files."""
    binary = {"type": "string", "format": "binary"}

    def change(document: dict[str, Any]) -> None:
        add_widgets(document)
        fields = {"file": binary, "note": {"type": "string"}}
        document["paths"]["/v1/widgets/{widget_id}/picture"] = {
            "parameters": [
                {"name": "widget_id", "in": "path", "required": True, "schema": {"type": "string"}}
            ],
            "post": {
                "operationId": "widgets_upload_picture",
                "tags": ["widgets"],
                "requestBody": {
                    "required": True,
                    "content": {
                        "multipart/form-data": {
                            "schema": {"type": "object", "required": ["file"], "properties": fields}
                        }
                    },
                },
                "responses": {
                    "200": {
                        "description": "The widget.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Widget"}}},
                    }
                },
            },
            "get": {
                "operationId": "widgets_download_picture",
                "tags": ["widgets"],
                "responses": {
                    "200": {"description": "It.", "content": {"application/octet-stream": {"schema": binary}}}
                },
            },
        }

    drill.edit(change)
    drill.wire.answers |= {
        "POST /v1/widgets/w/picture": {"id": "w", "size": 3},
        "GET /v1/widgets/w/picture": b"\x89PNG",
    }
    assert drill.use("""
        import asyncio
        uploaded = client.widgets.upload_picture("w", file=("a.png", b"\\x89PNG"), note="hello")
        async def main():
            async with AsyncClient(base_url=str(client.base_url), api_key="k") as other:
                await other.widgets.upload_picture("w", file=b"again")
                return await other.widgets.download_picture("w")
        print(json.dumps([uploaded.size, client.widgets.download_picture("w").hex(), asyncio.run(main()).hex()]))
    """) == [3, "89504e47", "89504e47"]
    first = drill.wire.asked[0][3]
    assert b'name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n' in first
    assert b'name="note"\r\n\r\nhello\r\n' in first


def test_renamed_schema_is_a_renamed_class(drill: Drill) -> None:
    """A renamed schema is a renamed class."""

    def change(document: dict[str, Any]) -> None:
        text = json.dumps(document).replace('schemas/CacheCreation"', 'schemas/CacheWrites"')
        document.clear()
        document.update(json.loads(text))
        schemas(document)["CacheWrites"] = schemas(document).pop("CacheCreation")

    drill.edit(change)
    assert drill.use("""
        from claude_batches_api import models
        print(json.dumps([hasattr(models, "CacheWrites"), hasattr(models, "CacheCreation")]))
    """) == [True, False]


def test_removed_operation_is_gone(drill: Drill) -> None:
    """A removed operation is gone, and the others work."""

    def change(document: dict[str, Any]) -> None:
        del document["paths"]["/v1/messages/batches/{message_batch_id}"]["delete"]

    drill.edit(change)
    resource = (drill.output / "claude_batches_api" / "resources" / "_messages_batches.py").read_text()
    assert "def delete(" not in resource
    assert "def cancel(" in resource


def test_changed_type_decodes(drill: Drill) -> None:
    """A changed type decodes as the new type."""

    def change(document: dict[str, Any]) -> None:
        counts = schemas(document)["MessageBatchRequestCounts"]["properties"]
        counts["succeeded"] = {"type": "array", "items": {"type": "string", "format": "date-time"}}

    drill.edit(change)
    counts = {**BATCH["request_counts"], "succeeded": ["2026-11-21T00:00:00Z"]}  # type: ignore[dict-item]
    drill.wire.answers["GET /v1/messages/batches/b_1"] = {**BATCH, "request_counts": counts}
    assert (
        drill.use("""
        batch = client.messages.batches.retrieve("b_1")
        print(json.dumps(type(batch.request_counts.succeeded[0]).__name__))
    """)
        == "datetime"
    )


def test_options_of_create_and_results_grow(drill: Drill) -> None:
    """An added field and header are arguments of the handwritten methods, for type checkers as well."""

    def change(document: dict[str, Any]) -> None:
        urgency = {"type": "string", "enum": ["low", "high"], "description": "How urgent it is."}
        schemas(document)["BatchCreateParams"]["properties"]["urgency"] = urgency
        trace = {"name": "trace-id", "in": "header", "schema": {"type": "string"}}
        part = {"name": "part", "in": "query", "schema": {"type": "integer"}}
        operation(document, "messages_batches_create")["parameters"].append(trace)
        operation(document, "messages_batches_results")["parameters"] += [trace, part]

    code = """
        request = {"custom_id": "a", "params": {"model": "m", "max_tokens": 1, "messages": []}}
        client.messages.batches.create(requests=[request], urgency="high", trace_id="t1")
        try:
            client.messages.batches.create(requests=[request], urgencies="high")
        except TypeError as error:
            said = str(error)
        lines = [item.custom_id for item in client.messages.batches.results("b_1", trace_id="t2", part=3)]
        print(json.dumps([said, lines]))
    """
    drill.edit(change)
    line = b'{"custom_id": "a", "result": {"type": "canceled"}}\n'
    url = f"{drill.url}/v1/messages/batches/b_1/results"
    drill.wire.answers |= {
        "POST /v1/messages/batches": BATCH,
        "GET /v1/messages/batches/b_1": {**BATCH, "results_url": url},
        "GET /v1/messages/batches/b_1/results": line,
    }
    said, lines = drill.use(code)
    assert said.endswith("'urgencies'; did you mean 'urgency'?")
    assert lines == ["a"]
    create, _, results = drill.wire.asked
    assert create[3]["urgency"] == "high"
    assert results[2] == {"part": ["3"]}
    assert [drill.wire.traces[0], drill.wire.traces[-1]] == ["t1", "t2"]
    assert drill.mypy("""
        from claude_batches import AsyncClient, Client

        def use(client: Client, other: AsyncClient) -> None:
            client.messages.batches.create(requests=[], urgency="high", trace_id="t")
            client.messages.batches.create(requests=[], urgency="medium")
            other.messages.batches.results("b_1", part=3, trace_id="t")
            other.messages.batches.results("b_1", part="3")
            client.messages.batches.download("b_1", "file", parts=3)
    """) == [(6, "arg-type"), (8, "arg-type"), (9, "call-arg")]


def test_client_members_are_reserved(run: Run, tmp_path: Path) -> None:
    """The members of a client are reserved names for tags."""
    from claude_batches import AsyncClient, Client
    from claude_batches_api.resources import SyncResources

    from generator.names import CLIENT_MEMBERS

    own = {name for each in (Client, AsyncClient) for name in dir(each) if not name.startswith("_")}
    resources = {name for name in dir(SyncResources) if not name.startswith("_")}
    assert own - resources <= CLIENT_MEMBERS
