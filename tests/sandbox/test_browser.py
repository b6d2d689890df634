"""The page for people, in a real browser: a headless Chromium of the system, driven by Playwright.

Skipped without one, unless CLAUDE_BATCHES_REQUIRE_BROWSER=1 requires it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from claude_batches.sandbox import Sandbox
from playwright.sync_api import Browser, LocatorAssertions, Page, expect, sync_playwright

from tests.sandbox.calls import BATCHES, Caller, params

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if CHROMIUM is None:
    story = "the sandbox's page was not tested in a browser: Chromium is not installed"
    if os.environ.get("CLAUDE_BATCHES_REQUIRE_BROWSER") == "1":
        pytest.fail(story)
    pytest.skip(story, allow_module_level=True)

HOSTILE = "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'>\"'&lt;b&gt;"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--disable-gpu", "--disable-quic"]
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, sandbox: Sandbox) -> Iterator[Page]:
    context = browser.new_context(base_url=sandbox.url)
    yield context.new_page()
    context.close()


def shown(page: Page, selector: str) -> LocatorAssertions:
    """Return an expectation of Playwright, which retries until it holds or the time is up."""
    return expect(page.locator(selector))


def look_into(page: Page, batch: dict[str, Any], position: int = 0) -> None:
    page.goto(f"/batches/{batch['id']}")
    page.locator(f"#request-{position} > summary").click()


def test_a_new_batch_appears_without_a_reload(page: Page, caller: Caller):
    """The list updates in place, and links to the batch."""
    page.goto("/")
    shown(page, "h1").to_have_text("No batches yet")
    page.evaluate("window.loaded = 'once'")
    batch = caller.create("one", "two")
    shown(page, ".batches li").to_contain_text(["2 processing"])
    assert page.evaluate("window.loaded") == "once"
    page.get_by_text(batch["id"]).click()
    shown(page, "h1").to_have_text(batch["id"])


def test_progress_and_counts_update(page: Page, caller: Caller, sandbox: Sandbox):
    """The page of a batch follows it to its end."""
    batch = caller.create("one", "two", "[[error:overloaded_error]]", "[[expire]]", "[[cancel]]")
    page.goto(f"/batches/{batch['id']}")
    page.evaluate("window.loaded = 'once'")
    shown(page, ".percent").to_have_text("0% done")
    sandbox.advance(30.5)  # of the 60.5 seconds that five requests take
    shown(page, ".percent").to_have_text("50% done")
    assert page.locator(".bar rect").get_attribute("width") == "50.41%"
    shown(page, ".tile").to_have_text(["5processing", "0succeeded", "0errored", "0canceled", "0expired"])
    sandbox.advance(100)
    shown(page, ".percent").to_have_text("100% done")
    shown(page, ".tile").to_have_text(["0processing", "2succeeded", "1errored", "1canceled", "1expired"])
    shown(page, "h1 + .badge").to_have_text("ended")
    assert page.evaluate("window.loaded") == "once"


def test_the_list_of_batches_updates(page: Page, caller: Caller, sandbox: Sandbox):
    """Progress and outcomes of the list follow the batches."""
    caller.create("one", "[[error:api_error]]")
    page.goto("/")
    shown(page, ".batches").to_contain_text("0% done")
    sandbox.advance(100)
    shown(page, ".batches .count").to_have_text(["1 succeeded", "1 errored"])


def test_an_open_request_gets_its_result(page: Page, caller: Caller, sandbox: Sandbox):
    """A request that is open stays open while its result arrives."""
    look_into(page, caller.create("What is a tide?"))
    shown(page, ".inside").to_contain_text('"content": "What is a tide?"')
    shown(page, ".inside").to_contain_text("No result yet")
    sandbox.advance(100)
    shown(page, ".inside").to_contain_text('"text": "You said: What is a tide?"')
    shown(page, ".inside pre").to_have_count(2)
    assert page.locator(".inside pre").last.is_visible()


def test_unchanged_sections_stay(page: Page, caller: Caller, sandbox: Sandbox):
    """A refresh replaces changed sections only."""
    look_into(page, caller.create("one"))
    page.evaluate("document.querySelector('#requests').marked = true")
    sandbox.advance(30)
    shown(page, ".percent").to_have_text("49% done")
    assert page.evaluate("document.querySelector('#requests').marked")


def test_hostile_text_stays_text(page: Page, caller: Caller, sandbox: Sandbox):
    """HTML in requests and results is shown as text."""
    tool = {"name": "look", "description": HOSTILE, "input_schema": {"type": "object"}}
    look_into(page, caller.create_from([{"custom_id": "hostile", "params": params(HOSTILE, tools=[tool])}]))
    shown(page, ".asks").to_have_text(HOSTILE)
    sandbox.advance(100)
    shown(page, ".says").to_have_text(f"You said: {HOSTILE}")
    assert page.locator("main script, main img").count() == 0
    assert page.evaluate("window.owned") is None


def test_the_policy_refuses_injected_scripts(page: Page, caller: Caller):
    """The browser blocks a script that got into the page."""
    caller.create("one")
    page.goto("/")
    refused = page.evaluate(
        """() => new Promise((resolve) => {
          document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
          document.querySelector("main").innerHTML = "<b onclick='window.owned = 1'>";
          document.querySelector("main b").click();
          setTimeout(resolve, 5000, "nothing was refused");
        })"""
    )
    assert refused == "script-src-attr"
    assert page.evaluate("window.owned") is None


def test_the_page_loads_nothing_from_elsewhere(page: Page, caller: Caller, sandbox: Sandbox):
    """All requests go to the sandbox, and the console stays empty."""
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(error.message))
    look_into(page, caller.create("one"))
    sandbox.advance(100)
    shown(page, "h1 + .badge").to_have_text("ended")
    assert f"{sandbox.url}/_sandbox/page.css" in asked
    assert [url for url in asked if not url.startswith(f"{sandbox.url}/")] == []
    assert complaints == []


@pytest.mark.parametrize("path", ["/", "/batches/{id}"])
def test_the_page_fits_a_phone(page: Page, caller: Caller, sandbox: Sandbox, path: str):
    """Nothing is wider than a narrow screen."""
    page.set_viewport_size({"width": 340, "height": 700})
    batch = caller.create_from([{"custom_id": "x" * 64, "params": params("wide" * 500)}])
    sandbox.advance(100)
    page.goto(path.format(**batch))
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 340


def test_the_page_follows_the_colour_scheme(page: Page):
    """Light and dark follow the system."""
    page.goto("/")
    papers: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert papers == ["rgb(246, 245, 242)", "rgb(25, 24, 23)"]


def test_a_lost_sandbox_is_noticed(page: Page, caller: Caller):
    """The page reports a stopped sandbox, until it answers again."""
    caller.create("one")
    page.goto("/")
    shown(page, "#lost").to_be_hidden()
    page.context.set_offline(True)
    shown(page, "#lost").to_be_visible()
    shown(page, ".batches").to_contain_text("1 processing")
    page.context.set_offline(False)
    shown(page, "#lost").to_be_hidden()


def test_a_deleted_batch_is_noticed(page: Page, caller: Caller, sandbox: Sandbox):
    """The page of a deleted batch reports the deletion."""
    batch = caller.create("one")
    sandbox.advance(100)
    page.goto(f"/batches/{batch['id']}")
    assert caller.http.delete(f"{BATCHES}/{batch['id']}").status_code == 200
    shown(page, "h1").to_have_text("No such batch")


def test_the_controls_move_time_and_set_faults(page: Page, caller: Caller):
    """Buttons of the overview advance the clock, set and remove faults, and show an error in words."""
    batch = caller.create("one")
    page.goto("/")
    page.locator("#control-panel > summary").click()
    page.get_by_role("button", name="1 hour").click()
    shown(page, ".batches .percent").to_have_count(0)  # as it has ended
    assert caller.retrieve(batch["id"])["processing_status"] == "ended"
    page.get_by_role("button", name="Apply").first.click()
    shown(page, "#faults").to_contain_text("latency on any (30%), 0 struck")
    page.get_by_role("button", name="Remove all faults").click()
    shown(page, "#faults").to_have_text("")
    page.locator("textarea").fill('[{"kind": "gremlin"}]')
    page.get_by_role("button", name="Apply").last.click()
    shown(page, "#notice").to_contain_text("'gremlin' is not a kind of fault")
    page.locator("textarea").fill("[")
    page.get_by_role("button", name="Apply").last.click()
    shown(page, "#notice").to_contain_text("SyntaxError")
    page.locator("textarea").fill('[{"kind": "latency", "seconds": 0}]')
    page.get_by_role("button", name="Apply").last.click()
    shown(page, "#notice").to_be_hidden()
    shown(page, "#faults").to_contain_text("latency on any, 0 struck")


def test_a_batch_is_canceled_and_deleted_by_buttons(page: Page, caller: Caller, sandbox: Sandbox):
    """Cancel acts at once, Delete after a confirmation."""
    batch = caller.create("one", "two")
    page.goto(f"/batches/{batch['id']}")
    page.get_by_role("button", name="Cancel").click()
    shown(page, "h1 + .badge").to_have_text("canceling")
    sandbox.advance(100)
    delete = page.get_by_role("button", name="Delete")
    page.once("dialog", lambda dialog: dialog.dismiss())
    delete.click()
    assert caller.retrieve(batch["id"])["processing_status"] == "ended"
    page.once("dialog", lambda dialog: dialog.accept())
    delete.click()
    shown(page, "h1").to_have_text("No such batch")


def test_a_filter_stays_while_the_page_refreshes(page: Page, caller: Caller, sandbox: Sandbox):
    """The filter form narrows the requests, and refreshing keeps it."""
    batch = caller.create("one", "[[error:api_error]]", "three")
    sandbox.advance(100)
    page.goto(f"/batches/{batch['id']}")
    page.select_option("select[name=outcome]", "errored")
    page.get_by_role("button", name="Filter").click()
    shown(page, ".requests summary code").to_have_text(["r1"])
    shown(page, "#facts").to_contain_text("Input tokens")  # which comes with a refresh
    shown(page, ".requests summary code").to_have_text(["r1"])
    page.get_by_label("custom_id contains").fill("r2")
    page.get_by_role("button", name="Filter").click()
    shown(page, "#requests").to_have_text("No request matches.")
    page.get_by_role("link", name="Show all").click()
    shown(page, ".requests summary code").to_have_count(3)
