"""The demo of a single batch on the real API."""

from __future__ import annotations

import time
from collections import Counter

from claude_batches_api.models import MessageBatchIndividualResponse, MessageBatchSucceededResult
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .. import Client
from ._batches import wait_for
from ._console import write_json
from ._demo_requests import demo_requests
from ._job_view import gist, results_table

__all__ = ["run_live"]

#: Results of each outcome that are shown.
EXAMPLES = 3


def run_live(console: Console, *, count: int, model: str, json: bool) -> None:
    """Create a batch on the API that the environment names, wait for it, and read its results.

    Args:
        console: The console.
        count: The number of requests.
        model: Their model.
        json: True to write the sums as JSON on stdout.
    """
    with Client() as client:
        console.print(f"Using {client.base_url}")
        batch = client.messages.batches.create(requests=demo_requests(count, model=model))
        console.print(f"Created [bold]{batch.id}[/] with {count:,} requests")
        wait_for(client, batch, deadline=None, workspace=None)
        started = time.perf_counter()
        outcomes: Counter[str] = Counter()
        tokens: Counter[str] = Counter()
        examples: list[MessageBatchIndividualResponse] = []
        for item in client.messages.batches.results(batch.id):
            outcomes[item.result.type] += 1
            if outcomes[item.result.type] <= EXAMPLES:
                examples.append(item)
            if isinstance(item.result, MessageBatchSucceededResult):
                usage = item.result.message.usage
                tokens.update(input=usage.input_tokens, output=usage.output_tokens)
        rate = count / (time.perf_counter() - started)
    if json:
        write_json({"batch_id": batch.id, "outcomes": outcomes, "tokens": tokens})
        return
    console.print(_outcomes(outcomes, tokens, rate))
    shown = sorted(examples, key=lambda each: each.result.type)
    rows = [(item.custom_id, item.result.type, gist(item.result)) for item in shown]
    console.print(results_table(rows, console.width)[0])


def _outcomes(outcomes: Counter[str], tokens: Counter[str], rate: float) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("outcome")
    table.add_column("requests", justify="right")
    for outcome, number in outcomes.most_common():
        table.add_row(escape(outcome), f"{number:,}")
    table.add_section()
    table.add_row("input tokens", f"{tokens['input']:,}")
    table.add_row("output tokens", f"{tokens['output']:,}")
    table.add_row("results per second", f"{rate:,.0f}")
    return table
