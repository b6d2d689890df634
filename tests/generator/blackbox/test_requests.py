"""Requests that endpoint functions make of their arguments."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from tests.generator.running import Api, program_complaints


class TestParameters:
    document = """
paths:
  /a/{id}/b/{file.name}/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
      - {name: shared, in: query, description: Of the path., schema: {type: string}}
    get:
      operationId: t_get
      tags: [t]
      parameters:
        - {name: file.name, in: path, required: true, schema: {type: string}}
        - {name: id, in: query, schema: {type: string}}
        - {name: id, in: header, schema: {type: string}}
        - {name: shared, in: query, description: Of the operation., schema: {type: integer}}
        - {name: class, in: query, schema: {type: string}}
        - {name: self, in: query, schema: {type: string}}
        - {name: options, in: query, schema: {type: string}}
        - {name: isinstance, in: query, schema: {type: boolean}}
        - {name: list, in: query, required: true, schema: {type: array, items: {type: string}}}
        - {name: url, in: query, schema: {type: string}}
        - {name: "X-Trace[]", in: header, schema: {type: array, items: {type: integer}}}
        - {name: session, in: cookie, schema: {type: string}}
        - {name: Start, in: query, schema: {type: string}}
        - {name: Start<, in: query, schema: {type: string}}
        - {name: Start>, in: query, schema: {type: string}}
        - {name: $top, in: query, schema: {type: string}}
        - {name: top, in: query, schema: {type: string}}
        - {name: fooBar, in: query, schema: {type: string}}
        - {name: foo_bar, in: query, schema: {type: string}}
        - {name: Accept, in: header, schema: {type: string}}
        - {name: when, in: query, schema: {type: string, format: date-time}}
        - {name: timeout, in: query, schema: {type: integer}}
      responses: {"204": {description: ""}}
  /json/{filter}:
    get:
      operationId: t_json_path
      tags: [t]
      parameters: [{name: filter, in: path, required: true, content: {application/json: {schema: {type: object}}}}]
      responses: {"204": {description: ""}}
  /styles/{a}/{b}/{c}/{d}:
    get:
      operationId: t_styles
      tags: [t]
      parameters:
        - {name: a, in: path, required: true, schema: {type: array, items: {type: string}}}
        - {name: b, in: path, required: true, style: label, schema: {type: array, items: {type: string}}}
        - {name: c, in: path, required: true, style: matrix, schema: {type: string}}
        - {name: d, in: path, required: true, style: matrix, explode: true, schema: {type: array, items: {}}}
        - {name: form, in: query, schema: {type: array, items: {type: integer}}}
        - {name: comma, in: query, explode: false, schema: {type: array, items: {type: integer}}}
        - {name: pipe, in: query, style: pipeDelimited, schema: {type: array, items: {type: integer}}}
        - {name: space, in: query, style: spaceDelimited, explode: false, schema: {type: array, items: {type: integer}}}
        - {name: deep, in: query, style: deepObject, schema: {type: object}}
        - {name: flat, in: query, schema: {type: object}}
        - {name: pairs, in: query, explode: false, schema: {type: object}}
        - {name: json, in: query, content: {application/json: {schema: {type: object, properties: {a: {}}}}}}
        - {name: plain, in: query, content: {text/plain: {schema: {type: string}}}}
        - {name: none, in: query, explode: false, schema: {type: array, items: {type: integer}}}
        - {name: none, in: query, explode: false, description: Again., schema: {type: array, items: {type: integer}}}
      responses: {"204": {description: ""}}
  /undeclared/{x}:
    get:
      operationId: t_undeclared
      tags: [t]
      parameters: [{name: y, in: path, required: true, schema: {type: string}}]
      responses: {"204": {description: ""}}
  /query?action=list&key={key}&flag:
    get:
      operationId: t_in_query
      tags: [t]
      parameters: [{name: key, in: path, required: true, schema: {type: string}}]
      responses: {"204": {description: ""}}
"""

    def test_same_name_in_several_locations(self, api: Api) -> None:
        """Parameters of one name end in their location."""
        request = api.module("operations.t").get(
            "one", "n/a.me", id_query="two", id_header="three", list=["x"]
        )
        assert request.path == "/a/one/b/n%2Fa.me/one"
        assert ("id", "two") in request.query
        assert request.headers == (("id", "three"),)

    def test_parameters_of_any_name(self, api: Api) -> None:
        """Keywords, builtins and our own names can be parameters."""
        request = api.module("operations.t").get(
            "1",
            "2",
            class_="a",
            self_="b",
            options_="c",
            isinstance=True,
            url="d",
            list=["x", "y"],
            session="s",
        )
        assert set(request.query) == {
            ("class", "a"), ("self", "b"), ("options", "c"), ("isinstance", "true"), ("url", "d"),
            ("list", "x"), ("list", "y"),
        }  # fmt: skip
        assert request.cookies == (("session", "s"),)

    def test_parameters_may_differ_in_case(self, api: Api) -> None:
        """Parameters that differ in signs or case alone are distinct."""
        signs = {"start": "a", "start_lt": "b", "start_gt": "c", "top_2": "d", "top": "e"}
        request = api.module("operations.t").get("1", "2", list=[], **signs, foo_bar_2="f", foo_bar="g")
        keys = ["Start", "Start<", "Start>", "$top", "top", "fooBar", "foo_bar"]
        assert set(request.query) == set(zip(keys, "abcdefg", strict=True))

    def test_clashing_parameters_are_noted(self, api: Api) -> None:
        """Of clashing parameters, the one with a Python name keeps it."""
        assert (
            "parameter 'top' has the same name in Python; this is top_2, or its `x-argument-name`"
            in api.notes
        )
        assert "parameter 'foo_bar' has the same name in Python; this is foo_bar_2" in api.notes

    def test_request_options_are_reserved(self, api: Api) -> None:
        """A parameter can't have the name of a request option."""
        assert api.module("operations.t").get("1", "2", list=[], timeout_=5).query == (("timeout", "5"),)

    def test_operation_overrides_its_path(self, api: Api) -> None:
        """A parameter of the operation overrides the one of the path."""
        signature = inspect.signature(api.module("operations.t").get)
        assert signature.parameters["shared"].annotation == "int | None"
        assert "accept" not in signature.parameters
        assert signature.parameters["list"].default is inspect.Parameter.empty

    def test_dropped_headers_are_noted(self, api: Api) -> None:
        """A header parameter that OpenAPI ignores gives a note."""
        assert "header parameter 'Accept' is left out" in api.notes

    def test_lists_and_instants_are_written(self, api: Api) -> None:
        """Lists in headers and instants in queries are written."""
        from datetime import UTC, datetime

        when = datetime(2026, 11, 21, tzinfo=UTC)
        request = api.module("operations.t").get("1", "2", list=[], x_trace=[1, 2], when=when)
        assert request.headers == (("X-Trace[]", "1,2"),)
        assert request.query == (("when", "2026-11-21T00:00:00Z"),)

    def test_styles_follow_openapi(self, api: Api) -> None:
        """Each style of a parameter is written as OpenAPI defines."""
        styles = api.module("operations.t").styles
        request = styles(
            ["1", "2"], ["x", "y"], "z", ["p", "q"],
            form=[1, 2], comma=[1, 2], pipe=[1, 2], space=[1, 2],
            deep={"a": 1, "b": {"c": "d"}, "e": [1, 2], "f": [{"g": 3}]},
            flat={"k": "v", "l": {"m": [1]}}, pairs={"k": "v"}, json={"a": "ü"}, plain="hi", none=[],
        )  # fmt: skip
        assert request.path == "/styles/1,2/.x,y/;c=z/;d=p;d=q"
        assert request.query == (
            ("form", "1"), ("form", "2"), ("comma", "1,2"), ("pipe", "1|2"), ("space", "1 2"),
            ("deep[a]", "1"), ("deep[b][c]", "d"), ("deep[e][]", "1"), ("deep[e][]", "2"), ("deep[f][0][g]", "3"),
            ("k", "v"), ("l", '{"m":[1]}'), ("pairs", "k,v"), ("json", '{"a":"ü"}'), ("plain", "hi"),
        )  # fmt: skip

    def test_path_parameter_can_be_json(self, api: Api) -> None:
        """A path parameter with a JSON content is encoded JSON."""
        assert api.module("operations.t").json_path({"a": "/"}).path == "/json/%7B%22a%22%3A%22%2F%22%7D"

    @pytest.mark.parametrize("value", ["", ".", ".."])
    def test_path_parameter_is_checked(self, api: Api, value: str) -> None:
        """A path parameter that would lead to another path is refused."""
        with pytest.raises(ValueError, match="must name a resource"):
            api.module("operations.t").undeclared(value)

    def test_path_disagreements_are_noted(self, api: Api) -> None:
        """Parameters that are missing in the path, or undeclared, give notes."""
        assert api.module("operations.t").undeclared("1").path == "/undeclared/1"
        assert "path parameter 'x' is not declared; taken for a string" in api.notes
        assert "path parameter 'y' is not in the path; left out" in api.notes

    def test_query_in_a_path(self, api: Api) -> None:
        """A query in a path of the document is sent as a query."""
        request = api.module("operations.t").in_query(key="k&")
        assert request.path == "/query"
        assert request.query == (("action", "list"), ("flag", ""), ("key", "k&"))


class TestBodies:
    document = """
paths:
  /json:
    post:
      operationId: t_flat
      tags: [t]
      parameters: [{name: x, in: query, schema: {type: string}}]
      requestBody:
        required: true
        content:
          application/json; charset=utf-8: {schema: {$ref: Thing}}
          application/x-www-form-urlencoded: {schema: {$ref: Thing}}
      responses: {"200": {description: ""}}
  /clash/{name}:
    post:
      operationId: t_clash
      tags: [t]
      parameters: [{name: name, in: path, required: true, schema: {type: string}}]
      requestBody: {required: true, content: {application/json: {schema: {$ref: Thing}}}}
      responses: {"200": {description: ""}}
  /optional:
    post:
      operationId: t_optional
      tags: [t]
      requestBody: {content: {application/merge-patch+json: {schema: {$ref: Thing}}}}
      responses: {"200": {description: ""}}
  /list:
    post:
      operationId: t_list_
      tags: [t]
      requestBody: {required: true, content: {"*/*": {schema: {type: array, items: {$ref: Thing}}}}}
      responses: {"200": {description: ""}}
  /form:
    post:
      operationId: t_form
      tags: [t]
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded: {schema: {type: object, required: [a], properties: {a: {type: string}}}}
      responses: {"200": {description: ""}}
  /file:
    post:
      operationId: t_file
      tags: [t]
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema:
              type: object
              required: [file]
              properties: {file: {type: string, format: binary}, note: {type: string}}
      responses: {"200": {description: ""}}
  /bytes:
    put:
      operationId: t_bytes_
      tags: [t]
      requestBody: {required: true, content: {application/octet-stream: {schema: {type: string, format: binary}}}}
      responses: {"200": {description: ""}}
  /text:
    put:
      operationId: t_text
      tags: [t]
      requestBody: {required: true, content: {text/plain: {}}}
      responses: {"200": {description: ""}}
components:
  schemas:
    Thing:
      type: object
      required: [name, made]
      properties:
        name: {type: string}
        made: {type: string, readOnly: true}
        note: {type: [string, "null"]}
        size: {type: integer}
        class: {type: string}
        a-b: {type: string}
"""

    def test_properties_are_arguments(self, api: Api) -> None:
        """The properties of an object body are arguments."""
        request = api.module("operations.t").flat(name="n", note=None, class_="c", a_b="d", x="q")
        assert request.body.kind == "json"
        assert request.body.content == {"name": "n", "note": None, "class": "c", "a-b": "d"}
        assert request.body.media_type == "application/json; charset=utf-8"
        assert request.query == (("x", "q"),)

    def test_omitted_arguments_are_not_sent(self, api: Api) -> None:
        """An omitted argument is not sent, and `readOnly` ones are optional."""
        assert api.module("operations.t").flat(name="n").body.content == {"name": "n"}

    def test_media_type_is_a_choice(self, api: Api) -> None:
        """Media types with the same properties are a choice."""
        request = api.module("operations.t").flat(name="n", content_type="application/x-www-form-urlencoded")
        assert (request.body.kind, request.body.content) == ("form", {"name": "n"})
        chosen = inspect.signature(api.module("operations.t").flat).parameters["content_type"]
        assert chosen.default == "application/json; charset=utf-8"
        assert chosen.annotation.startswith("Literal[")
        with pytest.raises(
            ValueError, match=r"content_type must be one of application/json; charset=utf-8, "
        ):
            api.module("operations.t").flat(name="n", content_type="application/xml")

    def test_clashing_body_is_one_argument(self, api: Api) -> None:
        """A body whose properties clash with parameters is one argument."""
        request = api.module("operations.t").clash("path", body={"name": "n"})
        assert (request.path, request.body.content) == ("/clash/path", {"name": "n"})

    def test_optional_body(self, api: Api) -> None:
        """An optional body may be left out."""
        assert api.module("operations.t").optional().body is None
        request = api.module("operations.t").optional(body={"name": "n"})
        assert (request.body.kind, request.body.media_type) == ("json", "application/merge-patch+json")

    def test_other_body_is_one_argument(self, api: Api) -> None:
        """A body that is not an object is one argument."""
        request = api.module("operations.t").list_(body=[{"name": "n"}])
        assert (request.body.content, request.body.media_type) == ([{"name": "n"}], "application/json")

    def test_forms_files_bytes_and_text(self, api: Api) -> None:
        """Forms, files, bytes and texts are written."""
        operations = api.module("operations.t")
        assert operations.form(a="b").body.kind == "form"
        assert operations.file(file=b"x", note="n").body.content == {"file": b"x", "note": "n"}
        assert operations.file(file=b"x").body.kind == "multipart"
        assert "file: _body.File" in api.source("params/_t_file_body.py")
        assert operations.bytes_(body=b"x").body.kind == "bytes"
        assert operations.text(body="x").body.kind == "text"


class TestMediaTypes:
    document = """
paths:
  /upload:
    post:
      operationId: t_upload
      tags: [t]
      parameters: [{name: content_type, in: query, schema: {type: string}}]
      requestBody:
        required: true
        content:
          multipart/form-data:
            encoding:
              about: {contentType: application/json}
              tags: {style: form, explode: false}
              file: {contentType: "image/png, image/jpeg"}
              picture: {contentType: image/png}
            schema:
              type: object
              required: [file]
              properties:
                file: {type: string, contentMediaType: application/octet-stream}
                page: {type: string, contentMediaType: text/html}
                files: {type: array, items: {type: string, format: binary}}
                picture: {type: string, format: binary}
                about: {type: array, items: {type: string}}
                tags: {type: array, items: {type: string}}
                key: {type: string, contentMediaType: application/pkcs8, contentEncoding: base64}
          application/x-www-form-urlencoded: {schema: {type: object, properties: {url: {type: string}}}}
      responses: {"204": {description: ""}}
  /whole:
    put:
      operationId: t_whole
      tags: [t]
      requestBody:
        content:
          application/pdf: {}
          text/plain: {schema: {type: string}}
          application/json: {schema: {type: array, items: {type: string}}}
      responses: {"204": {description: ""}}
  /net:
    put:
      operationId: t_net
      tags: [t]
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: Thing}}
          text/json: {schema: {$ref: Thing}}
          text/plain: {schema: {$ref: Thing}}
          application/*+json: {schema: {$ref: Thing}}
          application/xml: {schema: {$ref: Thing}}
      responses: {"204": {description: ""}}
  /ranges:
    post:
      operationId: t_ranges
      tags: [t]
      requestBody:
        required: true
        content: {"*/*": {schema: {type: string, format: binary}}, application/*+json: {schema: {type: object}}}
      responses: {"204": {description: ""}}
    put:
      operationId: t_image
      tags: [t]
      requestBody: {required: true, content: {image/*: {}}}
      responses: {"204": {description: ""}}
  /maybe:
    put:
      operationId: t_maybe
      tags: [t]
      requestBody: {content: {application/json: {schema: {type: [integer, "null"]}}}}
      responses: {"204": {description: ""}}
  /texts:
    post:
      operationId: t_texts
      tags: [t]
      parameters: [{name: q, in: query, schema: {type: string, format: binary}}]
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              properties: {html: {type: string, contentMediaType: text/html}, raw: {type: string, format: binary}}
      responses: {"204": {description: ""}}
  /nested:
    post:
      operationId: t_nested
      tags: [t]
      requestBody:
        required: true
        content:
          application/json:
            schema: &nested {type: object, properties: {a: {type: object, properties: {b: {type: string}}}}}
          multipart/form-data: {schema: *nested}
      responses: {"204": {description: ""}}
  /patch:
    patch:
      operationId: t_patch
      tags: [t]
      requestBody:
        required: true
        content: {application/json-patch+json: {schema: {}}, application/merge-patch+json: {schema: {}}}
      responses: {"204": {description: ""}}
components: {schemas: {Thing: {type: object, properties: {name: {type: string}}}}}
"""

    def test_form_fields_are_arguments(self, api: Api) -> None:
        """The fields of a form with files are arguments."""
        request = api.module("operations.t").upload(file=b"1", files=[b"2", ("3.txt", b"3")], about=["a"])
        assert [(name, part[1]) for name, part in request.body.parts()] == [
            ("file", b"1"), ("files", b"2"), ("files", b"3"), ("about", b'["a"]'),
        ]  # fmt: skip
        source = api.source("operations/t.py")
        assert "file: _body.File | None = None," in source
        assert "files: Iterable[_body.File] | None = None," in source
        assert "key: str | None = None," in source
        assert "page: _body.File | str | None = None," in source

    def test_field_encodings_are_followed(self, api: Api) -> None:
        """The encodings of single form fields are followed."""
        assert api.module("operations.t").upload(file=b"").body.encoding == {
            "about": {"content_type": "application/json", "json": True},
            "picture": {"content_type": "image/png", "file": True},
            "file": {"file": True},
            "files": {"file": True},
        }

    def test_media_type_chooses_the_fields(self, api: Api) -> None:
        """A media type with other fields than the first is chosen together with its fields."""
        upload = api.module("operations.t").upload
        body = upload(url="u", content_type_2="application/x-www-form-urlencoded").body
        assert (body.kind, body.content) == ("form", {"url": "u"})

    def test_single_argument_in_each_media_type(self, api: Api) -> None:
        """A body of one argument can be sent as each media type."""
        whole = api.module("operations.t").whole
        kinds = [
            (body.kind, body.media_type)
            for body in (
                whole(body=["a"]).body,
                whole(body="text", content_type="text/plain").body,
                whole(body=b"%PDF", content_type="application/pdf").body,
            )
        ]
        expected = ["application/json", "text/plain", "application/pdf"]
        assert kinds == list(zip(["json", "text", "bytes"], expected, strict=True))
        assert whole().body is None
        assert "body: Sequence[str] | str | _body.Content | None = None," in api.source("operations/t.py")

    def test_range_is_sent_as_a_concrete_type(self, api: Api) -> None:
        """A range of media types is sent as a concrete one."""
        ranges, image = api.module("operations.t").ranges, api.module("operations.t").image
        assert ranges(body={}).body.media_type == "application/json"
        as_bytes = ranges(body=b"x", content_type="application/octet-stream").body
        assert (as_bytes.kind, as_bytes.media_type) == ("bytes", "application/octet-stream")
        assert image(body=b"x").body.media_type == "application/octet-stream"

    def test_optional_nullable_body(self, api: Api) -> None:
        """An optional nullable body can be null or left out."""
        maybe = api.module("operations.t").maybe
        assert maybe().body is None
        assert maybe(body=None).body.content is None

    def test_bytes_are_files_in_forms(self, api: Api) -> None:
        """A binary string is a file in a form, and a text in JSON."""
        texts = inspect.signature(api.module("operations.t").texts).parameters
        assert {texts[name].annotation for name in ("q", "html", "raw")} == {"str | None"}

    def test_patches_are_a_choice(self, api: Api) -> None:
        """Kinds of patches with one schema are a choice."""
        patch = api.module("operations.t").patch
        kinds = [patch(body=[]).body, patch(body={}, content_type="application/merge-patch+json").body]
        assert [(each.kind, each.media_type) for each in kinds] == [
            ("json", "application/json-patch+json"), ("json", "application/merge-patch+json")
        ]  # fmt: skip

    def test_equal_inline_objects_are_one_type(self, api: Api) -> None:
        """Equal inline objects of several media types are one type."""
        nested = api.module("operations.t").nested
        assert nested(a={"b": "c"}, content_type="multipart/form-data").body.kind == "multipart"
        assert {name for name in api.params._MODULES if "Nested" in name} == {"TNestedBody", "TNestedBodyA"}

    def test_names_of_json_are_one_media_type(self, api: Api) -> None:
        """Other names of JSON are not a choice."""
        assert api.module("operations.t").net(name="n").body.media_type == "application/json"
        assert "only application/json is sent, not application/xml" in api.notes
        assert "content_type" not in inspect.signature(api.module("operations.t").net).parameters


class TestFieldsByMediaType:
    document = """
paths:
  /messages:
    post:
      operationId: t_send
      tags: [t]
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: Text}}
          multipart/form-data:
            schema:
              allOf:
                - {$ref: Text}
                - {type: object, properties: {"files[0]": {type: string, contentEncoding: binary}}}
      responses: {"204": {description: ""}}
  /images:
    post:
      operationId: t_edit
      tags: [t]
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [url], properties: {url: {type: string}, size: {type: integer}}}
          multipart/form-data:
            schema:
              type: object
              required: [image]
              properties: {image: {type: string, format: binary}, size: {type: string}}
      responses: {"204": {description: ""}}
components:
  schemas:
    Text: {type: object, required: [content], properties: {content: {type: string}}}
"""

    def test_each_media_type_has_its_fields(self, api: Api) -> None:
        """A call sends the fields of the media type that it names, by default of the first."""
        send, edit = api.module("operations.t").send, api.module("operations.t").edit
        assert (send(content="c").body.kind, send(content="c").body.content) == ("json", {"content": "c"})
        body = send(content="c", files_0=b"1", content_type="multipart/form-data").body
        assert [(name, part[1]) for name, part in body.parts()] == [("content", b"c"), ("files[0]", b"1")]
        assert edit(url="u", size=1).body.kind == "json"
        assert edit(image=b"1", content_type="multipart/form-data").body.kind == "multipart"

    def test_field_of_another_media_type(self, api: Api) -> None:
        """A field of another media type raises, and the message names that."""
        with pytest.raises(
            TypeError, match=r"files\[0\] is not sent as application/json; give content_type='mult"
        ):
            api.module("operations.t").send(content="c", files_0=b"1")

    def test_overloads(self, api: Api, tmp_path: Path) -> None:
        """Type checkers know the fields of each media type, and those that it requires."""
        program = f"""
            from {api.name}.resources import T

            def use(sync: T) -> None:
                sync.send(content="c")
                sync.send(content="c", files_0=b"1", content_type="multipart/form-data")
                sync.edit(url="u", size=1)
                sync.edit(image=b"1", size="1", content_type="multipart/form-data")
                sync.send(content="c", files_0=b"1")  # wrong
                sync.edit(image=b"1")  # wrong
                sync.edit(url="u", content_type="multipart/form-data")  # wrong
        """
        said = program_complaints(api, tmp_path, program)
        for each in said:
            assert sorted(set(re.findall(r"program\.py:(\d+).*error", each)), key=int) == ["9", "10", "11"]


class TestDescriptions:
    document = """
paths:
  /a/{id}:
    post:
      operationId: t_make
      tags: [t]
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: color, in: query, schema: {$ref: Color}}
        - {name: shade, in: query, description: Of its own., schema: {$ref: Color}}
        - {name: maybe, in: query, schema: {anyOf: [{$ref: Alias}, {type: "null"}]}}
        - {name: size, in: query, schema: {type: integer, description: How big.}}
      requestBody: {required: true, content: {application/json: {schema: {$ref: Body}}}}
      responses: {"204": {description: ""}}
    get:
      operationId: t_get
      tags: [t]
      summary: Get it.
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"204": {description: ""}}
    put:
      operationId: t_put
      tags: [t]
      summary: Put it.
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {$ref: Body}}}}
      responses: {"204": {description: ""}}
components:
  schemas:
    Color: {type: string, description: "The color.\\n\\nMore about colors."}
    Alias: {$ref: Color}
    Body: {type: object, description: A body., properties: {color: {$ref: Color}, note: {type: string}}}
"""

    def test_schema_describes_its_argument(self, api: Api) -> None:
        """An argument without a description has that of the schema it refers to."""
        doc = inspect.getdoc(api.resources.T.make)
        lines = [line.strip() for line in doc.partition("Args:")[2].strip().splitlines()]
        assert sorted(lines) == [
            "body: A body.",
            "color: The color.",
            "maybe: The color.",
            "shade: Of its own.",
            "size: How big.",
        ]

    def test_no_filler_without_a_description(self, api: Api) -> None:
        """An argument without any description is left out of the docstring."""
        assert inspect.getdoc(api.resources.T.get) == "Get it."
        assert "See the documentation" not in api.source("resources/_t.py")

    def test_body_is_described_by_its_schema(self, api: Api) -> None:
        """A body of one argument has the description of its schema."""
        assert "body: A body." in inspect.getdoc(api.resources.T.put)
