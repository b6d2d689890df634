"""The life of a batch over sandbox time."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from claude_batches.sandbox import Sandbox
from claude_batches.sandbox._lifecycle import (
    Facts,
    done_until,
    ends_at,
    schedule,
    status_at,
    unfinished_outcome,
)

from tests.sandbox.calls import BATCHES, Caller, requests

DAY = 24 * 3600


def counts(batch):
    return {name: count for name, count in batch["request_counts"].items() if count}


def test_counts_settle_at_the_end(sandbox: Sandbox, caller: Caller):
    """All requests count as processing until the batch ends."""
    batch = caller.create("one", "two", "[[error:api_error]]")
    assert batch["processing_status"] == "in_progress"
    sandbox.advance(60)
    assert counts(caller.retrieve(batch["id"])) == {"processing": 3}
    sandbox.advance(1)
    ended = caller.retrieve(batch["id"])
    assert (ended["processing_status"], counts(ended)) == ("ended", {"succeeded": 2, "errored": 1})
    assert ended["created_at"] < ended["ended_at"] < ended["expires_at"]


def test_results_url_appears_at_the_end(sandbox: Sandbox, caller: Caller):
    """It is null before, and absolute then."""
    batch = caller.create("one")
    assert batch["results_url"] is None
    sandbox.advance(100)
    url = caller.retrieve(batch["id"])["results_url"]
    assert url == f"{sandbox.url}{BATCHES}/{batch['id']}/results"
    assert caller.http.get(url).status_code == 200


def test_early_results_are_not_found(caller: Caller):
    """The message of the 404 names the status."""
    batch = caller.create("one")
    response = caller.http.get(f"{BATCHES}/{batch['id']}/results")
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "not_found_error"
    assert "in_progress" in response.json()["error"]["message"]


def test_unfinished_requests_expire(sandbox: Sandbox, caller: Caller):
    """The batch ends after 24 hours with the finished requests."""
    batch = caller.create("quick", "[[slow:90000]]")
    sandbox.advance(DAY - 1)
    assert caller.retrieve(batch["id"])["processing_status"] == "in_progress"
    sandbox.advance(1)
    ended = caller.retrieve(batch["id"])
    assert counts(ended) == {"succeeded": 1, "expired": 1}
    assert ended["ended_at"] == ended["expires_at"]
    assert {key: result["type"] for key, result in caller.results(batch["id"]).items()} == {
        "r0": "succeeded",
        "r1": "expired",
    }


def test_results_are_archived_after_29_days(sandbox: Sandbox, caller: Caller):
    """The results are not found after 29 days, and the message has the reason."""
    batch = caller.create("one")
    sandbox.advance(29 * DAY - 1)
    assert caller.retrieve(batch["id"])["archived_at"] is None
    sandbox.advance(1)
    archived = caller.retrieve(batch["id"])
    assert archived["archived_at"] is not None
    assert archived["results_url"] is None
    response = caller.http.get(f"{BATCHES}/{batch['id']}/results")
    assert (response.status_code, "archived" in response.json()["error"]["message"]) == (404, True)


def test_a_cancel_lets_running_requests_finish(sandbox: Sandbox, caller: Caller):
    """The others are canceled."""
    batch = caller.create(*["x"] * 1000)
    sandbox.advance(100)
    canceling = caller.cancel(batch["id"])
    assert canceling["processing_status"] == "canceling"
    assert counts(canceling) == {"processing": 1000}
    sandbox.advance(6)
    ended = caller.retrieve(batch["id"])
    assert ended["processing_status"] == "ended"
    assert ended["request_counts"]["succeeded"] == pytest.approx(450, abs=1)
    assert ended["request_counts"]["succeeded"] + ended["request_counts"]["canceled"] == 1000
    kinds = [result["type"] for result in caller.results(batch["id"]).values()]
    assert kinds.count("canceled") == ended["request_counts"]["canceled"]


def test_the_date_header_is_sandbox_time(sandbox: Sandbox, caller: Caller):
    """A client that compares `created_at` with `Date` is right, however far the sandbox is ahead."""
    sandbox.advance(100 * DAY)
    response = caller.http.post(BATCHES, json={"requests": requests("one")})
    date = parsedate_to_datetime(response.headers["date"])
    created = datetime.fromisoformat(response.json()["created_at"])
    assert abs((created - date).total_seconds()) <= 1
    assert (date - datetime.now(UTC)).days >= 99


def test_a_second_cancel_changes_nothing(sandbox: Sandbox, caller: Caller):
    """The batch is the same after both."""
    batch = caller.create("one", "two")
    first = caller.cancel(batch["id"])
    sandbox.advance(1)
    assert caller.cancel(batch["id"]) == first


def test_an_ended_batch_cannot_be_canceled(sandbox: Sandbox, caller: Caller):
    """The cancel is answered with 400."""
    batch = caller.create("one")
    sandbox.advance(100)
    response = caller.http.post(f"{BATCHES}/{batch['id']}/cancel")
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")


def test_only_an_ended_batch_can_be_deleted(sandbox: Sandbox, caller: Caller):
    """Afterwards every operation on it is answered with 404."""
    path = f"{BATCHES}/{caller.create('one')['id']}"
    assert caller.http.delete(path).status_code == 400
    sandbox.advance(100)
    assert caller.http.delete(path).json() == {"id": path.rsplit("/", 1)[1], "type": "message_batch_deleted"}
    for method, url in [
        ("GET", path),
        ("DELETE", path),
        ("POST", f"{path}/cancel"),
        ("GET", f"{path}/results"),
    ]:
        assert caller.http.request(method, url).status_code == 404


def test_an_instant_batch_ends_at_a_request(instant: Caller):
    """The first request about a batch ends it."""
    batch = instant.create("one", "two", "three", "four")
    assert batch["processing_status"] == "in_progress"
    assert instant.retrieve(batch["id"])["processing_status"] == "ended"


def test_an_instant_batch_can_be_canceled(instant: Caller):
    """Half of it succeeds, the rest is canceled."""
    batch = instant.create("one", "two", "three", "four")
    assert instant.cancel(batch["id"])["processing_status"] == "canceling"
    assert counts(instant.retrieve(batch["id"])) == {"succeeded": 2, "canceled": 2}


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_batch_takes_at_most_an_hour(size: int):
    """A batch of any size without slow requests ends within an hour."""
    pace = schedule(size)
    facts = Facts(size, pace, pace.startup + pace.step * size, created_at=0.0)
    end = ends_at(facts)
    assert end is not None
    assert end <= 3600.001
    assert status_at(facts, end - 0.01) == "in_progress"
    assert status_at(facts, end) == "ended"


def test_a_late_cancel_does_not_prevent_expiry():
    """A batch that is canceled in its last second expires."""
    facts = Facts(1, schedule(1), work=2 * DAY, created_at=0.0, cancel_at=DAY - 1.0)
    assert ends_at(facts) == DAY
    assert done_until(facts) == DAY
    assert unfinished_outcome(facts) == "expired"


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf"), "fast"])
def test_a_bad_speed_is_refused(speed: float):
    """The error names the value."""
    with pytest.raises(ValueError, match=f"speed must be positive, or 'instant'; got {speed!r}"):
        Sandbox(speed=speed)
