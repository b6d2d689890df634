"""Plans and costs: nothing guessed, and a limit that includes shards in flight."""

from __future__ import annotations

import contextlib
import datetime as dt
import tracemalloc
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import genai_prices
import orjson
import pytest
from claude_batches import ClaudeBatchesError
from claude_batches.jobs import Job, JobError, JobRequestError, read_source
from claude_batches.jobs._cost import (
    Budget,
    BudgetError,
    CostCounter,
    Planner,
    Prices,
    RequestValidator,
    UnpricedError,
    plan,
)
from claude_batches.jobs._cost._estimate import most_cost, rough_input
from hypothesis import given, settings
from hypothesis import strategies as st

AT = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
PRICES = Prices(at=AT)
BATCH = {"processing": "batch"}
PARAMS = {
    "model": "claude-opus-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "word " * 70}],
}


def usage(**counts: Any) -> dict[str, Any]:
    return {"input_tokens": 0, "output_tokens": 0, "service_tier": "batch", **counts}


# Prices


@pytest.mark.parametrize("model", ["claude-opus-5", "claude-haiku-4-5", "claude-sonnet-4-5-20250929"])
def test_same_as_the_list(model: str) -> None:
    """A cost is that of genai-prices with the batch context, for each kind of token."""
    ours = Prices(at=AT).of_usage(
        model,
        usage(
            input_tokens=1000, output_tokens=500, cache_creation_input_tokens=300, cache_read_input_tokens=70,
            cache_creation={"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
            server_tool_use={"web_search_requests": 3},
        ),
    )  # fmt: skip
    theirs = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=1370, output_tokens=500, cache_write_tokens=300, cache_write_1h_tokens=200,
            cache_read_tokens=70, web_searches=3,
        ),
        model, provider_id="anthropic", genai_request_timestamp=AT, price_context=BATCH,
    )  # fmt: skip
    assert ours == theirs.total_price


@pytest.mark.parametrize("model", ["claude-opus-5", "claude-haiku-5-5", "claude-opus-4-1"])
@given(each=st.deferred(lambda: USAGES))
def test_pricer_agrees(model: str, each: dict[str, Any]) -> None:
    """The quick price for tables is the exact one, to a float's precision."""
    prices = PRICES
    exact = prices.of_usage(model, each)
    assert prices.pricer(model, each) == (None if exact is None else pytest.approx(float(exact)))


def test_batch_price_only_where_told() -> None:
    """The tier of the usage decides: batch is half, standard and a missing tier are full, priority is unknown."""
    prices = Prices(at=AT)
    costs = [
        prices.of_usage("claude-opus-5", usage(input_tokens=10**6, service_tier=tier))
        for tier in ("batch", "standard", None, "priority")
    ]
    assert costs == [Decimal("2.5"), Decimal(5), Decimal(5), None]


def test_never_guessed() -> None:
    """A model without a batch price, or not at its time, or unknown, is unpriced."""
    prices = Prices(at=AT)
    assert prices.rates("claude-opus-4-1", BATCH) is None
    assert prices.rates("claude-opus-4-1", {}) is not None
    assert prices.rates("claude-nobody-9", BATCH) is None
    assert prices.rates(None, BATCH) is None
    assert Prices(at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)).rates("claude-opus-4-6", BATCH) is None
    assert prices.rates("claude-opus-4-6", {"processing": "batch", "speed": "fast"}) is None


def test_own_prices() -> None:
    """The user's prices come first, the longest match wins, and a kind without a price is unpriced."""
    prices = Prices(
        {
            "claude-*": {"input_tokens": 1, "output_tokens": "2.5"},
            "claude-opus-*": {
                "input_tokens": 3,
                "output_tokens": 4,
                "standard": {"input_tokens": 6, "output_tokens": 8},
            },
        }
    )
    assert prices.of_usage("claude-x", usage(input_tokens=10**6, output_tokens=10**6)) == Decimal("3.5")
    assert prices.of_usage("claude-opus-5", usage(input_tokens=10**6)) == 3
    assert prices.of_usage("claude-opus-5", usage(input_tokens=10**6, service_tier="standard")) == 6
    assert prices.of_usage("claude-x", usage(cache_read_input_tokens=1)) is None
    assert prices.of_usage("claude-x", usage(input_tokens=1, service_tier="standard")) is None
    for bad in ({"input": 1}, {"input_tokens": "free"}, {"input_tokens": -1}, {"input_tokens": "nan"}):
        with pytest.raises(UnpricedError):
            Prices({"m": bad})


def test_levels_are_of_requests() -> None:
    """If the price depends on the size, each request has its own price, independent of their sum."""
    counter = CostCounter(Prices(at=AT))
    for tokens in (100_000, 100_000, 100_001):
        counter.add("claude-haiku-5-5", usage(input_tokens=tokens))
    rates = [Prices(at=AT).rates("claude-haiku-5-5", BATCH, size).input_tokens for size in (100_000, 100_001)]
    assert rates[0] < rates[1]
    (line,) = counter.report().models
    assert line.cost == (200_000 * rates[0] + 100_001 * rates[1]) / 10**6


COUNTS = st.integers(0, 10**6)
USAGES = st.fixed_dictionaries(
    {
        "input_tokens": COUNTS,
        "output_tokens": COUNTS,
        "cache_read_input_tokens": COUNTS | st.none(),
        "cache_creation_input_tokens": COUNTS,
        "service_tier": st.sampled_from(["batch", "standard", None]),
    }
)
MODELS = st.sampled_from(["claude-opus-5", "claude-haiku-5-5", "claude-sonnet-4-5"])


@given(st.lists(st.tuples(MODELS, USAGES, st.booleans()), max_size=12))
def test_counting_first_is_the_same(messages: list[tuple[str, dict[str, Any], bool]]) -> None:
    """Counting by model and pricing once gives the sum of pricing each message."""
    prices = Prices(at=AT)
    counter = CostCounter(prices)
    for model, each, kept in messages:
        counter.add(model, each, kept=kept)
    report = counter.report()
    costs = [(prices.of_usage(model, each) or Decimal(0), kept) for model, each, kept in messages]
    assert report.cost == sum((cost for cost, _ in costs), Decimal(0))
    assert report.failed_cost == sum((cost for cost, kept in costs if not kept), Decimal(0))
    assert sum(line.requests for line in report.models) == len(messages)


def test_report() -> None:
    """The report has savings, failed attempts, the cache's hit rate, and unpriced models outside the sums."""
    counter = CostCounter(Prices(at=AT))
    counter.add("claude-opus-5", usage(input_tokens=600_000, cache_read_input_tokens=400_000))
    counter.add("claude-opus-5", SimpleNamespace(**usage(output_tokens=80_000)), kept=False)
    counter.add("claude-nobody-9", usage(input_tokens=5, inference_geo="us"))
    report = counter.report()
    assert report.cost == Decimal("1.5") + Decimal("0.1") + Decimal(1)
    assert report.saved == report.cost
    assert report.failed_cost == 1
    assert report.unpriced == ("claude-nobody-9",)
    assert report.cache_hit_rate == pytest.approx(0.4, abs=0.001)
    text = str(report)
    assert "unpriced" in text
    assert "claude-nobody-9" in text
    assert "$2.6000" in text
    assert "1 request ran in a chosen region" in text
    assert orjson.loads(orjson.dumps(report.to_dict()))["cost"] == "2.60"


# Budgets


def test_budget_holds_over_commitments() -> None:
    """A shard in flight counts at its maximum, and releases the difference when it ends cheaper."""
    budget = Budget(10)
    budget.commit("s1", Decimal(6))
    assert not budget.fits(Decimal(5))
    with pytest.raises(BudgetError, match=r"only \$4"):
        budget.commit("s2", Decimal(5))
    budget.settle("s1", Decimal(1))
    budget.commit("s2", Decimal(5))
    budget.commit("s2", Decimal(9))
    assert budget.left == 0
    budget.release("s2")
    assert (budget.spent, budget.left) == (1, 9)


def test_budget_and_unpriced() -> None:
    """A limit can't hold over unpriced requests; an unpriced end counts at its commitment."""
    with pytest.raises(BudgetError, match="prices="):
        Budget(1).commit("s", None)
    free = Budget(None)
    free.commit("s", None)
    assert free.left is None
    budget = Budget(5, spent=1.5, committed={"s": Decimal(2)})
    budget.settle("s", None)
    assert budget.spent == Decimal("3.5")
    for bad in (-1, float("nan"), float("inf")):
        with pytest.raises(BudgetError):
            Budget(bad)


SHARDS = st.lists(st.tuples(st.decimals(0, 20, places=2), st.decimals(0, 1, places=2)), max_size=20)


@given(st.decimals(0, 50, places=2), SHARDS, st.data())
def test_budget_is_never_passed(
    limit: Decimal, shards: list[tuple[Decimal, Decimal]], data: st.DataObject
) -> None:
    """For every order of sent and ended shards, spending stays below the limit."""
    budget = Budget(limit)
    on_its_way: list[tuple[str, Decimal]] = []
    for number, (most, share) in enumerate(shards):
        if budget.fits(most):
            budget.commit(str(number), most)
            on_its_way.append((str(number), most * share))
        while on_its_way and data.draw(st.booleans()):
            budget.settle(*on_its_way.pop(data.draw(st.integers(0, len(on_its_way) - 1))))
        assert budget.committed <= limit
    for each in on_its_way:
        budget.settle(*each)
    assert budget.spent <= limit


def test_most_cost() -> None:
    """The most a request can cost counts all max_tokens, the dearest input and allowed searches."""
    prices = Prices(at=AT)
    most = most_cost(PARAMS, prices)
    assert most is not None
    assert most > 100 * Decimal("12.5") / 10**6
    cached = {
        **PARAMS,
        "system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    }
    searching = {**PARAMS, "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 4}]}
    assert most_cost(cached, prices) > most
    assert most_cost(searching, prices) >= most + Decimal("0.04")
    assert most_cost({**PARAMS, "model": "claude-nobody-9"}, prices) is None


# Plans


VALID = [
    PARAMS,
    {**PARAMS, "model": "a-model-of-next-year", "system": "s", "stop_sequences": ["x"], "stream": False},
    {**PARAMS, "tools": [{"name": "f", "input_schema": {"type": "object"}}, {"type": "custom", "name": "g",
                         "input_schema": {"type": "object"}}]},
    {**PARAMS, "messages": [{"role": "user", "content": [{"type": "image", "source": {
        "type": "base64", "media_type": "image/png", "data": "QUJD"}}]}]},
]  # fmt: skip
MISTAKES = [
    ({"max_tokens": "9"}, "max_tokens", "error"),
    ({"max_tokens": -1}, "max_tokens", "error"),
    ({"messages": "hi"}, "messages", "error"),
    ({"messages": [{"content": "hi"}]}, "messages.0.role", "error"),
    ({"messages": [{"role": "user"}]}, "messages.0.content", "error"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text", "error"),
    ({"messages": [{"role": "user", "content": [{"type": "txt"}]}]}, "messages.0.content.0.type", "warning"),
    ({"messages": [{"role": "user", "content": [{"type": "image", "source": {
        "type": "base64", "media_type": "image/bmp", "data": ""}}]}]},
     "messages.0.content.0.source.media_type", "warning"),
    ({"system": [{"type": "text", "text": 3}]}, "system.0.text", "error"),
    ({"tools": [{"name": "f"}]}, "tools.0.input_schema", "error"),
    ({"thinking": {"type": "enabled", "budget_tokens": 1}}, "thinking.budget_tokens", "error"),
    ({"stream": True}, "stream", "error"),
    ({"sytem": "s"}, "sytem", "warning"),
]  # fmt: skip


@pytest.mark.parametrize("params", VALID)
def test_valid_requests(params: dict[str, Any]) -> None:
    """A valid request has no problem, nor has one to a model that is newer than the spec."""
    assert RequestValidator().check(0, "a", params) == []


@pytest.mark.parametrize(("change", "path", "severity"), MISTAKES)
def test_mistakes(change: dict[str, Any], path: str, severity: str) -> None:
    """A mistake is reported with its path; unlisted names and values only warn."""
    problems = RequestValidator().check(7, "a", {**PARAMS, **change})
    assert [(problem.index, problem.path, problem.severity) for problem in problems] == [(7, path, severity)]


@pytest.mark.parametrize("params", [None, [], "x", {}])
def test_not_params(params: object) -> None:
    """Anything that is not params is a problem and not an exception."""
    assert RequestValidator().check(0, None, params)


def rows(count: int, **change: Any) -> Any:
    return ({"custom_id": f"r{number}", "params": {**PARAMS, **change}} for number in range(count))


def test_plan() -> None:
    """A plan counts requests, bytes, tokens, costs and mistakes without a key."""
    made = plan(
        [*rows(3), {"custom_id": "bad", "params": {**PARAMS, "max_tokens": None}}], prices=Prices(at=AT)
    )
    assert (made.requests, made.shards, made.errors) == (4, 1, 1)
    assert made.problems[0].custom_id == "bad"
    assert made.max_output_tokens == 300
    assert made.input_tokens[0] < made.rough_input_tokens < made.input_tokens[1]
    assert made.most_cost is not None
    assert "error: request 3 (bad): max_tokens" in str(made)


def test_unpriced_plan() -> None:
    """A job with an unpriced model has no most cost, and the model is named."""
    made = plan([*rows(1), *rows(2, model="claude-nobody-9")])
    assert made.most_cost is None
    assert made.unpriced == ("claude-nobody-9",)
    assert "claude-nobody-9: 2 requests, unpriced" in str(made)


#: Rows for a template and its size, of which some have one prompt.
TEXTS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 300)), max_size=30)


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.integers(1, 5), st.integers(390, 1200), st.booleans(), st.sampled_from(["derived", "own"]))
def test_as_a_job_adds(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[tuple[int, int]],
    most: int,
    most_bytes: int,
    named: bool,
    ids: Any,
) -> None:
    """A plan has the requests, bytes, shards and tokens of the job that the same rows are added to, or its error."""
    given_rows: list[dict[str, Any]] = [
        {"params": {**PARAMS, "messages": [{"role": "user", "content": f"{number} {'y' * size}"}]}}
        for number, size in texts
    ]
    if named:
        # Equal ids for equal requests, and an odd one out.
        given_rows = [
            {"custom_id": f"row-{number}-{size}", **row}
            for row, (number, size) in zip(given_rows, texts, strict=True)
        ]
    limits = {"max_requests": most, "max_bytes": most_bytes}
    for source in (given_rows, list(read_source(given_rows))):
        planned = plan(source, prices=PRICES, ids=ids, **limits)
        with Job.open(tmp_path_factory.mktemp("plan") / "job", ids=ids, **limits) as job:
            options: dict[str, Any] = {} if source is given_rows else {"params": {}}
            if planned.errors:
                with pytest.raises(JobRequestError, match="max_bytes"):
                    job.add(given_rows, **options)
                continue
            job.add(given_rows, **options)
            added = job.plan(count=False)
            assert (planned.requests, planned.bytes, planned.shards) == (
                added.requests,
                added.bytes,
                added.shards,
            )
            assert planned.rough_input_tokens == added.rough_input_tokens
            assert planned.max_output_tokens == added.max_output_tokens
            assert planned.requests + planned.repeated == len(texts)


@pytest.mark.parametrize("count", [3000, 5000, 9000])
def test_shards_of_other_sizes(tmp_path: Path, count: int) -> None:
    """Shards are counted as full as a job fills them, each to another number of requests."""
    many = list(rows(count))
    planned = plan(many, validate=False, max_requests=1000)
    for number in range(3):
        with Job.open(tmp_path / str(number), max_requests=1000) as job:
            job.add(many)
            assert planned.shards == job.plan(count=False, validate=False).shards == len(job.shards())
            # The ids of the tenth shard are longer, and it begins elsewhere in each job.
            assert abs(planned.bytes - sum(shard.bytes for shard in job.shards())) < 100


def test_rows_of_one_prompt(tmp_path: Path) -> None:
    """Rows with equal prompts are planned as the one request that is paid for, and the others are told."""
    ask = {"template": "Is {text} nice?", "model": "claude-opus-5", "params": {"max_tokens": 9}}
    table = [{"text": "a", "n": number} for number in range(50)]
    planned = plan(read_source(table, **ask), prices=PRICES)
    assert (planned.requests, planned.repeated) == (1, 49)
    assert planned.most_cost == plan(read_source(table[:1], **ask), prices=PRICES).most_cost
    assert "49 more rows repeat the request of another" in str(planned)
    with Job.open(tmp_path / "job") as job:
        assert job.add(table, **ask) == planned.requests
        assert job.status().twins == planned.repeated
        assert sum(shard.bytes for shard in job.shards()) == planned.bytes


def test_refused_as_by_a_job(tmp_path: Path) -> None:
    """A request that a job refuses is an error of the plan, for its form, id, other params or size."""
    large = {**PARAMS, "system": "x" * 2000}
    cases: list[tuple[list[Any], dict[str, Any], str]] = [
        ([3], {}, "a request is a dict"),
        ([{"custom_id": "a"}], {}, "no params"),
        ([{"params": {**PARAMS, "betas": []}}], {}, "betas"),
        ([{"custom_id": "ä", "params": PARAMS}], {"ids": "own"}, "1 to 64"),
        ([{"custom_id": "a", "params": PARAMS}, {"custom_id": "a", "params": large}], {}, "other params"),
        (
            [{"custom_id": "a", "params": PARAMS}, {"custom_id": "b", "params": large}],
            {"max_bytes": 1500},
            "1,500",
        ),
    ]
    for number, (given_rows, options, told) in enumerate(cases):
        planned = plan(given_rows, **options)
        assert (planned.errors, planned.requests) == (1, len(given_rows))
        assert told in str(planned.problems[0])
        with Job.open(tmp_path / str(number), **options) as job, pytest.raises(JobError):
            job.add(given_rows)


class Counting:
    """A client that counts tokens."""

    def __init__(self, factor: float, failing: int = 0) -> None:
        self.messages = self
        self.calls: list[dict[str, Any]] = []
        self._factor = factor
        self._failing = failing

    def count_tokens(self, **params: Any) -> Any:
        self.calls.append(params)
        if len(self.calls) <= self._failing:
            raise ClaudeBatchesError("no")
        return SimpleNamespace(input_tokens=round(rough_input(params) * self._factor))


def test_counted_sample() -> None:
    """A sample gives an interval around the counted sum, and costs calls for the sample alone."""
    client = Counting(1.3)
    many = [
        {
            "custom_id": f"r{n}",
            "params": {**PARAMS, "messages": [{"role": "user", "content": "word " * (n % 50)}]},
        }
        for n in range(500)
    ]
    made = plan(many, client=client, sample=20)
    exact = sum(round(rough_input(row["params"]) * 1.3) for row in many)
    low, high = made.input_tokens
    assert low <= exact <= high
    assert high - low < exact * 0.1
    assert (made.counted, len(client.calls)) == (20, 20)
    assert "max_tokens" not in client.calls[0]
    assert plan(many[:5], client=client).input_tokens[0] == plan(many[:5], client=client).input_tokens[1]


def test_counted_cost() -> None:
    """The cost of the input is that of the counted tokens, and not of the rough ones."""
    prices = Prices({"claude-*": {"input_tokens": 1_000_000, "output_tokens": 0}})
    made = plan(rows(5), client=Counting(3), prices=prices)
    (model,) = made.models
    low, high = made.input_tokens
    assert model.input_costs == (low, high)
    assert model.input_cost == low == high
    assert f"input about ${low:,.4f}" in str(made)
    assert plan(rows(5), prices=prices).models[0].input_costs is None


def test_counting_fails() -> None:
    """A failure to count leaves the rest of the sample, or the rough numbers, with a note."""
    made = plan(rows(9), client=Counting(1, failing=4), sample=9)
    assert made.counted == 5
    assert "4 of the sample couldn't be counted" in str(made)
    bare = plan(rows(9), client=SimpleNamespace(messages=SimpleNamespace()))
    assert bare.counted == 0
    assert "count_tokens" in bare.notes[0]


@pytest.mark.parametrize(
    ("text", "tokens"), [("word " * 100, 100), ("def f(x): return x + 1\n" * 20, 220), ("日本語" * 50, 150)]
)
def test_rough_numbers(text: str, tokens: int) -> None:
    """Rough numbers are within a factor of two for words, code and other scripts."""
    assert tokens / 2 < rough_input({"messages": text}) < tokens * 2


def test_media_is_not_counted_as_text() -> None:
    """An image counts as an image, not by the letters of its base64."""
    image = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "A" * 4_000_000},
    }
    assert rough_input({"messages": [{"role": "user", "content": [image]}]}) < 2000


@pytest.mark.parametrize(("kind", "each"), [("given", 250), ("of a job", 0)])
def test_flat_memory(kind: str, each: int) -> None:
    """A plan of ten times as many requests takes no more memory, but for the keys of those that are not of a job."""

    def peak(count: int) -> int:
        planner = Planner(validate=True, sample=8, prices=Prices(at=AT))
        tracemalloc.start()
        for row in rows(count):
            if kind == "given":
                planner.add(row)
            else:
                planner.add_of_job(row["custom_id"], row["params"])
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(20)
    # A dict is copied to a larger place as it grows.
    assert peak(3000) < peak(300) + 100_000 + each * 3000


#: Anything that a program may put into params by mistake.
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.sampled_from([10**30, "many", -1, object(), st]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.integers() | st.none(), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=2)
    ),
    max_leaves=6,
)
SOUND: dict[str, Any] = {
    "model": "claude-opus-5",
    "max_tokens": 10,
    "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    "system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}],
}
PLACES: list[tuple[Any, ...]] = [
    (), ("model",), ("max_tokens",), ("messages",), ("messages", 0), ("messages", 0, "content"),
    ("messages", 0, "content", 0), ("messages", 0, "content", 0, "source"), ("system",), ("system", 0, "cache_control"),
    ("system", 0, "cache_control", "ttl"), ("tools",), ("tools", 0), ("tools", 0, "type"), ("tools", 0, "max_uses"),
    ("output_config",),
]  # fmt: skip


def put(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """A copy of a value, with something else at one place."""
    if not place:
        return new
    copy = value.copy()
    inner = copy[place[0]] if isinstance(copy, list) or place[0] in copy else {}
    copy[place[0]] = put(inner, place[1:], new)
    return copy


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), ANYTHING), max_size=2), st.booleans())
def test_any_params(changes: list[tuple[tuple[Any, ...], Any]], validate: bool) -> None:
    """Whatever is in the params, a plan is made, and a limit of cost is a number, unknown, or an error with a path."""
    params: Any = SOUND
    for place, value in changes:
        try:
            params = put(params, place, value)
        except (AttributeError, TypeError, LookupError):
            return
    planned = plan([{"custom_id": "a", "params": params}], prices=PRICES, validate=validate)
    assert planned.requests == 1
    assert str(planned)
    assert planned.max_output_tokens >= 0
    # A job has them as JSON.
    wire = b""
    with contextlib.suppress(TypeError):
        wire = orjson.dumps(params)
    with contextlib.suppress(ClaudeBatchesError):
        most = most_cost(orjson.loads(wire), PRICES) if wire.startswith(b"{") else None
        assert most is None or most >= 0


@pytest.mark.parametrize("max_tokens", ["many", -5, True, [], {}])
def test_unbounded_cost(max_tokens: Any) -> None:
    """A limit that is not a number bounds nothing: a plan lists it once, and its cost is an error with the path."""
    params = {**SOUND, "max_tokens": max_tokens}
    for validate in (True, False):
        planned = plan([{"custom_id": "a", "params": params}], prices=PRICES, validate=validate)
        assert [(problem.path, problem.custom_id) for problem in planned.problems] == [("max_tokens", "a")]
    with pytest.raises(ClaudeBatchesError, match="max_tokens"):
        most_cost(params, PRICES)


@pytest.mark.parametrize("limit", ["many", -1, float("nan"), float("inf"), []])
def test_no_limit(limit: Any) -> None:
    """A limit that is not a number of dollars is refused."""
    with pytest.raises(BudgetError, match="max_cost"):
        Budget(limit)
