"""Every result is returned once, for every failure of the connection."""

from __future__ import annotations

import gzip
import random
from typing import Any

import pytest
from claude_batches import (
    APIConnectionError,
    AsyncClient,
    AuthenticationError,
    BrokenEncodingError,
    Client,
    DuplicateResultsError,
    IncompleteResultsError,
    InternalServerError,
    ResultsChangedError,
    ResultsFormatError,
)
from claude_batches._results.resume import validator

from tests.results.lines import file_of, lines_of, reordered, result, short, some_lines
from tests.results.readers import KINDS, Kind, read
from tests.support.clients import TLS
from tests.support.clock import Sleeps
from tests.support.results import BATCH_ID, Answer, Encoding, ResultsServer, cut_places, whole

SMALL = lines_of(short(name) for name in "abcd")
SMALL_IDS = list("abcd")

kinds = pytest.mark.parametrize("kind", KINDS)


def serve(*answers: Answer, count: int = 4) -> ResultsServer:
    return ResultsServer(answers, count)


@kinds
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("ranges", [True, False], ids=["range", "no range"])
def test_a_cut_at_every_byte(kind: Kind, ranges: bool, framing: Any) -> None:
    """A cut at any byte loses and repeats nothing, and the rest is asked for."""
    for place in cut_places(SMALL, "identity"):
        with serve(
            whole(SMALL, cut=place, ranges=ranges, framing=framing), whole(SMALL, ranges=ranges)
        ) as server:
            outcome = read(kind, server)
            assert outcome.good == SMALL_IDS, place
            # After the last result, only its line break was missing.
            assert outcome.resumes == 1 or place >= len(file_of(SMALL)) - 1
            asked = [asked.headers.get("range") for asked in server.results_asked[1:]]
            assert asked in ([], ["bytes=0-"] if place else [None])


@kinds
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_cut_at_every_byte_of_a_compressed_file(kind: Kind, encoding: Encoding) -> None:
    """A cut at any byte of a compressed file loses nothing, and the rest is asked for without compression."""
    for place in cut_places(SMALL, encoding):
        first = whole(SMALL, encoding=encoding, cut=place, framing="close", etag='"compressed"')
        with serve(first, whole(SMALL, encoding=encoding)) as server:
            assert read(kind, server).good == SMALL_IDS, place
            for asked in server.results_asked[1:]:
                assert asked.headers["accept-encoding"] == "identity"


@kinds
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_cut_at_every_byte_and_another_order(kind: Kind, encoding: Encoding) -> None:
    """A file in another order after a cut loses and repeats nothing."""
    for place in cut_places(SMALL, encoding):
        first = whole(SMALL, cut=place, encoding=encoding)
        with serve(first, whole(reordered(SMALL, place), etag='"v2"', encoding=encoding)) as server:
            assert sorted(read(kind, server).good) == SMALL_IDS, place


@kinds
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("order", ["same", "other"])
@pytest.mark.parametrize("ranges", [True, False], ids=["range", "no range"])
def test_a_large_file_cut_again_and_again(kind: Kind, ranges: bool, order: str, encoding: Encoding) -> None:
    """A large file survives many cuts at random."""
    lines = some_lines(600)
    rng = random.Random(f"{kind} {ranges} {order} {encoding}")
    answers = []
    for attempt in range(12):
        now = lines if order == "same" else reordered(lines, attempt)
        # Later attempts come further, since a cut early on would bring no progress.
        cut = rng.randrange(attempt * 40_000, attempt * 40_000 + 200_000)
        etag = '"v1"' if order == "same" else f'"v{attempt}"'
        answers.append(whole(now, cut=cut, ranges=ranges, etag=etag, encoding=encoding, framing="chunked"))
    with serve(*answers, whole(lines, ranges=ranges, etag='"last"'), count=600) as server:
        outcome = read(kind, server, max_resumes=12)
    assert sorted(outcome.good, key=lambda name: int(name[2:])) == [f"r-{number}" for number in range(600)]
    assert outcome.resumes > 0


@kinds
def test_a_corrupt_compressed_file(kind: Kind) -> None:
    """A corrupt file is read again without compression, or raises if wrong results were returned."""
    told = 0
    for place in cut_places(SMALL, "gzip")[10:]:
        with serve(whole(SMALL, encoding="gzip", damage=place), whole(SMALL)) as server:
            outcome = read(kind, server)
        if isinstance(outcome.error, ResultsChangedError):
            # Wrong results were returned before the corruption was noticed.
            told += 1
        else:
            assert outcome.good == SMALL_IDS, place
            assert outcome.resumes == 1
    assert told < len(cut_places(SMALL, "gzip")) / 2


@kinds
@pytest.mark.parametrize("now", ["same", "other"])
def test_a_wrong_checksum_after_the_last_result(kind: Kind, now: str) -> None:
    """After a wrong checksum at the very end all returned results are compared with the plain file."""
    lines, size = SMALL, 0
    while size % 1000 not in range(1, 5):
        # The server sends chunks of 1000 bytes. The last one is to have nothing but the end of the gzip stream.
        lines = [
            *lines_of([result("a", random.Random(len(lines[0])).randbytes(400).hex() + "x" * len(lines[0]))]),
            *SMALL[1:],
        ]
        size = len(gzip.compress(file_of(lines)))
    first = whole(lines, encoding="gzip", damage=size - 1, framing="chunked")
    changed = [*lines[:3], *lines_of([result("d", "other")])]
    with serve(first, whole(lines if now == "same" else changed)) as server:
        outcome = read(kind, server)
        assert [asked.headers.get("range") for asked in server.results_asked] == [None, None]
    assert outcome.ids == SMALL_IDS
    if now == "same":
        assert outcome.error is None
    else:
        assert isinstance(outcome.error, ResultsChangedError)
        assert outcome.error.custom_id == "d"


@kinds
def test_a_short_plain_file_after_a_wrong_checksum(kind: Kind) -> None:
    """A plain file that ends before the results of a corrupt one does not confirm them."""
    lines, size = SMALL, 0
    while size % 1000 not in range(1, 5):
        lines = [
            *lines_of([result("a", random.Random(len(lines[0])).randbytes(400).hex() + "x" * len(lines[0]))]),
            *SMALL[1:],
        ]
        size = len(gzip.compress(file_of(lines)))
    first = whole(lines, encoding="gzip", damage=size - 1, framing="chunked")
    with serve(first, whole(lines[:3]), whole(lines[:3])) as server:
        outcome = read(kind, server)
    assert outcome.ids == SMALL_IDS
    assert isinstance(outcome.error, IncompleteResultsError)


@kinds
def test_silence_is_a_lost_connection(kind: Kind) -> None:
    """Silence longer than the timeout is resumed, and the connection is closed."""
    with serve(whole(SMALL, cut=60, stall=True), whole(SMALL)) as server:
        outcome = read(kind, server, timeout=0.5)
        assert outcome.good == SMALL_IDS
        assert outcome.resumes == 1
        assert server.hung_up.wait(5)


@kinds
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_temporary_errors_are_waited_out(kind: Kind, status: int) -> None:
    """A temporary error of the server while resuming is waited out."""
    with serve(whole(SMALL, cut=60), Answer(status=status), whole(SMALL)) as server:
        outcome = read(kind, server)
    assert outcome.good == SMALL_IDS
    assert outcome.resumes == 2


@kinds
def test_waits_grow_and_obey_retry_after(kind: Kind) -> None:
    """Waits double, and obey `retry-after` up to a minute."""
    busy = Answer(status=429, headers={"retry-after": "7"})
    rude = Answer(status=429, headers={"retry-after": "86400"})
    with serve(whole(SMALL, cut=60), Answer(status=500), busy, rude, whole(SMALL)) as server:
        outcome = read(kind, server)
    assert outcome.good == SMALL_IDS
    assert outcome.sleeps == [0.4375, 0.875, 7, 60]


@kinds
def test_permanent_errors_end_reading(kind: Kind) -> None:
    """A permanent error is the cause of an IncompleteResultsError at once."""
    with serve(whole(SMALL, cut=60), Answer(status=401)) as server:
        outcome = read(kind, server)
        assert len(server.results_asked) == 2
    assert isinstance(outcome.error, IncompleteResultsError)
    assert isinstance(outcome.error.__cause__, AuthenticationError)
    assert outcome.ids == ["a"]


@kinds
def test_the_first_request_fails_as_any_other(kind: Kind) -> None:
    """A failure before the first byte is raised as it is."""
    with serve(Answer(status=500)) as server:
        assert isinstance(read(kind, server).error, InternalServerError)
        assert len(server.results_asked) == 1


@kinds
def test_failures_in_a_row_are_limited(kind: Kind) -> None:
    """Failures without progress end reading after `max_resumes`, and the last one is the cause."""
    with serve(whole(SMALL, cut=60, ranges=False)) as server:
        outcome = read(kind, server, max_resumes=3)
        assert len(server.results_asked) == 4
    assert outcome.ids == ["a"]
    assert isinstance(outcome.error, IncompleteResultsError)
    assert isinstance(outcome.error.__cause__, APIConnectionError)
    assert (outcome.error.lines_read, outcome.error.lines_expected) == (1, 4)


@kinds
def test_a_rest_that_never_grows_is_limited(kind: Kind) -> None:
    """Responses that end within the overlap bring no progress."""
    lines = some_lines(10)
    with serve(whole(lines, cut=1000), count=10) as server:
        outcome = read(kind, server, max_resumes=3)
    assert isinstance(outcome.error, IncompleteResultsError)
    # The first response, and the later ones whose first 1024 bytes are known already.
    assert outcome.bytes_read <= 5000


@kinds
def test_no_resumes_means_none(kind: Kind) -> None:
    """With `max_resumes=0` the first failure ends reading."""
    with serve(whole(SMALL, cut=60), whole(SMALL)) as server:
        outcome = read(kind, server, max_resumes=0)
        assert len(server.results_asked) == 1
    assert outcome.ids == ["a"]
    assert isinstance(outcome.error, IncompleteResultsError)


@kinds
def test_progress_resets_the_count(kind: Kind) -> None:
    """Each new byte resets the count of failures."""
    lines = lines_of(result(f"{number}", "x" * 3000) for number in range(30))
    with serve(whole(lines, cut=2048), count=30) as server:
        outcome = read(kind, server, max_resumes=1)
        asked = [int(asked.headers["range"][6:-1]) for asked in server.results_asked[1:]]
    assert len(outcome.good) == 30
    assert asked == [1024 * number for number in range(1, len(asked) + 1)]


@kinds
@pytest.mark.parametrize("ranges", [True, False], ids=["range", "no range"])
def test_long_lines_over_dying_connections(kind: Kind, ranges: bool) -> None:
    """Lines of a megabyte arrive over connections that die every 450 KB, if the rest can be asked for."""
    lines = lines_of(result(name, "x" * 1_000_000) for name in "abc")
    with serve(whole(lines, cut=450_000, ranges=ranges), count=3) as server:
        outcome = read(kind, server, max_resumes=2)
    if ranges:
        assert outcome.good == list("abc")
    else:
        assert isinstance(outcome.error, IncompleteResultsError)
        assert outcome.resumes == 2


@kinds
def test_long_lines_over_responses_that_end_early(kind: Kind) -> None:
    """Lines of a megabyte arrive over responses that end cleanly after 450 KB."""
    lines = lines_of(result(name, "x" * 1_000_000) for name in "ab")
    with serve(whole(lines, cut=450_000, framing="close"), count=2) as server:
        assert read(kind, server, max_resumes=1).good == list("ab")


@kinds
def test_a_cut_in_the_first_line_after_a_resume(kind: Kind) -> None:
    """A second cut within the same line continues from there."""
    lines = lines_of(result(name, "x" * 30_000) for name in "abcd")
    answers = [whole(lines, cut=75_000), whole(lines, cut=10_000), whole(lines)]
    with serve(*answers) as server:
        assert read(kind, server).good == list("abcd")
        starts = [asked.headers.get("range") for asked in server.results_asked]
    assert starts == [None, f"bytes={75_000 - 1024}-", f"bytes={85_000 - 2048}-"]


@kinds
@pytest.mark.parametrize(
    "headers",
    [
        {"content-range": "bytes 7-9/200"},
        {"content-range": "bytes */200"},
        {"content-range": "nonsense"},
        {"content-range": f"bytes {'9' * 5000}-0/*"},
        {"etag": '"v2"'},
        {"etag": 'W/"v1"'},
        {"content-encoding": "gzip"},
    ],
    ids=["other start", "no range", "nonsense", "huge number", "other version", "weak version", "encoded"],
)
def test_a_206_of_another_file_is_refused(kind: Kind, headers: dict[str, str]) -> None:
    """A 206 with headers of another range or file is followed by a request for the whole."""
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
def test_a_206_with_other_bytes_is_refused(kind: Kind) -> None:
    """A 206 with the right headers and other bytes is followed by a request for the whole."""
    shifted = Answer(b"x" * 3 + file_of(SMALL)[:-3])
    with serve(whole(SMALL, cut=120), shifted, whole(SMALL)) as server:
        assert read(kind, server).good == SMALL_IDS
        assert [asked.headers.get("range") is not None for asked in server.results_asked] == [
            False,
            True,
            False,
        ]


@kinds
def test_without_a_validator_the_whole_is_read(kind: Kind) -> None:
    """Without a strong validator the whole file is read again."""
    for etag in (None, 'W/"weak"'):
        with serve(whole(SMALL, cut=120, etag=etag), whole(SMALL, etag=etag)) as server:
            assert read(kind, server).good == SMALL_IDS
            assert all("range" not in asked.headers for asked in server.results_asked)


@kinds
def test_an_old_date_is_a_validator(kind: Kind) -> None:
    """A `last-modified` is a validator if it is old enough."""
    dated = {"etag": None, "modified": "Sun, 01 Nov 2026 10:00:00 GMT"}
    with serve(whole(SMALL, cut=120, **dated), whole(SMALL, **dated)) as server:
        assert read(kind, server).good == SMALL_IDS
        assert server.results_asked[1].headers["if-range"] == dated["modified"]
    just_now = {"etag": None, "modified": "Sun, 01 Nov 2026 12:00:00 GMT"}
    with serve(whole(SMALL, cut=120, **just_now), whole(SMALL, **just_now)) as server:
        assert read(kind, server).good == SMALL_IDS
        assert "range" not in server.results_asked[1].headers


@pytest.mark.parametrize("date", ["", "nonsense", "Sun, 99 Nov 99999 99:99:99 GMT"])
def test_unreadable_dates_are_not_validators(date: str) -> None:
    """Unreadable dates are not validators."""
    assert validator({"last-modified": date, "date": "Sun, 01 Nov 2026 12:00:00 GMT"}) is None
    assert validator({"last-modified": "Sun, 01 Nov 2026 10:00:00 GMT", "date": date}) is None


@kinds
@pytest.mark.parametrize("status", [412, 416])
def test_a_refused_range_reads_the_whole(kind: Kind, status: int) -> None:
    """A 412 or 416 is followed by a request for the whole."""
    with serve(whole(SMALL, cut=120), Answer(status=status), whole(SMALL)) as server:
        assert read(kind, server).good == SMALL_IDS


@kinds
def test_a_changed_result_is_an_error(kind: Kind) -> None:
    """Another result for a returned custom_id raises."""
    changed = lines_of([result("a", "other"), *(short(name) for name in "bcd")])
    with serve(whole(SMALL, cut=120), whole(changed, etag='"v2"')) as server:
        outcome = read(kind, server)
    assert isinstance(outcome.error, ResultsChangedError)
    assert outcome.error.custom_id == "a"
    assert outcome.ids == ["a", "b"]


@kinds
def test_a_lost_result_is_an_error(kind: Kind) -> None:
    """A returned result that is missing afterwards raises."""
    others = lines_of(short(name) for name in "bcde")
    with serve(whole(SMALL, cut=120), whole(others, etag='"v2"')) as server:
        assert isinstance(read(kind, server).error, ResultsChangedError)


@kinds
def test_the_same_short_end_twice(kind: Kind) -> None:
    """A file that ends at the same place twice is incomplete."""
    with serve(whole(SMALL), count=5) as server:
        outcome = read(kind, server)
        assert len(server.results_asked) == 2
    assert outcome.ids == SMALL_IDS
    assert isinstance(outcome.error, IncompleteResultsError)
    assert (outcome.error.lines_read, outcome.error.lines_expected) == (4, 5)


@kinds
def test_a_cut_after_the_last_result(kind: Kind) -> None:
    """A connection lost after the last result does not matter."""
    with serve(whole([*SMALL, b" "], cut=len(file_of(SMALL))), Answer(status=500)) as server:
        outcome = read(kind, server)
        assert len(server.results_asked) == 1
    assert outcome.good == SMALL_IDS


@kinds
def test_other_encodings_are_named(kind: Kind) -> None:
    """An encoding that was not requested raises and is named."""
    with serve(whole(SMALL, headers={"content-encoding": "br"})) as server:
        error = read(kind, server).error
    assert isinstance(error, ResultsFormatError)
    assert not isinstance(error, BrokenEncodingError)
    assert "br" in str(error)


@kinds
def test_a_deadline_covers_all_reading(kind: Kind) -> None:
    """The deadline covers all requests together."""
    with serve(whole(SMALL, cut=60), Answer(status=500), count=4) as server:
        outcome = read(kind, server, deadline=2.0, max_resumes=100)
    assert isinstance(outcome.error, IncompleteResultsError)
    assert sum(outcome.sleeps) < 10


@kinds
def test_a_repeated_result_before_a_cut(
    kind: Kind,
) -> None:
    """A repeated result is known again in another order, and raises at the end."""
    lines = lines_of(short(f"{number}") for number in range(5000))
    doubled = [*lines[:3000], lines[0], *lines[3000:]]
    cut = whole(doubled, cut=len(file_of(doubled[:4000])))
    with ResultsServer([cut, whole(reordered(lines), etag='"v2"')], 5000) as server:
        outcome = read(kind, server)
    assert len(set(outcome.ids)) == 5000
    assert isinstance(outcome.error, DuplicateResultsError)


def test_httpx2_resumes_as_well() -> None:
    """A client of httpx2 resumes."""
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
async def test_async_httpx2_resumes_as_well() -> None:
    """An async client of httpx2 resumes."""
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
