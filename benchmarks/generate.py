"""Time and memory of generating packages, beside stock openapi-python-client with its ruff hooks.

The documents are this project's own, and two synthetic ones with a thousand schemas and the traits of published ones:
one without the parts that stock skips or fails on, and one with all. `--document FILE` measures a published document
in their place.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import attrs

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


@attrs.frozen
class Cost:
    """The cost of a command, with all that it starts."""

    clock: float
    """Seconds of the clock."""
    cpu: float
    """Seconds of CPU."""
    memory: float
    """Peak memory of its largest process, in MB."""


#: Runs a command and prints its cost: a process of its own, as the peak of memory is that of all children so far.
_WATCHER = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
status = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3]))
"""


def measured(*command: object) -> Cost | None:
    """Return the cost of a command; `None` if it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        [sys.executable, "-c", _WATCHER, *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    status, *cost = json.loads(done.stdout)
    return None if status else Cost(*cost)


def shown(text: str, cost: Cost | None) -> None:
    """Print a line of the table."""
    figures = "fails" if cost is None else f"{cost.clock:.2f} s{cost.cpu:>9.2f} s{cost.memory:>7.0f} MB"
    print(f"{text:<56}{figures:>28}", flush=True)


def compared(path: Path, counts: str, folder: Path) -> None:
    """Generate a package from a document with this project and with stock, and print the costs and their ratio."""
    ours = measured(
        *(sys.executable, ROOT / "codegen.py", "--spec", path, "--output", folder, "--package", "large")
    )
    shown(f"{counts}: this project", ours)
    stock = measured(
        *(Path(sys.executable).with_name("openapi-python-client"), "generate", "--meta", "none"),
        *("--path", path, "--output-path", folder / "stock", "--overwrite"),
    )
    shown(f"{counts}: stock", stock)
    if ours is not None and stock is not None:
        ratios = f"{ours.clock / stock.clock:.2f}x{ours.cpu / stock.cpu:>10.2f}x{ours.memory / stock.memory:>9.2f}x"
        print(f"{'':<56}{ratios:>27} of stock")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--document", type=Path, help="a published document to measure, in place of the synthetic ones"
    )
    document: Path | None = parser.parse_args().document
    print(f"{'':<56}{'clock':>8}{'CPU':>11}{'memory':>10}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if document is not None:
            compared(document, document.name, folder)
            return
        shown(
            "importing openapi-python-client alone",
            measured(sys.executable, "-c", "import openapi_python_client"),
        )
        shown(
            "this project's own document", measured(sys.executable, ROOT / "codegen.py", "--output", folder)
        )
        for plain in (True, False):
            data = large_document(plain=plain)
            path = folder / "large.json"
            path.write_text(json.dumps(data))
            kind = "" if plain else ", all traits"
            compared(
                path,
                f"{len(data['components']['schemas'])} schemas, {operations_in(data)} operations{kind}",
                folder,
            )


if __name__ == "__main__":
    main()
