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
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_request_without_a_message_is_shown_too(sandbox: Sandbox, caller: Caller):
    odd = [
        {},
        {"messages": 1},
        {"messages": {"role": "user"}},
        {"messages": [None]},
        {"messages": [{"role": "user"}]},
    ]
    batch = caller.create_from(
        [{"custom_id": f"odd{index}", "params": given} for index, given in enumerate(odd)]
    )
    sandbox.advance(100)
    page = caller.http.get(f"/batches/{batch['id']}")
    assert page.status_code == 200
    assert page.text.count("invalid_request_error: ") == len(odd)


def test_watching_the_page_does_not_end_the_batches_of_an_instant_sandbox(instant: Caller):
    batch = instant.create("one")
    assert "1 processing" in instant.http.get("/").text
    assert "processing" in instant.http.get(f"/batches/{batch['id']}").text
    assert instant.cancel(batch["id"])["processing_status"] == "canceling"


def test_a_batch_that_does_not_exist_is_not_found(caller: Caller):
    page = caller.http.get("/batches/<nope>")
    assert page.status_code == 404
    assert "&lt;nope&gt;" in page.text


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}])
def test_the_page_is_only_for_this_machine(caller: Caller, headers):
    assert caller.http.get("/", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("size", "query", "place"),
    [
        (25, "", None),
        (26, "", "1 to 25 of 26"),
        (26, "?from=25", "26 to 26 of 26"),
        (26, "?from=99", "26 to 26 of 26"),
        (26, "?from=-1", "1 to 25 of 26"),
    ],
)
def test_a_page_says_which_requests_it_shows_if_there_are_more(caller: Caller, size, query, place):
    batch = caller.create(*("Hello" for _ in range(size)))
    page = caller.http.get(f"/batches/{batch['id']}{query}")
    assert page.status_code == 200
    if place is None:
        assert 'class="pages"' not in page.text
    else:
        assert place in page.text
    assert ('rel="next"' in page.text) == (place is not None and place.startswith("1 "))


def test_only_the_newest_hundred_batches_are_listed(caller: Caller):
    for _ in range(101):
        caller.create("one")
    page = caller.http.get("/").text
    assert page.count("<li>") == 100
    assert "newest 100" in page
