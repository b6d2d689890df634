"""What becomes of a batch as sandbox time passes."""

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

from tests.sandbox.calls import BATCHES, Caller

DAY = 24 * 3600


def counts(batch):
    return {name: count for name, count in batch["request_counts"].items() if count}


def test_a_batch_counts_everything_as_processing_until_it_ends(sandbox: Sandbox, caller: Caller):
    batch = caller.create("one", "two", "[[error:api_error]]")
    assert batch["processing_status"] == "in_progress"
    sandbox.advance(60)
    assert counts(caller.retrieve(batch["id"])) == {"processing": 3}
    sandbox.advance(1)
    ended = caller.retrieve(batch["id"])
    assert (ended["processing_status"], counts(ended)) == ("ended", {"succeeded": 2, "errored": 1})
    assert ended["created_at"] < ended["ended_at"] < ended["expires_at"]


def test_results_url_is_absolute_and_only_there_once_the_batch_has_ended(sandbox: Sandbox, caller: Caller):
    batch = caller.create("one")
    assert batch["results_url"] is None
    sandbox.advance(100)
    url = caller.retrieve(batch["id"])["results_url"]
    assert url == f"{sandbox.url}{BATCHES}/{batch['id']}/results"
    assert caller.http.get(url).status_code == 200


def test_results_before_the_end_are_not_found_and_the_message_says_why(caller: Caller):
    batch = caller.create("one")
    response = caller.http.get(f"{BATCHES}/{batch['id']}/results")
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "not_found_error"
    assert "in_progress" in response.json()["error"]["message"]


def test_what_is_not_done_after_24_hours_expires(sandbox: Sandbox, caller: Caller):
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


def test_results_are_archived_29_days_after_creation(sandbox: Sandbox, caller: Caller):
    batch = caller.create("one")
    sandbox.advance(29 * DAY - 1)
    assert caller.retrieve(batch["id"])["archived_at"] is None
    sandbox.advance(1)
    archived = caller.retrieve(batch["id"])
    assert archived["archived_at"] is not None
    assert archived["results_url"] is None
    response = caller.http.get(f"{BATCHES}/{batch['id']}/results")
    assert (response.status_code, "archived" in response.json()["error"]["message"]) == (404, True)


def test_a_canceled_batch_finishes_what_is_running_and_cancels_the_rest(sandbox: Sandbox, caller: Caller):
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


def test_canceling_twice_changes_nothing(sandbox: Sandbox, caller: Caller):
    batch = caller.create("one", "two")
    first = caller.cancel(batch["id"])
    sandbox.advance(1)
    assert caller.cancel(batch["id"]) == first


def test_a_batch_that_has_ended_can_not_be_canceled(sandbox: Sandbox, caller: Caller):
    batch = caller.create("one")
    sandbox.advance(100)
    response = caller.http.post(f"{BATCHES}/{batch['id']}/cancel")
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")


def test_only_a_batch_that_has_ended_can_be_deleted_and_then_it_is_gone(sandbox: Sandbox, caller: Caller):
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


def test_an_instant_sandbox_ends_a_batch_when_somebody_looks(instant: Caller):
    batch = instant.create("one", "two", "three", "four")
    assert batch["processing_status"] == "in_progress"
    assert instant.retrieve(batch["id"])["processing_status"] == "ended"


def test_an_instant_sandbox_still_lets_a_new_batch_be_canceled(instant: Caller):
    batch = instant.create("one", "two", "three", "four")
    assert instant.cancel(batch["id"])["processing_status"] == "canceling"
    assert counts(instant.retrieve(batch["id"])) == {"succeeded": 2, "canceled": 2}


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_every_batch_without_slow_requests_is_done_within_an_hour_or_so(size: int):
    pace = schedule(size)
    facts = Facts(size, pace, pace.startup + pace.step * size, created_at=0.0)
    end = ends_at(facts)
    assert end is not None
    assert end <= 3600.001
    assert status_at(facts, end - 0.01) == "in_progress"
    assert status_at(facts, end) == "ended"


def test_a_batch_that_is_canceled_in_its_last_seconds_expires_all_the_same():
    facts = Facts(1, schedule(1), work=2 * DAY, created_at=0.0, cancel_at=DAY - 1.0)
    assert ends_at(facts) == DAY
    assert done_until(facts) == DAY
    assert unfinished_outcome(facts) == "expired"


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf"), "fast"])
def test_a_speed_that_is_none_is_refused_in_words(speed: float):
    with pytest.raises(ValueError, match=f"speed must be positive, or 'instant'; got {speed!r}"):
        Sandbox(speed=speed)
