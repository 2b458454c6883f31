"""``%gio`` in cells."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from gio_pandas import sandbox

from .cells import connected
from .lab import Lab, words_of

pytestmark = pytest.mark.timeout(90)

LOAD = "%load_ext gio_pandas"


def test_tab_offers_the_names_on_the_platform(quick: sandbox.Sandbox, lab: Lab) -> None:
    """Lab's popup lists Chinese names; what is taken stands in the cell, in quotes if need be."""
    cells = (LOAD, connected(quick), "%gio segments", "%gio segment 分群", "%gio segment 双")
    with lab.open(*cells) as notebook:
        for index in range(3):
            notebook.run(index)
        quick.forget_requests()
        editor = notebook.write(3, "")
        editor.press("Tab")
        offered = lab.page.locator(".jp-Completer .jp-Completer-item")
        expect(offered.filter(has_text="分群2")).to_be_visible()
        assert offered.count() >= 5
        offered.filter(has_text="分群2").click()
        expect(editor).to_have_text("%gio segment 分群2")
        lab.page.keyboard.insert_text(" -o df --head 3")
        editor = notebook.write(4, "")
        editor.press("Tab")
        expect(offered).to_have_count(1)
        editor.press("Enter")
        expect(editor).to_have_text('%gio segment "双 11 大促　加购 未支付"')
        assert quick.requests == ()  # Tab asks nobody
        notebook.run(3)
        assert notebook.kernel_value("len(df), df.attrs['gio']['name']") == [104, "分群2"]
        expect(notebook.output(3).locator("tbody tr")).to_have_count(3)


def test_a_mistake_is_one_line(quick: sandbox.Sandbox, lab: Lab) -> None:
    """A name that is not there: a line with names like it, and no page of our frames."""
    with lab.open(LOAD, connected(quick), "%gio segment 高价值客户") as notebook:
        notebook.run(0)
        notebook.run(1)
        output = notebook.run(2)
        # A machine that is slow shows how far it was, too.
        told = output.locator(".jp-OutputArea-output", has_text="高价值用户")
        expect(told).to_have_count(1)
        assert len(told.inner_text().strip().splitlines()) == 1
        assert "Traceback" not in words_of(output)
