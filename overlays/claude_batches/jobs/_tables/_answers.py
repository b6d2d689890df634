"""Typed answers: a class as the form of each answer.

| class | schema by | answers checked and converted by |
|---|---|---|
| pydantic models and dataclasses | pydantic | pydantic |
| msgspec structs | msgspec | msgspec |
| attrs classes | msgspec | msgspec; then cattrs, where it is installed, so that converters run |
| dataclasses, typed dicts | msgspec, else pydantic | the same |

Each package is imported only for classes that need it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, is_typeddict

import attrs
import orjson

from .._causes import Cause, classify
from ._errors import AnswerTypeError, MissingExtraError, UnparsableAnswerError
from ._extras import optional, require
from ._shapes import is_array, is_mapping, is_object

__all__ = [
    "AnswerType",
    "answer_name",
    "answer_type",
    "api_schema",
    "check_answer",
    "json_answers",
    "same_answers",
]

#: The part of a validator's message that goes into tables and back to the model.
LONGEST_ERROR = 500


@attrs.frozen
class AnswerType:
    """A type that answers are to have."""

    type: Any
    schema: dict[str, Any]
    """The JSON schema that the API is given."""
    _parse: Callable[[bytes], Any] = attrs.field(repr=False)

    @property
    def format(self) -> dict[str, Any]:
        """The `output_config.format` of requests."""
        return {"type": "json_schema", "schema": self.schema}

    def parse(self, text: str | bytes) -> Any:
        """Return the value of an answer.

        Args:
            text: The answer's text.

        Raises:
            UnparsableAnswerError: It is not JSON of this type.
        """
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        try:
            return self._parse(data)
        # Validators of users' classes may raise anything.
        except Exception as error:
            message = str(error) or type(error).__name__
            raise UnparsableAnswerError(message[:LONGEST_ERROR]) from None


def answer_type(output: Any) -> AnswerType:
    """Return a class as a type of answers.

    Args:
        output: A class of attrs, dataclasses, msgspec or pydantic, or a TypedDict.

    Raises:
        AnswerTypeError: It has no JSON schema, or not one of an object.
        MissingExtraError: The package is missing that makes the schema.
    """
    if isinstance(output, AnswerType):
        return output
    schema, parse = _pydantic(output) if _is_pydantic(output) else _plain(output)
    described = api_schema(schema)
    root = described
    if "$ref" in root:
        root = described["$defs"][str(root["$ref"]).rpartition("/")[2]]
    if root.get("type") != "object":
        raise AnswerTypeError(
            f"{answer_name(output)} is not described as an object: wrap it in a class with a field"
        )
    return AnswerType(output, described, parse)


def json_answers(schema: dict[str, Any]) -> AnswerType:
    """Return the type of answers of which only the schema is known: their values are those of JSON.

    Args:
        schema: The schema.
    """
    return AnswerType(dict, schema, orjson.loads)


def same_answers(one: object, other: object) -> bool:
    """Tell if two schemas describe the same values; titles and descriptions do not count.

    Args:
        one: A schema, or a part of it.
        other: Another.
    """
    return _bare(one) == _bare(other)


def _bare(part: object) -> object:
    if is_object(part):
        return {
            name: value if name in ("enum", "const") else _bare(value)
            for name, value in part.items()
            # A property may have such a name, and a schema as its value.
            if name not in ("title", "description") or not isinstance(value, str)
        }
    return [_bare(each) for each in part] if is_array(part) else part


def check_answer(answers: AnswerType, result: Mapping[str, Any] | None) -> tuple[Cause, Any, str | None]:
    """Return the cause of a result with a typed answer, its value, and the error of an unparsable one.

    Only finished answers are parsed: a truncated or refused one keeps its cause.

    Args:
        answers: The type.
        result: The parsed result.
    """
    cause = classify(result)
    if cause is not Cause.SUCCEEDED or result is None:
        return cause, None, None
    content = result["message"].get("content")
    try:
        return cause, answers.parse(text_of(content)), None
    except UnparsableAnswerError as error:
        return Cause.UNPARSABLE, None, str(error)


def text_of(content: object) -> str:
    """Return the text of a message: its text blocks, joined.

    Args:
        content: The content of the message.
    """
    return "".join(
        [
            block["text"]
            for block in (content if is_array(content) else [])
            if is_object(block) and block.get("type") == "text" and isinstance(block.get("text"), str)
        ]
    )


# ------------------------------------------------------------------------------------------------------------
# Kinds of classes


def answer_name(output: Any) -> str:
    """Return the name of a type of answers.

    Args:
        output: The type.
    """
    return getattr(output, "__name__", None) or repr(output)


def _is_pydantic(output: Any) -> bool:
    return hasattr(output, "__pydantic_validator__") or hasattr(output, "__pydantic_core_schema__")


def _pydantic(output: Any) -> tuple[dict[str, Any], Callable[[bytes], Any]]:
    pydantic = require("pydantic", "typed", f"the output type {answer_name(output)}")
    try:
        adapter = pydantic.TypeAdapter(output)
        return adapter.json_schema(), adapter.validate_json
    except (pydantic.errors.PydanticUserError, TypeError, ValueError) as error:
        raise AnswerTypeError(f"{answer_name(output)} has no JSON schema: {error}") from None


def _plain(output: Any) -> tuple[dict[str, Any], Callable[[bytes], Any]]:
    is_struct = hasattr(output, "__struct_fields__")
    is_attrs = isinstance(output, type) and attrs.has(output)
    is_standard = is_typeddict(output) or dataclasses.is_dataclass(output)
    if not isinstance(output, type) or not (is_struct or is_attrs or is_standard):
        raise AnswerTypeError(
            f"{answer_name(output)} is not a class of attrs, dataclasses, msgspec or pydantic, nor a TypedDict"
        )
    msgspec = optional("msgspec")
    if msgspec is None:
        if is_standard and optional("pydantic") is not None:
            return _pydantic(output)
        raise MissingExtraError(
            f"the output type {answer_name(output)} needs the package msgspec: install claude-batches[typed]",
            "msgspec",
        )
    try:
        schema = msgspec.json.schema(output)
        decode = msgspec.json.Decoder(output).decode
    except (TypeError, NameError) as error:
        raise AnswerTypeError(f"{answer_name(output)} has no JSON schema: {error}") from None
    cattrs = optional("cattrs") if is_attrs else None
    if cattrs is None:
        return schema, decode
    structure = cattrs.Converter().structure

    def parse(text: bytes) -> Any:
        # msgspec rejects wrong types, which cattrs would convert; cattrs runs converters, which msgspec
        # doesn't.
        decode(text)
        return structure(orjson.loads(text), output)

    return schema, parse


# ------------------------------------------------------------------------------------------------------------
# The API's part of JSON Schema

_KEPT = ("title", "description", "type", "enum", "const", "$ref", "required")
_STRING_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
)


def api_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema in the part of JSON Schema that the API takes.

    Objects are closed. Limits that the API refuses are moved into the description, for the model to read; answers
    are held to them when they are parsed.

    Args:
        schema: The schema.
    """
    kept: dict[str, Any] = {name: schema[name] for name in _KEPT if name in schema}
    if "$defs" in schema:
        kept["$defs"] = {name: api_schema(each) for name, each in schema["$defs"].items()}
    if "$ref" in kept:
        return {name: value for name, value in kept.items() if name in ("$ref", "$defs")}
    told = {
        name: value
        for name, value in schema.items()
        if name not in kept and name not in ("default", "discriminator")
    }
    told.pop("$defs", None)
    for union in ("anyOf", "oneOf"):
        if union in told:
            kept["anyOf"] = [api_schema(each) for each in told.pop(union)]
    if "allOf" in told:
        kept["allOf"] = [api_schema(each) for each in told.pop("allOf")]
    match schema.get("type"):
        case "object":
            kept["properties"] = {name: api_schema(each) for name, each in told.pop("properties", {}).items()}
            told.pop("additionalProperties", None)
            kept["additionalProperties"] = False
        case "array":
            items = told.pop("items", None)
            if is_mapping(items):
                kept["items"] = api_schema(items)
            if told.get("minItems") in (0, 1):
                kept["minItems"] = told.pop("minItems")
        case "string" if told.get("format") in _STRING_FORMATS:
            kept["format"] = told.pop("format")
        case _:
            pass
    if told:
        limits = "{" + ", ".join(f"{name}: {value}" for name, value in told.items()) + "}"
        kept["description"] = "\n\n".join(filter(None, [kept.get("description"), limits]))
    return kept
