"""The page for people."""

import pytest
from claude_batches.sandbox import Sandbox

from tests.sandbox.calls import Caller


def test_an_empty_sandbox_shows_how_to_point_a_client_at_it(sandbox: Sandbox, caller: Caller):
    page = caller.http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert f"ANTHROPIC_BASE_URL={sandbox.url}" in page.text


def test_the_page_shows_batches_and_how_far_they_are(sandbox: Sandbox, caller: Caller):
    batch = caller.create("one", "[[error:api_error]]")
    sandbox.advance(30)
    assert "2 processing" in caller.http.get("/").text
    sandbox.advance(100)
    page = caller.http.get("/").text
    assert f'href="/batches/{batch["id"]}"' in page
    assert "1 succeeded" in page
    assert "1 errored" in page


def test_the_page_looks_into_requests_and_results(sandbox: Sandbox, caller: Caller):
    batch = caller.create(*(f"Question {number}" for number in range(30)))
    path = f"/batches/{batch['id']}"
    assert "Question 24" in caller.http.get(path).text
    assert "Question 25" not in caller.http.get(path).text
    assert "You said" not in caller.http.get(path).text
    sandbox.advance(100)
    assert "You said: Question 29" in caller.http.get(path, params={"from": 25}).text


def test_what_requests_say_can_not_become_part_of_the_page(sandbox: Sandbox, caller: Caller):
    batch = caller.create("<script>alert(1)</script>")
    sandbox.advance(100)
    page = caller.http.get(f"/batches/{batch['id']}")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_request_without_a_message_is_shown_too(sandbox: Sandbox, caller: Caller):
    batch = caller.create_from([{"custom_id": "odd", "params": {}}])
    sandbox.advance(100)
    assert "errored" in caller.http.get(f"/batches/{batch['id']}").text


def test_watching_the_page_does_not_end_the_batches_of_an_instant_sandbox(instant: Caller):
    batch = instant.create("one")
    assert "1 processing" in instant.http.get("/").text
    assert "processing" in instant.http.get(f"/batches/{batch['id']}").text
    assert instant.cancel(batch["id"])["processing_status"] == "canceling"


def test_a_batch_that_does_not_exist_is_not_found(caller: Caller):
    assert caller.http.get("/batches/nope").status_code == 404


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}])
def test_the_page_is_only_for_this_machine(caller: Caller, headers):
    assert caller.http.get("/", headers=headers).status_code == 403
