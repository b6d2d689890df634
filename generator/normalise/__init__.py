"""Stage 2: rewrite a document in fewer words of OpenAPI, so that later stages meet fewer cases.

The document of this SDK needs one step, `inline_shared_parts`. The steps in `dialects/` rewrite what documents of other
authors say in other ways; each leaves a document alone that does not need it.
"""

from __future__ import annotations

from ..load.document import Document
from .dialects import STEPS
from .shared_parts import inline_shared_parts

__all__ = ["normalise"]


def normalise(document: Document) -> None:
    """Rewrite a validated document in place.

    Raises:
        DocumentError: A part of the document has no equivalent.
    """
    inline_shared_parts(document)
    for step in STEPS:
        step(document)
