"""Unions: members are distinguished by a tag, by constants, by keys, or by the kind of JSON."""

from __future__ import annotations

from datetime import date

import pytest

from tests.generator.running import Api

PETS = """
    Cat: {type: object, required: [kind], properties: {kind: {type: string}, claws: {type: integer}}}
    Dog: {type: object, required: [kind], properties: {kind: {type: string}, barks: {type: boolean}}}
"""


def name_of(value: object) -> str:
    return type(value).__name__


class TestDiscriminators:
    document = (
        """
components:
  schemas:"""
        + PETS
        + """
    Mapped:
      oneOf: [{$ref: Cat}, {$ref: Dog}]
      discriminator:
        propertyName: kind
        mapping: {feline: "#/components/schemas/Cat", canine: Dog}
    Unmapped:
      oneOf: [{$ref: Cat}, {$ref: Dog}]
      discriminator: {propertyName: kind}
    Nullable:
      anyOf:
        - oneOf: [{$ref: Cat}, {$ref: Dog}]
          discriminator: {propertyName: kind, mapping: {c: "#/components/schemas/Cat", d: "#/components/schemas/Dog"}}
        - {type: "null"}
    Nested: {oneOf: [{$ref: Constant}, {$ref: Fish}]}
    Constant: {oneOf: [{$ref: Bird}, {$ref: Bee}]}
    Bird: {type: object, properties: {type: {const: bird}}}
    Bee: {type: object, properties: {type: {enum: [bee, bumblebee]}}}
    Fish: {type: object, properties: {type: {const: fish}}}
    Twice:
      oneOf: [{$ref: Fish}, {$ref: Shark}]
      discriminator: {propertyName: type}
    Shark: {type: object, required: [teeth], properties: {type: {const: fish}, teeth: {type: integer}}}
    Holder:
      type: object
      properties:
        mapped: {$ref: Mapped}
        unmapped: {$ref: Unmapped}
        nullable: {$ref: Nullable}
        nested: {$ref: Nested}
        many: {type: array, items: {$ref: Nested}}
        twice: {$ref: Twice}
"""
    )

    @pytest.mark.parametrize(
        ("field", "tag", "name"),
        [
            ("mapped", {"kind": "feline"}, "Cat"),
            ("mapped", {"kind": "canine"}, "Dog"),
            ("unmapped", {"kind": "Cat"}, "Cat"),
            ("unmapped", {"kind": "Dog"}, "Dog"),
            ("nested", {"type": "bird"}, "Bird"),
            ("nested", {"type": "bumblebee"}, "Bee"),
            ("nested", {"type": "fish"}, "Fish"),
            ("twice", {"type": "fish"}, "Fish"),
            ("twice", {"type": "fish", "teeth": 3}, "Shark"),
            ("mapped", {"kind": "new"}, "Unknown"),
            ("mapped", {}, "Unknown"),
            ("mapped", {"kind": 3}, "Unknown"),
            ("nested", {"type": "dragon"}, "Unknown"),
        ],
    )
    def test_tag_selects_the_member(self, api: Api, field: str, tag: dict[str, object], name: str) -> None:
        """The tag selects the member of a union."""
        holder = api.models.Holder.from_dict({field: tag})
        assert name_of(getattr(holder, field)) == name
        assert holder.to_dict() == {field: tag}

    def test_nullable_union(self, api: Api) -> None:
        """A nullable union decodes null and its members."""
        assert api.models.Holder.from_dict({"nullable": None}).nullable is None
        assert name_of(api.models.Holder.from_dict({"nullable": {"kind": "c", "claws": 1}}).nullable) in (
            "Cat",
            "Unknown",
        )

    def test_items_of_a_list_decode(self, api: Api) -> None:
        """Each item of a list of a union decodes on its own."""
        holder = api.models.Holder.from_dict({"many": [{"type": "fish"}, {"type": "bee"}, {"type": "?"}]})
        assert [name_of(each) for each in holder.many] == ["Fish", "Bee", "Unknown"]


class TestInheritance:
    document = """
openapi: 3.0.3
components:
  schemas:
    Pet:
      description: Any pet.
      type: object
      required: [petType]
      properties: {petType: {type: string}, name: {type: string}}
      discriminator: {propertyName: petType, mapping: {kitty: "#/components/schemas/Cat"}}
    Cat: {allOf: [{$ref: Pet}, {type: object, properties: {claws: {type: integer}}}]}
    Dog: {allOf: [{$ref: Pet}, {type: object, properties: {barks: {type: boolean}}}]}
    Shape:
      type: object
      properties: {kind: {type: string}}
      discriminator: {propertyName: kind}
    Circle: {allOf: [{$ref: Shape}, {properties: {radius: {type: number}}}]}
    House: {type: object, properties: {pets: {type: array, items: {$ref: Pet}}, shape: {$ref: Shape}}}
"""

    def test_base_decodes_as_its_heirs(self, api: Api) -> None:
        """A base decodes as the heir of the tag."""
        house = api.models.House.from_dict(
            {
                "pets": [
                    {"petType": "kitty", "name": "T", "claws": 4},
                    {"petType": "Dog", "barks": True},
                    {"petType": "x"},
                ]
            }
        )
        assert [name_of(pet) for pet in house.pets] == ["Cat", "Dog", "Unknown"]
        assert (house.pets[0].name, house.pets[0].claws) == ("T", 4)

    def test_base_can_be_itself(self, api: Api) -> None:
        """A base decodes as itself under its own name."""
        circle = api.models.House.from_dict({"shape": {"kind": "Circle", "radius": 1.5}}).shape
        assert (name_of(circle), circle.radius) == ("Circle", 1.5)
        assert name_of(api.models.House.from_dict({"shape": {"kind": "Shape"}}).shape) == "ShapeBase"


class TestShapes:
    document = """
components:
  schemas:
    Point: {type: object, required: [x, y], properties: {x: {type: number}, y: {type: number}}}
    Point3: {type: object, required: [x, y, z], properties: {x: {type: number}, y: {type: number}, z: {type: number}}}
    Named: {type: object, required: [name], properties: {name: {type: string}, note: {type: string}}}
    Fixed: {type: object, properties: {name: {const: fixed}, note: {type: string}}}
    Holder:
      type: object
      properties:
        point: {anyOf: [{$ref: Point}, {$ref: Point3}, {$ref: Named}]}
        constant: {anyOf: [{$ref: Fixed}, {$ref: Named}]}
        open: {anyOf: [{$ref: Point}, {type: object}]}
        values: {anyOf: [{$ref: Point}, {type: object, additionalProperties: {$ref: Named}}]}
        kinds: {anyOf: [{type: string}, {$ref: Point}, {type: array, items: {$ref: Named}}]}
        lists: {anyOf: [{type: array, items: {$ref: Point}}, {type: array, items: {$ref: Named}}]}
        day: {anyOf: [{type: string, format: date}, {type: integer}]}
        text: {anyOf: [{type: string, format: date}, {type: string}]}
"""

    @pytest.mark.parametrize(
        ("field", "wire", "name"),
        [
            ("point", {"x": 1, "y": 2}, "Point"),
            ("point", {"x": 1, "y": 2, "z": 3}, "Point3"),
            ("point", {"name": "n", "other": 1}, "Named"),
            ("point", {"other": 1}, "Unknown"),
            ("constant", {"name": "fixed", "note": "x"}, "Fixed"),
            ("constant", {"name": "free", "note": "x"}, "Named"),
            ("open", {"x": 1, "y": 2}, "Point"),
            ("open", {"a": 1}, "dict"),
            ("kinds", "text", "str"),
            ("kinds", {"x": 1, "y": 2}, "Point"),
            ("kinds", [{"name": "n"}], "list"),
            ("day", "2026-11-21", "date"),
            ("day", 3, "int"),
            ("text", "2026-11-21", "str"),
        ],
    )
    def test_shape_selects_the_member(self, api: Api, field: str, wire: object, name: str) -> None:
        """Keys and constants select the member of a union without a tag."""
        holder = api.models.Holder.from_dict({field: wire})
        assert name_of(getattr(holder, field)) == name
        assert holder.to_dict() == {field: wire}

    def test_contents_decode(self, api: Api) -> None:
        """Lists and mappings inside a union decode."""
        holder = api.models.Holder.from_dict(
            {
                "kinds": [{"name": "n"}],
                "lists": [{"x": 1, "y": 2}, {"name": "n"}],
                "values": {"a": {"name": "n"}},
            }
        )
        assert holder.kinds[0].name == "n"
        assert [name_of(each) for each in holder.lists] == ["Point", "Named"]
        assert holder.values["a"].name == "n"

    def test_days_decode(self, api: Api) -> None:
        """A date decodes to a date."""
        assert api.models.Holder.from_dict({"day": "2026-11-21"}).day == date(2026, 11, 21)


class TestInlineMembers:
    document = """
components:
  schemas:
    Source:
      oneOf:
        - {type: object, required: [type], properties: {type: {const: url}, url: {type: string}}}
        - {type: object, required: [type], properties: {type: {const: base64}, data: {type: string}}}
    Maybe: {anyOf: [{type: object, properties: {a: {type: string}}}, {type: "null"}]}
"""

    def test_inline_member_is_named_by_constant(self, api: Api) -> None:
        """An inline member is named after its constant."""
        decode = api.models.find("Source").resolve()
        assert name_of(decode({"type": "url", "url": "u"})) == "SourceUrl"
        assert name_of(decode({"type": "base64"})) == "SourceBase64"

    def test_lone_member_is_a_value(self, api: Api) -> None:
        """The only object of a union is named `...Value`."""
        assert name_of(api.models.find("Maybe").resolve()({"a": "b"})) == "MaybeValue"


class TestSeveralDistinctions:
    document = """
components:
  schemas:
    Holder:
      type: object
      properties:
        item: {oneOf: [{$ref: Item}, {$ref: Reference}]}
        two: {anyOf: [{$ref: ByType}, {$ref: ByKind}]}
        role: {oneOf: [{$ref: UserTurn}, {$ref: SystemTurn}, {$ref: Tool}], discriminator: {propertyName: type}}
        ok: {oneOf: [{$ref: Ok}, {$ref: Failed}]}
        version: {oneOf: [{$ref: V1}, {$ref: V2}], discriminator: {propertyName: version}}
        named: {oneOf: [{$ref: Lion}, {$ref: Tiger}], discriminator: {propertyName: type}}
        wrapped:
          oneOf: [{$ref: CatAlias}, {$ref: B}]
          discriminator: {propertyName: type, mapping: {cat: CatAlias, b: B}}
        optional: {oneOf: [{$ref: OptA}, {$ref: OptB}]}
        filters: {$ref: Filters}
        paths: {$ref: Paths}
    Item: {oneOf: [{$ref: Msg}, {$ref: Call}], discriminator: {propertyName: type, mapping: {message: Msg, call: Call}}}
    Msg: {type: object, properties: {type: {const: message}, text: {type: string}}, required: [text]}
    Call: {type: object, properties: {type: {const: call}}, required: [type]}
    Reference:
      type: object
      required: [id]
      properties: {id: {type: string}, type: {anyOf: [{enum: [reference]}, {type: "null"}]}}
    ByType: {oneOf: [{$ref: A}, {$ref: B}], discriminator: {propertyName: type, mapping: {a: A, b: B}}}
    ByKind: {oneOf: [{$ref: C}, {$ref: D}], discriminator: {propertyName: kind, mapping: {c: C, d: D}}}
    A: {type: object, required: [type], properties: {type: {type: string}}}
    B: {type: object, required: [type], properties: {type: {type: string}}}
    C: {type: object, required: [kind], properties: {kind: {type: string}}}
    D: {type: object, required: [kind], properties: {kind: {type: string}}}
    UserTurn: {type: object, required: [type, role], properties: {type: {const: message}, role: {const: user}}}
    SystemTurn:
      {type: object, required: [type, role], properties: {type: {const: message}, role: {enum: [system, developer]}}}
    Tool: {type: object, required: [type], properties: {type: {const: tool}}}
    Ok: {type: object, required: [ok], properties: {ok: {const: true}, error: {type: string}}}
    Failed: {type: object, required: [ok], properties: {ok: {const: false}, error: {type: string}}}
    V1: {type: object, properties: {version: {const: 1}}}
    V2: {type: object, properties: {version: {const: 2}}}
    Kind: {enum: [Lion, Tiger]}
    Lion: {type: object, required: [type], properties: {type: {$ref: Kind}}}
    Tiger: {type: object, required: [type], properties: {type: {$ref: Kind}}}
    CatAlias: {allOf: [{$ref: A}]}
    OptA: {type: object, required: [x], properties: {x: {type: string}, object: {enum: [a]}}}
    OptB: {type: object, required: [y], properties: {y: {type: string}, object: {enum: [b]}}}
    Filter: {type: object, properties: {f: {type: string}}}
    Filters: {type: array, items: {anyOf: [{$ref: Filter}, {$ref: Filters}]}}
    Paths: {type: object, additionalProperties: {oneOf: [{type: string}, {$ref: Filter}, {$ref: Paths}]}}
"""

    @pytest.mark.parametrize(
        ("field", "wire", "name"),
        [
            ("item", {"type": "message", "text": "t"}, "Msg"),
            ("item", {"text": "t"}, "Msg"),
            ("item", {"id": "x"}, "Reference"),
            ("item", {"id": "x", "type": None}, "Reference"),
            ("item", {"id": "x", "type": "reference"}, "Reference"),
            ("item", {"type": "new", "id": "x"}, "Unknown"),
            ("two", {"type": "b"}, "B"),
            ("two", {"kind": "d"}, "D"),
            ("two", {"kind": "e"}, "Unknown"),
            ("role", {"type": "message", "role": "user"}, "UserTurn"),
            ("role", {"type": "message", "role": "developer"}, "SystemTurn"),
            ("role", {"type": "tool"}, "Tool"),
            ("ok", {"ok": True, "error": "e"}, "Ok"),
            ("ok", {"ok": False, "error": "e"}, "Failed"),
            ("ok", {"ok": 1}, "Unknown"),
            ("version", {"version": 2}, "V2"),
            ("named", {"type": "Tiger"}, "Tiger"),
            ("wrapped", {"type": "cat"}, "A"),
            ("optional", {"y": "1"}, "OptB"),
            ("optional", {"object": "b", "y": "1"}, "OptB"),
        ],
    )
    def test_tags_keys_and_constants_combine(
        self, api: Api, field: str, wire: dict[str, object], name: str
    ) -> None:
        """Tags, keys and constants together select the member."""
        holder = api.models.Holder.from_dict({field: wire})
        assert type(getattr(holder, field)).__name__ == name
        assert holder.to_dict() == {field: wire}

    def test_recursive_lists_decode(self, api: Api) -> None:
        """Recursive lists and mappings decode."""
        wire = {
            "filters": [{"f": "1"}, [{"f": "2"}, [{"f": "3"}]]],
            "paths": {"a": "x", "b": {"c": {"d": "e"}}},
        }
        holder = api.models.Holder.from_dict(wire)
        assert holder.filters[1][1][0].f == "3"
        assert holder.to_dict() == wire


class TestOneMember:
    document = """
components:
  schemas:
    Card: {type: object, required: [kind], properties: {kind: {type: string}, digits: {type: string}}}
    Payment: {oneOf: [{$ref: Card}], discriminator: {propertyName: kind, mapping: {card: "#/components/schemas/Card"}}}
    Plain: {oneOf: [{$ref: Card}]}
    Holder:
      type: object
      properties:
        payment: {$ref: Payment}
        inline:
          nullable: true
          anyOf: [{$ref: Card}, {type: "null"}]
          discriminator: {propertyName: kind, mapping: {card: Card}}
        plain: {$ref: Plain}
"""

    @pytest.mark.parametrize("field", ["payment", "inline"])
    @pytest.mark.parametrize(("tag", "name"), [("card", "Card"), ("cash", "Unknown"), ("Card", "Unknown")])
    def test_other_tags_are_unknown(self, api: Api, field: str, tag: str, name: str) -> None:
        """A union of one member with a discriminator decodes other tags as Unknown."""
        holder = api.models.Holder.from_dict({field: {"kind": tag}})
        assert name_of(getattr(holder, field)) == name

    def test_unknown_is_in_the_annotation(self, api: Api) -> None:
        """The annotation of such a union includes Unknown."""
        assert "Card | _model.Unknown" in api.source("models/_payment.py")
        assert "inline: Card | _model.Unknown | None" in api.source("models/_holder.py")

    def test_without_a_discriminator_it_is_the_member(self, api: Api) -> None:
        """A union of one member without a discriminator is that member."""
        assert name_of(api.models.Holder.from_dict({"plain": {"kind": "x"}}).plain) == "Card"
