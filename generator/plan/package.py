"""The plan of a package, in terms that templates print without decisions."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ..load.flags import STREAM
from ..load.media_types import STREAMED
from ..load.pointers import Json
from ..names import constant_name, function_name
from .annotations import Type

#: The way of sending an operation, by the kind of its response.
_STYLES = {"jsonl": "stream", "json-seq": "stream", "events": "events"}


@attrs.define
class Field:
    """A field of a model, or a key of a dict."""

    name: str
    key: str
    annotation: str
    doc: str
    required: bool
    link: str | None = None
    quoted: bool = False
    """True if the annotation names a type that is defined later, or one that refers to itself: it is text then."""


@attrs.define
class Definition:
    """A generated type."""

    name: str
    kind: str
    """Its template: `model`, `dict`, `dict_call`, `union` or `alias`."""
    doc: str
    type: Type
    """The target of an alias or a union; for a model or a dict, the names and imports of its fields."""
    fields: list[Field] = attrs.field(factory=list[Field])
    link: str | None = None
    """The decoder of a union or an alias."""
    quoted: bool = False
    """True for an alias that is written as a string, because it refers to itself."""

    @property
    def links(self) -> dict[str, str]:
        """The links of the fields that need decoding."""
        return {each.name: each.link for each in self.fields if each.link}

    @property
    def keys(self) -> dict[str, str]:
        """The keys of the fields that have another name on the wire."""
        return {each.name: each.key for each in self.fields if each.name != each.key}

    @property
    def code(self) -> str:
        """The target of an alias, as it is written."""
        return repr(self.type.code) if self.quoted else self.type.code


@attrs.define
class Module:
    """A file of generated types: one, or several that refer to one another."""

    name: str
    definitions: list[Definition]
    imports: list[str] = attrs.field(factory=list[str])
    typing_imports: list[str] = attrs.field(factory=list[str])


@attrs.define
class Argument:
    """An argument of an endpoint function and of its method."""

    name: str
    key: str
    where: str
    """`path`, `query`, `header`, `cookie` or `body`; `media` chooses how the body is written."""
    type: Type
    required: bool
    doc: str
    keywords: dict[str, object] = attrs.field(factory=dict[str, object])
    """Keywords for the function that writes its value, where they differ from its defaults."""
    nullable: bool = False
    """True if `None` means null, and not that the argument is left out. Only bodies can hold a null."""
    initial: str | None = None
    """Its default, if it is not `None`."""

    @property
    def may_be_unset(self) -> bool:
        """True if a special default marks an omitted argument."""
        return self.nullable and not self.required

    @property
    def annotation(self) -> str:
        """Its type in a signature."""
        if self.required or self.initial is not None:
            return self.type.code
        code = self.type.code if self.type.codes == ("Any",) else (self.type | Type(("None",))).code
        return f"{code} | _Unset" if self.may_be_unset and code != "Any" else code

    @property
    def default(self) -> str:
        """Its default, as it is written behind the annotation."""
        if self.initial is not None:
            return f" = {self.initial!r}"
        if self.required:
            return ""
        return " = _unset" if self.may_be_unset else " = None"


@attrs.define
class ResponseCase:
    """A documented response."""

    status: str
    kind: str
    media_type: str | None
    type: Type
    link: str | None
    doc: str
    plain: bool = False
    """True if it may also be a text, a number, a flag or null, which the link does not decode."""
    part: str | None = None
    """The decoded part of each event of a stream: `data`, `event` or `text`; see `EventPart` of the runtime."""

    @property
    def is_success(self) -> bool:
        """True for the response of a successful call; `default` may be either."""
        return self.status[0] == "2"

    @property
    def style(self) -> str:
        """The way of sending a request for it: `stream`, `events` or `send`."""
        return _STYLES.get(self.kind, "send")


@attrs.define
class Media:
    """A media type of a body."""

    type: str
    kind: str
    """The way of writing or reading it: `json`, `jsonl`, `json-seq`, `events`, `form`, `multipart`, `text` or
    `bytes`."""
    schema: object
    encoding: dict[str, dict[str, object]] = attrs.field(factory=dict[str, dict[str, object]])
    """The encodings of single fields of a form, where unusual."""
    by_stream: dict[bool, Json] = attrs.field(factory=dict[bool, Json])
    """The schema of the bodies that ask for a result (`False`), and of those that ask for a stream, if it is split."""


@attrs.define
class BodyForm:
    """The media types of a body that have the same fields, and an argument for each field."""

    media: list[Media]
    arguments: list[Argument]


@attrs.define
class BodyCase:
    """The way of writing a body: from an argument for each property, or from one argument."""

    media: list[Media]
    """Its media types; the first is the default."""
    flat: bool
    forms: list[BodyForm] = attrs.field(factory=list[BodyForm])
    """Its media types by their fields, if they have different ones; the first form has the default."""

    def fields_of(self, media: Media) -> list[str]:
        """Return the fields of a media type, if others have different ones."""
        return [each.key for form in self.forms if media in form.media for each in form.arguments]


@attrs.define
class Switch:
    """The flag `stream` of a request, by which a caller chooses between a result and a stream."""

    argument: Argument
    """The flag itself, or the body that has it."""
    reads_body: bool
    """True if it is the body."""
    default: bool
    """True if a request without the flag gets a stream."""
    choices: dict[bool, Argument] = attrs.field(factory=dict[bool, Argument])
    """The argument of calls that get a result (`False`), and of those that get a stream (`True`)."""
    either: Argument | None = None
    """The argument of calls that may get either."""

    @property
    def condition(self) -> str:
        """The code that is true if a call gets a stream."""
        if self.reads_body:
            return f"_body.flag({self.argument.name}, {STREAM!r}{', default=True' if self.default else ''})"
        return f"{self.argument.name} is not False" if self.default else self.argument.name


@attrs.define
class OperationCase:
    """An operation."""

    resource: tuple[str, ...]
    """The path of its resource."""
    method: str
    """The name of its method."""
    http_method: str
    path: str
    place: str
    doc: str
    arguments: list[Argument]
    body: BodyCase | None
    responses: list[ResponseCase]
    result: Type
    item: Type | None
    pagination: Json | None
    secured: bool
    """True if the client's credentials are sent."""
    security: tuple[str, ...]
    """The alternatives of credentials, as text."""
    fixed_query: list[tuple[str, str]]
    """Constant query parameters in the path of the document."""
    own_security: list[list[str]] | None = None
    """The names of its credentials, by alternative; `None` for those of the API."""
    switch: Switch | None = None
    """The flag that chooses between a result and the stream."""
    options: str = ""
    """The class of its optional arguments, in the module of its resource."""

    @property
    def name(self) -> str:
        """Its name in full: `messages.batches.create`."""
        return ".".join((*self.resource, self.method))

    @property
    def function(self) -> str:
        """The function that makes a request of it."""
        return function_name(self.method)

    @property
    def constant(self) -> str:
        """The constant that describes it."""
        return constant_name(self.method)

    def arguments_in(self, *places: str) -> list[Argument]:
        """Return the arguments that go to these places of a request."""
        return [argument for argument in self.arguments if argument.where in places]

    @property
    def positional(self) -> list[Argument]:
        """The path parameters."""
        return self.arguments_in("path")

    @property
    def keywords(self) -> list[Argument]:
        """The other arguments, the required ones first."""
        others = self.arguments_in("query", "header", "cookie", "body", "media")
        return sorted(others, key=lambda argument: not argument.required)

    @property
    def optional(self) -> list[Argument]:
        """The keywords that may be left out."""
        return [argument for argument in self.keywords if argument.default]

    @property
    def style(self) -> str:
        """The way of sending it: `page`, `stream`, `events` or `send`."""
        if self.pagination:
            return "page"
        success = next((case for case in self.responses if case.is_success), None)
        return success.style if success is not None else "send"

    @property
    def has_line_switch(self) -> bool:
        """True if a flag chooses between a result and a stream of lines: their requests have one type, `Any`."""
        return self.switch is not None and self.streamed is not None and self.streamed.style == "stream"

    @property
    def streamed(self) -> ResponseCase | None:
        """The stream that a successful call may return."""
        return next((case for case in self.responses if case.is_success and case.kind in STREAMED), None)


@attrs.define
class Resource:
    """A node of the tree of tags: the operations of a tag, and the resources inside it."""

    path: tuple[str, ...]
    module: str
    class_name: str
    doc: str
    operations: list[OperationCase] = attrs.field(factory=list[OperationCase])
    children: list[Resource] = attrs.field(factory=lambda: list[Resource]())

    @property
    def attribute(self) -> str:
        """Its name on its parent."""
        return self.path[-1] if self.path else ""

    def walk(self) -> Iterator[Resource]:
        """Yield the resource and all inside it."""
        yield self
        for child in self.children:
            yield from child.walk()


@attrs.define
class Package:
    """The whole package."""

    title: str
    version: str
    doc: str
    models: list[Module]
    params: list[Module]
    root: Resource
    schemes: dict[str, tuple[str, str]] = attrs.field(factory=dict[str, tuple[str, str]])
    """The kind and the name of each way of sending a credential."""
    security: list[list[str]] = attrs.field(factory=list[list[str]])
    """The alternatives of credentials of an operation without its own."""
