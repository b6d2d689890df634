"""Money: the limit and the cost of a job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import attrs
import orjson

from ._codec import place_at
from ._cost import Budget, BudgetError, CostCounter, Planner, Prices, Report
from ._cost._estimate import ParamError, most_cost
from ._errors import LedgerDamagedError
from ._ledger._sql import SqlLedger
from ._lines import parse_result, user_line
from ._reading import Lines
from ._records import COMMITTED, Shard, ShardState

__all__ = ["Money"]


class Money:
    """The costs of one job. Each shard is looked at once in a process.

    Args:
        ledger: The ledger.
        lines: The lines of bodies and results.
        prices: A user's prices.
    """

    def __init__(
        self, ledger: SqlLedger, lines: Lines, prices: Mapping[str, Mapping[str, Any]] | None
    ) -> None:
        self._ledger = ledger
        self._lines = lines
        self._prices = Prices(prices)
        self._most: dict[int, Decimal] = {}
        self._spent: dict[int, Decimal] = {}
        # The model that the last sum without a result is of.
        self._unpriced: str | None = None

    def allows(self, max_cost: Decimal, shard: Shard, committed: list[Shard]) -> bool:
        """Tell if a shard fits under a limit over all that is committed.

        Raises:
            BudgetError: A model has no price, or the params of a request don't bound its cost: the limit can't hold.
        """
        budget = Budget(max_cost)
        for each in committed:
            # Money is committed before it is spent: a request counts as the most it can cost until its result is here.
            spent = self._cost(each) if each.state is ShardState.COLLECTED else None
            cost = spent if spent is not None else self._limit(each)
            if cost is None:
                raise self._no_price()
            budget.spent += cost
        most = self._limit(shard)
        if most is None:
            raise self._no_price()
        return budget.fits(most)

    def _no_price(self) -> BudgetError:
        return BudgetError(
            f"max_cost can't hold over {self._unpriced!r}, a model without a price: give prices=, or no max_cost"
        )

    def _limit(self, shard: Shard) -> Decimal | None:
        """Return the most that a shard can cost."""
        if shard.number not in self._most:
            rows = zip(self._ledger.positions(shard), self._lines.whole_body(shard), strict=False)
            most = self._sum_of_limits(rows)
            if most is None:
                return None
            self._most[shard.number] = most
        return self._most[shard.number]

    def _rows(self, shard: Shard, places: Sequence[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
        """Yield some requests of a shard: (position, line)."""
        return ((position, self._lines.body(shard.number, place)) for place, position in places)

    def _sum_of_limits(self, rows: Iterable[tuple[int, bytes]]) -> Decimal | None:
        """Return the most that requests can cost: (position, line)."""
        total = Decimal(0)
        for position, line in rows:
            custom_id, params = user_line(line)
            try:
                read = orjson.loads(params)
                most = most_cost(read, self._prices)
            except ParamError as error:
                raise BudgetError(
                    f"max_cost can't hold over request {position} (custom_id {custom_id!r}), whose cost nothing "
                    f"bounds: {error}"
                ) from None
            if most is None:
                self._unpriced = read.get("model")
                return None
            total += most
        return total

    def _cost(self, shard: Shard) -> Decimal | None:
        """Return the cost of a shard's results, and the most that its requests without a result can have cost."""
        if shard.number not in self._spent:
            counter = CostCounter(self._prices)
            self._count(shard, counter)
            report = counter.report()
            most = self._sum_of_limits(self._rows(shard, self._ledger.without_result(shard)))
            if report.unpriced or most is None:
                return None
            self._spent[shard.number] = report.cost + most
        return self._spent[shard.number]

    def report(self, *, pending: bool = False) -> Report:
        """Return the costs of all results, those of earlier attempts too, and of requests without a result.

        Args:
            pending: Adds the most that requests in process can cost.
        """
        counter = CostCounter(self._prices)
        requests = 0
        most: Decimal | None = Decimal(0)
        # Read at once: a shard that is collected meanwhile counts once.
        shards = self._ledger.shards(COMMITTED)
        waited = [shard for shard in shards if shard.state is not ShardState.COLLECTED]
        for shard in shards:
            if shard.state is not ShardState.COLLECTED:
                continue
            self._count(shard, counter)
            lost = self._ledger.without_result(shard)
            requests += len(lost)
            try:
                cost = self._sum_of_limits(self._rows(shard, lost))
            except BudgetError:
                cost = None
            most = None if most is None or cost is None else most + cost
        return attrs.evolve(
            counter.report(),
            lost_requests=requests,
            lost_cost=most,
            pending_requests=sum(shard.requests for shard in waited),
            pending_cost=self._most_of(waited) if pending else None,
        )

    def _most_of(self, shards: Iterable[Shard]) -> Decimal | None:
        """Return the most that shards can cost; `None` where it is not known."""
        total = Decimal(0)
        for shard in shards:
            try:
                most = self._limit(shard)
            except (BudgetError, ImportError):
                # Nothing bounds the cost, or no price list is installed: the rest of the report needs neither.
                return None
            if most is None:
                return None
            total += most
        return total

    def _count(self, shard: Shard, counter: CostCounter) -> None:
        again = self._ledger.earlier_results(shard.number)
        for number, block in enumerate(self._lines.result_blocks(shard.number)):
            for index, line in enumerate(block):
                message = parse_result(line)["result"].get("message") if line.strip() else None
                if isinstance(message, dict):
                    message = cast("dict[str, Any]", message)
                    kept = place_at(number, index) not in again
                    counter.add(message.get("model"), message.get("usage") or {}, kept=kept)

    def pricer(self, model: str | None, usage: Any) -> float | None:
        """Return the cost of one message."""
        return self._prices.pricer(model, usage)

    def planner(self, sample: int, **options: Any) -> Planner:
        """Return a planner that has all unsent requests."""
        while True:
            planner = Planner(prices=self._prices, sample=sample, **options)
            staged = self._ledger.shards((ShardState.STAGED,))
            try:
                for shard in staged:
                    for line in self._lines.whole_body(shard):
                        custom_id, params = user_line(line)
                        planner.add_of_job(custom_id, orjson.loads(params))
            except LedgerDamagedError:
                # Unless another process that runs the job has merged these shards meanwhile.
                if self._ledger.shards((ShardState.STAGED,)) == staged:
                    raise
            else:
                return planner
