"""Responses: how each is read and decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generator.running import Api, complete, generated


class TestKinds:
    document = """
paths:
  /many:
    get:
      operationId: t_many
      tags: [t]
      responses:
        default: {description: Anything else., content: {application/problem+json: {schema: {$ref: Problem}}}}
        4xx: {description: Refused., content: {application/json: {schema: {$ref: Problem}}}}
        529: {description: Too busy., content: {application/json: {schema: {$ref: Busy}}}}
        204: {description: Nothing.}
        201: {description: Made., content: {application/json: {schema: {$ref: Made}}}}
        200: {description: There., content: {application/json: {schema: {$ref: Thing}}}}
  /plain:
    get:
      operationId: t_log
      tags: [t]
      responses:
        "200":
          description: ""
          content: {text/plain: {schema: {type: string}}, application/json: {schema: {type: string}}}
    put:
      operationId: t_either
      tags: [t]
      responses:
        "200": {description: "", content: {application/json: {schema: {oneOf: [{type: string}, {$ref: Thing}]}}}}
    post:
      operationId: t_maybe
      tags: [t]
      responses:
        "200":
          description: ""
          content: {application/json: {schema: {anyOf: [{type: array, items: {$ref: Thing}}, {type: "null"}]}}}
  /open:
    get:
      operationId: t_open
      tags: [t]
      security: [{}]
      responses: {"600": {description: ""}, "204": {description: ""}}
    put: {operationId: t_either_way, tags: [t], security: [{}, {key: []}], responses: {"204": {description: ""}}}
    post:
      operationId: t_anything
      tags: [t]
      responses: {"200": {description: "", content: {"*/*": {schema: {type: string}}}}}
    patch:
      operationId: t_listed_lines
      tags: [t]
      responses:
        "200": {description: "", content: {application/x-ndjson: {schema: {type: array, items: {$ref: Thing}}}}}
  /lines:
    get:
      operationId: t_lines
      tags: [t]
      responses: {"200": {description: "", content: {application/x-jsonl: {schema: {$ref: Thing}}}}}
  /kinds:
    get:
      operationId: t_text
      tags: [t]
      responses: {"200": {description: "", content: {text/csv: {schema: {type: string}}}}}
    put:
      operationId: t_binary
      tags: [t]
      responses: {"200": {description: "", content: {application/pdf: {schema: {type: string, format: binary}}}}}
    post:
      operationId: t_star
      tags: [t]
      responses: {"200": {description: "", content: {"*/*": {schema: {$ref: Thing}}}}}
    patch:
      operationId: t_several
      tags: [t]
      responses:
        "2XX":
          description: ""
          content:
            text/html: {}
            image/*: {}
            application/json: {schema: {type: array, items: {$ref: Thing}}}
    trace:
      operationId: t_both
      tags: [t]
      responses:
        "200":
          description: Either.
          content:
            application/json: {schema: {$ref: Thing}}
            text/plain: {schema: {$ref: Thing}}
            application/vnd.made+json: {schema: {$ref: Made}}
    delete:
      operationId: t_nothing
      tags: [t]
      responses: {"204": {description: ""}}
    head:
      operationId: t_unsaid
      tags: [t]
    options:
      operationId: t_only_default
      tags: [t]
      responses: {default: {description: "", content: {application/json: {schema: {$ref: Thing}}}}}
components:
  schemas:
    Thing: {type: object, properties: {name: {type: string}}}
    Made: {type: object, properties: {id: {type: string}}}
    Problem: {type: object, properties: {title: {type: string}}}
    Busy: {type: object, properties: {wait: {type: integer}}}
"""

    @pytest.mark.parametrize(
        ("status", "name"),
        [(200, "Thing"), (201, "Made"), (404, "Problem"), (529, "Busy"), (500, "Problem"), (204, "dict")],
    )
    def test_status_selects_the_response(self, api: Api, status: int, name: str) -> None:
        """The status code selects the response."""
        assert type(api.decode("t", "many", {}, status)).__name__ == name

    def test_result_is_a_union_of_successes(self, api: Api) -> None:
        """The result is the union of the successful responses."""
        assert "-> _request.Request[_models.Thing | _models.Made | None]:" in api.source("operations/t.py")

    def test_docstring_lists_errors(self, api: Api) -> None:
        """The docstring lists the documented errors."""
        doc = api.resources.T.many.__doc__
        assert "4XX: Refused." in doc
        assert "529: Too busy." in doc

    @pytest.mark.parametrize(
        ("operation", "kind"),
        [
            ("lines", "jsonl"),
            ("text", "text"),
            ("binary", "bytes"),
            ("star", "json"),
            ("several", "json"),
            ("nothing", "none"),
            ("unsaid", "none"),
            ("only_default", "json"),
        ],
    )
    def test_media_type_selects_the_kind(self, api: Api, operation: str, kind: str) -> None:
        """The media type selects how a response is read."""
        assert getattr(api.module("operations.t"), operation.upper()).success.kind == kind

    def test_text_beside_json(self, api: Api) -> None:
        """A text response stays a text beside JSON."""
        operation = api.module("operations.t").LOG
        assert [(each.kind, each.media_type) for each in operation.responses] == [
            ("json", "application/json"), ("text", "text/plain"),
        ]  # fmt: skip

    def test_plain_values_are_marked(self, api: Api) -> None:
        """Plain JSON values beside objects are marked."""
        operations = api.module("operations.t")
        assert operations.EITHER.success.plain
        assert operations.MAYBE.success.plain
        assert not operations.STAR.success.plain

    def test_empty_security_sends_nothing(self, api: Api) -> None:
        """An operation with an empty security sends no credentials."""
        operations = api.module("operations.t")
        assert (operations.OPEN.secured, operations.EITHER_WAY.secured) == (False, True)

    def test_string_of_any_media_type(self, api: Api) -> None:
        """A string of any media type is a text."""
        assert api.module("operations.t").ANYTHING.success.kind == "text"

    def test_list_of_lines_is_its_items(self, api: Api) -> None:
        """JSON Lines described as a list are its items."""
        assert type(api.decode("t", "listed_lines", {"name": "n"})).__name__ == "Thing"
        assert "def listed_lines() -> _request.Request[_models.Thing]:" in api.source("operations/t.py")

    def test_range_and_list_decode(self, api: Api) -> None:
        """A list in a range of status codes decodes."""
        assert api.decode("t", "several", [{"name": "n"}], 206)[0].name == "n"

    def test_json_is_preferred(self, api: Api) -> None:
        """JSON is asked for, and the media type that comes is decoded."""
        operation = api.module("operations.t").SEVERAL
        assert operation.success.media_type == "application/json"
        kinds = {
            came: operation.response(206, came).kind
            for came in ("text/html; charset=utf-8", "IMAGE/PNG", "application/json", "text/csv", None)
        }
        assert list(kinds.values()) == ["text", "bytes", "json", "json", "json"]
        assert "-> _request.Request[list[_models.Thing]]:" in api.source("operations/t.py")
        doc = " ".join(api.resources.T.several.__doc__.split())
        assert "With another `Accept` among `extra_headers` it comes as `text/html`, `image/*`." in doc

    def test_json_types_have_own_models(self, api: Api) -> None:
        """Each of several JSON types decodes to its model."""
        operation = api.module("operations.t").BOTH
        assert type(operation.decode(200, {}, "application/json")).__name__ == "Thing"
        assert type(operation.decode(200, {}, "application/vnd.made+json")).__name__ == "Made"

    def test_lines_are_streamed(self, api: Api) -> None:
        """JSON Lines are streamed."""
        assert "_client.LineStream[_models.Thing]" in api.source("resources/_t.py")
        assert "_client.AsyncLineStream[_models.Thing]" in api.source("resources/_t.py")


class TestMediaTypeParameters:
    document = """
paths:
  /shadow:
    get:
      operationId: t_shadow
      tags: [t]
      responses:
        "200":
          description: ""
          content:
            application/json: {}
            application/json; charset=utf-8: {schema: {$ref: Thing}}
    put:
      operationId: t_comma
      tags: [t]
      requestBody: {required: true, content: {"application/json, charset=utf-8": {schema: {$ref: Thing}}}}
      responses:
        "200": {description: "", content: {"application/json, charset=utf-8": {schema: {$ref: Thing}}}}
    post:
      operationId: t_several
      tags: [t]
      responses:
        "200": {description: "", content: {"application/json, application/pdf": {schema: {$ref: Thing}}}}
    patch:
      operationId: t_exact
      tags: [t]
      responses:
        "200":
          description: ""
          content:
            "*/*": {schema: {$ref: Other}}
            application/json; odata=minimal: {schema: {$ref: Thing}}
            application/json; odata=full: {schema: {$ref: Full}}
components:
  schemas:
    Thing: {type: object, properties: {name: {type: string}}}
    Other: {type: object, properties: {name: {type: string}}}
    Full: {type: object, properties: {name: {type: string}, more: {type: string}}}
"""

    def test_schema_wins_over_none(self, api: Api) -> None:
        """A media type with a schema wins over the same one without."""
        operation = api.module("operations.t").SHADOW
        assert [each.media_type for each in operation.responses] == ["application/json; charset=utf-8"]
        assert type(operation.decode(200, {"name": "n"}, "application/json")).__name__ == "Thing"

    def test_comma_before_a_parameter(self, api: Api) -> None:
        """A comma before a parameter is read as a semicolon, with a note."""
        assert type(api.decode("t", "comma", {"name": "n"})).__name__ == "Thing"
        assert "'application/json, charset=utf-8' is read as application/json; charset=utf-8" in api.notes
        body = api.module("operations.t").comma(name="n").body
        assert (body.kind, body.media_type) == ("json", "application/json; charset=utf-8")

    def test_several_media_types_in_one_key(self, api: Api) -> None:
        """A list of media types in one key is read as each of them, with a note."""
        kinds = {each.media_type: each.kind for each in api.module("operations.t").SEVERAL.responses}
        assert kinds == {"application/json": "json", "application/pdf": "bytes"}
        assert (
            "'application/json, application/pdf' is read as application/json and application/pdf" in api.notes
        )

    @pytest.mark.parametrize(
        ("came", "name"),
        [
            ("application/json;odata=full", "Full"),
            ("application/json; odata=minimal", "Thing"),
            ("application/json", "Thing"),
            ("application/problem+json", "Other"),
        ],
    )
    def test_closest_match_wins(self, api: Api, came: str, name: str) -> None:
        """The exact media type wins over one with other parameters, and that over a range."""
        assert type(api.decode_as("t", "exact", {}, came)).__name__ == name


class TestNoSecurity:
    document = """
paths:
  /a: {get: {operationId: t_get, tags: [t], responses: {"204": {description: ""}}}}
"""

    def test_credentials_are_sent_with_a_note(self, api: Api) -> None:
        """Without any `security` in the document, credentials are sent, with a note."""
        assert api.module("operations.t").GET.secured
        assert "has no `security`; every operation sends the client's credentials" in api.notes

    def test_option_turns_them_off(self, tmp_path: Path) -> None:
        """`--no-credentials` follows the letter of OpenAPI, and is part of the header of each file."""
        with generated(complete(self.document), tmp_path, "--no-credentials") as api:
            assert not api.module("operations.t").GET.secured
            assert "security" not in api.notes
            assert "--no-credentials`" in api.source("operations/t.py")
