"""Faults of other SDKs when they read results, one test for each."""

from __future__ import annotations

import time

import orjson
import pytest
from claude_batches import APIConnectionError, IncompleteResultsError, ResultsNotReadyError
from claude_batches.types import Unknown

from tests.results.lines import file_of, lines_of, result, short
from tests.results.readers import KINDS, Kind, read
from tests.support.clients import KEY
from tests.support.results import Answer, ResultsServer, batch_json, whole

IDS = list("abcdef")
LINES = lines_of(short(name) for name in IDS)
kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
def test_quadratic_cost_of_long_lines(kind: Kind) -> None:
    """One long line costs about as much as ten lines of a tenth."""

    def seconds(size: int, count: int) -> float:
        lines = lines_of(result(f"{number}", "x" * size) for number in range(count))
        with ResultsServer([whole(lines)], count) as server:
            began = time.process_time()
            assert len(read(kind, server).good) == count
            return time.process_time() - began

    ten_small = min(seconds(400_000, 10) for _ in range(3))
    one_large = min(seconds(4_000_000, 1) for _ in range(3))
    assert one_large < 3 * ten_small


@kinds
def test_a_batch_that_has_not_ended(kind: Kind) -> None:
    """The error names the status."""
    with ResultsServer([whole(LINES)], 6) as server:
        server.batches = [batch_json(6, None, "in_progress")]
        error = read(kind, server).error
    assert isinstance(error, ResultsNotReadyError)
    assert error.status == "in_progress"


@kinds
def test_a_blank_line(kind: Kind) -> None:
    """Blank lines are left out."""
    body = b"\n" + file_of(LINES[:3]) + b"\n \n\r\n" + file_of(LINES[3:]) + b"\n\n"
    with ResultsServer([Answer(body)], 6) as server:
        assert read(kind, server).good == IDS


@kinds
def test_a_crlf_split_over_two_chunks(kind: Kind) -> None:
    """A carriage return and its line feed may come in different chunks."""
    body = b"".join(line + b"\r\n" for line in LINES)
    end = body.index(b"\r\n") + 1
    with ResultsServer([Answer(body, cut=end), Answer(body, cut=end + 1), Answer(body)], 6) as server:
        assert read(kind, server).good == IDS
    # The scripted server sends chunks of 1000 bytes, so this line end lies across an edge.
    first = orjson.dumps(result("long", "x" * 2000))
    first = first.replace(b"x" * 2000, b"x" * (2000 - (len(first) + 1) % 1000))
    body = first + b"\r\n" + body
    assert body.index(b"\r\n") % 1000 == 999
    with ResultsServer([Answer(body, framing="chunked")], 7) as server:
        assert read(kind, server).good == ["long", *IDS]


@kinds
def test_a_truncated_last_line(kind: Kind) -> None:
    """A truncated last line is read again, and is never returned."""
    truncated = Answer(file_of(LINES)[:-5])
    with ResultsServer([truncated, whole(LINES)], 6) as server:
        assert read(kind, server).good == IDS
    with ResultsServer([truncated], 6) as server:
        outcome = read(kind, server)
    assert outcome.ids == IDS[:5]
    assert isinstance(outcome.error, IncompleteResultsError)


@kinds
def test_a_last_line_without_a_line_feed(kind: Kind) -> None:
    """A complete last line needs no line feed."""
    with ResultsServer([Answer(file_of(LINES)[:-1])], 6) as server:
        outcome = read(kind, server)
    assert outcome.good == IDS
    assert outcome.resumes == 0


@kinds
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_stream_cut_at_a_line_boundary(kind: Kind, framing: str) -> None:
    """A file that ends early between lines is not taken for complete."""
    boundary = len(file_of(LINES[:4]))
    cut = whole(LINES, cut=boundary, framing=framing)
    with ResultsServer([cut, whole(LINES)], 6) as server:
        assert read(kind, server).good == IDS
    with ResultsServer([whole(LINES[:4], framing=framing)], 6) as server:
        outcome = read(kind, server)
    assert outcome.ids == IDS[:4]
    assert isinstance(outcome.error, IncompleteResultsError)


@kinds
def test_a_connection_lost_in_the_middle(kind: Kind) -> None:
    """A lost connection is resumed, or is an error of ours without a trace of the HTTP library."""
    with ResultsServer([whole(LINES, cut=150), whole(LINES)], 6) as server:
        assert read(kind, server).good == IDS
    with ResultsServer([whole(LINES, cut=150)], 6) as server:
        outcome = read(kind, server, max_resumes=0)
    assert isinstance(outcome.error, IncompleteResultsError)
    assert isinstance(outcome.error.__cause__, APIConnectionError)
    assert outcome.error.__cause__.__cause__ is None


@kinds
def test_a_line_received_just_before_a_cut(kind: Kind) -> None:
    """A complete line that arrived before a lost connection is returned."""
    with ResultsServer([whole(LINES, cut=len(file_of(LINES[:2])))], 6) as server:
        assert read(kind, server, max_resumes=0).ids == IDS[:2]


@kinds
def test_an_unknown_union_member(kind: Kind) -> None:
    """Unknown blocks and outcomes are returned as they are."""
    wire = result("a")
    wire["result"]["message"]["content"].append({"type": "hologram", "text": "?"})
    with ResultsServer(
        [whole(lines_of([wire, {"custom_id": "b", "result": {"type": "postponed"}}]))], 2
    ) as server:
        first, second = read(kind, server).items
    text, unknown = first.result.message.content
    assert text.text == "hello"
    assert isinstance(unknown, Unknown)
    assert isinstance(second.result, Unknown)
    assert first.to_dict() == wire


@kinds
def test_a_results_url_on_another_host(kind: Kind) -> None:
    """Another host never gets the credential."""
    with ResultsServer([whole(LINES)], 6) as elsewhere, ResultsServer([whole(LINES)], 6) as server:
        server.results_url = elsewhere.url.replace("127.0.0.1", "localhost") + "/results"
        assert read(kind, server).good == IDS
        assert all(KEY not in str(asked.headers) for asked in elsewhere.requests)


@kinds
def test_a_404_right_after_create(kind: Kind) -> None:
    """A batch that is not found at first is waited for."""
    with ResultsServer([whole(LINES)], 6) as server:
        server.batches = [404]
        assert read(kind, server).good == IDS


@kinds
@pytest.mark.parametrize("content_type", ["", "application/binary", "text/html", "application/json"])
def test_another_content_type(kind: Kind, content_type: str) -> None:
    """Results are read with every content type."""
    with ResultsServer([whole(LINES, headers={"content-type": content_type})], 6) as server:
        assert read(kind, server).good == IDS


@kinds
def test_raw_line_separators_of_unicode(kind: Kind) -> None:
    """Line separators of Unicode within a string do not end a line."""
    text = "a\u2028b\u2029c\u0085d\x1c\x0b\x0ce"
    line = orjson.dumps(result("a", text))
    assert "\u2028".encode() in line
    with ResultsServer([whole([line])], 1) as server:
        (item,) = read(kind, server).items
    assert item.result.message.content[0].text == text
