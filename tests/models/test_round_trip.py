"""Every response of the API is read without loss, and no value breaks a reader."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from claude_batches_api import models
from claude_batches_api.model import Model, Unknown
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wire import any_json, schemas, wire

MODELS = sorted(
    name for name in models.__all__ if isinstance(getattr(models, name), type) and name in schemas()
)
UNIONS = sorted(
    name for name, schema in schemas().items() if "discriminator" in schema and name in models.__all__
)

generous = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def read_all(value: Any) -> Any:
    """Read every field of every model in `value`."""
    if isinstance(value, Model):
        return {name: read_all(getattr(value, name)) for name in value._fields.names}
    if isinstance(value, list):
        return [read_all(item) for item in value]
    return value


def test_every_received_schema_has_a_model() -> None:
    """Each object that the spec describes for receiving is a class here, so the tests below miss none."""
    assert len(MODELS) >= 75
    assert {"MessageBatch", "Message", "MessageBatchIndividualResponse", "ErrorResponse", "Usage"} <= set(
        MODELS
    )


@pytest.mark.parametrize("name", MODELS)
@generous
@given(data=st.data())
def test_to_dict_gives_back_what_came(name: str, data: st.DataObject) -> None:
    """JSON by the spec, with fields of tomorrow in it, comes out of to_dict() as it went in: read or unread."""
    sent = data.draw(wire(name))
    kept = json.loads(json.dumps(sent))
    unread = getattr(models, name).from_dict(sent)
    assert unread.to_dict() == kept
    read = getattr(models, name).from_dict(copy.deepcopy(kept))
    read_all(read)
    assert read.to_dict() == kept
    assert read == unread


@pytest.mark.parametrize("name", MODELS)
@generous
@given(data=st.data())
def test_anything_can_be_read(name: str, data: st.DataObject) -> None:
    """Missing fields, fields of another type and unknown fields are read unchanged, and nothing is lost."""
    keys = st.sampled_from([*schemas()[name]["properties"], "unheard_of"])
    sent = data.draw(st.dictionaries(keys, any_json()))
    instance = getattr(models, name).from_dict(copy.deepcopy(sent))
    read_all(instance)
    repr(instance)
    assert instance.to_dict() == sent


@pytest.mark.parametrize("name", UNIONS)
def test_each_tag_finds_its_model(name: str) -> None:
    """A union decodes to the model that the spec maps the tag to, and to no other."""
    schema = schemas()[name]
    decode = models.find(name).resolve()
    tag = schema["discriminator"]["propertyName"]
    for value, target in schema["discriminator"]["mapping"].items():
        assert type(decode({tag: value})).__name__ == target.rpartition("/")[2]


@pytest.mark.parametrize("name", UNIONS)
@generous
@given(value=st.text(max_size=12), rest=st.dictionaries(st.text(max_size=5), any_json(), max_size=3))
def test_an_unknown_tag_is_unknown(name: str, value: str, rest: dict[str, Any]) -> None:
    """A member that the spec doesn't know yet is `Unknown`, with its type and its raw JSON: never a wrong model."""
    discriminator = schemas()[name]["discriminator"]
    if value in discriminator["mapping"]:
        return
    sent = {**rest, discriminator["propertyName"]: value}
    decoded = models.find(name).resolve()(sent)
    assert isinstance(decoded, Unknown)
    assert decoded.type == value
    assert decoded.to_dict() == sent


@pytest.mark.parametrize("name", UNIONS)
@pytest.mark.parametrize(
    "odd", [None, "text", 3, [], ["a"], {}, {"type": None}, {"type": ["text"]}, {"type": {}}]
)
def test_what_has_no_tag_is_handed_on(name: str, odd: object) -> None:
    """An object without a usable tag is `Unknown`, and any other value is returned unchanged."""
    decoded = models.find(name).resolve()(odd)
    assert isinstance(decoded, Unknown) if isinstance(odd, dict) else decoded == odd


@pytest.mark.parametrize("name", MODELS)
@generous
@given(data=st.data())
def test_models_pickle_copy_and_compare(name: str, data: st.DataObject) -> None:
    """A model that went through pickle, copy or deepcopy is equal to itself, and still gives its JSON."""
    sent = data.draw(wire(name))
    instance = getattr(models, name).from_dict(copy.deepcopy(sent))
    for twin in (pickle.loads(pickle.dumps(instance)), copy.copy(instance), copy.deepcopy(instance)):
        assert twin == instance
        assert twin.to_dict() == sent
    other = getattr(models, name).from_dict({**sent, "unheard_of": 1})
    assert other != instance
