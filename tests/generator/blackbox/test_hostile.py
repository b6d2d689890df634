"""A document that tries to run code, by being generated or by being imported, runs none."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.generator.conftest import Run

#: Texts that would end a docstring, a string, a comment or an expression of a template, and then call a function.
ATTACKS = [
    '"""\nimport os; os.environ["HACKED"] = "1"\n"""',
    "'''\nimport os; os.environ['HACKED'] = '1'\n'''",
    '"; __import__("os").environ.__setitem__("HACKED", "1"); "',
    "'; __import__('os').environ.__setitem__('HACKED', '1'); '",
    "\nimport os; os.environ['HACKED'] = '1'\n#",
    "\rimport os; os.environ['HACKED'] = '1'\r#",
    "\x0cimport os; os.environ['HACKED'] = '1'\x0c#",
    "\u2028import os; os.environ['HACKED'] = '1'\u2028#",
    "{{ cycler.__init__.__globals__.os.environ.__setitem__('HACKED', '1') }}",
    "{% for x in range(3) %}{{ x }}{% endfor %}",
    "{__import__('os').environ.__setitem__('HACKED', '1')}",
    "%s %(x)s {0} {x!r}",
    "\\",
    '\\"""',
    '"""\\',
    "\\N{DOLLAR SIGN} \\x41 \\u0041 \\",
    "]); __import__('os').environ.__setitem__('HACKED', '1'); ([",
    "# noqa\n)\n__import__('os').environ.__setitem__('HACKED', '1')\n(",
    "../../../../escape",
    "..",
    "/etc/passwd",
    "\x00",
    "\ud800",
    "\u202e\u2066 reversed",
    "a" * 5000,
    "",
    " ",
]


def document(text: str) -> dict[str, Any]:
    """A document with a text wherever a text may be."""
    name = text or "x"
    return {
        "openapi": "3.1.0",
        "info": {"title": text, "version": text, "description": text},
        "tags": [{"name": name, "description": text}],
        "paths": {
            f"/{name}/{{{name.replace('{', '').replace('}', '') or 'x'}}}": {
                "get": {
                    "operationId": name,
                    "summary": text,
                    "description": text,
                    "tags": [name],
                    "parameters": [
                        {
                            "name": name,
                            "in": "query",
                            "description": text,
                            "schema": {"enum": [text], "default": text},
                        },
                        {"name": name, "in": "header", "schema": {"type": "string", "description": text}},
                        {"name": name, "in": "cookie", "schema": {"type": "string", "format": name}},
                    ],
                    "requestBody": {
                        "required": True,
                        "description": text,
                        "content": {
                            name: {"schema": {"type": "object", "properties": {name: {"const": text}}}}
                        },
                    },
                    "responses": {
                        "200": {
                            "description": text,
                            "content": {name: {"schema": {"$ref": "#/components/schemas/U"}}},
                        },
                        "4XX": {
                            "description": text,
                            "content": {"application/json": {"schema": {"enum": [text]}}},
                        },
                    },
                },
                "put": {
                    "operationId": f"{name} put",
                    "tags": [f"a.{name}"],
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/S"}}},
                    },
                    "responses": {
                        "200": {
                            "description": "",
                            "content": {
                                f"application/json; a={name}": {"schema": {"$ref": "#/components/schemas/U"}}
                            },
                        }
                    },
                },
                "patch": {
                    "operationId": f"{name} patch",
                    "requestBody": {
                        "content": {
                            "multipart/form-data": {
                                "encoding": {
                                    name: {"contentType": text},
                                    "tag": {"style": text, "explode": False},
                                },
                                "schema": {"$ref": "#/components/schemas/S"},
                            },
                            f"text/{name}": {"schema": {"type": "string"}},
                            name: {"schema": {"type": "string", "contentMediaType": text}},
                        },
                    },
                    "responses": {
                        "200": {
                            "description": text,
                            "content": {"application/json": {}, f"text/{name}": {}, f"{name}/*": {}},
                        }
                    },
                },
            }
        },
        "components": {
            "schemas": {
                "S": {
                    "description": text,
                    "type": "object",
                    "required": [name],
                    "properties": {
                        name: {"description": text, "type": "string", "default": text},
                        "tag": {"const": text},
                        "choice": {"enum": [text, "other"]},
                        "inner": {
                            "type": "object",
                            "description": text,
                            "properties": {name: {"default": {name: text}}},
                        },
                    },
                },
                "T": {"type": "object", "properties": {"tag": {"const": "t"}, name: {"format": name}}},
                "U": {
                    "oneOf": [{"$ref": "#/components/schemas/S"}, {"$ref": "#/components/schemas/T"}],
                    "discriminator": {
                        "propertyName": "tag",
                        "mapping": {name: "#/components/schemas/S", "t": name},
                    },
                },
                "E": {"enum": [text, f"{text}2"], "description": text},
                f"X{name}": {"type": "object", "properties": {"a": {"type": "string"}}},
            }
        },
    }


@pytest.mark.parametrize("number", range(len(ATTACKS)))
def test_no_text_becomes_code(tmp_path: Path, run: Run, number: int) -> None:
    """No text of a hostile document becomes code."""
    attack = ATTACKS[number]
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(document(attack)))
    outcome = run("--spec", spec, "--output", tmp_path / "out", "--package", "target")
    assert "HACKED" not in os.environ
    assert "a bug" not in outcome.err
    assert sorted(path.name for path in tmp_path.iterdir()) in (["out", "spec.json"], ["spec.json"])
    if outcome.status != 0:
        assert outcome.status == 2
        return
    folder = tmp_path / "out" / "target"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["target"]
    for path in folder.rglob("*.py"):
        assert path.resolve().is_relative_to(folder.resolve())
        for node in ast.walk(ast.parse(path.read_bytes())):
            assert not (isinstance(node, ast.Name) and node.id == "__import__")
            assert not (isinstance(node, ast.Import) and any(alias.name == "os" for alias in node.names))
    code = (
        "import importlib, os, pkgutil, target\n"
        "modules = [importlib.import_module(each.name) for each in pkgutil.walk_packages(target.__path__, 'target.')]\n"
        "for module in modules: [getattr(module, name) for name in dir(module)]\n"
        "assert 'HACKED' not in os.environ and len(modules) > 10\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path / "out"), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_file_name_is_not_code(tmp_path: Path, run: Run) -> None:
    """The name of the document's file does not become code."""
    spec = tmp_path / "x`\nimport os; os.environ['HACKED'] = '1'\n#.yaml"
    spec.write_text("openapi: 3.1.0\ninfo: {title: T}\npaths: {}\n")
    assert run("--spec", spec, "--output", tmp_path / "out", "--package", "target").status == 0
    for path in (tmp_path / "out" / "target").rglob("*.py"):
        assert "\nimport os;" not in path.read_text()


def test_most_attacks_generate(tmp_path: Path, run: Run) -> None:
    """Most hostile documents are generated, and not refused."""
    generated = 0
    for number, attack in enumerate(ATTACKS[:12]):
        spec = tmp_path / f"{number}.json"
        spec.write_text(json.dumps(document(attack)))
        generated += (
            run("--spec", spec, "--output", tmp_path / str(number), "--package", "target").status == 0
        )
    assert generated >= 10
