"""A real Chromium for the tests that need one, driven by Playwright's synchronous interface.

Keep it no longer than a module: Playwright leaves an event loop running in the main thread, and
with that no other test could call ``asyncio.run``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LAUNCH_MS, ACTION_MS = 30_000, 10_000
NAMES = ("chromium", "chromium-browser", "google-chrome")
# Read before any test clears the environment of what begins with GIO_.
NAMED = os.environ.get("GIO_CHROMIUM")


def program() -> str | None:
    """Find Chromium: ``GIO_CHROMIUM``, else what this machine has by one of its usual names."""
    return NAMED or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium; without one the test is skipped, or fails where ``CI`` is set."""
    found = program()
    if found is None:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(f"no Chromium here: install one of {', '.join(NAMES)}, or set GIO_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, headless=True, args=FLAGS, timeout=LAUNCH_MS
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def new_page(owner: Browser | BrowserContext, **options: object) -> Iterator[Page]:
    """Open a page in which nothing waits for longer than ``ACTION_MS``."""
    page = owner.new_page(**options)
    page.set_default_timeout(ACTION_MS)
    try:
        yield page
    finally:
        page.close()
