"""Keeping: rows that are sent again otherwise keep the results that they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import starmap

import attrs

from ._causes import Cause
from ._collect import TokenSums
from ._folder import Store
from ._ledger._sql import Spent, SqlLedger
from ._lines import parse_result
from ._reading import Lines
from ._records import BODY, WAITING, Item, ItemState, Shard, ShardState

__all__ = ["keep_last", "keep_waiting"]

#: The causes of results with a message.
_WITH_MESSAGE = frozenset(
    {Cause.SUCCEEDED, Cause.MAX_TOKENS, Cause.PAUSE_TURN, Cause.REFUSAL, Cause.UNPARSABLE, Cause.UNKNOWN}
)


def keep_last(ledger: SqlLedger, store: Store, lines: Lines) -> None:
    """Keep the last result of each row that a canceled job would have sent again.

    Rows of shards that were made of them and not sent go back to the shards that have these results.
    """

    def unsent() -> list[Shard]:
        return [shard for shard in ledger.shards((ShardState.STAGED,)) if shard.kind == "retry"]

    if not unsent() and next(ledger.items(states=WAITING), None) is None:
        # A large commit may hold the right to stage for minutes.
        return
    with ledger.exclusive():
        with ledger.transaction():
            dropped = unsent()
            for shard in dropped:
                ledger.move_back(shard.number)
                ledger.delete_blocks(BODY, shard.number)
                ledger.delete_shard(shard.number)
            keep_waiting(ledger, lines, WAITING)
        for shard in dropped:
            store.delete(shard.number, shard.codec)
            lines.forget(shard.number)


def keep_waiting(ledger: SqlLedger, lines: Lines, states: Sequence[ItemState]) -> None:
    """Make the results of rows in these states final, and count their tokens as those of results that are kept."""
    sums: dict[int, TokenSums] = {}
    with ledger.transaction():
        for page in ledger.pages(states=states):
            # By their places, so that blocks are read one after the other.
            for item in sorted(starmap(Item, page), key=lambda each: (each.shard, each.result or 0)):
                cause = Cause(item.cause or Cause.MISSING)
                result = None
                if cause in _WITH_MESSAGE and item.result is not None:
                    result = parse_result(lines.result(item.shard, item.result))["result"]
                sums.setdefault(item.shard, TokenSums()).count(cause, result, kept=False)
        spent = ledger.spent() if sums else []
        for shard, waiting in sums.items():
            before = [each for each in spent if each.shard == shard]
            ledger.set_spent(shard, _kept(before, waiting.entries(shard)))
        ledger.keep_waiting(states)


def _kept(before: Iterable[Spent], waiting: Iterable[Spent]) -> list[Spent]:
    """Return the sums of a shard after some results of it are kept."""
    found = {_key(each): each for each in before}
    for each in waiting:
        given = found.get(_key(each))
        # A shard that was given up has no sums.
        if given is None or given.requests < each.requests:
            continue
        del found[_key(each)]
        if given.requests > each.requests:
            tokens = dict(Counter(given.tokens) - Counter(each.tokens))
            found[_key(each)] = attrs.evolve(given, requests=given.requests - each.requests, tokens=tokens)
        kept = attrs.evolve(each, kept=True)
        others = found.get(_key(kept))
        if others is not None:
            tokens = dict(Counter(others.tokens) + Counter(each.tokens))
            kept = attrs.evolve(kept, requests=others.requests + each.requests, tokens=tokens)
        found[_key(kept)] = kept
    return list(found.values())


def _key(spent: Spent) -> tuple[str, str, str, bool]:
    return spent.model, spent.tier, spent.cause, spent.kept
