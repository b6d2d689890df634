"""The plan of a package as files, through templates/. Verbatim files are in runtime/."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import attrs
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..plan.annotations import Type, qualified
from ..plan.definitions import import_lines
from ..plan.package import Argument, Definition, Field, Module, OperationCase, Package, Resource, ResponseCase
from ..text import comment, docstring

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES, RUNTIME = ROOT / "templates", ROOT / "runtime"


def render(package: Package, *, header: str) -> dict[str, str]:
    """Return every file of the package, by its path inside it."""
    return dict(_Renderer(package, header).files())


class _Renderer:
    def __init__(self, package: Package, header: str) -> None:
        self._package = package
        self._header = header
        self._env = Environment(
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            # The output is Python, not HTML: names.py makes names safe, the filters here make texts safe.
            autoescape=False,  # noqa: S701
        )
        self._env.globals["header"] = header
        self._env.filters |= {
            "comment": comment,
            "dict_annotation": _dict_annotation,
            "docstring": docstring,
            "first_paragraph": lambda text: text.partition("\n\n")[0],
            "literal": repr,
            "plain_and_optional": _plain_and_optional,
            "overloads": _overloads,
            "qualified": qualified,
            "returns": _returns,
        }

    def files(self) -> Iterator[tuple[str, str]]:
        package = self._package
        yield "py.typed", ""
        yield (
            "__init__.py",
            self._print("package_init.py", doc=_package_doc(package), version=package.version),
        )
        for path in sorted(RUNTIME.glob("*.py")):
            text = path.read_text(encoding="utf-8").replace(_OTHER_TAGS, _other_tags(package))
            yield path.name, f"{self._header}\n{text}"
        yield "security.py", self._print("security.py", schemes=package.schemes, security=package.security)
        yield from self._types("models", package.models, "Received types")
        yield from self._types("params", package.params, "Types of dicts that are sent")
        yield "operations/__init__.py", self._print("operations_init.py")
        for resource in package.root.walk():
            if resource.operations:
                yield f"operations/{resource.module}.py", self._operations(resource)
        yield from self._resources(package.root)

    def _print(self, template: str, **values: object) -> str:
        return self._env.get_template(f"{template}.jinja").render(values)

    def _face(self, names: dict[str, str], doc: str, *, received: bool = False) -> str:
        return self._print("types_init.py", names=dict(sorted(names.items())), doc=doc, received=received)

    # Types ----------------------------------------------------------------------------------------------------

    def _types(self, folder: str, modules: list[Module], what: str) -> Iterator[tuple[str, str]]:
        received = folder == "models"
        names = {each.name: module.name for module in modules for each in module.definitions}
        doc = f"{what} by name, imported on first use."
        yield f"{folder}/__init__.py", self._face(names, doc, received=received)
        for module in modules:
            yield f"{folder}/{module.name}.py", self._types_module(module, received=received)

    def _types_module(self, module: Module, *, received: bool) -> str:
        imports = import_lines(f"typing.{name}" for name in _typing_names(module)) + module.imports
        if received and any(each.kind != "alias" or each.link for each in module.definitions):
            imports.append("from .. import model as _model")
        is_union = any(each.kind == "union" for each in module.definitions)
        return self._print(
            "types_module.py",
            received=received,
            imports=_sorted_imports(imports + _qualifiers(_field_codes(module.definitions))),
            # A union is for type checkers alone, as its members are imported for them alone.
            typing_imports=[] if is_union else module.typing_imports,
            definitions=[
                self._print(f"{each.kind}.py", definition=each, typing_imports=module.typing_imports)
                for each in module.definitions
            ],
        )

    # Operations and resources ---------------------------------------------------------------------------------

    def _operations(self, resource: Resource) -> str:
        operations = resource.operations
        links = any(case.link for each in operations for case in each.responses)
        imports = ["from .. import request as _request", *["from .. import model as _model"] * links]
        imports += _request_imports(operations)
        types = [line for line in _type_imports(operations) if line not in imports]
        for each in operations:
            names = {argument.name for argument in each.optional}
            types += _qualifiers(qualified(argument.annotation, names) for argument in each.optional)
        return self._print(
            "operations.py",
            doc=f"The operations of `{'.'.join(resource.path)}`, and their requests.",
            operations=operations,
            imports=_sorted_imports(imports + ["from typing import TYPE_CHECKING"] * bool(types)),
            typing_imports=list(dict.fromkeys(types)),
        )

    def _resources(self, root: Resource) -> Iterator[tuple[str, str]]:
        names: dict[str, str] = {}
        for resource in root.walk():
            for prefix in ("", "Async") if resource.path else ("Sync", "Async"):
                names[f"{prefix}{resource.class_name}"] = f"_{resource.module}"
            yield f"resources/_{resource.module}.py", self._resource(resource)
        doc = "The resources of a client: the operations of each tag as methods."
        yield "resources/__init__.py", self._face(names, doc)

    def _resource(self, resource: Resource) -> str:
        operations = resource.operations
        hidden = {each.method for each in operations}
        returns = [_returns(each, kind) for each in operations for kind in ("Sync", "Async")]
        codes = [each.annotation for operation in operations for each in operation.arguments] + returns
        types = _type_imports(operations)
        if any("_client." in code for code in returns):
            types.append("import claude_batches as _client")
        imports = ["from .. import resource as _resource", "from functools import cached_property"]
        if operations:
            imports.append("from typing import Unpack")
            if any(True for each in operations for _ in _overloads(each, "Sync")):
                imports.append("from typing import overload")
                types += _type_imports([each for each in operations for each, _ in _overloads(each, "Sync")])
            if any(each.has_line_switch for each in operations):
                imports.append("from typing import Any")
            imports.append("from .. import request as _request")
            imports.append(f"from ..operations import {resource.module} as _operations")
            imports += _request_imports(operations)
            types = [line for line in types if line not in imports]
        imports += ["from typing import TYPE_CHECKING"] * bool(types)
        for child in resource.children:
            imports.append(f"from ._{child.module} import Async{child.class_name}, {child.class_name}")
        path = ".".join(resource.path)
        return self._print(
            "resource.py",
            doc=f"`client.{path}`." if path else "The root of a client's resources.",
            resource=resource,
            hidden=hidden,
            imports=_sorted_imports(imports + _qualifiers(qualified(code, hidden) for code in codes)),
            typing_imports=types,
        )


#: The place in model.py for the tags of unions besides `type`.
_OTHER_TAGS = "    # other tags\n\n"
_TAG = re.compile(r"\b_model\.Tagged\(('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")")


def _other_tags(package: Package) -> str:
    """Declare the tags of all unions on `Unknown`, for type checkers: each narrows its union then."""
    definitions = [each for module in package.models for each in module.definitions]
    fields = [field for each in definitions for field in each.fields]
    cases = [
        case
        for resource in package.root.walk()
        for operation in resource.operations
        for case in operation.responses
    ]
    links = (
        [each.link for each in definitions] + [each.link for each in fields] + [each.link for each in cases]
    )
    keys = {ast.literal_eval(tag) for link in links for tag in _TAG.findall(link or "")}
    names = sorted({field.name for field in fields if field.key in keys} - {"type", "raw", "to_dict"})
    lines = ["    if TYPE_CHECKING:", *(f"        {name}: Tag" for name in names), "", ""]
    return "\n".join(lines) if names else ""


def _request_imports(operations: Collection[OperationCase]) -> list[str]:
    """Return the imports of code that makes requests."""
    imports = ["from .. import body as _body"] * any(each.body for each in operations)
    if any(each.may_be_unset for operation in operations for each in operation.arguments):
        imports += ["from ..parameters import Unset as _Unset", "from ..parameters import unset as _unset"]
    return imports + ["from .. import parameters as _parameters"] * any(map(_has_parameters, operations))


def _has_parameters(operation: OperationCase) -> bool:
    """Return true if a function writes parameters."""
    return any(each.where in ("path", "query", "header", "cookie") for each in operation.arguments)


def _package_doc(package: Package) -> str:
    title = f"{package.title}: models, params, operations and resources, generated from its OpenAPI document."
    return f"{title}\n\n{package.doc}" if package.doc else title


def _typing_names(module: Module) -> Iterator[str]:
    kinds = {each.kind for each in module.definitions}
    if kinds & {"union", "alias"}:
        yield "TypeAlias"
    if kinds & {"dict", "dict_call"}:
        yield "TypedDict"
        if any(not each.required for definition in module.definitions for each in definition.fields):
            yield "NotRequired"
    if module.typing_imports or "union" in kinds:
        yield "TYPE_CHECKING"


def _field_codes(definitions: list[Definition]) -> Iterator[str]:
    return (each.annotation for definition in definitions for each in definition.fields)


def _qualifiers(codes: Iterable[str]) -> list[str]:
    """Return imports for names that are spelt with their module."""
    joined = "\n".join(codes)
    return [f"import {module} as _{module}" for module in ("builtins", "datetime") if f"_{module}." in joined]


def _sorted_imports(lines: Iterable[str]) -> list[str]:
    """Return import lines with those of one module merged, in a fixed order: Python's first, ours last."""
    by_module: dict[str, set[str]] = {}
    plain: set[str] = set()
    for line in lines:
        if line.startswith("from "):
            module, _, names = line.removeprefix("from ").partition(" import ")
            by_module.setdefault(module, set()).update(names.split(", "))
        else:
            plain.add(line)
    merged = [f"from {module} import {', '.join(sorted(names))}" for module, names in by_module.items()]
    ours = sorted(line for line in merged if line.startswith("from ."))
    others = sorted([*plain, *(line for line in merged if not line.startswith("from ."))])
    return [*others, *([""] if others and ours else []), *ours]


def _type_imports(operations: Collection[OperationCase]) -> list[str]:
    """Return the imports of the annotations of operations, which only type checkers need."""
    types: list[Type] = [argument.type for each in operations for argument in each.arguments]
    types += [type_ for each in operations for type_ in (each.result, each.item) if type_ is not None]
    types += [each.streamed.type for each in operations if each.streamed is not None]
    lines = import_lines({name for type_ in types for name in type_.imports})
    codes = "\n".join(type_.code for type_ in types)
    lines += [f"from .. import {home} as _{home}" for home in ("models", "params") if f"_{home}." in codes]
    lines += ["import claude_batches as _client"] * ("_client." in codes)
    return lines + ["from .. import model as _model"] * ("_model." in codes)


def _returns(operation: OperationCase, kind: str) -> str:
    """Return the result of a method of a resource."""
    if operation.style == "page" and operation.item is not None:
        return f"_client.{'AsyncPager' if kind == 'Async' else 'Page'}[{operation.item.code}]"
    if operation.style == "stream":
        return f"_client.{'Async' if kind == 'Async' else ''}LineStream[{operation.result.code}]"
    streamed = operation.streamed
    if streamed is None or (operation.style == "send" and operation.switch is None):
        return operation.result.code
    stream = _stream_of(streamed, kind)
    return stream if operation.style != "send" else f"{operation.result.code} | {stream}"


def _overloads(operation: OperationCase, kind: str) -> Iterator[tuple[OperationCase, str]]:
    """Yield the signatures of a method whose arguments depend on one another, each with its result."""
    forms = list(_by_form(operation))
    for form in forms:
        chosen = list(_by_flag(form, kind))
        if len(forms) > 1 or len(chosen) > 1:
            yield from chosen


def _by_form(operation: OperationCase) -> Iterator[OperationCase]:
    """Yield the operation with the fields of each form of its body, which its argument for the media type chooses."""
    forms = operation.body.forms if operation.body else []
    if not forms:
        yield operation
    for index, form in enumerate(forms):
        [choice] = operation.arguments_in("media")
        types = [media.type for media in form.media]
        type_ = Type((f"Literal[{', '.join(map(repr, types))}]",), imports=choice.type.imports)
        choice = attrs.evolve(choice, type=type_, required=index > 0, initial=None if index else types[0])
        others = [each for each in operation.arguments if each.where not in ("body", "media")]
        yield attrs.evolve(operation, arguments=[*others, *form.arguments, choice])


def _by_flag(operation: OperationCase, kind: str) -> Iterator[tuple[OperationCase, str]]:
    """Yield the operation with each value of the flag that asks for a stream, and the result of each."""
    switch, streamed = operation.switch, operation.streamed
    if switch is None or streamed is None or not switch.choices:
        yield operation, _returns(operation, kind)
        return
    result, stream = operation.result.code, _stream_of(streamed, kind)
    variants = [(each, stream if value else result) for value, each in switch.choices.items()]
    if switch.either is not None:
        variants.append((switch.either, f"{result} | {stream}"))
    for each, returned in variants:
        arguments = [each if argument.name == each.name else argument for argument in operation.arguments]
        yield attrs.evolve(operation, arguments=arguments), returned


def _stream_of(streamed: ResponseCase, kind: str) -> str:
    name = "EventStream" if streamed.kind == "events" else "LineStream"
    return f"_client.{'Async' if kind == 'Async' else ''}{name}[{streamed.type.code}]"


def _dict_annotation(field: Field) -> str:
    annotation = repr(field.annotation) if field.quoted else field.annotation
    return annotation if field.required else f"NotRequired[{annotation}]"


def _plain_and_optional(arguments: list[Argument]) -> tuple[list[Argument], list[Argument]]:
    """Split the properties of a body: those that are sent even if null, and those that `None` leaves out."""
    always = [each for each in arguments if each.required or each.nullable]
    return always, [each for each in arguments if each not in always]
