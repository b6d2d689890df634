"""One results file, read by the official SDK and by us: every field of every line has the same value."""

from __future__ import annotations

from typing import Any

import httpx2
import orjson
import pytest
from anthropic._decoders.jsonl import JSONLDecoder
from anthropic._models import construct_type_unchecked
from anthropic.types.messages import MessageBatch as OfficialBatch
from anthropic.types.messages import MessageBatchIndividualResponse as OfficialResponse
from claude_batches_api.models import MessageBatchIndividualResponse
from claude_batches_api.operations.messages_batches import RESULTS, RETRIEVE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.values import differing
from tests.wire import schemas, wire

BLOCKS = sorted(schemas()["ContentBlock"]["discriminator"]["mapping"].values())


def read_officially(file: bytes) -> list[OfficialResponse]:
    """A results file as the official SDK reads it."""
    response = httpx2.Response(200)
    return list(JSONLDecoder(raw_iterator=iter([file]), line_type=OfficialResponse, http_response=response))


def read_by_us(file: bytes) -> list[MessageBatchIndividualResponse]:
    """The same file as we read it."""
    return [RESULTS.decode(200, orjson.loads(line)) for line in file.splitlines()]


def file_of(lines: list[dict[str, Any]]) -> bytes:
    """The bytes of a results file."""
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


def succeeded(block: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    """A line whose message holds one block."""
    return {"custom_id": "a", "result": {"type": "succeeded", "message": {**message, "content": [block]}}}


@pytest.mark.parametrize("block", BLOCKS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_each_content_block_reads_the_same(block: str, data: st.DataObject) -> None:
    """Every content block, with every combination of fields, has equal values in both readings."""
    line = succeeded(data.draw(wire(block.rpartition("/")[2])), data.draw(wire("Message")))
    file = file_of([line])
    assert not differing(read_by_us(file), read_officially(file))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(wire("MessageBatchIndividualResponse"), max_size=4))
def test_each_result_reads_the_same(lines: list[dict[str, Any]]) -> None:
    """Results of every outcome have equal values in both readings, and come in the same order."""
    file = file_of(lines)
    assert not differing(read_by_us(file), read_officially(file))


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=wire("MessageBatch"))
def test_a_batch_reads_the_same(sent: dict[str, Any]) -> None:
    """The batch object itself has equal values in both readings."""
    theirs = construct_type_unchecked(value=orjson.loads(orjson.dumps(sent)), type_=OfficialBatch)
    assert not differing(RETRIEVE.decode(200, sent), theirs)


def test_the_comparison_tells_a_difference() -> None:
    """One changed field, deep in a line, is found and named."""
    line = succeeded(
        {"type": "text", "text": "one", "citations": None}, {"id": "m", "usage": {"input_tokens": 1}}
    )
    other = succeeded(
        {"type": "text", "text": "two", "citations": None}, {"id": "m", "usage": {"input_tokens": 1}}
    )
    found = differing(read_by_us(file_of([line])), read_officially(file_of([other])))
    assert found == ["[0].result.message.content[0].text: 'one', and 'two'"]
