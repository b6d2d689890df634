"""Names of fields, schemas, operations and tags, of any content."""

from __future__ import annotations

import pkgutil
import typing

import pytest

from tests.generator.running import Api


class TestProperties:
    document = """
components:
  schemas:
    Reactions: {type: object, properties: {"+1": {type: integer}, "-1": {type: integer}, "100": {type: integer}}}
    Odd:
      type: object
      properties:
        class: {type: string}
        from_dict: {type: string}
        to_dict: {type: string}
        extra_fields: {type: string}
        request_id: {$ref: Reactions}
        list: {type: array, items: {type: string}}
        date: {type: string, format: date}
        str: {type: string}
        dict: {type: object, additionalProperties: {type: string}}
        self: {type: string}
        a b: {type: string}
        "$ref": {type: string}
        _id: {type: string}
        id: {type: string}
        ünïcödé: {type: string}
        camelCaseHTTP: {type: string}
        __private: {type: string}
        "": {type: string}
        "{{ x }}": {type: string}
        one: {type: string, x-attribute-name: first}
        One: {type: string}
    Any: {type: object, properties: {literal: {enum: [a]}, any: {}}}
    Unknown: {type: object, properties: {a: {type: string}}}
    Exception: {type: object, properties: {a: {type: string}}}
    None: {type: object, properties: {a: {type: string}}}
    PdfSource: {type: object, properties: {a: {type: string}}}
    PDFSource: {type: object, properties: {b: {type: string}}}
    Model: {type: object, properties: {a: {type: string}}}
    Lazy: {type: object, properties: {a: {type: string}}}
    kebab-case.dotted: {type: object, properties: {a: {type: string}}}
    "1st": {type: object, properties: {a: {type: string}}}
paths:
  /odd:
    post:
      operationId: odd_create
      tags: [odd]
      requestBody: {required: true, content: {application/json: {schema: {type: array, items: {$ref: Odd}}}}}
      responses: {"200": {description: "", content: {application/json: {schema: {$ref: Odd}}}}}
"""

    def test_properties_keep_their_keys(self, api: Api) -> None:
        """Every property is read and written under its key."""
        keys = [
            "class", "from_dict", "to_dict", "extra_fields", "str", "self", "a b", "$ref", "_id", "id",
            "ünïcödé", "camelCaseHTTP", "__private", "", "{{ x }}", "one", "One",
        ]  # fmt: skip
        wire = {key: f"value of {key}" for key in keys} | {
            "list": ["x"],
            "request_id": {"+1": 1},
            "dict": {"a": "b"},
        }
        odd = api.models.Odd.from_dict(wire)
        assert odd.extra_fields == {}
        assert odd.to_dict() == wire
        assert (odd.class_, odd.first, odd.one, odd.list) == (
            "value of class",
            "value of one",
            "value of One",
            ["x"],
        )
        assert odd._request_id is None

    def test_signs_are_distinct(self, api: Api) -> None:
        """`+1` and `-1` are two fields."""
        reactions = api.models.Reactions.from_dict({"+1": 3, "-1": 1, "100": 2})
        assert (reactions.plus_1, reactions.minus_1, reactions.to_dict()) == (
            3,
            1,
            {"+1": 3, "-1": 1, "100": 2},
        )

    def test_params_have_the_exact_keys(self, api: Api) -> None:
        """A sent dict has the keys of the document."""
        hints = typing.get_type_hints(api.params.OddParam)
        assert {"class", "a b", "$ref", "__private", "{{ x }}", "date"} <= hints.keys()

    def test_schemas_may_share_our_names(self, api: Api) -> None:
        """A schema may have the name of a generated or imported class."""
        names = (
            "Any_",
            "Unknown_",
            "Exception_",
            "None_",
            "Model",
            "Lazy",
            "KebabCaseDotted",
            "PdfSource",
            "PDFSource",
        )
        for name in names:
            assert issubclass(getattr(api.models, name), api.module("model").Model)
        assert not issubclass(api.models.Unknown, api.module("model").Model)


class TestOperations:
    document = """
paths:
  /users/{id}: {get: {responses: {"204": {description: ""}}}}
  /users/id: {get: {responses: {"204": {description: ""}}}}
  /builtin:
    get:
      operationId: list
      tags: [Some Tag!]
      responses:
        "200": {description: "", content: {application/json: {schema: {type: array, items: {type: string}}}}}
    put: {operationId: import, tags: [Some Tag!], responses: {"204": {description: ""}}}
    post: {operationId: with_raw_response, tags: [Some Tag!], responses: {"204": {description: ""}}}
    patch: {operationId: 一覧, tags: [Some Tag!], responses: {"204": {description: ""}}}
    delete: {operationId: "1 2 3", tags: [Some Tag!], responses: {"204": {description: ""}}}
  /tags/a: {get: {operationId: get_a, tags: [a.b], responses: {"204": {description: ""}}}}
  /tags/b: {get: {operationId: get_b, tags: [a_b], responses: {"204": {description: ""}}}}
  /tags/c: {get: {operationId: get_c, tags: [resources], responses: {"204": {description: ""}}}}
  /tags/d: {get: {operationId: get_d, tags: [class], responses: {"204": {description: ""}}}}
  /tags/e: {get: {operationId: get_e, tags: [c.b], responses: {"204": {description: ""}}}}
  /tags/f: {get: {operationId: get_f, tags: [async_a, other], responses: {"204": {description: ""}}}}
  /tags/g: {get: {operationId: get_g, tags: [""], responses: {"204": {description: ""}}}}
  /tags/h:
    servers: [{url: "https://elsewhere.test"}]
    get: {operationId: get_h, tags: [c.b], responses: {"204": {description: ""}}}
  x-nothing: {get: {}}
webhooks:
  done: {post: {requestBody: {content: {application/json: {schema: {$ref: Hook}}}}, responses: {}}}
components: {schemas: {Hook: {type: object, properties: {a: {type: string}}}}}
"""

    def test_every_operation_is_there(self, api: Api) -> None:
        """Every operation of the document is generated."""
        paths = {("GET", "/users/{id}"), ("GET", "/users/id")}
        paths |= {(method, "/builtin") for method in ("GET", "PUT", "POST", "PATCH", "DELETE")}
        paths |= {("GET", f"/tags/{letter}") for letter in "abcdefgh"}
        found = set()
        for file in (api.folder / "operations").glob("*.py"):
            for value in vars(api.module(f"operations.{file.stem}")).values():
                if type(value).__name__ == "Operation":
                    found.add((value.method, value.path))
        assert found == paths

    def test_unnamed_operation_uses_its_path(self, api: Api) -> None:
        """An operation without an id is named after its path."""
        default = api.module("operations.default")
        assert default.get_users_by_id("7").path == "/users/7"
        assert default.get_users_id().path == "/users/id"

    def test_methods_are_reachable(self, api: Api) -> None:
        """Every method can be reached from the root resource."""

        class Transport:
            def view(self, kind: str) -> object:
                return self

            def send(self, request: object, options: object) -> object:
                return request

        root = api.resources.SyncResources(Transport())
        assert root.some_tag.list().method == "GET"
        assert root.some_tag.import_().method == "PUT"
        assert root.some_tag.with_raw_response_().method == "POST"
        assert root.some_tag.一覧().method == "PATCH"
        assert root.a.b.get_a().path == "/tags/a"
        assert root.a_b.get_b().path == "/tags/b"
        assert root.resources.get_c().path == "/tags/c"
        assert root.class_.get_d().path == "/tags/d"
        assert root.c.b.get_e().path == "/tags/e"
        assert root.async_a.get_f().path == "/tags/f"
        assert root.some_tag.with_raw_response.list().method == "GET"

    def test_webhooks_and_servers_are_noted(self, api: Api) -> None:
        """Webhooks and servers of single paths give notes."""
        assert "webhooks are not generated" in api.notes
        assert "a path has servers of their own" in api.notes

    def test_webhook_schema_is_a_model(self, api: Api) -> None:
        """A schema that only a webhook uses is a model."""
        assert api.models.Hook.from_dict({"a": "b"}).a == "b"


class TestClashes:
    """Names that differ in the document and are one in Python."""

    document = """
components:
  schemas:
    boolean: {type: object, properties: {a: {type: string}}}
    Boolean: {type: object, properties: {b: {type: string}}}
    BOOLEAN: {type: object, properties: {c: {type: string}}}
    Boolean2: {type: object, properties: {d: {type: string}}}
    Clock: {type: object, properties: {jobId: {type: string}, jobID: {type: integer}, job_id: {type: boolean}}}
paths:
  /a: {get: {operationId: t_getThing, tags: [t], responses: {"200": {description: "", content: {application/json: {
        schema: {type: object, properties: {one: {$ref: boolean}, two: {$ref: Boolean}, three: {$ref: BOOLEAN}}}}}}}}}
  /b: {get: {operationId: t_get_thing, tags: [t], responses: {"204": {description: ""}}}}
  /c: {get: {operationId: t_get_thing, tags: [t], responses: {"204": {description: ""}}}}
  /d: {get: {operationId: inner, tags: [t], responses: {"204": {description: ""}}}}
  /e: {get: {operationId: inner, tags: [t.inner], responses: {"204": {description: ""}}}}
  /g: {get: {operationId: t_straße, tags: [t], responses: {"204": {description: ""}}}}
  /h: {get: {operationId: t_strasse, tags: [t], responses: {"204": {description: ""}}}}
  /f: {post: {operationId: t_clock, tags: [t], parameters: [{name: "", in: query, schema: {}}], requestBody: {
        required: true, content: {application/json: {schema: {$ref: Clock}}}},
        responses: {"200": {description: "", content: {application/json: {schema: {$ref: Clock}}}}}}}
"""

    def test_clashing_schemas_are_numbered(self, api: Api) -> None:
        """Of clashing schemas, the one with a class name keeps it."""
        models = api.models
        assert models.Boolean2.from_dict({"d": "w"}).d == "w"
        thing = api.decode("t", "get_thing", {"one": {"a": "x"}, "two": {"b": "y"}, "three": {"c": "z"}})
        assert (thing.one.a, thing.two.b, thing.three.c) == ("x", "y", "z")
        assert "schema 'Boolean' has the same name in Python; this is Boolean3" in api.notes

    def test_clashing_properties_are_numbered(self, api: Api) -> None:
        """Of clashing properties, the one with a Python name keeps it."""
        wire = {"jobId": "a", "jobID": 1, "job_id": True}
        clock = api.models.Clock.from_dict(wire)
        assert (clock.job_id, clock.job_id_2, clock.job_id_3) == (True, "a", 1)
        assert clock.to_dict() == wire
        assert (
            "property 'job_id' has the same name in Python; this is job_id_2, or its `x-attribute-name`"
            in api.notes
        )

    def test_clashing_operations_are_numbered(self, api: Api) -> None:
        """Of clashing operations, the first keeps its name."""
        operations = api.module("operations.t")
        paths = [operations.get_thing().path, operations.get_thing_2().path, operations.get_thing_3().path]
        assert paths == ["/a", "/b", "/c"]
        assert operations.GET_THING_3.name == "t.get_thing_3"
        assert "GET /a has the same name in Python; this is get_thing_2" in api.notes
        assert "operationId 't_get_thing' is also the one of #/paths/~1b/get/operationId" in api.notes

    def test_methods_never_share_a_constant(self, api: Api) -> None:
        """Methods whose constants would be equal are renamed."""
        operations = api.module("operations.t")
        assert (operations.straße().operation.path, operations.strasse_2().operation.path) == ("/g", "/h")

    def test_method_yields_to_a_resource(self, api: Api) -> None:
        """A method with the name of a resource is renamed."""
        assert api.module("operations.t").inner_2().path == "/d"
        assert api.module("operations.t_inner").inner().path == "/e"

    def test_nameless_parameter_is_noted(self, api: Api) -> None:
        """A parameter without a name is left out, with a note."""
        assert api.module("operations.t").clock(body={}).query == ()
        assert "a parameter without a name is left out" in api.notes


class TestWords:
    """Words of names."""

    document = """
components:
  schemas:
    Words:
      type: object
      properties:
        userIDs: {type: string}
        URLsList: {type: string}
        ipv4Address: {type: string}
        HTTP2Server: {type: string}
        "a/b:c": {type: string}
        "List<Pet>": {type: string}
        "@type": {type: string}
        it's: {type: string}
    actions/list-of,things: {type: object, properties: {a: {type: string}}}
paths:
  /a: {get: {operationId: code-scanning/list-alerts, tags: [code-scanning], responses: {"204": {description: ""}}}}
  /b: {get: {operationId: "Files.Admin:getUserIDs", tags: [Files], responses: {"204": {description: ""}}}}
"""

    def test_fields_are_snake_case(self, api: Api) -> None:
        """Fields are words with underscores."""
        assert api.models.Words._fields.names == (
            "user_ids", "urls_list", "ipv4_address", "http2_server", "a_b_c", "list_pet", "type", "its",
        )  # fmt: skip

    def test_signs_separate_words(self, api: Api) -> None:
        """Signs separate the words of classes and operations."""
        assert api.models.ActionsListOfThings.from_dict({"a": "b"}).a == "b"
        assert api.module("operations.code_scanning").list_alerts().path == "/a"
        assert api.module("operations.files").admin_get_user_ids().path == "/b"


class TestSloppyDocuments:
    """Slips that other tools accept."""

    document = """
tags:
paths:
  /a:
    parameters:
    delte: {}
    get:
      operationId: t_get
      tags: [t]
      parameters:
      security:
      responses:
        "200":
          description: ""
          headers: {X-Rate: {$ref: "#/components/headers/Gone"}}
          links: {next: {$ref: "#/components/links/Gone"}}
          content: {application/json: {schema: {$ref: Thing}, examples: {a: {$ref: "#/components/examples/Gone"}}}}
components:
  parameters:
  schemas:
    Thing:
      type: object
      required:
      properties:
        anything: {type: any}
        file: {type: file}
        when: {type: string, default: !!timestamp 2026-11-21, example: !!binary aGk=}
        headers: {type: object, properties: {a: {type: string}}}
        nothing: {type: object, properties: }
    Typing: {type: object, required: [mistyped], properties: {mistypd: {type: string}}}
"""

    def test_empty_and_unread_parts_are_ignored(self, api: Api) -> None:
        """Empty keywords and references in unread parts are ignored."""
        thing = api.decode("t", "get", {"anything": [1], "file": "f", "headers": {"a": "b"}, "nothing": {}})
        assert (thing.anything, thing.file, thing.headers.a, thing.nothing) == ([1], "f", "b", {})
        assert "Default: `2026-11-21`" in api.source("models/_thing.py")

    def test_likely_typos_are_noted(self, api: Api) -> None:
        """A misspelt method and a required non-property give notes."""
        assert "'mistyped' is required, but not a property" in api.notes
        assert "'delte' is not an HTTP method; left out" in api.notes

    def test_foreign_types_are_noted(self, api: Api) -> None:
        """The types `any` and `file` give notes."""
        assert "'any' is not a type of JSON; it is typed as Any" in api.notes
        assert "'file' is not a type of JSON; it is taken for a string of bytes" in api.notes


class TestWithoutTags:
    document = """
paths:
  /v1/files:
    get: {operationId: a_very_long_operation_id_that_no_reader_would_ever_type_or_even_read_to_its_end, responses: {}}
    post: {responses: {}}
  /v1/files/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {responses: {}}
    delete: {responses: {}}
  /v1/files/{id}/content:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {responses: {}}
  /v1beta2/ranges/{from}/{to}:
    parameters:
      - {name: from, in: path, required: true, schema: {type: string}}
      - {name: to, in: path, required: true, schema: {type: string}}
    get: {responses: {}}
  /api/v2/close: {get: {responses: {}}}
  /: {get: {responses: {}}}
components:
  schemas:
    AVeryLongNameOfASchemaThatGoesOnAndOnUntilItsFileWouldBeTooLongForAnyone:
      {type: object, properties: {a: {type: string}}}
"""

    @pytest.mark.parametrize(
        ("method", "path", "name"),
        [
            ("GET", "/v1/files", "files.get"),
            ("POST", "/v1/files", "files.post"),
            ("GET", "/v1/files/{id}", "files.get_by_id"),
            ("DELETE", "/v1/files/{id}", "files.delete_by_id"),
            ("GET", "/v1/files/{id}/content", "files.content.get"),
            ("GET", "/v1beta2/ranges/{from}/{to}", "ranges.get_by_from_and_to"),
            ("GET", "/api/v2/close", "api.close.get"),
            ("GET", "/", "default.get"),
        ],
    )
    def test_path_names_resource_and_method(self, api: Api, method: str, path: str, name: str) -> None:
        """Without tags, the path gives the resource, and the HTTP method with the path's end the method."""
        found = {
            (each.method, each.path): each.name
            for module in pkgutil.iter_modules(api.module("operations").__path__)
            for each in vars(api.module(f"operations.{module.name}")).values()
            if type(each).__name__ == "Operation"
        }
        assert found[method, path] == name

    def test_file_names_are_short(self, api: Api) -> None:
        """No file name is longer than 60 characters."""
        assert max(len(path.name) for path in api.folder.rglob("*.py")) <= 60


class TestParam:
    document = """
paths:
  /a:
    post:
      operationId: t_make
      tags: [t]
      requestBody: {required: true, content: {application/json: {schema: {type: array, items: {$ref: Thing}}}}}
      responses: {"200": {description: "", content: {application/json: {schema: {$ref: Thing}}}}}
components:
  schemas:
    Thing: {type: object, properties: {param: {$ref: FilterParam}, plain: {$ref: Plain}, other: {$ref: PlainParam}}}
    FilterParam: {type: object, properties: {a: {type: string}}}
    Plain: {type: object, properties: {a: {type: string}}}
    PlainParam: {type: object, properties: {b: {type: string}}}
"""

    def test_no_param_param(self, api: Api) -> None:
        """The dict of a component whose name ends in Param, or whose name is taken, ends in Input."""
        names = set(api.params._MODULES)
        assert names == {"ThingParam", "FilterParamInput", "PlainInput", "PlainParamInput"}
