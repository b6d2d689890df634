"""Another API with this client: credentials, retries, request ids, an overlay, and the whole example."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from claude_batches import (
    ApiClient,
    APIConnectionError,
    AsyncApiClient,
    ConfigurationError,
    CredentialsError,
    InternalServerError,
    NotFoundError,
)

from tests.generator.conftest import Run
from tests.generator.running import REPO, Api, generated
from tests.support.server import Exchange, ScriptedServer, drop, reply

EXAMPLE = REPO / "examples" / "own_api"
LIBRARY = (EXAMPLE / "library.yaml", "--overlay", EXAMPLE / "library.overlay.yaml")

DOCUMENT = """
openapi: 3.1.0
info: {title: Doors, version: "1"}
security: [{key: []}, {user: []}]
paths:
  /doors: {post: {operationId: doors_make, tags: [doors], responses: {"204": {description: Made.}}}}
  /doors/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      {operationId: doors_get, tags: [doors], responses: {"200": {description: A., content: {application/json: {schema:
        {$ref: "#/components/schemas/Door"}}}}}}
    put: {operationId: doors_put, tags: [doors], security: [{query: []}], responses: {"204": {description: A.}}}
    patch:
      {operationId: doors_fix, tags: [doors], security: [{token: [], cookie: []}],
       responses: {"204": {description: A.}}}
    delete: {operationId: doors_drop, tags: [doors], security: [], responses: {"204": {description: A.}}}
components:
  schemas: {Door: {type: object, properties: {id: {type: string}}}}
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Door}
    user: {type: http, scheme: basic}
    query: {type: apiKey, in: query, name: opener}
    cookie: {type: apiKey, in: cookie, name: session}
    token: {type: oauth2, flows: {}}
"""
EVERY = {"key": "k-secret-1", "query": "q secret 2", "cookie": "c-secret", "token": "t-secret"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with generated(DOCUMENT, tmp_path_factory.mktemp("own")) as found:
        yield found


def client(api: Api, server: ScriptedServer, **settings: Any) -> ApiClient[Any]:
    return ApiClient(
        api.resources.SyncResources, base_url=f"{server.url}/v1/", **{"max_retries": 1, **settings}
    )


def test_credentials_of_each_operation(api: Api) -> None:
    """Each operation sends the first of its alternatives that is there in full, and nothing else."""
    with ScriptedServer([reply(204)]) as server, client(api, server, credentials=EVERY) as doors:
        doors.doors.make()
        doors.doors.put("1")
        doors.doors.fix("1")
        doors.doors.drop("1")
    with (
        ScriptedServer([reply(204)]) as other,
        client(api, other, credentials={"user": ("me", "word")}) as doors,
    ):
        doors.doors.make()
    names = ("x-door", "authorization", "cookie")
    sent = [(each.target, *(each.headers.get(name) for name in names)) for each in server.requests]
    assert sent == [
        ("/v1/doors", "k-secret-1", None, None),
        ("/v1/doors/1?opener=q%20secret%202", None, None, None),
        ("/v1/doors/1", None, "Bearer t-secret", "session=c-secret"),
        ("/v1/doors/1", None, None, None),
    ]
    assert other.requests[0].headers["authorization"] == "Basic bWU6d29yZA=="
    assert "anthropic-version" not in server.requests[0].headers


def test_missing_credential(api: Api) -> None:
    """A missing credential raises before anything is sent, and names the alternatives."""
    with ScriptedServer([reply(204)]) as server, client(api, server) as doors:
        with pytest.raises(CredentialsError, match=r"doors\.make .*\{'key': \.\.\.\} or \{'user'"):
            doors.doors.make()
        doors.doors.make(extra_headers={"X-Door": "own"})
    assert [each.headers["x-door"] for each in server.requests] == ["own"]


@pytest.mark.parametrize(
    "given", [{"kee": "v-secret"}, {"key": 7}, {"user": "v-secret"}, {"key": "v-secret\n"}]
)
def test_wrong_credential(api: Api, given: Any) -> None:
    """A credential of an unknown name or form is refused without being shown."""
    with pytest.raises(ConfigurationError) as raised:
        ApiClient(api.resources.SyncResources, base_url="http://localhost", credentials=given)
    assert "v-secret" not in str(raised.value)


def test_errors_show_no_credential(api: Api) -> None:
    """An error shows no credential, from any place of the request; it has the request's id."""

    def echo(exchange: Exchange) -> bytes:
        return f"{exchange.target} {exchange.headers}".encode()

    act = reply(404, echo, {"x-trace": "t-1"}, request_id=None)
    with (
        ScriptedServer([act]) as server,
        client(api, server, credentials=EVERY, request_id_header="X-Trace") as doors,
    ):
        for call in (doors.doors.get, doors.doors.put, doors.doors.fix):
            with pytest.raises(NotFoundError) as raised:
                call("1")
            error = raised.value
            said = f"{error} {error.request} {error.response.text} {error.body}"
            assert error.request_id == "t-1"
            assert not [each for each in (*EVERY.values(), "q%20secret%202") if each in said], said


def test_unsafe_methods_are_not_repeated(api: Api) -> None:
    """A POST is not repeated where it may have had its effect; a PUT is, and so is one with a key."""
    for failing, wanted in ((reply(500), InternalServerError), (drop(), APIConnectionError)):
        with ScriptedServer([failing]) as server, client(api, server, credentials=EVERY) as doors:
            with pytest.raises(wanted):
                doors.doors.make()
            assert len(server.requests) == 1
            with pytest.raises(wanted):
                doors.doors.put("1")
            assert len(server.requests) == 3
            with pytest.raises(wanted):
                doors.doors.make(extra_headers={"Idempotency-Key": "1"})
            assert len(server.requests) == 5
    for first, settings in ((reply(500), {"retry_unsafe_methods": True}), (reply(429), {})):
        with (
            ScriptedServer([first, reply(204)]) as server,
            client(api, server, credentials=EVERY, **settings) as doors,
        ):
            doors.doors.make()
        assert len(server.requests) == 2


def test_request_id_of_a_model(api: Api) -> None:
    """A result has the id of its request."""
    act = reply(200, {"id": "d"}, {"x-request-id": "r-1"}, request_id=None)
    with ScriptedServer([act]) as server, client(api, server, credentials=EVERY) as doors:
        assert doors.doors.get("1")._request_id == "r-1"


def test_async_client(api: Api) -> None:
    """The async client does the same, and its copy has other settings."""

    async def use(url: str) -> str:
        async with AsyncApiClient(api.resources.AsyncResources, base_url=url, credentials=EVERY) as doors:
            door = await doors.doors.get("1")
            return str(door.id)

    with ScriptedServer([reply(200, {"id": "d"})]) as server:
        assert anyio.run(use, server.url) == "d"
        first = client(api, server, credentials=EVERY)
        first.with_options(credentials={"key": "other-key"}).api.doors.get("2")
        first.close()
    assert [each.headers["x-door"] for each in server.requests] == ["k-secret-1", "other-key"]


def test_example(tmp_path: Path, run: Run) -> None:
    """The example is generated with its overlay, type checks, and runs."""
    done = run("--spec", *LIBRARY, "--output", tmp_path, "--package", "library_api")
    assert (done.status, "note" in done.err) == (0, False)
    paths = os.pathsep.join(map(str, (tmp_path, REPO / "generated", REPO / "overlays")))
    program = EXAMPLE / "use_library.py"
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file=",
        "--strict",
        "--follow-imports=silent",
        str(program),
    ]
    checked = subprocess.run(
        mypy, cwd=tmp_path, env={**os.environ, "MYPYPATH": paths}, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout

    def answer(exchange: Exchange) -> None:
        if exchange.method == "POST":
            reply(201, {"id": "b3", "title": "The Aleph"})(exchange)
        elif exchange.path.endswith("/summary"):
            words = b'data: {"text": "A "}\n\ndata: {"text": "tale."}\n\n'
            reply(200, words, {"content-type": "text/event-stream"})(exchange)
        elif "after=b1" in exchange.target:
            reply(200, {"books": [{"id": "b2", "title": "Fictions"}]})(exchange)
        else:
            reply(200, {"books": [{"id": "b1", "title": "Labyrinths"}], "continue_after": "b1"})(exchange)

    with ScriptedServer([answer]) as server:
        settings = {"LIBRARY_URL": server.url, "LIBRARY_CARD": "card-1", "PYTHONPATH": paths}
        ran = subprocess.run(
            [sys.executable, program],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.stdout.splitlines() == ["b1: Labyrinths", "A tale.", "b2: Fictions", "A tale.", "added b3"], (
        ran.stderr
    )
    assert {each.headers["x-library-card"] for each in server.requests} == {"card-1"}


OVERLAY = """
overlay: 1.0.0
info: {title: A, version: "1"}
actions:
"""


@pytest.mark.parametrize(
    ("actions", "status", "said"),
    [
        ("- {target: $.paths.*.get, update: {operationId: pets_find}}", 0, ""),
        ("- {target: $.paths.*.get.parameters, update: {name: q, in: query, schema: {type: string}}}", 0, ""),
        ("- {target: '$.paths.*.get.parameters[?@.name == \"x\"]', remove: true}", 0, "action 1 has no effect"),
        ("- {target: $.paths.*.post, update: {}}", 0, "action 1 has no effect"),
        ("- {target: $.info.title, update: T}", 2, "its target is neither an object nor a list"),
        ("- {target: '$..[', update: {}}", 2, "is not JSONPath"),
        ("- {update: {}}", 2, "action 1 has no `target`"),
        ("- {target: $.paths.*.get, update: {x-pagination: {items: pets}}}", 2, "x-pagination lacks"),
    ],
)  # fmt: skip
def test_overlays(spec: Path, tmp_path: Path, run: Run, actions: str, status: int, said: str) -> None:
    """An overlay is applied, or refused with the reason."""
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(f"{OVERLAY}{actions}")
    done = run("--spec", spec, "--overlay", overlay, "--output", tmp_path, "--package", "pets")
    assert (done.status, said in done.err) == (status, True), done.err
    if not said:
        text = (tmp_path / "pets" / "resources" / "_pets.py").read_text()
        assert "def find(" in text or "q: str | None = None" in text
        assert "--overlay overlay.yaml" in text


def test_overlay_merges(spec: Path, tmp_path: Path, run: Run) -> None:
    """Objects are merged, lists grow, other values are replaced, and items are removed one by one."""
    from generator.load.document import load
    from generator.load.overlays import apply_overlay

    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(f"""{OVERLAY}
- target: $
  update:
    info: {{version: "2", license: {{name: MIT}}}}
    tags: [{{name: one}}]
    servers: [{{url: a}}, {{url: b}}, {{url: a}}]
- target: $
  update: {{tags: [{{name: two}}]}}
- target: $.tags
  update: {{name: three}}
- target: $.servers[?@.url == 'a']
  remove: true
""")
    document = load(spec)
    apply_overlay(document, overlay)
    assert document.data["info"] == {"title": "Pets", "version": "2", "license": {"name": "MIT"}}
    assert [each["name"] for each in document.data["tags"]] == ["one", "two", "three"]
    assert document.data["servers"] == [{"url": "b"}]
    assert document.notes == []
