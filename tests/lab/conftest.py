"""One JupyterLab and one Chromium for all tests of this folder, and a hard time-out for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import chromium, new_page
from playwright.sync_api import expect

from benchmarks.jupyter import jupyter_lab
from gio_pandas import sandbox

from .lab import SECONDS, Lab

expect.set_options(timeout=1e3 * SECONDS)
VIEW = {"viewport": {"width": 1280, "height": 900}, "device_scale_factor": 2}


# Not longer than this folder: Playwright's event loop is in the way of other tests' own.
@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Start JupyterLab in a browser, for all tests of this folder."""
    with (
        chromium() as browser,
        jupyter_lab(tmp_path_factory.mktemp("jupyter")) as server,
        new_page(browser, **VIEW, locale="zh-CN") as page,
    ):
        lab = Lab(page, server)
        lab.start()
        yield lab


@pytest.fixture(scope="package")
def quick() -> Iterator[sandbox.Sandbox]:
    """Start a platform whose exports are done at once."""
    with sandbox.start(stage_seconds=0, users=2_000) as platform:
        yield platform
