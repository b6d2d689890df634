"""Update docs/sandbox.png: the sandbox's page with batches of the demo, on a desktop and on a phone.

Needs `playwright` and a Chromium of the system: `python docs/screenshot.py`.
"""

from __future__ import annotations

import shutil
from base64 import b64encode
from pathlib import Path
from typing import Literal

from claude_batches import Client
from claude_batches.cli._demo_requests import demo_requests
from claude_batches.sandbox import Sandbox
from playwright.sync_api import Browser, sync_playwright

PICTURE = Path(__file__).with_name("sandbox.png")
MODEL = "claude-haiku-4-5"
HEIGHT, GAP = 580, 20
FRAME = f"body {{ margin: {GAP}px; display: flex; gap: {GAP}px; background: #d9d5cc }} img {{ border-radius: 10px }}"


def fill(sandbox: Sandbox) -> str:
    """Create batches of all kinds, and return the id of the one with all outcomes."""
    with Client(base_url=sandbox.url, api_key="any") as client:
        batches = client.messages.batches
        batches.create(requests=demo_requests(1_000, model=MODEL))
        sandbox.advance(1_000)
        batches.list()
        canceled = batches.create(requests=demo_requests(400, model=MODEL))
        sandbox.advance(80)
        batches.cancel(canceled.id)
        sandbox.advance(60)
        mixed = batches.create(requests=demo_requests(50, model=MODEL))
        sandbox.advance(4_000)
        batches.create(requests=demo_requests(2_500, model=MODEL))
        sandbox.advance(190)
        batches.create(requests=demo_requests(120, model=MODEL))
        sandbox.advance(12)
        return mixed.id


def shot(
    browser: Browser, url: str, *, width: int, scheme: Literal["light", "dark"], unfold: str = ""
) -> str:
    """Return a screenshot as an HTML image."""
    page = browser.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)
    page.goto(url)
    if unfold:
        page.locator(unfold).click()
        page.locator("#filter").evaluate("part => part.scrollIntoView()")
    picture = b64encode(page.screenshot()).decode()
    page.close()
    return f'<img src="data:image/png;base64,{picture}">'


def take() -> None:
    """Take the picture."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("Chromium is not installed")
    with Sandbox(speed=1) as sandbox, sync_playwright() as playwright:
        mixed = fill(sandbox)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--disable-quic"])
        desk = shot(browser, sandbox.url, width=980, scheme="light")
        phone = shot(
            browser,
            f"{sandbox.url}/batches/{mixed}",
            width=380,
            scheme="dark",
            unfold="#request-2 > summary",
        )
        page = browser.new_page(viewport={"width": 980 + 380 + 3 * GAP, "height": HEIGHT + 2 * GAP})
        page.set_content(f"<style>{FRAME}</style>{desk}{phone}")
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    take()
