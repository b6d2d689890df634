"""The page for people."""

from collections.abc import Callable

import pytest
from claude_batches.sandbox import Sandbox

from tests.sandbox.calls import Caller, params


def test_an_empty_sandbox_shows_how_to_use_it(sandbox: Sandbox, caller: Caller):
    """The page shows the environment variables to set."""
    page = caller.http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert f"ANTHROPIC_BASE_URL={sandbox.url}" in page.text


def test_the_page_lists_batches(sandbox: Sandbox, caller: Caller):
    """Each batch has its counts and a link."""
    batch = caller.create("one", "[[error:api_error]]")
    sandbox.advance(30)
    assert "2 processing" in caller.http.get("/").text
    sandbox.advance(100)
    page = caller.http.get("/").text
    assert f'href="/batches/{batch["id"]}"' in page
    assert "1 succeeded" in page
    assert "1 errored" in page


def test_a_batch_shows_requests_and_results(sandbox: Sandbox, caller: Caller):
    """Requests are shown in pages, with results after the end."""
    batch = caller.create(*(f"Question {number}" for number in range(30)))
    path = f"/batches/{batch['id']}"
    assert "Question 24" in caller.http.get(path).text
    assert "Question 25" not in caller.http.get(path).text
    assert "You said" not in caller.http.get(path).text
    sandbox.advance(100)
    assert "You said: Question 29" in caller.http.get(path, params={"from": 25}).text


def test_text_is_escaped(sandbox: Sandbox, caller: Caller):
    """HTML in a request is escaped, and the policy admits no inline script."""
    batch = caller.create("<script>alert(1)</script>")
    sandbox.advance(100)
    page = caller.http.get(f"/batches/{batch['id']}")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_invalid_requests_are_shown(sandbox: Sandbox, caller: Caller):
    """Params of any form are shown with their errors."""
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


def test_watching_does_not_end_instant_batches(instant: Caller):
    """The page is not a request about a batch."""
    batch = instant.create("one")
    assert "1 processing" in instant.http.get("/").text
    assert "processing" in instant.http.get(f"/batches/{batch['id']}").text
    assert instant.cancel(batch["id"])["processing_status"] == "canceling"


def test_an_unknown_batch_is_not_found(caller: Caller):
    """The page of an unknown batch is a 404 with its id escaped."""
    page = caller.http.get("/batches/<nope>")
    assert page.status_code == 404
    assert "&lt;nope&gt;" in page.text


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}])
def test_other_origins_cannot_read_the_page(caller: Caller, headers):
    """A foreign host or origin is answered with 403."""
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
def test_a_page_names_its_range(caller: Caller, size, query, place):
    """The range of requests and the links are right."""
    batch = caller.create(*("Hello" for _ in range(size)))
    page = caller.http.get(f"/batches/{batch['id']}{query}")
    assert page.status_code == 200
    if place is None:
        assert 'class="pages"' not in page.text
    else:
        assert place in page.text
    assert ('rel="next"' in page.text) == (place is not None and place.startswith("1 "))


def test_only_the_newest_100_batches_are_listed(caller: Caller):
    """The page reports it."""
    for _ in range(101):
        caller.create("one")
    page = caller.http.get("/").text
    assert page.count("<li>") == 100
    assert "newest 100" in page


def test_requests_are_filtered(sandbox: Sandbox, caller: Caller):
    """A filter shows the requests that match, over several pages, and how many there are."""
    texts = ["[[error:api_error]]" if number % 4 == 0 else "fine" for number in range(200)]
    path = f"/batches/{caller.create(*texts)['id']}"
    assert "No request matches" in caller.http.get(path, params={"outcome": "errored"}).text
    sandbox.advance(100)
    page = caller.http.get(path, params={"outcome": "errored"}).text
    assert "1 to 25 of 50" in page
    assert page.count('id="request-') == 25
    last = caller.http.get(path, params={"outcome": "errored", "from": 97}).text
    assert "26 to 50 of 50" in last
    assert "outcome=errored&amp;custom_id=&amp;from=0" in last
    assert 'rel="next"' not in last
    found = caller.http.get(path, params={"custom_id": "r19"}).text
    assert found.count('id="request-') == 11  # r19, and r190 to r199
    both = caller.http.get(path, params={"custom_id": "r19", "outcome": "errored"}).text
    assert both.count('id="request-') == 2  # r192 and r196
    hostile = caller.http.get(path, params={"custom_id": "' or 1=1 --\"<u>"}).text
    assert "No request matches" in hostile
    assert "<u>" not in hostile


def test_a_batch_shows_its_tokens_and_their_cost(sandbox: Sandbox, caller: Caller):
    """The totals are the sums of the usage of the results; the cost is that of the price list for batches."""
    prices = pytest.importorskip("genai_prices")
    batch = caller.create("one", "two", "[[error:api_error]]")
    path = f"/batches/{batch['id']}"
    assert "Input tokens" not in caller.http.get(path).text
    sandbox.advance(100)
    usages = [
        result["message"]["usage"]
        for result in caller.results(batch["id"]).values()
        if result["type"] == "succeeded"
    ]
    tokens = [sum(usage[name] for usage in usages) for name in ("input_tokens", "output_tokens")]
    page = eventually(lambda: caller.http.get(path).text, "Input tokens")
    assert f"Input tokens</dt><dd>{tokens[0]}" in page
    assert f"Output tokens</dt><dd>{tokens[1]}" in page
    usage = prices.Usage(input_tokens=tokens[0], output_tokens=tokens[1])
    price = prices.calc_price(
        usage, "claude-haiku-4-5", provider_id="anthropic", price_context={"processing": "batch"}
    )
    assert f"Estimated cost</dt><dd>${price.total_price:.4f}" in page


def test_tokens_of_an_unknown_model_have_no_cost(sandbox: Sandbox, caller: Caller):
    """Without a price only the tokens are shown."""
    requests = [{"custom_id": "only", "params": params(model="claude-mythos-99")}]
    path = f"/batches/{caller.create_from(requests)['id']}"
    sandbox.advance(100)
    page = eventually(lambda: caller.http.get(path).text, "Input tokens")
    assert "Estimated cost" not in page


def eventually(read: Callable[[], str], words: str) -> str:
    """Read again until some words are there: totals are counted in the background."""
    for _ in range(1000):
        text = read()
        if words in text:
            return text
    raise AssertionError(f"{words} never came")


def test_a_page_cancels_and_deletes(sandbox: Sandbox, caller: Caller):
    """The buttons of a batch do what the API's operations do, for a batch of any key."""
    batch = caller.create("one", "two")
    path = f"/_sandbox/batches/{batch['id']}"
    assert f'data-send="POST {path}/cancel"' in caller.http.get(f"/batches/{batch['id']}").text
    assert caller.http.delete(path).status_code == 400
    assert caller.http.post(f"{path}/cancel").json()["processing_status"] == "canceling"
    sandbox.advance(100)
    assert f'data-send="DELETE {path}"' in caller.http.get(f"/batches/{batch['id']}").text
    assert caller.http.delete(path).status_code == 200
    assert caller.http.get(f"/batches/{batch['id']}").status_code == 404
    assert caller.http.post(f"{path}/cancel").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_other_pages_cannot_use_the_controls(caller: Caller, headers: dict[str, str]):
    """A web page of another origin can neither cancel nor delete, nor move time, nor set faults."""
    batch = caller.create("one")
    before = caller.http.get("/_sandbox/clock").json()["now"][:13]
    for method, path in [
        ("POST", f"/_sandbox/batches/{batch['id']}/cancel"),
        ("DELETE", f"/_sandbox/batches/{batch['id']}"),
        ("POST", "/_sandbox/clock"),
        ("PUT", "/_sandbox/faults"),
        ("DELETE", "/_sandbox/faults"),
    ]:
        body = {"seconds": 86400, "profile": "hostile"}
        assert caller.http.request(method, path, json=body, headers=headers).status_code == 403
    assert caller.retrieve(batch["id"])["processing_status"] == "in_progress"
    assert caller.http.get("/_sandbox/clock").json()["now"][:13] == before
    assert caller.http.get("/_sandbox/faults").json()["faults"] == []


def test_the_page_shows_the_faults(caller: Caller):
    """Each fault is listed with the number of its strikes."""
    caller.http.put("/_sandbox/faults", json={"faults": [{"kind": "latency", "on": "list", "seconds": 0}]})
    caller.page()
    assert "latency on list, 1 struck" in caller.http.get("/").text
