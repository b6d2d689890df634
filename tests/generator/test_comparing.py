"""`codegen.py diff` and `codegen.py upstream`."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.compare.diff import Changes, diff
from generator.compare.report import Report
from generator.compare.upstream import upstream
from generator.load.document import Document, load
from generator.load.validate import validate
from generator.normalise import normalise
from generator.plan.build import build
from generator.plan.package import Package
from tests.generator.conftest import Outcome, Run
from tests.generator.running import REPO, complete

SHOP = complete("""
paths:
  /orders:
    get:
      operationId: orders_list
      tags: [orders]
      summary: List orders.
      parameters: [{name: limit, in: query, description: How many., schema: {type: integer}}]
      responses: {"200": {description: "", content: {application/json: {schema: {type: array, items: {$ref: Order}}}}}}
    post:
      operationId: orders_create
      tags: [orders]
      requestBody: {required: true, content: {application/json: {schema: {$ref: NewOrder}}}}
      responses: {"200": {description: "", content: {application/json: {schema: {$ref: Order}}}}}
  /orders/{order_id}:
    delete:
      operationId: orders_delete
      tags: [orders]
      parameters: [{name: order_id, in: path, required: true, schema: {type: string}}]
      responses: {"204": {description: ""}}
components:
  schemas:
    Order:
      description: What somebody bought.
      type: object
      required: [id, status]
      properties:
        id: {type: string}
        status: {type: string, enum: [open, paid], description: How far it is.}
        payment: {$ref: Payment}
    NewOrder:
      type: object
      required: [items]
      properties: {items: {type: array, items: {type: string}}, note: {type: string}}
    Payment:
      oneOf: [{$ref: Card}, {$ref: Cash}]
      discriminator: {propertyName: kind, mapping: {card: Card, cash: Cash}}
    Card: {type: object, required: [kind], properties: {kind: {const: card}, digits: {type: string}}}
    Cash: {type: object, required: [kind], properties: {kind: {const: cash}, amount: {type: integer}}}
""")

Change = Callable[[dict[str, Any]], None]

SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "token": {"type": "http", "scheme": "bearer"},
}


def properties(document: dict[str, Any], name: str) -> dict[str, Any]:
    return document["components"]["schemas"][name]["properties"]


def orders(document: dict[str, Any], method: str) -> dict[str, Any]:
    return document["paths"]["/orders"][method]


def add_member(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["Gold"] = {
        "description": "Payment in kind. Rare.",
        "type": "object",
        "properties": {"kind": {"const": "gold"}},
    }
    document["components"]["schemas"]["Payment"]["oneOf"].append({"$ref": "#/components/schemas/Gold"})


def rename(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    schemas["Coins"] = schemas.pop("Cash")
    schemas["Payment"]["oneOf"][1] = {"$ref": "#/components/schemas/Coins"}
    schemas["Payment"]["discriminator"]["mapping"]["cash"] = "Coins"


def rename_parameter(item: dict[str, Any], name: str) -> dict[str, Any]:
    item["delete"]["parameters"][0]["name"] = name
    return item


#: An edit, the heading of its report, and lines below the heading.
CHANGES: dict[str, tuple[Change, str, list[str]]] = {
    "a new field": (
        lambda d: properties(d, "Order").update(total={"type": "integer"}),
        "Added",
        ["Order.total: int | None"],
    ),
    "a lost field": (lambda d: properties(d, "Card").pop("digits"), "Breaking", ["Card.digits is gone"]),
    "a new optional field to send": (
        lambda d: properties(d, "NewOrder").update(gift={"type": "boolean"}),
        "Added",
        ["client.orders.create() takes gift: bool | None = None", "NewOrder['gift']: bool"],
    ),
    "a new required field to send": (
        lambda d: (
            properties(d, "NewOrder").update(address={"type": "string"}),
            d["components"]["schemas"]["NewOrder"]["required"].append("address"),
        ),
        "Breaking",
        ["client.orders.create() needs address: str", "NewOrder['address']: str, required"],
    ),
    "a field that becomes required to send": (
        lambda d: d["components"]["schemas"]["NewOrder"]["required"].append("note"),
        "Breaking",
        ["client.orders.create(note=...) is required now", "NewOrder['note'] is required now"],
    ),
    "a field that need not be sent any more": (
        lambda d: d["components"]["schemas"]["NewOrder"].update(required=[]),
        "Changed",
        ["client.orders.create(items=...) can be left out now", "NewOrder['items'] can be left out now"],
    ),
    "a field that may be missing": (
        lambda d: d["components"]["schemas"]["Order"].update(required=["id"]),
        "Breaking",
        ["Order.status may be missing now, and is None then"],
    ),
    "a field that is always there": (
        lambda d: d["components"]["schemas"]["Order"].update(required=["id", "status", "payment"]),
        "Changed",
        ["Order.payment is always there now"],
    ),
    "a new enum value": (
        lambda d: properties(d, "Order")["status"]["enum"].append("lost"),
        "Added",
        ["Order.status can be 'lost'"],
    ),
    "a lost enum value": (
        lambda d: properties(d, "Order")["status"]["enum"].remove("paid"),
        "Breaking",
        ["Order.status can't be 'paid' or str any more"],
    ),
    "a new union member": (add_member, "Added", ["Payment can be Gold", "Gold: Payment in kind."]),
    "a changed type": (
        lambda d: properties(d, "Cash").update(amount={"type": "string"}),
        "Breaking",
        ["Cash.amount is str | None, and was int | None"],
    ),
    "a wider type to send": (
        lambda d: properties(d, "NewOrder").update(note={"type": ["string", "integer"]}),
        "Added",
        ["NewOrder['note'] can be int", "client.orders.create(note=...) can be int"],
    ),
    "a wider type to read": (
        lambda d: properties(d, "Order").update(id={"type": ["string", "null"]}),
        "Breaking",
        ["Order.id can be None"],
    ),
    "a renamed schema": (rename, "Breaking", ["Cash is called Coins now"]),
    "a new parameter": (
        lambda d: orders(d, "get")["parameters"].append(
            {"name": "after", "in": "query", "schema": {"type": "string"}}
        ),
        "Added",
        ["client.orders.list() takes after: str | None = None"],
    ),
    "a new required parameter": (
        lambda d: orders(d, "get")["parameters"].append(
            {"name": "shop", "in": "query", "required": True, "schema": {"type": "string"}}
        ),
        "Breaking",
        ["client.orders.list() needs shop: str"],
    ),
    "a lost parameter": (
        lambda d: orders(d, "get")["parameters"].clear(),
        "Breaking",
        ["client.orders.list(limit=...) is gone"],
    ),
    "a changed parameter": (
        lambda d: orders(d, "get")["parameters"][0].update(schema={"type": "string"}),
        "Breaking",
        ["client.orders.list(limit=...) is str, and was int"],
    ),
    "a new operation": (
        lambda d: d["paths"].update(
            {
                "/shops": {
                    "get": {
                        "operationId": "shops_list",
                        "tags": ["shops"],
                        "summary": "List shops",
                        "responses": {},
                    }
                }
            }
        ),
        "Added",
        ["client.shops.list(): List shops."],
    ),
    "a lost operation": (
        lambda d: d["paths"].pop("/orders/{order_id}"),
        "Breaking",
        ["client.orders.delete() is gone"],
    ),
    "a changed result": (
        lambda d: orders(d, "post").update(responses={"204": {"description": ""}}),
        "Breaking",
        ["The result of client.orders.create() is None, and was Order"],
    ),
    "a moved operation": (
        lambda d: d["paths"].update({"/v2/orders": d["paths"].pop("/orders")}),
        "Changed",
        ["client.orders.list() is sent as GET /v2/orders, no longer as GET /orders"],
    ),
    "a renamed operation": (
        lambda d: orders(d, "get").update(operationId="orders_find"),
        "Breaking",
        ["client.orders.list() is called client.orders.find() now"],
    ),
    "a method whose name another one takes": (
        lambda d: d.update(
            paths={
                "/lists": {"get": {"operationId": "orders.list", "tags": ["orders"], "responses": {}}},
                **d["paths"],
            }
        ),
        "Breaking",
        ["client.orders.list() is called client.orders.list_2() now"],
    ),
    "a renamed path parameter": (
        lambda d: d["paths"].update(
            {"/orders/{id}": rename_parameter(d["paths"].pop("/orders/{order_id}"), "id")}
        ),
        "Breaking",
        ["client.orders.delete(order_id=...) is called id now"],
    ),
    "a parameter that moves": (
        lambda d: orders(d, "get")["parameters"][0].update({"in": "header", "name": "Limit"}),
        "Changed",
        ["client.orders.list(limit=...) is sent as Limit in the header, no longer as limit in the query"],
    ),
    "an operation that shall not be called any more": (
        lambda d: orders(d, "get").update(deprecated=True),
        "Deprecated",
        ["client.orders.list()"],
    ),
    "a type that becomes another": (
        lambda d: d["components"]["schemas"].update(Cash={"type": "string"}),
        "Breaking",
        ["Cash is str, and was a class"],
    ),
    "a time where there was a text": (
        lambda d: properties(d, "Order").update(id={"type": "string", "format": "date-time"}),
        "Breaking",
        ["Order.id is datetime, and was str"],
    ),
    "an enum that is a text now": (
        lambda d: properties(d, "Order").update(status={"type": "string", "description": "How far it is."}),
        "Changed",
        ["Order.status is str, and was Literal['open', 'paid'] | str"],
    ),
    "other items of a list": (
        lambda d: properties(d, "NewOrder").update(items={"type": "array", "items": {"type": "integer"}}),
        "Breaking",
        [
            "An item of NewOrder['items'] is int, and was str",
            "An item of client.orders.create(items=...) is int, and was str",
        ],
    ),
    "a body in another form": (
        lambda d: orders(d, "post")["requestBody"].update(
            content={
                "application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/NewOrder"}}
            }
        ),
        "Changed",
        [
            (
                "client.orders.create() sends its body as application/x-www-form-urlencoded, "
                "no longer as application/json"
            )
        ],
    ),
    "a choice of media types": (
        lambda d: orders(d, "post")["requestBody"]["content"].update(
            {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/NewOrder"}}}
        ),
        "Added",
        [
            (
                "client.orders.create() takes content_type: "
                "Literal['application/json', 'multipart/form-data'] = 'application/json'"
            )
        ],
    ),
    "credentials that are needed now": (
        lambda d: d["components"].update(securitySchemes=SCHEMES) or d.update(security=[{"key": []}]),
        "Breaking",
        ["client.orders.list() needs header x-key, and needed credentials"],
    ),
    "an operation without credentials": (
        lambda d: orders(d, "get").update(security=[]) or orders(d, "post").update(security=[{"key": []}]),
        "Breaking",
        ["client.orders.list() needs no credentials, and needed credentials"],
    ),
    "other words": (
        lambda d: (
            d["components"]["schemas"]["Order"].update(description="Bought."),
            properties(d, "Order")["status"].update(description="How far."),
            orders(d, "get").update(summary="All orders."),
        ),
        "Documentation",
        ["client.orders.list()", "Order", "Order.status"],
    ),
}


def compare(tmp_path: Path, run: Run, change: Change, *options: str) -> Outcome:
    old = yaml.safe_load(SHOP)
    new = copy.deepcopy(old)
    change(new)
    (tmp_path / "old.json").write_text(json.dumps(old))
    (tmp_path / "new.json").write_text(json.dumps(new))
    return run("diff", tmp_path / "old.json", tmp_path / "new.json", *options)


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_grouped(tmp_path: Path, run: Run, name: str) -> None:
    """Each change is reported under its heading."""
    change, heading, lines = CHANGES[name]
    outcome = compare(tmp_path, run, change)
    groups: dict[str, list[str]] = {}
    for line in outcome.out.splitlines()[1:]:
        if line.startswith("  "):
            groups[list(groups)[-1]].append(line.strip())
        else:
            groups[line.rpartition(" (")[0]] = []
    for line in lines:
        assert line in groups[heading], outcome.out
    assert outcome.status == (1 if "Breaking" in groups else 0)
    if heading != "Breaking":
        assert "Breaking" not in groups, outcome.out


def test_equal_documents_have_no_changes(tmp_path: Path, run: Run) -> None:
    """Two equal documents have no changes."""
    outcome = compare(tmp_path, run, lambda document: None)
    assert outcome.status == 0
    assert "Nothing changes for users." in outcome.out


def test_order_and_examples_are_ignored(tmp_path: Path, run: Run) -> None:
    """Order and examples are not changes."""

    def change(document: dict[str, Any]) -> None:
        schemas = document["components"]["schemas"]
        document["components"]["schemas"] = dict(reversed(schemas.items()))
        properties(document, "Card")["digits"]["example"] = "1234"

    assert "Nothing changes for users." in compare(tmp_path, run, change).out


def test_markdown_fits_a_changelog(tmp_path: Path, run: Run) -> None:
    """`--markdown` prints entries for a changelog."""

    def change(document: dict[str, Any]) -> None:
        for name in (
            "a lost field",
            "a renamed schema",
            "a new enum value",
            "a new parameter",
            "other words",
        ):
            CHANGES[name][0](document)

    outcome = compare(tmp_path, run, change, "--markdown")
    assert (
        outcome.out
        == """\
### Added

- `client.orders.list()` takes `after: str | None = None`.
- `Order.status` can be `'lost'`.

### Changed

- **Breaking:** `Cash` is called `Coins` now.
- Documentation of `client.orders.list()`, `Order.status` and `Order`.

### Removed

- **Breaking:** `Card.digits` is gone.
"""
    )


def test_revision_is_compared_with_a_file(run: Run) -> None:
    """A revision is compared with a file."""
    outcome = run("diff", "HEAD", REPO / "spec" / "openapi.yaml")
    assert outcome.status in (0, 1)
    assert outcome.out.startswith("From HEAD:spec/openapi.yaml to ")


def test_revisions_and_other_documents(tmp_path: Path, run: Run) -> None:
    """Two revisions, or other documents, can be compared."""
    assert "Nothing changes" in run("diff", "HEAD", "HEAD").out
    (tmp_path / "shop.yaml").write_text(SHOP)
    assert f"to {tmp_path / 'shop.yaml'}, for users" in run("--spec", tmp_path / "shop.yaml", "diff").out


@pytest.mark.parametrize("name", ["nonsense", "--output=x", "HEAD:README.md"])
def test_unknown_names_are_refused(run: Run, name: str) -> None:
    """A name that is neither a file nor a revision gives one error."""
    outcome = run("diff", name)
    assert outcome.status == 2
    assert "Traceback" not in outcome.err


def test_broken_documents_are_reported(tmp_path: Path, run: Run) -> None:
    """`diff` reports a broken document as generation does."""
    outcome = compare(tmp_path, run, lambda document: document.update(openapi="2.0"))
    assert outcome.status == 2
    assert "new.json:1: is OpenAPI 2.0" in outcome.err


# Upstream -----------------------------------------------------------------------------------------------------

THEIRS = complete("""
openapi: 3.0.3
paths:
  /orders:
    get:
      operationId: fetchAllTheOrders
      parameters:
        - {name: limit, in: query, required: true, schema: {type: integer}}
        - {name: cursor, in: query, schema: {type: string}}
      responses:
        "200": {description: "", content: {application/json: {schema: {type: array, items: {$ref: PurchaseDto}}}}}
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [items]
              properties: {items: {type: array, items: {type: string}}, note: {type: string}}
      responses:
        "200": {description: "", content: {application/json: {schema: {$ref: PurchaseDto}}}}
        "409": {description: ""}
  /orders/{id}:
    delete:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"204": {description: ""}}
  /unrelated: {get: {responses: {}}}
components:
  schemas:
    Base: {type: object, required: [id], properties: {id: {type: string}, currency: {type: string}}}
    PurchaseDto:
      allOf:
        - {$ref: Base}
        - type: object
          required: [status]
          properties:
            status: {type: string, enum: [open, paid, refunded]}
            payment:
              nullable: true
              anyOf:
                - type: object
                  required: [kind]
                  properties: {kind: {type: string, enum: [card]}, digits: {type: integer}}
                - type: object
                  required: [kind]
                  properties: {kind: {type: string, enum: [voucher]}}
""")


def test_authors_are_compared_by_structure(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents of two authors are compared by structure."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours.yaml").write_text(SHOP)
    (tmp_path / "theirs.yaml").write_text(THEIRS)
    outcome = run("--spec", tmp_path / "ours.yaml", "upstream", tmp_path / "theirs.yaml", "--markdown")
    assert outcome.status == 1
    assert (
        outcome.out
        == """\
### Missing here

- GET /orders: query parameter `cursor`
- GET /orders 200: `[].status` is `"refunded"`
- GET /orders 200: `[].payment` is `voucher`
- GET /orders 200: `[].currency` (string)
- POST /orders 409: the response

### Extra here

- GET /orders 200: `[].payment` is `cash`

### Differs

- GET /orders: query parameter `limit` is optional here and required there
- GET /orders 200: `[].payment` is object here and null | object there
- GET /orders 200: `[].payment<card>.digits` is string here and integer there

Only in theirs.yaml, and not compared (1): `GET /unrelated`
"""
    )


def test_names_of_schemas_are_ignored(tmp_path: Path, run: Run) -> None:
    """Other names of schemas are not a difference."""
    theirs = (
        SHOP.replace("schemas/Card", "schemas/P1")
        .replace("    Card:", "    P1:")
        .replace("card: Card", "card: P1")
    )
    assert theirs != SHOP
    (tmp_path / "ours.yaml").write_text(SHOP)
    (tmp_path / "theirs.yaml").write_text(theirs)
    outcome = run("--spec", tmp_path / "ours.yaml", "upstream", tmp_path / "theirs.yaml")
    assert outcome.status == 0
    assert "The same, as far as our operations go." in outcome.out


def secured(*alternatives: str) -> str:
    """Return the shop with security schemes."""
    document = yaml.safe_load(SHOP)
    document["components"]["securitySchemes"] = SCHEMES
    document["security"] = [{name: []} for name in alternatives]
    return yaml.safe_dump(document)


def test_another_alternative_is_not_breaking(tmp_path: Path, run: Run) -> None:
    """Another way to send credentials breaks no user, and one way less does."""
    (tmp_path / "one.yaml").write_text(secured("key"))
    (tmp_path / "two.yaml").write_text(secured("key", "token"))
    wider = run("diff", tmp_path / "one.yaml", tmp_path / "two.yaml")
    assert wider.status == 0
    assert "client.orders.list() needs header x-key or bearer token, and needed header x-key" in wider.out
    assert run("diff", tmp_path / "two.yaml", tmp_path / "one.yaml").status == 1


def test_other_credentials_differ(tmp_path: Path, run: Run) -> None:
    """Two documents with other security schemes differ."""
    (tmp_path / "ours.yaml").write_text(secured("key"))
    (tmp_path / "theirs.yaml").write_text(secured("token"))
    outcome = run("--spec", tmp_path / "ours.yaml", "upstream", tmp_path / "theirs.yaml")
    assert "GET /orders: needs header x-key here and bearer token there" in outcome.out


def test_credentials_may_be_a_parameter(tmp_path: Path, run: Run) -> None:
    """A header parameter there may be a security scheme here, and the other way round."""
    theirs = yaml.safe_load(SHOP)
    for item in theirs["paths"].values():
        item["parameters"] = [
            {"name": "x-key", "in": "header", "required": True, "schema": {"type": "string"}}
        ]
    (tmp_path / "ours.yaml").write_text(secured("key"))
    (tmp_path / "theirs.yaml").write_text(yaml.safe_dump(theirs))
    assert run("--spec", tmp_path / "ours.yaml", "upstream", tmp_path / "theirs.yaml").status == 0
    assert run("--spec", tmp_path / "theirs.yaml", "upstream", tmp_path / "ours.yaml").status == 0


def test_missing_operation_is_extra(tmp_path: Path, run: Run) -> None:
    """An operation that the other document lacks is extra."""
    theirs = yaml.safe_load(SHOP)
    del theirs["paths"]["/orders/{order_id}"]
    (tmp_path / "ours.yaml").write_text(SHOP)
    (tmp_path / "theirs.yaml").write_text(yaml.safe_dump(theirs))
    outcome = run("--spec", tmp_path / "ours.yaml", "upstream", tmp_path / "theirs.yaml")
    assert outcome.status == 1
    assert "Extra here (1)\n  DELETE /orders/{order_id}\n" in outcome.out


STREAMS = complete("""
paths:
  /chat:
    post:
      operationId: t_chat
      tags: [t]
      requestBody: {required: true, content: {application/json: {schema: {$ref: Ask}}}}
      responses:
        "200":
          description: It.
          content: {application/json: {schema: {type: string}}, text/event-stream: {schema: {$ref: Chunk}}}
components:
  schemas:
    Ask: {type: object, properties: {prompt: {type: string}, stream: {type: boolean}}}
    Chunk: {type: object, properties: {delta: {type: string}}}
""")


def contents(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/chat"]["post"]["responses"]["200"]["content"]
    return found


@pytest.mark.parametrize(
    ("change", "heading", "line"),
    [
        (
            lambda d: contents(d).pop("application/json"),
            "Breaking",
            "client.t.chat() gives a stream of events of Chunk, and gave str",
        ),
        (
            lambda d: properties(d, "Ask")["stream"].update(default=True),
            "Breaking",
            "client.t.chat() gives a stream of events of Chunk, and gave str",
        ),
        (
            lambda d: properties(d, "Ask").pop("stream"),
            "Breaking",
            "client.t.chat() with stream=True does not give a stream of events of Chunk any more",
        ),
        (
            lambda d: contents(d)["text/event-stream"].update(schema={"type": "integer"}),
            "Breaking",
            "An item of client.t.chat() with stream=True is int, and was Chunk",
        ),
    ],
)
def test_changed_streams(tmp_path: Path, run: Run, change: Change, heading: str, line: str) -> None:
    """A change of a stream, or of the flag that asks for it, is told."""
    document = yaml.safe_load(STREAMS)
    change(document)
    (tmp_path / "old.yaml").write_text(STREAMS)
    (tmp_path / "new.yaml").write_text(yaml.safe_dump(document))
    said = run("diff", tmp_path / "old.yaml", tmp_path / "new.yaml").out
    assert heading in said
    assert line in said


def test_new_flag_for_a_stream(tmp_path: Path, run: Run) -> None:
    """A new flag that asks for a stream breaks no call."""
    document = yaml.safe_load(STREAMS)
    properties(document, "Ask").pop("stream")
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(document))
    (tmp_path / "new.yaml").write_text(STREAMS)
    outcome = run("diff", tmp_path / "old.yaml", tmp_path / "new.yaml")
    assert outcome.status == 0
    assert "client.t.chat() with stream=True gives a stream of events of Chunk" in outcome.out


# Any edit of our own spec ---------------------------------------------------------------------------------------

SPEC = load(REPO / "spec" / "openapi.yaml").data

any_edit = settings(max_examples=10, deadline=None)


def read(data: dict[str, Any]) -> Document:
    document = Document(copy.deepcopy(data), "", Path("openapi.yaml"))
    validate(document)
    normalise(document)
    return document


@cache
def ours() -> tuple[Document, Package]:
    document = read(SPEC)
    return document, build(document)


def there_and_back(other: dict[str, Any]) -> tuple[Changes, Changes]:
    """Return the changes from our spec to another, and back."""
    mine, theirs = ours()[1], build(read(other))
    return diff(mine, theirs), diff(theirs, mine)


def beside(other: dict[str, Any]) -> tuple[Report, Report]:
    """Return the reports on our spec beside another, and on that beside ours."""
    mine, theirs = ours()[0], read(other)
    return upstream(mine, theirs), upstream(theirs, mine)


def reordered(value: Any, random: Random) -> Any:
    if isinstance(value, dict):
        keys = random.sample(list(value), len(value))
        return {
            key: random.sample(value[key], len(value[key]))
            if key in ("enum", "required", "oneOf", "anyOf") and isinstance(value[key], list)
            else reordered(value[key], random)
            for key in keys
        }
    return [reordered(each, random) for each in value] if isinstance(value, list) else value


@any_edit
@given(seed=st.integers(0, 2**32))
def test_any_order_is_equal(seed: int) -> None:
    """Any order of keys, values and members is equal."""
    other = reordered(SPEC, Random(seed))
    assert [each.findings for each in there_and_back(other)] == [[], []]
    assert all(each.is_empty for each in beside(other))


#: Properties that are neither a tag nor a cursor, in schemas with several properties.
PROPERTIES = [
    (name, key)
    for name, schema in SPEC["components"]["schemas"].items()
    if not name.endswith("Page") and len(schema.get("properties", {})) > 1
    for key, prop in schema.get("properties", {}).items()
    if "const" not in prop
]


@any_edit
@given(where=st.sampled_from(PROPERTIES))
def test_properties_lost_and_gained(where: tuple[str, str]) -> None:
    """Losing a property is breaking, and gaining one is an addition."""
    name, key = where
    other = copy.deepcopy(SPEC)
    schema = other["components"]["schemas"][name]
    del schema["properties"][key]
    schema["required"] = [each for each in schema.get("required", []) if each != key]
    there, back = there_and_back(other)
    assert there.is_breaking
    assert any(each.kind == "Added" for each in back.findings)
    mine, theirs = beside(other)
    assert mine.groups["Extra here"]
    assert theirs.groups["Missing here"]


ENUMS = [name for name, schema in SPEC["components"]["schemas"].items() if "enum" in schema]


@any_edit
@given(name=st.sampled_from(ENUMS))
def test_values_lost_and_gained(name: str) -> None:
    """Losing an enum value is breaking, and gaining one is an addition."""
    other = copy.deepcopy(SPEC)
    other["components"]["schemas"][name]["enum"].append("a new one")
    there, back = there_and_back(other)
    assert not there.is_breaking
    assert {each.kind for each in there.findings} == {"Added"}
    assert back.is_breaking


#: Properties that are plain references to a schema.
REFERENCES = [
    (name, key)
    for name, key in PROPERTIES
    if SPEC["components"]["schemas"][name]["properties"][key].keys() <= {"$ref", "description"}
    and "$ref" in SPEC["components"]["schemas"][name]["properties"][key]
]


@any_edit
@given(where=st.sampled_from(REFERENCES))
def test_inline_schema_equals_a_named_one(where: tuple[str, str]) -> None:
    """A schema described in place equals the named one."""
    name, key = where
    other = copy.deepcopy(SPEC)
    properties = other["components"]["schemas"][name]["properties"]
    properties[key] = copy.deepcopy(ours()[0].resolve(properties[key]))
    assert all(each.is_empty for each in beside(other))
