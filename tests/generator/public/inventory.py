"""Import each module of a package and print its content as JSON: a program, run with `python -W error`."""

from __future__ import annotations

import inspect
import json
import pkgutil
import sys
from importlib import import_module
from types import ModuleType
from typing import Any


def inventory(name: str) -> dict[str, Any]:
    """The content of a generated package."""
    package = import_module(name)
    modules = [
        import_module(each.name) for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]
    resource = import_module(f"{name}.resource")
    operations = [each for each in modules if each.__name__.startswith(f"{name}.operations.")]
    classes = {
        value
        for each in modules
        for value in vars(each).values()
        if inspect.isclass(value) and value.__module__.startswith(f"{name}.resources.")
    }
    return {
        "operations": [
            [value.method, value.path, value.name]
            for each in operations
            for value in vars(each).values()
            if type(value).__name__ == "Operation"
        ],
        "functions": sum(len(_functions(each)) for each in operations),
        "methods": sum(len(_functions(each)) for each in classes if issubclass(each, resource.SyncResource)),
        "async_methods": sum(
            len(_functions(each)) for each in classes if issubclass(each, resource.AsyncResource)
        ),
        "types": sorted(
            {*import_module(f"{name}.models")._MODULES, *import_module(f"{name}.params")._MODULES}
        ),
    }


def _functions(holder: ModuleType | type) -> list[str]:
    return [key for key, value in vars(holder).items() if inspect.isfunction(value) and key[0] != "_"]


if __name__ == "__main__":
    print(json.dumps(inventory(sys.argv[1])))
