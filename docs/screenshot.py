"""Make docs/sandbox.png again: the sandbox's page with a few batches of the demo, as Chromium shows it.

Needs `playwright` and a Chromium of the system: `python docs/screenshot.py`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from claude_batches import Client
from claude_batches.cli._requests import demo_requests
from claude_batches.sandbox import Sandbox
from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).with_name("sandbox.png")
MODEL = "claude-haiku-4-5"


def fill(sandbox: Sandbox) -> str:
    """Leave batches of all sorts in the sandbox, and tell which of them shows the most."""
    with Client(base_url=sandbox.url, api_key="any") as client:
        batches = client.messages.batches
        batches.create(requests=demo_requests(1_000, model=MODEL, magic=False))
        sandbox.advance(1_000)
        batches.list()
        canceled = batches.create(requests=demo_requests(400, model=MODEL, magic=True))
        sandbox.advance(80)
        batches.cancel(canceled.id)
        sandbox.advance(60)
        mixed = batches.create(requests=demo_requests(50, model=MODEL, magic=True))
        sandbox.advance(4_000)
        batches.create(requests=demo_requests(2_500, model=MODEL, magic=False))
        sandbox.advance(190)
        batches.create(requests=demo_requests(120, model=MODEL, magic=False))
        sandbox.advance(12)
        return mixed.id


def take() -> None:
    """Take the picture."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("There is no chromium on this machine")
    with Sandbox(speed=1) as sandbox, sync_playwright() as playwright:
        fill(sandbox)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--disable-quic"])
        page = browser.new_page(viewport={"width": 1000, "height": 620}, color_scheme="light")
        page.goto(sandbox.url)
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    take()
