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

#: An edit of the small document, the error, and the place that it names.
BROKEN: dict[str, tuple[str, str, str, str]] = {
    "no info": ('info: {title: Pets, version: "1"}', "", "`info` is missing", "#"),
    "info is text": ('info: {title: Pets, version: "1"}', "info: Pets", "`info` is not a mapping", "#/info"),
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
        "refers to #/components/schemas/Nobody, which does not exist",
        "#/paths/~1pets~1{pet_id}/get/responses/200/content/application~1json/schema/$ref",
    ),
    "a missing file": (
        "#/components/schemas/Pet",
        "other.yaml#/Pet",
        "refers to other.yaml#/Pet, which can't be read: No such file or directory",
        "#/paths/~1pets~1{pet_id}/get/responses/200/content/application~1json/schema/$ref",
    ),
    "round and round": (
        "description: An animal.",
        '$ref: "#/components/schemas/Pet"',
        "refers to itself through #/components/schemas/Pet",
        "#/paths/~1pets~1{pet_id}/get/responses/200/content/application~1json/schema/$ref",
    ),
    "properties": (
        "age: {type: integer}",
        "age: 3",
        "`age` is not a mapping",
        "#/components/schemas/Pet/properties/age",
    ),
    "type": (
        "age: {type: integer}",
        "age: {type: int}",
        "'int' is not a type of JSON",
        "#/components/schemas/Pet/properties/age/type",
    ),
    "required": (
        "required: [name]",
        "required: name",
        "`required` is not a list",
        "#/components/schemas/Pet/required",
    ),
    "location": (
        "in: path",
        "in: body",
        "'body' is not allowed here",
        "#/paths/~1pets~1{pet_id}/get/parameters/0/in",
    ),
    "status": (
        '"200":',
        '"2000":',
        "'2000' is not a status code",
        "#/paths/~1pets~1{pet_id}/get/responses/2000",
    ),
    "own composition": (
        "description: An animal.",
        'allOf: [{$ref: "#/components/schemas/Pet"}]',
        "is composed of itself, through #/components/schemas/Pet",
        "#/components/schemas/Pet",
    ),
    "pagination": (
        "tags: [pets]",
        "tags: [pets]\n      x-pagination: {items: data, next: {parameter: after, field: last}}",
        "x-pagination expects the items of a page in 'data', but the response has no such list",
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
        "#/components/schemas/Pet/properties/age/type/1",
    ),
    "a reference that leads round": (
        "age: {type: integer}",
        'age: {$ref: "#/components/schemas/Pet/properties/age/x"}',
        "refers to #/components/schemas/Pet/properties/age/x, which does not exist",
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
        "'not-a-name' is not a name in Python",
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
    # Under load, the stages of a run may be printed.
    return [line for line in outcome.err.splitlines() if not line.endswith(" ...")]


@pytest.mark.parametrize("name", BROKEN)
def test_error_names_line_and_place(run: Run, tmp_path: Path, name: str) -> None:
    """A broken document gives one error with file, line and place."""
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
    if last.strip("#") and not last.isdecimal() and last in document:
        assert last in document.splitlines()[int(line) - 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "its top level is not a mapping"),
        ("- a\n- b\n", "its top level is not a mapping"),
        ("a: [1, 2\n", "is neither YAML nor JSON"),
        ("a: 1\na: 2\n", "the key 'a' twice in one mapping at line 2"),
        ('{"a": 1, "a": 2}', "the key 'a' twice in one object"),
        ('{"a": NaN}', "NaN is not a number in JSON"),
        ('{"a": 1', "is neither YAML nor JSON"),
        ("? [a]\n: 1\n", "a key that is not a string"),
        ("a: &a [*a]\n", "nested too deeply"),
        ("a: !!python/object/apply:os.system [ls]\n", "is neither YAML nor JSON"),
        ("\x00", "is neither YAML nor JSON"),
        ("[" * 50_000, "nested too deeply"),
        ("{" * 50_000, "nested too deeply"),
    ],
)
def test_other_files_are_refused(run: Run, tmp_path: Path, text: str, said: str) -> None:
    """A file that is not an OpenAPI document gives one line."""
    lines = refusal(run, tmp_path, text)
    assert len(lines) == 1
    assert said in lines[0]


def test_missing_file_is_one_line(run: Run, tmp_path: Path) -> None:
    """A missing file gives one line."""
    outcome = run("--spec", tmp_path / "none.yaml", "--output", tmp_path)
    assert outcome.status == 2
    assert "none.yaml: can't be read: No such file or directory" in outcome.err


def test_other_encodings_are_refused(run: Run, tmp_path: Path) -> None:
    """Bytes that are not UTF-8 give one line."""
    (tmp_path / "latin.yaml").write_bytes(b"openapi: \xff\xfe")
    outcome = run("--spec", tmp_path / "latin.yaml", "--output", tmp_path)
    assert outcome.status == 2
    assert "is not UTF-8 text" in outcome.err


def test_expanding_anchors_are_refused(run: Run, tmp_path: Path) -> None:
    """Anchors that expand without bounds are refused."""
    lines = ["a: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "anchors expand to more than" in refusal(run, tmp_path, "\n".join(lines))[0]


def test_json_may_be_indented_with_tabs(run: Run, tmp_path: Path) -> None:
    """JSON may be indented with tabs."""
    path = tmp_path / "pets.json"
    path.write_text(json.dumps(yaml.safe_load(PETS), indent="\t"))
    assert run("--spec", path, "--output", tmp_path, "--package", "pets").status == 0


def test_json_lines_are_named(run: Run, tmp_path: Path) -> None:
    """Errors name the line of a JSON file."""
    text = json.dumps(yaml.safe_load(PETS), indent="\t").replace('"type": "integer"', '"type": "int"')
    number = next(index for index, line in enumerate(text.splitlines(), 1) if '"int"' in line)
    assert f"broken.yaml:{number}: 'int' is not a type" in refusal(run, tmp_path, text)[0]


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
def test_mutations_generate_or_are_refused(tmp_path: Path, changes: list[Any]) -> None:
    """Any mutation of a document is generated or refused, without a crash."""
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
