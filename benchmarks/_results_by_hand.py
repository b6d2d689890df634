"""The limit of Python: classes with slots that are filled by hand, for the very lines of the benchmark.

They check nothing, know no other field or block, and come from a stream that would neither notice a missing line nor
resume. A program can't have typed results in pure Python for less.
"""

from __future__ import annotations

from typing import Any

new = object.__new__


class Result:
    __slots__ = ("custom_id", "result")


class Outcome:
    __slots__ = ("error", "message", "type")


class Message:
    __slots__ = ("content", "id", "model", "role", "stop_reason", "stop_sequence", "type", "usage")


class Text:
    __slots__ = ("text", "type")


class ToolUse:
    __slots__ = ("id", "input", "name", "type")


class Thinking:
    __slots__ = ("signature", "thinking", "type")


class Usage:
    __slots__ = (
        "cache_creation",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "input_tokens",
        "output_tokens",
        "service_tier",
    )


def result_of(wire: Any) -> Any:
    made: Any = new(Result)
    made.custom_id = wire["custom_id"]
    made.result = outcome_of(wire["result"])
    return made


def outcome_of(wire: Any) -> Any:
    made: Any = new(Outcome)
    made.type = kind = wire["type"]
    if kind == "succeeded":
        made.message = message_of(wire["message"])
    elif kind == "errored":
        made.error = wire["error"]
    return made


def message_of(wire: Any) -> Any:
    made: Any = new(Message)
    made.id = wire["id"]
    made.type = wire["type"]
    made.role = wire["role"]
    made.model = wire["model"]
    made.content = [BLOCKS[block["type"]](block) for block in wire["content"]]
    made.stop_reason = wire["stop_reason"]
    made.stop_sequence = wire["stop_sequence"]
    made.usage = usage_of(wire["usage"])
    return made


def text_of(wire: Any) -> Any:
    made: Any = new(Text)
    made.type = wire["type"]
    made.text = wire["text"]
    return made


def tool_use_of(wire: Any) -> Any:
    made: Any = new(ToolUse)
    made.type = wire["type"]
    made.id = wire["id"]
    made.name = wire["name"]
    made.input = wire["input"]
    return made


def thinking_of(wire: Any) -> Any:
    made: Any = new(Thinking)
    made.type = wire["type"]
    made.thinking = wire["thinking"]
    made.signature = wire["signature"]
    return made


def usage_of(wire: Any) -> Any:
    made: Any = new(Usage)
    made.input_tokens = wire["input_tokens"]
    made.output_tokens = wire["output_tokens"]
    made.cache_creation_input_tokens = wire["cache_creation_input_tokens"]
    made.cache_read_input_tokens = wire["cache_read_input_tokens"]
    made.cache_creation = wire["cache_creation"]
    made.service_tier = wire["service_tier"]
    return made


BLOCKS = {"text": text_of, "tool_use": tool_use_of, "thinking": thinking_of}
