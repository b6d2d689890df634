"""Our client against Steady, an independent mock server that is configured by our spec alone."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from copy import deepcopy
from pathlib import Path

import pytest
from claude_batches import BadRequestError, ClaudeBatchesError

from tests.contract import node_tools
from tests.contract.calls import OURS, Kind, calling
from tests.contract.promises import batch_operations
from tests.contract.samples import batch_samples
from tests.contract.steady import Steady, serving
from tests.contract.whole_batch import REQUESTS, request
from tests.wire import spec

node_tools.require()


def steady(folder: Path) -> AbstractContextManager[Steady]:
    """Steady with our spec, streaming one row, and refusing invalid requests."""
    return serving(
        adapted_spec, folder, "--validator-strict-oneof", "--stream-count=1", "--stream-interval=0"
    )


def adapted_spec(url: str) -> str:
    """The operations on batches, whose examples, which Steady answers with, lead to Steady and fit together.

    It repeats the example of a line of results, so only a single line is a complete file.
    """
    document = deepcopy(spec())
    document["paths"] = {path: document["paths"][path] for path, _, _ in batch_operations()}
    retrieve = document["paths"]["/v1/messages/batches/{message_batch_id}"]["get"]
    example = retrieve["responses"]["200"]["content"]["application/json"]["example"]
    example["request_counts"]["succeeded"] = 1
    return json.dumps(document).replace(document["servers"][0]["url"], url)


@pytest.mark.parametrize("kind", OURS)
def test_every_operation_works(kind: Kind, tmp_path: Path) -> None:
    """Steady accepts each of our calls, and our client reads each of its responses."""
    with steady(tmp_path) as server, calling(kind, server.url) as client:
        batch = client.create(REQUESTS, user_profile_id="uprof_1", workspace_id="wrkspc_1")
        assert batch.type == "message_batch"
        assert client.retrieve(batch.id).request_counts is not None
        assert client.page(limit=2, after_id=batch.id).data[0].type == "message_batch"
        assert client.page(before_id=batch.id).has_more in (True, False)
        assert client.cancel(batch.id).processing_status in ("in_progress", "canceling", "ended")
        assert client.delete(batch.id).type == "message_batch_deleted"
        [line] = client.results(batch.id)
        assert (line.custom_id, line.result.type) == ("greeting-2", "errored")
        with pytest.raises(ClaudeBatchesError, match="repeated"):
            client.results(batch.id, extra_headers={"X-Steady-Stream-Count": "7"})
    operations = len(list(batch_operations()))
    assert server.account["coverage"] == {"tested": operations, "total": operations, "untestedEndpoints": []}
    assert server.account["session"]["categoryBreakdown"] == {}


def test_each_variant_of_a_request_is_taken(tmp_path: Path) -> None:
    """Steady, which judges requests by the spec, takes every member of every union from our client."""
    requests = [
        {"custom_id": f"sample-{index}", "params": params} for index, params in enumerate(batch_samples())
    ]
    with steady(tmp_path) as server, calling("ours", server.url) as client:
        assert client.create(requests).type == "message_batch"
    assert server.account["session"]["categoryBreakdown"] == {}


def test_steady_notices_what_the_spec_forbids(tmp_path: Path) -> None:
    """Calls that stray from the spec are refused or remarked on, so that the other tests could fail."""
    with steady(tmp_path) as server, calling("ours", server.url) as client:
        with pytest.raises(BadRequestError):
            client.create([request("a", max_tokens="many")])
        client.page(limit=1001)
    assert server.account["session"]["categoryBreakdown"] == {"sdk-issue": 1, "content-note": 1}
