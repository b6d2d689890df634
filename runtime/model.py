"""How JSON becomes a model, and how a model becomes JSON again.

Three promises are kept here, for every generated model:

- **Nothing the server adds can break a reader.** A field the spec doesn't know is kept, and `to_dict()` gives
  it back. A union member it doesn't know becomes `Unknown`. A field it calls required but that didn't come
  reads `None`. A value of another type than the spec says is handed on as it came.
- **Decoding costs little, and only for what is read.** An object is made by one call of its constructor, in
  code written for just the keys that it has. An object inside it stays the parsed `dict` until that field is
  read.
- **Nothing is imported or looked up twice.** A model names the models inside it; the name is resolved the
  first time that such an object is read, and never again.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import date, datetime
from importlib import import_module
from inspect import get_annotations
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, Union, cast, dataclass_transform

import attrs

__all__ = ["Model", "Unknown", "to_json"]

Decoder = Callable[[Any], Any]

#: What a property of a model may be, where that tells the model from others.
Constants = Mapping[str, Sequence[str | int | bool]]

M = TypeVar("M")

#: How many different sets of keys a model remembers. A server that keeps inventing new ones is still read,
#: only slower.
MAX_SHAPES = 64

# The Python types of JSON's kinds. As plain values: a type checker can't say more of what is in them than
# `Any` does.
OBJECT: Any = dict
ARRAY: Any = list

_MODELS = f"{__package__}.models"


# ------------------------------------------------------------------------------------------------------------
# Links: what a field holds, when that is more than a plain JSON value


class Link:
    """Turns the JSON of a field into what the field is typed as. Made of names, resolved when first used."""

    #: The type of JSON value that is decoded when the field is first read. A link to a list or a mapping has
    #: none: what it makes can't be told from what it is made of, so it is decoded with the object that holds
    #: it.
    deferred: ClassVar[type | None] = dict

    def resolve(self) -> Decoder:
        """The decoder itself."""
        raise NotImplementedError

    def as_type(self) -> Any:
        """What it decodes to, as a type to annotate with or to check an instance against."""
        raise NotImplementedError


class One(Link):
    """An object of the model or the union of that name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def resolve(self) -> Decoder:
        target = import_module(_MODELS).find(self.name)
        if isinstance(target, Link):
            return target.resolve()
        decode: Decoder = target.decode_
        return decode

    def as_type(self) -> Any:
        return getattr(import_module(_MODELS), self.name)


class Alias(Link):
    """What another name for a type stands for, where that leads back to itself: the type of any JSON value, say."""

    deferred = None

    def __init__(self, name: str) -> None:
        self.name = name

    def resolve(self) -> Decoder:
        # Found when it is needed: to resolve it sooner would never come to an end.
        found: list[Decoder] = []

        def decode(wire: Any) -> Any:
            if not found:
                found.append(import_module(_MODELS).find(self.name).resolve())
            return found[0](wire)

        return decode

    def as_type(self) -> Any:
        return Any


class Tagged(Link):
    """One of several models, told apart by a string in the object itself.

    Objects with other tags are `Unknown`, or what `rest` makes of them.

    Args:
        tag: The key of the tag.
        members: The model for each tag; where several have the same, their keys and constants tell them apart.
        where: The constants of those, as for `Shaped`.
        untagged: What decodes an object that has no tag, where it need not have one.
        rest: What decodes the objects that are none of the models.
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

    def resolve(self) -> Decoder:
        tag = self.tag
        rest = None if self.rest is None else self.rest.resolve()
        untagged = rest if self.untagged is None else self.untagged.resolve()
        # Filled as tags are met: a stream that holds only text never imports the other blocks.
        decoders: dict[str, Decoder] = {}

        def learn(wire: Any) -> Any:
            if type(wire) is not OBJECT:
                return wire
            value = wire.get(tag)
            if type(value) is not str or value not in self.members:
                other = untagged if value is None else rest
                return Unknown(value, wire) if other is None else other(wire)
            names = self.members[value]
            link = One(names) if isinstance(names, str) else Shaped(*names, where=self.where)
            decoder = decoders[value] = link.resolve()
            return decoder(wire)

        def decode(wire: Any) -> Any:
            try:
                decoder = decoders[wire[tag]]
            except (KeyError, TypeError, IndexError):
                return learn(wire)
            return decoder(wire)

        return decode

    def as_type(self) -> Any:
        names = [[each] if isinstance(each, str) else each for each in self.members.values()]
        return _union(dict.fromkeys(name for each in names for name in each), self.rest)


class Many(Link):
    """A list of linked values."""

    deferred = None

    def __init__(self, item: Link) -> None:
        self.item = item

    def resolve(self) -> Decoder:
        item = self.item.resolve()
        return lambda wire: [item(value) for value in wire] if type(wire) is ARRAY else wire

    def as_type(self) -> Any:
        return list[self.item.as_type()]  # type: ignore[misc]


class Mapped(Link):
    """A mapping from any string to linked values."""

    deferred = None

    def __init__(self, value: Link) -> None:
        self.value = value

    def resolve(self) -> Decoder:
        value = self.value.resolve()
        return lambda wire: {key: value(item) for key, item in wire.items()} if type(wire) is OBJECT else wire

    def as_type(self) -> Any:
        return dict[str, self.value.as_type()]  # type: ignore[misc]


class Either(Link):
    """A choice that the kind of JSON value makes: an object here, a list or a string there."""

    deferred = None

    def __init__(
        self, *, object: Link | None = None, array: Link | None = None, string: Link | None = None
    ) -> None:
        self.kinds: dict[type, Link | None] = {dict: object, list: array, str: string}

    def resolve(self) -> Decoder:
        decoders = {kind: link.resolve() for kind, link in self.kinds.items() if link is not None}

        def decode(wire: Any) -> Any:
            kind = cast("Any", type(wire))
            decoder = decoders.get(kind)
            return wire if decoder is None else decoder(wire)

        return decode

    def as_type(self) -> Any:
        plain: dict[type, Any] = {dict: dict[str, Any], list: list[Any], str: str}
        kinds = [plain[kind] if link is None else link.as_type() for kind, link in self.kinds.items()]
        return Union[tuple(kinds)]  # noqa: UP007  # made of values, not of names


def _is_one(value: Any, constants: Sequence[str | int | bool]) -> bool:
    # To Python 1 is True; and null is no other constant.
    return value is None or any(value == each and type(value) is type(each) for each in constants)


class Shaped(Link):
    """One of several models that no tag tells apart, only the keys they have and the constants that some hold.

    It is the member that knows the most of the object's keys, among those whose required keys are all there and whose
    constants agree; the first of equals. If there is none, it is `Unknown`, or what `rest` makes of it.

    Args:
        names: The models.
        where: The constants of those that have some: what may stand under which key.
        rest: What decodes the objects that are none of the models.
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
                if model.fields_.required <= wire.keys()
                and all(_is_one(wire[key], values) for key, values in constants.items() if key in wire)
            ]
            if not fitting:
                return Unknown(None, wire) if rest is None else rest(wire)
            return max(fitting, key=lambda model: len(model.fields_.known & wire.keys())).decode_(wire)

        return decode

    def as_type(self) -> Any:
        return _union(self.names, self.rest)


class Plain(Link):
    """A JSON value, as it comes."""

    deferred = None

    def resolve(self) -> Decoder:
        return lambda wire: wire

    def as_type(self) -> Any:
        return Any


class Instant(Link):
    """A date and time as RFC 3339 writes it."""

    deferred = str

    def resolve(self) -> Decoder:
        return _instant

    def as_type(self) -> Any:
        return datetime


class Day(Link):
    """A calendar date, `2026-11-21`."""

    deferred = str

    def resolve(self) -> Decoder:
        return _day

    def as_type(self) -> Any:
        return date


def _instant(wire: Any) -> Any:
    try:
        return datetime.fromisoformat(wire)
    except (TypeError, ValueError):
        return wire


def _day(wire: Any) -> Any:
    try:
        return date.fromisoformat(wire)
    except (TypeError, ValueError):
        return wire


def as_type(found: Any) -> Any:
    """What the name of a type stands for at run time: the class, or the union that a link makes."""
    return found.as_type() if isinstance(found, Link) else found


def _union(names: Iterable[str], rest: Link | None = None) -> Any:
    models = import_module(_MODELS)
    other = Unknown if rest is None else rest.as_type()
    return Union[(*(getattr(models, name) for name in names), other)]


# ------------------------------------------------------------------------------------------------------------
# Fields: what a model knows of itself


class Fields:
    """The fields of one model: their keys on the wire, the slots that hold them, and how they decode."""

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
        """Make `model.decode_`, which learns how to make an object of each set of keys that it meets."""
        made: dict[frozenset[str], Decoder] = {}
        # One maker for each number of keys. If an object has as many keys as the maker takes, and all of these, it
        # has no others: to find out costs no more than to take them.
        likely: dict[int, Decoder] = {}

        def learn(wire: dict[str, Any]) -> Any:
            keys = frozenset(wire)
            make = made.get(keys)
            if make is None:
                if len(made) >= MAX_SHAPES:
                    return self.make(wire)
                make = made[keys] = self.maker(keys)
                if keys <= self.known:
                    likely.setdefault(len(keys), make)
            return make(wire)

        def decode(wire: Any) -> Any:
            if type(wire) is not OBJECT:
                return wire
            try:
                return likely[len(wire)](wire)
            except KeyError:
                return learn(wire)

        return decode

    def maker(self, keys: frozenset[str]) -> Decoder:
        """Write the function that makes an object of JSON with just these keys, by one call."""
        arguments = ["None"] * len(self.keys)
        names: dict[str, Any] = {"model": self.model}
        for position, key in enumerate(self.keys):
            if key in keys:
                arguments[position] = f"wire[{key!r}]"
        for position, link in self.eager:
            if self.keys[position] in keys:
                arguments[position] = f"decode_{position}({arguments[position]})"
                names[f"decode_{position}"] = link.resolve()
        lines = [f"instance = model({', '.join(arguments)})"]
        if self.optional or not self.known <= keys:
            names["absent"] = self.known - keys
            lines.append("instance.absent_ = absent")
        if not keys <= self.known:
            names["known"] = self.known
            lines.append("instance.extra_ = {key: value for key, value in wire.items() if key not in known}")
        body = "\n    ".join([*lines, "return instance"])
        _compile(f"def make(wire):\n    {body}", names)
        make: Decoder = names["make"]
        return make

    def make(self, wire: dict[str, Any]) -> Any:
        """Make an object of JSON with any keys, in no hurry."""
        values = [wire.get(key) for key in self.keys]
        for position, link in self.eager:
            values[position] = link.resolve()(values[position])
        instance = self.model(*values)
        instance.absent_ = self.known - wire.keys()
        instance.extra_ = {key: value for key, value in wire.items() if key not in self.known}
        return instance


def _deferred(slot: str, link: Link) -> property:
    """A field that is decoded when it is first read. Until then, its slot holds the parsed JSON."""
    # An instant's text is exact where a datetime need not be, and short: it stays what the slot holds.
    kept = "" if link.deferred is str else f"self.{slot} = "
    source = f"""
def get(self):
    value = self.{slot}
    if type(value) is waiting:
        value = {kept}decode(value)
    return value

def set_(self, value):
    self.{slot} = value
"""

    def resolve(wire: Any) -> Any:
        decoder = names["decode"] = link.resolve()
        return decoder(wire)

    names: dict[str, Any] = {"waiting": link.deferred, "decode": resolve}
    _compile(source, names)
    return property(names["get"], names["set_"])


def _compile(source: str, names: dict[str, Any]) -> None:
    """Define the functions of a source text among `names`.

    attrs makes constructors in the same way: an attribute that is written out costs a fraction of one that is
    looked up by name. What such a text names are fields of the spec: the generator made their names safe, or
    they are quoted.
    """
    exec(source, names)  # noqa: S102


# ------------------------------------------------------------------------------------------------------------
# Models


class Model:
    """What every received type has in common.

    Attributes of a model are those of the spec, with a trailing underscore where Python needs one (`class_`).
    """

    # `absent_`: the fields that did not come, so that to_dict() leaves them out again; unset on a model made
    # by hand, which leaves out the optional ones. `extra_`: those that the spec doesn't know; unset where
    # there are none.
    __slots__ = ("absent_", "extra_", "request_id_")

    fields_: ClassVar[Fields]

    if TYPE_CHECKING:

        @staticmethod
        def decode_(wire: Any, /) -> Any:
            """Decode leniently: what is no JSON object is handed back as it came."""

        absent_: Set[str]
        extra_: dict[str, Any]

    @classmethod
    def from_dict(cls, wire: Mapping[str, Any], /) -> Self:
        """Make a model from parsed JSON.

        The model may go on using `wire` and what is in it: hand it over, or a copy.

        Raises:
            TypeError: `wire` is no JSON object.
        """
        if type(wire) is not OBJECT:
            raise TypeError(
                f"{cls.__name__}.from_dict() takes a dict, a parsed JSON object; got {type(wire).__name__}"
            )
        instance: Self = cls.decode_(wire)
        return instance

    def to_dict(self) -> dict[str, Any]:
        """The JSON of this object, equal to what it was made from where nothing was changed since.

        Only an instant inside a list can be spelt differently: `.5Z` as `.500000Z`.

        Fields that the spec doesn't know are in it, and fields that did not come are not, unless they were
        set. Nothing in the result is shared with the model.
        """
        absent = getattr(self, "absent_", self.fields_.optional)
        wire: dict[str, Any] = {}
        for key, read in self.fields_.stored:
            value = read(self)
            if value is not None or key not in absent:
                wire[key] = to_json(value)
        for key, value in self.extra_fields.items():
            wire[key] = to_json(value)
        return wire

    @property
    def extra_fields(self) -> dict[str, Any]:
        """The fields that came and that the spec doesn't know, by their names on the wire."""
        extra: dict[str, Any] = getattr(self, "extra_", {})
        return extra

    @property
    def _request_id(self) -> str | None:
        """The id of the request that this object was the answer to; `None` for an object inside another."""
        return getattr(self, "request_id_", None)

    @_request_id.setter
    def _request_id(self, value: str | None) -> None:
        self.request_id_ = value

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.extra_fields == other.extra_fields and all(
            getattr(self, name) == getattr(other, name) for name in self.fields_.names
        )

    __hash__ = None  # type: ignore[assignment]  # mutable, as a dict is

    def __repr__(self) -> str:
        shown = ((name, getattr(self, name)) for name in self.fields_.names)
        inner = ", ".join(f"{name}={_short.repr(value)}" for name, value in shown if value is not None)
        return f"{type(self).__name__}({inner})"


class _Short(reprlib.Repr):
    """Reprs short enough for a log line: long texts and lists are cut, models inside models only named."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60
        self.maxdict = self.maxlist = 3
        self.maxlevel = 2

    def repr1(self, x: Any, level: int) -> str:
        if isinstance(x, Model):
            return f"{type(x).__name__}(...)"
        return super().repr1(x, level)


_short = _Short()


@attrs.define
class Unknown:
    """A union member that the spec doesn't know: newer than this package, most likely.

    The fields of the object can be read as attributes, `unknown.text`, and all of it is in `raw`.
    """

    type: str | None
    """What the object says it is; `None` where it doesn't."""

    raw: dict[str, Any]
    """The parsed JSON of the object."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON of the object, as it came."""
        copy: dict[str, Any] = to_json(self.raw)
        return copy

    def __getattr__(self, name: str) -> Any:
        # Slots that a half-made instance has not filled yet (copy and pickle make such) must not be sought in
        # `raw`.
        if name not in ("type", "raw") and name in self.raw:
            return self.raw[name]
        raise AttributeError(f"{self.type or 'unknown object'} has no field {name!r}", name=name, obj=self)

    def __repr__(self) -> str:
        return f"Unknown(type={self.type!r}, raw={_short.repr(self.raw)})"


def to_json(value: Any) -> Any:
    """A copy of `value` as plain JSON: models become dicts, instants become text."""
    kind = cast("Any", type(value))
    if kind is OBJECT:
        return {key: to_json(item) for key, item in value.items()}
    if kind is ARRAY or kind is tuple:
        return [to_json(item) for item in value]
    if isinstance(value, Model | Unknown):
        return value.to_dict()
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value


@dataclass_transform()
def model(cls: type[M]) -> type[M]:
    """Make a generated class, with annotations for its fields, a slotted attrs class that decodes.

    Two class attributes say what annotations don't: `_links`, the fields that hold more than plain JSON, and
    `_keys`, the fields whose name on the wire is another.
    """
    links: Mapping[str, Link] = cls.__dict__.get("_links", {})
    keys: Mapping[str, str] = cls.__dict__.get("_keys", {})
    names = [name for name in get_annotations(cls) if not name.startswith("_")]
    deferred = {name: links[name] for name in names if name in links and links[name].deferred is not None}
    slots = {name: f"_{name}_" if name in deferred else name for name in names}

    these = {
        slots[name]: attrs.field(default=None, alias=name)
        if name in cls.__dict__
        else attrs.field(alias=name)
        for name in names
    }
    defined: Any = attrs.define(
        cls, these=these, weakref_slot=False, eq=False, repr=False, getstate_setstate=False
    )
    fields = Fields(defined, slots, links, keys, optional=cls.__dict__.keys() & slots.keys())
    setattr(defined, "__match_args__", fields.names)  # noqa: B010  # a type checker takes it for constant
    defined.fields_ = fields
    for name, link in deferred.items():
        setattr(defined, name, _deferred(slots[name], link))
    defined.decode_ = staticmethod(fields.decoder())
    return cast("type[M]", defined)
