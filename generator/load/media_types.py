"""Media types: how the body of a request or a response is written or read."""

from __future__ import annotations

from typing import Any

#: Other names of JSON.
_JSON = frozenset({"application/json", "text/json", "application/*+json"})
_JSON_LINES = frozenset(
    {
        "application/x-jsonl",
        "application/jsonl",
        "application/x-ndjson",
        "application/ndjson",
    }
)
_JSON_SEQUENCE = "application/json-seq"
EVENT_STREAM = "text/event-stream"
_STREAMS = {_JSON_SEQUENCE: "json-seq", EVENT_STREAM: "events"}
#: The kinds of responses that come value by value.
STREAMED = frozenset({"jsonl", "json-seq", "events"})
_FORMS = {"application/x-www-form-urlencoded": "form", "multipart/form-data": "multipart"}


def kind_of(media_type: str, schema: Any = None, *, sent: bool) -> str:
    """Return the kind of a media type: that of a response, or `json`, `form`, `multipart`, `text` or `bytes`."""
    name = bare(media_type)
    if not sent and (name in _JSON_LINES or name in _STREAMS):
        return _STREAMS.get(name, "jsonl")
    if name in _JSON or name.endswith("+json"):
        return "json"
    if name in _FORMS and sent:
        return _FORMS[name]
    if name in ("*/*", "application/*"):
        # Many generators of documents write this for JSON, or for a text.
        if not isinstance(schema, dict) or schema.get("format") == "binary":
            return "bytes"
        return "text" if schema.get("type") == "string" else "json"
    return "text" if name.startswith("text/") or name in _JSON_LINES or name in _STREAMS else "bytes"


def bare(media_type: str) -> str:
    """Return a media type without its parameters, such as `charset=utf-8`."""
    return media_type.partition(";")[0].strip().lower()


def is_plain_json(media_type: str) -> bool:
    """Return true if a media type is another name of JSON."""
    return bare(media_type) in _JSON or media_type.startswith("text/")
