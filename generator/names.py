"""Python names for the names of a document, by the rules of openapi-python-client and a few of our own."""

from __future__ import annotations

import builtins
import hashlib
import keyword
import re
import unicodedata
from collections.abc import Container, Sequence
from functools import cache

from openapi_python_client.strings import ClassName, PythonIdentifier, snake_case

#: Members of every model: reserved names for fields.
MODEL_MEMBERS = frozenset(
    {
        "extra_fields",
        "from_dict",
        "model_construct",
        "model_copy",
        "model_dump",
        "model_dump_json",
        "model_extra",
        "model_fields_set",
        "model_validate",
        "self",
        "to_dict",
        "to_json",
    }
)

#: Members of every resource: reserved names for methods.
RESOURCE_MEMBERS = frozenset({"cached_property", "with_raw_response", "with_streaming_response"})

#: Imports of a module of types: a class of such a name would hide them.
_IMPORTED = frozenset(
    {
        "Any",
        "Iterable",
        "Literal",
        "Mapping",
        "NotRequired",
        "Sequence",
        "TYPE_CHECKING",
        "TypeAlias",
        "TypedDict",
    }
    | {"Unknown"}
)
_HIDDEN = _IMPORTED | {name for name in dir(builtins) if name[0].isupper()}

#: Members of the handwritten clients: reserved names for tags.
CLIENT_MEMBERS = frozenset(
    {
        "api_key",
        "auth_token",
        "base_url",
        "close",
        "copy",
        "default_headers",
        "default_query",
        "is_closed",
        "max_retries",
        "timeout",
        "with_options",
    }
)

_PREFIX = "field_"

#: Bytes of a module's name. With an underscore before it and `.py` behind it, a file name has at most 60.
_LONGEST_MODULE = 56


def free_name(wanted: str, taken: Container[str], *, separator: str = "_") -> str:
    """Return the wanted name, numbered if it is taken."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}{separator}{number}", number + 1
    return name


def told_apart(wanted: Sequence[tuple[str, str]], *, separator: str = "_") -> list[tuple[str, str]]:
    """Return a distinct name for each thing.

    Args:
        wanted: The name of each thing in the document, and the name that it should have in Python.
        separator: The text before the number of a name that is taken.

    Returns:
        The name of each thing, and the document's name of the thing that owns the wanted name: most often itself.
    """
    # A thing with exactly this name in the document keeps it; else the first thing does.
    owners = {name: called for called, name in wanted if called == name}
    taken = {name for _, name in wanted}
    named: list[tuple[str, str]] = []
    given: set[str] = set()
    for called, name in wanted:
        owner = owners.setdefault(name, called)
        if owner != called or name in given:
            name = free_name(name, taken, separator=separator)
            taken.add(name)
        given.add(name)
        named.append((name, owner))
    return named


@cache
def class_name(key: str) -> str:
    """Return the class of a component: its key where that is a class name already, else one made of it."""
    name = (
        key if re.fullmatch(r"[A-Z][A-Za-z0-9_]*", key) else str(ClassName(_separated(_plain(key)), "Model"))
    )
    return f"{name}_" if name in _HIDDEN or keyword.iskeyword(name) else name


@cache
def attribute_name(name: str, *, reserved: frozenset[str] = frozenset()) -> str:
    """Return the attribute or argument of a property or parameter: snake case, and not a keyword.

    openapi-python-client also renames builtins (`type` to `type_`). As attributes they do no harm, and users know
    these names from the API.
    """
    identifier = str(PythonIdentifier(spelt(name), prefix=_PREFIX))
    plain = identifier.removesuffix("_")
    if plain.isidentifier() and not keyword.iskeyword(plain) and plain not in reserved:
        return plain
    return identifier if identifier not in reserved else f"{identifier}_"


def operation_name(operation_id: str) -> str:
    """Return the name of an operation."""
    return str(PythonIdentifier(spelt(operation_id), prefix=_PREFIX))


def spelt(name: str) -> str:
    """Return a name in words: `user_ids` for `userIDs`. Signs that distinguish names become words too.

    Those are `+1` and `-1`, `StartTime<` and `StartTime>`.
    """
    signs = {"+": "plus_", "-": "minus_", "<": "_lt", "<=": "_le", ">": "_gt", ">=": "_ge"}
    # The `>` of `List<Pet>` is not a comparison.
    sign = r"^[+-](?=\d)" if re.search(r"[<>].*[<>]", name) else r"^[+-](?=\d)|(?<=\w)[<>]=?$"
    signed = re.sub(sign, lambda found: signs[found[0]], _plain(name))
    return _words(_separated(signed))


def method_name(name: str) -> str:
    """Return the method of a resource: not a keyword, and not a member of every resource."""
    # The rules of openapi-python-client add an underscore to builtins. A method may be called like one.
    plain = name.removesuffix("_")
    return f"{plain}_" if keyword.iskeyword(plain) or plain in RESOURCE_MEMBERS else plain


def function_name(name: str) -> str:
    """Return the endpoint function of a method: it must not hide a builtin in its module."""
    return f"{name}_" if keyword.iskeyword(name) or hasattr(builtins, name) else name


def constant_name(name: str) -> str:
    """Return the constant of an operation. Scripts without capitals need a suffix."""
    return name.upper() if name.upper() != name else f"{name}_OPERATION"


def module_name(name: str) -> str:
    """Return the private module of a class."""
    return f"_{shortened(snake(name))}"


def shortened(name: str) -> str:
    """Return a module name that fits into a file name, and stays distinct."""
    encoded = name.encode()
    if len(encoded) <= _LONGEST_MODULE:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return f"{encoded[: _LONGEST_MODULE - 9].decode(errors='ignore').rstrip('_')}_{digest}"


def snake(name: str) -> str:
    """Return snake case that keeps acronyms and numbers readable: `base64_pdf_source` for `Base64PDFSource`."""
    return str(snake_case(_words(name)))


def _words(name: str) -> str:
    """Return a name in lower case with an underscore before each word; the `s` of `IDs` does not begin one."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?![a-z]))[a-z])", "_", name).lower()


def _separated(name: str) -> str:
    """Return a name with an underscore for each run of other characters: `actions/set` would become one word."""
    separated = re.sub(r"[^\w']+", "_", name).replace("'", "")
    return separated if name.startswith("_") else separated.lstrip("_")


def _plain(name: str) -> str:
    """Return a name as Python compares names: encodings of one letter are equal."""
    return unicodedata.normalize("NFKC", name)
