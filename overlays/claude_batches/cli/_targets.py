"""`cancel`, which takes a batch or a job."""

from __future__ import annotations

from typing import Annotated

import typer

from ._batches import cancel_batch, is_batch_id
from ._jobs import cancel_job
from ._options import Json, Ledger, Workspace

__all__ = ["cancel"]


def cancel(
    target: Annotated[
        str,
        typer.Argument(
            metavar="BATCH|JOB",
            help="The id of a batch (msgbatch_...), or else a job. Write ./msgbatch_x for a job with such a name.",
            show_default=False,
        ),
    ],
    ledger: Ledger = None,
    workspace: Workspace = None,
    json: Json = False,
) -> None:
    """Cancel a batch, or all batches of a job. Requests that are done keep their results.

    It is final: a canceled job sends nothing more, and takes no new requests.
    """
    if is_batch_id(target):
        cancel_batch(target, workspace=workspace, json=json)
    else:
        cancel_job(target, ledger=ledger, workspace=workspace, json=json)
