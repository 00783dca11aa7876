"""Save screenshots of every page in every state, light and dark, wide and narrow, to screenshots/: `make screenshots`.

This is a pytest file only because it needs the test servers and fixtures. It shows the demo data and asserts nothing.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from tests.browser.states import STATES, show
from tests.browser.world import demo_world

FOLDER = Path(__file__).resolve().parents[3] / "screenshots"
DOCS = FOLDER.parent / "docs"
PICTURES = {"single": ("single.png", 1230), "preview": ("preview.png", 1560)}  # shown in the README
PRINTED = ("succeeded", "with-errors")
PAPER = 718  # width in pixels of an A4 page without margins
WIDTHS = (1280, 320)
SCHEMES = ("light", "dark")


@pytest.mark.django_db(transaction=True)
def test_take_screenshots(chromium: Browser, live_server: LiveServer, no_messages: None) -> None:
    FOLDER.mkdir(exist_ok=True)
    world = demo_world()
    wanted = os.environ.get("STATES", "").split() or STATES
    for name in wanted:
        with chromium.new_context(base_url=live_server.url, reduced_motion="reduce") as context:
            page = context.new_page()
            page.set_viewport_size({"width": 1280, "height": 900})
            show(name, page, live_server, world)
            take(name, page)


def take(name: str, page: Page) -> None:
    for scheme in SCHEMES:
        for width in WIDTHS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=FOLDER / f"{name}-{scheme}-{width}.png", full_page=True)
    if name in PRINTED:
        page.emulate_media(color_scheme="dark", media="print")
        page.set_viewport_size({"width": PAPER, "height": 1000})
        page.screenshot(path=FOLDER / f"{name}-print.png", full_page=True)
    if name in PICTURES:
        page.emulate_media(color_scheme="light")
        file, height = PICTURES[name]
        page.set_viewport_size({"width": 1100, "height": height})
        page.screenshot(path=DOCS / file)
