"""Models: how JSON becomes one, and how one becomes JSON again.

Every generated model keeps three promises:

- **Nothing that the server adds breaks a reader.** A field that the spec does not list is kept, and `to_dict()`
  returns it. A union member that it does not list becomes `Unknown`. A required field that did not come reads
  `None`. A value of another type than in the spec is returned unchanged.
- **Decoding costs little, and only for fields that are read.** An object is filled by code that was written for its
  set of keys. An object inside it stays the parsed `dict` until that field is read.
- **Nothing is imported or looked up twice.** A model refers to other models by name. A name is resolved when the
  first such object is read.
"""

# Names with an underscore are private to the package, so that a model shows its fields first.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import date, datetime
from importlib import import_module
from inspect import get_annotations
from operator import attrgetter
from threading import Lock
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Literal,
    Self,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    dataclass_transform,
)

import attrs

from .migration import MIGRATED, MigratedMethods
from .plain import ARRAY, OBJECT, JSONObject, exact_datetime, instant_text, json_text, to_json
from .written import bound, rewrite, written

__all__ = ["Model", "Unknown", "to_json"]

Decoder = Callable[[Any], Any]

#: The constants that a model's property may hold, where they tell the model from others.
Constants = Mapping[str, Sequence[str | int | bool]]

M = TypeVar("M")

#: The number of different sets of keys that a model remembers. Further ones are read as well, only slower.
MAX_SHAPES = 64
#: The number of those that are part of the decoder itself.
MAX_INLINED = 8

_MODELS = f"{__package__}.models"


# ------------------------------------------------------------------------------------------------------------
# Links: the decoders of fields that hold more than plain JSON


class Link:
    """A decoder of one field, made of names that are resolved on first use."""

    #: The type of JSON value that is decoded when the field is first read. `None` decodes the field with the object
    #: that holds it. Lists and mappings need that: decoded and not yet decoded ones have the same type.
    deferred: ClassVar[type | None] = dict

    def resolve(self) -> Decoder:
        """Return the function that decodes."""
        raise NotImplementedError

    def resolve_inner(self) -> Decoder:
        """Return the function that decodes a value inside another, which is stored decoded."""
        return self.resolve()

    def inline(self, value: str, names: dict[str, Any]) -> str:
        """Return an expression that decodes an expected value. An unexpected one raises `KeyError` or `TypeError`.

        Args:
            value: The variable with the value.
            names: The globals of the expression.
        """
        return f"{bound(self.resolve_inner(), names)}({value})"

    def as_type(self) -> Any:
        """Return the decoded type, for annotations and for `isinstance`."""
        raise NotImplementedError


class Ref(Link):
    """A reference to a model or a union by name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def resolve(self) -> Decoder:
        target = import_module(_MODELS).find(self.name)
        if isinstance(target, Link):
            return target.resolve()
        decode: Decoder = target._decode
        return decode

    def inline(self, value: str, names: dict[str, Any]) -> str:
        target = import_module(_MODELS).find(self.name)
        return target.inline(value, names) if isinstance(target, Link) else super().inline(value, names)

    def as_type(self) -> Any:
        return getattr(import_module(_MODELS), self.name)


class Alias(Link):
    """A reference to a type that refers to itself, such as that of any JSON value."""

    deferred = None

    def __init__(self, name: str) -> None:
        self.name = name

    def resolve(self) -> Decoder:
        # Resolved on first use: resolving it here would not terminate.
        found: list[Decoder] = []

        def decode(wire: Any) -> Any:
            if not found:
                found.append(import_module(_MODELS).find(self.name).resolve())
            return found[0](wire)

        return decode

    def as_type(self) -> Any:
        return Any


class Tagged(Link):
    """One of several models, chosen by a string in the object itself: its tag.

    An object with another tag becomes `Unknown`, or is decoded by `rest`.

    Args:
        tag: The key of the tag.
        members: The model for each tag. Several models of one tag are distinguished by their keys and constants.
        where: The constants of those, as for `Untagged`.
        untagged: The decoder of objects without a tag, where the tag is optional.
        rest: The decoder of all other objects.
    """

    def __init__(
        self,
        tag: str,
        members: Mapping[str, str | tuple[str, ...]],
        *,
        where: Mapping[str, Constants] | None = None,
        untagged: Link | None = None,
        rest: Link | None = None,
    ) -> None:
        self.tag = tag
        self.members = members
        self.where = where
        self.untagged = untagged
        self.rest = rest
        # Filled as tags come: a stream of text never imports the other blocks.
        self._decoders: dict[str, Decoder] = {}

    def resolve(self) -> Decoder:
        tag, decoders = self.tag, self._decoders
        rest = None if self.rest is None else self.rest.resolve()
        untagged = rest if self.untagged is None else self.untagged.resolve()

        def learn(wire: Any) -> Any:
            if type(wire) is not OBJECT:
                return wire
            value = wire.get(tag)
            if type(value) is not str or value not in self.members:
                other = untagged if value is None else rest
                return Unknown(value, wire) if other is None else other(wire)
            names = self.members[value]
            link = Ref(names) if isinstance(names, str) else Untagged(*names, where=self.where)
            decoder = decoders[value] = link.resolve()
            return decoder(wire)

        def decode(wire: Any) -> Any:
            try:
                decoder = decoders[wire[tag]]
            except (KeyError, TypeError, IndexError):
                return learn(wire)
            return decoder(wire)

        return decode

    def inline(self, value: str, names: dict[str, Any]) -> str:
        return f"{bound(self._decoders, names)}[{value}[{self.tag!r}]]({value})"

    def as_type(self) -> Any:
        names = [[each] if isinstance(each, str) else each for each in self.members.values()]
        return _union(dict.fromkeys(name for each in names for name in each), self.rest)


class List(Link):
    """A list of linked values."""

    deferred = None

    def __init__(self, item: Link) -> None:
        self.item = item

    def resolve(self) -> Decoder:
        item = self.item.resolve_inner()
        return lambda wire: [item(value) for value in wire] if type(wire) is ARRAY else wire

    def inline(self, value: str, names: dict[str, Any]) -> str:
        if self.item.deferred is str:
            return super().inline(value, names)
        item = self.item.inline(f"{value}_item", names)
        return f"[{item} for {value}_item in {value}] if type({value}) is list else {value}"

    def as_type(self) -> Any:
        return list[self.item.as_type()]  # type: ignore[misc]


class Dict(Link):
    """A mapping from strings to linked values."""

    deferred = None

    def __init__(self, value: Link) -> None:
        self.value = value

    def resolve(self) -> Decoder:
        value = self.value.resolve_inner()
        return lambda wire: {key: value(item) for key, item in wire.items()} if type(wire) is OBJECT else wire

    def as_type(self) -> Any:
        return dict[str, self.value.as_type()]  # type: ignore[misc]


class Either(Link):
    """A choice by the kind of JSON value: object, array or string."""

    deferred = None

    def __init__(
        self, *, object: Link | None = None, array: Link | None = None, string: Link | None = None
    ) -> None:
        self.kinds: dict[type, Link | None] = {dict: object, list: array, str: string}

    def resolve(self) -> Decoder:
        decoders = {kind: link.resolve_inner() for kind, link in self.kinds.items() if link is not None}

        def decode(wire: Any) -> Any:
            kind = cast("Any", type(wire))
            decoder = decoders.get(kind)
            return wire if decoder is None else decoder(wire)

        return decode

    def as_type(self) -> Any:
        plain: dict[type, Any] = {dict: dict[str, Any], list: list[Any], str: str}
        kinds = [plain[kind] if link is None else link.as_type() for kind, link in self.kinds.items()]
        return Union[tuple(kinds)]  # noqa: UP007  # its members are computed


def _is_one(value: Any, constants: Sequence[str | int | bool]) -> bool:
    # Python takes 1 for True. Null is compatible with every constant.
    return value is None or any(value == each and type(value) is type(each) for each in constants)


class Untagged(Link):
    """One of several models without a common tag, chosen by keys and constants.

    A model is a candidate if its required keys are all there and its constants agree. The candidate that lists most of
    the object's keys is taken, and the first of equals. Without a candidate the object becomes `Unknown`, or is decoded
    by `rest`.

    Args:
        names: The models.
        where: The constants of each model that has some, by key.
        rest: The decoder of all other objects.
    """

    def __init__(
        self,
        *names: str,
        where: Mapping[str, Constants] | None = None,
        rest: Link | None = None,
    ) -> None:
        self.names = names
        self.where = where or {}
        self.rest = rest

    def resolve(self) -> Decoder:
        models: list[tuple[type[Model], Constants]] = [
            (import_module(_MODELS).find(name), self.where.get(name, {})) for name in self.names
        ]
        rest = None if self.rest is None else self.rest.resolve()

        def decode(wire: Any) -> Any:
            if type(wire) is not OBJECT:
                return wire
            fitting = [
                model
                for model, constants in models
                if model._fields.required <= wire.keys()
                and all(_is_one(wire[key], values) for key, values in constants.items() if key in wire)
            ]
            if not fitting:
                return Unknown(None, wire) if rest is None else rest(wire)
            return max(fitting, key=lambda model: len(model._fields.known & wire.keys()))._decode(wire)

        return decode

    def as_type(self) -> Any:
        return _union(self.names, self.rest)


class Plain(Link):
    """A JSON value that is not decoded."""

    deferred = None

    def resolve(self) -> Decoder:
        return lambda wire: wire

    def as_type(self) -> Any:
        return Any


class DateTime(Link):
    """A date and time in the format of RFC 3339."""

    deferred = str

    def resolve(self) -> Decoder:
        return _datetime

    def resolve_inner(self) -> Decoder:
        return _exact_datetime

    def as_type(self) -> Any:
        return datetime


class Date(Link):
    """A calendar date, `2026-11-21`."""

    deferred = str

    def resolve(self) -> Decoder:
        return _date

    def as_type(self) -> Any:
        return date


# RFC 3339 allows one format of each, and `fromisoformat` reads others as well.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_FULL_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _datetime(wire: Any) -> Any:
    try:
        return datetime.fromisoformat(wire.upper()) if _RFC_3339.fullmatch(wire) else wire
    except (TypeError, ValueError):
        return wire


def _exact_datetime(wire: Any) -> Any:
    """Decode an instant that remembers its text, if it would be written differently."""
    decoded = _datetime(wire)
    return decoded if instant_text(decoded) == wire else exact_datetime(decoded, wire)


def _date(wire: Any) -> Any:
    try:
        return date.fromisoformat(wire) if _FULL_DATE.fullmatch(wire) else wire
    except (TypeError, ValueError):
        return wire


def as_type(found: Any) -> Any:
    """Return the type behind a name at run time: a class, or the union that a link decodes to."""
    return found.as_type() if isinstance(found, Link) else found


def _union(names: Iterable[str], rest: Link | None = None) -> Any:
    models = import_module(_MODELS)
    other = Unknown if rest is None else rest.as_type()
    return Union[(*(getattr(models, name) for name in names), other)]


# ------------------------------------------------------------------------------------------------------------
# Fields: the description of a model


class Fields:
    """The fields of one model: their keys on the wire, their slots, and their links."""

    def __init__(
        self,
        model: type[Model],
        slots: Mapping[str, str],
        links: Mapping[str, Link],
        keys: Mapping[str, str],
        optional: Set[str],
    ) -> None:
        self.model = model
        self.names = tuple(slots)
        self.slots = tuple(slots.values())
        self.keys = tuple(keys.get(name, name) for name in slots)
        self.known = frozenset(self.keys)
        self.optional = frozenset(keys.get(name, name) for name in optional)
        self.required = self.known - self.optional
        self.stored = tuple(zip(self.keys, (attrgetter(slot) for slot in slots.values()), strict=True))
        self.eager = [
            (position, links[name])
            for position, name in enumerate(slots)
            if name in links and links[name].deferred is None
        ]

    def decoder(self) -> Decoder:
        """Make the function `_decode` of the model.

        It learns how to make an object of each set of keys. The first sets become part of its own code.
        """
        makers: dict[frozenset[str], Decoder] = {}
        inlined: dict[int, str] = {}
        lock = Lock()

        def learn(wire: dict[str, Any]) -> Any:
            keys = frozenset(wire)
            make = makers.get(keys)
            if make is None:
                if len(makers) >= MAX_SHAPES:
                    return self.make(wire)
                make = makers[keys] = self.maker(keys)
                # Without waiting: the lock of a thread that a fork left behind is never released.
                if keys <= self.known and len(inlined) < MAX_INLINED and lock.acquire(blocking=False):
                    try:
                        inlined.setdefault(len(keys), self._statements(keys, names, inline=True))
                        branches = map(_BRANCH.format, inlined, inlined.values())
                        rewrite(decode, _DECODE.format("".join(branches)))
                    finally:
                        lock.release()
            return make(wire)

        names: dict[str, Any] = {"model": self.model, "new": object.__new__, "learn": learn}
        decode: Decoder = written(_DECODE.format(""), names)
        return decode

    def maker(self, keys: frozenset[str]) -> Decoder:
        """Write the function that makes an object of JSON with exactly these keys."""
        names: dict[str, Any] = {"model": self.model, "new": object.__new__}
        make: Decoder = written(_MAKE.format(self._statements(keys, names, inline=False)), names)
        return make

    def _statements(self, keys: frozenset[str], names: dict[str, Any], *, inline: bool) -> str:
        """Write the statements that make an object of JSON with exactly these keys.

        Args:
            keys: The keys.
            names: The globals of the statements.
            inline: Raise `KeyError` or `TypeError` for an unexpected value in place of decoding it.
        """
        eager = {self.keys[position]: link for position, link in self.eager}
        lines = ["instance = new(model)"]
        for key, slot in zip(self.keys, self.slots, strict=True):
            value = f"wire[{key!r}]" if key in keys else "None"
            if key in keys and key in eager:
                lines.append(f"value = {value}")
                link = eager[key]
                value = link.inline("value", names) if inline else f"{bound(link.resolve(), names)}(value)"
            lines.append(f"instance.{slot} = {value}")
        if self.optional or not self.known <= keys:
            lines.append(f"instance._absent = {bound(self.known - keys, names)}")
        if not keys <= self.known:
            known = bound(self.known, names)
            lines.append(f"instance._extra = {{key: wire[key] for key in wire if key not in {known}}}")
        return "; ".join([*lines, "return instance"])

    def make(self, wire: dict[str, Any]) -> Any:
        """Make an object of JSON with any keys, slowly."""
        values = [wire.get(key) for key in self.keys]
        for position, link in self.eager:
            values[position] = link.resolve()(values[position])
        instance = object.__new__(self.model)
        for slot, value in zip(self.slots, values, strict=True):
            setattr(instance, slot, value)
        instance._absent = self.known - wire.keys()
        instance._extra = {key: value for key, value in wire.items() if key not in self.known}
        return instance


def _deferred(slot: str, link: Link) -> property:
    """Return a field that is decoded when it is first read. Until then, its slot holds the parsed JSON."""

    def resolve(wire: Any) -> Any:
        decode = names["decode"] = link.resolve()
        if link.deferred is dict:
            rewrite(get, _GET_INLINED.format(slot=slot, decoded=link.inline("value", names)))
        return decode(wire)

    names: dict[str, Any] = {"decode": resolve}
    # The slot of an instant keeps its text, which may be more exact than a datetime.
    get = written((_GET_TEXT if link.deferred is str else _GET).format(slot=slot), names)
    return property(get, written(_SET.format(slot=slot), names))


_MAKE = "def make(wire): {}"

_DECODE = """
def decode(wire):
    if type(wire) is not dict:
        return wire
    try:
        size = len(wire)
{}    except (KeyError, TypeError):
        pass
    return learn(wire)
"""

# An object with this number of keys and all of these keys has no others.
_BRANCH = "        if size == {}: {}\n"

_GET = """
def get(self):
    value = self.{slot}
    if type(value) is dict:
        value = self.{slot} = decode(value)
    return value
"""

_GET_INLINED = """
def get(self):
    value = self.{slot}
    if type(value) is dict:
        try:
            value = self.{slot} = {decoded}
        except (KeyError, TypeError):
            value = self.{slot} = decode(value)
    return value
"""

_GET_TEXT = """
def get(self):
    value = self.{slot}
    return decode(value) if type(value) is str else value
"""

_SET = """
def set_(self, value):
    self.{slot} = value
"""


# ------------------------------------------------------------------------------------------------------------
# Models


class Model(MigratedMethods):
    """The base of every received type.

    The attributes of a model are the fields of the spec, with a trailing underscore where Python needs one (`class_`).
    """

    # `_absent`: the keys that did not come, for to_dict() to leave out. A model made by hand has none, and leaves out
    # its optional fields. `_extra`: the fields that the spec does not list; unset where there are none.
    __slots__ = ("_absent", "_extra", "_response_ids")

    _fields: ClassVar[Fields]

    if TYPE_CHECKING:

        @staticmethod
        def _decode(wire: Any, /) -> Any:
            """Decode leniently: a value that is not a JSON object is returned unchanged."""

        _absent: Set[str]
        _extra: dict[str, Any]
        _response_ids: tuple[str | None, str | None]

    @classmethod
    def from_dict(cls, wire: Mapping[str, Any], /) -> Self:
        """Make a model from parsed JSON.

        The model may keep `wire` and its values. Pass a copy if you change it afterwards.

        Raises:
            TypeError: `wire` is not a JSON object.
        """
        if type(wire) is not OBJECT:
            raise TypeError(
                f"{cls.__name__}.from_dict() takes a dict, a parsed JSON object; got {type(wire).__name__}"
            )
        instance: Self = cls._decode(wire)
        return instance

    def to_dict(
        self,
        *,
        mode: Literal["json", "python"] = "json",
        use_api_names: bool = True,
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
    ) -> dict[str, Any]:
        """Return the JSON of this object, equal to the JSON that it was made from if nothing was changed.

        Fields that the spec does not list are included. The result shares nothing with the model.

        Args:
            mode: `"json"` writes instants as text, `"python"` keeps them.
            use_api_names: Use the names on the wire, not those of Python.
            exclude_unset: Leave out fields that were neither received nor set.
            exclude_defaults: Leave out optional fields that are null.
            exclude_none: Leave out every field that is null.
        """
        if mode == "json" and use_api_names and exclude_unset and not exclude_defaults and not exclude_none:
            wire: dict[str, Any] = to_json(self)
            return wire
        return self.model_dump(
            mode=mode,
            by_alias=use_api_names,
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
        )

    def to_json(
        self,
        *,
        indent: int | None = 2,
        use_api_names: bool = True,
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
    ) -> str:
        """Return the JSON of this object as text. The other arguments are those of `to_dict`.

        Args:
            indent: Spaces for each level; `None` writes everything on one line.
            use_api_names: See `to_dict`.
            exclude_unset: See `to_dict`.
            exclude_defaults: See `to_dict`.
            exclude_none: See `to_dict`.
        """
        wire = self.to_dict(
            use_api_names=use_api_names,
            exclude_unset=exclude_unset,
            exclude_defaults=exclude_defaults,
            exclude_none=exclude_none,
        )
        return json_text(wire, indent=indent)

    @property
    def extra_fields(self) -> dict[str, Any]:
        """The received fields that the spec does not list, by their names on the wire."""
        extra: dict[str, Any] = getattr(self, "_extra", {})
        return extra

    @property
    def _request_id(self) -> str | None:
        """The id of the request that returned this object; `None` for an object inside another."""
        return getattr(self, "_response_ids", (None, None))[0]

    @_request_id.setter
    def _request_id(self, value: str | None) -> None:
        self._response_ids = (value, self._workspace_id)

    @property
    def _workspace_id(self) -> str | None:
        """The workspace of the request that returned this object, if the API named it."""
        return getattr(self, "_response_ids", (None, None))[1]

    @_workspace_id.setter
    def _workspace_id(self, value: str | None) -> None:
        self._response_ids = (self._request_id, value)

    def _absent_keys(self) -> Set[str]:
        absent: Set[str] = getattr(self, "_absent", self._fields.optional)
        return absent

    def _shallow(self) -> dict[str, Any]:
        absent = getattr(self, "_absent", self._fields.optional)
        wire: dict[str, Any] = {}
        for key, read in self._fields.stored:
            value = read(self)
            if value is not None or key not in absent:
                wire[key] = value
        wire.update(getattr(self, "_extra", ()))
        return wire

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.extra_fields == other.extra_fields and all(
            getattr(self, name) == getattr(other, name) for name in self._fields.names
        )

    __hash__ = None  # type: ignore[assignment]  # mutable, as a dict is

    def __dir__(self) -> list[str]:
        others = set(super().__dir__()) - MIGRATED
        return [*self._fields.names, *sorted(others - set(self._fields.names))]

    def __repr__(self) -> str:
        return _short.repr(self)


class _Short(reprlib.Repr):
    """Representations for a log line.

    A model shows its fields and those of the models in them; models further inside are only named. Long texts and lists
    are cut. Instants are written as in JSON.
    """

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxdict = self.maxlist = 3
        self.maxother = 60

    def repr1(self, x: Any, level: int) -> str:
        if isinstance(x, datetime | date):
            return str(instant_text(x))
        if not isinstance(x, Model):
            return super().repr1(x, level)
        name = type(x).__name__
        if level < self.maxlevel - 1:
            return f"{name}(...)"
        pairs = [(field, getattr(x, field)) for field in x._fields.names]
        shown = [f"{field}={self.repr1(value, level - 1)}" for field, value in pairs if value is not None]
        return f"{name}({', '.join(shown)})"

    def repr_str(self, x: str, level: int) -> str:
        # Ids and URLs of the object itself are shown in full.
        self.maxstring = 120 if level >= self.maxlevel - 1 else 60
        return super().repr_str(x, level)


_short = _Short()


if TYPE_CHECKING:
    # Comparing the tag of a union narrows it only if the tag of each member is a constant. Type checkers see one that
    # no spec lists; the real tag is a string.
    Tag: TypeAlias = Literal["<unknown>"]


@attrs.define(init=False)
class Unknown(JSONObject):
    """A union member that the spec does not list, most likely newer than this package.

    The fields of the object can be read as attributes, `unknown.text`. `raw` holds all of it.
    """

    type: Tag
    """The unparsed tag of the object; `None` if it has none.

    Type checkers see a constant that no member of a union has, so that `if block.type == "text"` leaves only text
    blocks. To compare an unknown tag, use `raw["type"]`.
    """

    raw: dict[str, Any]
    """The parsed JSON of the object."""

    # other tags

    def __init__(self, type: str | None, raw: dict[str, Any]) -> None:
        self.type = cast("Tag", type)
        self.raw = raw

    def to_dict(self, **_options: Any) -> dict[str, Any]:
        """Return the JSON of the object, unchanged. The options of models are accepted and ignored."""
        copy: dict[str, Any] = to_json(self.raw)
        return copy

    model_dump = to_dict

    def to_json(self, *, indent: int | None = 2, **_options: Any) -> str:
        """Return the JSON of the object as text."""
        return json_text(to_json(self.raw), indent=indent)

    def model_dump_json(self, *, indent: int | None = None, **_options: Any) -> str:
        """Return the JSON of the object as text, on one line by default."""
        return json_text(to_json(self.raw), indent=indent)

    def _shallow(self) -> dict[str, Any]:
        return dict(self.raw)

    def __getattr__(self, name: str) -> Any:
        # `copy` and `pickle` look for special methods, and read attributes before the slots are set.
        if name not in ("type", "raw") and not name.startswith("__"):
            if name in self.raw:
                return self.raw[name]
            # A model of the spec would have `pet_type` for `petType`.
            folded = _folded(name)
            for key, value in self.raw.items():
                if _folded(key) == folded:
                    return value
        raise AttributeError(f"{self.type or 'unknown object'} has no field {name!r}", name=name, obj=self)

    def __repr__(self) -> str:
        return f"Unknown(type={self.type!r}, raw={_short.repr(self.raw)})"


def _folded(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


@dataclass_transform(kw_only_default=True)
def model(cls: type[M]) -> type[M]:
    """Make a generated class, with annotations for its fields, a slotted attrs class that decodes.

    Constructor arguments are keyword-only and `__match_args__` is empty: the order of fields is not part of the
    surface, so that a reordered spec changes nothing for users.

    Two class attributes complete the annotations: `_links`, the links of fields that hold more than plain JSON, and
    `_keys`, the names on the wire that differ from those of the fields.
    """
    links: Mapping[str, Link] = cls.__dict__.get("_links", {})
    keys: Mapping[str, str] = cls.__dict__.get("_keys", {})
    types = {name: type_ for name, type_ in get_annotations(cls).items() if not name.startswith("_")}
    deferred = {name: links[name] for name in types if name in links and links[name].deferred is not None}
    slots = {name: f"_{name}_" if name in deferred else name for name in types}

    these = {
        slots[name]: attrs.field(
            default=None if name in cls.__dict__ else attrs.NOTHING,
            alias=name,
            # attrs finds the annotation of a slot with the name of the field by itself.
            type=type_ if name in deferred else None,
        )
        for name, type_ in types.items()
    }
    defined: Any = attrs.define(
        cls, these=these, kw_only=True, weakref_slot=False, eq=False, repr=False, getstate_setstate=False
    )
    fields = Fields(defined, slots, links, keys, optional=cls.__dict__.keys() & slots.keys())
    defined._fields = fields
    for name, link in deferred.items():
        setattr(defined, name, _deferred(slots[name], link))
    defined._decode = staticmethod(fields.decoder())
    return cast("type[M]", defined)
