"""``gio.pick()``: from a project to a frame on one screen."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from gio_pandas import sandbox

from .accessibility import NAMELESS, controls
from .cells import connected
from .lab import SECONDS, Lab
from .pick import button, choose, field, go, opened

pytestmark = pytest.mark.timeout(90)

PICK = "picked = gio.pick()\npicked"
VIP = "高价值用户"


@pytest.fixture(scope="module")
def slow() -> Iterator[sandbox.Sandbox]:
    """Start a platform on which an export takes as long as a look at it."""
    with sandbox.start(users=2_000, stage_seconds=0.5) as platform:
        yield platform


def test_the_whole_way_needs_no_mouse(slow: sandbox.Sandbox, lab: Lab) -> None:
    """Tab, letters and Enter lead from the cell to a frame in a variable, with what was asked."""
    with lab.open(connected(slow), PICK) as notebook:
        notebook.run(0)
        notebook.cell(1).locator(".cm-content").focus()
        keyboard = lab.page.keyboard
        keyboard.press("Control+Enter")
        output = notebook.output(1)
        expect(output).to_contain_text("260 segments")
        before = len(slow.jobs)
        go(field(output, "分群 Segment"))
        keyboard.insert_text("预警")
        expect(output).to_contain_text("1 found")
        keyboard.press("Enter")
        export = button(output, "Export")
        expect(field(output, "分群 Segment")).to_be_focused()
        keyboard.press("Enter")  # once too often
        go(field(output, "附加标签 Tags to add"))
        keyboard.insert_text("会员等级")
        expect(output).to_contain_text("1 found")
        keyboard.press("Enter")
        expect(output).to_contain_text("1 chosen")
        go(field(output, "用户属性 Properties"))
        keyboard.insert_text("usr_city")
        go(field(output, "存入变量 Variable"))
        keyboard.insert_text("df")
        go(export)
        keyboard.press("Enter")
        expect(output).to_contain_text("300 rows")
        expect(output).to_contain_text("df = ")
        assert len(slow.jobs) == before + 1
        assert notebook.kernel_value("len(df), df.attrs['gio']['name']") == [300, "流失预警用户"]
        assert notebook.kernel_value("list(df.columns)")[-2:] == ["城市", "会员等级"]
        line = 'df = gio.read_segment("流失预警用户", tags=["会员等级"], properties=["usr_city"])'
        assert notebook.kernel_value("picked.code()") == line


def test_an_export_leaves_the_kernel_free(slow: sandbox.Sandbox, lab: Lab) -> None:
    """How far it is is seen, cells run meanwhile; then rows, and a line that gives the same."""
    with lab.open(connected(slow), PICK, "") as notebook:
        output = opened(notebook)
        choose(output, "分群 Segment", VIP)
        button(output, "Export").click()
        bar = output.get_by_role("progressbar", name=re.compile(VIP))
        expect(bar).to_be_visible()
        assert notebook.kernel_value("picked.is_running") is True
        expect(output.get_by_role("region", name="First rows")).to_be_visible()
        expect(bar).to_have_count(0)
        assert notebook.kernel_value("picked.wait(30), len(picked.result)") == [True, 200]
        lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        button(output, "Copy").click()
        notebook.write(2, lab.page.evaluate("navigator.clipboard.readText()"))
        notebook.run(2)
        assert notebook.kernel_value("df.equals(picked.result)") is True


def test_another_project_has_other_segments(slow: sandbox.Sandbox, lab: Lab) -> None:
    """What depends on the project is loaded anew, what was chosen of the old one is let go of."""
    with lab.open(connected(slow), PICK) as notebook:
        output = opened(notebook)
        choose(output, "分群 Segment", "分群1")
        expect(output).to_contain_text('gio.read_segment("分群1")')
        choose(output, "项目 Project", "门店会员")
        expect(output).to_contain_text("245 segments")
        expect(field(output, "分群 Segment")).to_have_value("")
        expect(output).not_to_contain_text("分群1")
        choose(output, "分群 Segment", VIP)
        line = f'df = gio.read_segment("{VIP}", project="门店会员 & 积分")'
        expect(output).to_contain_text(line)
        button(output, "Export").click()
        expect(output.get_by_role("region", name="First rows")).to_be_visible()
        project = notebook.kernel_value("picked.result.attrs['gio']['project']")
        assert project == notebook.kernel_value("picked.projects.value") != "WlGk4Daj"


def test_cancel_lets_go(lab: Lab) -> None:
    """Cancel ends the waiting at once; the job is not lost, and all can be done again."""
    with (
        sandbox.start(users=2_000, stage_seconds=60) as platform,
        lab.open(connected(platform), PICK) as notebook,
    ):
        output = opened(notebook)
        choose(output, "分群 Segment", VIP)
        cancel = button(output, "Cancel")
        expect(cancel).to_be_disabled()
        button(output, "Export").click()
        expect(output.get_by_role("progressbar")).to_have_attribute(
            "aria-valuetext", re.compile("queued|RUNNING|DATA_READY")
        )
        began = time.monotonic()
        cancel.click()
        (job,) = platform.jobs
        expect(output).to_contain_text(f'gio.attach("{job}")')
        assert time.monotonic() - began < SECONDS / 3
        expect(output.get_by_role("progressbar")).to_have_count(0)
        expect(cancel).to_be_disabled()
        assert notebook.kernel_value("picked.is_running, picked.result") == [False, None]


def test_an_error_is_one_line(slow: sandbox.Sandbox, lab: Lab) -> None:
    """What the platform could not do is said in the widget, and the next export works."""
    with lab.open(connected(slow), PICK) as notebook:
        output = opened(notebook)
        choose(output, "分群 Segment", "计算失败的分群")
        button(output, "Export").click()
        alert = output.get_by_role("alert").filter(has_text=re.compile(r"\S"))
        expect(alert).to_have_count(1)
        assert len(alert.inner_text().splitlines()) == 1
        assert "计算失败" in alert.inner_text()
        expect(output).not_to_contain_text("Traceback")
        choose(output, "分群 Segment", VIP)
        button(output, "Export").click()
        expect(output.get_by_role("region", name="First rows")).to_be_visible()
        expect(alert).to_have_count(0)


def test_a_list_that_does_not_come_can_be_asked_for_again(lab: Lab) -> None:
    """A platform that gives no list says so in a line, and Retry asks again."""
    with (
        sandbox.start(users=100, faults=["graphql_error:query@all"]) as platform,
        lab.open(connected(platform), PICK) as notebook,
    ):
        notebook.run(0)
        output = notebook.run(1)
        expect(output.get_by_role("alert").first).to_be_visible()
        platform.misbehave()
        button(output, "Retry").first.click()
        expect(output).to_contain_text("4 projects")
        choose(output, "项目 Project", "默认项目")
        expect(output).to_contain_text("260 segments")


def test_every_control_has_a_name_and_a_role(slow: sandbox.Sandbox, lab: Lab) -> None:
    """Who hears the page is told what each control is: before, while and after an export."""
    with lab.open(connected(slow), PICK) as notebook:
        output = opened(notebook)
        seen = controls(output)
        choose(output, "分群 Segment", VIP)
        seen += controls(output)
        button(output, "Export").click()
        expect(output.get_by_role("progressbar")).to_be_visible()
        seen += controls(output)
        expect(output.get_by_role("region", name="First rows")).to_be_visible()
        seen += controls(output)
    assert [control for control in seen if control.role in NAMELESS or not control.name] == []
    expected = {
        *[("combobox", name) for name in ("项目 Project", "类型 Kind", "分群 Segment")],
        *[("combobox", name) for name in ("附加标签 Tags to add", "编码 Charset")],
        *[("textbox", name) for name in ("用户属性 Properties", "存入变量 Variable")],
        *[("button", name) for name in ("导出 Export", "取消 Cancel", "Copy the line of Python")],
    }
    assert expected <= set(seen)
