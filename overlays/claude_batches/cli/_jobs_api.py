"""Jobs as the commands use them: opened, filled, written and priced."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._exits import CommandError
from ._sources import Source

if TYPE_CHECKING:
    from claude_batches.jobs import Job
    from claude_batches.jobs._cost import Plan, Prices, Report
    from claude_batches.jobs._tables import ResultRow

__all__ = ["add", "cost", "is_job", "opened", "plan", "result_rows"]

#: The kinds of tokens in a report, by their names in the usage of a message.
_KINDS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m_tokens",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "server_tool_use.web_search_requests": "web_searches",
}


def is_job(name: str) -> bool:
    """Tell if a folder is a job."""
    return (Path(name) / "ledger.sqlite").exists()


@contextmanager
def opened(
    name: str, *, ledger: str | None, client: bool, create: bool = False, **options: Any
) -> Generator[Job]:
    """Open a job.

    Args:
        name: Its folder, or its name in the ledger.
        ledger: The PostgreSQL database with its ledger.
        client: True for steps that call the API.
        create: True to make it.
        **options: Options of the job; those that are `None` are left out.

    Raises:
        CommandError: There is no such job.
    """
    from claude_batches import Client
    from claude_batches.jobs import Job, PostgresLedger

    if ledger is None and not create and not is_job(name):
        raise CommandError(
            f"there is no job at {name!r}: create it with `claude-batches run {name} REQUESTS`"
        )
    given: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    where = None if ledger is None else PostgresLedger(ledger)
    if not client:
        with Job.open(name, ledger=where, **given) as job:
            yield job
        return
    with Client() as api, Job.open(name, client=api, ledger=where, **given) as job:
        yield job


def add(job: Job, source: Source) -> int:
    """Add the requests of a source; return the number of new ones.

    Args:
        job: The job.
        source: The source.
    """
    return job.add({**row.columns, "custom_id": row.custom_id, "params": row.params} for row in source.rows())


def plan(source: Source, **options: Any) -> Plan:
    """Return the plan of a source.

    Args:
        source: The source.
        **options: Options of the plan; those that are `None` are left out.
    """
    from claude_batches.jobs import _cost

    return _cost.plan(source.rows(), **{name: value for name, value in options.items() if value is not None})


def result_rows(job: Job, order: Any = "input") -> Iterator[ResultRow]:
    """Yield the rows of a job for a table.

    Args:
        job: The job.
        order: `"input"` or `"arrival"`.
    """
    from claude_batches.jobs._tables import ResultRow

    for row in job.results(order):
        columns = {name: value for name, value in row.request.items() if name not in ("custom_id", "params")}
        yield ResultRow(row.raw, row.custom_id, row.batch_id, row.attempt, columns)


def cost(job: Job, prices: Prices | None = None) -> Report:
    """Return the tokens and the cost of all attempts of a job.

    Models whose price depends on the size of a request count at the price of small ones.

    Args:
        job: The job.
        prices: The prices; those of `genai-prices` by default, and none where it is not installed.
    """
    from claude_batches.jobs._cost import ModelCost, Report

    known = prices or _listed_prices()
    lines: dict[tuple[str, str], ModelCost] = {}
    for spent in job.spent():
        if not spent.tokens:
            continue
        tokens = {kind: spent.tokens.get(name, 0) for name, kind in _KINDS.items()}
        price = _cost_of(known, spent.model, tokens, {"processing": "batch"} if spent.tier == "batch" else {})
        line = ModelCost(
            model=spent.model or None,
            tier=spent.tier or None,
            requests=spent.requests,
            **tokens,
            cost=price,
            standard_cost=_cost_of(known, spent.model, tokens, {}),
            failed_cost=Decimal(0) if spent.kept else price,
            failed_requests=0 if spent.kept else spent.requests,
        )
        key = (spent.model, spent.tier)
        lines[key] = lines[key] + line if key in lines else line
    return Report(tuple(lines[key] for key in sorted(lines)))


def _listed_prices() -> Prices | None:
    from claude_batches.jobs._cost import Prices
    from claude_batches.jobs._tables import MissingExtraError

    prices = Prices()
    try:
        prices.rates("claude-haiku-4-5", {})
    except MissingExtraError:
        return None
    return prices


def _cost_of(
    prices: Prices | None, model: str, tokens: dict[str, int], context: dict[str, str]
) -> Decimal | None:
    rates = None if prices is None else prices.rates(model, context)
    return None if rates is None else rates.cost(tokens)
