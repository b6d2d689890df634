"""A line becomes a result, or an error of ours that says which line it was."""

from __future__ import annotations

import contextlib
import pickle
from typing import Any

import orjson
import pytest
from claude_batches._errors import ConfigurationError
from claude_batches._results._decode import LineDecoder, OnBadLine
from claude_batches._results._errors import BadLineError
from claude_batches._results._split import LineSplitter
from claude_batches_api.models import (
    MessageBatchIndividualResponse,
    MessageBatchSucceededResult,
    TextBlock,
    Unknown,
)
from claude_batches_api.operations.messages_batches import RESULTS
from hypothesis import given
from hypothesis import strategies as st

from .lines import file_of, lines_of, result, short

decode_model = RESULTS.decoder(RESULTS.success)


def read(
    data: bytes, on_bad_line: OnBadLine = "raise", decode: Any = decode_model
) -> list[MessageBatchIndividualResponse]:
    splitter, ids = LineSplitter(), list[int]()
    decoder = LineDecoder(decode, on_bad_line)
    items = list(decoder.items(splitter.feed(data), ids.append, splitter.locate))
    items += decoder.items(splitter.finish(), ids.append, splitter.locate)
    assert len(ids) == len(items) + decoder.skipped
    return items


def bad_line(data: bytes) -> BadLineError:
    with pytest.raises(BadLineError) as caught:
        read(data)
    return caught.value


def test_a_line_becomes_a_typed_result() -> None:
    (item,) = read(file_of(lines_of([result("a", "hi")])))
    assert isinstance(item, MessageBatchIndividualResponse)
    assert item.custom_id == "a"
    match item.result:
        case MessageBatchSucceededResult(message=message):
            (block,) = message.content
            assert isinstance(block, TextBlock)
            assert block.text == "hi"
        case other:
            pytest.fail(f"decoded to {other!r}")


def test_an_unknown_union_member_is_not_taken_for_the_first_one() -> None:
    wire = result("a")
    wire["result"]["message"]["content"] = [{"type": "hologram", "text": "?"}]
    (item,) = read(orjson.dumps(wire))
    (block,) = item.result.message.content
    assert isinstance(block, Unknown)
    assert block.type == "hologram"


def test_an_unknown_kind_of_result_is_still_a_result() -> None:
    (item,) = read(b'{"custom_id":"a","result":{"type":"postponed","until":"tomorrow"}}')
    assert item.to_dict() == {"custom_id": "a", "result": {"type": "postponed", "until": "tomorrow"}}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"nonsense", "is not JSON"),
        (b'{"custom_id":"a","result":{"type":"suc', "is not JSON"),
        (b'{"custom_id":"a","result":{"type":"canceled"}}}', "is not JSON"),
        (b'{"custom_id":"a","result":{"type":"canceled","n":NaN}}', "is not JSON"),
        (b'{"custom_id":"\xff","result":{"type":"canceled"}}', "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "is JSON, but no object"),
        (b"null", "is JSON, but no object"),
        (b'"custom_id"', "is JSON, but no object"),
        (b"{}", "has no custom_id"),
        (b'{"custom_id":7,"result":{"type":"canceled"}}', "has no custom_id"),
        (b'{"custom_id":"a"}', "has no result with a type"),
        (b'{"custom_id":"a","result":null}', "has no result with a type"),
        (b'{"custom_id":"a","result":"type"}', "has no result with a type"),
        (b'{"custom_id":"a","result":{"type":1}}', "has no result with a type"),
        (b'{"type":"error","error":{"type":"api_error","message":"?"}}', "has no custom_id"),
    ],
)
def test_what_is_not_a_result_is_an_error_that_says_why_and_where(line: bytes, reason: str) -> None:
    error = bad_line(b'{"custom_id":"0","result":{"type":"expired"}}\r\n\n' + line + b"\n")
    assert reason in error.reason
    assert (error.line_number, error.byte_offset) == (3, 48)
    assert len(error.excerpt) < 700
    assert error.excerpt in str(error)


@pytest.mark.parametrize(
    ("line", "custom_id"),
    [
        (b'{"custom_id":"req-7","result":{"type":"succ', "req-7"),
        (b'{"result":1, "custom_id" : "req-8"', "req-8"),
        (b'{"custom_id":"req-9"}', "req-9"),
        (b'{"text":"say \\"custom_id\\":\\"no\\" please', None),
        (b'{"custom_i', None),
    ],
)
def test_a_bad_line_names_its_custom_id_where_that_can_be_read(line: bytes, custom_id: str | None) -> None:
    assert bad_line(line).custom_id == custom_id


def test_the_place_of_a_bad_line_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(bad_line(b'{"custom_id":"a"}')))
    assert (error.custom_id, error.line_number, error.byte_offset, str(error)) == ("a", 1, 0, str(error))
    assert type(error) is BadLineError
    assert "custom_id 'a'" in str(error)


def test_an_excerpt_is_printable_whatever_the_line_holds() -> None:
    error = bad_line(b"\x00\x1b[2J\xff" + "漢\u202e".encode() * 200)
    assert error.excerpt.isascii()
    assert error.excerpt.isprintable()


good_and_bad = (
    b'{"custom_id":"a","result":{"type":"expired"}}\nbad\n{"custom_id":"b","result":{"type":"expired"}}\n{}\n'
)


def test_bad_lines_can_be_skipped() -> None:
    assert [item.custom_id for item in read(good_and_bad, "skip")] == ["a", "b"]


def test_bad_lines_can_be_collected() -> None:
    errors: list[BadLineError] = []
    assert [item.custom_id for item in read(good_and_bad, errors.append)] == ["a", "b"]
    assert [error.line_number for error in errors] == [2, 4]


def test_what_a_callable_raises_ends_the_reading() -> None:
    def give_up(error: BadLineError) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(good_and_bad, give_up)


def test_an_on_bad_line_that_is_none_of_the_three_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="on_bad_line"):
        LineDecoder(decode_model, "ignore")  # type: ignore[arg-type]


def test_half_a_surrogate_pair_is_valid_json_and_is_read() -> None:
    (item,) = read(
        b'{"custom_id":"a","result":{"type":"succeeded","message":{"content":[{"type":"text","text":"\\ud83d"}]}}}'
    )
    assert item.result.message.content[0].text == "\ud83d"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["custom_id", "result", "type", "message"]), inner)
    ),
    max_leaves=10,
)


@given(
    st.lists(
        st.binary()
        | json_values.map(
            lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS) if _fits(value) else b"?"
        )
    )
)
def test_only_our_errors_come_out_whatever_goes_in(lines: list[bytes]) -> None:
    for item in read(b"\n".join(lines), "skip"):
        assert type(item.custom_id) is str
        item.to_dict()
    with contextlib.suppress(BadLineError):
        read(b"\n".join(lines))


def _fits(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True


@given(data=st.data())
def test_only_our_errors_come_out_of_damaged_results(data: st.DataObject) -> None:
    body = bytearray(file_of(lines_of([result("a"), short("b"), result("c", "\u2028 漢")])))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=3))
        if not body:
            break
    for item in read(bytes(body), "skip"):
        repr(item)
        item.to_dict()
