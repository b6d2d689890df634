"""Links from annotations and docstrings to the pages that describe the things that they name."""

from __future__ import annotations

import builtins
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

_ERRORS = "reference/error-tree"


def _resolved(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Link a name of Python that no page describes under its full name.

    Annotations name public classes by their private modules, and types of the API, which the page of types has.
    """
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"].rpartition(".")[2]
    target = _described(env, name) or _type_of_api(env, name) or _error(name)
    return target and make_refnode(app.builder, node["refdoc"], *target, content)


def _described(env: BuildEnvironment, name: str) -> tuple[str, str] | None:
    objects: dict[str, Any] = env.domaindata["py"]["objects"]
    found = {
        (each.docname, each.node_id)
        for full, each in objects.items()
        if full.rpartition(".")[2] == name and each.objtype in ("class", "exception", "function")
    }
    return found.pop() if len(found) == 1 else None


def _type_of_api(env: BuildEnvironment, name: str) -> tuple[str, str] | None:
    labels: dict[str, tuple[str, str]] = env.domaindata["std"]["anonlabels"]
    return labels.get(f"type-{name.lower()}")


def _error(name: str) -> tuple[str, str] | None:
    from from_sources import public_errors

    names = {error.__name__ for error, _ in public_errors()}
    return (_ERRORS, f"error-{name.lower()}") if name in names else None


def _leave_builtins(_app: Sphinx, tree: nodes.document) -> None:
    """Take the links from `bytes` and the like, which would lead to any member of that name."""
    for node in list(tree.findall(pending_xref)):
        if node.get("refdomain") == "py" and isinstance(getattr(builtins, node["reftarget"], None), type):
            node.replace_self(node.children)


def _whole_sentences(
    _app: Sphinx, what: str, _name: str, _object: Any, _options: Any, lines: list[str]
) -> None:
    """Put the words before a colon back into the first line of an attribute: napoleon takes them for its type."""
    types = [index for index, line in enumerate(lines) if line.startswith(":type: ")]
    if what in ("attribute", "property") and types:
        [index] = types
        lines[0] = f"{lines.pop(index).removeprefix(':type: ')}: {lines[0]}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the links."""
    app.connect("missing-reference", _resolved)
    app.connect("doctree-read", _leave_builtins)
    # Behind that of napoleon.
    app.connect("autodoc-process-docstring", _whole_sentences, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
