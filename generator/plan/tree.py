"""The tree of resources: one for each tag, nested where a tag has dots, or for the words of paths without tags."""

from __future__ import annotations

from itertools import count

from ..load.document import Document
from ..names import (
    CLIENT_MEMBERS,
    RESOURCE_MEMBERS,
    attribute_name,
    class_name,
    constant_name,
    free_name,
    shortened,
)
from ..organise.components import Components
from ..organise.operations import NamedOperation
from ..organise.paths import have_no_tags, resource_of
from ..text import clean
from .operations import Operations
from .package import Resource

#: The classes of the root, reserved names for tags.
_ROOT = ("SyncResources", "AsyncResources")


def make_tree(document: Document, components: Components, parsed: list[NamedOperation]) -> Resource:
    """Sort the operations into resources; return the root."""
    operations = Operations(document, components)
    tags = {
        tag["name"]: clean(tag.get("description")) for tag in document.data.get("tags", []) if "name" in tag
    }
    root = Resource((), "root", "Resources", "Resources of a client, by tag.")
    nodes: dict[tuple[str, ...], Resource] = {(): root}
    by_path = have_no_tags(parsed)
    for each in parsed:
        tag = resource_of(each.path) if by_path else next(iter(each.raw.get("tags") or []), "default")
        node = _node(nodes, _path(tag))
        node.doc = node.doc or tags.get(tag, "")
        node.operations.append(operations.operation(each, node.path, by_path=by_path))
    for node in nodes.values():
        node.doc = node.doc or f"The operations of `{'.'.join(node.path)}`."
        _tell_apart(document, node)
        _name_options(node)
    _name_modules(nodes)
    _name_classes(nodes)
    return root


def _path(tag: str) -> tuple[str, ...]:
    parts = [part for part in tag.split(".") if part] or ["default"]
    first = attribute_name(parts[0], reserved=RESOURCE_MEMBERS | CLIENT_MEMBERS)
    return (first, *(attribute_name(part, reserved=RESOURCE_MEMBERS) for part in parts[1:]))


def _node(nodes: dict[tuple[str, ...], Resource], path: tuple[str, ...]) -> Resource:
    for depth in range(1, len(path) + 1):
        if path[:depth] not in nodes:
            node = nodes[path[:depth]] = Resource(path[:depth], "", "", "")
            nodes[path[: depth - 1]].children.append(node)
    return nodes[path]


def _tell_apart(document: Document, node: Resource) -> None:
    """Number the methods of a resource whose names are taken by another method or by a resource inside it."""
    owners = {constant_name(child.attribute): f"the tag {'.'.join(child.path)!r}" for child in node.children}
    wanted = {operation.method for operation in node.operations}
    for operation in node.operations:
        # Distinct methods can share a constant: `straße` and `strasse`.
        owner = owners.get(operation.constant)
        if owner is not None:
            operation.method = next(
                name
                for number in count(2)
                if (name := f"{operation.method}_{number}") not in wanted
                and constant_name(name) not in owners
            )
            document.note(operation.place, f"{owner} has the same name in Python; this is {operation.method}")
        owners[operation.constant] = f"{operation.http_method} {operation.path}"


def _name_options(node: Resource) -> None:
    """Name the class of the options of each method: `CreateOptions`. `get_a1` and `get_a_1` share their words."""
    taken: set[str] = set()
    for operation in node.operations:
        wanted = f"{_class_of((operation.method,))}Options"
        operation.options = free_name(wanted, taken, separator="")
        taken.add(operation.options)


def _name_modules(nodes: dict[tuple[str, ...], Resource]) -> None:
    taken = {"root"}
    for node in nodes.values():
        if node.path:
            node.module = free_name(shortened("_".join(node.path)), taken)
            taken.add(node.module)


def _name_classes(nodes: dict[tuple[str, ...], Resource]) -> None:
    """Name the class of a resource after the last part of its tag, or after the whole tag if that is taken."""
    taken = {name for root in _ROOT for name in _derived(root)}
    lasts = [path[-1] for path in nodes if path]
    for node in nodes.values():
        if not node.path:
            continue
        short, full = _class_of(node.path[-1:]), _class_of(node.path)
        candidates = [short] if lasts.count(node.path[-1]) == 1 else []
        candidates += [
            full,
            f"{full}Resource",
            *(f"{full}Resource{number}" for number in range(2, len(nodes) + 3)),
        ]
        node.class_name = next(name for name in candidates if taken.isdisjoint(_derived(name)))
        taken |= _derived(node.class_name)


def _class_of(path: tuple[str, ...]) -> str:
    return class_name("".join(word.capitalize() for part in path for word in part.split("_")))


def _derived(name: str) -> set[str]:
    """Return the names of the classes of a resource."""
    return {
        f"{prefix}{name}{view}"
        for prefix in ("", "Async")
        for view in ("", "WithRawResponse", "WithStreamingResponse")
    }
