"""The page at `/`: what the sandbox holds, for people. Plain HTML made here; a few lines of script keep it live."""

from __future__ import annotations

import secrets
from html import escape
from typing import Any, Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from ._batches import Batch, Batches
from ._clock import rfc3339
from ._control import local_only
from ._replies import last_user_text
from ._store import StoredRequest
from ._validation import check_params

__all__ = ["page_routes"]

_BATCHES_SHOWN: Final = 100
_REQUESTS_SHOWN: Final = 25
_EXCERPT: Final = 90
_OUTCOMES: Final = ("succeeded", "errored", "canceled", "expired")

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --succeeded: #3a8f5c; --errored: #c8473d;
  --canceled: #8a8a8a; --expired: #b8860b; --processing: #4a7fc1; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; margin: 0 0 1rem; } h1 a { color: inherit; text-decoration: none; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; }
th, td { padding: .45rem .7rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
code, pre { font: 13px/1.45 ui-monospace, monospace; } pre { white-space: pre-wrap; overflow-wrap: anywhere;
  background: var(--soft); padding: .7rem; border-radius: 6px; margin: .4rem 0; }
.bar { display: flex; height: .6rem; width: 12rem; border-radius: .3rem; overflow: hidden; background: var(--soft); }
.bar i { display: block; } .note { opacity: .7; } summary { cursor: pointer; }
.badge { font-weight: 600; white-space: nowrap; } .empty { padding: 3rem 0; text-align: center; }
.succeeded { color: var(--succeeded); } .errored { color: var(--errored); } .canceled { color: var(--canceled); }
.expired { color: var(--expired); } .processing { color: var(--processing); }
i.succeeded { background: var(--succeeded); } i.errored { background: var(--errored); }
i.canceled { background: var(--canceled); } i.expired { background: var(--expired); }
i.processing { background: var(--processing); }
"""

# Leaves the page alone while somebody has a request open to read.
_SCRIPT: Final = """
setInterval(async () => {
  if (document.querySelector("details[open]")) return;
  try {
    const text = await (await fetch(location.href)).text();
    const main = new DOMParser().parseFromString(text, "text/html").querySelector("main");
    if (main && !document.querySelector("details[open]")) document.querySelector("main").replaceWith(main);
  } catch { document.title = "Sandbox (stopped)"; }
}, 1000);
"""


def page_routes(batches: Batches) -> list[Route]:
    """The routes of the page."""
    page = _Page(batches)
    return [
        Route("/", page.overview, methods=["GET"]),
        Route("/batches/{batch_id}", page.one_batch, methods=["GET"]),
    ]


class _Page:
    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    async def overview(self, request: Request) -> HTMLResponse:
        local_only(request)
        found = await run_in_threadpool(self._batches.watch, _BATCHES_SHOWN)
        if not found:
            return _html(_welcome(f"{request.url.scheme}://{request.url.netloc}"))
        rows = "".join(self._row(batch) for batch in found)
        head = "<tr><th>Batch</th><th>Created</th><th>Status</th><th>Progress</th><th>Requests</th></tr>"
        return _html(f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>")

    async def one_batch(self, request: Request) -> HTMLResponse:
        local_only(request)
        batch = await run_in_threadpool(self._batches.watch_one, str(request.path_params["batch_id"]))
        start = _whole(request.query_params.get("from", "0"))
        positions = range(min(start, batch.row.size), min(start + _REQUESTS_SHOWN, batch.row.size))
        found = await run_in_threadpool(self._batches.lines_at, batch, positions)
        requests = "".join(_request(stored, line) for stored, line in found)
        facts = orjson.dumps(
            batch.to_wire(f"{request.url.scheme}://{request.url.netloc}"), option=orjson.OPT_INDENT_2
        ).decode()
        head = "<tr><th>Request</th><th>Asks</th><th>Result</th></tr>"
        return _html(
            f"<h2><code>{escape(batch.row.id)}</code></h2><p>{_status(batch)}</p>{self._bar(batch)}"
            f"<p>{_counts(batch)}</p><details><summary>The batch as JSON</summary><pre>{escape(facts)}</pre></details>"
            f"<table><thead>{head}</thead><tbody>{requests}</tbody></table>{_turn(batch, positions)}"
        )

    def _row(self, batch: Batch) -> str:
        return (
            f'<tr><td><a href="/batches/{escape(batch.row.id)}"><code>{escape(batch.row.id)}</code></a></td>'
            f"<td>{rfc3339(batch.row.created_at)[:19].replace('T', ' ')}</td><td>{_status(batch)}</td>"
            f"<td>{self._bar(batch)}</td><td>{_counts(batch)}</td></tr>"
        )

    def _bar(self, batch: Batch) -> str:
        if batch.status == "ended" and batch.row.ended_at is not None:
            shares = {outcome: getattr(batch.row, outcome) / batch.row.size for outcome in _OUTCOMES}
        else:
            shares = {"processing": self._batches.progress(batch)}
        parts = "".join(
            f'<i class="{outcome}" style="width:{100 * share:.2f}%"></i>'
            for outcome, share in shares.items()
            if share
        )
        return f'<div class="bar" role="img" aria-label="progress">{parts}</div>'


def _status(batch: Batch) -> str:
    label = "archived" if batch.archived_at is not None else batch.status.replace("_", " ")
    return f'<span class="badge {"" if batch.status == "ended" else "processing"}">{label}</span>'


def _counts(batch: Batch) -> str:
    if batch.status != "ended":
        return f'<span class="processing">{batch.row.size:,} processing</span>'
    counts = [(outcome, int(getattr(batch.row, outcome))) for outcome in _OUTCOMES]
    return ", ".join(
        f'<span class="{outcome}">{count:,} {outcome}</span>' for outcome, count in counts if count
    )


def _request(request: StoredRequest, line: bytes | None) -> str:
    params: dict[str, Any] = orjson.loads(request.params)
    # Params that the API would refuse have no last user message to rely on.
    asks = last_user_text(params) if check_params(params) is None else ""
    short = asks if len(asks) <= _EXCERPT else f"{asks[:_EXCERPT]}..."
    if line is None:
        result = '<span class="processing">processing</span>'
    else:
        outcome = escape(request.outcome)
        result = _folded(f'<span class="badge {outcome}">{outcome}</span>', orjson.loads(line)["result"])
    return (
        f"<tr><td><code>{escape(request.custom_id)}</code></td>"
        f"<td>{_folded(escape(short) or '<span class=note>params</span>', params)}</td><td>{result}</td></tr>"
    )


def _folded(summary: str, value: object) -> str:
    shown = escape(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
    return f"<details><summary>{summary}</summary><pre>{shown}</pre></details>"


def _turn(batch: Batch, positions: range) -> str:
    links: list[str] = []
    if positions.start > 0:
        links.append(f'<a href="?from={max(0, positions.start - _REQUESTS_SHOWN)}">previous</a>')
    if positions.stop < batch.row.size:
        links.append(f'<a href="?from={positions.stop}">next</a>')
    shown = f"{positions.start + 1:,} to {positions.stop:,} of {batch.row.size:,} requests"
    return f'<p class="note">{shown} {" ".join(links)}</p>'


def _welcome(url: str) -> str:
    lines = f"export ANTHROPIC_BASE_URL={url}\nexport ANTHROPIC_API_KEY=any"
    return f'<div class="empty"><p>No batches yet. Point a client here:</p><pre>{escape(lines)}</pre></div>'


def _html(main: str) -> HTMLResponse:
    nonce = secrets.token_urlsafe(12)
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sandbox</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f'<style>{_STYLE}</style></head><body><h1><a href="/">Message Batches sandbox</a></h1>'
        f'<main>{main}</main><script nonce="{nonce}">{_SCRIPT}</script></body></html>',
        headers={
            "content-security-policy": f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; "
            "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "cache-control": "no-store",
        },
    )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len("100000") else 0
