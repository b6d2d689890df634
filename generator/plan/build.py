"""The plan of a package: types, operations and resources together."""

from __future__ import annotations

from ..load.document import Document
from ..organise.components import make_components
from ..organise.operations import name_operations
from ..organise.security import default_security, schemes_of
from ..text import clean
from .definitions import Definitions
from .package import Package
from .tree import make_tree


def build(document: Document) -> Package:
    """Plan the package of a normalised document.

    Raises:
        DocumentError: A part of the document can't be expressed in Python.
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
        schemes=schemes_of(document),
        security=default_security(document),
    )
