"""Comparison of recorded exchanges with the spec: every parameter, header, status, media type and body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator

from tests.contract.recorder import Exchange
from tests.wire import schemas, spec

Json = dict[str, Any]
BATCHES = "messages.batches"
METHODS = ("get", "put", "post", "delete", "patch")


def batch_operations() -> Iterator[tuple[str, str, Json]]:
    """The operations on batches, each with its path and method: those that our client's own code is about."""
    for path, item in spec()["paths"].items():
        for method in METHODS:
            if BATCHES in item.get(method, {}).get("tags", ()):
                yield path, method, item[method]


def operation_of(exchange: Exchange) -> str:
    """The `operationId` of the operation that an exchange is a call of."""
    name: str = _operation(exchange)[1]["operationId"]
    return name


def broken_promises(exchange: Exchange) -> list[str]:
    """Return the places where a request or its response violates the spec."""
    return [*_in_request(exchange), *_in_response(exchange)]


def allows(component: str, field: str, value: Any) -> bool:
    """Return true if a value is valid for a field of a component."""
    return not list(_wrong(value, schemas()[component]["properties"][field], field))


def _in_request(exchange: Exchange) -> Iterator[str]:
    path_values, operation = _operation(exchange)
    given = {
        "path": path_values,
        "query": dict(parse_qsl(urlsplit(exchange.target).query, keep_blank_values=True)),
        "header": exchange.request_headers,
    }
    parameters = [_resolved(parameter) for parameter in operation["parameters"]]
    for parameter in parameters:
        name, place = parameter["name"], parameter["in"]
        if name in given[place]:
            value: Any = given[place][name]
            if parameter["schema"]["type"] == "integer" and re.fullmatch(r"-?\d+", value):
                value = int(value)
            yield from _wrong(value, parameter["schema"], f"{place} {name}")
        elif parameter.get("required"):
            yield f"{place} {name} is missing"
    known = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
    yield from (f"query {name} is unknown" for name in given["query"].keys() - known)
    yield from _credentials(exchange.request_headers)
    yield from _in_request_body(exchange, operation.get("requestBody"))


def _credentials(headers: dict[str, str]) -> Iterator[str]:
    schemes = spec()["components"]["securitySchemes"]
    found = [
        name
        for requirement in spec()["security"]
        for name in requirement
        if (
            schemes[name]["name"] in headers
            if schemes[name]["type"] == "apiKey"
            else headers.get("authorization", "").startswith("Bearer ")
        )
    ]
    if len(found) != 1:
        yield f"{len(found)} credentials are given: {found}"


def _in_request_body(exchange: Exchange, described: Json | None) -> Iterator[str]:
    if described is None:
        if exchange.request_body:
            yield "a body is sent, though the operation takes none"
        return
    media_type = exchange.request_headers.get("content-type")
    if media_type not in described["content"]:
        yield f"the request's media type is {media_type}"
        return
    yield from _wrong(orjson.loads(exchange.request_body), described["content"][media_type]["schema"], "body")


def _in_response(exchange: Exchange) -> Iterator[str]:
    responses = _operation(exchange)[1]["responses"]
    described = responses.get(str(exchange.status), responses.get(f"{exchange.status // 100}XX"))
    if described is None:
        yield f"the status {exchange.status} is not described"
        return
    described = _resolved(described)
    for name, header in described["headers"].items():
        if name in exchange.headers:
            yield from _wrong(exchange.headers[name], _resolved(header)["schema"], f"header {name}")
    if "request-id" not in exchange.headers:
        yield "header request-id is missing"
    media_type = exchange.headers.get("content-type")
    if media_type not in described["content"]:
        yield f"the response's media type is {media_type}"
        return
    schema = described["content"][media_type]["schema"]
    jsonl = media_type == "application/x-jsonl"
    for number, text in enumerate(exchange.body.splitlines() if jsonl else [exchange.body], 1):
        yield from _wrong(orjson.loads(text), schema, f"line {number}" if jsonl else "response", closed=True)


def _operation(exchange: Exchange) -> tuple[dict[str, str], Json]:
    """The values in the path of a call, and its operation."""
    path = urlsplit(exchange.target).path
    for template, methods in spec()["paths"].items():
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
        found = re.fullmatch(pattern, path)
        if found and exchange.method.lower() in methods:
            values = {name: unquote(value) for name, value in found.groupdict().items()}
            return values, methods[exchange.method.lower()]
    raise AssertionError(f"the spec has no operation {exchange.method} {path}")


def _wrong(value: Any, schema: Json, place: str, *, closed: bool = False) -> Iterator[str]:
    validator = _validator(closed=closed).evolve(schema=_document(closed=closed) | schema)
    for error in validator.iter_errors(value):
        yield f"{place}{error.json_path.removeprefix('$')}: {error.message[:300]}"


@cache
def _validator(*, closed: bool) -> Validator:
    return Draft202012Validator(_document(closed=closed), format_checker=FormatChecker(["date-time"]))


@cache
def _document(*, closed: bool) -> Json:
    """The components, for references to lead to; closed, an object only has the fields that are described.

    An API may add fields at any time, and readers must cope, but the sandbox only has reason to send those
    that the spec knows.
    """
    components = spec()["components"]
    return {"components": _closed(components) if closed else components}


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _closed(inner) for key, inner in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        changed.setdefault("additionalProperties", False)
    return changed


def _resolved(value: Json) -> Json:
    while "$ref" in value:
        target: Any = spec()
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value
