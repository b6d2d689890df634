"""Whatever becomes of the connection: every result comes, and each once."""

from __future__ import annotations

import gzip
import random
from operator import itemgetter
from typing import Any

import pytest
from claude_batches import AsyncClient, Client
from claude_batches._errors import APIConnectionError, AuthenticationError, InternalServerError
from claude_batches._results._decode import LineDecoder
from claude_batches._results._errors import (
    BrokenEncodingError,
    DuplicateResultsError,
    IncompleteResultsError,
    ResultsChangedError,
    ResultsFormatError,
)
from claude_batches._results._reader import Reader
from claude_batches._results._resume import validator

from tests.support.results import BATCH_ID, Answer, Encoding, ResultsServer, cut_places, whole

from .lines import file_of, lines_of, reordered, result, short, some_lines
from .readers import KINDS, TLS, Kind, Sleeps, read

SMALL = lines_of(short(name) for name in "abcd")
SMALL_IDS = list("abcd")

kinds = pytest.mark.parametrize("kind", KINDS)


def serve(*answers: Answer, count: int = 4) -> ResultsServer:
    return ResultsServer(answers, count)


@kinds
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("ranges", [True, False], ids=["range", "no range"])
def test_a_cut_at_every_byte_loses_nothing_and_repeats_nothing(
    kind: Kind, ranges: bool, framing: Any
) -> None:
    for place in cut_places(SMALL, "identity"):
        with serve(
            whole(SMALL, cut=place, ranges=ranges, framing=framing), whole(SMALL, ranges=ranges)
        ) as server:
            outcome = read(kind, server)
            assert outcome.good == SMALL_IDS, place
            # After the last result, only its line break was missing.
            assert outcome.resumes == 1 or place >= len(file_of(SMALL)) - 1
            # The last line that came is asked for once more: with a single one that is all of the file. At
            # what looks like the end of the file a line needs no line break to be whole.
            two_came = place + (framing == "close") >= len(file_of(SMALL[:2]))
            asked = [asked.headers.get("range") for asked in server.results_asked[1:]]
            assert all((header is not None) == two_came for header in asked)


@kinds
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_cut_at_every_byte_of_a_compressed_file_loses_nothing(kind: Kind, encoding: Encoding) -> None:
    for place in cut_places(SMALL, encoding):
        first = whole(SMALL, encoding=encoding, cut=place, framing="close", etag='"compressed"')
        with serve(first, whole(SMALL, encoding=encoding)) as server:
            assert read(kind, server).good == SMALL_IDS, place
            for asked in server.results_asked[1:]:
                assert asked.headers["accept-encoding"] == "identity"


@kinds
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_cut_at_every_byte_in_another_order_the_next_time_loses_nothing(
    kind: Kind, encoding: Encoding
) -> None:
    for place in cut_places(SMALL, encoding):
        first = whole(SMALL, cut=place, encoding=encoding)
        with serve(first, whole(reordered(SMALL, place), etag='"v2"', encoding=encoding)) as server:
            assert sorted(read(kind, server).good) == SMALL_IDS, place


@kinds
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("order", ["same", "other"])
@pytest.mark.parametrize("ranges", [True, False], ids=["range", "no range"])
def test_a_large_file_cut_at_random_again_and_again_comes_out_whole(
    kind: Kind, ranges: bool, order: str, encoding: Encoding
) -> None:
    lines = some_lines(600)
    rng = random.Random(f"{kind} {ranges} {order} {encoding}")
    answers = []
    for attempt in range(12):
        now = lines if order == "same" else reordered(lines, attempt)
        # With a part only for each, later attempts must come further: a cut early on would gain nothing.
        cut = rng.randrange(attempt * 40_000, attempt * 40_000 + 200_000)
        etag = '"v1"' if order == "same" else f'"v{attempt}"'
        answers.append(whole(now, cut=cut, ranges=ranges, etag=etag, encoding=encoding, framing="chunked"))
    with serve(*answers, whole(answers and lines, ranges=ranges, etag='"last"'), count=600) as server:
        outcome = read(kind, server, max_resumes=12)
    assert sorted(outcome.good, key=lambda name: int(name[2:])) == [f"r-{number}" for number in range(600)]
    assert outcome.resumes > 0


@kinds
def test_a_corrupt_compressed_file_is_read_again_without_compression(kind: Kind) -> None:
    told = 0
    for place in cut_places(SMALL, "gzip")[10:]:
        with serve(whole(SMALL, encoding="gzip", damage=place), whole(SMALL)) as server:
            outcome = read(kind, server)
        if isinstance(outcome.error, ResultsChangedError):
            # What had been handed out by then is not what is in the file: nobody can take that back.
            told += 1
        else:
            assert outcome.good == SMALL_IDS, place
            assert outcome.resumes == 1
    assert told < len(cut_places(SMALL, "gzip")) / 2


@pytest.mark.parametrize("now", ["same", "other"])
def test_a_wrong_checksum_after_the_last_result_has_all_of_them_compared(now: str) -> None:
    compressed = gzip.compress(file_of(SMALL))
    reader = Reader(LineDecoder(itemgetter("custom_id")), expected=4)
    reader.opened(200, {"content-encoding": "gzip", "etag": '"v1"'})
    assert list(reader.feed(compressed[:-8])) == SMALL_IDS
    with pytest.raises(BrokenEncodingError) as caught:
        list(reader.feed(bytes(8)))
    assert reader.failed(caught.value) is not None
    assert "range" not in reader.headers()
    reader.opened(200, {"etag": '"v1"'})
    if now == "same":
        assert [*reader.feed(file_of(SMALL)), *reader.finish()] == []
    else:
        with pytest.raises(ResultsChangedError):
            reader.feed(file_of([*SMALL[:3], *lines_of([result("d", "other")])]))


@kinds
def test_silence_longer_than_the_timeout_is_a_lost_connection(kind: Kind) -> None:
    with serve(whole(SMALL, cut=60, stall=True), whole(SMALL)) as server:
        outcome = read(kind, server, timeout=0.5)
        assert outcome.good == SMALL_IDS
        assert outcome.resumes == 1
        assert server.hung_up.wait(5)


@kinds
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_an_error_of_the_server_on_the_way_is_waited_out(kind: Kind, status: int) -> None:
    with serve(whole(SMALL, cut=60), Answer(status=status), whole(SMALL)) as server:
        outcome = read(kind, server)
    assert outcome.good == SMALL_IDS
    assert outcome.resumes == 2


@kinds
def test_waits_grow_and_keep_to_retry_after(kind: Kind) -> None:
    busy = Answer(status=429, headers={"retry-after": "7"})
    rude = Answer(status=429, headers={"retry-after": "86400"})
    with serve(whole(SMALL, cut=60), Answer(status=500), busy, rude, whole(SMALL)) as server:
        outcome = read(kind, server)
    assert outcome.good == SMALL_IDS
    first, second, third, fourth = outcome.naps
    assert 0.375 <= first <= 0.5
    assert 0.75 <= second <= 1.0
    assert third == 7
    assert fourth == 60


@kinds
def test_an_error_that_will_not_pass_ends_it_at_once(kind: Kind) -> None:
    with serve(whole(SMALL, cut=60), Answer(status=401)) as server:
        outcome = read(kind, server)
        assert len(server.results_asked) == 2
    assert isinstance(outcome.error, IncompleteResultsError)
    assert isinstance(outcome.error.__cause__, AuthenticationError)
    assert outcome.ids == ["a"]


@kinds
def test_before_the_first_byte_a_failure_is_just_that_failure(kind: Kind) -> None:
    with serve(Answer(status=500)) as server:
        assert isinstance(read(kind, server).error, InternalServerError)
        assert len(server.results_asked) == 1


@kinds
def test_failures_in_a_row_without_a_result_between_them_are_too_many_in_the_end(kind: Kind) -> None:
    with serve(whole(SMALL, cut=100)) as server:
        outcome = read(kind, server, max_resumes=3)
        # With Range each answer would bring more: the first has two results, and then one more each.
        assert outcome.good == SMALL_IDS
    with serve(whole(SMALL, cut=60, ranges=False)) as server:
        outcome = read(kind, server, max_resumes=3)
        assert len(server.results_asked) == 4
    assert outcome.ids == ["a"]
    assert isinstance(outcome.error, IncompleteResultsError)
    assert isinstance(outcome.error.__cause__, APIConnectionError)
    assert (outcome.error.lines_read, outcome.error.lines_expected) == (1, 4)


@kinds
def test_no_resumes_means_none(kind: Kind) -> None:
    with serve(whole(SMALL, cut=60), whole(SMALL)) as server:
        outcome = read(kind, server, max_resumes=0)
        assert len(server.results_asked) == 1
    assert outcome.ids == ["a"]
    assert isinstance(outcome.error, IncompleteResultsError)


@kinds
def test_each_result_gained_starts_the_count_of_failures_again(kind: Kind) -> None:
    lines = lines_of(short(f"{number:02}") for number in range(30))
    step = len(lines[0]) * 2 + 4
    with serve(whole(lines, cut=step), count=30) as server:
        outcome = read(kind, server, max_resumes=1)
    assert len(outcome.good) == 30
    assert outcome.resumes > 10


@kinds
@pytest.mark.parametrize(
    "headers",
    [
        {"content-range": "bytes 0-9/200"},
        {"content-range": "bytes */200"},
        {"content-range": "nonsense"},
        {"content-range": f"bytes {'9' * 5000}-0/*"},
        {"etag": '"v2"'},
        {"etag": 'W/"v1"'},
        {"content-encoding": "gzip"},
    ],
    ids=["other start", "no range", "nonsense", "huge number", "other version", "weak version", "encoded"],
)
def test_a_206_that_is_not_the_rest_of_the_same_file_is_not_believed(
    kind: Kind, headers: dict[str, str]
) -> None:
    liar = whole(SMALL, headers=headers)
    with serve(whole(SMALL, cut=120), liar, whole(SMALL)) as server:
        outcome = read(kind, server)
        assert outcome.good == SMALL_IDS
        assert [asked.headers.get("range") is not None for asked in server.results_asked] == [
            False,
            True,
            False,
        ]


@kinds
def test_a_206_that_says_the_right_things_and_sends_other_bytes_is_not_believed(kind: Kind) -> None:
    shifted = Answer(b"x" * 3 + file_of(SMALL)[:-3])
    with serve(whole(SMALL, cut=120), shifted, whole(SMALL)) as server:
        assert read(kind, server).good == SMALL_IDS
        assert [asked.headers.get("range") is not None for asked in server.results_asked] == [
            False,
            True,
            False,
        ]


@kinds
def test_without_a_validator_the_file_is_read_again_from_its_start(kind: Kind) -> None:
    for etag in (None, 'W/"weak"'):
        with serve(whole(SMALL, cut=120, etag=etag), whole(SMALL, etag=etag)) as server:
            assert read(kind, server).good == SMALL_IDS
            assert all("range" not in asked.headers for asked in server.results_asked)


@kinds
def test_a_date_long_past_is_a_validator_as_well(kind: Kind) -> None:
    dated = {"etag": None, "modified": "Sun, 01 Nov 2026 10:00:00 GMT"}
    with serve(whole(SMALL, cut=120, **dated), whole(SMALL, **dated)) as server:
        assert read(kind, server).good == SMALL_IDS
        assert server.results_asked[1].headers["if-range"] == dated["modified"]
    just_now = {"etag": None, "modified": "Sun, 01 Nov 2026 12:00:00 GMT"}
    with serve(whole(SMALL, cut=120, **just_now), whole(SMALL, **just_now)) as server:
        assert read(kind, server).good == SMALL_IDS
        assert "range" not in server.results_asked[1].headers


@pytest.mark.parametrize(
    "date", ["", "nonsense", "Sun, 99 Nov 99999 99:99:99 GMT", "Sun, 01 Nov 2026 12:00:00 -0000"]
)
def test_a_date_that_says_nothing_is_no_validator(date: str) -> None:
    assert validator({"last-modified": date, "date": "Sun, 01 Nov 2026 12:00:00 GMT"}) is None
    assert validator({"last-modified": "Sun, 01 Nov 2026 10:00:00 GMT", "date": date}) is None


@kinds
def test_a_range_that_can_not_be_satisfied_is_followed_by_the_whole_file(kind: Kind) -> None:
    with serve(whole(SMALL, cut=120), Answer(status=416), whole(SMALL)) as server:
        assert read(kind, server).good == SMALL_IDS


@kinds
def test_a_result_that_is_another_after_reconnecting_is_an_error_and_not_a_guess(kind: Kind) -> None:
    changed = lines_of([result("a", "other"), *(short(name) for name in "bcd")])
    with serve(whole(SMALL, cut=120), whole(changed, etag='"v2"')) as server:
        outcome = read(kind, server)
    assert isinstance(outcome.error, ResultsChangedError)
    assert outcome.error.custom_id == "a"
    assert outcome.ids == ["a", "b"]


@kinds
def test_a_result_that_is_gone_after_reconnecting_is_an_error(kind: Kind) -> None:
    others = lines_of(short(name) for name in "bcde")
    with serve(whole(SMALL, cut=120), whole(others, etag='"v2"')) as server:
        assert isinstance(read(kind, server).error, ResultsChangedError)


@kinds
def test_a_file_that_ends_short_twice_at_the_same_place_is_incomplete(kind: Kind) -> None:
    with serve(whole(SMALL), count=5) as server:
        outcome = read(kind, server)
        assert len(server.results_asked) == 2
    assert outcome.ids == SMALL_IDS
    assert isinstance(outcome.error, IncompleteResultsError)
    assert (outcome.error.lines_read, outcome.error.lines_expected) == (4, 5)


@kinds
def test_a_connection_lost_after_the_last_result_does_not_matter(kind: Kind) -> None:
    with serve(whole([*SMALL, b" "], cut=len(file_of(SMALL))), Answer(status=500)) as server:
        outcome = read(kind, server)
        assert len(server.results_asked) == 1
    assert outcome.good == SMALL_IDS


@kinds
def test_an_encoding_that_was_not_asked_for_is_an_error_that_names_it(kind: Kind) -> None:
    with serve(whole(SMALL, headers={"content-encoding": "br"})) as server:
        error = read(kind, server).error
    assert isinstance(error, ResultsFormatError)
    assert not isinstance(error, BrokenEncodingError)
    assert "br" in str(error)


@kinds
def test_a_deadline_is_for_all_of_the_reading(kind: Kind) -> None:
    with serve(whole(SMALL, cut=60), Answer(status=500), count=4) as server:
        outcome = read(kind, server, deadline=2.0, max_resumes=100)
    assert isinstance(outcome.error, IncompleteResultsError)
    assert sum(outcome.naps) < 10


@kinds
def test_a_result_that_came_twice_before_the_connection_was_lost_is_known_when_it_comes_again(
    kind: Kind,
) -> None:
    lines = lines_of(short(f"{number}") for number in range(5000))
    doubled = [*lines[:3000], lines[0], *lines[3000:]]
    cut = whole(doubled, cut=len(file_of(doubled[:4000])))
    with ResultsServer([cut, whole(reordered(lines), etag='"v2"')], 5000) as server:
        outcome = read(kind, server)
    assert len(set(outcome.ids)) == 5000
    assert isinstance(outcome.error, DuplicateResultsError)


def test_with_httpx2_it_is_the_same() -> None:
    httpx2 = pytest.importorskip("httpx2")
    answers = [whole(SMALL, cut=60), Answer(status=500), whole(SMALL)]
    with (
        serve(*answers) as server,
        httpx2.Client(verify=TLS, trust_env=False) as http,
        Client(base_url=server.url, api_key="any", http_client=http, _clock=Sleeps().clock) as client,
    ):
        stream = client.messages.batches.results(BATCH_ID)
        assert [item.custom_id for item in stream] == SMALL_IDS
        assert stream.resumes == 2


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_with_an_async_client_of_httpx2_it_is_the_same() -> None:
    httpx2 = pytest.importorskip("httpx2")
    answers = [whole(SMALL, cut=60), Answer(status=500), whole(SMALL)]
    with serve(*answers) as server:
        async with (
            httpx2.AsyncClient(verify=TLS, trust_env=False) as http,
            AsyncClient(
                base_url=server.url, api_key="any", http_client=http, _clock=Sleeps().clock
            ) as client,
        ):
            stream = client.messages.batches.results(BATCH_ID)
            assert [item.custom_id async for item in stream] == SMALL_IDS
            assert stream.resumes == 2
