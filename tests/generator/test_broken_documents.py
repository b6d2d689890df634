from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import codegen
from tests.generator.conftest import Run
from tests.generator.running import PETS, REPO

#: What is done to the small document, what the error says, and the place it names.
BROKEN: dict[str, tuple[str, str, str, str]] = {
    "no info": ('info: {title: Pets, version: "1"}', "", "has no `info`", "#"),
    "info is text": ('info: {title: Pets, version: "1"}', "info: Pets", "has no `info`", "#"),
    "no version": ("openapi: 3.1.0", "", "does not say its OpenAPI version", "#/openapi"),
    "too new": ("openapi: 3.1.0", "openapi: 3.2.0", "is OpenAPI 3.2.0", "#/openapi"),
    "swagger": (
        "openapi: 3.1.0",
        'swagger: "2.0"',
        "is Swagger 2.0, which is older than OpenAPI 3",
        "#/swagger",
    ),
    "dangling": (
        "schemas/Pet",
        "schemas/Nobody",
        "refers to #/components/schemas/Nobody, which is not there",
        "#/paths/~1pets~1{pet_id}/get/responses/200/content/application~1json/schema/$ref",
    ),
    "other document": (
        "#/components/schemas/Pet",
        "other.yaml#/Pet",
        "refers to another document: other.yaml#/Pet",
        "#/paths/~1pets~1{pet_id}/get/responses/200/content/application~1json/schema/$ref",
    ),
    "round and round": (
        "description: An animal.",
        '$ref: "#/components/schemas/Pet"',
        "refers to itself by way of #/components/schemas/Pet",
        "#/paths/~1pets~1{pet_id}/get/responses/200/content/application~1json/schema/$ref",
    ),
    "properties": (
        "age: {type: integer}",
        "age: 3",
        "`age` is no mapping",
        "#/components/schemas/Pet/properties/age",
    ),
    "type": (
        "age: {type: integer}",
        "age: {type: int}",
        "'int' is no type of JSON",
        "#/components/schemas/Pet/properties/age/type",
    ),
    "required": (
        "required: [name]",
        "required: name",
        "`required` is no list",
        "#/components/schemas/Pet/required",
    ),
    "location": (
        "in: path",
        "in: body",
        "parameter 'pet_id' does not say where it goes",
        "#/paths/~1pets~1{pet_id}/get/parameters/0/in",
    ),
    "status": (
        '"200":',
        '"2000":',
        "'2000' is no status code",
        "#/paths/~1pets~1{pet_id}/get/responses/2000",
    ),
    "own composition": (
        "description: An animal.",
        'allOf: [{$ref: "#/components/schemas/Pet"}]',
        "is composed of itself, by way of #/components/schemas/Pet",
        "#/components/schemas/Pet",
    ),
    "pagination": (
        "tags: [pets]",
        "tags: [pets]\n      x-pagination: {items: data, next: {parameter: after, field: last}}",
        "x-pagination finds the items of a page in 'data', but the response has no such list",
        "#/paths/~1pets~1{pet_id}/get/x-pagination",
    ),
    "a parameter twice": (
        "parameters:",
        "parameters:\n        - {name: pet_id, in: path, required: true, schema: {type: integer}}",
        "path parameter 'pet_id' is described twice, in different ways",
        "#/paths/~1pets~1{pet_id}/get/parameters",
    ),
    "null without quotes": (
        "age: {type: integer}",
        "age: {type: [integer, null]}",
        "null is a type in quotes only",
        "#/components/schemas/Pet/properties/age/type",
    ),
    "a reference that leads round": (
        "age: {type: integer}",
        'age: {$ref: "#/components/schemas/Pet/properties/age/x"}',
        "refers to #/components/schemas/Pet/properties/age/x, which is not there",
        "#/components/schemas/Pet/properties/age/$ref",
    ),
    "a schema that is a parameter": (
        "age: {type: integer}",
        'age: {$ref: "#/paths/~1pets~1%7Bpet_id%7D/get/parameters/0"}',
        "a schema refers to a parameter",
        "#/components/schemas/Pet/properties/age/$ref",
    ),
    "argument name": (
        "in: path,",
        "in: path, x-argument-name: not-a-name,",
        "'not-a-name' is no name in Python",
        "#/paths/~1pets~1{pet_id}/get/parameters/0/x-argument-name",
    ),
}


def refusal(run: Run, tmp_path: Path, document: str) -> list[str]:
    path = tmp_path / "broken.yaml"
    path.write_text(document, encoding="utf-8")
    outcome = run("--spec", path, "--output", tmp_path / "out", "--package", "pets")
    assert outcome.status == 2
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert "a bug" not in outcome.err
    assert not (tmp_path / "out").exists()
    # A machine under load may take long enough for steps to be shown.
    return [line for line in outcome.err.splitlines() if not line.endswith(" ...")]


@pytest.mark.parametrize("name", BROKEN)
def test_one_clear_error_names_file_line_and_place(run: Run, tmp_path: Path, name: str) -> None:
    old, new, problem, place = BROKEN[name]
    assert old in PETS
    document = PETS.replace(old, new, 1)
    first, second, *hint = refusal(run, tmp_path, document)
    file, line, said = first.split(":", 2)
    assert file.endswith("broken.yaml")
    assert said.strip() == problem
    assert second == f"  at {place}"
    assert len(hint) <= 1
    last = place.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
    if last.strip("#") and last in document:
        assert last in document.splitlines()[int(line) - 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "its top level is no mapping"),
        ("- a\n- b\n", "its top level is no mapping"),
        ("a: [1, 2\n", "is neither YAML nor JSON"),
        ("a: 1\na: 2\n", "the key 'a' twice in one mapping at line 2"),
        ('{"a": 1, "a": 2}', "the key 'a' twice in one object"),
        ('{"a": NaN}', "NaN is no number in JSON"),
        ('{"a": 1', "is neither YAML nor JSON"),
        ("? [a]\n: 1\n", "a key that is no text"),
        ("a: &a [*a]\n", "nested too deeply"),
        ("a: !!python/object/apply:os.system [ls]\n", "is neither YAML nor JSON"),
        ("\x00", "is neither YAML nor JSON"),
        ("[" * 50_000, "nested too deeply"),
        ("{" * 50_000, "nested too deeply"),
    ],
)
def test_what_is_no_document_at_all_is_told_in_one_line(
    run: Run, tmp_path: Path, text: str, said: str
) -> None:
    lines = refusal(run, tmp_path, text)
    assert len(lines) == 1
    assert said in lines[0]


def test_a_file_that_is_missing_is_told_in_one_line(run: Run, tmp_path: Path) -> None:
    outcome = run("--spec", tmp_path / "none.yaml", "--output", tmp_path)
    assert outcome.status == 2
    assert "none.yaml: can't be read: No such file or directory" in outcome.err


def test_bytes_that_are_no_text_are_told_in_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"openapi: \xff\xfe")
    outcome = run("--spec", tmp_path / "latin.yaml", "--output", tmp_path)
    assert outcome.status == 2
    assert "is not UTF-8 text" in outcome.err


def test_anchors_that_multiply_without_end_are_refused(run: Run, tmp_path: Path) -> None:
    lines = ["a: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "anchors expand to more than" in refusal(run, tmp_path, "\n".join(lines))[0]


def test_json_may_be_indented_with_tabs(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "pets.json"
    path.write_text(json.dumps(yaml.safe_load(PETS), indent="\t"))
    assert run("--spec", path, "--output", tmp_path, "--package", "pets").status == 0


def test_a_line_of_json_is_named_too(run: Run, tmp_path: Path) -> None:
    text = json.dumps(yaml.safe_load(PETS), indent="\t").replace('"type": "integer"', '"type": "int"')
    number = next(index for index, line in enumerate(text.splitlines(), 1) if '"int"' in line)
    assert f"broken.yaml:{number}: 'int' is no type" in refusal(run, tmp_path, text)[0]


# Mutations ----------------------------------------------------------------------------------------------------

SPEC: dict[str, Any] = yaml.load((REPO / "spec" / "openapi.yaml").read_text(), Loader=yaml.BaseLoader)
RICH = """
openapi: 3.0.3
info: {title: Rich}
paths:
  /a/{b}:
    parameters: [{$ref: "#/components/parameters/B"}]
    post:
      tags: [x.y]
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/A"}}}}
      responses:
        "200": {$ref: "#/components/responses/R"}
        default: {description: d, content: {text/plain: {schema: {type: string}}}}
components:
  parameters: {B: {name: b, in: path, required: true, schema: {type: string, enum: [a, b]}}}
  responses: {R: {description: r, content: {application/json: {schema: {$ref: "#/components/schemas/U"}}}}}
  schemas:
    Base: {type: object, discriminator: {propertyName: kind}, properties: {kind: {type: string}}}
    A: {allOf: [{$ref: "#/components/schemas/Base"}, {type: object, properties: {n: {type: integer, nullable: true}}}]}
    C: {type: object, properties: {k: {enum: [c]}, list: {type: array, items: {$ref: "#/components/schemas/U"}}}}
    U: {oneOf: [{$ref: "#/components/schemas/A"}, {$ref: "#/components/schemas/C"}, {type: string, format: date}]}
    T: {type: object, properties: {x: {anyOf: [{const: a}, {const: b}, {type: string}]}}, additionalProperties: {}}
"""
ODD = st.one_of(
    st.sampled_from(
        [None, True, False, 0, -1, 1.5, "", "x", "$ref", "object", "a\nb", "é", "💥", [], {}, [None]]
    ),
    st.sampled_from([{"a": None}, {"$ref": "#/nowhere"}, {"$ref": "#/components/schemas/A"}, {"$ref": "#"}]),
    st.sampled_from(
        [{"$ref": 3}, ["x", "x"], {"type": "object"}, {"allOf": [{}]}, {"oneOf": []}, {"enum": []}]
    ),
    st.sampled_from(
        [{"properties": {"a b": {}}}, {"const": None}, {"type": ["null", "object"]}, {"items": {}}]
    ),
)


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    return [path, *(each for key, item in inner for each in paths_in(item, (*path, key)))]


def mutated(document: Any, path: tuple[Any, ...], change: str, odd: Any) -> Any:
    document = copy.deepcopy(document)
    target = document
    for key in path[:-1]:
        target = target[key]
    if change == "delete":
        del target[path[-1]]
    elif change == "rename" and isinstance(target, dict):
        target[str(odd)] = target.pop(path[-1])
    elif change == "wrap":
        target[path[-1]] = [target[path[-1]]]
    else:
        target[path[-1]] = odd
    return document


RICH_DATA = yaml.safe_load(RICH)
RICH_PATHS = [path for path in paths_in(RICH_DATA) if path]
CHANGES = st.tuples(
    st.sampled_from(RICH_PATHS), st.sampled_from(["delete", "rename", "wrap", "replace"]), ODD
)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=st.lists(CHANGES, min_size=1, max_size=3))
def test_whatever_is_done_to_a_document_it_is_generated_or_refused(
    tmp_path: Path, changes: list[Any]
) -> None:
    document = RICH_DATA
    for path, change, odd in changes:
        try:
            document = mutated(document, path, change, odd)
        except (KeyError, IndexError, TypeError):
            continue
    spec = tmp_path / "mutated.json"
    spec.write_text(json.dumps(document))
    try:
        _, files = codegen.generate(spec, header="# header")
    except codegen.RefusedError:
        return
    for path, text in files.items():
        compile(text, path, "exec")
