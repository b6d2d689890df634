"""The readers of schemas that the parts of an operation share."""

from __future__ import annotations

from typing import Any

import attrs

from ..load.document import Document
from ..load.flags import target_of
from ..load.pointers import Json
from ..organise.components import Components
from .annotations import Annotations
from .links import Links


@attrs.frozen
class Context:
    """A document, its components, and their readings as annotations and as links."""

    document: Document
    components: Components
    annotations: Annotations
    links: Links

    @classmethod
    def of(cls, document: Document, components: Components) -> Context:
        """Make the context of a document."""
        # Qualified: the module has functions, and the class has methods, of any name.
        annotations = Annotations(document, components, qualified=True)
        return cls(document, components, annotations, Links(document, components))

    def target(self, schema: Any) -> Json:
        """Return a schema with its references resolved; an empty one for anything else."""
        return target_of(self.document, schema)
