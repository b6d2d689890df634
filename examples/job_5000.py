"""Rate 5,000 reviews of a table in three batches, and write the answers in the order of the table.

    python examples/job_5000.py reviews.csv answers.jsonl

The table has the columns `id` and `review`. Run it again after a crash or Ctrl-C: it continues, and nothing is paid
twice. `claude-batches cost reviews.job` shows the cost. To try it without a key, start `claude-batches sandbox` in
another terminal and set the two variables that it prints.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

from claude_batches import Client
from claude_batches.jobs import Job, JobRow


def request(row: dict[str, str]) -> dict[str, Any]:
    message = {"role": "user", "content": f"Rate this review from 1 to 5: {row['review']}"}
    params = {"model": "claude-haiku-4-5", "max_tokens": 300, "messages": [message]}
    return {"custom_id": row["id"], "params": params}


def answer(row: JobRow) -> dict[str, Any]:
    blocks = row.message.content if row.message else []
    text = "".join(block.text for block in blocks if block.type == "text")
    return {"id": row.custom_id, "outcome": row.cause, "answer": text}


with Client() as client, Job.open("reviews.job", client=client, max_requests=2_000) as job:
    with Path(sys.argv[1]).open(encoding="utf-8", newline="") as table:
        job.add(map(request, csv.DictReader(table)))
    report = job.run()
    with Path(sys.argv[2]).open("w", encoding="utf-8") as answers:
        answers.writelines(json.dumps(answer(row)) + "\n" for row in job.results())
    print(dict(report.status.causes))
