"""Time of generating this project's package, and a package from a document with a thousand schemas.

The yardstick is stock openapi-python-client, with its ruff hooks, on the same document. The document is synthetic and
has the traits of published ones. Stock openapi-python-client gets it without the parts that it skips or fails on.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def large_document(schemas: int = 1000, *, plain: bool = False) -> dict[str, Any]:
    """Build an OpenAPI document with about `schemas` schemas and a quarter as many operations.

    Args:
        schemas: Number of schemas, rounded to tens.
        plain: Leave out the parts that stock openapi-python-client does not support.
    """
    components: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for number in range(schemas // 10):
        components |= _family(number, schemas // 10, plain=plain)
    for number in range(schemas // 10):
        paths |= _operations(number, plain=plain)
    info: dict[str, Any] = {"title": "A large API"}
    if plain:
        info["version"] = "1"
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": components}}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _family(number: int, count: int, *, plain: bool) -> dict[str, Any]:
    """Ten schemas that belong together, and refer to those of another ten."""
    name, other = f"Thing{number}", f"Thing{(number * 7 + 1) % count}"
    text = {
        "type": "string",
        "description": f"Some text about thing {number}. It says what it is for, at some length.",
    }
    variants = [f"{name}Variant{letter}" for letter in "ABCD"]
    mapping = {f"variant_{variant[-1].lower()}": f"#/components/schemas/{variant}" for variant in variants}
    family: dict[str, Any] = {
        name: {
            "type": "object",
            "description": f"Thing number {number}, with all its fields.",
            "required": ["id", "kind", "created_at", "choice"],
            "properties": {
                "id": text,
                "kind": {"type": "string", "enum": [f"thing_{number}", "other", "third"]},
                "created_at": {"type": "string", "format": "date-time"},
                "choice": _ref(f"{name}Choice"),
                "choices": {"type": "array", "items": _ref(f"{name}Choice")},
                "parent": {"anyOf": [_ref(name), {"type": "null"}]},
                "other": _ref(other),
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "size": {"type": ["integer", "null"], "default": 3},
                "camelCase": {"type": "boolean"},
                "class": {"type": "number"},
            },
        },
        f"{name}Choice": {
            "oneOf": [_ref(variant) for variant in variants],
            "discriminator": {"propertyName": "type", "mapping": mapping},
        },
        **{
            variant: {
                "type": "object",
                "required": ["type", "value"],
                "properties": {"type": {"const": tag}, "value": text, "inner": _ref(other)},
            }
            for tag, variant in zip(mapping, variants, strict=True)
        },
        f"{name}Page": {
            "type": "object",
            "required": ["data", "has_more"],
            "properties": {
                "data": {"type": "array", "items": _ref(name)},
                "has_more": {"type": "boolean"},
                "last_id": {"type": ["string", "null"]},
            },
        },
        f"{name}Error": {"type": "object", "properties": {"message": text, "code": {"type": "integer"}}},
        f"{name}Create": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": text,
                "choice": _ref(f"{name}Choice"),
                "note": {"type": ["string", "null"]},
            },
        },
        f"{name}Mode": {"type": "string", "enum": ["fast", "slow", f"mode-{number}"]},
    }
    if not plain:
        family[f"{name}Extended"] = {
            "title": "Extended",
            "allOf": [
                _ref(name),
                {"type": "object", "properties": {"more": text, "list": {"type": "array"}}},
            ],
        }
        family[f"{name}Open"] = {
            "anyOf": [{"const": "a"}, {"const": "b"}, {"type": "string"}],
            "title": "Open",
        }
        family[f"{name}Inner"] = {
            "type": "object",
            "default": {"deep": {}},
            "properties": {"deep": {"$ref": f"#/components/schemas/{name}Inner/$defs/Deep"}},
            "$defs": {"Deep": {"type": "object", "properties": {"text": text}}},
        }
        family[f"{name}Loose"] = {
            "anyOf": [_ref(name), _ref(f"{name}Page"), {"type": "array", "items": _ref(name)}]
        }
    return family


def _operations(number: int, *, plain: bool) -> dict[str, Any]:
    name, tag = f"Thing{number}", f"things{number // 5}"

    def answers(schema: str) -> dict[str, Any]:
        problem = {
            "description": "Refused.",
            "content": {"application/json": {"schema": _ref(f"{name}Error")}},
        }
        good = {"description": "Here.", "content": {"application/json": {"schema": _ref(schema)}}}
        return {"200": good, "404": problem} if plain else {"200": good, "4XX": problem, "529": problem}

    thing = {"name": "thing_id", "in": "path", "required": True, "schema": {"type": "string"}}
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "default": 20}}
    mode = {"name": "mode", "in": "query", "schema": _ref(f"{name}Mode")}
    body = {"required": True, "content": {"application/json": {"schema": _ref(f"{name}Create")}}}
    return {
        f"/{tag}/{number}": {
            "get": {
                "operationId": f"list_thing_{number}",
                "tags": [tag],
                "parameters": [limit, mode],
                "responses": answers(f"{name}Page"),
            },
            "post": {
                "operationId": f"create_thing_{number}",
                "tags": [tag],
                "requestBody": body,
                "responses": answers(name if plain else f"{name}Loose"),
            },
        },
        f"/{tag}/{number}/{{thing_id}}": {
            "get": {
                "operationId": f"get_thing_{number}",
                "tags": [tag],
                "parameters": [thing],
                "responses": answers(name if plain else f"{name}Extended"),
            },
        },
    }


def operations_in(document: dict[str, Any]) -> int:
    """Number of operations of a document."""
    return sum(len(item) for item in document["paths"].values())


def timed(*command: object, cwd: Path = ROOT) -> tuple[float, float]:
    """Seconds of the clock and of CPU that a command takes, with all that it starts."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    elapsed = time.perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(f"{command[1]} failed:\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, and print."""
    codegen = (sys.executable, ROOT / "codegen.py")
    print(f"{'':<44}{'clock':>9}{'CPU':>9}")

    def show(what: str, measured: tuple[float, float]) -> None:
        print(f"{what:<44}{measured[0]:>7.2f} s{measured[1]:>7.2f} s", flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        imports = timed(sys.executable, "-c", "import openapi_python_client")
        show("importing openapi-python-client alone", imports)
        show("this project: generate", timed(*codegen, "--output", folder / "ours"))
        show("this project: --check", timed(*codegen, "--check"))
        for plain in (True, False):
            document = large_document(plain=plain)
            counts = f"{len(document['components']['schemas'])} schemas, {operations_in(document)} operations"
            (folder / f"large{plain}.json").write_text(json.dumps(document))
            options = ("--spec", folder / f"large{plain}.json", "--output", folder / "ours", "--package")
            ours = timed(*codegen, *options, "large")
            show(f"{counts}: generate", ours)
            if plain:
                stock = timed(
                    *(Path(sys.executable).with_name("openapi-python-client"), "generate", "--meta", "none"),
                    *("--path", folder / "largeTrue.json", "--output-path", folder / "stock", "--overwrite"),
                )
                show(f"{counts}: stock", stock)
                print(f"{'':<44}{ours[0] / stock[0]:>8.2f}x{ours[1] / stock[1]:>8.2f}x of stock")


if __name__ == "__main__":
    main()
