"""Plans: the size, mistakes and cost of a job before anything is spent."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import attrs
import orjson

from ..._errors import ClaudeBatchesError
from ..._words import counted
from .._errors import JobRequestError
from .._requests import Request, given_of, prepare
from .._shards import Limits, ShardFill, Size, distinct_count, merged
from .._tables._errors import MissingExtraError
from .._tables._requests import SourceRow
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
#: A token as a job has one. That of a job is random, and a plan is to be the same each time.
TOKEN = "claudeplan"  # noqa: S105 -- no secret


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
    """The requests that are sent."""
    bytes: int
    """The bytes of all bodies as they are sent, with their envelopes and custom_ids."""
    shards: int
    """The number of batches. Each job fills its batches to other numbers of requests, up to a twentieth below
    `max_requests`: where the last batch is nearly empty or full, a job may need one more or less."""
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
    repeated: int = 0
    """The rows that repeat the request of another one, which are not sent."""

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
        if self.repeated:
            yield counted(
                self.repeated,
                "more row repeats the request of another",
                "more rows repeat the request of another",
            )
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
    """Makes a plan of requests as they come.

    `plan` does all of this at once. An asynchronous caller adds requests, counts the tokens of `samples` by itself,
    and calls `finish` with them.

    The requests of a job take no memory. Other ones take some 150 bytes each, for the key by which one that comes
    again is found.

    Args:
        prices: The prices.
        version: The API version that requests are checked for.
        validate: Checks the requests, where jsonschema-rs is installed; `True` demands it.
        sample: The number of requests in the sample.
        max_requests: The most requests of a shard.
        max_bytes: The most bytes of a shard, with its envelope.
        ids: The custom_ids on the wire.
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
        ids: Literal["derived", "own"] = "derived",
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
        self._own = ids == "own"
        self._limits = Limits(max_requests, max_bytes)
        # Full ones, and the one that takes the next requests.
        self._shards: list[Size] = []
        self._fill = self._next_fill()
        # Rows come in, and those that repeat the request of another are none.
        self._rows = self._requests = self._repeated = self._position = 0
        self._models: dict[str, ModelPlan] = {}
        self._unpriced: set[str] = set()
        self._problems: list[Problem] = []
        self._numbers = {"error": 0, "warning": 0}
        self._priced = True
        # The first row with a key, and hashes of the params of each row.
        self._known: dict[bytes, int] = {}
        self._contents = array("q")

    def add(self, given: Any) -> None:
        """Add a request as a job does: one that comes again is none. One that can't be sent is a problem of the plan.

        Args:
            given: What `Job.add` takes.
        """
        index = self._rows
        self._rows += 1
        try:
            request = prepare(index, given, own_ids=self._own)
        except JobRequestError as error:
            self._requests += 1
            self._contents.append(0)
            self._problem(Problem(index, error.custom_id, "params", error.problem))
            return
        # As the API gets them: models, tuples and the like are plain JSON by now.
        params: dict[str, Any] = orjson.loads(request.line)["params"]
        content = hash(orjson.dumps(params, option=orjson.OPT_SORT_KEYS))
        self._contents.append(content)
        first = self._known.setdefault(request.key, index)
        if first == index:
            self._place(request)
        elif self._contents[first] == content:
            self._repeated += 1
            # Rows of a table have positions of their own in a job.
            self._position += request.row is not None
            return
        else:
            message = f"it comes again, with other params; the first is request {first}"
            self._problem(Problem(index, None, "custom_id", message))
        self._count_one(index, request.custom_id, params)

    def add_of_job(self, custom_id: str, params: dict[str, Any]) -> None:
        """Add a request of a job, which has it in a shard.

        Args:
            custom_id: Its id.
            params: Its params.
        """
        index = self._rows
        self._rows += 1
        self._count_one(index, custom_id, params)

    def _count_one(self, index: int, custom_id: str, params: dict[str, Any]) -> None:
        """Count a request, with its tokens, cost and mistakes."""
        self._requests += 1
        problems = [] if self._validator is None else self._validator.check(index, custom_id, params)
        problems += self._priced_as(index, custom_id, params, problems)
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

    def _next_fill(self) -> ShardFill:
        """Return the next shard, as large as that of a job may be."""
        number = len(self._shards) + 1
        requests = distinct_count(number, TOKEN, self._limits.requests)
        return ShardFill(number, None if self._own else TOKEN, Limits(requests, self._limits.bytes))

    def _place(self, request: Request) -> None:
        """Put a request into a shard."""
        position = self._position
        self._position += 1
        size = self._fill.size(request.custom_id, position, request.params_size)
        if not self._fill.takes(size) and self._fill.requests:
            self._shards.append(Size(self._fill.requests, self._fill.bytes))
            self._fill = self._next_fill()
            size = self._fill.size(request.custom_id, position, request.params_size)
        if self._fill.takes(size):
            self._fill.add(size)
            return
        message = f"it has {size:,} bytes, and with its envelope a batch may have {self._limits.bytes:,}"
        self._problem(Problem(request.at, request.custom_id, "params", message))

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
        shards = [*self._shards, Size(self._fill.requests, self._fill.bytes)]
        shards = [each for each in shards if each.requests]
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
            bytes=sum(each.bytes for each in shards),
            shards=len(merged(shards, self._limits)),
            models=tuple(models),
            input_tokens=interval,
            counted=len(pairs),
            problems=tuple(self._problems),
            errors=self._numbers["error"],
            warnings=self._numbers["warning"],
            notes=tuple(self._notes),
            repeated=self._repeated,
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
    ids: Literal["derived", "own"] = "derived",
) -> Plan:
    """Return the plan of requests. Nothing is spent: counting tokens is free.

    It is the plan of a new job that the requests are added to: they are split by the same rules, and one that comes
    again is counted once. It takes some 150 bytes a request, for the keys that tell this.

    Args:
        rows: The requests: rows of `read_source`, mappings with `custom_id` and `params`, or params alone.
        client: A client that counts the tokens of a sample, where it has `messages.count_tokens`.
        sample: The number of requests in the sample.
        prices: The prices.
        version: The API version that requests are checked for.
        validate: Checks requests by the spec; by default where jsonschema-rs is installed.
        max_requests: The most requests of a shard.
        max_bytes: The most bytes of a shard, with its envelope.
        ids: The custom_ids on the wire, as `Job.open` takes them.

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
        ids=ids,
    )
    for row in rows:
        planner.add(given_of(row) if isinstance(row, SourceRow) else row)
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
