"""Prose of a document as docstrings and comments: wrapped, and harmless in source code."""

from __future__ import annotations

import re
import textwrap
import unicodedata

WIDTH = 110

#: First characters of lines that are kept: code, tables, quotations, headings.
_KEPT = (" ", "```", "|", ">", "#")
_MARKED = re.compile(r"[ `|>#]|[-*+]\s|\d+[.)]\s")
_LONGEST_LINE = 130


def clean(text: object) -> str:
    """Return a description without control characters and trailing blanks."""
    said = str(text or "").replace("\r\n", "\n").expandtabs(4)
    if not said.replace("\n", "").isprintable():
        said = "".join(c for c in said if c == "\n" or unicodedata.category(c)[0] != "C")
    return "\n".join(line.rstrip() for line in said.split("\n")).strip()


def wrapped(text: str, width: int) -> str:
    """Fill paragraphs to a width; keep lists, tables and code as they are."""
    paragraphs = [part for paragraph in re.split(r"\n\s*\n", text) for part in _parts(paragraph)]
    return "\n\n".join(_filled(paragraph, width) for paragraph in paragraphs)


def _parts(paragraph: str) -> list[str]:
    """Split a folded YAML text, which has one paragraph in each long line."""
    lines = paragraph.split("\n")
    is_prose = not any(_MARKED.match(line) for line in lines)
    return lines if is_prose and max(map(len, lines)) > _LONGEST_LINE else [paragraph]


def _filled(paragraph: str, width: int) -> str:
    lines = paragraph.split("\n")
    if any(line.startswith(_KEPT) for line in lines):
        return paragraph
    items: list[str] = []
    for line in lines:
        if re.match(r"([-*+]|\d+[.)])\s", line) or not items:
            items.append(line)
        else:
            items[-1] += " " + line.strip()
    indents = [re.match(r"(?:[-*+]|\d+[.)])\s+", item) for item in items]
    return "\n".join(
        textwrap.fill(
            item,
            width,
            subsequent_indent=" " * len(match[0]) if match else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for item, match in zip(items, indents, strict=True)
    )


def docstring(text: object, indent: int = 0) -> str:
    """Return a docstring literal, with all lines but the first indented."""
    body = wrapped(clean(text), WIDTH - indent - 3)
    # Two quotes in a row, or one at the end, would end the docstring.
    raw = re.sub(r'"(?="|\Z)', r"\\\g<0>", body.replace("\\", "\\\\"))
    lines = raw.split("\n")
    if len(lines) == 1 and len(lines[0]) + indent + 6 <= WIDTH:
        return f'"""{lines[0]}"""'
    margin = " " * indent
    return "\n".join(
        [f'"""{lines[0]}', *(margin + line if line else "" for line in lines[1:]), f'{margin}"""']
    )


def comment(text: object, indent: int = 0) -> str:
    """Return comment lines, with all but the first indented."""
    lines = wrapped(clean(text), WIDTH - indent - 2).split("\n")
    return f"\n{' ' * indent}".join(f"# {line}".rstrip() for line in lines)


def section(title: str, entries: list[tuple[str, str]]) -> str:
    """Return a section of a docstring: `Args:`, `Raises:`. An entry without a name is plain text.

    Entries without a text are left out; without any entry, the section is empty.
    """
    entries = [(name, said) for name, text in entries if (said := clean(text))]
    lines = [f"{title}:"] if entries else []
    for name, text in entries:
        words = f"{name}: {text}" if name else text
        first, *rest = wrapped(words, WIDTH - 16).split("\n")
        lines.append(f"    {first}")
        lines.extend(f"    {'    ' if name else ''}{line}" if line else "" for line in rest)
    return "\n".join(lines)


def one_line(text: object) -> str:
    """Return a text as one line, for a comment."""
    return " ".join(clean(text).split())
