"""Large documents of others: their packages are whole, type check, and speak with a server made of the document."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import httpx
import pytest
from claude_batches import ClaudeBatchesError, Client

from tests.contract import node_tools
from tests.contract.steady import serving
from tests.generator.public import inventory
from tests.generator.public.calls import Types, arguments, body_of, letters, lost
from tests.generator.public.components import Components
from tests.generator.public.documents import DOCUMENTS, Operation, PublicDocument, public_document
from tests.generator.public.values import Values
from tests.generator.running import codegen, files_of, mypy_complaints, pyright_complaints

node_tools.require()

#: Steady ignores encodings of form fields, and refuses lists as deepObject.
OPTIONS = {
    "stripe": [
        f"--validator-{where}-{kind}-format=brackets"
        for where in ("form", "query")
        for kind in ("object", "array")
    ]
}

#: Remarks that are not faults of the package: patterns of whole remarks, each with its reason.
FAULTS: dict[str, dict[str, str]] = {
    "github": {
        r".*: str is no .*date.*": "examples of dates are moments",
        r"GET /orgs/{org}/actions/variables: .*: bool is no .*str.*": "an example of a text is true",
    },
    "stripe": {
        r".*: (E3008; Expected type (integer|boolean), got string; body\.[\w.]*currency_options\.key[\w.]+; )+\d+": (
            "Steady reads numbers of a form, but not those under keys of one's own"
        ),
        r"POST /v1/files: E3008; Expected type array, got string; body\.expand; 1": (
            "Steady takes a list of one item for the item"
        ),
    },
    "box": {
        r"GET /search: .*; query\.mdfilters\.0; 1": "OpenAPI has no form for a list of objects in a query",
    },
    "gerermesaffaires": {
        r".*; Expected type array, got string; body\.Groups; 1": "values for the items are given for the list",
        r"GET .*/search: E3003; Expected type object, got string; query.QueryContext.Filters; 1": (
            "OpenAPI has no form for an object inside an object in a query"
        ),
        r".* begins: \[object Object\].*": "Steady sends this in place of a file",
    },
}


@dataclass(frozen=True)
class Package:
    """A document and its package."""

    document: PublicDocument
    name: str
    folder: Path
    """The folder of the package."""
    status: int
    """The exit status of the generator."""
    said: str
    """The output of the generator, notes included."""
    import_errors: str
    """The errors of the imports of its modules."""
    contents: dict[str, Any]
    """The content of the package."""


@pytest.fixture(scope="module", params=DOCUMENTS)
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The package of a document, made once for all processes of a run."""
    document = public_document(request.param)
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "public"
    folder.mkdir(exist_ok=True)
    made = folder / f"{document.name}.json"
    with (folder / f"{document.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_text(json.dumps(generate(document, f"public_{document.name}", folder)))
    return Package(document, f"public_{document.name}", folder, **json.loads(made.read_text()))


def generate(document: PublicDocument, name: str, folder: Path) -> dict[str, Any]:
    """Run the generator, then a program that imports all that it wrote."""
    process = codegen("--spec", document.path, "--output", folder, "--package", name)
    _, said = process.communicate()
    imported = subprocess.run(
        [sys.executable, "-W", "error", inventory.__file__, name],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "status": process.returncode,
        "said": said,
        "import_errors": imported.stderr,
        "contents": json.loads(imported.stdout or "{}"),
    }


def test_every_operation_comes_out_once(package: Package) -> None:
    """Every operation of the document is there once, as a function and as methods."""
    assert package.status == 0, package.said
    expected = Counter((each.method, each.path) for each in package.document.operations())
    contents = package.contents
    assert Counter((method, path) for method, path, _ in contents["operations"]) == expected
    count = expected.total()
    assert (contents["functions"], contents["methods"], contents["async_methods"]) == (count, count, count)


def test_every_schema_is_a_type_or_noted(package: Package) -> None:
    """Every component is a type, or a note names its place."""
    offered = Counter(letters(name) for name in package.contents["types"])
    places = {name: name.replace("~", "~0").replace("/", "~1") for name in package.document.schemas}
    untold = Counter(
        letters(name)
        for name, place in places.items()
        if f"  at #/components/schemas/{place}\n" not in package.said
    )
    assert untold - offered == Counter()


def test_every_module_can_be_imported(package: Package) -> None:
    """Every module imports without a warning."""
    assert package.import_errors == ""


def test_mypy_finds_nothing(package: Package) -> None:
    """mypy accepts the generated code."""
    assert mypy_complaints(package.folder / package.name) == ""


@pytest.mark.parametrize("package", ["vercel"], indirect=True)  # others take longer, and so far found no more
def test_pyright_finds_nothing(package: Package, tmp_path: Path) -> None:
    """pyright accepts the generated code."""
    assert pyright_complaints(package.folder / package.name, tmp_path) == ""


def test_components_are_as_described(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each component has the described fields, types, nulls, enums and required keys; tags lead to their members."""
    monkeypatch.syspath_prepend(package.folder)
    components = Components(package.document, package.name)
    remarks = list(components.remarks())
    assert remarks == []
    assert components.compared > 10
    assert components.members > {"stripe": 500, "github": 5}.get(package.document.name, -1)


@pytest.mark.parametrize("package", ["box"], indirect=True)
def test_document_in_several_files(package: Package, tmp_path: Path) -> None:
    """The same document with each schema in a file of its own gives the same package."""
    data = json.loads(package.document.path.read_text("utf-8"))
    schemas = data["components"]["schemas"]
    (tmp_path / "schemas").mkdir()
    for key, schema in schemas.items():
        text = json.dumps(schema).replace('"$ref": "#/', f'"$ref": "../{package.document.path.name}#/')
        (tmp_path / "schemas" / f"{key}.json").write_text(text)
        schemas[key] = {"$ref": f"schemas/{key}.json"}
    split = tmp_path / package.document.path.name
    split.write_text(json.dumps(data))
    process = codegen("--spec", split, "--output", tmp_path, "--package", package.name)
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert files_of(tmp_path / package.name) == files_of(package.folder / package.name)


def test_calls_work_against_a_mock_server(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call is valid for a mock server, and its response decodes without loss."""
    monkeypatch.syspath_prepend(package.folder)
    document = package.document

    def served_at(url: str) -> str:
        return json.dumps({**document.data, "servers": [{"url": url}]})

    names: dict[tuple[str, str], list[str]] = {}
    for method, path, name in package.contents["operations"]:
        names.setdefault((method, path), []).append(name)
    calls = 0
    sent: list[httpx.Request] = []
    remarks: list[str] = []
    with (
        serving(
            served_at, tmp_path, *OPTIONS.get(document.name, []), "--reject-on-sdk-error=false"
        ) as steady,
        httpx.Client(event_hooks={"request": [sent.append]}) as http,
        Client(api_key="a-key", base_url=steady.url, max_retries=0, http_client=http) as client,
    ):
        caller = Caller(package, client, sent)
        for operation in filter(can_be_called, document.operations()):
            # A server can't distinguish paths that differ in the fragment alone.
            if len(names[operation.method, operation.path]) == 1:
                [name] = names[operation.method, operation.path]
                calls += 1
                remarks += [f"{operation.place}: {remark}" for remark in caller.remarks(operation, name)]
    assert steady.account["session"]["requestCount"] == len(sent) == calls
    known = FAULTS.get(document.name, {})
    assert [each for each in remarks if not any(re.fullmatch(fault, each) for fault in known)] == []
    stale = [fault for fault in known if not any(re.fullmatch(fault, each) for each in remarks)]
    assert stale == [], "no call is remarked on like this: take it out of the table"


def can_be_called(operation: Operation) -> bool:
    """Return true if the mock server has a successful response."""
    return any(status.startswith("2") or status == "default" for status in operation.statuses)


class Caller:
    """Calls the operations of a package by the transport of our client."""

    def __init__(self, package: Package, client: Client, sent: list[httpx.Request]) -> None:
        self._sent = sent
        self._resources = import_module(f"{package.name}.resources").SyncResources(client._transport)
        self._to_json = import_module(f"{package.name}.model").to_json
        self._types = Types(package.name)
        self._values = Values(package.document)

    def remarks(self, operation: Operation, name: str) -> Iterator[str]:
        """Return the faults of a request and of its response."""
        holder, _, method_name = name.rpartition(".")
        resource = attrgetter(holder)(self._resources)
        method = getattr(resource, method_name)
        body = body_of(operation, self._values)
        if isinstance(body, dict) and body.get("stream") is True:
            # Mock servers know what is documented: the answer without a stream.
            body["stream"] = False
        given = arguments(operation, method, self._values, body)
        try:
            response = getattr(resource.with_raw_response, method_name)(**given)
            lacking = lost(operation, self._values, self._to_json(body), self._sent[-1])
            if lacking:
                yield f"not sent as it was given: {', '.join(lacking)}"
            if response.headers["x-steady-request-valid"] != "true":
                said = response.headers.items()
                yield "; ".join(value for key, value in said if key.startswith("x-steady-error-"))
            result = response.parse()
        except ClaudeBatchesError as error:
            yield str(error)
            return
        misfit = self._types.misfit(result, self._types.returned_by(method))
        if misfit:
            yield misfit
        # Without a documented body the result is None.
        elif not isinstance(result, bytes | str | None) and self._to_json(result) != response.json():
            yield "something of the response got lost"
