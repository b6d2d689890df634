"""The HTML of the page: what the sandbox knows goes in, text comes out, and all that users wrote is escaped.

Each `<section>` has an id, and so has each `<details>`: the script puts in only the sections that have changed,
and keeps open what somebody has unfolded.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final, NamedTuple

import orjson

from ._batches import Batch
from ._clock import rfc3339
from ._lifecycle import EXPIRES_AFTER
from ._replies import last_user_text
from ._store import StoredRequest

__all__ = ["Shown", "gone", "one_batch", "overview", "welcome"]

_EXCERPT: Final = 120
_OUTCOMES: Final = ("succeeded", "errored", "canceled", "expired")


class Shown(NamedTuple):
    """A batch, how much of its work is done, from 0 to 1, and when it ends, if somebody knows."""

    batch: Batch
    progress: float
    ends_at: float | None


def welcome(url: str) -> str:
    """The page of a sandbox that has seen no batch yet, which is reached at `url`."""
    lines = f"export ANTHROPIC_BASE_URL={url}\nexport ANTHROPIC_API_KEY=any"
    return _document(
        "Batches sandbox",
        '<section id="welcome" class="card"><h1>No batches yet</h1>'
        "<p>Paste this where your program runs, and create one. Any key will do.</p>"
        f"<pre>{escape(lines)}</pre>"
        '<p class="quiet">Batches will show up here by themselves.</p></section>',
    )


def overview(found: Sequence[Shown], clock: str, *, more: bool) -> str:
    """The page that lists batches, newest first; `more` if there are others, that are older."""
    running = sum(shown.batch.status != "ended" for shown in found)
    rows = "".join(map(_row, found))
    note = f'<p class="quiet">These are the newest {len(found)}.</p>' if more else ""
    return _document(
        f"{running} running - Batches sandbox" if running else "Batches sandbox",
        f'<section id="clock" class="head"><h1>Batches</h1><span class="quiet">{escape(clock)}</span></section>'
        f'<section id="batches"><ul class="batches card">{rows}</ul>{note}</section>',
    )


def one_batch(
    shown: Shown,
    requests: Sequence[tuple[StoredRequest, bytes | None]],
    clock: str,
    *,
    base_url: str,
    turn: int,
) -> str:
    """The page of one batch, with some of its requests; `turn` is how many of them a page holds."""
    batch, row = shown.batch, shown.batch.row
    return _document(
        f"{_state(batch)} - {row.id}",
        '<section id="head"><a class="back" href="/">&larr; All batches</a>'
        f'<div class="head"><h1><code>{escape(row.id)}</code></h1>{_badge(_state(batch))}</div></section>'
        f'<section id="progress" class="card">{_progress(shown)}</section>'
        f'<section id="facts">{_facts(batch, base_url)}</section>'
        f'<section id="requests"><h2>Requests</h2><div class="requests card">'
        f"{''.join(_request(request, line) for request, line in requests)}</div>"
        f"{_turn(row.size, requests, turn)}</section>"
        f'<section id="clock" class="quiet">{escape(clock)}</section>',
    )


def gone(batch_id: str) -> str:
    """The page of a batch that isn't there."""
    return _document(
        "No such batch",
        '<section id="gone" class="card"><h1>No such batch</h1>'
        f"<p><code>{escape(batch_id)}</code> was deleted, or never was in this sandbox.</p>"
        '<p><a href="/">All batches</a></p></section>',
    )


def _row(shown: Shown) -> str:
    row = shown.batch.row
    return (
        f'<li><div><a id="{escape(row.id)}" href="/batches/{escape(row.id)}"><code>{escape(row.id)}</code></a>'
        f'<span class="quiet">{_time(row.created_at)}</span></div>'
        f'<div class="work">{_bar(shown)}<div class="counts">{_counts(shown)}</div></div>'
        f"{_badge(_state(shown.batch))}</li>"
    )


def _state(batch: Batch) -> str:
    return "archived" if batch.archived_at is not None else batch.status


def _badge(state: str) -> str:
    return f'<span class="badge {escape(state)}">{escape(state.replace("_", " "))}</span>'


def _counts(shown: Shown) -> str:
    row = shown.batch.row
    if shown.batch.status != "ended":
        return (
            f'<span class="count processing">{row.size:,} processing</span>'
            f'<span class="quiet percent">{_percent(shown)}</span>'
        )
    return "".join(
        f'<span class="count {outcome}">{getattr(row, outcome):,} {outcome}</span>'
        for outcome in _OUTCOMES
        if getattr(row, outcome)
    )


def _bar(shown: Shown) -> str:
    """Work done while a batch runs, and outcomes in their colours afterwards."""
    row = shown.batch.row
    if shown.batch.status == "ended":
        shares = [(outcome, getattr(row, outcome) / row.size) for outcome in _OUTCOMES]
    else:
        shares = [("processing", shown.progress)]
    parts: list[str] = []
    start = 0.0
    for outcome, share in shares:
        parts.append(
            f'<rect class="{outcome}" x="{100 * start:.2f}%" width="{100 * share:.2f}%" height="100%"/>'
        )
        start += share
    return f'<svg class="bar" role="img" aria-label="{_percent(shown)}">{"".join(parts)}</svg>'


def _percent(shown: Shown) -> str:
    # Rounded down: 100% is only what has ended.
    return f"{100 if shown.batch.status == 'ended' else min(int(100 * shown.progress), 99)}% done"


def _progress(shown: Shown) -> str:
    batch, row = shown.batch, shown.batch.row
    if batch.status == "ended" and row.ended_at is not None:
        story = f"took {_span(row.ended_at - row.created_at)}"
    elif shown.ends_at is None:
        story = "ends as soon as a client looks at it"
    else:
        story = f"ends at {_time(shown.ends_at)}"
    counts = {
        "processing": 0 if batch.status == "ended" else row.size,
        **{outcome: getattr(row, outcome) for outcome in _OUTCOMES},
    }
    tiles = "".join(
        f'<div class="tile {name}{"" if count else " none"}"><b>{count:,}</b>{name}</div>'
        for name, count in counts.items()
    )
    return (
        f'<div class="head"><span class="percent">{_percent(shown)}</span><span class="quiet">{story}</span></div>'
        f'{_bar(shown)}<div class="tiles">{tiles}</div>'
    )


def _facts(batch: Batch, base_url: str) -> str:
    row = batch.row
    times = {
        "Created": row.created_at,
        "Cancel asked for": row.cancel_at,
        "Ended": row.ended_at,
        "Expires": row.created_at + EXPIRES_AFTER if row.ended_at is None else None,
        "Archived": batch.archived_at,
    }
    facts = "".join(
        f"<div><dt>{name}</dt><dd>{_time(at)}</dd></div>" for name, at in times.items() if at is not None
    )
    return (
        f"<dl><div><dt>Requests</dt><dd>{row.size:,}</dd></div>{facts}</dl>"
        f'<details id="json"><summary class="quiet">The batch as the API gives it</summary>'
        f"{_json(batch.to_wire(base_url))}</details>"
    )


def _request(request: StoredRequest, line: bytes | None) -> str:
    params: dict[str, Any] = orjson.loads(request.params)
    if line is None:
        outcome, says, came = "processing", "", '<p class="quiet">There is none yet.</p>'
    else:
        result: dict[str, Any] = orjson.loads(line)["result"]
        outcome, says, came = request.outcome, _gist(result), _json(result)
    return (
        f'<details id="request-{request.position}"><summary><code>{escape(request.custom_id)}</code>'
        f'<span class="asks">{_excerpt(_asks(params))}</span><span class="says quiet">{_excerpt(says)}</span>'
        f'{_badge(outcome)}</summary><div class="inside"><div><h3>Request</h3>{_json(params)}</div>'
        f"<div><h3>Result</h3>{came}</div></div></details>"
    )


def _asks(params: dict[str, Any]) -> str:
    try:
        return last_user_text(params)
    except (KeyError, TypeError):  # messages that the API would refuse can have any form
        return ""


def _gist(result: dict[str, Any]) -> str:
    """The part of a result that a person looks for first."""
    if result["type"] == "errored":
        error = result["error"]["error"]
        return f"{error['type']}: {error['message']}"
    if result["type"] != "succeeded":
        return ""
    for block in result["message"]["content"]:
        if block["type"] == "text":
            return str(block["text"])
        if block["type"] == "tool_use":
            return f"{block['name']}({orjson.dumps(block['input']).decode()})"
    return str(result["message"]["stop_reason"])


def _turn(size: int, requests: Sequence[tuple[StoredRequest, bytes | None]], turn: int) -> str:
    if len(requests) == size:
        return ""
    first, last = requests[0][0].position, requests[-1][0].position
    links: list[str] = []
    if first > 0:
        links.append(f'<a href="?from={max(0, first - turn)}" rel="prev">&larr; Previous</a>')
    if last + 1 < size:
        links.append(f'<a href="?from={last + 1}" rel="next">Next &rarr;</a>')
    place = f"{first + 1:,} to {last + 1:,} of {size:,}"
    return f'<nav class="pages"><span class="quiet">{place}</span>{"".join(links)}</nav>'


def _excerpt(text: str) -> str:
    return escape(text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}...")


def _json(value: object) -> str:
    return f"<pre>{escape(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())}</pre>"


def _time(seconds: float) -> str:
    written = rfc3339(seconds)
    return f'<time datetime="{written}">{written[:10]} {written[11:19]}</time>'


def _span(seconds: float) -> str:
    """A length of time in its two largest units, such as `1 min 5 s`."""
    whole = round(seconds)
    units = [
        (whole // 86400, "d"),
        (whole // 3600 % 24, "h"),
        (whole // 60 % 60, "min"),
        (whole % 60, "s"),
    ]
    return " ".join([f"{count} {unit}" for count, unit in units if count][:2]) or "0 s"


def _document(title: str, main: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="/_sandbox/page.svg"><link rel="stylesheet" href="/_sandbox/page.css">'
        '<script src="/_sandbox/page.js" defer></script></head><body>'
        '<p id="lost" role="status" hidden><span class="column">The sandbox has stopped: this is what it showed last.'
        '</span></p><header><div class="column"><img src="/_sandbox/page.svg" alt="">'
        f'<a href="/">Message Batches sandbox</a></div></header><main class="column">{main}</main></body></html>'
    )
