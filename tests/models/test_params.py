"""Dicts that are sent, as a program sees their types."""

from __future__ import annotations

import typing

import pytest
from claude_batches_api import params

from tests.wire import schemas

DICTS = sorted(name for name in params.__all__ if typing.is_typeddict(getattr(params, name)))
SCHEMAS = schemas()


def test_there_are_many() -> None:
    """The samples cover most types of params."""
    assert len([name for name in DICTS if name in SCHEMAS]) > 100


@pytest.mark.parametrize("name", DICTS)
def test_required_keys_are_those_of_the_spec(name: str) -> None:
    """`__required_keys__` and `__optional_keys__` are right at run time, and every annotation can be evaluated."""
    kind = getattr(params, name)
    schema = SCHEMAS.get(name)
    if schema is not None and "properties" in schema:
        assert kind.__required_keys__ == set(schema.get("required", ()))
        assert kind.__optional_keys__ == schema["properties"].keys() - kind.__required_keys__
    assert typing.get_type_hints(kind).keys() == kind.__annotations__.keys()
