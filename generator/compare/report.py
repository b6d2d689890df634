"""Lists of findings under headings, for a terminal or for a changelog."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

#: As wide as the Markdown of this repository.
_WIDTH = 120


class Report:
    """Findings by group, in the order of the groups.

    Args:
        title: What stands above them on a terminal.
        groups: The headings.
        nothing: What there is to say when nothing was found.
    """

    def __init__(self, title: str, groups: Sequence[str], nothing: str) -> None:
        self.title = title
        self.groups: dict[str, list[str]] = {group: [] for group in groups}
        """What was found, by heading. The words are Markdown."""
        self.nothing = nothing
        self.remark = ""
        """A last sentence, about what is no finding."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not any(self.groups.values())

    def add(self, group: str, finding: str) -> None:
        """Add a finding."""
        self.groups[group].append(finding)

    def markdown(self) -> str:
        """As Markdown, to be put into a changelog."""
        parts = [
            f"### {group}\n\n" + "\n".join(_item(finding) for finding in findings)
            for group, findings in self.groups.items()
            if findings
        ]
        return "\n\n".join([*(parts or [self.nothing]), *([self.remark] if self.remark else [])])

    def text(self) -> str:
        """As plain text, with a count of each group."""
        parts = [self.title]
        for group, findings in self.groups.items():
            if findings:
                parts.append(f"{group} ({len(findings)})")
                parts += [f"  {_plain(finding)}" for finding in findings]
        if self.is_empty:
            parts.append(f"  {self.nothing}")
        return "\n".join([*parts, *([_plain(self.remark)] if self.remark else [])])


def listed(names: Sequence[str], *, last: str = "and", limit: int = 12) -> str:
    """Names as people list them; of very many the first, and how many more."""
    shown = [*names[:limit], f"{len(names) - limit} more"] if len(names) > limit + 1 else [*names]
    return f" {last} ".join([*([", ".join(shown[:-1])] if shown[1:] else []), *shown[-1:]])


def _item(finding: str) -> str:
    """An item of a list; no line breaks inside code, which would not be found by who looks for it."""
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
