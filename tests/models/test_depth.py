"""Models read and write JSON as deep as the parser accepts."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from claude_batches_api.model import Model
from claude_batches_api.models import ToolUseBlock, Unknown
from claude_batches_api.plain import json_text
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire import any_json

#: orjson parses 1024 levels; the block itself is one of them.
DEEPEST = 1023


def nested(depth: int, inner: Any, indent: int | None = None) -> str:
    """Wrap a value in objects and lists, in the format of `json.dumps`."""

    def line(level: int) -> str:
        return "" if indent is None else "\n" + " " * (indent * level)

    name, separators = ('"a":', (",", ":")) if indent is None else ('"a": ', None)
    text = json.dumps(inner, ensure_ascii=False, indent=indent, separators=separators)
    opening = "".join(
        ("{" if each % 2 else "[") + line(each + 1) + name * (each % 2) for each in range(depth)
    )
    closing = "".join(line(each) + ("}" if each % 2 else "]") for each in reversed(range(depth)))
    return opening + text.replace("\n", line(depth)) + closing


def unwrapped(value: Any, depth: int) -> Any:
    for level in range(depth):
        value = value["a"] if level % 2 else value[0]
    return value


def block_of(text: str) -> tuple[str, Model]:
    wire = f'{{"type":"tool_use","id":"t","name":"n","input":{text}}}'
    return wire, ToolUseBlock.from_dict(orjson.loads(wire))


@pytest.mark.parametrize("depth", [400, 500, DEEPEST])
def test_the_deepest_json_comes_out(depth: int) -> None:
    """`to_dict` copies all levels, and the texts are those of the JSON that came."""
    text, block = block_of(nested(depth, "end"))
    copy = block.to_dict()
    inside = unwrapped(copy["input"], depth - 1)
    assert inside in (["end"], {"a": "end"})
    inside.clear()
    assert unwrapped(block.to_dict()["input"], depth) == "end"
    assert block.to_json(indent=None) == block.model_dump_json(exclude_unset=True) == text
    assert unwrapped(orjson.loads(block.to_json())["input"], depth) == "end"
    assert unwrapped(block.model_dump()["input"], depth) == "end"
    assert unwrapped(Unknown("new", {"x": orjson.loads(nested(DEEPEST, 1))}).to_dict()["x"], DEEPEST) == 1


def test_one_more_level_is_refused_by_the_parser() -> None:
    """The test above reaches the limit of the parser."""
    with pytest.raises(orjson.JSONDecodeError, match="depth"):
        block_of(nested(DEEPEST + 1, "end"))


@settings(deadline=None, max_examples=50)
@given(value=any_json(), indent=st.sampled_from([None, 0, 2]), depth=st.sampled_from([3, 1000]))
def test_deep_text_has_the_usual_format(value: Any, indent: int | None, depth: int) -> None:
    """A text that is too deep for `json.dumps` is written as `json.dumps` would."""
    assert json_text(orjson.loads(nested(depth, value)), indent=indent) == nested(depth, value, indent)
