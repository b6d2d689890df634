"""The package as files, through templates/."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .package import Argument, Definition, Module, OperationCase, Package, Resource, import_lines, shielded
from .text import docstring

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


def render(package: Package, *, header: str) -> dict[str, str]:
    """Every file of the package, by its path inside it."""
    return dict(_Renderer(package, header).files())


class _Renderer:
    def __init__(self, package: Package, header: str) -> None:
        self._package = package
        self._env = Environment(
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._env.globals["header"] = header
        self._env.filters |= {
            "docstring": docstring,
            "literal": repr,
            "path_code": _path_code,
            "returns": _returns,
            "shielded": shielded,
            "summary": lambda text: text.partition("\n\n")[0],
        }
        self._env.tests["identifier"] = str.isidentifier

    def files(self) -> Iterator[tuple[str, str]]:
        package = self._package
        yield "py.typed", ""
        yield "__init__.py", self._print("package_init.py", doc=_package_doc(package), version=package.version)
        for path in sorted((TEMPLATES / "runtime").glob("*.py")):
            yield path.name, f"{self._env.globals['header']}\n{path.read_text(encoding='utf-8')}"
        yield from self._types("models", package.models, received=True)
        yield from self._types("params", package.params, received=False)
        yield "operations/__init__.py", self._print("operations_init.py")
        for resource in package.root.walk():
            if resource.operations:
                yield f"operations/{resource.module}.py", self._operations(resource)
        yield from self._resources(package.root)

    def _print(self, template: str, **values: object) -> str:
        return self._env.get_template(f"{template}.jinja").render(values)

    # Types -------------------------------------------------------------------------------------------------------

    def _types(self, folder: str, modules: list[Module], *, received: bool) -> Iterator[tuple[str, str]]:
        names = {each.name: module.name for module in modules for each in module.definitions}
        everything = sorted([*names, *(["Unknown"] if received else [])])
        doc = (
            "Every type that can be received, by name; none is imported before it is asked for."
            if received
            else "Every dict that can be sent, by name; none is imported before it is asked for."
        )
        values = {"names": dict(sorted(names.items())), "all": everything, "doc": doc, "received": received}
        yield f"{folder}/__init__.py", self._print("types_init.py", **values)
        for module in modules:
            yield f"{folder}/{module.name}.py", self._types_module(module, received=received)

    def _types_module(self, module: Module, *, received: bool) -> str:
        typing = {f"typing.{name}" for name in _typing_names(module)}
        imports = import_lines(typing) + module.imports
        if received and any(each.kind != "alias" or each.type.link for each in module.definitions):
            imports.append("from .. import model as _model")
        return self._print(
            "types_module.py",
            imports=_joined(imports),
            typing_imports=module.typing_imports,
            definitions=[self._definition(each, received=received) for each in module.definitions],
        )

    def _definition(self, definition: Definition, *, received: bool) -> str:
        return self._print(f"{definition.kind}.py", definition=definition, received=received)

    # Operations and resources ------------------------------------------------------------------------------------

    def _operations(self, resource: Resource) -> str:
        operations = resource.operations
        codes = [code for each in operations for code in (*_codes(each.arguments), each.result.code)]
        imports = _type_imports(operations, results=True)
        links = any(case.type.link for each in operations for case in each.responses)
        return self._print(
            "operations.py",
            doc=f"The operations of `{'.'.join(resource.path)}`: what each is, and its requests.",
            operations=operations,
            imports=_joined(
                ["from typing import TYPE_CHECKING"] * _needs_checking(imports, codes)
                + (["from .. import model as _model"] if links else [])
                + ["from .. import request as _request"]
            ),
            typing_imports=imports,
            uses=_uses(codes),
        )

    def _resources(self, root: Resource) -> Iterator[tuple[str, str]]:
        listed: dict[str, str] = {}
        for resource in root.walk():
            module = f"_{resource.module or 'root'}"
            for prefix in ("", "Async") if resource.path else ("Sync", "Async"):
                listed[f"{prefix}{resource.class_name}"] = module
            yield f"resources/{module}.py", self._resource(resource)
        values = {"names": dict(sorted(listed.items())), "all": sorted(listed), "received": False}
        doc = "The resources of a client: the operations of each tag as methods."
        yield "resources/__init__.py", self._print("types_init.py", doc=doc, **values)

    def _resource(self, resource: Resource) -> str:
        operations = resource.operations
        kinds = ("Sync", "Async")
        codes = [code for each in operations for code in (*_codes(each.arguments), *(_returns(each, k) for k in kinds))]
        type_imports = _type_imports(operations, results=True)
        hidden = {each.method for each in operations}
        imports = ["from .. import resource as _resource"]
        if operations:
            imports += [
                "from typing import Unpack",
                "from .. import request as _request",
                f"from ..operations import {resource.module} as _operations",
            ]
        if resource.children or operations:
            imports.append("from functools import cached_property")
        if any("_transport." in code for code in codes):
            imports.append("from .. import transport as _transport")
        if any("_builtins." in shielded(code, hidden) for code in codes):
            imports.append("import builtins as _builtins")
        imports += [
            f"from ._{child.module} import {child.class_name}, Async{child.class_name}" for child in resource.children
        ]
        imports += ["from typing import TYPE_CHECKING"] * _needs_checking(type_imports, codes)
        path = ".".join(resource.path)
        return self._print(
            "resource.py",
            doc=f"`client.{path}`." if path else "The resources that a client has.",
            resource=_documented(resource),
            hidden=hidden,
            imports=_joined(imports),
            typing_imports=type_imports,
            uses=_uses(codes),
        )


def _documented(resource: Resource) -> Resource:
    for each in resource.walk():
        if not each.doc:
            each.doc = f"The operations of `{'.'.join(each.path)}`." if each.path else "What a client offers, by tag."
    return resource


def _package_doc(package: Package) -> str:
    title = f"{package.title}: models, params, operations and resources, generated from its OpenAPI document."
    return f"{title}\n\n{package.doc}" if package.doc else title


def _typing_names(module: Module) -> Iterator[str]:
    kinds = {each.kind for each in module.definitions}
    if kinds & {"union", "alias"}:
        yield "TypeAlias"
    if "dict" in kinds:
        yield "TypedDict"
        if any(not each.required for definition in module.definitions for each in definition.fields):
            yield "NotRequired"
    if module.typing_imports:
        yield "TYPE_CHECKING"


def _joined(lines: Iterable[str]) -> list[str]:
    """Import lines with those of one module merged, in a fixed order: the future first, ours last."""
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


def _codes(arguments: list[Argument]) -> list[str]:
    return [argument.annotation for argument in arguments]


def _uses(codes: list[str]) -> list[str]:
    return [module for module in ("models", "params") if any(f"_{module}." in code for code in codes)]


def _type_imports(operations: list[OperationCase], *, results: bool) -> list[str]:
    types = [argument.type for each in operations for argument in each.arguments]
    types += [type_ for each in operations for type_ in (each.result, each.item) if type_ is not None and results]
    return import_lines({name for type_ in types for name in type_.imports})


def _needs_checking(imports: list[str], codes: list[str]) -> bool:
    return bool(imports or _uses(codes))


def _returns(operation: OperationCase, kind: str) -> str:
    """What a method of a resource gives."""
    if operation.style == "page" and operation.item is not None:
        return f"_transport.{'AsyncPager' if kind == 'Async' else 'SyncPage'}[{operation.item.code}]"
    if operation.style == "stream":
        return f"_transport.{kind}Stream[{operation.result.code}]"
    return operation.result.code


def _path_code(path: str, arguments: list[Argument]) -> str:
    """Code that fills in a path: the template itself where nothing is to be filled in."""
    if not arguments:
        return repr(path)
    code = repr(path.replace("%", "%%"))
    names = {argument.key: argument.name for argument in arguments}
    for key in names:
        code = code.replace(f"{{{key}}}", "%s")
    order = sorted(names, key=lambda key: path.index(f"{{{key}}}"))
    segments = [f"_request.path_segment({key!r}, {names[key]})" for key in order]
    return f"{code} % ({', '.join(segments)},)"
