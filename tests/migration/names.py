"""The public names of the official package that concern batches, listed from the installed package."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import anthropic
import anthropic.pagination
import anthropic.types.message_create_params
import anthropic.types.messages
import anthropic.types.shared
import claude_batches
import claude_batches.pagination
import claude_batches.types.message_create_params
import claude_batches.types.messages
from anthropic._decoders.jsonl import AsyncJSONLDecoder, JSONLDecoder
from anthropic.resources.messages.batches import AsyncBatches, Batches
from claude_batches._http.pages import BasePage
from claude_batches_api.request import RequestOptions

__all__ = ["official_names", "ours"]

#: Modules whose names users import, by the prefix of the names in the table.
MODULES: dict[str, str] = {
    "": "",
    "pagination.": ".pagination",
    "types.": ".types",
    "types.message_create_params.": ".types.message_create_params",
    "types.messages.": ".types.messages",
    "types.messages.batch_create_params.": ".types.messages.batch_create_params",
    "types.messages.batch_list_params.": ".types.messages.batch_list_params",
    "types.shared.": ".types.shared",
}

_CLIENT = claude_batches.Client(api_key="key")
_ASYNC_CLIENT = claude_batches.AsyncClient(api_key="key")

#: An error of each kind: attributes are set by constructors.
_INVALID = claude_batches.InvalidBatchError("invalid")
_UNREADABLE = claude_batches.APIResponseValidationError("invalid", response=_INVALID.response, body=None)

#: Classes whose members users call, by the prefix in the table, with our counterpart.
CLASSES: dict[str, tuple[type, Any]] = {
    "Anthropic": (anthropic.Anthropic, claude_batches.Client),
    "AsyncAnthropic": (anthropic.AsyncAnthropic, claude_batches.AsyncClient),
    "messages": (type(anthropic.Anthropic(api_key="key").messages), type(_CLIENT.messages)),
    "batches": (Batches, type(_CLIENT.messages.batches)),
    "async batches": (AsyncBatches, type(_ASYNC_CLIENT.messages.batches)),
    "APIResponse": (anthropic.APIResponse, claude_batches.APIResponse),
    "AsyncAPIResponse": (anthropic.AsyncAPIResponse, claude_batches.AsyncAPIResponse),
    "SyncPage": (anthropic.pagination.SyncPage, claude_batches.Page),
    "AsyncPage": (anthropic.pagination.AsyncPage, claude_batches.AsyncPage),
    "JSONLDecoder": (JSONLDecoder, claude_batches.ResultStream),
    "AsyncJSONLDecoder": (AsyncJSONLDecoder, claude_batches.AsyncResultStream),
    "MessageBatch": (anthropic.types.messages.MessageBatch, claude_batches.types.MessageBatch),
    "APIError": (anthropic.APIError, _INVALID),
    "APIStatusError": (anthropic.APIStatusError, _INVALID),
    "APIResponseValidationError": (anthropic.APIResponseValidationError, _UNREADABLE),
}

#: Functions whose arguments users pass.
CALLS = (
    *(f"{kind}.{name}" for kind in ("Anthropic", "AsyncAnthropic") for name in ("__init__", "copy")),
    *(
        f"{kind}.{name}"
        for kind in ("batches", "async batches")
        for name in ("create", "retrieve", "list", "delete", "cancel", "results")
    ),
)

_VARIABLE = re.compile(r"""["'](ANTHROPIC_[A-Z_]+)["']""")


def official_names() -> set[str]:
    """Return every public name: of modules, members, arguments (`copy(timeout=)`) and variables of the environment."""
    return {*_module_names(), *_member_names(), *_argument_names(), *_variables()}


def ours(name: str) -> bool:
    """Return true if this package has a name at the same place."""
    if name.startswith("ANTHROPIC_"):
        return name in _variables(claude_batches)
    if name.endswith("=)"):
        call, _, argument = name.removesuffix("=)").partition("(")
        return argument in _accepted(call)
    first, _, member = name.rpartition(".")
    if first in CLASSES:
        return _has_member(CLASSES[first][1], member)
    prefix = max((each for each in MODULES if name.startswith(each)), key=len)
    try:
        return hasattr(import_module(f"claude_batches{MODULES[prefix]}"), name.removeprefix(prefix))
    except ModuleNotFoundError:
        return False


def _module_names() -> Iterator[str]:
    for prefix, path in MODULES.items():
        module = import_module(f"anthropic{path}")
        listed = getattr(module, "__all__", ())
        for name in listed if prefix and listed else {*dir(module), *listed}:
            if _is_public(name) and not _is_foreign(module, name):
                yield f"{prefix}{name}"


def _is_public(name: str) -> bool:
    return name in ("__title__", "__version__") or (name.isidentifier() and not name.startswith("_"))


def _is_foreign(module: ModuleType, name: str) -> bool:
    """Return true for a name that a module imports for its annotations."""
    home = getattr(getattr(module, name, None), "__module__", None)
    return name == "annotations" or (
        name not in getattr(module, "__all__", ())
        and home in ("__future__", "typing", "typing_extensions")
        and hasattr(import_module(home), name)
    )


def _member_names() -> Iterator[str]:
    for prefix, (official, _) in CLASSES.items():
        for name in {*dir(official), *_annotated(official)}:
            if not name.startswith("_") and not hasattr(Exception, name):
                yield f"{prefix}.{name}"


def _annotated(kind: type) -> set[str]:
    return {name for each in kind.__mro__ for name in inspect.get_annotations(each)}


def _argument_names() -> Iterator[str]:
    for call in CALLS:
        kind, _, method = call.rpartition(".")
        for name in inspect.signature(getattr(CLASSES[kind][0], method)).parameters:
            if name != "self" and not name.startswith("_"):
                yield f"{call.removesuffix('.__init__')}({name}=)"


def _accepted(call: str) -> set[str]:
    """Return the arguments that our function accepts."""
    kind, _, method = call.rpartition(".") if call not in CLASSES else (call, "", "__init__")
    function = getattr(CLASSES[kind][1], method)
    given = set(inspect.signature(function).parameters)
    options = RequestOptions if "batches" in kind else claude_batches.Settings
    return given | set(options.__annotations__)


def _has_member(kind: Any, name: str) -> bool:
    """Return true if a class or an instance has a member; pages have those of their models as well."""
    if isinstance(kind, type) and issubclass(kind, BasePage):
        return hasattr(kind, name) or hasattr(claude_batches.types.MessageBatchesPage, name)
    return hasattr(kind, name) or (isinstance(kind, type) and name in _annotated(kind))


def _variables(package: ModuleType = anthropic) -> set[str]:
    assert package.__file__ is not None
    files = Path(package.__file__).parent.rglob("*.py")
    return {name for file in files for name in _VARIABLE.findall(file.read_text("utf-8"))}
