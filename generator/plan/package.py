"""What the package will hold, in words that templates can print: no template has to think."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..load.pointers import Json
from ..names import constant_name, function_name
from .annotations import Type


@dataclass
class Field:
    """A field of a model, or a key of a dict that is sent."""

    name: str
    key: str
    annotation: str
    doc: str
    required: bool
    link: str | None = None


@dataclass
class Definition:
    """A generated type."""

    name: str
    kind: str
    """The template that prints it: `model`, `dict`, `dict_call`, `union` or `alias`."""
    doc: str
    type: Type
    """What it stands for, or, for a model or a dict, what its fields take."""
    fields: list[Field] = field(default_factory=list[Field])
    link: str | None = None
    """For a union or an alias: how it decodes."""
    quoted: bool = False
    """Whether an alias is written as text, as it leads back to itself."""

    @property
    def links(self) -> dict[str, str]:
        """The fields that hold more than plain JSON."""
        return {each.name: each.link for each in self.fields if each.link}

    @property
    def keys(self) -> dict[str, str]:
        """The fields with another name on the wire."""
        return {each.name: each.key for each in self.fields if each.name != each.key}

    @property
    def code(self) -> str:
        """What an alias stands for, as it is written."""
        return repr(self.type.code) if self.quoted else self.type.code


@dataclass
class Module:
    """A file of generated types: one, or several that refer to one another."""

    name: str
    definitions: list[Definition]
    imports: list[str] = field(default_factory=list[str])
    typing_imports: list[str] = field(default_factory=list[str])


@dataclass
class Argument:
    """An argument of an endpoint function and of its method."""

    name: str
    key: str
    where: str
    """`path`, `query`, `header`, `cookie` or `body`; `media` is the one that chooses how the body is written."""
    type: Type
    required: bool
    doc: str
    keywords: dict[str, object] = field(default_factory=dict[str, object])
    """How its value is written: what the function that writes it is told besides name and value."""
    nullable: bool = False
    """Whether leaving it out and giving `None` are two things: only in a body can there be a null."""
    initial: str | None = None
    """What it is when it is left out, where that is something of its own."""

    @property
    def may_be_unset(self) -> bool:
        """Whether leaving it out has a mark of its own."""
        return self.nullable and not self.required

    @property
    def annotation(self) -> str:
        """Its type in a signature."""
        if self.required or self.initial is not None:
            return self.type.code
        code = self.type.code if self.type.codes == ("Any",) else (self.type | Type(("None",))).code
        return f"{code} | _parameters.Unset" if self.may_be_unset and code != "Any" else code

    @property
    def default(self) -> str:
        """Its default, as it is written behind the annotation."""
        if self.initial is not None:
            return f" = {self.initial!r}"
        if self.required:
            return ""
        return " = _parameters.unset" if self.may_be_unset else " = None"


@dataclass
class ResponseCase:
    """One documented response."""

    status: str
    kind: str
    media_type: str | None
    type: Type
    link: str | None
    doc: str
    plain: bool = False
    """Whether it may be a text, a number, a flag or null instead of what the link decodes."""

    @property
    def is_success(self) -> bool:
        """Whether it is the answer to a call that went well; what `default` is depends on the others."""
        return self.status[0] == "2"


@dataclass
class Media:
    """One of the media types that a body is sent as, or comes as."""

    type: str
    kind: str
    """How it is written or read: `json`, `jsonl`, `form`, `multipart`, `text` or `bytes`."""
    schema: object
    encoding: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    """How single fields of a form are written, where not as usual."""


@dataclass
class BodyCase:
    """How a body is written: from arguments of its own, or from one that is all of it."""

    media: list[Media]
    """What it can be sent as; the first, unless the caller chooses another."""
    flat: bool


@dataclass
class OperationCase:
    """An operation."""

    resource: tuple[str, ...]
    """The path of the resource that it belongs to."""
    method: str
    """What users call it by."""
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
    fixed_query: list[tuple[str, str]]
    """Query parameters that the path of the document has in it."""

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
        """The constant that says what it is."""
        return constant_name(self.method)

    def arguments_in(self, *places: str) -> list[Argument]:
        """The arguments that go to these places of a request."""
        return [argument for argument in self.arguments if argument.where in places]

    @property
    def positional(self) -> list[Argument]:
        """The path parameters."""
        return self.arguments_in("path")

    @property
    def keywords(self) -> list[Argument]:
        """All other arguments, the required ones first."""
        others = self.arguments_in("query", "header", "cookie", "body", "media")
        return sorted(others, key=lambda argument: not argument.required)

    @property
    def style(self) -> str:
        """How a client sends it: `page`, `stream` or `send`."""
        if self.pagination:
            return "page"
        success = next((case for case in self.responses if case.is_success), None)
        return "stream" if success is not None and success.kind == "jsonl" else "send"


@dataclass
class Resource:
    """A node of the tree of tags: the operations under a tag, and the resources inside it."""

    path: tuple[str, ...]
    module: str
    class_name: str
    doc: str
    operations: list[OperationCase] = field(default_factory=list[OperationCase])
    children: list[Resource] = field(default_factory=lambda: list[Resource]())

    @property
    def attribute(self) -> str:
        """What it is called on the resource above it."""
        return self.path[-1] if self.path else ""

    def walk(self) -> Iterator[Resource]:
        """It, and all inside it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass
class Package:
    """All of it."""

    title: str
    version: str
    doc: str
    models: list[Module]
    params: list[Module]
    root: Resource
