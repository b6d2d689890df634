"""The component schemas: the kind of each, the directions in which its values go, and the names of its types."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Any, Literal

import attrs

from ..load.document import Document
from ..load.errors import DocumentError
from ..load.pointers import Json, pointer
from ..load.schemas import flat_members, holders_of, is_object, key_of, within
from ..names import class_name, free_name, module_name, told_apart

Kind = Literal["object", "union", "alias"]


class Direction(Enum):
    """The direction of a value."""

    RECEIVED = auto()
    SENT = auto()


@attrs.define
class Component:
    """A component schema, and the names of its types."""

    key: str
    name: str
    schema: Json
    kind: Kind = "alias"
    """An object with fields, a union of such objects, or an alias of any other type."""
    received: bool = False
    sent: bool = False
    sent_name: str = ""
    recursive: bool = False
    """True for an alias that leads back to itself through other aliases alone."""

    def type_name(self, direction: Direction) -> str:
        """Return the name of its type in one direction."""
        return self.name if direction is Direction.RECEIVED else self.sent_name


Components = dict[str, Component]


def make_components(document: Document) -> Components:
    """Return the components of a document by key.

    Raises:
        DocumentError: An extension names a component that does not exist.
    """
    names = _class_names(document)
    components = {key: Component(key, names[key], schema) for key, schema in document.schemas.items()}
    _find_kinds(components)
    _find_directions(document, components)
    _find_cycles(components)
    _name_what_is_sent(components)
    return components


def _class_names(document: Document) -> dict[str, str]:
    """Return the class of each key. Of those that share a name (`Boolean`, `boolean`), all but one are numbered."""
    named = told_apart([(key, class_name(key)) for key in document.schemas], separator="")
    names: dict[str, str] = {}
    for key, (name, owner) in zip(document.schemas, named, strict=True):
        names[key] = name
        if owner != key:
            said = f"schema {owner!r} has the same name in Python; this is {name}"
            document.note(document.place_of(key), said)
    return names


def _find_kinds(components: Components) -> None:
    for component in components.values():
        if is_object(component.schema):
            component.kind = "object"
    changed = True
    while changed:
        changed = False
        for component in components.values():
            members = flat_members(component.schema) if component.kind == "alias" else []
            targets = [components.get(key_of(member) or "") for member in members]
            if len(members) > 1 and all(target is not None and target.kind != "alias" for target in targets):
                component.kind = "union"
                changed = True


def _find_directions(document: Document, components: Components) -> None:
    """Find the directions of each component. Components that no operation reaches count as received."""

    def receive(component: Component) -> bool:
        fresh, component.received = not component.received, True
        return fresh

    def send(component: Component) -> bool:
        fresh, component.sent = not component.sent, True
        return fresh

    def mark(schema: object, is_fresh: Callable[[Component], bool]) -> None:
        todo = [schema]
        while todo:
            for key in references_in(todo.pop()):
                if is_fresh(components[key]):
                    todo.append(components[key].schema)  # noqa: PERF401  # it is being read from

    for path, method, operation in document.operations():
        for place, holder in holders_of(operation, pointer("paths", path, method)):
            mark(holder.get("schema"), receive if "/responses/" in place else send)
    for component in components.values():
        if not component.received and not component.sent:
            receive(component)
            mark(component.schema, receive)
    for component in components.values():
        accepted = component.schema.get("x-also-accepts")
        if component.sent and accepted is not None:
            if accepted not in components:
                raise DocumentError(
                    f"x-also-accepts names {accepted!r}, which is not a component",
                    place=document.place_of(component.key, "x-also-accepts"),
                )
            if receive(components[accepted]):
                mark(components[accepted].schema, receive)


def references_in(schema: object) -> Iterator[str]:
    """Yield the keys of the components that a schema refers to."""
    for _, each in within(schema, ""):
        key = key_of(each)
        if key is not None:
            yield key


def _find_cycles(components: Components) -> None:
    """Find the aliases that lead back to themselves, such as the type of any JSON value."""
    edges = {
        component.key: [key for key in references_in(component.schema) if components[key].kind != "object"]
        for component in components.values()
        if component.kind != "object"
    }
    for group in connected(edges):
        if len(group) > 1 or group[0] in edges[group[0]]:
            for key in group:
                components[key].recursive = True


def _name_what_is_sent(components: Components) -> None:
    """Name the dict of a component that goes both ways `...Param`, or `...Input`. Others keep their name."""
    names = {component.name for component in components.values()}
    for component in components.values():
        component.sent_name = component.name
        if component.received and component.sent:
            wanted = f"{component.name}Param"
            if wanted in names or component.name.endswith(("Param", "Params")):
                wanted = f"{component.name}Input"
            component.sent_name = free_name(wanted, names, separator="")
            names.add(component.sent_name)


def module_names(names: list[str]) -> dict[str, str]:
    """Return a module for each class; those that share one (`PDFSource`, `PdfSource`) are numbered."""
    modules: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        modules[name] = free_name(module_name(name), taken)
        taken.add(modules[name])
    return modules


def connected(graph: dict[str, list[str]]) -> list[list[str]]:
    """Return the strongly connected components of a graph, by Tarjan's algorithm without recursion."""
    order = {node: position for position, node in enumerate(graph)}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    groups: list[list[str]] = []

    def enter(node: str) -> tuple[str, Iterator[str]]:
        index[node] = low[node] = len(index)
        stack.append(node)
        waiting.add(node)
        return node, iter(graph[node])

    for start in graph:
        work = [enter(start)] if start not in index else []
        while work:
            node, edges = work[-1]
            target = next(edges, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    cut = stack.index(node)
                    groups.append(sorted(stack[cut:], key=order.__getitem__))
                    waiting.difference_update(stack[cut:])
                    del stack[cut:]
            elif target not in index:
                work.append(enter(target))
            elif target in waiting:
                low[node] = min(low[node], index[target])
    return groups


def schema_of(components: Components, schema: Any) -> Any:
    """Return a schema, or the target of the aliases that it refers to."""
    seen: set[str] = set()
    key = key_of(schema)
    while key is not None and key not in seen and components[key].kind == "alias":
        seen.add(key)
        schema = components[key].schema
        key = key_of(schema)
    return schema
