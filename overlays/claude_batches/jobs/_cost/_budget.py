"""Budgets: a limit over the committed cost, not only over the spent one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from .._errors import JobError

__all__ = ["Budget", "BudgetError", "dollars"]


class BudgetError(JobError, ValueError):
    """A limit that can't hold, or a shard that the limit leaves no room for."""


class Budget:
    """A limit over committed costs.

    Before a shard is sent, the most it can cost is committed; when its results are there, the commitment is
    replaced by the cost. So the limit also holds with shards in flight. The state is the caller's to keep:
    `spent` and `committed` make it again.

    Args:
        max_cost: The limit in US dollars, `None` for none.
        spent: The cost of what ended before.
        committed: The commitments of the shards in flight, by shard.

    Raises:
        BudgetError: The limit is not a number from 0.
    """

    def __init__(
        self,
        max_cost: Decimal | float | None,
        *,
        spent: Decimal | float = 0,
        committed: Mapping[str, Decimal] | None = None,
    ) -> None:
        self.max_cost = None if max_cost is None else dollars(max_cost)
        self.spent = Decimal(str(spent))
        self._committed = dict(committed or {})

    @property
    def committed(self) -> Decimal:
        """The most that is spent when everything on its way has ended."""
        return self.spent + sum(self._committed.values(), Decimal(0))

    @property
    def left(self) -> Decimal | None:
        """The room for further commitments; `None` without a limit. It is negative if costs passed the limit."""
        return None if self.max_cost is None else self.max_cost - self.committed

    def fits(self, most: Decimal | None) -> bool:
        """Return true if there is room for a shard.

        Args:
            most: The most that it can cost.

        Raises:
            BudgetError: It is unpriced, and there is a limit.
        """
        if self.max_cost is None:
            return True
        if most is None:
            raise BudgetError(
                "max_cost can't hold over a model without a price: give prices=, or no max_cost"
            )
        return self.committed + most <= self.max_cost

    def commit(self, shard: str, most: Decimal | None) -> None:
        """Commit the most that a shard can cost. Committing a shard again replaces its commitment.

        Args:
            shard: The shard.
            most: The most that it can cost.

        Raises:
            BudgetError: It exceeds the limit, or it is unpriced and there is a limit.
        """
        left_out = self._committed.get(shard, Decimal(0))
        if self.max_cost is not None and not self.fits(None if most is None else most - left_out):
            raise BudgetError(
                f"shard {shard} may cost ${most:.4f}, and of max_cost ${self.max_cost} only "
                f"${self.max_cost - self.committed + left_out:.4f} is left (${self.spent:.4f} spent, "
                f"${self.committed - self.spent - left_out:.4f} on its way)"
            )
        self._committed[shard] = most or Decimal(0)

    def settle(self, shard: str, cost: Decimal | None) -> None:
        """Replace the commitment of a shard by its cost.

        Args:
            shard: The shard.
            cost: Its cost. Where it is unpriced, the commitment counts as spent: the limit must hold.
        """
        commitment = self._committed.pop(shard, Decimal(0))
        self.spent += commitment if cost is None else cost

    def release(self, shard: str) -> None:
        """Give up the commitment of a shard that was not sent.

        Args:
            shard: The shard.
        """
        self._committed.pop(shard, None)


def dollars(amount: object) -> Decimal:
    """Return a limit of cost as a number.

    Args:
        amount: The limit in US dollars.

    Raises:
        BudgetError: It is not one, or less than 0.
    """
    try:
        number = Decimal(str(amount))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or number < 0:
        raise BudgetError(f"max_cost is {amount!r}, and not a number of dollars from 0")
    return number
