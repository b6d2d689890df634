"""Fields: null, constants, recursion, compositions and defaults."""

from __future__ import annotations

import copy
import pickle
import typing
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.generator.running import Api


class TestNullInBothStyles:
    document = """
openapi: 3.0.3
components:
  schemas:
    Owner: {type: object, nullable: true, properties: {name: {type: string}}}
    Pet:
      type: object
      properties:
        old: {type: string, nullable: true}
        new: {type: [string, "null"]}
        union: {anyOf: [{type: integer}, {type: "null"}]}
        kind: {type: string, enum: [cat, dog], nullable: true}
        owner: {$ref: Owner}
        friend: {nullable: true, allOf: [{$ref: Pet}]}
        home: {type: object, nullable: true, properties: {street: {type: string}}}
"""

    def test_null_is_a_value(self, api: Api) -> None:
        """`nullable` and the type `null` both add None."""
        source = api.source("models/_pet.py")
        assert "old: str | None = None" in source
        assert "new: str | None = None" in source
        assert "union: int | None = None" in source
        assert "kind: Literal['cat', 'dog'] | str | None = None" in source.replace('"', "'")

    def test_nullable_object_is_a_class(self, api: Api) -> None:
        """A nullable object decodes to its class, and null to None."""
        pet = api.models.Pet.from_dict(
            {"owner": {"name": "Ann"}, "friend": {"old": "x"}, "home": {"street": "High Street"}}
        )
        assert pet.owner.name == "Ann"
        assert pet.friend.old == "x"
        assert pet.home.street == "High Street"
        wire = {"owner": None, "friend": None, "home": None}
        assert api.models.Pet.from_dict(wire).to_dict() == wire


class TestConstantsAndEnums:
    document = """
components:
  schemas:
    Model: {anyOf: [{const: a-1, description: First.}, {const: b-2}, {type: string}]}
    Closed: {oneOf: [{const: x}, {const: y}]}
    Number: {type: integer, enum: [1, 2, -3]}
    Ratio: {enum: [0.5, 1]}
    Mixed: {enum: [1, true, "1", null]}
    Odd: {enum: ["", " ", "a b", "1st", class, "ünï", "it's", 'say "x"', "back\\\\slash", "new\\nline"]}
    Clash: {enum: [a-b, a_b, A_B, aB]}
    Nothing: {enum: []}
    Weird: {enum: [{a: 1}, [2]]}
    Thing:
      type: object
      properties:
        model: {$ref: Model}
        number: {$ref: Number}
        odd: {$ref: Odd}
        mixed: {$ref: Mixed}
        fixed: {const: 7}
        nothing: {const: null}
"""

    def test_enum_values_are_kept(self, api: Api) -> None:
        """Known and unknown values of an enum decode to themselves."""
        values = typing.get_args(api.models.Odd)[0]
        assert typing.get_args(values) == (
            "", " ", "a b", "1st", "class", "ünï", "it's", 'say "x"', "back\\slash", "new\nline",
        )  # fmt: skip
        thing = api.models.Thing.from_dict({"model": "c-3", "number": 99, "odd": "even", "mixed": True})
        assert (thing.model, thing.number, thing.odd, thing.mixed) == ("c-3", 99, "even", True)

    def test_union_of_constants_is_an_enum(self, api: Api) -> None:
        """A union of constants is typed as their literal."""
        assert "Literal['a-1', 'b-2'] | str" in api.source("models/_model.py").replace('"', "'")
        assert "Literal['x', 'y'] | str" in api.source("models/_closed.py").replace('"', "'")

    def test_constants_keep_their_types(self, api: Api) -> None:
        """Numbers, flags and null keep their types in an enum."""
        assert "Literal[1, 2, -3] | int" in api.source("models/_number.py")
        assert "Literal[1] | float" in api.source("models/_ratio.py")
        assert "Literal[1, True, '1']" in api.source("models/_mixed.py").replace('"', "'")
        assert "fixed: Literal[7] | None" in api.source("models/_thing.py")

    def test_values_may_differ_in_case_alone(self, api: Api) -> None:
        """Values that make one Python name are all kept."""
        assert typing.get_args(typing.get_args(api.models.Clash)[0]) == ("a-b", "a_b", "A_B", "aB")

    def test_object_constants_are_any(self, api: Api) -> None:
        """Constants that are objects or lists are typed as Any, with a note."""
        assert "Weird: TypeAlias = Any" in api.source("models/_weird.py")
        assert "note: has constants that are neither texts" in api.notes
        assert "#/components/schemas/Weird" in api.notes


class TestEmptyEnum:
    document = """
paths:
  /pets:
    get:
      operationId: t_list
      tags: [t]
      parameters:
        - {name: state, in: query, schema: {type: string, enum: [], allOf: [{$ref: State}]}}
      responses: {"200": {description: It., content: {application/json: {schema: {$ref: Pet}}}}}
components:
  schemas:
    State: {type: string, enum: [open, closed]}
    Pet: {type: object, properties: {state: {enum: [], allOf: [{$ref: State}]}, name: {type: string, enum: []}}}
"""

    def test_the_rest_is_the_type(self, api: Api) -> None:
        """An enum without values beside `allOf` or a type is left out with a note."""
        assert "state: _params.StateParam | None" in api.source("resources/_t.py")
        assert "state: State | None" in api.source("models/_pet.py")
        assert "name: str | None" in api.source("models/_pet.py")
        assert api.notes.count("has an enum without values; left out") == 3


class TestConstantsBesideReferences:
    document = """
components:
  schemas:
    Kind: {type: integer, enum: [1, 2, 3]}
    Cat: {type: object, required: [kind], properties: {kind: {$ref: Kind, enum: [1]}}}
    Dog: {type: object, required: [kind], properties: {kind: {$ref: Kind, const: 2}}}
    Owl: {type: object, required: [kind], properties: {kind: {type: integer, allOf: [{$ref: Kind}], enum: [3]}}}
    Home: {type: object, properties: {pet: {oneOf: [{$ref: Cat}, {$ref: Dog}, {$ref: Owl}]}}}
"""

    @pytest.mark.parametrize(("kind", "name"), [(1, "Cat"), (2, "Dog"), (3, "Owl"), (4, "Unknown")])
    def test_constants_select_the_member(self, api: Api, kind: int, name: str) -> None:
        """A constant beside a reference narrows it, and selects the member of a union."""
        assert type(api.models.Home.from_dict({"pet": {"kind": kind}}).pet).__name__ == name

    def test_one_value_is_a_literal(self, api: Api) -> None:
        """The narrowed type is a plain literal, without a name of its own."""
        assert "kind: Literal[2]" in api.source("models/_dog.py")
        assert "kind: Literal[3]" in api.source("models/_owl.py")


class TestRecursion:
    document = """
components:
  schemas:
    Tree: {type: object, required: [children], properties: {children: {type: array, items: {$ref: Tree}}}}
    Json:
      anyOf:
        - {type: [string, number, boolean, "null"]}
        - {type: array, items: {$ref: Json}}
        - {type: object, additionalProperties: {$ref: Json}}
    Deep:
      anyOf:
        - {$ref: Tree}
        - {type: array, items: {$ref: Deep}}
    Ping: {type: array, items: {$ref: Pong}}
    Pong: {anyOf: [{type: string, format: date}, {$ref: Ping}]}
    Holder:
      type: object
      properties:
        json: {$ref: Json}
        deep: {$ref: Deep}
        ping: {$ref: Ping}
paths:
  /holders:
    post:
      operationId: holders_create
      tags: [holders]
      requestBody: {required: true, content: {application/json: {schema: {$ref: Holder}}}}
      responses: {"200": {description: "", content: {application/json: {schema: {$ref: Holder}}}}}
"""

    def test_trees_decode_at_any_depth(self, api: Api) -> None:
        """A recursive schema decodes at every depth."""
        wire = {"children": [{"children": [{"children": []}]}, {"children": []}]}
        tree = api.models.Tree.from_dict(wire)
        assert isinstance(tree.children[0].children[0], api.models.Tree)
        assert tree.to_dict() == wire

    def test_recursive_alias_decodes(self, api: Api) -> None:
        """An alias that refers to itself decodes the models inside it."""
        wire = {
            "json": {"a": [1, None, {"b": "c"}]},
            "deep": [[{"children": []}]],
            "ping": [["2026-11-21"], "x"],
        }
        holder = api.models.Holder.from_dict(wire)
        assert holder.json == wire["json"]
        assert isinstance(holder.deep[0][0], api.models.Tree)
        assert holder.ping == [[date(2026, 11, 21)], "x"]
        assert holder.to_dict() == wire


class TestComposition:
    document = """
components:
  schemas:
    Named:
      type: object
      required: [name]
      properties: {name: {type: string, description: Its.}, size: {type: integer}}
    Aged: {type: object, properties: {age: {type: integer}}}
    Both: {allOf: [{$ref: Named}, {$ref: Aged}]}
    Narrowed:
      description: Overridden.
      allOf:
        - {$ref: Both}
        - {type: object, required: [age], properties: {size: {type: string}, name: {description: Another description.}}}
      properties: {own: {type: boolean}}
    Holder:
      type: object
      properties:
        only: {allOf: [{$ref: Aged}], description: Words about it.}
        words: {allOf: [{$ref: Aged}, {description: Words}, {default: {age: 3}}]}
        inline: {allOf: [{$ref: Aged}, {properties: {more: {type: string}}}]}
        node: {$ref: Node}
    Node:
      type: object
      properties:
        next: {allOf: [{$ref: Node}, {properties: {note: {type: string}}}]}
    Limited:
      type: object
      properties: {a: {type: string}, b: {type: string}}
      anyOf: [{required: [a]}, {required: [b]}]
    Event:
      type: object
      required: [id]
      properties: {id: {type: string}}
      oneOf:
        - {properties: {kind: {const: start}, at: {type: integer}}}
        - {$ref: Stop}
    Stop: {type: object, properties: {kind: {const: stop}, why: {type: string}}}
"""

    def test_composition_has_all_fields(self, api: Api) -> None:
        """`allOf` has the fields of all of its parts."""
        narrowed = api.models.Narrowed.from_dict({"name": "n", "age": 1, "size": "big", "own": True})
        assert (narrowed.name, narrowed.age, narrowed.size, narrowed.own) == ("n", 1, "big", True)

    def test_later_part_of_composition_wins(self, api: Api) -> None:
        """A later part of `allOf` overrides a field, but keeps its type if it gives none."""
        source = api.source("models/_narrowed.py")
        assert '    name: str\n    """Another description."""' in source
        assert "    age: int\n" in source
        assert "    size: str | None = None" in source

    def test_described_reference_stays_a_reference(self, api: Api) -> None:
        """`allOf` of one reference and a description stays that type."""
        source = api.source("models/_holder.py")
        assert "only: Aged | None = None" in source
        assert "words: Aged | None = None" in source

    def test_inline_composition_may_recurse(self, api: Api) -> None:
        """A composition described in place is a class, and may refer to itself."""
        holder = api.models.Holder.from_dict(
            {"inline": {"age": 1, "more": "m"}, "node": {"next": {"note": "x", "next": {"note": "y"}}}}
        )
        assert (holder.inline.age, holder.inline.more) == (1, "m")
        assert holder.node.next.next.note == "y"

    def test_union_of_limits_is_dropped(self, api: Api) -> None:
        """A union of limits does not change the type."""
        assert api.models.Limited.from_dict({"b": "x"}).b == "x"

    def test_fields_beside_a_union(self, api: Api) -> None:
        """Fields beside a union are in each of its members."""
        start, stop = (
            api.models.find("Event").resolve()(wire)
            for wire in ({"id": "1", "kind": "start", "at": 3}, {"id": "2", "kind": "stop", "why": "w"})
        )
        assert (start.id, start.at) == ("1", 3)
        assert (stop.id, stop.why) == ("2", "w")
        assert type(start) is not type(stop)


class TestDefaultsAndPlaces:
    document = """
components:
  schemas:
    Holder:
      type: object
      title: Same
      properties:
        shape: {type: object, default: {a: [1, "x"]}, properties: {a: {type: array, items: {}}}}
        list: {type: array, items: {type: string}, default: [a, b]}
        text: {type: string, default: "it's \\"quoted\\" \\\\ "}
        flag: {type: boolean, default: false, description: "A flag."}
        defined: {$ref: "#/components/schemas/Holder/$defs/Inner"}
        other: {$ref: "#/components/schemas/Holder/properties/shape"}
        answer: {$ref: "#/paths/~1x/get/responses/200/content/application~1json/schema"}
        parameter: {$ref: "#/components/parameters/P/schema"}
      $defs:
        Inner: {type: object, properties: {deep: {$ref: "#/components/schemas/Holder/$defs/Inner"}}}
    Other: {title: Same, type: object, properties: {x: {type: string, format: date-time}}}
  parameters:
    P: {name: p, in: query, schema: {type: object, properties: {q: {type: integer}}}}
paths:
  /x:
    get:
      parameters: [{$ref: "#/components/parameters/P"}]
      responses:
        "200":
          description: ""
          content: {application/json: {schema: {type: object, properties: {y: {type: string}}}}}
"""

    def test_default_is_in_the_description(self, api: Api) -> None:
        """The description of a field names its default."""
        source = api.source("models/_holder.py")
        assert 'Default: `{"a": [1, "x"]}`.' in source
        assert 'Default: `["a", "b"]`.' in source
        assert "A flag. Default: `false`." in source
        assert api.models.Holder.from_dict({}).flag is None

    def test_titles_do_not_name_classes(self, api: Api) -> None:
        """Two schemas with one title are two classes."""
        assert api.models.Holder is not api.models.Other

    def test_any_place_can_be_referred_to(self, api: Api) -> None:
        """A reference to a place inside a schema is a class."""
        wire = {
            "defined": {"deep": {"deep": {}}},
            "shape": {"a": [1]},
            "other": {"a": [2]},
            "answer": {"y": "z"},
        }
        holder = api.models.Holder.from_dict(wire)
        assert type(holder.defined.deep.deep).__name__ == "Inner"
        assert type(holder.shape) is type(holder.other)
        assert holder.answer.y == "z"
        assert holder.to_dict() == wire

    def test_instants_decode(self, api: Api) -> None:
        """A date-time decodes to a datetime."""
        other = api.models.Other.from_dict({"x": "2026-11-21T06:00:00Z"})
        assert other.x == datetime(2026, 11, 21, 6, tzinfo=UTC)


class TestMappingsAndAnything:
    document = """
components:
  schemas:
    Pet: {type: object, properties: {name: {type: string}}}
    Holder:
      type: object
      properties:
        free: {type: object}
        anything: {}
        yes: true
        typed: {type: object, additionalProperties: {$ref: Pet}}
        pattern: {type: object, patternProperties: {"^x-": {$ref: Pet}}}
        tuple: {type: array, prefixItems: [{type: string}, {type: integer}]}
        several: {type: [object, string], properties: {a: {type: string}}}
        implied: {items: {type: string}}
        required_flag: {type: string, required: true}
    Anything: true
    Empty: {}
    Closed: {type: object, additionalProperties: false, properties: {a: {type: string}}}
"""

    def test_mapping_values_decode(self, api: Api) -> None:
        """The values of `additionalProperties` decode."""
        wire = {
            "typed": {"a": {"name": "n"}},
            "pattern": {"x-a": {"name": "m"}},
            "free": {"b": [1]},
            "tuple": ["a", 1],
        }
        holder = api.models.Holder.from_dict(wire)
        assert holder.typed["a"].name == "n"
        assert holder.pattern["x-a"].name == "m"
        assert holder.to_dict() == wire

    def test_several_types_are_a_union(self, api: Api) -> None:
        """A list of types is a union."""
        assert api.models.Holder.from_dict({"several": "text"}).several == "text"
        assert api.models.Holder.from_dict({"several": {"a": "b"}}).several.a == "b"

    def test_unknown_fields_are_kept(self, api: Api) -> None:
        """An unknown field is kept despite `additionalProperties: false`."""
        assert api.models.Closed.from_dict({"a": "1", "new": 2}).to_dict() == {"a": "1", "new": 2}


class TestInstants:
    document = """
components:
  schemas:
    When: {type: string, format: date-time}
    Log:
      type: object
      properties:
        at: {$ref: When}
        times: {type: array, items: {$ref: When}}
        by_name: {type: object, additionalProperties: {type: string, format: date-time}}
        deep: {type: array, items: {type: array, items: {anyOf: [{$ref: When}, {type: "null"}]}}}
        either: {anyOf: [{type: string, format: date-time}, {type: array, items: {$ref: When}}]}
        days: {type: array, items: {type: string, format: date}}
"""

    EXACT = ("2026-11-21T00:00:00.5Z", "2026-11-21T00:00:00.123456789+00:00", "2026-11-21T00:00:00.000Z")

    def test_digits_are_kept_in_containers(self, api: Api) -> None:
        """Instants inside lists, mappings and unions keep every digit."""
        for text in self.EXACT:
            wire = {
                "at": text,
                "times": [text],
                "by_name": {"a": text},
                "deep": [[text, None]],
                "either": text,
            }
            log = api.models.Log.from_dict(wire)
            assert log.times[0] == log.at == log.by_name["a"] == log.deep[0][0] == log.either
            assert isinstance(log.times[0], datetime)
            assert log.to_dict() == wire
            assert copy.deepcopy(log).to_dict() == wire
            assert pickle.loads(pickle.dumps(log)).to_dict() == wire

    def test_changed_instants_are_written_anew(self, api: Api) -> None:
        """An instant computed from a received one has its own text."""
        log = api.models.Log.from_dict({"times": [self.EXACT[1]]})
        log.times = [log.times[0] + timedelta(hours=1), log.times[0].replace(microsecond=0)]
        assert log.to_dict() == {"times": ["2026-11-21T01:00:00.123456Z", "2026-11-21T00:00:00Z"]}

    @pytest.mark.parametrize(
        "text",
        [
            "2026-W47-5",
            "20261121T000000Z",
            "2026-11-21",
            "2026-11-21T00:00:00",
            "2026-11-21T00:00:00+0100",
            "x",
        ],
    )
    def test_other_formats_stay_texts(self, api: Api, text: str) -> None:
        """Texts that RFC 3339 does not allow are not instants."""
        log = api.models.Log.from_dict({"at": text, "times": [text]})
        assert log.at == text
        assert log.times == [text]

    @pytest.mark.parametrize(
        "text", ["2026-11-21t01:02:03z", "2026-11-21 01:02:03Z", "2026-11-21T00:02:03-01:00"]
    )
    def test_all_of_rfc_3339_is_read(self, api: Api, text: str) -> None:
        """Lower case, a space and offsets are read."""
        assert api.models.Log.from_dict({"at": text}).at == datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)

    @pytest.mark.parametrize("text", ["2026-W47-5", "20261121", "2026-11-21T00:00:00Z"])
    def test_other_dates_stay_texts(self, api: Api, text: str) -> None:
        """Other formats of a date stay texts."""
        assert api.models.Log.from_dict({"days": [text, "2026-11-21"]}).days == [text, date(2026, 11, 21)]
