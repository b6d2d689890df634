"""The directive `diagram`: a picture drawn from lines of text.

    ```{diagram} The title for screen readers
    a -> b: the label of the arrow
    b -> c
    c -> a: again
    ```

Boxes stand in columns, in the order of the arrows. Arrows to an earlier column pass below, and arrows within a column
lead up. The colours are those of the page.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

WIDTH, HEIGHT, GAP, ROW = 104, 38, 92, 78


def drawn(title: str, lines: list[str]) -> str:
    """Return the SVG of a diagram.

    Args:
        title: The title.
        lines: The arrows, one a line.

    Raises:
        ValueError: A line is not an arrow.
    """
    arrows: list[tuple[str, str, str]] = []
    for line in filter(None, map(str.strip, lines)):
        found = re.fullmatch(r"(.+?) -> ([^:]+)(?:: (.+))?", line)
        if found is None:
            raise ValueError(f"not an arrow: {line!r}")
        arrows.append((found[1], found[2], found[3] or ""))
    column: dict[str, int] = {}
    for start, end, _ in arrows:
        column.setdefault(start, 0)
        column.setdefault(end, column[start] + 1)
    rows: dict[int, int] = {}
    place: dict[str, tuple[int, int]] = {}
    for box, number in column.items():
        row = rows[number] = rows.get(number, -1) + 1
        place[box] = (4 + number * (WIDTH + GAP), 24 + row * ROW)
    back = sum(column[end] < column[start] for start, end, _ in arrows)
    wide = 8 + max(x for x, _ in place.values()) + WIDTH
    bottom = max(y for _, y in place.values()) + HEIGHT
    parts = []
    behind = 0
    for start, end, label in arrows:
        (x1, y1), (x2, y2) = place[start], place[end]
        if column[end] > column[start]:
            x1, y1, y2 = x1 + WIDTH, y1 + HEIGHT // 2, y2 + HEIGHT // 2
            middle = (x1 + x2) // 2
            path = f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2 - 2} {y2}"
            text_x, text_y = middle, (y1 + y2) // 2 - 6
        elif column[end] == column[start]:
            x1, x2, y2 = x1 + WIDTH // 2, x2 + WIDTH // 2, y2 + HEIGHT
            path = f"M{x1} {y1} L{x2} {y2 + 2}"
            text_x, text_y = x1 + 24, (y1 + y2) // 2 + 4
        else:
            behind += 1
            x1, y1, x2, y2 = x1 + WIDTH // 2, y1 + HEIGHT, x2 + WIDTH // 2, y2 + HEIGHT
            low = bottom + 30 * behind
            path = f"M{x1} {y1} L{x1} {low} L{x2} {low} L{x2} {y2 + 2}"
            text_x, text_y = (x1 + x2) // 2, low - 5
        parts.append(f'<path d="{path}" fill="none" stroke="currentColor" marker-end="url(#arrow)"/>')
        if label:
            parts.append(
                f'<text x="{text_x}" y="{text_y}" font-size="11" opacity="0.85">{escape(label)}</text>'
            )
    for box, (x, y) in place.items():
        parts.append(
            f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="none" stroke="currentColor"/>'
            f'<text x="{x + WIDTH // 2}" y="{y + HEIGHT // 2 + 5}" font-size="14">{escape(box)}</text>'
        )
    tall = bottom + 30 * back + 12
    return (
        f'<svg class="diagram" role="img" viewBox="0 0 {wide} {tall}" style="max-width:{wide}px;width:100%" '
        f'fill="currentColor" text-anchor="middle"><title>{escape(title)}</title><defs><marker id="arrow" '
        'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>'
        f"{''.join(parts)}</svg>"
    )


class Diagram(SphinxDirective):
    """The directive."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the picture."""
        picture = drawn(self.arguments[0], list(self.content))
        # The scroll bar is for phones.
        return [nodes.raw("", f'<div style="overflow-x:auto">{picture}</div>', format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("diagram", Diagram)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
