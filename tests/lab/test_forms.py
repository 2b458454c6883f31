"""What is seen where a front end or a kernel cannot do all, and what keeps itself up to date."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from gio_pandas import sandbox

from .cells import connected
from .lab import Lab, words_of
from .pick import button, choose, opened

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(scope="module")
def platform() -> Iterator[sandbox.Sandbox]:
    """Start a platform on which an export takes as long as a look at it."""
    with sandbox.start(users=2_000, stage_seconds=0.5) as started:
        yield started


def test_plain_lists_lead_to_a_frame_too(platform: sandbox.Sandbox, lab: Lab) -> None:
    """Where anywidget cannot load: a field, a list of ipywidgets' own, and the same export."""
    pick = 'picked = gio.pick(plain=True, into="df")\npicked'
    with lab.open(connected(platform), pick) as notebook:
        output = opened(notebook)
        search = output.get_by_role("textbox", name=re.compile("分群 Segment"))
        search.fill("预警")
        search.press("Enter")
        found = output.get_by_role("listbox", name=re.compile("分群 Segment"))
        expect(found.get_by_role("option")).to_have_count(1)
        found.select_option(index=0)
        expect(output).to_contain_text('gio.read_segment("流失预警用户")')
        button(output, "Export").click()
        expect(output).to_contain_text("df = 300 rows")
        assert notebook.kernel_value("df.attrs['gio']['name']") == "流失预警用户"


def test_a_saved_picker_is_read_without_a_kernel(platform: sandbox.Sandbox, lab: Lab) -> None:
    """What it is, of which platform, what was chosen and the code: no address of an object."""
    line = 'df = gio.read_segment("流失预警用户")'
    with lab.open(connected(platform), "gio.SegmentPicker()") as notebook:
        notebook.run(0)
        output = notebook.run(1)
        form = output.get_by_text("SegmentPicker · 分群 Segment")
        expect(output).to_contain_text("260 segments")
        expect(form).to_be_hidden()
        choose(output, "分群 Segment", "流失预警用户")
        expect(form.locator("..")).to_contain_text(line)
        saved = notebook.save()
        assert line in saved.cells[1].outputs[0]["data"]["text/plain"]
        assert " at 0x" not in str(saved.cells[1].outputs)
        with notebook.reopen() as again:
            expect(again.output(1).get_by_text("SegmentPicker · 分群 Segment")).to_be_visible()
            expect(again.output(1)).to_contain_text(line)


def test_a_jobs_card_keeps_itself_up_to_date(platform: sandbox.Sandbox, lab: Lab) -> None:
    """The cell is done at once; its card says when the platform is, and stays so when saved."""
    submit = 'job = gio.submit_segment("高价值用户")\njob'
    with lab.open(connected(platform), submit) as notebook:
        notebook.run(0)
        output = notebook.run(1)
        expect(output).to_contain_text("segment (分群) '高价值用户'")
        expect(output).to_contain_text("FINISH")
        assert notebook.kernel_value("job.stage, len(job.uris)") == ["FINISH", 1]
        assert len(platform.jobs) == len(set(platform.jobs))
        told = words_of(output)
        notebook.save()
        with notebook.reopen() as again:
            assert words_of(again.output(1)) == told
