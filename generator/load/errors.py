"""Problems of a document: errors stop the run, notes are printed after it."""

from __future__ import annotations

import attrs


class DocumentError(Exception):
    """A document that no package can be generated from.

    Args:
        problem: The problem, as a predicate of the place: "is not a list".
        place: The JSON pointer of the place, `#/paths/~1v1/get`.
        hint: The remedy.
    """

    def __init__(self, problem: str, *, place: str = "#", hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place
        self.hint = hint


@attrs.frozen
class Note:
    """A place of the document that the package represents differently, and how."""

    place: str
    text: str
