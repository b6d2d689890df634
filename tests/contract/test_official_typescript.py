"""The official TypeScript client takes the sandbox for the real API, from creation to deletion."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from claude_batches.sandbox import Sandbox

from tests.contract import node_tools
from tests.contract.calls import KEY
from tests.contract.whole_batch import COUNTS, REQUESTS, TYPES

node_tools.require()

BAD = {"class": "BadRequestError", "status": 400, "type": "invalid_request_error"}
MISSING = {"class": "NotFoundError", "status": 404, "type": "not_found_error"}
REFUSED = {"class": "AuthenticationError", "status": 401, "type": "authentication_error"}


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """Return the observations of the client over the life of a batch, as `node/life.mjs` prints them."""
    node = node_tools.node()
    with Sandbox(speed=1e-9, api_key=KEY) as sandbox:
        run = subprocess.run(
            [node, node_tools.FOLDER / "life.mjs", sandbox.url, KEY],
            input=json.dumps(REQUESTS),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    told: dict[str, Any] = json.loads(run.stdout)
    return told


def test_a_batch_lives_from_creation_to_deletion(seen: dict[str, Any]) -> None:
    """It is in progress when created, ends with settled counts, gives a result for each request, and is gone."""
    assert seen["created"]["processing_status"] == "in_progress"
    assert seen["created"]["request_counts"]["processing"] == len(REQUESTS)
    assert (seen["ended"]["id"], seen["ended"]["processing_status"]) == (seen["created"]["id"], "ended")
    assert seen["ended"]["request_counts"] == COUNTS
    assert {line["custom_id"]: line["result"]["type"] for line in seen["results"]} == TYPES
    assert seen["deleted"] == {"id": seen["created"]["id"], "type": "message_batch_deleted"}


def test_a_canceled_batch_ends(seen: dict[str, Any]) -> None:
    """Cancel turns a batch to `canceling`, and it ends."""
    assert seen["canceling"]["processing_status"] == "canceling"
    assert seen["canceling"]["cancel_initiated_at"] is not None
    assert seen["canceled"]["processing_status"] == "ended"
    assert seen["canceled"]["request_counts"]["canceled"] == 1


def test_lists_go_both_ways_over_pages(seen: dict[str, Any]) -> None:
    """Batches come newest first, page by page, onwards and back."""
    lists = seen["lists"]
    newest_first = lists["newest_first"]
    assert lists["onwards"] == newest_first
    assert lists["from_the_second"] == newest_first[2:]
    assert sorted(lists["back_from_the_last"]) == sorted(newest_first[:4])
    assert (lists["first_page"], lists["second_page"]) == (newest_first[:2], newest_first[2:4])


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        ("missing", MISSING),
        ("missing_results", MISSING),
        ("deleted", MISSING),
        ("delete_before_the_end", BAD),
        ("bad_custom_id", BAD),
        ("bad_limit", BAD),
        ("wrong_key", REFUSED),
    ],
)
def test_errors_have_the_classes_that_users_catch(
    seen: dict[str, Any], act: str, expected: dict[str, Any]
) -> None:
    """Each refusal arrives as the client's own error for it, with the request id that the body has too."""
    error = seen["errors"][act]
    assert {key: error[key] for key in expected} == expected
    assert error["request_id"].startswith("req_")
    assert error["request_id"] == error["body_request_id"]


def test_results_before_the_end_are_refused(seen: dict[str, Any]) -> None:
    """The client reports a missing `results_url` in a batch that has not ended."""
    assert seen["errors"]["results_before_the_end"]["class"] == "AnthropicError"


def test_raw_responses_carry_headers(seen: dict[str, Any]) -> None:
    """`withResponse()` gives the status, the media type and the request id."""
    assert (seen["raw"]["status"], seen["raw"]["type"]) == (200, "application/json")
    assert seen["raw"]["request_id"].startswith("req_")
