"""Findings under headings, for a terminal or for a changelog."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

#: The width of the Markdown in this repository.
_WIDTH = 120


class Report:
    """Findings by group, in the order of the groups.

    Args:
        title: The line above them on a terminal.
        groups: The headings.
        nothing: The text of an empty report.
    """

    def __init__(self, title: str, groups: Sequence[str], nothing: str) -> None:
        self.title = title
        self.groups: dict[str, list[str]] = {group: [] for group in groups}
        """The findings of each heading, as Markdown."""
        self.nothing = nothing
        self.remark = ""
        """A last sentence that is not a finding."""

    @property
    def is_empty(self) -> bool:
        """True if the report has no finding."""
        return not any(self.groups.values())

    def add(self, group: str, finding: str) -> None:
        """Add a finding."""
        self.groups[group].append(finding)

    def markdown(self) -> str:
        """Return the report as Markdown, for a changelog."""
        parts = [
            f"### {group}\n\n" + "\n".join(_item(finding) for finding in findings)
            for group, findings in self.groups.items()
            if findings
        ]
        return "\n\n".join([*(parts or [self.nothing]), *([self.remark] if self.remark else [])])

    def text(self) -> str:
        """Return the report as plain text, with a count for each group."""
        parts = [self.title]
        for group, findings in self.groups.items():
            if findings:
                parts.append(f"{group} ({len(findings)})")
                parts += [f"  {_plain(finding)}" for finding in findings]
        if self.is_empty:
            parts.append(f"  {self.nothing}")
        return "\n".join([*parts, *([_plain(self.remark)] if self.remark else [])])


def listed(names: Sequence[str], *, last: str = "and", limit: int = 12) -> str:
    """Return names as a list in prose; of very many the first ones and a count."""
    shown = [*names[:limit], f"{len(names) - limit} more"] if len(names) > limit + 1 else [*names]
    return f" {last} ".join([*([", ".join(shown[:-1])] if shown[1:] else []), *shown[-1:]])


def _item(finding: str) -> str:
    """Return an item of a list. Code is not broken across lines, so that it can be searched for."""
    words = re.sub(r"`[^`]*`", lambda match: match[0].replace(" ", "\0"), finding)
    lines = textwrap.fill(
        words,
        _WIDTH,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.replace("\0", " ")


def _plain(markdown: str) -> str:
    return markdown.replace("`", "")
