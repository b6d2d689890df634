"""Python names for the names of a document."""

from __future__ import annotations

import keyword
import re

from openapi_python_client.strings import ClassName, PythonIdentifier, snake_case

#: Builtins that annotations and generated code use: a field or an argument of that name would hide them.
USED_BUILTINS = frozenset({"bool", "bytes", "dict", "float", "int", "list", "object", "property", "str", "tuple"})

#: What every model has: a field can't have these names.
MODEL_MEMBERS = frozenset({"extra_fields", "from_dict", "to_dict"})

_PREFIX = "field_"


def class_name(key: str) -> str:
    """The class for a component: its key where that is a class name already, else one made of it."""
    if re.fullmatch(r"[A-Z][A-Za-z0-9_]*", key) and not keyword.iskeyword(key):
        return key
    return ClassName(key, "Model")


def attribute_name(name: str, *, reserved: frozenset[str] = frozenset()) -> str:
    """The attribute or the argument for a property or a parameter: `snake_case`, and safe to use as a name.

    openapi-python-client renames whatever is a builtin (`type` to `type_`); most of them do no harm as attributes,
    and users know these names from the API, so only those that generated code itself uses are renamed.
    """
    identifier = str(PythonIdentifier(name, prefix=_PREFIX))
    plain = identifier.removesuffix("_")
    if plain == identifier:
        return f"{identifier}_" if identifier in reserved else identifier
    harmless = plain.isidentifier() and not keyword.iskeyword(plain) and plain not in USED_BUILTINS | reserved
    return plain if harmless else identifier


def method_name(name: str) -> str:
    """The method of a resource: only a keyword is not allowed there."""
    return f"{name}_" if keyword.iskeyword(name) else name


def function_name(name: str) -> str:
    """The endpoint function in a module: it must not hide a builtin from its neighbours."""
    return str(PythonIdentifier(name, prefix=_PREFIX))


def module_name(name: str) -> str:
    """The private module that holds a class."""
    return f"_{snake(name)}"


def snake(name: str) -> str:
    """`snake_case` that keeps acronyms and numbers readable: `Base64PDFSource` gives `base64_pdf_source`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return snake_case(spaced.lower())
