"""The results as a file over HTTP."""

import gzip

import httpx
import pytest
from claude_batches.sandbox._errors import ApiError
from claude_batches.sandbox._results import accepts_gzip, parse_range

from tests.sandbox.calls import BATCHES, Caller


@pytest.fixture
def url(instant: Caller) -> str:
    """The results of a batch that take several slices to make."""
    batch = instant.create(*(f"request {number}" for number in range(700)))
    found: str = instant.retrieve(batch["id"])["results_url"]
    return found


def plain(caller: Caller, url: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.http.get(url, headers={"accept-encoding": "identity", **named})


@pytest.mark.parametrize("read_before", [False, True])
def test_a_range_is_a_part_of_the_file(instant: Caller, url: str, read_before: bool):
    """Ranges together are the whole file, read before or not."""
    if read_before:
        plain(instant, url)
    parts = [
        plain(instant, url, range=f"bytes={start}-{start + 49_999}") for start in range(0, 250_000, 50_000)
    ]
    rest = plain(instant, url, range="bytes=250000-")
    whole = plain(instant, url).content
    assert len(whole) > 300_000
    assert b"".join(part.content for part in [*parts, rest]) == whole
    assert {part.status_code for part in [*parts, rest]} == {206}
    assert parts[1].headers["content-range"] == f"bytes 50000-99999/{len(whole)}"
    assert plain(instant, url, range="bytes=-10").content == whole[-10:]


def test_a_range_after_the_end_is_refused(instant: Caller, url: str):
    """It is answered with 416 and the size."""
    size = len(plain(instant, url).content)
    response = plain(instant, url, range=f"bytes={size}-")
    assert (response.status_code, response.headers["content-range"]) == (416, f"bytes */{size}")
    assert response.json()["type"] == "error"


def test_if_range_compares_the_tag(instant: Caller, url: str):
    """Another tag gets the whole file."""
    tag = plain(instant, url).headers["etag"]
    assert plain(instant, url, range="bytes=10-", if_range=tag).status_code == 206
    assert plain(instant, url, range="bytes=10-", if_range='"another"').status_code == 200


def test_gzipped_results_have_a_weak_tag(instant: Caller, url: str):
    """The content is the same, and the tag does not match an If-Range."""
    with instant.http.stream("GET", url, headers={"accept-encoding": "gzip"}) as response:
        packed = b"".join(response.iter_raw())
    whole = plain(instant, url)
    assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == whole.content
    assert response.headers["etag"] == f"W/{whole.headers['etag']}"
    assert plain(instant, url, range="bytes=10-", if_range=response.headers["etag"]).status_code == 200


def test_results_are_json_lines(instant: Caller, url: str):
    """Each result is a line, the last one included."""
    response = plain(instant, url)
    assert response.headers["content-type"] == "application/x-jsonl"
    assert response.content.count(b"\n") == 700
    assert response.content.endswith(b"}\n")


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("*", True),
        ("identity", False),
    ],
)
def test_accept_encoding_is_parsed(header: str, accepted: bool):
    """gzip is used where the header allows it."""
    assert accepts_gzip(header) is accepted


@pytest.mark.parametrize("header", ["bytes=5-4", "bytes=100-", "bytes=-0", "bytes=-"])
def test_an_empty_range_is_refused(header: str):
    """A range without a byte raises the API's error."""
    with pytest.raises(ApiError):
        parse_range(header, 100)


def test_results_need_a_key(instant: Caller, url: str):
    """Without a key the answer is 401."""
    assert httpx.get(url).status_code == 401
    assert BATCHES in url
