"""From a normalised document to the package: types, operations and resources come together here."""

from __future__ import annotations

from ..load.document import Document
from ..organise.components import make_components
from ..organise.operations import name_operations
from ..text import clean
from .definitions import Definitions
from .package import Package
from .tree import make_tree


def build(document: Document) -> Package:
    """Make the package of a normalised document.

    Raises:
        DocumentError: Something of it can't be said in Python.
    """
    operations = name_operations(document)
    components = make_components(document)
    definitions = Definitions(document, components)
    info = document.data["info"]
    return Package(
        title=info["title"],
        version=info["version"],
        doc=clean(info.get("description")),
        models=definitions.models(),
        params=definitions.params(),
        root=make_tree(document, components, operations),
    )
