"""Typed answers: one schema for the API, and one check for each answer, for every kind of class."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import attrs
import msgspec
import pydantic
import pytest
from claude_batches.jobs._causes import Cause
from claude_batches.jobs._tables import (
    AnswerTypeError,
    UnparsableAnswerError,
    answer_type,
    check_answer,
    read_source,
)


class OfPydantic(pydantic.BaseModel):
    stars: Annotated[int, pydantic.Field(ge=1, le=5)]
    mood: Literal["good", "bad"] = "good"


class OfMsgspec(msgspec.Struct):
    stars: Annotated[int, msgspec.Meta(ge=1, le=5)]
    mood: Literal["good", "bad"] = "good"


@attrs.define
class OfAttrs:
    stars: int = attrs.field(validator=[attrs.validators.ge(1), attrs.validators.le(5)])
    mood: Literal["good", "bad"] = "good"


@dataclasses.dataclass
class OfDataclass:
    stars: Annotated[int, msgspec.Meta(ge=1, le=5)]
    mood: Literal["good", "bad"] = "good"


class OfTypedDict(TypedDict):
    stars: Annotated[int, msgspec.Meta(ge=1, le=5)]
    mood: NotRequired[Literal["good", "bad"]]


KINDS = [OfPydantic, OfMsgspec, OfAttrs, OfDataclass, OfTypedDict]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    return schema["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


@pytest.mark.parametrize("kind", KINDS)
def test_schema(kind: type) -> None:
    """The schema is closed, without limits that the API refuses; they are in the description."""
    schema = resolved(answer_type(kind).schema)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["stars"]
    stars = schema["properties"]["stars"]
    assert stars["type"] == "integer"
    assert stars.keys() <= {"type", "title", "description"}
    assert sorted(schema["properties"]["mood"]["enum"]) == ["bad", "good"]
    if kind is not OfAttrs:
        assert "minimum: 1" in stars["description"]


@pytest.mark.parametrize("kind", KINDS)
def test_parse(kind: type) -> None:
    """A good answer becomes a value of the class."""
    value = answer_type(kind).parse('{"stars": 4}')
    if kind is OfTypedDict:
        assert value == {"stars": 4}
    else:
        assert isinstance(value, kind)
        assert (value.stars, value.mood) == (4, "good")


BAD = [
    "",
    "stars: 4",
    "{}",
    '{"stars": "4"}',
    '{"stars": 9}',
    '{"stars": 4, "mood": "odd"}',
    "[4]",
    "null",
    "\ud800",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", BAD)
def test_unparsable(kind: type, text: str) -> None:
    """A bad answer is one error of ours, limits included."""
    if kind is OfPydantic and text == '{"stars": "4"}':
        return  # It takes numbers as text, unless a model is strict.
    with pytest.raises(UnparsableAnswerError) as caught:
        answer_type(kind).parse(text)
    assert str(caught.value)


def test_attrs_converters_run() -> None:
    """With cattrs installed, converters of attrs classes run."""

    @attrs.define
    class Shout:
        word: str = attrs.field(converter=str.upper)

    # Annotations of local classes are resolved by their module.
    attrs.resolve_types(Shout, {"str": str})
    assert answer_type(Shout).parse('{"word": "hey"}') == Shout("HEY")


@pytest.mark.parametrize("kind", [int, list[int], "Review", object, dict])
def test_not_an_output_type(kind: object) -> None:
    """Anything that is not a class with fields is refused at once."""
    with pytest.raises(AnswerTypeError):
        answer_type(kind)


def test_check() -> None:
    """Only finished answers are parsed; the others keep their cause."""
    answers = answer_type(OfMsgspec)

    def result(text: str, stop: str = "end_turn") -> dict[str, Any]:
        content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": text}]
        return {"type": "succeeded", "message": {"stop_reason": stop, "content": content}}

    assert check_answer(answers, result('{"stars": 2}')) == (Cause.SUCCEEDED, OfMsgspec(2), None)
    cause, value, error = check_answer(answers, result('{"stars": 7}'))
    assert (cause, value) == (Cause.UNPARSABLE, None)
    assert error is not None
    assert check_answer(answers, result('{"stars"', "max_tokens"))[0] is Cause.MAX_TOKENS
    assert check_answer(answers, {"type": "expired"}) == (Cause.EXPIRED, None, None)
    assert check_answer(answers, None)[0] is Cause.MISSING


def test_written_into_params() -> None:
    """The format is put beside other output settings."""
    params = {"model": "m", "max_tokens": 1, "messages": [], "output_config": {"effort": "low"}}
    (row,) = read_source([{"params": params}], output=OfDataclass)
    assert row.params["output_config"]["effort"] == "low"
    assert row.params["output_config"]["format"] == answer_type(OfDataclass).format


WITHOUT = """
import sys
for name in {missing!r}: sys.modules[name] = None
import dataclasses
from claude_batches import ClaudeBatchesError
from claude_batches.jobs._tables import answer_type, read_source, write
@dataclasses.dataclass
class Review: stars: int
try:
    {code}
except ClaudeBatchesError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("missing", "code", "said"),
    [
        (["msgspec", "pydantic"], "answer_type(Review)", "claude-batches[typed]"),
        (["msgspec"], "print(answer_type(Review).parse('{\"stars\": 1}'))", "Review(stars=1)"),
        (["pyarrow"], "write([])", "claude-batches[arrow]"),
        (["jinja2"], "read_source([], template='x', engine='jinja')", "claude-batches[templates]"),
    ],
)
def test_missing_packages(missing: list[str], code: str, said: str) -> None:
    """A missing package is an error that names its extra, unless another package replaces it."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing=missing, code=code)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said in done.stdout


def test_nothing_is_imported_early() -> None:
    """Importing tables and costs imports no package of an extra."""
    code = "import sys, claude_batches.jobs._tables, claude_batches.jobs._cost as c; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    extras = {
        "pyarrow",
        "msgspec",
        "cattrs",
        "pydantic",
        "jinja2",
        "genai_prices",
        "jsonschema_rs",
        "zstandard",
    }
    assert not extras & set(done.stdout.split())
