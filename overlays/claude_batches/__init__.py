"""Unofficial Python SDK for Claude's Message Batches API.

    from claude_batches import Client

    client = Client()
    batch = client.messages.batches.create(requests=[{"custom_id": "a", "params": {...}}])
    client.messages.batches.wait(batch.id)
    for item in client.messages.batches.results(batch.id):
        ...

The import costs next to nothing: each name is imported when it is first used. The names are listed once, in the stub
`__init__.pyi` beside this file.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ._version import __version__ as __version__


def _modules() -> dict[str, tuple[str, str]]:
    """Return the module of each public name and the name there, as the stub imports it."""
    import re

    with open(f"{__file__.removesuffix('c')}i", encoding="utf-8") as stub:  # noqa: PTH123  # pathlib costs more
        text = stub.read()
    imports = re.findall(r"^from \.([\w.]*) import (?:\(\s*)?(\w+) as (\w+)", text, re.MULTILINE)
    return {public: (module or name, name) for module, name, public in imports}


def __getattr__(name: str) -> Any:
    if name.startswith("_") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    modules = globals().setdefault("_MODULES", _modules())
    if name == "__all__":
        return sorted({*modules, "__version__"})
    if name not in modules:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module_name, own_name = modules[name]
    module = import_module(f".{module_name}", __name__)
    value = globals()[name] = module if module_name == own_name else getattr(module, own_name)
    return value


def __dir__() -> list[str]:
    return list(__getattr__("__all__"))
