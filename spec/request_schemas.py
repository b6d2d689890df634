"""Write the parts of the spec that check requests: `python spec/request_schemas.py`.

The sandbox, and jobs before they send, use an installed package, without the spec and without a YAML parser. So the
schemas of a request's params are kept beside each as JSON, without descriptions. A test fails if a file is out of date.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "spec" / "openapi.yaml"
PACKAGE = ROOT / "overlays" / "claude_batches"
#: The schemas that each file is made for; it has those that they refer to as well.
FILES = {
    PACKAGE / "sandbox" / "schemas.json": ("MessageCreateParamsNonStreaming", "MessageCountTokensParams"),
    PACKAGE / "jobs" / "_cost" / "schemas.json": ("MessageCreateParamsNonStreaming",),
}
PREFIX = "#/components/schemas/"
KEPT_EXTENSIONS = ("x-refused-since", "x-refused-in-batches")


def render(target: Path) -> str:
    """Return the content of a file."""
    schemas: dict[str, Any] = yaml.safe_load(SPEC.read_text(encoding="utf-8"))["components"]["schemas"]
    found: dict[str, Any] = {}
    waiting = list(FILES[target])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _compact(schemas[name])
            waiting += _references(found[name])
    return json.dumps({"$defs": dict(sorted(found.items()))}, separators=(",", ":"), sort_keys=True) + "\n"


def _compact(schema: Any, *, names: bool = False) -> Any:
    """Return a schema without its words; `names` is true for a mapping of property names."""
    if isinstance(schema, list):
        return [_compact(each) for each in schema]
    if not isinstance(schema, dict):
        return schema.replace(PREFIX, "#/$defs/") if isinstance(schema, str) else schema
    if names:
        return {name: _compact(inner) for name, inner in schema.items()}
    return {
        key: _compact(value, names=key in ("properties", "x-refused-in-batches"))
        for key, value in schema.items()
        if key in KEPT_EXTENSIONS
        or not (key.startswith("x-") or key in ("description", "example", "default", "deprecated"))
    }


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [name for each in value for name in _references(each)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"].removeprefix("#/$defs/")] if isinstance(value.get("$ref"), str) else []
    return own + [name for each in value.values() for name in _references(each)]


if __name__ == "__main__":
    for path in FILES:
        path.write_text(render(path), encoding="utf-8")
