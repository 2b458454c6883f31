"""Verbs in cells: what is seen while they run, and what is left when they are done."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from gio_pandas import sandbox

from .cells import connected
from .lab import SECONDS, Lab, words_of

pytestmark = pytest.mark.timeout(90)

READ = 'df = gio.read_segment("高价值用户", tags=["会员等级"], properties=["usr_city"])'


def test_a_read_shows_how_far_it_is(lab: Lab) -> None:
    """A bar that tells what it is for while it lasts; then a line that stays in the notebook."""
    with (
        sandbox.start(users=20_000, stage_seconds=0.7) as platform,
        lab.open(connected(platform), READ) as notebook,
    ):
        notebook.run(0)
        output = notebook.begin(1)
        bar = output.get_by_role("progressbar", name=re.compile("高价值用户"))
        bar.wait_for()
        expect(bar).to_have_attribute("aria-valuetext", re.compile("queued|RUNNING|DATA_READY"))
        expect(output).to_contain_text("2,000 rows", timeout=1e3 * SECONDS)
        expect(bar).to_have_count(0)
        assert notebook.kernel_value("df.shape, df.columns[0]") == [[2_000, 4], "gio_id"]
        told = words_of(output)
        assert "高价值用户" in told
        notebook.save()
        with notebook.reopen() as again:
            assert words_of(again.output(1)) == told
