"""A document with more than a thousand schemas and the traits of real ones."""

from __future__ import annotations

import inspect
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.generate import large_document, operations_in
from tests.generator.running import Api, generated, mypy_complaints, pyright_complaints


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return large_document()


@pytest.fixture(scope="module")
def api(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with generated(json.dumps(document), tmp_path_factory.mktemp("large")) as found:
        yield found


def functions(api: Api) -> dict[Any, Any]:
    """Return every operation with its endpoint function."""
    found = {}
    for each in pkgutil.iter_modules(api.module("operations").__path__):
        module = api.module(f"operations.{each.name}")
        for name, value in vars(module).items():
            if type(value).__name__ == "Operation":
                found[value.method, value.path] = (value, getattr(module, name.lower()))
    return found


def test_every_operation_without_notes(document: dict[str, Any], api: Api) -> None:
    """Every operation is generated, with one note on credentials."""
    expected = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert functions(api).keys() == expected
    assert len(expected) == operations_in(document)
    notes = [line for line in api.notes.splitlines() if "note:" in line]
    assert len(notes) == 1
    assert "has no `security`" in notes[0]


def test_every_schema_comes_out(document: dict[str, Any], api: Api) -> None:
    """Every schema is a type."""
    assert len(document["components"]["schemas"]) >= 1000
    names = {*api.models._MODULES, *api.params._MODULES}
    assert document["components"]["schemas"].keys() <= names


def test_every_name_can_be_imported(api: Api) -> None:
    """Every name of every face can be imported."""
    for face in (api.models, api.params, api.resources):
        for name in face._MODULES:
            assert getattr(face, name) is not None


def test_operations_request_and_decode(api: Api) -> None:
    """Every operation makes a request and decodes a response."""
    for operation, function in functions(api).values():
        arguments = inspect.signature(function).parameters.values()
        required = [each for each in arguments if each.default is inspect.Parameter.empty]
        positional = ["a/b" for each in required if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
        request = function(
            *positional, **{each.name: {} for each in required if each.kind is inspect.Parameter.KEYWORD_ONLY}
        )
        assert "{" not in request.path
        assert ("a%2Fb" in request.path) == bool(positional)
        wire = {"id": "1", "choice": {"type": "variant_a", "value": "v"}, "new": [1]}
        assert operation.decode(200, wire).to_dict() == wire
        assert operation.decode(529, {"message": "m"}).message == "m"


def test_mypy_finds_nothing(api: Api) -> None:
    """mypy accepts the generated code."""
    assert mypy_complaints(api.folder) == ""


def test_pyright_accepts_a_smaller_one(tmp_path: Path) -> None:
    """pyright accepts the package of a smaller document."""
    with generated(json.dumps(large_document(100)), tmp_path) as small:
        assert pyright_complaints(small.folder, tmp_path) == ""
