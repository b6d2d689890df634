"""Faults: failures on purpose. The seed decides which requests they strike."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any, Final, Literal, get_args

import attrs

__all__ = ["PROFILES", "Fault", "FaultKind", "FaultPlan", "Operation", "OutcomeShares", "faults_from"]

Operation = Literal["create", "retrieve", "list", "cancel", "delete", "results", "count_tokens"]
FaultKind = Literal[
    "latency",
    "rate_limited",
    "low_credit",
    "billing",
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


@attrs.frozen(kw_only=True)
class Fault:
    """A failure on purpose.

    Args:
        kind: The kind of the failure.
            `latency`: The response is delayed by `seconds`.
            `rate_limited`: 429 with `retry-after: seconds`.
            `low_credit`: 400 with the message about a low credit balance. `billing`: 402 with `billing_error`.
            `overloaded`: 529. `failed`: 500 without any effect. `failed_after`: 500 after the full effect.
            `cut`: The request has its effect, but the connection is lost after `at` bytes of the response's
            body; with 0 there is not even a status.
            `truncated_line`: The results end in the middle of line `at`, as if they were complete.
            `duplicated_line`: Line `at` of the results is sent twice.
            `stale`: The next `at` requests about a new batch are answered with 404.
            `errored`, `expired`: The outcome of the requests of a batch that it strikes.
        on: The operation that it may strike, or `any`. Ignored for lines (`results` only), `stale` (`create`
            only), `errored` and `expired` (requests of a batch).
        share: The share of the calls (or requests of a batch) that it strikes, from 0 to 1.
        skip: The number of calls to spare at first.
        times: The largest number of strikes. Unlimited by default.
        seconds: Real seconds, for `latency` and `rate_limited`.
        at: A place, as the kind defines it. Lines count from 1.

    Raises:
        ValueError: An argument has an invalid value.
    """

    kind: FaultKind
    on: Operation | Literal["any"] = "any"
    share: float = 1.0
    skip: int = 0
    times: int | None = None
    seconds: float = 1.0
    at: int = 1

    def __attrs_post_init__(self) -> None:
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
            raise ValueError("skip, times, seconds and at must not be negative")

    def may_strike(self, operation: Operation) -> bool:
        """Return true if it applies to an operation."""
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
"""Mixtures of faults by name: a bad connection, a busy server, and lost creates with broken results.

`docs/sandbox.md` has them as a table.
"""


@attrs.frozen
class OutcomeShares:
    """The shares of the valid requests, from 0 to 1, that end as `errored` and as `expired`."""

    errored: float = 0.0
    expired: float = 0.0


def faults_from(wanted: str | Iterable[Fault] | None) -> tuple[Fault, ...]:
    """Return the faults of a profile, or those given.

    Raises:
        ValueError: The profile does not exist.
    """
    if wanted is None:
        return ()
    if isinstance(wanted, str):
        if wanted not in PROFILES:
            raise ValueError(f"{wanted!r} is not a profile of faults; these are: {', '.join(PROFILES)}")
        return PROFILES[wanted]
    return tuple(wanted)


class FaultPlan:
    """The choice of the faults of each call. The same calls with the same seed meet the same faults.

    Args:
        faults: The faults.
        seed: The seed of the choice.
    """

    def __init__(self, faults: Iterable[Fault], seed: int) -> None:
        self._lock = threading.Lock()
        self.replace(faults, seed)

    def replace(self, faults: Iterable[Fault], seed: int) -> None:
        """Replace the faults and reset the counters."""
        with self._lock:
            self.faults = tuple(faults)
            self.seed = seed
            self._calls: Counter[int] = Counter()
            self._struck: Counter[int] = Counter()
            self._stale: dict[str, int] = {}

    def strikes(self, operation: Operation) -> list[Fault]:
        """Return the faults of the next call of an operation."""
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
        """Hide a new batch from the next calls about it."""
        with self._lock:
            self._stale[batch_id] = calls

    def hides(self, batch_id: str) -> bool:
        """Return true if a batch is hidden from this call."""
        with self._lock:
            left = self._stale.pop(batch_id, 0)
            if left > 1:
                self._stale[batch_id] = left - 1
            return left > 0

    def outcome_shares(self) -> OutcomeShares:
        """Return the shares for a batch that is created now."""
        return OutcomeShares(errored=self._share_of("errored"), expired=self._share_of("expired"))

    def _share_of(self, kind: FaultKind) -> float:
        return min(1.0, sum(fault.share for fault in self.faults if fault.kind == kind))

    def report(self) -> dict[str, Any]:
        """Return the faults as JSON with the number of strikes of each."""
        with self._lock:
            faults = [
                {**attrs.asdict(fault), "struck": self._struck[index]}
                for index, fault in enumerate(self.faults)
            ]
            return {"seed": self.seed, "faults": faults}
