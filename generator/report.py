"""Lists of findings under headings, for a terminal or for a changelog."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Report:
    """Findings by group, in the order of the groups."""

    title: str
    groups: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """What was found, by heading. The words are Markdown."""
    nothing: str = "Nothing."
    """What there is to say when nothing was found."""

    def add(self, group: str, finding: str) -> None:
        """Add a finding, once."""
        findings = self.groups[group]
        if finding not in findings:
            findings.append(finding)

    def markdown(self) -> str:
        """As Markdown, to be put into a changelog."""
        parts = [
            f"### {group}\n\n" + "\n".join(f"- {finding}" for finding in findings)
            for group, findings in self.groups.items()
            if findings
        ]
        return "\n\n".join(parts or [self.nothing])

    def text(self) -> str:
        """As plain text, with a count of each group."""
        parts = [self.title]
        for group, findings in self.groups.items():
            if findings:
                parts.append(f"{group} ({len(findings)})")
                parts += [f"  {finding.replace('`', '')}" for finding in findings]
        return "\n".join(parts if len(parts) > 1 else [*parts, f"  {self.nothing}"])
