"""Plans: the size, mistakes and cost of a job before anything is spent."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import attrs
import orjson

from ..._distinct import distinct
from ..._errors import ClaudeBatchesError
from ..._words import counted
from .._tables._errors import MissingExtraError, SourceError
from .._tables._json import dumps
from .._tables._requests import SourceRow
from .._tables._shapes import is_mapping, is_object
from ._estimate import MARGIN, ParamError, most_cost, rough_input
from ._prices import Prices
from ._validate import Problem, RequestValidator

__all__ = ["ModelPlan", "Plan", "Planner", "plan"]

#: The params that count_tokens takes.
COUNTED = (
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
)
#: Problems that are listed; all are counted.
LISTED = 100


class Sample(NamedTuple):
    """A request whose tokens are counted by the API."""

    params: dict[str, Any]
    rough: int


@attrs.define
class ModelPlan:
    """The requests to one model."""

    model: str
    requests: int = 0
    rough_input_tokens: int = 0
    max_output_tokens: int = 0
    """The sum of `max_tokens`: the most, and mostly far more than comes."""
    input_cost: Decimal | None = None
    """The cost of the input alone, by the counted sample or else the rough number; `None` if it is unpriced."""
    input_costs: tuple[Decimal, Decimal] | None = None
    """The interval of that cost after counting a sample; `None` without one, or if it is unpriced."""
    most_cost: Decimal | None = None
    """The most that they can cost; `None` if it is unpriced."""


@attrs.frozen
class Plan:
    """A plan. `str()` of it is a summary."""

    requests: int
    bytes: int
    shards: int
    models: tuple[ModelPlan, ...]
    input_tokens: tuple[int, int]
    """The interval of the number of input tokens: of 95 % after counting a sample, else a third about a guess."""
    counted: int
    """The requests of the sample, 0 where nothing was counted."""
    problems: tuple[Problem, ...]
    """The first problems."""
    errors: int
    """The number of problems that the API refuses a request for."""
    warnings: int
    notes: tuple[str, ...] = ()

    @property
    def rough_input_tokens(self) -> int:
        """The guessed number of input tokens."""
        return sum(model.rough_input_tokens for model in self.models)

    @property
    def max_output_tokens(self) -> int:
        """The sum of `max_tokens`."""
        return sum(model.max_output_tokens for model in self.models)

    @property
    def most_cost(self) -> Decimal | None:
        """The most that the job can cost in US dollars; `None` if a model is unpriced."""
        costs = [model.most_cost for model in self.models]
        known = [cost for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if len(known) == len(costs) else None

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The models without a batch price."""
        return tuple(model.model for model in self.models if model.most_cost is None)

    def __str__(self) -> str:
        return "\n".join(self._text())

    def _text(self) -> Iterator[str]:
        yield f"{counted(self.requests, 'request')}, {self.bytes:,} bytes, {counted(self.shards, 'shard')}"
        low, high = self.input_tokens
        how = f"by a sample of {self.counted:,}" if self.counted else "rough"
        yield f"input tokens {low:,} to {high:,} ({how}); output tokens at most {self.max_output_tokens:,}"
        for model in self.models:
            priced = "unpriced"
            if model.most_cost is not None and model.input_cost is not None:
                least, most = model.input_costs or (model.input_cost, model.input_cost)
                input_cost = f"about ${model.input_cost:,.4f}"
                if f"{least:,.4f}" != f"{most:,.4f}":
                    input_cost = f"${least:,.4f} to ${most:,.4f}"
                priced = f"input {input_cost}, at most ${model.most_cost:,.4f} in all"
            yield f"  {model.model}: {counted(model.requests, 'request')}, {priced}"
        yield f"{counted(self.errors, 'error')}, {counted(self.warnings, 'warning')}"
        yield from self._grouped()
        yield from self.notes

    def _grouped(self) -> Iterator[str]:
        """Yield the problems, each once with the number of other requests that have it."""
        groups: dict[tuple[str, str, str], list[Problem]] = {}
        for problem in self.problems:
            # Requests that come again differ by the first one alone.
            message = problem.message.partition(";")[0] if problem.path == "custom_id" else problem.message
            groups.setdefault((problem.severity, problem.path, message), []).append(problem)
        some = "at least " if self.errors + self.warnings > len(self.problems) else ""
        for first, *others in groups.values():
            more = f" (and {some}{counted(len(others), 'other request')})" if others else ""
            yield f"  {first}{more}"


class Planner:
    """Makes a plan of requests as they come, in flat memory but for 16 bytes a request.

    `plan` does all of this at once. An asynchronous caller adds requests, counts the tokens of `samples` by itself,
    and calls `finish` with them.

    Args:
        prices: The prices.
        version: The API version that requests are checked for.
        validate: Checks the requests, where jsonschema-rs is installed; `True` demands it.
        sample: The number of requests in the sample.
        max_requests: The most requests of a shard.
        max_bytes: The most bytes of a shard, with its envelope.
    """

    def __init__(
        self,
        *,
        prices: Prices | None = None,
        version: str = "2023-06-01",
        validate: bool | None = None,
        sample: int = 32,
        max_requests: int = 100_000,
        max_bytes: int = 256_000_000,
    ) -> None:
        self.samples: list[Sample] = []
        """The sample, drawn evenly from all requests so far."""
        self._prices = prices or Prices()
        self._notes: list[str] = []
        self._validator: RequestValidator | None = None
        if validate is not False:
            try:
                self._validator = RequestValidator(version)
            except MissingExtraError as error:
                if validate:
                    raise
                self._notes.append(f"not checked by the spec: {error}")
        self._size = sample
        # Seeded: the same requests give the same plan.
        self._random = random.Random(0)
        self._most = (max_requests, max_bytes)
        self._requests = self._bytes = self._shards = 0
        self._in_shard = [0, 0]
        self._models: dict[str, ModelPlan] = {}
        self._unpriced: set[str] = set()
        self._problems: list[Problem] = []
        self._numbers = {"error": 0, "warning": 0}
        self._priced = True
        # Hashes of custom_ids and of their params: 16 bytes a request.
        self._ids = array("q")
        self._contents = array("q")

    def add(self, custom_id: str | None, params: Any) -> None:
        """Add a request. One that can't be sent is a problem of the plan.

        Args:
            custom_id: Its id.
            params: Its params.
        """
        index = self._requests
        self._requests += 1
        try:
            written = dumps({"custom_id": custom_id, "params": params})
        except SourceError as error:
            self._problem(Problem(index, custom_id, "params", str(error)))
            return
        self._place(index, custom_id, len(written))
        # As the API gets them: models, tuples and the like are plain JSON by now.
        plain: Any = orjson.loads(written)["params"]
        self._note_id(index, custom_id, plain)
        problems = [] if self._validator is None else self._validator.check(index, custom_id, plain)
        if is_object(plain):
            problems += self._priced_as(index, custom_id, plain, problems)
        elif not problems:
            problems.append(Problem(index, custom_id, "params", "it must be an object"))
        for problem in problems:
            self._problem(problem)

    def _priced_as(
        self, index: int, custom_id: str | None, params: dict[str, Any], problems: Sequence[Problem]
    ) -> list[Problem]:
        """Count a request by its model; return the problems of its cost that are not among those known."""
        rough = rough_input(params)
        name = params.get("model")
        if self._size > 0:
            # Each request of so many has the same chance.
            if len(self.samples) < self._size:
                self.samples.append(Sample(params, rough))
            elif (place := self._random.randrange(self._requests)) < self._size:
                self.samples[place] = Sample(params, rough)
        try:
            self._count(name if isinstance(name, str) else "unknown", params, rough)
        except ParamError as error:
            known = any(problem.path == error.path for problem in problems)
            return [] if known else [Problem(index, custom_id, error.path, error.problem)]
        return []

    def _note_id(self, index: int, custom_id: Any, params: Any) -> None:
        # 0 is for requests without an id, or that can't be written.
        self._ids.extend(0 for _ in range(index - len(self._ids)))
        self._contents.extend(0 for _ in range(index - len(self._contents)))
        self._ids.append((hash(custom_id) or 1) if isinstance(custom_id, str) else 0)
        self._contents.append(hash(orjson.dumps(params, option=orjson.OPT_SORT_KEYS)))

    def _note_repeated_ids(self) -> None:
        """Note custom_ids that come again with other params, which a job and the API refuse."""
        # Requests without an id count as one.
        if distinct(self._ids) == len(self._ids):
            return
        seen: dict[int, int] = {}
        for index, key in enumerate(self._ids):
            first = seen.setdefault(key, index) if key else index
            if self._contents[first] != self._contents[index]:
                message = f"it comes again, with other params; the first is request {first}"
                self._problem(Problem(index, None, "custom_id", message))

    def _place(self, index: int, custom_id: str | None, size: int) -> None:
        envelope, separator = len(b'{"requests":[]}'), len(b",\n")
        most_requests, most_bytes = self._most
        if size + envelope > most_bytes:
            message = f"it has {size:,} bytes, and a batch may have {most_bytes:,}"
            self._problem(Problem(index, custom_id, "params", message))
        self._bytes += size
        requests, filled = self._in_shard
        if requests == 0 or requests >= most_requests or filled + separator + size > most_bytes:
            self._shards += 1
            self._in_shard = [1, envelope + size]
        else:
            self._in_shard = [requests + 1, filled + separator + size]

    def _problem(self, problem: Problem) -> None:
        self._numbers[problem.severity] += 1
        if len(self._problems) < LISTED:
            self._problems.append(problem)

    def _count(self, name: str, params: Mapping[str, Any], rough: int) -> None:
        model = self._models.setdefault(name, ModelPlan(name))
        model.requests += 1
        model.rough_input_tokens += rough
        tokens = params.get("max_tokens")
        model.max_output_tokens += tokens if isinstance(tokens, int) and tokens > 0 else 0
        if not self._priced or name in self._unpriced:
            return
        try:
            most = most_cost(params, self._prices)
            rates = self._prices.rates(name, whole_input=rough)
        except MissingExtraError as error:
            self._priced = False
            self._notes.append(f"not priced: {error}")
            return
        cost = None if rates is None else rates.cost({"input_tokens": rough})
        if most is None or cost is None:
            self._unpriced.add(name)
            model.most_cost = model.input_cost = None
            return
        model.most_cost = (model.most_cost or Decimal(0)) + most
        model.input_cost = (model.input_cost or Decimal(0)) + cost

    def finish(self, counted: Iterable[int | None] = ()) -> Plan:
        """Return the plan.

        Args:
            counted: The input tokens of `samples`, in their order, `None` for those that couldn't be counted.
        """
        self._note_repeated_ids()
        pairs = [
            (sample.rough, exact)
            for sample, exact in zip(self.samples, counted, strict=False)
            if exact is not None and sample.rough > 0
        ]
        rough = sum(model.rough_input_tokens for model in self._models.values())
        interval = (round(rough / MARGIN), round(rough * MARGIN))
        models = sorted(self._models.values(), key=lambda model: model.model)
        if pairs:
            interval = _interval(pairs, rough, self._requests)
            models = [_by_sample(model, pairs, interval, rough) for model in models]
        return Plan(
            requests=self._requests,
            bytes=self._bytes,
            shards=self._shards,
            models=tuple(models),
            input_tokens=interval,
            counted=len(pairs),
            problems=tuple(self._problems),
            errors=self._numbers["error"],
            warnings=self._numbers["warning"],
            notes=tuple(self._notes),
        )

    def note(self, note: str) -> None:
        """Add a note to the plan.

        Args:
            note: The note.
        """
        self._notes.append(note)


def _interval(pairs: list[tuple[int, int]], rough: int, requests: int) -> tuple[int, int]:
    """Return the interval of the sum by the ratio of counted to rough numbers."""
    count = len(pairs)
    ratio = sum(exact for _, exact in pairs) / sum(guess for guess, _ in pairs)
    total = rough * ratio
    if count >= requests:
        return round(total), round(total)
    if count < 3:
        return round(total / MARGIN), round(total * MARGIN)
    squares = sum((exact - ratio * guess) ** 2 for guess, exact in pairs) / (count - 1)
    # Of a sample without replacement; 2 is the 95 % of a normal distribution, a little wide for small samples.
    error = 2 * requests * math.sqrt(squares / count * (1 - count / requests))
    return max(round(total - error), 0), round(total + error)


def _by_sample(
    model: ModelPlan, pairs: list[tuple[int, int]], interval: tuple[int, int], rough: int
) -> ModelPlan:
    """Return a model with the cost of its input by the counted sample."""
    if model.input_cost is None or not rough:
        return model
    ratio = Decimal(sum(exact for _, exact in pairs)) / sum(guess for guess, _ in pairs)
    least, most = (model.input_cost * tokens / rough for tokens in interval)
    return attrs.evolve(model, input_cost=model.input_cost * ratio, input_costs=(least, most))


def plan(
    rows: Iterable[SourceRow | Mapping[str, Any]],
    *,
    client: Any = None,
    sample: int = 32,
    prices: Prices | None = None,
    version: str = "2023-06-01",
    validate: bool | None = None,
    max_requests: int = 100_000,
    max_bytes: int = 256_000_000,
) -> Plan:
    """Return the plan of requests. Nothing is spent: counting tokens is free.

    Args:
        rows: The requests: rows of `read_source`, or mappings with `custom_id` and `params`.
        client: A client that counts the tokens of a sample, where it has `messages.count_tokens`.
        sample: The number of requests in the sample.
        prices: The prices.
        version: The API version that requests are checked for.
        validate: Checks requests by the spec; by default where jsonschema-rs is installed.
        max_requests: The most requests of a shard.
        max_bytes: The most bytes of a shard, with its envelope.

    Raises:
        MissingExtraError: `validate` is `True`, and jsonschema-rs is not installed.
    """
    planner = Planner(
        prices=prices,
        version=version,
        validate=validate,
        sample=sample if client is not None else 0,
        max_requests=max_requests,
        max_bytes=max_bytes,
    )
    for row in rows:
        if isinstance(row, SourceRow):
            planner.add(row.custom_id, row.params)
        else:
            # Types promise nothing: rows come from users.
            request: Mapping[str, Any] = dict(row) if is_mapping(row) else {}
            planner.add(request.get("custom_id"), request.get("params"))
    return planner.finish(_counted(client, planner) if client is not None else ())


def _counted(client: Any, planner: Planner) -> list[int | None]:
    count = getattr(client.messages, "count_tokens", None)
    if count is None:
        planner.note("not counted: this client has no messages.count_tokens")
        return []
    counted: list[int | None] = []
    failure: ClaudeBatchesError | None = None
    for sample in planner.samples:
        try:
            counted.append(count(**countable(sample.params)).input_tokens)
        except ClaudeBatchesError as error:
            failure = error
            counted.append(None)
    if failure is not None:
        planner.note(f"{counted.count(None):,} of the sample couldn't be counted; the last: {failure}")
    return counted


def countable(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the params of a request that count_tokens takes.

    Args:
        params: The params.
    """
    return {name: params[name] for name in COUNTED if name in params}
