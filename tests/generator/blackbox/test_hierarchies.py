"""Bases and their heirs, and compositions, as published documents write them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.generator.running import Api

ANSWER = """
paths:
  /one:
    get:
      operationId: t_one
      tags: [t]
      responses: {"200": {description: "", content: {application/json: {schema: {$ref: %s}}}}}
"""


def named(value: Any) -> str:
    return type(value).__name__


class TestABaseThatListsItsHeirs:
    """As .NET's documents have it: the base composes a union of those that are composed of it."""

    document = (
        ANSWER % "Pet"
        + """
components:
  schemas:
    Pet:
      type: object
      required: [type]
      properties: {type: {type: string}, name: {type: string}}
      oneOf: [{$ref: Cat}, {$ref: Dog}]
      discriminator: {propertyName: type, mapping: {cat: Cat, dog: Dog}}
    Cat: {allOf: [{$ref: Pet}, {type: object, properties: {meow: {type: boolean}}}]}
    Dog: {allOf: [{$ref: Pet}, {type: object, properties: {bark: {type: boolean}}}]}
"""
    )

    def test_listed_heirs_are_classes(self, api: Api) -> None:
        """Each heir in the base's union is a class with the fields of the base."""
        wire = {"type": "cat", "name": "n", "meow": True}
        cat = api.decode("t", "one", wire)
        assert (named(cat), cat.name, cat.meow, cat.to_dict()) == ("Cat", "n", True, wire)
        assert named(api.decode("t", "one", {"type": "dog"})) == "Dog"
        assert named(api.decode("t", "one", {"type": "cow"})) == "Unknown"


class TestSeveralLevels:
    document = (
        ANSWER % "Shape"
        + """
components:
  schemas:
    Shape:
      type: object
      properties: {kind: {type: string}}
      discriminator: {propertyName: kind, mapping: {poly: Polygon, square: Square}}
    Polygon: {allOf: [{$ref: Shape}, {type: object, properties: {sides: {type: integer}}}]}
    Square: {allOf: [{$ref: Polygon}, {type: object, properties: {width: {type: number}}}]}
    Entity:
      type: object
      required: [odata]
      properties: {odata: {type: string}, id: {type: string}}
      discriminator: {propertyName: odata, mapping: {"#e": Entity, "#d": Directory, "#u": User}}
    Directory:
      allOf:
        - {$ref: Entity}
        - type: object
          properties: {deleted: {type: boolean}}
          discriminator: {propertyName: odata, mapping: {"#d": Directory, "#u": User}}
    User: {allOf: [{$ref: Directory}, {type: object, properties: {mail: {type: string}}}]}
    Holder: {type: object, properties: {entity: {$ref: Entity}, directory: {$ref: Directory}}}
"""
    )

    def test_indirect_heirs_are_heirs(self, api: Api) -> None:
        """A schema composed of an heir is an heir too."""
        square = api.decode("t", "one", {"kind": "square", "sides": 4, "width": 1.5})
        assert (named(square), square.sides, square.width) == ("Square", 4, 1.5)
        assert named(api.decode("t", "one", {"kind": "poly"})) == "Polygon"

    def test_discriminator_in_a_part(self, api: Api) -> None:
        """A discriminator inside `allOf` applies to the whole."""
        user = {"odata": "#u", "id": "1", "mail": "m", "deleted": False}
        holder = api.models.Holder.from_dict({"entity": user, "directory": {**user}})
        assert (named(holder.entity), holder.entity.mail) == ("User", "m")
        assert (named(holder.directory), holder.directory.id) == ("User", "1")


class TestAUnionOfHeirs:
    """As springdoc writes it: the base has the discriminator, the response lists the heirs."""

    document = """
paths:
  /one:
    get:
      operationId: t_one
      tags: [t]
      responses:
        "200": {description: "", content: {application/json: {schema: {oneOf: [{$ref: Cat}, {$ref: Dog}]}}}}
components:
  schemas:
    Pet:
      type: object
      required: [petType]
      properties: {petType: {type: string}}
      discriminator: {propertyName: petType, mapping: {cat: Cat, dog: Dog}}
    Cat: {allOf: [{$ref: Pet}, {type: object, properties: {name: {type: string}}}]}
    Dog: {allOf: [{$ref: Pet}, {type: object, properties: {name: {type: string}}}]}
"""

    @pytest.mark.parametrize(("kind", "name"), [("cat", "Cat"), ("dog", "Dog"), ("cow", "Unknown")])
    def test_union_of_heirs_uses_the_base(self, api: Api, kind: str, name: str) -> None:
        """A union of some heirs uses the discriminator of the base."""
        assert named(api.decode("t", "one", {"petType": kind, "name": "n"})) == name


class TestCompositions:
    document = """
paths:
  /one:
    post:
      operationId: t_one
      tags: [t]
      requestBody: {required: true, content: {application/json: {schema: {$ref: Renamed}}}}
      responses: {"200": {description: "", content: {application/json: {schema: {$ref: Dog}}}}}
components:
  schemas:
    User: {type: object, properties: {id: {type: string}, name: {type: string}}}
    Renamed: {allOf: [{$ref: User}, {required: [name]}]}
    Whole: {allOf: [{$ref: User}], required: [id]}
    Pet: {type: object, required: [name], properties: {name: {type: string}}}
    Dog: {$ref: Pet, type: object, required: [bark], properties: {bark: {$ref: Pet}}}
    Owner: {type: object, required: [n], properties: {n: {type: string}}}
    Base:
      type: object
      properties:
        owner: {$ref: Owner}
        config: {type: object, properties: {sub: {type: object, properties: {a: {type: string}}}}}
    Ext:
      allOf:
        - {$ref: Base}
        - properties:
            owner: {type: object, properties: {extra: {type: string}}}
            config: {type: object, properties: {sub: {type: object, properties: {b: {type: string}}}}}
    Self: {oneOf: [{$ref: Pet}, {$ref: Self}, {$ref: Owner}]}
    Pair: {type: object, properties: {pair: {type: array, prefixItems: [{$ref: Owner}, {type: string}], items: false}}}
"""

    def test_required_alone_counts(self, api: Api) -> None:
        """A part with nothing but `required` is applied."""
        assert "name: str," in api.source("operations/t.py")
        assert api.models.Whole._fields.required == {"id"}

    def test_keywords_beside_a_reference(self, api: Api) -> None:
        """Keywords beside a reference are composed with it."""
        dog = api.decode("t", "one", {"name": "n", "bark": {"name": "b"}})
        assert (named(dog), dog.name, dog.bark.name) == ("Dog", "n", "b")
        assert api.models.Dog._fields.required == {"name", "bark"}

    def test_parts_merge_at_every_depth(self, api: Api) -> None:
        """A field of two parts has the fields of both, at every depth."""
        wire = {"owner": {"n": "1", "extra": "2"}, "config": {"sub": {"a": "3", "b": "4"}}}
        ext = api.models.Ext.from_dict(wire)
        found = (ext.owner.n, ext.owner.extra, ext.config.sub.a, ext.config.sub.b)
        assert found == ("1", "2", "3", "4")
        assert ext.to_dict() == wire

    def test_union_may_list_itself(self, api: Api) -> None:
        """A union that lists itself is equal to the union of its other members."""
        assert "Self: TypeAlias = Pet | Owner | _model.Unknown" in api.source("models/_self.py")

    def test_tuple_items_are_a_union(self, api: Api) -> None:
        """Each item of a tuple may be any of its items."""
        pair = api.models.Pair.from_dict({"pair": [{"n": "1"}, "text"]}).pair
        assert (pair[0].n, pair[1]) == ("1", "text")
        assert "describes its items by position" in api.notes


class TestConstantsBesideCompositions:
    """Constants that narrow a composition, as large published documents write them."""

    document = """
components:
  schemas:
    Kinds: {type: integer, oneOf: [{title: TEXT, const: 0}, {title: VOICE, const: 2}, {title: STAGE, const: 13}]}
    Words: {type: string, enum: [alpha, beta]}
    Text:
      type: object
      required: [type]
      properties:
        type: {type: integer, enum: [0], allOf: [{$ref: Kinds}], format: int32}
        name: {type: string}
    Voice:
      type: object
      required: [type]
      properties: {type: {allOf: [{$ref: Kinds}], const: 2}, name: {type: string}}
    Stage:
      type: object
      required: [type]
      properties: {type: {allOf: [{$ref: Kinds}, {enum: [13]}]}, name: {type: string}}
    Channel: {oneOf: [{$ref: Text}, {$ref: Voice}, {$ref: Stage}]}
    Both: {allOf: [{enum: [a, b, c]}, {enum: [b, c, d]}]}
    Base: {type: object, properties: {word: {$ref: Words}, other: {enum: [x, y]}}}
    Narrow:
      allOf:
        - {$ref: Base}
        - type: object
          properties: {word: {type: string}, other: {type: string, description: Another.}}
    Holder:
      type: object
      properties:
        channel: {$ref: Channel}
        typed: {allOf: [{$ref: Words}, {type: string}]}
        one: {type: string, enum: [only]}
        both: {$ref: Both}
        narrow: {$ref: Narrow}
"""

    @pytest.mark.parametrize(("kind", "name"), [(0, "Text"), (2, "Voice"), (13, "Stage"), (5, "Unknown")])
    def test_constant_beside_all_of_selects(self, api: Api, kind: int, name: str) -> None:
        """A constant or enum beside `allOf` distinguishes the members of a union."""
        channel = api.models.Holder.from_dict({"channel": {"type": kind, "name": "n"}}).channel
        assert type(channel).__name__ == name

    def test_enum_in_a_composition_is_kept(self, api: Api) -> None:
        """`allOf` of an enum and its type keeps the enum."""
        typed = api.source("models/_holder_typed.py").replace('"', "'")
        assert "Literal['alpha', 'beta'] | str" in typed
        source = api.source("models/_narrow.py").replace('"', "'")
        assert "word: Words | None" in source
        assert "other: Literal['x', 'y'] | str | None" in source
        assert '"""Another."""' in api.source("models/_narrow.py")

    def test_two_enums_have_common_values(self, api: Api) -> None:
        """`allOf` of two enums takes the values of both."""
        assert "Literal['b', 'c'] | str" in api.source("models/_both.py").replace('"', "'")

    def test_enum_of_one_value_is_a_literal(self, api: Api) -> None:
        """An enum of one value is a plain literal, as a constant is."""
        assert "one: Literal['only'] | None" in api.source("models/_holder.py").replace('"', "'")
        assert "type: Literal[0]\n" in api.source("models/_text.py")
