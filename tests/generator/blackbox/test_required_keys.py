from __future__ import annotations

import typing

import pytest

from tests.generator.running import Api


class TestRequiredKeys:
    """Dicts that refer to themselves, to one another, to recursive aliases, and with keys that are not names."""

    document = """
paths:
  /t: {post: {operationId: t_post, tags: [t], responses: {"204": {description: none}}, requestBody: {required: true,
    content: {application/json: {schema: {$ref: Tree}}}}}}
components:
  schemas:
    Tree: {type: object, required: [name, peer], properties: {name: {type: string}, peer: {$ref: Peer},
      children: {type: array, items: {$ref: Tree}}, value: {$ref: Value}, odd: {$ref: Odd}}}
    Peer: {type: object, required: [tree], properties: {tree: {oneOf: [{$ref: Tree}, {type: "null"}]},
      note: {type: string}}}
    Value: {oneOf: [{type: string}, {type: array, items: {$ref: Value}}]}
    Odd: {type: object, required: [a b], properties: {a b: {type: string}, class: {$ref: Odd},
      list: {type: array, items: {type: string}}}}
"""

    @pytest.mark.parametrize(
        ("name", "required", "optional"),
        [
            ("Tree", {"name", "peer"}, {"children", "value", "odd"}),
            ("Peer", {"tree"}, {"note"}),
            ("Odd", {"a b"}, {"class", "list"}),
        ],
    )
    def test_required_keys_follow_the_schema(
        self, api: Api, name: str, required: set[str], optional: set[str]
    ) -> None:
        """A TypedDict requires the keys that its schema requires."""
        kind = getattr(api.params, name, None) or getattr(api.params, f"{name}Param")
        assert kind.__required_keys__ == required
        assert kind.__optional_keys__ == optional
        assert typing.get_type_hints(kind).keys() == required | optional
