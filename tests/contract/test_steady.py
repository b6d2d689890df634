"""Our client against Steady, a mock server that we did not write, which knows nothing but our spec."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from claude_batches import BadRequestError, ClaudeBatchesError

from tests.contract import node_tools
from tests.contract.calls import OURS, Kind, calling
from tests.contract.promises import batch_operations
from tests.contract.samples import samples
from tests.contract.whole_batch import REQUESTS, request
from tests.wire import spec

node_tools.require()

START_SECONDS = 20
ATTEMPTS = 3


@dataclass
class Steady:
    """A running Steady, and when it has stopped, its own account of what it was asked."""

    url: str
    account: dict[str, Any] = field(default_factory=dict)


@contextmanager
def steady(folder: Path) -> Iterator[Steady]:
    """Steady with our spec, streaming one row, and refusing what the spec doesn't allow."""
    node = node_tools.node()
    process, server = started(node, folder)
    try:
        yield server
    finally:
        process.terminate()
        process.wait(START_SECONDS)
    server.account = json.loads((folder / "log").read_text("utf-8").splitlines()[-1])


def started(node: str, folder: Path) -> tuple[subprocess.Popen[bytes], Steady]:
    """A Steady that takes connections. Should somebody be quicker to take its port, it gets another one."""
    for _ in range(ATTEMPTS):
        port = free_port()
        server = Steady(f"http://127.0.0.1:{port}")
        document = folder / "openapi.json"
        document.write_text(adapted_spec(server.url), "utf-8")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    node,
                    node_tools.FOLDER / "node_modules" / "@stdy" / "cli" / "steady.js",
                    "--host=127.0.0.1",
                    f"--port={port}",
                    "--log-format=json",
                    "--validator-strict-oneof",
                    "--stream-count=1",
                    "--stream-interval=0",
                    document,
                ],
                stdout=log,
                stderr=log,
            )
        if takes_connections(process, port):
            return process, server
        process.kill()
        process.wait()
    pytest.fail(f"Steady did not start: {(folder / 'log').read_text('utf-8')[-500:]}")


def adapted_spec(url: str) -> str:
    """The operations on batches, whose examples, which Steady answers with, lead to Steady and fit together.

    It repeats the example of a line of results as often as it is told to, so only one line makes a whole.
    """
    document = deepcopy(spec())
    document["paths"] = {path: document["paths"][path] for path, _, _ in batch_operations()}
    retrieve = document["paths"]["/v1/messages/batches/{message_batch_id}"]["get"]
    example = retrieve["responses"]["200"]["content"]["application/json"]["example"]
    example["request_counts"]["succeeded"] = 1
    return json.dumps(document).replace(document["servers"][0]["url"], url)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def takes_connections(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether a server comes to listen on a port, before it ends or the time is up."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process.poll() is None
    return False


@pytest.mark.parametrize("kind", OURS)
def test_every_operation_works(kind: Kind, tmp_path: Path) -> None:
    """Steady finds nothing wrong in any of our calls, and our client reads whatever it answers."""
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
        with pytest.raises(ClaudeBatchesError, match="more than once"):
            client.results(batch.id, extra_headers={"X-Steady-Stream-Count": "7"})
    operations = len(list(batch_operations()))
    assert server.account["coverage"] == {"tested": operations, "total": operations, "untestedEndpoints": []}
    assert server.account["session"]["categoryBreakdown"] == {}


def test_each_variant_of_a_request_is_taken(tmp_path: Path) -> None:
    """Steady, which judges requests by the spec, takes every member of every union from our client."""
    requests = [
        {"custom_id": f"sample-{index}", "params": params}
        for index, params in enumerate(samples("MessageCreateParamsNonStreaming"))
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
