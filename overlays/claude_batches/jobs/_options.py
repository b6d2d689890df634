"""Options of a job."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, TypedDict

import attrs

from ._causes import OnMaxTokens
from ._cost import Prices
from ._errors import JobOptionsError
from ._tables import AnswerType, check_answer

__all__ = ["Check", "Ids", "JobOptions", "OptionKeys", "RetryIf", "check_names", "typed"]

RetryIf: TypeAlias = Callable[
    [str, Mapping[str, Any], Mapping[str, Any] | None, int], "bool | Mapping[str, Any] | None"
]
"""A user's predicate: custom_id, params, raw result and number of the attempt in; true, or changed params, sends the
request again."""

Check: TypeAlias = Callable[[Mapping[str, Any]], "str | None"]
"""A check of an answer: the raw result in, the error or `None` out."""


def _positive(_: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        raise JobOptionsError(f"{attribute.name} must be more than 0; got {value!r}")


def _not_negative(_: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise JobOptionsError(f"{attribute.name} must be 0 or more; got {value!r}")


def _share(_: object, attribute: Any, value: Any) -> None:
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise JobOptionsError(f"{attribute.name} must be a share from 0 to 1; got {value!r}")


def _by_model(
    prices: Prices | Mapping[str, Mapping[str, Any]] | None,
) -> Mapping[str, Mapping[str, Any]] | None:
    """Return prices as a job keeps them: by model."""
    if not isinstance(prices, Prices):
        return prices
    if not prices.plain:
        raise JobOptionsError(
            "a job keeps prices by model alone: give Prices without at= and listed=, or a dict"
        )
    return prices.overrides


#: Options that are not stored.
_OF_THE_PROCESS = frozenset(("retry_if", "check", "output", "patience", "poll_interval", "max_poll_interval"))


@attrs.frozen(kw_only=True)
class JobOptions:
    """Options of a job, as `Job.open` takes them.

    Options that are given are stored with the job, and hold until other ones are given, so that each process decides
    alike. While another process has the folder, they are stored by the next change of this one. Not stored are
    functions and types, and the pauses of a process: `retry_if`, `check`, `output`, `patience`, `poll_interval` and
    `max_poll_interval`.
    """

    max_requests: int = attrs.field(default=100_000, validator=_positive)
    """The largest number of requests in a batch."""
    max_bytes: int = attrs.field(default=256_000_000, validator=_positive)
    """The largest body of a batch in bytes, envelope included."""
    max_in_flight: int | None = attrs.field(default=None, validator=attrs.validators.optional(_positive))
    """The largest number of requests in all unfinished batches; `None` leaves it to the API's queue."""
    max_attempts: int = attrs.field(default=3, validator=_positive)
    """The largest number of attempts for a request."""
    canary: int = attrs.field(default=0, validator=_not_negative)
    """The size of a first shard that is sent alone; 0 sends none."""
    canary_failures: float = attrs.field(default=0.1, validator=_share)
    """The share of failed requests in the canary above which the job pauses."""
    on_max_tokens: OnMaxTokens = "keep"
    """The treatment of an answer cut at `max_tokens`: `"keep"`; `"more"` sends it again with twice as many; a number
    does so up to that many, for models that refuse more."""
    retry_canceled: bool = False
    """Sends canceled requests again."""
    retry_if: RetryIf | None = None
    """A predicate for rows that would be kept otherwise."""
    check: Check | None = None
    """A check of each answer: the raw result in, its error or `None` out."""
    output: type[Any] | None = None
    """The type that answers have, which tables are added with and answers are checked for."""
    retry_unparsable: bool = False
    """Sends requests again whose answer fails the check, together with the error."""
    prices: Mapping[str, Mapping[str, Any]] | None = attrs.field(default=None, converter=_by_model)
    """Prices by model, as a dict or `Prices`, which come before those of the price list."""
    settle_seconds: float = attrs.field(default=60.0, validator=_not_negative)
    """Seconds, by the server's clock, until a batch that is not on the list counts as not made."""
    patience: float = attrs.field(default=300.0, validator=_not_negative)
    """Seconds that the server may be unreachable or overloaded without a break."""
    poll_interval: float = attrs.field(default=2.0, validator=_positive)
    """Seconds between the first polls of `run`; each pause is half as long again as the one before."""
    max_poll_interval: float = attrs.field(default=60.0, validator=_positive)
    """Seconds that these pauses grow up to."""
    workspace_id: str | None = None
    """The workspace to act in, where the credential can act in several."""

    def __attrs_post_init__(self) -> None:
        # Options come from users and from ledgers, so types promise nothing.
        more: Any = self.on_max_tokens
        number = isinstance(more, int) and not isinstance(more, bool) and more > 0
        if not number and more not in ("keep", "more"):
            raise JobOptionsError(f'on_max_tokens must be "keep", "more" or a number; got {more!r}')

    def stored(self, given: Iterable[str]) -> dict[str, Any]:
        """Return the options that are stored.

        Args:
            given: The names of those that were given, now or before.
        """
        return {name: getattr(self, name) for name in given if name not in _OF_THE_PROCESS}

    @property
    def shard_requests(self) -> int:
        """The largest number of requests in a shard: one that exceeds the budget could never be sent."""
        return min(self.max_requests, self.max_in_flight or self.max_requests)


Ids: TypeAlias = Literal["derived", "own"]
"""The custom_ids on the wire: derived for the job, or the user's own."""


class OptionKeys(TypedDict, total=False):
    """The options of `Job.open`; `JobOptions` describes each."""

    max_requests: int
    max_bytes: int
    max_in_flight: int | None
    max_attempts: int
    canary: int
    canary_failures: float
    on_max_tokens: OnMaxTokens
    retry_canceled: bool
    retry_if: RetryIf | None
    check: Check | None
    output: type[Any] | None
    retry_unparsable: bool
    prices: Prices | Mapping[str, Mapping[str, Any]] | None
    settle_seconds: float
    patience: float
    poll_interval: float
    max_poll_interval: float
    workspace_id: str | None


def check_names(call: str, given: Iterable[str], known: Collection[str]) -> None:
    """Refuse unknown arguments.

    Args:
        call: The call, for the message.
        given: The names that are given.
        known: The names that there are.

    Raises:
        TypeError: One is not known.
    """
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
            raise TypeError(f"{call} has no argument {name!r}: {hint}")


def typed(options: JobOptions, answers: AnswerType | None) -> JobOptions:
    """Return options with the check of their `output` type.

    Args:
        options: The options.
        answers: Their output type; it is made once for an open job, since its schema may take long.
    """
    if answers is None or options.check is not None:
        return options

    def check(result: Mapping[str, Any]) -> str | None:
        return check_answer(answers, result)[2]

    return attrs.evolve(options, check=check)
