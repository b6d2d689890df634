"""The splitter of create bodies, for any cut of a body into chunks."""

import orjson
import pytest
from claude_batches.sandbox._errors import ApiError
from claude_batches.sandbox._ingest import RequestSplitter
from hypothesis import given
from hypothesis import strategies as st

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1000, 1000)
    | st.text(st.sampled_from('ab"\\{}[],:\n é'), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\{]a', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def split(body: bytes, size: int) -> list[object]:
    splitter = RequestSplitter()
    elements = [
        orjson.loads(element)
        for start in range(0, len(body), size)
        for element in splitter.feed(body[start : start + size])
    ]
    splitter.close()
    return elements


@given(st.lists(json_values, max_size=5), st.booleans(), st.integers(1, 40))
def test_elements_survive_any_cut(values, spaced, size):
    """The elements are the same, however the body is cut into chunks."""
    body = orjson.dumps({"requests": values}, option=orjson.OPT_INDENT_2 if spaced else None)
    assert split(body, size) == values


@given(st.binary(max_size=30) | st.text('{}[]",:requests ', max_size=30).map(str.encode), st.integers(1, 5))
def test_any_body_is_split_or_refused(body, size):
    """Random bytes never raise anything but a refusal."""
    try:
        split(body, size)
    except (ApiError, orjson.JSONDecodeError):
        return
    assert list(orjson.loads(body)) == ["requests"]


def test_small_pieces_take_linear_time():
    """An element of 4 MB in pieces of 1 KB is split at once."""
    text = b'"' + b"x" * 4_000_000 + b'"'
    splitter = RequestSplitter()
    found: list[bytes] = []
    for piece in [b'{"requests":[{"a":', *(text[at : at + 1000] for at in range(0, len(text), 1000)), b"}]}"]:
        found += splitter.feed(piece)
    splitter.close()
    assert found == [b'{"a":' + text + b"}"]


@pytest.mark.parametrize(
    "body", ['{"requests":[1,]}', '{"requests":[1 2]}', '{"requests":[1],}', '{"requests":[]}}']
)
def test_misplaced_punctuation_is_refused(body: str):
    """Commas and brackets out of place are errors."""
    with pytest.raises((ApiError, orjson.JSONDecodeError)):
        split(body.encode(), 100)
