"""The page at `/`: what the sandbox holds, for people. Plain HTML made here; a small script keeps it live."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ._batches import Batch, Batches
from ._clock import rfc3339
from ._control import local_only
from ._errors import ApiError
from ._exchange import keep_out_of_log
from ._page_html import Shown, gone, one_batch, overview, welcome

__all__ = ["page_routes"]

_BATCHES_SHOWN: Final = 100
_REQUESTS_SHOWN: Final = 25
_FILES: Final = {"page.css": "text/css", "page.js": "text/javascript", "page.svg": "image/svg+xml"}

# Nothing but the page's own files: what a request says would be harmless even if it were not escaped.
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def page_routes(batches: Batches) -> list[Route]:
    """The routes of the page and its files."""
    page = _Page(batches)
    return [
        Route("/", page.overview, methods=["GET"]),
        Route("/batches/{batch_id}", page.one_batch, methods=["GET"]),
        *(Route(f"/_sandbox/{name}", _file(name, kind), methods=["GET"]) for name, kind in _FILES.items()),
    ]


class _Page:
    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    async def overview(self, request: Request) -> HTMLResponse:
        _admit(request)
        found = await run_in_threadpool(self._batches.watch, _BATCHES_SHOWN + 1)
        if not found:
            return _html(welcome(_base_url(request)))
        shown = [self._shown(batch) for batch in found[:_BATCHES_SHOWN]]
        return _html(overview(shown, self._clock(), more=len(found) > _BATCHES_SHOWN))

    async def one_batch(self, request: Request) -> HTMLResponse:
        _admit(request)
        batch_id = str(request.path_params["batch_id"])
        try:
            batch = await run_in_threadpool(self._batches.watch_one, batch_id)
        except ApiError:
            return _html(gone(batch_id), status=404)
        start = min(_whole(request.query_params.get("from", "0")), batch.row.size - 1)
        positions = range(start, min(start + _REQUESTS_SHOWN, batch.row.size))
        requests = await run_in_threadpool(self._batches.lines_at, batch, positions)
        return _html(
            one_batch(
                self._shown(batch),
                requests,
                self._clock(),
                base_url=_base_url(request),
                turn=_REQUESTS_SHOWN,
            )
        )

    def _shown(self, batch: Batch) -> Shown:
        return Shown(batch, self._batches.progress(batch), self._batches.ends_at(batch))

    def _clock(self) -> str:
        now = rfc3339(self._batches.clock.now())
        pace = "batches end at once" if self._batches.instant else f"speed {self._batches.clock.speed:g}"
        return f"Sandbox time {now[:10]} {now[11:19]} UTC, {pace}"


def _file(name: str, kind: str) -> Callable[[Request], Response]:
    content = files("claude_batches.sandbox").joinpath(name).read_bytes()

    def send(request: Request) -> Response:
        _admit(request)
        return Response(content, media_type=kind, headers=_HEADERS)

    return send


def _admit(request: Request) -> None:
    keep_out_of_log(request)
    local_only(request)


def _base_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _html(document: str, *, status: int = 200) -> HTMLResponse:
    return HTMLResponse(document, status, headers=_HEADERS)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len("100000") else 0
