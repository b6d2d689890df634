"""Changes between two packages for their users, by Python names: calls, arguments, fields and types."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Literal

import attrs

from ..load.flags import STREAM
from ..plan.annotations import Type
from ..plan.package import Argument, Definition, Field, OperationCase, Package
from .alternatives import Comparison, readable
from .pairs import Identified, paired
from .report import Report, listed

#: The groups of keepachangelog.com, and `Documentation` for changed descriptions.
Kind = Literal["Added", "Changed", "Deprecated", "Removed", "Documentation"]

_NOTHING = "Nothing changes for users."


@attrs.frozen
class Finding:
    """A change for users."""

    kind: Kind
    words: str
    """The change, as Markdown."""
    is_breaking: bool = False


@attrs.frozen
class Changes:
    """All changes for users."""

    findings: list[Finding]

    @property
    def is_breaking(self) -> bool:
        """True if users have to change their code."""
        return any(each.is_breaking for each in self.findings)

    def report(self, title: str) -> Report:
        """Return a report for editors of the document: breaking changes come first."""
        report = Report(title, ("Breaking", "Added", "Changed", "Deprecated", "Documentation"), _NOTHING)
        for each in self.findings:
            report.add("Breaking" if each.is_breaking else each.kind, each.words)
        return report

    def changelog(self) -> Report:
        """Return a report for a release: the groups of a changelog, breaking changes marked."""
        report = Report("", ("Added", "Changed", "Deprecated", "Removed"), _NOTHING)
        for each in sorted(self.findings, key=lambda each: not each.is_breaking):
            if each.kind != "Documentation":
                words = f"**Breaking:** {each.words}" if each.is_breaking else each.words
                report.add(each.kind, words if words.endswith((".", "!", "?")) else f"{words}.")
        reworded = [each.words for each in self.findings if each.kind == "Documentation"]
        if reworded:
            report.add("Changed", f"Documentation of {listed(reworded)}.")
        return report


def diff(old: Package, new: Package) -> Changes:
    """Compare two editions of a package."""
    before, after = _types(old), _types(new)
    renamed = _renamed(before, after)
    classes = {key[1]: now[1] for key, now in renamed.items() if _is_class(before[key])}
    comparison = Comparison(_aliases(before) | classes, _aliases(after))
    findings = [
        *_operations(_calls(old), _calls(new), comparison),
        *_definitions(before, after, renamed, comparison),
    ]
    return Changes(list(dict.fromkeys(findings)))


# Operations ---------------------------------------------------------------------------------------------------

Calls = dict[str, OperationCase]


def _calls(package: Package) -> Calls:
    """Return the operations by the expression that calls them."""
    return {
        ".".join(("client", *resource.path, each.method)): each
        for resource in package.root.walk()
        for each in resource.operations
    }


def _operations(old: Calls, new: Calls, comparison: Comparison) -> Iterator[Finding]:
    before, after = (
        [(name, ((name, _route(each)), _route(each), name)) for name, each in calls.items()]
        for calls in (old, new)
    )
    for was, now in paired(before, after):
        if now is None:
            yield Finding("Removed", f"`{was}()` is gone", is_breaking=True)
        elif was is None:
            yield Finding("Added", f"`{now}()`{_about(now, new[now].doc)}")
        else:
            if was != now:
                yield Finding("Changed", f"`{was}()` is called `{now}()` now", is_breaking=True)
            yield from _operation(now, old[was], new[now], comparison)


def _route(operation: OperationCase) -> tuple[str, str]:
    """Return the method and path of an operation, without the names of its parameters."""
    return operation.http_method, re.sub(r"\{[^}]*\}", "{}", operation.path)


def _operation(
    call: str, old: OperationCase, new: OperationCase, comparison: Comparison
) -> Iterator[Finding]:
    yield from _arguments(call, old, new, comparison)
    yield from _results(call, old, new, comparison)
    if _route(old) != _route(new):
        now_sent, was_sent = (f"`{each.http_method} {each.path}`" for each in (new, old))
        yield Finding("Changed", f"`{call}()` is sent as {now_sent}, no longer as {was_sent}")
    if set(old.security) != set(new.security):
        is_wider = old.secured == new.secured and set(old.security) < set(new.security)
        needs, needed = (_either(each.security) or "no credentials" for each in (new, old))
        yield Finding("Changed", f"`{call}()` needs {needs}, and needed {needed}", is_breaking=not is_wider)
    if old.body and new.body and old.body.media[0].type != new.body.media[0].type:
        said = f"as `{new.body.media[0].type}`, no longer as `{old.body.media[0].type}`"
        yield Finding("Changed", f"`{call}()` sends its body {said}")
    shared = {each.name for each in old.arguments} & {each.name for each in new.arguments}
    if _is_deprecated(new) and not _is_deprecated(old):
        yield Finding("Deprecated", f"`{call}()`")
    elif _words(old, shared) != _words(new, shared):
        yield Finding("Documentation", f"`{call}()`")


#: The form of a result, by the way of sending the operation.
_FORMS = {
    "page": "pages of ",
    "stream": "a stream of lines of ",
    "events": "a stream of events of ",
    "send": "",
}


def _results(call: str, old: OperationCase, new: OperationCase, comparison: Comparison) -> Iterator[Finding]:
    before, after = _results_of(old), _results_of(new)
    for how, (style, type_) in after.items():
        gives = f"`{call}()`{how} gives {_FORMS[style]}`{readable(type_.code)}`"
        if how not in before:
            yield Finding("Added", gives)
            continue
        other, was = before[how]
        if other != style:
            gave = f"{_FORMS[other]}`{readable(was.code)}`"
            yield Finding("Changed", f"{gives}, and gave {gave}", is_breaking=True)
            continue
        place = f"The result of `{call}()`{how}" if style == "send" else f"An item of `{call}()`{how}"
        yield from _type(place, was.code, type_.code, comparison, received=True)
    for how, (style, type_) in before.items():
        if how not in after:
            gave = f"{_FORMS[style]}`{readable(type_.code)}`"
            yield Finding("Changed", f"`{call}()`{how} does not give {gave} any more", is_breaking=True)


def _results_of(operation: OperationCase) -> dict[str, tuple[str, Type]]:
    """Return the way of sending and the type of each result: that of a plain call, and that with a flag."""
    switch, streamed = operation.switch, operation.streamed
    result = (operation.style, operation.result if operation.item is None else operation.item)
    if switch is None or streamed is None:
        return {"": result}
    stream = (streamed.style, streamed.type)
    plain, other = (stream, result) if switch.default else (result, stream)
    return {"": plain, f" with `{switch.argument.key or STREAM}={not switch.default}`": other}


def _arguments(
    call: str, old: OperationCase, new: OperationCase, comparison: Comparison
) -> Iterator[Finding]:
    pairs = list(paired(_identified(old), _identified(new)))
    for was, now in pairs:
        if now is None and was is not None:
            yield Finding("Removed", f"`{call}({was.name}=...)` is gone", is_breaking=True)
        elif was is None and now is not None:
            takes = "needs" if now.required else "takes"
            said = f"`{now.name}: {readable(now.annotation + now.default)}`"
            yield Finding("Added", f"`{call}()` {takes} {said}", is_breaking=now.required)
        elif was is not None and now is not None:
            yield from _argument(call, was, now, comparison)
    kept = [(was, now) for was, now in pairs if was in old.positional and now in new.positional]
    if [now for _, now in kept] != [each for each in new.positional if each in [now for _, now in kept]]:
        order = ", ".join(f"`{each.name}`" for each in new.positional)
        yield Finding("Changed", f"`{call}()` takes its positional arguments as {order}", is_breaking=True)


def _identified(operation: OperationCase) -> list[Identified[Argument]]:
    """Return the arguments with their identities: the name, the name on the wire, the position."""
    positional = operation.positional
    return [
        (
            each,
            (each.name, (each.where, each.key), positional.index(each) if each in positional else each.name),
        )
        for each in operation.arguments
    ]


def _argument(call: str, old: Argument, new: Argument, comparison: Comparison) -> Iterator[Finding]:
    place = f"`{call}({new.name}=...)`"
    if old.name != new.name:
        yield Finding("Changed", f"`{call}({old.name}=...)` is called `{new.name}` now", is_breaking=True)
    yield from _required(place, old.required, new.required)
    if (old.where == "path") != (new.where == "path"):
        how = "by position" if new.where == "path" else "by name"
        yield Finding("Changed", f"{place} is given {how} now", is_breaking=new.where != "path")
    elif new.where != "path" and (old.where, old.key, old.keywords) != (new.where, new.key, new.keywords):
        now, was = (f"`{each.key}` in the {each.where}" for each in (new, old))
        said = f"as {now}, no longer as {was}" if now != was else "in another form"
        yield Finding("Changed", f"{place} is sent {said}")
    yield from _type(place, old.type.code, new.type.code, comparison, received=False)


def _is_deprecated(operation: OperationCase) -> bool:
    return "Deprecated." in operation.doc.split("\n\n")


def _words(operation: OperationCase, arguments: Iterable[str]) -> tuple[str, dict[str, str], set[str]]:
    """Return the descriptions of an operation, of these arguments, and of its responses, without its route."""
    about = re.split(r"\n\n(?:Args|Returns|Errors):\n", operation.doc)[0]
    said = {each.name: each.doc for each in operation.arguments if each.name in arguments}
    responses = {f"{each.status}: {each.doc}" for each in operation.responses}
    return "" if about.startswith(f"`{operation.http_method} ") else about, said, responses


# Types --------------------------------------------------------------------------------------------------------

#: The package that a type is in, and its name.
Key = tuple[str, str]
Types = dict[Key, Definition]


def _types(package: Package) -> Types:
    return {
        (home, definition.name): definition
        for home, modules in (("models", package.models), ("params", package.params))
        for module in modules
        for definition in module.definitions
    }


def _aliases(types: Types) -> dict[str, str]:
    return {name: each.type.code for (_, name), each in types.items() if not _is_class(each)}


def _is_class(definition: Definition) -> bool:
    return definition.kind not in ("alias", "union")


def _renamed(before: Types, after: Types) -> dict[Key, Key]:
    """Return the types that have the same structure under a new name. References to them are not changes."""
    gone = [key for key in before if key not in after]
    fresh: dict[Hashable, list[Key]] = {}
    for key in after:
        if key not in before:
            fresh.setdefault((key[0], _shape(after[key], {})), []).append(key)
    found: dict[Key, Key] = {}
    while True:
        names = {name: now for (_, name), (_, now) in found.items()}
        known = len(found)
        for key in gone:
            candidates = fresh.get((key[0], _shape(before[key], names)), []) if key not in found else []
            best = max(candidates, key=lambda each: after[each].doc == before[key].doc, default=None)
            if best is None:
                continue
            is_alone = len(candidates) == 1 and _is_telling(before[key])
            if is_alone or after[best].doc == before[key].doc:
                candidates.remove(best)
                found[key] = best
        if len(found) == known:
            return found


def _is_telling(definition: Definition) -> bool:
    """Return true if another type hardly has the same structure by chance."""
    if _is_class(definition):
        return len(definition.fields) > 1
    return bool(definition.type.names) or "Literal[" in definition.type.code


def _shape(definition: Definition, names: dict[str, str]) -> Hashable:
    names = {**names, definition.name: ""}

    def said(code: str) -> str:
        return re.sub(r"\w+", lambda match: names.get(match[0], match[0]), code)

    fields = tuple((each.name, each.key, said(each.annotation), each.required) for each in definition.fields)
    return _is_class(definition), fields or said(definition.type.code)


def _definitions(
    before: Types, after: Types, renamed: dict[Key, Key], comparison: Comparison
) -> Iterator[Finding]:
    # A name may be received in one edition and sent in the other: only the package tells those types apart.
    both = {name for home, name in {*before, *after} if home == "models"}
    both &= {name for home, name in {*before, *after} if home == "params"}

    def shown(key: Key) -> str:
        return f"`{'.'.join(key)}`" if key[1] in both else f"`{key[1]}`"

    for key, definition in before.items():
        now = key if key in after else renamed.get(key)
        if now is None:
            yield Finding("Removed", f"{shown(key)} is gone", is_breaking=True)
            continue
        if now != key:
            yield Finding("Changed", f"{shown(key)} is called {shown(now)} now", is_breaking=True)
        yield from _definition(definition, after[now], comparison, received=key[0] == "models")
    for key, definition in after.items():
        if key not in before and key not in renamed.values():
            yield Finding("Added", f"{shown(key)}{_about(key[1], definition.doc)}")


def _definition(
    old: Definition, new: Definition, comparison: Comparison, *, received: bool
) -> Iterator[Finding]:
    place = f"`{new.name}`"
    if _is_class(old) != _is_class(new):
        forms = ["a class" if _is_class(each) else f"`{readable(each.type.code)}`" for each in (new, old)]
        yield Finding("Changed", f"{place} is {forms[0]}, and was {forms[1]}", is_breaking=True)
    elif _is_class(new):
        fields = ([(each, (each.name, each.key)) for each in side.fields] for side in (old, new))
        for was, now in paired(*fields):
            yield from _field(new.name, was, now, comparison, received=received)
    else:
        yield from _type(place, old.type.code, new.type.code, comparison, received=received)
    if old.doc != new.doc and not (_is_fallback(old.name, old.doc) and _is_fallback(new.name, new.doc)):
        yield Finding("Documentation", place)


def _field(
    owner: str, old: Field | None, new: Field | None, comparison: Comparison, *, received: bool
) -> Iterator[Finding]:
    def shown(field: Field) -> str:
        return f"`{owner}.{field.name}`" if received else f"`{owner}[{field.key!r}]`"

    if new is None:
        if old is not None:
            yield Finding("Removed", f"{shown(old)} is gone", is_breaking=True)
        return
    type_ = readable(new.annotation)
    if old is None:
        is_needed = new.required and not received
        yield Finding("Added", f"{shown(new)}: `{type_}`{', required' * is_needed}", is_breaking=is_needed)
        return
    place, was, now = shown(new), old.annotation, new.annotation
    if old.name != new.name:
        yield Finding("Changed", f"{shown(old)} is called {place} now", is_breaking=True)
    elif old.key != new.key:
        yield Finding("Changed", f"{place} is `{new.key}` in JSON, and was `{old.key}`")
    if not received:
        yield from _required(place, old.required, new.required)
    elif old.required != new.required:
        # A missing value and null are both `None` in Python.
        said = "is always there now" if new.required else "may be missing now, and is `None` then"
        is_news = not new.required and readable(was) != "Any" and not was.endswith(_OR_NONE)
        yield Finding("Changed", f"{place} {said}", is_breaking=is_news)
        was, now = was.removesuffix(_OR_NONE), now.removesuffix(_OR_NONE)
    yield from _type(place, was, now, comparison, received=received)
    if old.doc != new.doc:
        yield Finding("Documentation", place)


_OR_NONE = " | None"


def _required(place: str, old: bool, new: bool) -> Iterator[Finding]:
    if new and not old:
        yield Finding("Changed", f"{place} is required now", is_breaking=True)
    elif old and not new:
        yield Finding("Changed", f"{place} can be left out now")


def _type(place: str, old: str, new: str, comparison: Comparison, *, received: bool) -> Iterator[Finding]:
    """Yield the findings of a changed type: readers must expect all of it, writers may use any of it."""
    for change in comparison.changes(old, new):
        where = _inside(place, change.place)
        # A field that is never null any more needs no change of code, but code for a value that never
        # comes is dead.
        missed = [each for each in change.lost if not received or _is_named(each)]
        unexpected = change.surprising if received else []
        if change.is_replaced or not (change.lost or change.gained):
            said = f"{where} is `{change.new}`, and was `{change.old}`"
            yield Finding("Changed", said, is_breaking=bool(missed or unexpected))
            continue
        expected = [each for each in change.gained if each not in unexpected]
        if expected:
            yield Finding("Added", f"{where} can be {_either(expected)}")
        if unexpected:
            yield Finding("Changed", f"{where} can be {_either(unexpected)}", is_breaking=True)
        if change.lost:
            yield Finding(
                "Changed", f"{where} can't be {_either(change.lost)} any more", is_breaking=bool(missed)
            )


def _is_named(alternative: str) -> bool:
    """Return true if an alternative is a constant or a generated type, not one of Python's own."""
    return re.fullmatch(r"None|Any|[a-z].*", alternative) is None


def _either(alternatives: Sequence[str]) -> str:
    return listed([f"`{each}`" for each in alternatives], last="or")


def _inside(place: str, marks: str) -> str:
    for mark in re.findall(r"\[\]|\{\}", marks):
        inner = place[0].lower() + place[1:] if place.startswith(("An ", "A ", "The ")) else place
        place = f"An item of {inner}" if mark == "[]" else f"A value of {inner}"
    return place


# Words -------------------------------------------------------------------------------------------------------


def _about(name: str, doc: str) -> str:
    """Return the first sentence about a new thing, if the document has one."""
    first = re.sub(r"</?[a-z][^>]*>", "", doc).strip().partition("\n")[0].partition(". ")[0]
    return "" if not first or first.startswith("`") or _is_fallback(name, doc) else f": {first.rstrip('.')}."


def _is_fallback(name: str, doc: str) -> bool:
    """Return true if the description of a type is only its name."""
    return re.sub(r"\W", "", doc).lower() == name.replace("_", "").lower()
