"""The site builds without a warning, and its pages work in a browser: a headless Chromium of the system.

The tests in a browser are skipped without Chromium, unless CLAUDE_BATCHES_REQUIRE_BROWSER=1 requires it.
"""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import claude_batches
import claude_batches.jobs
import claude_batches.sandbox
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.docs.snippets import ROOT

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
#: Words that a reader may search for, and the page with the answer.
QUESTIONS = [
    ("AmbiguousCreateError", "howto/ambiguous.html"),
    ("cron", "howto/schedule.html"),
    ("proxy", "howto/proxies.html"),
    ("parquet", "howto/tables.html"),
    ("pydantic", "howto/answers.html"),
    ("budget", "howto/costs.html"),
    ("prompt caching", "howto/caching.html"),
    ("pytest plugin", "howto/testing.html"),
    ("exit statuses", "reference/exit-statuses.html"),
    ("ledger schema", "reference/ledger.html"),
    ("ETag", "explanation/resuming.html"),
    ("logging", "howto/logging.html"),
    ("OpenTelemetry", "howto/logging.html"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it, without a way to the network."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--fresh-env", "--nitpicky", "--fail-on-warning", "--keep-going"]
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, "-d", folder / "cache", ROOT / "docs", folder / "html"],
        capture_output=True,
        text=True,
        env={**os.environ, **nowhere},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The address of a server of the static folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=site)
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        story = "the site was not tried in a browser: Chromium is missing"
        if os.environ.get("CLAUDE_BATCHES_REQUIRE_BROWSER") == "1":
            pytest.fail(story)
        pytest.skip(story)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--disable-gpu", "--disable-quic"]
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("module", [claude_batches, claude_batches.jobs, claude_batches.sandbox])
def test_public_names_are_described(site: Path, module: ModuleType):
    """Every public name is in the reference, or in the guide for users of the official SDK."""
    pages = [*site.glob("reference/*.html"), site / "migrate.html"]
    words = {word for page in pages for word in re.findall(r"\w+", page.read_text(encoding="utf-8"))}
    assert [name for name in module.__all__ if name not in words | {"__version__", "pagination"}] == []


def test_names_link_to_their_pages(site: Path):
    """Public classes in annotations, types of the API and errors are links; names of builtins are none."""
    text = (site / "reference/python.html").read_text(encoding="utf-8")
    for target in ("#claude_batches.Page", "types.html#type-messagebatch", "error-tree.html#error-apierror"):
        assert f'href="{target}"' in text, target
    assert 'title="claude_batches.DownloadProgress.bytes"' not in text


def test_pages_load_without_an_error(page: Page, site: Path, address: str):
    """No page has an error in the console, loads from elsewhere, or is wider than a phone."""
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith((address, "data:")) else problems.append(request.url),
    )
    names = sorted(
        path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts
    )
    assert "tutorial.html" in names
    for name in names:
        page.goto(f"{address}/{name}")
        if (width := page.evaluate("document.scrollingElement.scrollWidth")) > 390:
            problems.append(f"{name} is {width} wide")
        if page.evaluate("[...document.images].some(image => image.complete && !image.naturalWidth)"):
            problems.append(f"{name} has a broken picture")
        assert problems == [], name


def test_search_answers_questions(page: Page, address: str):
    """The page with the answer is among the first five that the search finds."""
    for words, answer in QUESTIONS:
        page.goto(f"{address}/search.html?q={words}")
        expect(page.locator("#search-results > p, #search-results .search-summary").first).to_contain_text(
            "found"
        )
        found = page.locator("#search-results li > a").evaluate_all(
            "links => links.map(link => link.pathname)"
        )
        assert f"/{answer}" in found[:5], (words, found[:8])


def test_the_scheme_follows_the_system(browser: Browser, address: str):
    """A dark system has dark pages, diagrams included."""
    colours = {}
    for scheme in ("dark", "light"):
        context = browser.new_context(color_scheme=scheme)
        shown = context.new_page()
        shown.goto(f"{address}/explanation/life.html")
        colours[scheme] = shown.locator("svg.diagram").first.evaluate(
            "picture => [getComputedStyle(document.body).backgroundColor, getComputedStyle(picture).color]"
        )
        context.close()
    assert colours["dark"][0] != colours["light"][0]
    assert colours["dark"][1] != colours["light"][1]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_of_the_repository_lead_somewhere(name: str):
    """Each relative link of a page at the top names a file."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_make_docs_is_as_strict_as_this_test():
    """`make docs` fails on a warning as well."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "-m sphinx --fresh-env --nitpicky --fail-on-warning --keep-going" in recipe
