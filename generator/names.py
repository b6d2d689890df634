"""Python names for the names of a document."""

from __future__ import annotations

import builtins
import hashlib
import keyword
import re
import unicodedata
from collections.abc import Container, Sequence
from functools import cache

from openapi_python_client.strings import ClassName, PythonIdentifier, snake_case

#: What every model has: a field can't have these names.
MODEL_MEMBERS = frozenset(
    {"absent_", "decode_", "extra_", "extra_fields", "fields_", "from_dict", "request_id_", "self", "to_dict"}
)

#: What every resource has: a method can't have these names.
RESOURCE_MEMBERS = frozenset({"cached_property", "with_raw_response", "with_streaming_response"})

#: What a module of types takes from elsewhere: a class of such a name would hide it.
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

#: What the handwritten clients have: no tag can hide it.
CLIENT_MEMBERS = frozenset(
    {
        "api_key",
        "auth_token",
        "base_url",
        "close",
        "copy",
        "is_closed",
        "max_retries",
        "timeout",
        "with_options",
    }
)

_PREFIX = "field_"

#: The name of a file must be shorter than 256 bytes.
_LONGEST_MODULE = 100


def free_name(wanted: str, taken: Container[str], *, separator: str = "_") -> str:
    """The wanted name, numbered if something else has it."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}{separator}{number}", number + 1
    return name


def told_apart(wanted: Sequence[tuple[str, str]], *, separator: str = "_") -> list[tuple[str, str]]:
    """A name for each thing, so that no two have the same.

    Args:
        wanted: What each is called in the document, and the name it should have.
        separator: What stands before the number of a name that is taken.

    Returns:
        The name of each, and what the thing is called that has the name that it should have: itself, most often.
    """
    # What is called by the very name keeps it, wherever among the others it is; else the first does.
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
    """The class for a component: its key where that is a class name already, else one made of it."""
    name = (
        key if re.fullmatch(r"[A-Z][A-Za-z0-9_]*", key) else str(ClassName(_separated(_plain(key)), "Model"))
    )
    return f"{name}_" if name in _HIDDEN or keyword.iskeyword(name) else name


@cache
def attribute_name(name: str, *, reserved: frozenset[str] = frozenset()) -> str:
    """The attribute or the argument for a property or a parameter: `snake_case`, and no keyword.

    openapi-python-client renames what is a builtin as well (`type` to `type_`). As attributes they do no harm, and
    users know these names from the API.
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
    """A name in words, as `userIDs` is `user_ids`; with the signs in words that tell it from others.

    Those are `+1` and `-1`, `StartTime<` and `StartTime>`.
    """
    signs = {"+": "plus_", "-": "minus_", "<": "_lt", "<=": "_le", ">": "_gt", ">=": "_ge"}
    # The `>` of `List<Pet>` is no comparison.
    sign = r"^[+-](?=\d)" if re.search(r"[<>].*[<>]", name) else r"^[+-](?=\d)|(?<=\w)[<>]=?$"
    signed = re.sub(sign, lambda found: signs[found[0]], _plain(name))
    return _words(_separated(signed))


def method_name(name: str) -> str:
    """The method of a resource: no keyword, and not the name of what each resource has."""
    # The parser has given builtins an underscore. A method may be called like one.
    plain = name.removesuffix("_")
    return f"{plain}_" if keyword.iskeyword(plain) or plain in RESOURCE_MEMBERS else plain


def function_name(name: str) -> str:
    """The endpoint function in a module: it must not hide a builtin from its neighbours."""
    return f"{name}_" if keyword.iskeyword(name) or hasattr(builtins, name) else name


def constant_name(name: str) -> str:
    """The constant that describes an operation. Not every script has capitals, and it needs a name of its own."""
    return name.upper() if name.upper() != name else f"{name}_OPERATION"


def module_name(name: str) -> str:
    """The private module that holds a class."""
    return f"_{shortened(snake(name))}"


def shortened(name: str) -> str:
    """The name of a module, short enough for a file's name, and still unlike others."""
    encoded = name.encode()
    if len(encoded) <= _LONGEST_MODULE:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return f"{encoded[:_LONGEST_MODULE].decode(errors='ignore')}_{digest}"


def snake(name: str) -> str:
    """`snake_case` that keeps acronyms and numbers readable: `Base64PDFSource` gives `base64_pdf_source`."""
    return str(snake_case(_words(name)))


def _words(name: str) -> str:
    """A name in lower case, with underscores where a word begins; the `s` of `IDs` is no word."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?![a-z]))[a-z])", "_", name).lower()


def _separated(name: str) -> str:
    """A name with an underscore for what can't be in one: the parser would run `actions/set` together."""
    separated = re.sub(r"[^\w']+", "_", name).replace("'", "")
    return separated if name.startswith("_") else separated.lstrip("_")


def _plain(name: str) -> str:
    """A name as Python compares names: two that differ only in how a letter is encoded are one to it."""
    return unicodedata.normalize("NFKC", name)
