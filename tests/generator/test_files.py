"""Documents in several files."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.generator.conftest import Run
from tests.generator.running import files_of, generated

ROOT = """
openapi: 3.1.0
info: {title: Several files, version: "1"}
security: [{key: []}]
paths:
  /pets/{id}: {$ref: "paths/pets.yaml#/one"}
components:
  schemas:
    Pet: {$ref: "./schemas/pet.yaml"}
    Local: {type: object, properties: {pet: {$ref: "schemas/pet.yaml"}}}
"""

FILES = {
    "paths/pets.yaml": """
        one:
          parameters: [{$ref: "../shared.json#/parameters/Id"}]
          get:
            operationId: pets_get
            tags: [pets]
            responses:
              "200":
                description: The pet.
                content: {application/json: {schema: {$ref: "../openapi.yaml#/components/schemas/Pet"}}}
              default: {$ref: "../shared.json#/responses/Failure"}
    """,
    "schemas/pet.yaml": """
        description: An animal.
        oneOf: [{$ref: "#/definitions/Cat"}, {$ref: "my%20dog.yaml"}]
        discriminator: {propertyName: kind, mapping: {cat: "#/definitions/Cat", dog: my dog.yaml}}
        definitions:
          Cat: {type: object, required: [kind], properties: {kind: {type: string}, friend: {$ref: "#"}}}
    """,
    "schemas/my dog.yaml": """
        type: object
        required: [kind]
        properties: {kind: {type: string}, owner: {$ref: "../shared.json#/schemas/Owner"}}
    """,
    "shared.json": """
        {
          "parameters": {"Id": {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}},
          "responses": {
            "Failure": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/schemas/Error"}}}}
          },
          "schemas": {
            "Owner": {"type": "object", "properties": {"name": {"type": "string"}}},
            "Error": {"type": "object", "properties": {"message": {"type": "string"}}}
          }
        }
    """,
}


def written(folder: Path, **changes: str) -> Path:
    """Write the document, with other text for some of its files, and return its path."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())
    for name, text in changes.items():
        (folder / name).write_text(text)
    path = folder / "openapi.yaml"
    path.write_text(changes.get("root", ROOT).lstrip())
    return path


def test_files_are_one_document(tmp_path: Path) -> None:
    """Schemas, parameters, responses and paths are read from files beside the document."""
    with generated(written(tmp_path).read_text(), tmp_path) as api:
        assert {"Pet", "Cat", "MyDog", "Owner", "Error", "Local"} <= set(api.models._MODULES)
        operation = api.module("operations.pets").GET
        wire = {"kind": "dog", "owner": {"name": "Ann"}}
        pet = operation.decode(200, wire)
        assert (type(pet).__name__, pet.owner.name) == ("MyDog", "Ann")
        cat = operation.decode(200, {"kind": "cat", "friend": {"kind": "dog"}})
        assert type(cat.friend).__name__ == "MyDog"
        assert operation.decode(500, {"message": "m"}).message == "m"


def test_files_give_the_same_bytes_again(tmp_path: Path, run: Run) -> None:
    """The output does not depend on the place of the files."""
    outputs = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        spec = written(tmp_path / name)
        assert run("--spec", spec, "--output", tmp_path / name / "out", "--package", "pets").status == 0
        outputs.append(files_of(tmp_path / name / "out"))
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "schemas/my dog.yaml",
            "kind: {type: string}",
            "kind: {type: int}",
            "my dog.yaml:3: 'int' is not a type",
        ),
        (
            "schemas/pet.yaml",
            "my%20dog.yaml",
            "cow.yaml",
            "pet.yaml:2: refers to cow.yaml, which can't be read",
        ),
        ("schemas/pet.yaml", "#/definitions/Cat", "#/definitions/Cow", "pet.yaml:2: refers to "),
        (
            "paths/pets.yaml",
            "operationId: pets_get",
            "operationId: 3",
            "pets.yaml:4: `operationId` is not a string",
        ),
        (
            "paths/pets.yaml",
            "one:",
            "one: [",
            "openapi.yaml:5: refers to paths/pets.yaml#/one, which is neither",
        ),
    ],
)
def test_errors_name_their_file(tmp_path: Path, run: Run, name: str, old: str, new: str, said: str) -> None:
    """An error in another file names that file, with the line in it."""
    spec = written(tmp_path)
    path = tmp_path / name
    path.write_text(path.read_text().replace(old, new, 1))
    outcome = run("--spec", spec, "--output", tmp_path / "out", "--package", "pets")
    assert outcome.status == 2
    assert said in outcome.err.replace(str(tmp_path), "")


def test_files_outside_need_permission(tmp_path: Path, run: Run) -> None:
    """A file outside of the document's folder is read only with `--allow`, links included."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "pet.yaml").write_text("type: object\nproperties: {name: {type: string}}\n")
    (tmp_path / "inside" / "link.yaml").symlink_to(tmp_path / "outside" / "pet.yaml")
    for reference in ("../outside/pet.yaml", "link.yaml", str(tmp_path / "outside" / "pet.yaml")):
        spec = tmp_path / "inside" / "openapi.yaml"
        spec.write_text(
            f"openapi: 3.1.0\ninfo: {{title: t}}\ncomponents: {{schemas: {{Pet: {{$ref: {reference}}}}}}}\n"
        )
        arguments = ("--spec", spec, "--output", tmp_path / "out", "--package", "pets")
        refused = run(*arguments)
        assert refused.status == 2
        assert "outside of the document's folder" in refused.err
        assert run(*arguments, "--allow", tmp_path / "outside").status == 0


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/pet.yaml", "file:///etc/passwd", "//host/pet.yaml"])
def test_nothing_is_read_over_the_network(tmp_path: Path, run: Run, address: str) -> None:
    """An address is refused, and not opened."""
    spec = tmp_path / "openapi.yaml"
    spec.write_text(
        f"openapi: 3.1.0\ninfo: {{title: t}}\ncomponents: {{schemas: {{Pet: {{$ref: '{address}'}}}}}}\n"
    )
    outcome = run("--spec", spec, "--output", tmp_path / "out", "--package", "pets")
    assert outcome.status == 2
    assert "nothing is read over the network" in outcome.err
