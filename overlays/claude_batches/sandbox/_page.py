"""The page at `/` for people: HTML from Jinja templates, kept up to date by a small script.

The controls of the page send JSON to routes under `/_sandbox`, which refuse web pages of other origins.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

from attrs import evolve
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ._batches import Batch, Batches
from ._clock import rfc3339
from ._errors import ApiError
from ._exchange import json_response, keep_out_of_log
from ._faults import PROFILES, FaultPlan
from ._hosts import HostRule
from ._page_view import OUTCOMES, BatchView, RequestView, duration, excerpt, page_turn, pretty
from ._store import Filter
from ._totals import Totals

__all__ = ["page_routes"]

_BATCHES_SHOWN: Final = 100
_REQUESTS_SHOWN: Final = 25
_FILES: Final = {"page.css": "text/css", "page.js": "text/javascript", "page.svg": "image/svg+xml"}

# The policy admits only the page's own files. It is the second line of defence behind escaping.
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def page_routes(batches: Batches, plan: FaultPlan, totals: Totals, hosts: HostRule) -> list[Route]:
    """Return the routes of the page, its files and its buttons."""
    page = _Page(batches, plan, totals, hosts)
    return [
        Route("/", page.overview, methods=["GET"]),
        Route("/batches/{batch_id}", page.one_batch, methods=["GET"]),
        Route("/_sandbox/batches/{batch_id}/cancel", page.cancel, methods=["POST"]),
        Route("/_sandbox/batches/{batch_id}", page.delete, methods=["DELETE"]),
        *(
            Route(f"/_sandbox/{name}", _file(name, kind, hosts), methods=["GET"])
            for name, kind in _FILES.items()
        ),
    ]


class _Page:
    def __init__(self, batches: Batches, plan: FaultPlan, totals: Totals, hosts: HostRule) -> None:
        self._plan = plan
        self._totals = totals
        self._hosts = hosts
        self._batches = batches
        self._templates = Environment(
            loader=PackageLoader("claude_batches.sandbox", "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        # Jinja declares no type for its filters.
        filters: dict[str, Any] = self._templates.filters  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        filters |= {"duration": duration, "excerpt": excerpt, "pretty": pretty, "rfc3339": rfc3339}

    async def overview(self, request: Request) -> HTMLResponse:
        _admit(request, self._hosts)
        found = await run_in_threadpool(self._batches.watch, _BATCHES_SHOWN + 1)
        if not found:
            return self._html("welcome", url=_base_url(request), **self._controls())
        shown = [self._view(batch, request) for batch in found[:_BATCHES_SHOWN]]
        return self._html(
            "overview",
            batches=shown,
            more=len(found) > _BATCHES_SHOWN,
            running=sum(not batch.ended for batch in shown),
            **self._controls(),
        )

    async def one_batch(self, request: Request) -> HTMLResponse:
        _admit(request, self._hosts)
        batch_id = str(request.path_params["batch_id"])
        try:
            batch = await run_in_threadpool(self._batches.watch_one, batch_id)
        except ApiError:
            return self._html("gone", status=404, batch_id=batch_id)
        query = request.query_params
        wanted = Filter(query.get("outcome", ""), query.get("custom_id", ""))
        start = _whole(query.get("from", "0"))
        matches = await run_in_threadpool(self._batches.matches, batch, wanted, start, _REQUESTS_SHOWN)
        lines = await run_in_threadpool(self._batches.lines_at, batch, matches.positions)
        return self._html(
            "batch",
            batch=self._counted(batch, request),
            requests=[RequestView.of(*pair) for pair in lines],
            filter=wanted,
            outcomes=OUTCOMES,
            total=matches.total,
            turn=page_turn(matches),
        )

    async def cancel(self, request: Request) -> Response:
        self._hosts.check_same_origin(request)
        batch_id = str(request.path_params["batch_id"])
        batch = await run_in_threadpool(self._batches.cancel, batch_id)
        return json_response({"id": batch_id, "processing_status": batch.status})

    async def delete(self, request: Request) -> Response:
        self._hosts.check_same_origin(request)
        batch_id = str(request.path_params["batch_id"])
        await run_in_threadpool(self._batches.delete, batch_id)
        return json_response({"id": batch_id, "type": "message_batch_deleted"})

    def _controls(self) -> dict[str, Any]:
        return {"faults": self._plan.report()["faults"], "profiles": sorted(PROFILES)}

    def _view(self, batch: Batch, request: Request) -> BatchView:
        return BatchView(
            batch, self._batches.progress(batch), self._batches.ends_at(batch), _base_url(request)
        )

    def _counted(self, batch: Batch, request: Request) -> BatchView:
        return evolve(self._view(batch, request), totals=self._totals.of(batch))

    def _html(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        clock = self._batches.clock
        pace = (
            "batches end at once" if self._batches.instant else f"{clock.speed:g} sandbox seconds per second"
        )
        view = {"now": clock.now(), "pace": pace}
        document = self._templates.get_template(f"{template}.html.jinja").render(view=view, **values)
        return HTMLResponse(document, status, headers=_HEADERS)


def _file(name: str, kind: str, hosts: HostRule) -> Callable[[Request], Response]:
    content = files("claude_batches.sandbox").joinpath(name).read_bytes()

    def send(request: Request) -> Response:
        _admit(request, hosts)
        return Response(content, media_type=kind, headers=_HEADERS)

    return send


def _admit(request: Request, hosts: HostRule) -> None:
    keep_out_of_log(request)
    hosts.check_same_origin(request)


def _base_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _whole(text: str) -> int:
    """Return a position from the query, 0 if it is not a whole number of at most six digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len("100000") else 0
