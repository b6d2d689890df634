"""Methods that code for the official SDK calls give the same results here."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import anthropic.types.messages as official
import pytest
from claude_batches_api.models import Message, MessageBatch, TextBlock, Unknown

BATCH: dict[str, Any] = {
    "id": "msgbatch_013Zva2CMHLNnXjNJJKqJ2EF",
    "type": "message_batch",
    "processing_status": "in_progress",
    "request_counts": {"processing": 100, "succeeded": 50, "errored": 30, "canceled": 10, "expired": 10},
    "created_at": "2026-11-20T18:37:24.100435Z",
    "expires_at": "2026-11-21T18:37:24.100435Z",
    "ended_at": None,
    "results_url": "https://api.anthropic.com/v1/messages/batches/msgbatch_013Zva2CMHLNnXjNJJKqJ2EF/results",
    "tomorrow": {"a": [1]},
}


@pytest.fixture
def batch() -> MessageBatch:
    return MessageBatch.from_dict(copy.deepcopy(BATCH))


@pytest.fixture
def theirs() -> official.MessageBatch:
    return official.MessageBatch.construct(**copy.deepcopy(BATCH))


DUMPS: list[dict[str, Any]] = [
    {},
    {"mode": "json"},
    {"exclude_none": True},
    {"exclude_unset": True},
    {"exclude_defaults": True, "mode": "json"},
    {"include": ("id", "ended_at")},
    {"exclude": ("request_counts", "tomorrow")},
    {"by_alias": True},
]


@pytest.mark.parametrize("options", DUMPS, ids=str)
def test_model_dump_is_theirs(
    batch: MessageBatch, theirs: official.MessageBatch, options: dict[str, Any]
) -> None:
    """`model_dump` returns equal values; optional fields that did not come are null in both."""
    ours = batch.model_dump(**options)
    # The spec calls these required: they have no default to leave out.
    required = {"archived_at", "cancel_initiated_at", "ended_at", "results_url"}
    expected = theirs.model_dump(
        **{name: set(value) if isinstance(value, tuple) else value for name, value in options.items()}
    )
    if options.get("exclude_defaults"):
        ours = {key: value for key, value in ours.items() if key not in required or value is not None}
    assert ours == expected


def test_json_texts_are_theirs(batch: MessageBatch, theirs: official.MessageBatch) -> None:
    """`to_json` is indented and `model_dump_json` is not, with the same contents as in the official SDK."""
    assert json.loads(batch.to_json()) == json.loads(theirs.to_json())
    assert batch.to_json().splitlines()[:2] == theirs.to_json().splitlines()[:2]
    assert json.loads(batch.model_dump_json()) == json.loads(theirs.model_dump_json())
    assert "\n" not in batch.model_dump_json()
    assert batch.to_json(indent=None) == json.dumps(BATCH, separators=(",", ":"))


def test_to_dict_has_a_mode(batch: MessageBatch, theirs: official.MessageBatch) -> None:
    """`mode="python"` keeps instants, as the official default does; ours is JSON."""
    assert batch.to_dict(mode="python") == theirs.to_dict()
    assert batch.to_dict(mode="python")["created_at"] == datetime(2026, 11, 20, 18, 37, 24, 100435, UTC)
    assert batch.to_dict() == BATCH
    assert batch.to_dict(exclude_none=True) == {k: v for k, v in BATCH.items() if v is not None}


def test_iteration_and_names_are_theirs(batch: MessageBatch, theirs: official.MessageBatch) -> None:
    """`dict(model)`, `model_fields_set` and `model_extra` show the same names."""
    assert dict(batch).keys() == dict(theirs).keys()
    assert dict(batch)["request_counts"].succeeded == 50
    assert batch.model_fields_set == theirs.model_fields_set
    assert batch.model_extra == theirs.model_extra == {"tomorrow": {"a": [1]}}


def test_copies_are_independent(batch: MessageBatch) -> None:
    """`model_copy` changes the copy alone; a deep one shares no model inside it."""
    shallow = batch.model_copy(update={"id": "other", "next_week": 1})
    assert (shallow.id, shallow.extra_fields) == ("other", {"tomorrow": {"a": [1]}, "next_week": 1})
    assert (batch.id, batch.extra_fields) == (BATCH["id"], {"tomorrow": {"a": [1]}})
    deep = batch.model_copy(deep=True)
    deep.request_counts.succeeded = 7
    deep.extra_fields["tomorrow"]["a"].append(2)
    assert batch.to_dict() == BATCH


def test_models_are_made_by_their_names(batch: MessageBatch) -> None:
    """`model_validate` takes parsed JSON or a model, `model_construct` values by name."""
    assert MessageBatch.model_validate(copy.deepcopy(BATCH)) == batch
    assert MessageBatch.model_validate(batch) is batch
    with pytest.raises(TypeError, match="takes a dict"):
        MessageBatch.model_validate("{}")
    block = TextBlock.model_construct(type="text", text="Hi", new=1)
    assert (block.to_dict(), block.citations) == ({"type": "text", "text": "Hi", "new": 1}, None)
    message = Message.model_construct(content=[block])
    assert message.content == [block]
    assert message.to_dict() == {"content": [block.to_dict()]}


def test_unknown_members_dump_as_well() -> None:
    """Code that dumps each block of a message need not ask for its type."""
    unknown = Unknown("hologram", {"type": "hologram", "voxels": [1]})
    assert unknown.model_dump(exclude_none=True) == unknown.to_dict(mode="json") == unknown.raw
    assert json.loads(unknown.to_json()) == json.loads(unknown.model_dump_json()) == unknown.raw


def test_a_printed_batch_is_readable(batch: MessageBatch) -> None:
    """`print(batch)` shows the id, the status, the counts, the times and the URL in full."""
    assert str(batch) == (
        "MessageBatch(id='msgbatch_013Zva2CMHLNnXjNJJKqJ2EF', type='message_batch', "
        "processing_status='in_progress', request_counts=MessageBatchRequestCounts(processing=100, "
        "succeeded=50, errored=30, canceled=10, expired=10), created_at=2026-11-20T18:37:24.100435Z, "
        f"expires_at=2026-11-21T18:37:24.100435Z, results_url='{BATCH['results_url']}')"
    )
