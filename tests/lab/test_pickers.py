"""Pickers: one list to search in, and what is chosen there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from gio_pandas import sandbox

from .cells import connected
from .lab import Lab, input_method

pytestmark = pytest.mark.timeout(90)

PICKER = "picker = gio.SegmentPicker()\npicker"


@pytest.fixture(scope="module")
def platform() -> Iterator[sandbox.Sandbox]:
    """Start a platform with ten thousand segments."""
    with sandbox.start(stage_seconds=0, users=2_000, segments=10_000) as platform:
        yield platform


def names(options: Locator) -> list[str]:
    """Return the names in a list."""
    return options.locator(".gio-name").all_inner_texts()


def test_chinese_is_searched_when_it_is_written(platform: sandbox.Sandbox, lab: Lab) -> None:
    """The letters of an input method filter nothing; the word they become does, and Enter takes."""
    with lab.open(connected(platform), PICKER) as notebook:
        notebook.run(0)
        output = notebook.run(1)
        field = output.get_by_role("combobox", name="分群 Segment")
        options = output.get_by_role("option")
        expect(output).to_contain_text("10,260 segments")
        expect(options).to_have_count(50)
        before = names(options)
        field.click()
        with input_method(lab.page) as method:
            method.compose("beijing")
            lab.page.keyboard.press("Enter")  # of the input method, for it alone
            assert names(options) == before
            assert notebook.kernel_value("picker.value") is None
            method.choose("北京")
        expect(output).to_contain_text(re.compile(r"\d+ found"))
        assert names(options)
        assert all("北京" in name for name in names(options))
        wanted = names(options)[1]
        lab.page.keyboard.press("ArrowDown")
        lab.page.keyboard.press("Enter")
        expect(field).to_have_value(wanted)
        assert notebook.kernel_value("picker.selected.name") == wanted
        assert notebook.kernel_value("picker.code()") == f'df = gio.read_segment("{wanted}")'


def test_one_of_ten_thousand(platform: sandbox.Sandbox, lab: Lab) -> None:
    """A few letters of a name, in any order, find it; the kernel has its id, and reads it."""
    with lab.open(connected(platform), PICKER, "df = picker.read()") as notebook:
        notebook.run(0)
        output = notebook.run(1)
        field = output.get_by_role("combobox", name="分群 Segment")
        expect(output).to_contain_text("50 of 10,260")
        field.fill("-7777")
        only = output.get_by_role("option")
        expect(only).to_have_count(1)
        (name,) = names(only)
        behaviour, region, number = name.split("-")
        field.fill(f"{number} {region} {behaviour}")
        expect(only).to_have_count(1)
        only.click()
        expect(field).to_have_value(name)
        notebook.run(2)
        assert notebook.kernel_value("df.attrs['gio']['name']") == name
        assert notebook.kernel_value("len(df) == picker.selected.users > 0") is True
