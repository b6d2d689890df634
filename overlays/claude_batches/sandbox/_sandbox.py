"""`Sandbox`: state, clock, application and server put together."""

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
from ._page import page_routes
from ._reply_function import ReplyFunction
from ._server import LoopbackServer, bind_loopback
from ._store import Store

__all__ = ["Sandbox"]

_DEFAULT_SPEED: Final = 60.0


class Sandbox:
    """A local server with the whole Message Batches API, which any client takes for the real one.

    It accepts any key, costs nothing, and only listens on this machine:

        with Sandbox() as sandbox:
            client = Client(base_url=sandbox.url, api_key="any")

    Args:
        speed: how many seconds pass in the sandbox per real second, 60 by default, or `"instant"`.
        instant: a batch ends as soon as somebody looks at it; the same as `speed="instant"`.
        host: a loopback address.
        port: the port to listen on; 0 takes any that is free.
        state: a file to keep everything in, so that it is there again at the next start. By default all is
            forgotten at the end.
        faults: what goes wrong: the name of a profile (`flaky`, `overloaded`, `hostile`), or any `Fault`s.
        reply: a function that answers requests in place of the sandbox, see `ReplyFunction`.
        seed: what all that looks random depends on, ids included.
        api_key: the one key that is accepted; without it, any key is.
        log: a function that is told of every call that was answered, as an `Exchange`.

    Raises:
        ValueError: `speed` is not positive, or no profile has the name given.
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
        self._plan = FaultPlan(faults_from(faults), seed)
        self._store: Store | None = None
        self._server: LoopbackServer | None = None
        self._clock: Clock | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """Where the sandbox is, for a client's `base_url`."""
        if self._server is None:
            raise RuntimeError(
                "the sandbox is not running: use it as `with Sandbox() as sandbox:`, or call start()"
            )
        return self._url

    def start(self) -> Self:
        """Start to listen; it takes calls when this returns.

        Raises:
            OSError: the port is taken.
            ValueError: the state file is none, or is in use; or `host` is not this machine.
        """
        if self._server is not None:
            raise RuntimeError(f"the sandbox is running already, at {self._url}")
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
        """Stop; a sandbox that is not running stays as it is."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._close_store()

    def advance(self, seconds: float) -> None:
        """Let `seconds` of sandbox time pass at once."""
        if self._clock is None or self._store is None:
            raise RuntimeError("the sandbox is not running, so its time stands still")
        self._store.note_time(self._clock.advance(seconds))

    def set_faults(self, faults: str | Iterable[Fault] | None) -> None:
        """Let other things go wrong from now on: a profile by its name, any `Fault`s, or nothing."""
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
        )
        own_routes = [*page_routes(batches), *control_routes(clock, self._plan, self.advance)]
        return build_app(batches, self._plan, own_routes, key=self._api_key, log=self._log)

    def _close_store(self) -> None:
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
