"""The directive `from-sources`: reference text made of the code and the spec, so that it can't differ from them."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parent.parent.parent
_METHODS = ("get", "post", "put", "patch", "delete")


def _spec() -> dict[str, Any]:
    spec: dict[str, Any] = yaml.load(
        (ROOT / "spec/openapi.yaml").read_text(encoding="utf-8"),
        getattr(yaml, "CSafeLoader", yaml.SafeLoader),  # noqa: S506  # both are safe
    )
    return spec


def _cell(text: object) -> str:
    return " ".join(str(text or "").split()).replace("|", r"\|").replace("<", "&lt;")


def _link(reference: str) -> str:
    name = reference.rpartition("/")[2]
    return f"[{name}](#type-{name.lower()})"


def _type_of(schema: Any) -> str:
    if not isinstance(schema, Mapping) or not schema:
        return "any"
    if "$ref" in schema:
        return _link(schema["$ref"])
    for kind in ("oneOf", "anyOf"):
        if kind in schema:
            return " or ".join(dict.fromkeys(map(_type_of, schema[kind])))
    if "const" in schema:
        return f"`{schema['const']!r}`"
    if "enum" in schema:
        return " or ".join(f"`{value!r}`" for value in schema["enum"])
    kinds = schema.get("type", "object" if "properties" in schema else "any")
    names = []
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind == "array":
            names.append(f"list of {_type_of(schema.get('items'))}")
        elif kind == "string" and "format" in schema:
            names.append(schema["format"])
        elif kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
            names.append(f"object of {_type_of(schema['additionalProperties'])}")
        else:
            names.append(kind)
    return " or ".join(names)


def operations() -> Iterator[str]:
    """Yield the operations of the spec."""
    spec = _spec()
    shared = spec["components"].get("parameters", {})
    for path, item in spec["paths"].items():
        for method in _METHODS:
            if method not in item:
                continue
            operation = item[method]
            tag, name = operation["tags"][0], operation["operationId"]
            call = f"client.{tag}.{name.removeprefix(tag.replace('.', '_') + '_')}()"
            yield f"## {operation['summary']}\n\n`{method.upper()} {path}` is `{call}`.\n\n{operation['description']}\n"
            parameters = [
                shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
                for each in (*item.get("parameters", ()), *operation.get("parameters", ()))
            ]
            if parameters:
                yield "| parameter | in | type | meaning |\n|---|---|---|---|"
                for each in parameters:
                    required = ", required" if each.get("required") else ""
                    yield (
                        f"| `{each['name']}` | {each['in']}{required} | {_type_of(each['schema'])} "
                        f"| {_cell(each.get('description'))} |"
                    )
                yield ""
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                yield f"Body, as `{kind}`: {_type_of(content['schema'])}.\n"
            yield "| status | body |\n|---|---|"
            responses = spec["components"].get("responses", {})
            for status, response in operation["responses"].items():
                if "$ref" in response:
                    response = responses[response["$ref"].rpartition("/")[2]]
                types = [_type_of(content.get("schema")) for content in response.get("content", {}).values()]
                yield f"| {status} | {', '.join(types)}{': ' if types else ''}{_cell(response['description'])} |"
            yield ""


def types() -> Iterator[str]:
    """Yield the schemas of the spec."""
    for name, schema in sorted(_spec()["components"]["schemas"].items()):
        yield f"(type-{name.lower()})=\n## {name}\n\n{schema.get('description', '')}\n"
        properties = schema.get("properties", {})
        if not properties:
            yield f"Type: {_type_of(schema)}.\n"
            continue
        yield "| field | type | meaning |\n|---|---|---|"
        required = schema.get("required", ())
        for field, each in properties.items():
            marks = ", required" if field in required else ""
            marks += ", deprecated" if each.get("deprecated") else ""
            yield f"| `{field}` | {_type_of(each)}{marks} | {_cell(each.get('description'))} |"
        yield ""


def options() -> Iterator[str]:
    """Yield the dicts of keyword arguments: each key with its type and its docstring."""
    from claude_batches import ApiSettings, PollOptions, Settings
    from claude_batches_api.operations.messages_batches import CreateOptions, ResultsOptions
    from claude_batches_api.request import RequestOptions

    for each in (Settings, ApiSettings, RequestOptions, CreateOptions, PollOptions, ResultsOptions):
        name, doc = each.__name__, inspect.getdoc(each) or ""
        yield f"(type-{name.lower()})=\n### {name}\n\n{doc.partition('Attributes:')[0].strip()}\n"
        yield "| argument | type | meaning |\n|---|---|---|"
        [definition] = ast.parse(inspect.getsource(each)).body
        assert isinstance(definition, ast.ClassDef)
        for field, text in pairwise(definition.body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                meaning = ast.literal_eval(text.value)
                yield f"| `{ast.unparse(field.target)}` | {_code(ast.unparse(field.annotation))} | {_cell(meaning)} |"
        yield ""


@cache
def public_errors() -> list[tuple[type[Exception], int]]:
    """Return the tree of the errors: each with its depth, and its subclasses behind it."""
    import claude_batches
    from claude_batches import jobs, sandbox
    from claude_batches.jobs import _cost, _tables

    for module in (claude_batches, jobs, _cost, _tables, sandbox):
        for name in module.__all__:
            getattr(module, name)

    def found(error: type[Exception], depth: int) -> Iterator[tuple[type[Exception], int]]:
        yield error, depth
        for below in sorted(error.__subclasses__(), key=lambda each: each.__name__):
            if not below.__name__.startswith("_"):
                yield from found(below, depth + 1)

    return [*found(claude_batches.ClaudeBatchesError, 0)]


def errors() -> Iterator[str]:
    """Yield the tree of the errors, with the first sentence of each."""
    for error, depth in public_errors():
        name, summary = error.__name__, (inspect.getdoc(error) or "").split("\n\n")[0]
        aliases = [f"`{alias}`" for alias, value in _aliases() if value is error]
        also = f" ({', '.join(aliases)})" if aliases else ""
        yield f'{"  " * depth}- <span id="error-{name.lower()}"></span>`{name}`{also}: {_cell(summary)}'


@cache
def _aliases() -> list[tuple[str, object]]:
    """Return the public errors that have another name beside their own."""
    import claude_batches

    values = ((name, getattr(claude_batches, name)) for name in claude_batches.__all__)
    return [(name, each) for name, each in values if name.endswith("Error") and each.__name__ != name]


def commands() -> Iterator[str]:
    """Yield the commands, with their arguments and options."""
    import typer.main
    from claude_batches.cli._app import app

    for name, command in typer.main.get_group(app).commands.items():
        yield f"## `claude-batches {name}`\n\n{re.sub(r'(?m)^ +', '', inspect.cleandoc(command.help or ''))}\n"
        yield "| argument or option | value | meaning |\n|---|---|---|"
        for parameter in command.params:
            options = ", ".join(f"`{option}`" for option in (*parameter.opts, *parameter.secondary_opts))
            value = "" if getattr(parameter, "is_flag", False) else parameter.make_metavar(_context(command))
            meaning = _cell(getattr(parameter, "help", ""))
            default = parameter.default
            if isinstance(default, str | int | float) and not isinstance(default, bool) and default != "":
                meaning += f" Default: `{default}`."
            shown = options if options.startswith("`-") else f"`{(parameter.name or '').upper()}`"
            yield f"| {shown} | {_code(value)} | {meaning} |"
        yield ""


def _code(text: str) -> str:
    return f"`{text}`".replace("|", r"\|") if text else ""


def _context(command: Any) -> Any:
    return command.context_class(command)


def exit_statuses() -> Iterator[str]:
    """Yield the exit statuses of the command."""
    from claude_batches.cli._exits import ExitStatus

    yield "| status | name |\n|---|---|"
    for status in ExitStatus:
        yield f"| {status.value} | {status.name.lower().replace('_', ' ')} |"


def ledger() -> Iterator[str]:
    """Yield the schema of a ledger."""
    from claude_batches.jobs._ledger._schema import MIGRATIONS, VERSION

    yield f"Version {VERSION}.\n"
    for number, script in enumerate(MIGRATIONS):
        yield f"From version {number} to {number + 1}:\n\n```sql\n{script.strip()}\n```\n"


def table() -> Iterator[str]:
    """Yield the columns of a table of results."""
    from claude_batches.jobs._tables import SCHEMA

    yield "| column | type |\n|---|---|"
    columns = SCHEMA.items() if isinstance(SCHEMA, Mapping) else SCHEMA
    for name, kind, *_ in columns:
        yield f"| `{name}` | {kind} |"


TEXTS: dict[str, Callable[[], Iterator[str]]] = {
    "operations": operations,
    "options": options,
    "types": types,
    "errors": errors,
    "commands": commands,
    "exit-statuses": exit_statuses,
    "ledger": ledger,
    "table": table,
}


class FromSources(SphinxDirective):
    """The directive."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the parsed text."""
        text = "\n".join(TEXTS[self.arguments[0]]())
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def _plurals(_app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Let letters follow code, as Markdown does and reStructuredText does not."""
    lines[:] = [re.sub(r"(`[^`]+`)(s?)", _spaced, line) for line in lines]


def _spaced(code: re.Match[str]) -> str:
    return f"{code[1]}\\ {code[2]}" if code[2] else code[1]


def _signature(
    _app: Sphinx,
    what: str,
    _name: str,
    value: Any,
    _options: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None] | None:
    """Leave out private parameters, and the signature of a class that is not called."""
    if what == "class" and "Args:" not in (inspect.getdoc(value) or ""):
        return "", None
    return None if signature is None else (re.sub(r", _\w+: [^,)]+", "", signature), returned)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.connect("autodoc-process-docstring", _plurals)
    app.connect("autodoc-process-signature", _signature)
    app.add_directive("from-sources", FromSources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
