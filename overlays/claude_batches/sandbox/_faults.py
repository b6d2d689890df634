"""Things that go wrong on purpose: which, how often, and in what order, the same for the same seed."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal, get_args

__all__ = ["PROFILES", "Fault", "FaultKind", "FaultPlan", "Operation", "OutcomeShares", "faults_from"]

Operation = Literal["create", "retrieve", "list", "cancel", "delete", "results"]
FaultKind = Literal[
    "latency",
    "rate_limited",
    "overloaded",
    "failed",
    "failed_after",
    "cut",
    "truncated_line",
    "duplicated_line",
    "stale",
    "errored",
    "expired",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Args:
        kind: what happens.
            `latency`: the answer waits for `seconds`.
            `rate_limited`: 429 with `retry-after: seconds`.
            `overloaded`: 529. `failed`: 500 before anything is done. `failed_after`: 500 after all is done.
            `cut`: the call is done, but the connection is lost after `at` bytes of the response's body; with
            0 not even the status arrives.
            `truncated_line`: the results end, as if they were complete, in the middle of line number `at`.
            `duplicated_line`: line number `at` of the results comes twice.
            `stale`: a batch that was just created can't be found by the next `at` calls about it.
            `errored`, `expired`: so end the requests of a batch that it strikes, whatever they say.
        on: the operation that it may strike, or `any`. It says nothing for lines (only `results` have them),
            `stale` (only `create` makes batches), `errored` and `expired` (which strike requests).
        share: how many of the calls (or requests) it strikes, from 0 to 1; the seed decides which.
        skip: how many calls it spares at first.
        times: how many calls it strikes at most; by default there is no end to it.
        seconds: real seconds, for `latency` and `rate_limited`.
        at: a place, counted as the kind says; lines count from 1.

    Raises:
        ValueError: one of them is not what it should be.
    """

    kind: FaultKind
    on: Operation | Literal["any"] = "any"
    share: float = 1.0
    skip: int = 0
    times: int | None = None
    seconds: float = 1.0
    at: int = 1

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(
                f"{self.kind!r} is not a kind of fault; these are: {', '.join(get_args(FaultKind))}"
            )
        if self.on not in (*get_args(Operation), "any"):
            raise ValueError(
                f"{self.on!r} is not an operation; these are: {', '.join(get_args(Operation))}, any"
            )
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be from 0 to 1, not {self.share}")
        if self.skip < 0 or self.at < 0 or self.seconds < 0 or (self.times is not None and self.times < 0):
            raise ValueError("skip, times, seconds and at can't be negative")

    def may_strike(self, operation: Operation) -> bool:
        only = _ONLY_ON.get(self.kind, self.on)
        return only in (operation, "any")


_ONLY_ON: Final[Mapping[str, str]] = {
    "truncated_line": "results",
    "duplicated_line": "results",
    "stale": "create",
    "errored": "request",
    "expired": "request",
}

PROFILES: Final[Mapping[str, tuple[Fault, ...]]] = {
    "flaky": (
        Fault(kind="latency", share=0.3, seconds=0.05),
        Fault(kind="failed", share=0.05),
        Fault(kind="stale", share=0.3, at=1),
        Fault(kind="cut", on="results", share=0.5, at=20_000),
        Fault(kind="errored", share=0.01),
    ),
    "overloaded": (
        Fault(kind="latency", share=0.5, seconds=0.2),
        Fault(kind="rate_limited", share=0.25, seconds=1),
        Fault(kind="overloaded", share=0.25),
        Fault(kind="expired", share=0.02),
    ),
    "hostile": (
        Fault(kind="failed", share=0.1),
        Fault(kind="failed_after", share=0.15),
        Fault(kind="cut", share=0.1, at=0),
        Fault(kind="cut", on="results", share=0.4, at=7_001),
        Fault(kind="truncated_line", share=0.15, at=3),
        Fault(kind="duplicated_line", share=0.15, at=2),
        Fault(kind="rate_limited", share=0.1, seconds=1),
        Fault(kind="stale", share=0.5, at=2),
        Fault(kind="errored", share=0.03),
        Fault(kind="expired", share=0.03),
    ),
}
"""Mixtures of faults by name: a bad line, a busy server, and one where nothing can be relied on."""


@dataclass(frozen=True, slots=True)
class OutcomeShares:
    """Which shares of the good requests, from 0 to 1, end as `errored` and as `expired`."""

    errored: float = 0.0
    expired: float = 0.0


def faults_from(wanted: str | Iterable[Fault] | None) -> tuple[Fault, ...]:
    """The faults of a profile, or those given.

    Raises:
        ValueError: no profile has this name.
    """
    if wanted is None:
        return ()
    if isinstance(wanted, str):
        if wanted not in PROFILES:
            raise ValueError(f"{wanted!r} is not a profile of faults; these are: {', '.join(PROFILES)}")
        return PROFILES[wanted]
    return tuple(wanted)


class FaultPlan:
    """Decides which faults strike; calls in the same order meet the same faults when the seed is the same.

    Args:
        faults: what may go wrong.
        seed: what the choice depends on.
    """

    def __init__(self, faults: Iterable[Fault], seed: int) -> None:
        self._lock = threading.Lock()
        self.replace(faults, seed)

    def replace(self, faults: Iterable[Fault], seed: int) -> None:
        """Start anew with other faults."""
        with self._lock:
            self.faults = tuple(faults)
            self.seed = seed
            self._calls: Counter[int] = Counter()
            self._struck: Counter[int] = Counter()
            self._stale: dict[str, int] = {}

    def strikes(self, operation: Operation) -> list[Fault]:
        """The faults that strike the next call of an operation."""
        with self._lock:
            return [fault for index, fault in enumerate(self.faults) if self._hits(index, fault, operation)]

    def _hits(self, index: int, fault: Fault, operation: Operation) -> bool:
        if not fault.may_strike(operation):
            return False
        self._calls[index] += 1
        call = self._calls[index]
        if call <= fault.skip or (fault.times is not None and self._struck[index] >= fault.times):
            return False
        if Random(f"{self.seed}:{index}:{call}").random() >= fault.share:
            return False
        self._struck[index] += 1
        return True

    def hide(self, batch_id: str, calls: int) -> None:
        """Make a new batch unknown to the next calls about it."""
        with self._lock:
            self._stale[batch_id] = calls

    def hides(self, batch_id: str) -> bool:
        """Whether a call about a batch finds nothing yet."""
        with self._lock:
            left = self._stale.pop(batch_id, 0)
            if left > 1:
                self._stale[batch_id] = left - 1
            return left > 0

    def outcome_shares(self) -> OutcomeShares:
        """What becomes of the requests of a batch that is created now."""
        return OutcomeShares(errored=self._share_of("errored"), expired=self._share_of("expired"))

    def _share_of(self, kind: FaultKind) -> float:
        return min(1.0, sum(fault.share for fault in self.faults if fault.kind == kind))

    def report(self) -> dict[str, Any]:
        """The faults as JSON, with how often each has struck."""
        with self._lock:
            faults = [
                {**dataclasses.asdict(fault), "struck": self._struck[index]}
                for index, fault in enumerate(self.faults)
            ]
            return {"seed": self.seed, "faults": faults}
