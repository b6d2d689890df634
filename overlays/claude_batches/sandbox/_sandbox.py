"""`Sandbox`: the composition of state, clock, application and server."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from starlette.types import ASGIApp

from ._app import build_app
from ._batches import Batches
from ._clock import Clock
from ._control import control_routes
from ._exchange import ExchangeLog
from ._faults import Fault, FaultPlan, faults_from
from ._hosts import HostRule
from ._page import page_routes
from ._reply_function import ReplyFunction
from ._server import LoopbackServer, bind_loopback
from ._store import Store
from ._totals import Totals

__all__ = ["Sandbox"]

_DEFAULT_SPEED: Final = 60.0


class Sandbox:
    """A local server with the whole Message Batches API, for any client.

    It accepts any key, costs nothing, and listens on this machine only:

        with Sandbox() as sandbox:
            client = Client(base_url=sandbox.url, api_key="any")

    Args:
        speed: Sandbox seconds per real second, or `"instant"`.
        instant: End a batch at the first request about it; the same as `speed="instant"`.
        host: A loopback address to listen on.
        port: The port to listen on; 0 takes any free port.
        state: A file for the state, which a later sandbox continues. By default the state ends with the sandbox.
        faults: Failures on purpose: the name of a profile (`flaky`, `overloaded`, `hostile`), or `Fault`s.
        reply: A function that answers requests in place of the sandbox, see `ReplyFunction`.
        seed: The seed of everything random, ids included.
        api_key: The only valid key. By default any key is valid.
        queue_limit: The largest number of requests in processing for a key; a create above it is answered with
            429. Unlimited by default.
        allowed_hosts: Host names under which the sandbox answers, beside those of loopback.
        log: A function that receives every exchange, as an `Exchange`.

    Raises:
        ValueError: `speed` or `queue_limit` is not positive, or the profile does not exist.
    """

    def __init__(
        self,
        *,
        speed: float | Literal["instant"] = _DEFAULT_SPEED,
        instant: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        state: str | Path | None = None,
        faults: str | Iterable[Fault] | None = None,
        reply: ReplyFunction | None = None,
        seed: int = 0,
        api_key: str | None = None,
        queue_limit: int | None = None,
        allowed_hosts: Iterable[str] = (),
        log: ExchangeLog | None = None,
    ) -> None:
        self.instant = instant or speed == "instant"
        self.speed = _DEFAULT_SPEED if speed == "instant" else _positive(speed)
        self.seed = seed
        self.state = state
        self._host = host
        self._port = port
        self._reply = reply
        self._api_key = api_key
        self._log = log
        self._hosts = HostRule(allowed_hosts)
        if queue_limit is not None and queue_limit < 1:
            raise ValueError(f"queue_limit must be positive, not {queue_limit}")
        self._queue_limit = queue_limit
        self._plan = FaultPlan(faults_from(faults), seed)
        self._store: Store | None = None
        self._server: LoopbackServer | None = None
        self._totals: Totals | None = None
        self._clock: Clock | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """The address of the running sandbox, for a client's `base_url`."""
        if self._server is None:
            raise RuntimeError(
                "the sandbox is not running: use it as `with Sandbox() as sandbox:`, or call start()"
            )
        return self._url

    def start(self) -> Self:
        """Start the server, and return when it accepts requests.

        Raises:
            OSError: The port is taken.
            ValueError: The state file is damaged or in use, or `host` is not a loopback address.
        """
        if self._server is not None:
            raise RuntimeError(f"the sandbox is already running, at {self._url}")
        try:
            app = self._open()  # first, so that a bad state file is reported whichever port is free
            listener = bind_loopback(self._host, self._port)
            try:
                self._server = LoopbackServer(app, listener)
            except BaseException:
                listener.close()
                raise
        except BaseException:
            self._close_store()
            raise
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._url = f"http://{host}:{listener.getsockname()[1]}"
        return self

    def close(self) -> None:
        """Stop the server. Without effect if it is not running."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._close_store()

    def advance(self, seconds: float) -> None:
        """Advance the sandbox time.

        Raises:
            ValueError: `seconds` is negative or not finite, or leads past the end of sandbox time.
        """
        if self._clock is None or self._store is None:
            raise RuntimeError("the sandbox is not running: call start() before advance()")
        self._store.note_time(self._clock.advance(seconds))

    def set_faults(self, faults: str | Iterable[Fault] | None) -> None:
        """Replace the faults by those of a profile, by the given ones, or by none."""
        self._plan.replace(faults_from(faults), self.seed)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> ASGIApp:
        self._store = store = Store(self.state)
        self._clock = clock = Clock(self.speed, not_before=store.latest_time())
        batches = Batches(
            store,
            clock,
            instant=self.instant,
            seed=self.seed,
            reply=self._reply,
            shares=self._plan.outcome_shares,
            queue_limit=self._queue_limit,
        )
        self._totals = totals = Totals(batches)
        own_routes = [
            *page_routes(batches, self._plan, totals, self._hosts),
            *control_routes(batches, self._plan, self.advance, self._hosts),
        ]
        return build_app(batches, self._plan, own_routes, key=self._api_key, hosts=self._hosts, log=self._log)

    def _close_store(self) -> None:
        if self._totals is not None:
            self._totals.close()
            self._totals = None
        if self._store is not None:
            self._store.close()
            self._store = None
            self._clock = None


def _positive(speed: float | str) -> float:
    try:
        value = float(speed)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise ValueError(f"speed must be positive, or 'instant'; got {speed!r}")
    return value
