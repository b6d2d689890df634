"""The choice between a result and a stream, by the flag `stream` of a request."""

from __future__ import annotations

import attrs

from ..load.flags import STREAM, Flag, flag_in, flag_of
from ..organise.components import Direction
from ..organise.operations import NamedOperation
from .annotations import NONE, Type, joined, plain
from .bodies import sent_type
from .context import Context
from .package import Argument, BodyCase, Media, OperationCase, Switch
from .responses import result_of

_LITERALS = {value: plain(f"Literal[{value}]", "typing.Literal") for value in (False, True)}


def switch_of(
    context: Context, operation: NamedOperation, arguments: list[Argument], body: BodyCase | None
) -> Switch | None:
    """Return the flag of an operation, whose calls may get a result or a stream.

    Args:
        context: The readers.
        operation: The operation.
        arguments: Its arguments.
        body: Its body.
    """
    if body is not None and not body.flat:
        whole = next(each for each in arguments if each.where == "body")
        return _of_body(context, operation.place, whole, body.media)
    flags = {"body": flag_in(context.document, body.media[0].schema)} if body is not None else {}
    for each in operation.raw["parameters"]:
        if each["name"] == STREAM and each["in"] == "query":
            required = bool(each.get("required"))
            flags["query"] = flag_of(context.document, each.get("schema", {}), required=required)
    for where, flag in flags.items():
        argument = next((each for each in arguments if (each.where, each.key) == (where, STREAM)), None)
        if argument is not None and flag.can_be(True):
            return _of_flag(argument, flag)
    return None


def choose(operation: OperationCase, switch: Switch | None) -> None:
    """Have the calls of an operation choose between its result and its stream by a flag.

    Args:
        operation: The operation, with its responses.
        switch: Its flag, if it has one.
    """
    streamed = operation.streamed
    if switch is None or streamed is None or operation.style != "send":
        return
    if switch.choices.keys() == {True}:
        # Each call gets the stream.
        operation.responses.remove(streamed)
        operation.responses.insert(0, streamed)
        operation.result = result_of(operation.responses)
        return
    operation.switch = switch
    if switch.reads_body:
        types = [switch.argument.type, *(each.type for each in switch.choices.values())]
        whole = attrs.evolve(switch.argument, type=joined(types))
        operation.arguments = [whole if each is switch.argument else each for each in operation.arguments]


def _of_flag(argument: Argument, flag: Flag) -> Switch:
    switch = Switch(argument, reads_body=False, default=flag.default)
    for value in (False, True):
        if value in flag.values:
            is_default = value == flag.default
            # Null stands for the default.
            type_ = _LITERALS[value] | NONE if argument.nullable and is_default else _LITERALS[value]
            required = argument.required or not is_default
            switch.choices[value] = attrs.evolve(argument, type=type_, required=required)
        elif flag.can_be(value):
            switch.choices[value] = attrs.evolve(argument, type=NONE, required=False)
    if len(flag.values) > 1:
        switch.either = attrs.evolve(argument, type=plain("bool"), required=True)
    return switch


def _of_body(context: Context, place: str, body: Argument, media: list[Media]) -> Switch | None:
    flags = [flag_in(context.document, each.schema) for each in media]
    choices = [each.by_stream for each in media if each.by_stream]
    if not choices:
        # An object whose fields would be arguments, if their names did not clash, is not split.
        can_stream = any(flag.can_be(True) for flag in flags)
        default = all(flag.default for flag in flags)
        return Switch(body, reads_body=True, default=default) if can_stream else None
    default = len(choices) == len(media) and all(
        part["default"] for each in choices for part in each.values()
    )
    switch = Switch(body, reads_body=True, default=default)
    for value in (False, True):
        types = [type_ for each in media if (type_ := _type(context, each, place, value)) is not None]
        if types:
            required = body.required or value != default
            switch.choices[value] = attrs.evolve(body, type=joined(types), required=required)
    switch.either = attrs.evolve(body, required=True)
    return switch


def _type(context: Context, media: Media, place: str, value: bool) -> Type | None:
    """Return the type of the bodies of a media type whose flag has a value, if there are any."""
    if not media.by_stream:
        return None if value else sent_type(context, media, place)
    part = media.by_stream.get(value)
    return context.annotations.of(part["schema"], Direction.SENT, place) if part is not None else None
