"""A line becomes a result, or an error that names the line."""

from __future__ import annotations

import contextlib
import json
import pickle
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from claude_batches import BadLineError, ConfigurationError, results_from_file
from claude_batches.types import (
    MessageBatchIndividualResponse,
    MessageBatchSucceededResult,
    TextBlock,
    Unknown,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.results.lines import file_of, lines_of, result, short


def read(data: bytes, on_bad_line: Any = "raise") -> list[MessageBatchIndividualResponse]:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(data)
        return list(results_from_file(file.name, on_bad_line=on_bad_line))


def bad_line(data: bytes) -> BadLineError:
    with pytest.raises(BadLineError) as caught:
        read(data)
    return caught.value


def test_a_line_becomes_a_typed_result() -> None:
    """A succeeded result has a typed message."""
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


def test_unknown_union_members_stay_unknown() -> None:
    """A block of an unknown type is not decoded as the first known one."""
    wire = result("a")
    wire["result"]["message"]["content"] = [{"type": "hologram", "text": "?"}]
    (item,) = read(orjson.dumps(wire))
    assert isinstance(item.result, MessageBatchSucceededResult)
    (block,) = item.result.message.content
    assert isinstance(block, Unknown)
    assert block.to_dict() == {"type": "hologram", "text": "?"}


def test_unknown_outcomes_are_results() -> None:
    """A result of an unknown type is returned and keeps its fields."""
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
        (b"9" * 5000, "a number is too large"),
        (b"[1]", "is a JSON array, not lines of JSON"),
        (b"null", "is JSON, but not an object"),
        (b'"custom_id"', "is JSON, but not an object"),
        (b"{}", "has no custom_id"),
        (b'{"custom_id":7,"result":{"type":"canceled"}}', "has no custom_id"),
        (b'{"custom_id":"a"}', "has no result with a type"),
        (b'{"custom_id":"a","result":null}', "has no result with a type"),
        (b'{"custom_id":"a","result":"type"}', "has no result with a type"),
        (b'{"custom_id":"a","result":{"type":1}}', "has no result with a type"),
        (b'{"type":"error","error":{"type":"api_error","message":"?"}}', "has no custom_id"),
    ],
)
def test_bad_lines_say_why_and_where(line: bytes, reason: str) -> None:
    """A line that is not a result raises with reason, number, offset and a short excerpt."""
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
def test_bad_lines_name_their_custom_id(line: bytes, custom_id: str | None) -> None:
    """A bad line names its custom_id if that is readable."""
    assert bad_line(line).custom_id == custom_id


def test_bad_lines_survive_pickling() -> None:
    """A pickled error keeps its place and text."""
    original = bad_line(b'{"custom_id":"a"}')
    error = pickle.loads(pickle.dumps(original))
    assert (error.custom_id, error.line_number, error.byte_offset) == ("a", 1, 0)
    assert str(error) == str(original)
    assert type(error) is BadLineError
    assert "custom_id 'a'" in str(error)


def test_excerpts_are_printable() -> None:
    """An excerpt is printable ASCII, for every line."""
    error = bad_line(b"\x00\x1b[2J\xff" + "漢\u202e".encode() * 200)
    assert error.excerpt.isascii()
    assert error.excerpt.isprintable()


GOOD_AND_BAD = (
    b'{"custom_id":"a","result":{"type":"expired"}}\nbad\n{"custom_id":"b","result":{"type":"expired"}}\n{}\n'
)


def test_bad_lines_can_be_skipped() -> None:
    """`on_bad_line="skip"` returns the other results."""
    assert [item.custom_id for item in read(GOOD_AND_BAD, "skip")] == ["a", "b"]


def test_bad_lines_can_be_collected() -> None:
    """A function is called with the error of each bad line."""
    errors: list[BadLineError] = []
    assert [item.custom_id for item in read(GOOD_AND_BAD, errors.append)] == ["a", "b"]
    assert [error.line_number for error in errors] == [2, 4]


def test_an_exception_of_on_bad_line_ends_reading() -> None:
    """An exception of the function reaches the caller."""

    def give_up(error: BadLineError) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(GOOD_AND_BAD, give_up)


def test_unknown_on_bad_line_is_refused() -> None:
    """`on_bad_line` is checked before anything is read."""
    with pytest.raises(ConfigurationError, match="on_bad_line"):
        results_from_file("nowhere", on_bad_line="ignore")  # type: ignore[arg-type]


def test_half_a_surrogate_pair_is_read() -> None:
    """Half of a surrogate pair is valid JSON."""
    content = b'{"content":[{"type":"text","text":"\\ud83d"}]}'
    (item,) = read(b'{"custom_id":"a","result":{"type":"succeeded","message":' + content + b"}}")
    assert isinstance(item.result, MessageBatchSucceededResult)
    (block,) = item.result.message.content
    assert isinstance(block, TextBlock)
    assert block.text == "\ud83d"


# ---------------------------------------------------------------------------------------------------------------------
# Numbers


def with_extra(text: str, padding: str = "") -> bytes:
    return f'{{"custom_id":"a{padding}","result":{{"type":"canceled","extra":{text}}}}}'.encode()


def extra_of(line: bytes) -> Any:
    (item,) = read(line)
    return item.to_dict()["result"]["extra"]


numbers = (
    st.integers(-(10**40), 10**40)
    | st.integers(2**63 - 2, 2**64 + 2)
    | st.integers(-(2**63) - 2, -(2**63) + 2)
)


@given(
    values=st.lists(
        numbers | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30), max_size=5
    ),
    padding=st.integers(0, 40),
)
def test_numbers_are_exact(values: list[Any], padding: int) -> None:
    """Every number is read as by Python's own parser, at every position in the line."""
    text = json.dumps(values)
    found = extra_of(with_extra(text, "x" * padding))
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize("padding", range(24))
def test_the_smallest_large_number_is_found(padding: int) -> None:
    """An integer of 20 digits is exact at every offset in the line."""
    assert extra_of(with_extra("18446744073709551616", "x" * padding)) == 2**64
    assert extra_of(with_extra("-9223372036854775809", "x" * padding)) == -(2**63) - 1


def test_large_numbers_of_several_lines_are_exact() -> None:
    """A large integer in one line of many is exact."""
    lines = [with_extra("1", str(number)) for number in range(500)]
    lines[321] = with_extra("123456789012345678901", "321")
    found = [item.to_dict()["result"]["extra"] for item in read(file_of(lines))]
    assert found == [1] * 321 + [123456789012345678901] + [1] * 178


# ---------------------------------------------------------------------------------------------------------------------
# Arbitrary input

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
def test_random_lines_raise_only_our_errors(lines: list[bytes]) -> None:
    """Random lines are results or raise BadLineError."""
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
def test_damaged_results_raise_only_our_errors(data: st.DataObject) -> None:
    """Damaged results are results or raise BadLineError."""
    body = bytearray(file_of(lines_of([result("a"), short("b"), result("c", "\u2028 漢")])))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=3))
        if not body:
            break
    for item in read(bytes(body), "skip"):
        repr(item)
        item.to_dict()
