"""Models from the user's point of view."""

from __future__ import annotations

import inspect
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from claude_batches_api import models
from claude_batches_api.model import MAX_SHAPES, Unknown
from claude_batches_api.models import (
    ContentBlock,
    Message,
    MessageBatch,
    MessageBatchErroredResult,
    MessageBatchIndividualResponse,
    MessageBatchSucceededResult,
    TextBlock,
    ToolUseBlock,
)

LINE = {
    "custom_id": "a",
    "result": {
        "type": "succeeded",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-of-tomorrow",
            "content": [
                {"type": "text", "text": "Hello", "citations": None},
                {"type": "hologram", "voxels": 3},
            ],
            "stop_reason": "bored",
            "stop_sequence": None,
            "usage": {"input_tokens": 3, "output_tokens": 5},
        },
    },
}


def test_a_result_is_matched_by_its_classes() -> None:
    """`match` takes a line apart by class and keyword, as the design promises."""
    match MessageBatchIndividualResponse.from_dict(LINE):
        case MessageBatchIndividualResponse(
            custom_id=custom_id, result=MessageBatchSucceededResult(message=Message(usage=usage))
        ):
            assert (custom_id, usage.output_tokens) == ("a", 5)
        case other:
            pytest.fail(f"no match: {other}")


def test_unknown_things_read_naturally() -> None:
    """Enum values, fields and blocks that the spec doesn't know are there to read, under their own names."""
    result = MessageBatchIndividualResponse.from_dict(LINE).result
    assert isinstance(result, MessageBatchSucceededResult)
    message = result.message
    assert message.stop_reason == "bored"
    assert message.model == "claude-of-tomorrow"
    hologram = message.content[1]
    assert isinstance(hologram, Unknown)
    assert (hologram.raw["type"], hologram.voxels) == ("hologram", 3)
    match hologram:
        case Unknown(type=kind, raw=raw):
            assert (kind, raw["type"]) == ("hologram", "hologram")
    with pytest.raises(AttributeError, match="hologram has no field 'size'"):
        _ = hologram.size


def test_a_missing_required_field_reads_none() -> None:
    """A field that should have come and didn't is `None`, and to_dict() doesn't invent it."""
    batch = MessageBatch.from_dict({"id": "msgbatch_1"})
    assert batch.processing_status is None
    assert batch.request_counts is None
    assert batch.to_dict() == {"id": "msgbatch_1"}


def test_timestamps_are_datetimes_and_keep_their_text() -> None:
    """A timestamp reads as a datetime with its zone, and is written unchanged, nanoseconds included."""
    text = "2026-11-21T06:00:00.123456789Z"
    batch = MessageBatch.from_dict({"created_at": text})
    assert batch.created_at == datetime(2026, 11, 21, 6, 0, 0, 123456, tzinfo=UTC)
    assert batch.to_dict() == {"created_at": text}
    batch.created_at = datetime(2027, 1, 1, tzinfo=UTC)
    assert batch.to_dict() == {"created_at": "2027-01-01T00:00:00Z"}


def test_a_field_that_is_set_is_sent() -> None:
    """Fields can be changed: to_dict() has the new value, also for a field that was absent."""
    block = TextBlock.from_dict({"type": "text"})
    block.text = "new"
    assert block.to_dict() == {"type": "text", "text": "new"}


def test_to_dict_shares_nothing() -> None:
    """Changing the result of to_dict() changes neither the model nor its source."""
    block = ToolUseBlock.from_dict({"type": "tool_use", "id": "t", "name": "n", "input": {"a": [1]}})
    block.to_dict()["input"]["a"].append(2)
    assert block.input == {"a": [1]}


def test_models_are_made_by_hand_too() -> None:
    """A constructor takes the fields by name, and to_dict() leaves out the fields that it was not given."""
    error = models.ErrorResponse.from_dict({"type": "error", "error": {"type": "api_error", "message": "no"}})
    item = MessageBatchIndividualResponse(
        custom_id="a", result=MessageBatchErroredResult(type="errored", error=error)
    )
    assert item.to_dict()["result"] == {"type": "errored", "error": error.to_dict()}
    use = ToolUseBlock(type="tool_use", id="t", name="n", input={})
    assert use.to_dict() == {"type": "tool_use", "id": "t", "name": "n", "input": {}}


def test_the_order_of_fields_is_private() -> None:
    """Neither a constructor nor `match` takes positions, so a reordered spec can't swap two fields in silence."""
    assert MessageBatch.__match_args__ == ()  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="positional"):
        TextBlock("text", "Hello")  # type: ignore[call-arg,misc]


def test_a_signature_has_annotations() -> None:
    """`inspect.signature` shows each field with its type, whether it is decoded at once or later."""
    parameters = inspect.signature(MessageBatch).parameters
    assert {each.kind for each in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    shown = {name: each.annotation for name, each in parameters.items()}
    assert shown == {name: MessageBatch.__annotations__[name] for name in MessageBatch._fields.names}
    assert (shown["id"], shown["ended_at"]) == ("str", "datetime | None")


def test_completion_shows_fields() -> None:
    """`dir` of a model has its fields and four methods; everything else begins with an underscore."""
    batch = MessageBatch.from_dict({"id": "msgbatch_1"})
    shown = {name for name in dir(batch) if not name.startswith("_")}
    assert shown == {*MessageBatch._fields.names, "extra_fields", "from_dict", "to_dict", "to_json"}
    assert batch.__dir__()[: len(MessageBatch._fields.names)] == [*MessageBatch._fields.names]


def test_reprs_are_short() -> None:
    """A repr fits a log line, for values of every size."""
    block = TextBlock.from_dict({"type": "text", "text": "word " * 100_000})
    assert len(repr(block)) < 200
    assert len(repr(MessageBatchIndividualResponse.from_dict(LINE))) < 200
    assert "hologram" in repr(Unknown("hologram", {"x": "y" * 10_000}))
    assert len(repr(Unknown("hologram", {"x": "y" * 10_000}))) < 400


def test_from_dict_wants_an_object() -> None:
    """A value other than a JSON object is refused by name."""
    with pytest.raises(TypeError, match=r"MessageBatch\.from_dict\(\) takes a dict.*got list"):
        MessageBatch.from_dict([])  # type: ignore[arg-type]


def test_a_server_that_invents_keys_costs_no_memory() -> None:
    """However many sets of keys come, a model remembers but a few; all of them are read."""
    for number in range(MAX_SHAPES * 3):
        block = TextBlock.from_dict({"type": "text", f"key_{number}": number})
        assert block.extra_fields == {f"key_{number}": number}


def test_a_union_is_a_type_at_run_time() -> None:
    """The name of a union can be used in isinstance(), as any class can."""
    assert isinstance(TextBlock(type="text", text="", citations=None), ContentBlock)
    assert isinstance(Unknown("new", {}), ContentBlock)
    assert not isinstance("text", ContentBlock)


def imported_by(code: str) -> set[str]:
    """The modules that are loaded after running some code in a fresh interpreter."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_no_model() -> None:
    """`import claude_batches_api` loads none of its modules, so its cost does not depend on the spec."""
    loaded = imported_by("import claude_batches_api")
    assert not [name for name in loaded if name.startswith("claude_batches_api.")]
    assert "attrs" not in loaded


def test_reading_a_batch_loads_only_what_is_in_it() -> None:
    """Decoding a batch imports the batch and its counts, and not the seventy models of a message."""
    code = (
        "from claude_batches_api.operations.messages_batches import RETRIEVE\n"
        "RETRIEVE.decode(200, {'id': 'b', 'request_counts': {}}).request_counts"
    )
    loaded = {name for name in imported_by(code) if name.startswith("claude_batches_api.models.")}
    assert loaded == {
        "claude_batches_api.models._message_batch",
        "claude_batches_api.models._message_batch_request_counts",
    }
