"""The parser of server-sent events, against the standard's own examples and a plain reading of its rules."""

from __future__ import annotations

from itertools import pairwise

import pytest
from claude_batches._http.events import EventParser, ServerSentEvent
from hypothesis import given
from hypothesis import strategies as st


class TooLongError(Exception):
    """An event that exceeds the limit."""


def parsed(*chunks: bytes, limit: int = 1000) -> list[ServerSentEvent]:
    parser = EventParser(lambda *_: TooLongError(), max_event_bytes=limit)
    return [event for chunk in chunks for event in parser.feed(chunk)]


def by_the_rules(text: str) -> list[tuple[str, str, str]]:
    """Read a whole stream by the rules of the standard, one character after the other."""
    lines, line, characters = [], "", text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for character in characters:
        if character == "\n":
            lines.append(line)
            line = ""
        else:
            line += character
    found, name, data, last_id, buffered_id = [], "", "", "", ""
    for line in lines:
        field, _, value = line.partition(":")
        value = value[1:] if value[:1] == " " else value
        if line == "":
            last_id = buffered_id
            if data:
                found.append((name or "message", data[:-1], last_id))
            name, data = "", ""
        elif field == "event":
            name = value
        elif field == "data":
            data += value + "\n"
        elif field == "id" and "\0" not in value:
            buffered_id = value
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", "")]),
        (": test\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
         [("message", "first", "1"), ("message", "second", ""), ("message", " third", "")]),
        ("data\n\ndata\ndata\n\ndata:", [("message", "", ""), ("message", "\n", "")]),
        ("data:test\n\ndata: test\n\n", [("message", "test", ""), ("message", "test", "")]),
        ("event: add\ndata: 1\n\nevent: gone\n\ndata: 2\n\n", [("add", "1", ""), ("message", "2", "")]),
        ("\ufeffdata: a\r\rdata: b\r\n\r\n", [("message", "a", ""), ("message", "b", "")]),
        ("id: a\0b\ndata: x\n\n", [("message", "x", "")]),
        ("data: 1\u2028\x85\x0b2\n\n", [("message", "1\u2028\x85\x0b2", "")]),
    ],
)  # fmt: skip
def test_examples_of_the_standard(text: str, expected: list[tuple[str, str, str]]) -> None:
    """The examples of the standard, and its rules for names, ids, marks and line ends, hold."""
    assert [(each.event, each.data, each.id) for each in parsed(text.encode())] == expected


STREAMS = st.lists(
    st.sampled_from(
        ["data", "event", "id", "retry", ":", " ", "\n", "\r", "\r\n", "\n\n", "é", "{}", "1", "\0", "\ufeff"]
    )
).map("".join)


@given(STREAMS, st.lists(st.integers(0, 100)))
def test_chunks_make_no_difference(text: str, cuts: list[int]) -> None:
    """However a stream is cut into chunks, its events are those of the rules."""
    content = text.encode()
    ends = sorted({min(cut, len(content)) for cut in cuts} | {0, len(content)})
    chunks = [content[start:end] for start, end in pairwise(ends)]
    events = [(each.event, each.data, each.id) for each in parsed(*chunks)]
    assert events == by_the_rules(text)


def test_retry_is_a_number() -> None:
    """A delay is taken where it consists of digits, and kept for later events."""
    events = parsed(b"retry: 30\ndata\n\nretry: soon\ndata\n\n")
    assert [each.retry for each in events] == [30, 30]


@pytest.mark.parametrize("big", [b"data: " + b"x" * 50, b"data: 1234567890\n" * 5, b": " + b"c" * 50])
def test_event_above_limit(big: bytes) -> None:
    """An event above the limit raises, in one line or in several, after the events before it."""
    parser = EventParser(lambda *_: TooLongError(), max_event_bytes=40)
    assert [each.data for each in parser.feed(b"data: 1\n\n" + big)] == ["1"]
    with pytest.raises(TooLongError):
        parser.feed(b"")


@pytest.mark.parametrize(
    ("content", "rest"),
    [
        (b"data: 1\n\n", b""),
        (b"data: 1", b"data: 1"),
        (b"data: 1\n", b"1\n"),
        (b": bye", b""),
        (b"id: 3\n", b""),
    ],
)
def test_cut_event_is_seen(content: bytes, rest: bytes) -> None:
    """The data of an event without its end can be seen; a comment or an id alone is nothing."""
    parser = EventParser(lambda *_: TooLongError())
    parser.feed(content)
    assert parser.unfinished == rest
