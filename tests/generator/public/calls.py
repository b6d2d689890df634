"""Arguments for a generated method, and a comparison of its result with its return type."""

from __future__ import annotations

import builtins
import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import cached_property
from importlib import import_module
from typing import Any

import claude_batches
import httpx

from tests.generator.public.documents import Operation
from tests.generator.public.values import Values

#: The argument for a whole body.
BODIES = (["body"], ["request_body"])


def arguments(operation: Operation, method: Callable[..., Any], values: Values, body: Any) -> dict[str, Any]:
    """A value for each parameter of an operation, and its body, under the names that a method has for them."""
    # The first of several media types is the default.
    others = {"options", "content_type"} if len(operation.bodies) > 1 else {"options"}
    free = [name for name in inspect.signature(method).parameters if name not in others]
    found: dict[str, Any] = {}

    def give(key: str, where: str, value: Any) -> None:
        name = _argument(key, where, free)
        free.remove(name)
        found[name] = value

    for each in operation.parameters:
        if not is_length(each):
            give(each["name"], each["in"], values.of(each.get("schema", {})))
    if body is None:
        return found
    if free in BODIES and not (operation.body_required and isinstance(body, dict) and [*body] == free):
        return found | {free[0]: body}
    described = values.merged(next(iter(operation.bodies.values())))["properties"]
    for key in body.keys() & described.keys():
        give(key, "body", body[key])
    return found | {"extra_body": {key: body[key] for key in body.keys() - described.keys()}}


def body_of(operation: Operation, values: Values) -> Any:
    """A body, as the first of its media types has it; `None` where there is none."""
    for media_type, schema in operation.bodies.items():
        return values.of(schema) if _has_structure(media_type) else b"ABC"
    return None


def is_length(parameter: dict[str, Any]) -> bool:
    """Return true if it is the length of the body, which the sender of the body adds."""
    return bool(parameter["name"].lower() == "content-length")


def lost(operation: Operation, values: Values, body: Any, request: httpx.Request) -> list[str]:
    """The parameters that a request lacks, and `body` if it has another one."""
    query = {key.partition("[")[0] for key in request.url.params}
    found = []
    for each in operation.parameters:
        name, value = each["name"], values.of(each.get("schema", {}))
        # The keys of an object are parameters of their own, unless the style says otherwise.
        flat = isinstance(value, dict) and each.get("style", "form") == "form" and each.get("explode", True)
        keys = {key.partition("[")[0] for key in (value if flat else [name])}
        in_query = each["in"] == "query" and not keys <= query
        in_header = each["in"] == "header" and name not in request.headers and not is_length(each)
        if in_query or in_header:
            found.append(name)
    is_json = request.headers.get("content-type", "").endswith("json")
    return [*found, "body"] if is_json and json.loads(request.content) != body else found


def _argument(key: str, where: str, names: list[str]) -> str:
    """The name that Python has for one of a document, found by nothing but letters and digits."""
    wanted = letters(key)
    for candidate in (wanted, f"{wanted}{where}", f"field{wanted}"):
        for name in names:
            if letters(name) == candidate:
                return name
    raise AssertionError(f"there is no argument for {key} in {where}, only {', '.join(names)}")


def letters(name: str) -> str:
    """Return a name without its differences from a Python name."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _has_structure(media_type: str) -> bool:
    bare = media_type.partition(";")[0]
    return bare.endswith(("json", "*/*", "x-www-form-urlencoded", "form-data")) or bare.startswith("text/")


class Types:
    """The types that a generated package promises."""

    def __init__(self, package: str) -> None:
        self._models = import_module(f"{package}.models")
        self._model = import_module(f"{package}.model")
        self._names = {
            **vars(typing),
            "Mapping": Mapping,
            "datetime": datetime,
            "date": date,
            "_builtins": builtins,
            "_models": self._models,
            "_model": self._model,
            "_client": claude_batches,
        }
        self._fields: dict[type, dict[str, Any]] = {}

    def returned_by(self, method: Callable[..., Any]) -> Any:
        """Return the annotated result of a method."""
        return eval(method.__annotations__["return"], dict(self._names))

    def misfit(self, value: Any, wanted: Any, place: str = "") -> str | None:
        """Return the place of a value of a wrong type; `None` if all types are right."""
        origin, members = typing.get_origin(wanted), typing.get_args(wanted)
        if wanted is Any:
            return None
        if origin in (typing.Union, types.UnionType):
            misfits = [self.misfit(value, member, place) for member in members]
            # The intended member is the one that fits furthest.
            return None if None in misfits else max(misfits, key=lambda each: (each or "").find(":"))
        if origin is typing.Literal:
            return None if value in members else f"{place}: is none of {members}"
        if origin is list and isinstance(value, list):
            return self._first((item, members[0], f"{place}[]") for item in value)
        if origin is dict and isinstance(value, dict):
            return self._first((item, members[1], f"{place}[{key}]") for key, item in value.items())
        if isinstance(value, self._model.Model) and type(value) is wanted:
            return self._first(
                (getattr(value, name), hint, f"{place}.{name}")
                for name, hint in self._fields_of(wanted).items()
                if name not in _absent(value)
            )
        kind: Any = {None: types.NoneType, float: (int, float)}.get(wanted, origin or wanted)
        return None if isinstance(value, kind) else f"{place}: {type(value).__name__} is no {wanted}"

    def _first(self, parts: Iterable[tuple[Any, Any, str]]) -> str | None:
        return next((found for part in parts if (found := self.misfit(*part))), None)

    def _fields_of(self, model: type) -> dict[str, Any]:
        if model not in self._fields:
            hints = typing.get_type_hints(model, None, {**self._names, **self._types})
            self._fields[model] = {name: hints[name] for name in model._fields.names}  # type: ignore[attr-defined]
        return self._fields[model]

    @cached_property
    def _types(self) -> dict[str, Any]:
        # Type checkers use the type declared in a module; at run time, `models` omits null.
        modules: dict[str, str] = self._models._MODULES
        return {
            name: vars(import_module(f"{self._models.__name__}.{module}")).get(name)
            or getattr(self._models, name)
            for name, module in modules.items()
        }


def _absent(model: Any) -> set[str]:
    """Absent fields read `None`, even if the document requires them."""
    fields = model._fields
    return {
        name
        for name, key in zip(fields.names, fields.keys, strict=True)
        if key in getattr(model, "_absent", ())
    }
