"""Requests: what an endpoint function makes of its arguments."""

from __future__ import annotations

import inspect

import pytest

from tests.generator.running import Api


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

    def test_parameters_of_one_name_in_several_places_are_told_apart(self, api: Api) -> None:
        request = api.module("operations.t").get(
            "one", "n/a.me", id_query="two", id_header="three", list=["x"]
        )
        assert request.path == "/a/one/b/n%2Fa.me/one"
        assert ("id", "two") in request.query
        assert request.headers == (("id", "three"),)

    def test_a_keyword_a_builtin_and_our_own_names_can_be_parameters(self, api: Api) -> None:
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

    def test_parameters_that_differ_in_signs_or_case_alone_are_told_apart(self, api: Api) -> None:
        signs = {"start": "a", "start_lt": "b", "start_gt": "c", "top_2": "d", "top": "e"}
        request = api.module("operations.t").get("1", "2", list=[], **signs, foo_bar_2="f", foo_bar="g")
        keys = ["Start", "Start<", "Start>", "$top", "top", "fooBar", "foo_bar"]
        assert set(request.query) == set(zip(keys, "abcdefg", strict=True))

    def test_the_one_that_is_a_name_keeps_it_and_the_others_are_told_of(self, api: Api) -> None:
        assert (
            "parameter 'top' has the same name in Python; this is top_2, or its `x-argument-name`"
            in api.notes
        )
        assert "parameter 'foo_bar' has the same name in Python; this is foo_bar_2" in api.notes

    def test_what_every_method_takes_is_no_name_for_a_parameter(self, api: Api) -> None:
        assert api.module("operations.t").get("1", "2", list=[], timeout_=5).query == (("timeout", "5"),)

    def test_the_operation_overrides_its_path_and_ignores_headers_that_are_not_parameters(
        self, api: Api
    ) -> None:
        signature = inspect.signature(api.module("operations.t").get)
        assert signature.parameters["shared"].annotation == "int | None"
        assert "accept" not in signature.parameters
        assert signature.parameters["list"].default is inspect.Parameter.empty

    def test_lists_in_headers_and_instants_in_queries(self, api: Api) -> None:
        from datetime import UTC, datetime

        when = datetime(2026, 11, 21, tzinfo=UTC)
        request = api.module("operations.t").get("1", "2", list=[], x_trace=[1, 2], when=when)
        assert request.headers == (("X-Trace[]", "1,2"),)
        assert request.query == (("when", "2026-11-21T00:00:00Z"),)

    def test_each_style_is_written_as_openapi_says(self, api: Api) -> None:
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

    def test_a_path_parameter_can_be_json(self, api: Api) -> None:
        assert api.module("operations.t").json_path({"a": "/"}).path == "/json/%7B%22a%22%3A%22%2F%22%7D"

    @pytest.mark.parametrize("value", ["", ".", ".."])
    def test_a_path_parameter_that_would_be_another_path_is_refused(self, api: Api, value: str) -> None:
        with pytest.raises(ValueError, match="must name a resource"):
            api.module("operations.t").undeclared(value)

    def test_a_path_and_its_parameters_that_disagree_are_told_of(self, api: Api) -> None:
        assert api.module("operations.t").undeclared("1").path == "/undeclared/1"
        assert "path parameter 'x' is not declared; taken for a string" in api.notes
        assert "path parameter 'y' is not in the path; left out" in api.notes

    def test_a_query_in_a_path_is_a_query(self, api: Api) -> None:
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

    def test_the_properties_of_an_object_are_arguments(self, api: Api) -> None:
        request = api.module("operations.t").flat(name="n", note=None, class_="c", a_b="d", x="q")
        assert request.body.kind == "json"
        assert request.body.content == {"name": "n", "note": None, "class": "c", "a-b": "d"}
        assert request.body.media_type == "application/json; charset=utf-8"
        assert request.query == (("x", "q"),)

    def test_what_is_left_out_is_not_sent_and_what_only_the_server_writes_need_not_be(self, api: Api) -> None:
        assert api.module("operations.t").flat(name="n").body.content == {"name": "n"}

    def test_of_media_types_with_the_same_properties_a_caller_chooses(self, api: Api) -> None:
        request = api.module("operations.t").flat(name="n", content_type="application/x-www-form-urlencoded")
        assert (request.body.kind, request.body.content) == ("form", {"name": "n"})
        chosen = inspect.signature(api.module("operations.t").flat).parameters["content_type"]
        assert chosen.default == "application/json; charset=utf-8"
        assert chosen.annotation.startswith("Literal[")
        with pytest.raises(
            ValueError, match=r"content_type must be one of application/json; charset=utf-8, "
        ):
            api.module("operations.t").flat(name="n", content_type="application/xml")

    def test_a_body_whose_properties_would_clash_is_one_argument(self, api: Api) -> None:
        request = api.module("operations.t").clash("path", body={"name": "n"})
        assert (request.path, request.body.content) == ("/clash/path", {"name": "n"})

    def test_an_optional_body_may_be_left_out(self, api: Api) -> None:
        assert api.module("operations.t").optional().body is None
        request = api.module("operations.t").optional(body={"name": "n"})
        assert (request.body.kind, request.body.media_type) == ("json", "application/merge-patch+json")

    def test_a_body_that_is_no_object_is_one_argument(self, api: Api) -> None:
        request = api.module("operations.t").list_(body=[{"name": "n"}])
        assert (request.body.content, request.body.media_type) == ([{"name": "n"}], "application/json")

    def test_forms_files_bytes_and_text(self, api: Api) -> None:
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

    def test_the_fields_of_a_form_with_files_are_arguments(self, api: Api) -> None:
        request = api.module("operations.t").upload(file=b"1", files=[b"2", ("3.txt", b"3")], about=["a"])
        assert [(name, part[1]) for name, part in request.body.parts()] == [
            ("file", b"1"), ("files", b"2"), ("files", b"3"), ("about", b'["a"]'),
        ]  # fmt: skip
        source = api.source("operations/t.py")
        assert "file: _body.File," in source
        assert "files: Iterable[_body.File] | None = None," in source
        assert "key: str | None = None," in source
        assert "page: _body.File | str | None = None," in source

    def test_what_the_document_says_of_single_fields_is_followed(self, api: Api) -> None:
        assert api.module("operations.t").upload(file=b"").body.encoding == {
            "about": {"content_type": "application/json", "json": True},
            "picture": {"content_type": "image/png", "file": True},
            "file": {"file": True},
            "files": {"file": True},
        }

    def test_a_form_of_other_fields_is_told_of(self, api: Api) -> None:
        assert "only application/x-www-form-urlencoded is sent, not multipart/form-data" not in api.notes
        assert "only multipart/form-data is sent, not application/x-www-form-urlencoded" in api.notes

    def test_a_body_that_is_one_argument_can_be_sent_as_each_media_type(self, api: Api) -> None:
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

    def test_a_range_of_media_types_is_sent_as_one_of_them(self, api: Api) -> None:
        ranges, image = api.module("operations.t").ranges, api.module("operations.t").image
        assert ranges(body={}).body.media_type == "application/json"
        as_bytes = ranges(body=b"x", content_type="application/octet-stream").body
        assert (as_bytes.kind, as_bytes.media_type) == ("bytes", "application/octet-stream")
        assert image(body=b"x").body.media_type == "application/octet-stream"

    def test_null_can_be_sent_where_a_body_may_be_null_and_need_not_be(self, api: Api) -> None:
        maybe = api.module("operations.t").maybe
        assert maybe().body is None
        assert maybe(body=None).body.content is None

    def test_bytes_are_files_in_forms_only(self, api: Api) -> None:
        texts = inspect.signature(api.module("operations.t").texts).parameters
        assert {texts[name].annotation for name in ("q", "html", "raw")} == {"str | None"}

    def test_kinds_of_patches_are_a_choice_though_their_schema_is_the_same(self, api: Api) -> None:
        patch = api.module("operations.t").patch
        kinds = [patch(body=[]).body, patch(body={}, content_type="application/merge-patch+json").body]
        assert [(each.kind, each.media_type) for each in kinds] == [
            ("json", "application/json-patch+json"), ("json", "application/merge-patch+json")
        ]  # fmt: skip

    def test_equal_objects_described_in_place_are_one_type_and_a_choice(self, api: Api) -> None:
        nested = api.module("operations.t").nested
        assert nested(a={"b": "c"}, content_type="multipart/form-data").body.kind == "multipart"
        assert {name for name in api.params._MODULES if "Nested" in name} == {"TNestedBody", "TNestedBodyA"}

    def test_other_names_for_the_same_json_are_no_choice(self, api: Api) -> None:
        assert api.module("operations.t").net(name="n").body.media_type == "application/json"
        assert "only application/json is sent, not application/xml" in api.notes
        assert "content_type" not in inspect.signature(api.module("operations.t").net).parameters
