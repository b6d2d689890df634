"""What a change of the document changes for users of the package."""

from __future__ import annotations

from collections.abc import Iterator

from .build import build
from .compare import Comparison, Difference, shown_place
from .components import Component, Components, make_components
from .document import Document, shown
from .package import Argument, OperationCase, Package
from .report import Report

BREAKING, ADDED, OTHER, WORDS = "Breaking", "Added", "Changed", "Documentation"

#: A finding: the group it belongs to, and its words.
Finding = tuple[str, str]


def diff(old: Document, new: Document) -> Report:
    """Compare two editions of a document, both normalised, as their users see them."""
    title = f"From {shown(old.path)} to {shown(new.path)}, for users of the package:"
    report = Report(title, {BREAKING: [], ADDED: [], OTHER: [], WORDS: []}, "Nothing changes for users.")
    for group, finding in [*_operations(build(old), build(new)), *_types(old, new)]:
        report.add(group, finding)
    return report


# Operations ---------------------------------------------------------------------------------------------------


def _operations(old: Package, new: Package) -> Iterator[Finding]:
    before, after = _by_name(old), _by_name(new)
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            yield BREAKING, f"`client.{name}()` is gone"
        elif name not in before:
            yield ADDED, f"`client.{name}()`{_about(after[name])}"
        else:
            yield from _operation(before[name], after[name])


def _by_name(package: Package) -> dict[str, OperationCase]:
    return {each.name: each for resource in package.root.walk() for each in resource.operations}


def _about(operation: OperationCase) -> str:
    first = operation.doc.partition("\n")[0]
    return "" if first.startswith("`") else f": {first}"


def _operation(old: OperationCase, new: OperationCase) -> Iterator[Finding]:
    call = f"`client.{new.name}()`"
    before = {each.name: each for each in old.arguments}
    after = {each.name: each for each in new.arguments}
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            yield BREAKING, f"{call} no longer takes `{name}`"
        elif name not in before:
            needs = after[name].required
            verb = "needs" if needs else "takes"
            yield BREAKING if needs else ADDED, f"{call} {verb} `{name}: {after[name].type.code}`"
        else:
            yield from _argument(call, before[name], after[name])
    kept = [each.name for each in old.positional if each.name in after]
    if kept != [each.name for each in new.positional if each.name in before]:
        yield BREAKING, f"{call} takes its positional arguments in another order"
    if (old.result.code, old.style) != (new.result.code, new.style):
        yield BREAKING, f"{call} gives {_result(new)}, and gave {_result(old)}"
    if (old.http_method, old.path) != (new.http_method, new.path):
        was = f"{old.http_method} {old.path}"
        yield OTHER, f"{call} is sent as `{new.http_method} {new.path}`, no longer as `{was}`"
    if old.doc != new.doc and before.keys() == after.keys():
        yield WORDS, call


def _result(operation: OperationCase) -> str:
    kinds = {"page": "pages of ", "stream": "a stream of ", "send": ""}
    type_ = operation.item if operation.style == "page" and operation.item is not None else operation.result
    return f"{kinds[operation.style]}`{type_.code.replace('_models.', '')}`"


def _argument(call: str, old: Argument, new: Argument) -> Iterator[Finding]:
    if old.required != new.required:
        yield (
            (BREAKING, f"{call} now needs `{new.name}`")
            if new.required
            else (ADDED, f"{call} can be called without `{new.name}`")
        )
    if (old.where == "path") != (new.where == "path"):
        yield BREAKING, f"{call} takes `{new.name}` {'by position' if new.where == 'path' else 'by name'} now"
    if old.type.code != new.type.code:
        wider = set(old.type.codes) <= set(new.type.codes)
        code, was = (each.type.code.replace("_params.", "") for each in (new, old))
        yield ADDED if wider else BREAKING, f"{call} takes `{new.name}` as `{code}`, no longer as `{was}`"


# Types --------------------------------------------------------------------------------------------------------


def _types(old: Document, new: Document) -> Iterator[Finding]:
    before, after = make_components(old), make_components(new)
    renamed = dict(_renamed(before, after))
    for key, component in before.items():
        if key in renamed:
            yield BREAKING, f"`{component.name}` is called `{after[renamed[key]].name}` now"
        elif key not in after:
            yield BREAKING, f"`{component.name}` is gone"
    comparison = Comparison(old, new, follow=False)
    for key, component in after.items():
        if key not in before:
            if key not in renamed.values():
                yield ADDED, f"`{component.name}`{_first_sentence(component)}"
            continue
        yield from _directions(before[key], component)
        if before[key].schema.get("description") != component.schema.get("description"):
            yield WORDS, f"`{component.name}`"
        for difference in comparison.schemas(before[key].schema, component.schema, (component.name,)):
            yield _judged(difference, component)


def _renamed(before: Components, after: Components) -> Iterator[tuple[str, str]]:
    """What has the same structure under a new name."""
    fresh = {key: each.schema for key, each in after.items() if key not in before}
    for key, component in before.items():
        if key not in after:
            match = next((name for name, schema in fresh.items() if schema == component.schema), None)
            if match is not None:
                del fresh[match]
                yield key, match


def _directions(old: Component, new: Component) -> Iterator[Finding]:
    if old.received and not new.received:
        yield BREAKING, f"`{new.name}` is no longer received"
    if old.sent and (not new.sent or old.sent_name != new.sent_name):
        yield BREAKING, f"`{old.sent_name}` is gone from what is sent"


def _first_sentence(component: Component) -> str:
    text = str(component.schema.get("description") or "").strip().partition("\n")[0].partition(". ")[0]
    return f": {text.rstrip('.')}." if text else ""


def _judged(difference: Difference, component: Component) -> Finding:
    """What a difference means to those who read values of a type, or write them."""
    place = f"`{shown_place(difference.place)}`"
    old, new = difference.old, difference.new
    match difference.aspect:
        case "field" if new is None:
            return BREAKING, f"{place} is gone"
        case "field":
            needed = difference.required and component.sent
            must = ", which must be sent" if needed else ""
            return BREAKING if needed else ADDED, f"{place} (`{new}`){must}"
        case "required" if new == "required":
            if component.sent:
                return BREAKING, f"{place} must be sent now"
            return OTHER, f"{place} is always there now"
        case "required":
            if component.received:
                return BREAKING, f"{place} may be missing now"
            return ADDED, f"{place} need not be sent any more"
        case "type":
            fits_readers = not component.received or difference.is_narrower
            fits_writers = not component.sent or difference.is_wider
            group = BREAKING if not (fits_readers and fits_writers) else ADDED if component.sent else OTHER
            return group, f"{place} is `{new}`, and was `{old}`"
        case "value" | "member":
            if new is None:
                return BREAKING, f"{place} is never `{old}` any more"
            return ADDED, f"{place} can be `{new}`"
        case _:
            return WORDS, place


def is_breaking(report: Report) -> bool:
    """Whether users have to change something."""
    return bool(report.groups[BREAKING])
