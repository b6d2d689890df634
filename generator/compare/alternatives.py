"""The alternatives that a type has lost and gained between two packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import attrs

__all__ = ["Aliases", "Change", "Comparison", "readable"]

#: The targets of aliases, by name.
Aliases = Mapping[str, str]

#: An ordered set.
Alternatives = dict[str, None]

_TEXT = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\""
_MODULE = re.compile(rf"({_TEXT})|\b_\w+\.")
_TOKEN = re.compile(rf"{_TEXT}|[\[\]]| \| |, |[^\[\]'\",| ]+|.")

#: Containers, with the notation of a place inside them. A sent sequence may be any of three.
_HOLDERS = {"list": "[]", "Sequence": "[]", "Iterable": "[]", "dict": "{}", "Mapping": "{}"}

#: The type of unknown values keeps a type open, and is not a change by itself.
_UNKNOWN = "Unknown"


@attrs.define
class Change:
    """A change of a type, at one place inside it."""

    place: str
    """`[]` for the items of a list, `{}` for the values of a dict; empty for the type itself."""
    old: str
    new: str
    lost: list[str]
    """Alternatives that no new one covers."""
    gained: list[str]
    """Alternatives that no old one covered."""
    surprising: list[str]
    """Gained alternatives that readers had no reason to expect."""
    is_replaced: bool
    """True if nothing of the old type remains."""


def readable(code: str) -> str:
    """Return an annotation without the names of private modules."""
    return _MODULE.sub(lambda match: match[1] or "", code)


class Comparison:
    """Compares annotations of two packages.

    Args:
        old: The aliases of the old package.
        new: The aliases of the new package.
    """

    def __init__(self, old: Aliases, new: Aliases) -> None:
        self._old = old
        self._new = new

    def changes(self, old: str, new: str) -> Iterator[Change]:
        """Yield the changes of a type. Another spelling, or a detour through a name, is not a change."""
        yield from self._changes(old, new, "", frozenset())

    def _changes(self, old: str, new: str, place: str, above: frozenset[tuple[str, str]]) -> Iterator[Change]:
        if (old, new) in above:
            return
        was, now = _alternatives(old), _alternatives(new)
        before, after = _expanded(was, self._old), _expanded(now, self._new)
        # A name on both sides represents itself: its changes are reported once, at its definition.
        lost = _expanded([each for each in was if each not in now], self._old)
        gained = _expanded([each for each in now if each not in was], self._new)
        is_kept = bool(before.keys() & after.keys() - {"None", _UNKNOWN})
        for mark, held, holds in _held_by_both(lost, gained):
            is_kept = True
            yield from self._changes(held, holds, place + mark, above | {(old, new)})
        lost, gained = _without(lost, after), _without(gained, before)
        if lost or gained:
            fresh = [each for each in gained if not _is_covered(each, before, after)]
            yield Change(
                place,
                readable(old),
                readable(new),
                lost=[each for each in lost if not _is_covered(each, after, before)],
                gained=fresh,
                surprising=[each for each in fresh if not _is_expected(each, before)],
                is_replaced=not is_kept,
            )


def _held_by_both(lost: Alternatives, gained: Alternatives) -> list[tuple[str, str, str]]:
    """Take out the list, and the dict, on both sides: their contents are compared instead."""
    found = []
    for mark in ("[]", "{}"):
        was, now = ([each for each in side if _HOLDERS.get(_head(each)) == mark] for side in (lost, gained))
        if len(was) == len(now) == 1:
            del lost[was[0]], gained[now[0]]
            found.append((mark, _held(was[0]), _held(now[0])))
    return found


def _without(alternatives: Alternatives, others: Alternatives) -> Alternatives:
    return {each: None for each in alternatives if each not in others}


def _is_covered(each: str, others: Alternatives, own: Alternatives) -> bool:
    """Return true if another alternative takes the values of this one."""
    base = _base(each)
    if "Any" in others or (each == "int" and "float" in others):
        return True
    if base is None or base not in others:
        # An unknown object is not one of the generated types.
        return each == _UNKNOWN
    # Where both sides take any text, only the constants beside it differ.
    return base not in own or not any(_base(other) == base for other in others)


def _is_expected(gained: str, before: Alternatives) -> bool:
    base = _base(gained)
    return base in before if base else _UNKNOWN in before and gained[0].isupper() and gained != "Any"


def _base(alternative: str) -> str | None:
    """Return the type of a constant; `None` for other alternatives."""
    if alternative[0] in "'\"":
        return "str"
    if alternative in ("True", "False"):
        return "bool"
    return "int" if alternative.lstrip("-").isdecimal() else None


# Taking an annotation apart ------------------------------------------------------------------------------------


def _expanded(alternatives: Iterable[str], aliases: Aliases) -> Alternatives:
    """Return the alternatives of a type in order, with those of aliases in their place."""
    found: Alternatives = {}
    todo, seen = [*alternatives], set[str]()
    while todo:
        each = todo.pop(0)
        if each not in aliases:
            found[each] = None
        elif each not in seen:
            seen.add(each)
            todo[:0] = _alternatives(aliases[each])
    return found


@cache
def _alternatives(code: str) -> tuple[str, ...]:
    parts = _split(readable(code), " | ")
    return tuple(
        each for part in parts for each in (_split(_held(part), ", ") if _head(part) == "Literal" else [part])
    )


def _split(code: str, separator: str) -> list[str]:
    """Split an annotation at separators outside of brackets and texts."""
    parts, depth = [""], 0
    for match in _TOKEN.finditer(code):
        word = match[0]
        depth += (word == "[") - (word == "]")
        if word == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += word
    return parts


def _head(alternative: str) -> str:
    return alternative.partition("[")[0] if alternative.endswith("]") else ""


def _held(alternative: str) -> str:
    inner = alternative.partition("[")[2].removesuffix("]")
    return inner.removeprefix("str, ") if _HOLDERS.get(_head(alternative)) == "{}" else inner
