"""A decoder learns the sets of keys that it meets, and decodes the same before and after."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from claude_batches_api import models
from claude_batches_api.model import MAX_INLINED, MAX_SHAPES, Fields, Model, Unknown
from hypothesis import given
from hypothesis import strategies as st

from tests.models.test_round_trip import generous, read_all
from tests.wire import any_json, wire

SAMPLED = ("MessageBatchIndividualResponse", "Message", "Usage", "TextBlock", "MessageBatch")


def newly_made(model: type[Model]) -> Any:
    """Return a decoder that has learned nothing."""
    known = model._fields
    links = {known.names[position]: link for position, link in known.eager}
    slots = dict(zip(known.names, known.slots, strict=True))
    keys = dict(zip(known.names, known.keys, strict=True))
    optional = {name for name, key in keys.items() if key in known.optional}
    return Fields(model, slots, links, keys, optional).decoder()


@pytest.mark.parametrize("name", SAMPLED)
@generous
@given(data=st.data())
def test_learned_and_new(name: str, data: st.DataObject) -> None:
    """An object decodes alike at the first time, at the second, and after many others."""
    model = getattr(models, name)
    decode = newly_made(model)
    sent = data.draw(st.lists(wire(name) | any_json(), min_size=1, max_size=12))
    for value in [*sent, *sent]:
        once = newly_made(model)(copy.deepcopy(value))
        learned = decode(copy.deepcopy(value))
        assert type(learned) is type(once)
        assert read_all(learned) == read_all(once)
        if isinstance(learned, Model):
            assert learned.to_dict() == once.to_dict() == value
            assert learned.extra_fields == once.extra_fields


def test_values_of_the_same_length() -> None:
    """A string or a list with as many items as a known object has keys is returned unchanged."""
    decode = newly_made(models.TextBlock)
    block = {"type": "text", "text": "a", "citations": None}
    assert decode(block).text == decode(block).text == "a"
    for value in ("abc", ["type", "text", "citations"], (1, 2, 3), 3, None, True):
        assert decode(value) is value
    assert decode({"a": 1, "b": 2, "c": 3}).extra_fields == {"a": 1, "b": 2, "c": 3}


def test_more_shapes_than_are_kept() -> None:
    """An object decodes alike with each of more sets of keys than a decoder keeps."""
    decode = newly_made(models.Usage)
    for _ in range(2):
        for count in range(MAX_SHAPES + MAX_INLINED):
            extra = {f"new_{number}": number for number in range(count)}
            usage = decode({"input_tokens": count, **extra})
            assert usage.input_tokens == count
            assert usage.output_tokens is None
            assert usage.extra_fields == extra


def test_an_unknown_tag_after_known_ones() -> None:
    """A block that the spec does not list is `Unknown` in a list whose other blocks were learned."""
    text = {"type": "text", "text": "a", "citations": None}
    message = {"content": [text, text], "role": "assistant"}
    decode = newly_made(models.Message)
    for _ in range(3):
        assert [block.text for block in decode(message).content] == ["a", "a"]
    odd = decode({"content": [text, {"type": "hologram"}, 5, "text"], "role": "assistant"}).content
    assert [type(item) for item in odd] == [models.TextBlock, Unknown, int, str]
    for content in ("", {}, None, 5):
        assert decode({"content": content, "role": "assistant"}).content == content


def test_threads_that_learn_at_once() -> None:
    """Threads that decode new sets of keys at the same time get right objects."""
    keys = ("input_tokens", "output_tokens", "service_tier", "cache_read_input_tokens", "new", "newer")

    def decoded(decode: Any, start: int) -> bool:
        for number in range(start, start + 64):
            value = {key: number for bit, key in enumerate(keys) if number >> bit & 1}
            usage = decode(value)
            if usage.to_dict() != value or usage.output_tokens != value.get("output_tokens"):
                return False
        return True

    with ThreadPoolExecutor(8) as threads:
        for _ in range(20):
            decode = newly_made(models.Usage)
            assert all(threads.map(decoded, [decode] * 8, range(8)))
