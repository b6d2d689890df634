"""The helpers of the official package's tests that are used here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from claude_batches import Omit


def assert_matches_type(type_: Any, value: Any, *, path: list[str]) -> None:
    """Check that a value is a model or a page of a type, and survives a round trip through JSON."""
    origin = get_origin(type_) or type_
    assert isinstance(value, origin), path
    if origin is not type_:
        [item_type] = get_args(type_)
        assert value.data
        for item in value.data:
            assert_matches_type(item_type, item, path=path)
        return
    assert origin.from_dict(value.to_dict()) == value
    assert all(getattr(value, name) is not None for name in ("id", "type") if hasattr(value, name))


@contextlib.contextmanager
def update_env(**new: str | Omit) -> Iterator[None]:
    """Change environment variables for the length of a `with` block."""
    old = dict(os.environ)
    try:
        for name, value in new.items():
            if isinstance(value, str):
                os.environ[name] = value
            else:
                os.environ.pop(name, None)
        yield
    finally:
        os.environ.clear()
        os.environ.update(old)
