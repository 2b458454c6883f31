"""``gio.pick()`` as a plain object: what fits a kind, the export, and what it leaves."""

from __future__ import annotations

import re
import threading
from html import unescape
from typing import Any

import ipywidgets
import pandas as pd
import pytest
from stage import (
    OTHER_PROJECT,
    PROJECT,
    SEGMENT,
    SOON,
    Start,
    steps,
    threads_of_ours,
    until,
)

import gio_pandas as gio
from gio_pandas.notebook.copying import copyable
from gio_pandas.notebook.pick import Pick
from gio_pandas.notebook.preview import preview


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Give the user's variables."""
    variables: dict[str, Any] = {}
    monkeypatch.setattr("gio_pandas.notebook.pick.namespace", lambda: variables)
    return variables


def pressed(screen: Pick) -> Pick:
    """Press Export, and wait for what comes of it."""
    screen._controls.export.click()
    assert screen.wait(SOON)
    return screen


def is_visible(widget: ipywidgets.Widget) -> bool:
    """Tell whether the layout shows it."""
    return bool(widget.layout.display != "none")


def test_nothing_is_asked_before_it_is_shown(start: Start) -> None:
    """Making it and printing it sends nothing; shown, all lists come by themselves."""
    platform, session = start()
    screen = gio.pick(session=session)
    assert PROJECT in repr(screen)
    assert PROJECT in screen._repr_html_()
    assert platform.requests == ()
    screen.show()
    until(lambda: screen.items.choices and screen.tags.choices)
    assert screen.projects.selected.name == PROJECT
    asked = [field for request in platform.requests for field in request.fields]
    assert sorted(asked) == ["projects", "segments", "tags"]


def test_the_whole_way(session: gio.Session, space: dict[str, Any]) -> None:
    """Choose, press Export: progress, the frame in result and variable, a preview, the line."""
    screen = gio.pick(session=session, into="df").load()
    screen.items.chooser.chosen = [screen.items._meant(SEGMENT)]
    screen.tags.load().value = ["会员等级"]
    screen._controls.properties.value = "usr_city， usr_age"
    line = (
        f'df = gio.read_segment("{SEGMENT}", tags=["会员等级"], properties=["usr_city", "usr_age"])'
    )
    assert screen.code() == line
    assert copyable(line) == screen._controls.code.value
    pressed(screen)
    expected = session.read_segment(SEGMENT, tags=["会员等级"], properties=["usr_city", "usr_age"])
    pd.testing.assert_frame_equal(screen.result, expected)
    assert space["df"] is screen.result
    assert screen.error is None
    assert screen.job is not None
    assert screen.job.id == screen.result.attrs["gio"]["job"]
    assert "1,000 rows" in screen._controls.progress.value
    assert "df = 1,000 rows × 5 columns" in screen._controls.message.value
    assert "replaced" not in screen._controls.message.value
    assert "会员等级" in screen._controls.preview.value
    assert "1,000 rows × 5 columns" in repr(screen)
    until(lambda: not threads_of_ours())


@pytest.mark.parametrize(
    ("kind", "name", "fitting"),
    [
        ("segment", "分群1", ("tags", "properties")),
        ("tag", "RFM分层", ("properties",)),
        ("funnel", "漏斗1", ()),
        ("event", "事件1", ()),
        ("retention", "留存1", ()),
        ("frequency", "分布1", ()),
    ],
)
def test_each_kind_has_the_options_that_fit(
    kind: str, name: str, fitting: tuple[str, ...], session: gio.Session
) -> None:
    """What another kind takes is neither shown nor sent, though it was filled in before."""
    screen = gio.pick(session=session)
    screen.tags.value = ["会员等级"]
    screen._controls.properties.value = "usr_city"
    screen._controls.charset.value = "UTF-8"
    screen.kind = kind
    screen.load().items.value = name
    assert set(screen.options) == {*fitting, "charset"}
    assert is_visible(screen.tags.widget) == ("tags" in fitting)
    assert is_visible(screen._controls.properties) == ("properties" in fitting)
    assert f'gio.read_{kind}("{name}"' in screen.code()
    pressed(screen)
    assert screen.error is None
    assert screen.result.attrs["gio"]["kind"] == kind


def test_another_kind_lets_go_of_what_was_chosen(session: gio.Session) -> None:
    """The list, its label and the line are of the kind that is chosen last."""
    screen = gio.pick(session=session, kind="segment", value=SEGMENT)
    screen.show()
    until(lambda: screen.items.selected)
    screen._controls.kind.chosen = ["funnel"]
    assert screen.items.value is None
    assert screen.items.chooser.label == "漏斗分析 Funnel"
    until(lambda: screen.items.choices)
    assert {choice.kind for choice in screen.items.choices} == {"funnel"}
    assert screen.code() == ""
    screen._controls.kind.chosen = []  # there is always one
    assert screen.kind == "funnel"
    with pytest.raises(gio.SettingsError, match="funnel"):
        screen.kind = "funnels"


def test_another_project_is_in_the_line(session: gio.Session) -> None:
    """What is chosen in it is read from it."""
    screen = gio.pick(session=session, project=OTHER_PROJECT, into="df").load()
    screen.items.value = SEGMENT
    assert screen.code() == f'df = gio.read_segment("{SEGMENT}", project="{OTHER_PROJECT}")'
    expected = session.read_segment(SEGMENT, project=OTHER_PROJECT)
    pd.testing.assert_frame_equal(pressed(screen).result, expected)


def test_a_variable_that_is_there_is_replaced_and_told(
    session: gio.Session, space: dict[str, Any]
) -> None:
    """Nobody loses a variable without a word; no name puts the frame nowhere."""
    space["会员"] = "was here"
    screen = gio.pick(session=session, value="分群1", into="会员")
    assert "replaced" in pressed(screen)._controls.message.value
    assert isinstance(space["会员"], pd.DataFrame)
    screen.into = ""
    pressed(screen)
    assert list(space) == ["会员"]
    message = screen._controls.message.value
    assert "not in a variable: name one above, or p = gio.pick(), then p.result" in message


def test_a_variable_is_named_for_newcomers(
    session: gio.Session, space: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a notebook ``df`` where that name is free; else there is none, in the line neither."""
    assert gio.pick(session=session).into == ""  # a program's names are its own
    monkeypatch.setattr("gio_pandas.notebook.pick.front_end", lambda: "jupyter")
    screen = gio.pick(session=session, value="分群1")
    assert screen.into == "df"
    assert screen.code() == 'df = gio.read_segment("分群1")'
    pressed(screen)
    assert space["df"] is screen.result
    again = gio.pick(session=session, value="分群1")
    assert again.into == ""
    assert again.code() == 'gio.read_segment("分群1")'
    assert gio.pick(session=session, into="").into == ""
    assert gio.pick(session=session, into="other").into == "other"


def line_on(screen: Pick) -> str:
    """Read the line of code that is on the screen; empty where it is not shown."""
    code = screen._controls.code
    shown = re.search("<code[^>]*>(.*?)</code>", code.value)
    return unescape(shown[1]) if shown and is_visible(code) else ""


@pytest.mark.parametrize("name", ["1x", "class", "a b", "df.x", "None"])
def test_no_line_is_offered_that_cannot_run(name: str, session: gio.Session) -> None:
    """What is no variable is told as soon as it is entered, and the line is gone until it is."""
    screen = gio.pick(session=session, value=SEGMENT, into="df")
    assert line_on(screen) == f'df = gio.read_segment("{SEGMENT}")'
    assert not is_visible(screen._controls.warning)
    screen._controls.variable.value = name
    assert (screen.code(), line_on(screen)) == ("", "")
    assert "no name for a variable" in screen._controls.warning.value
    assert is_visible(screen._controls.warning)
    screen._controls.variable.value = "df2"
    assert line_on(screen) == f'df2 = gio.read_segment("{SEGMENT}")'
    assert not is_visible(screen._controls.warning)


def test_a_value_that_is_not_there_has_no_line(session: gio.Session) -> None:
    """Of what is exported and of what is added to it; until the lists say so it has one."""
    screen = gio.pick(session=session, value="没有这个", into="df")
    assert screen.code()
    screen.projects.load()
    with pytest.raises(gio.NotFoundError):
        screen.items.load()
    assert (screen.code(), line_on(screen)) == ("", "")
    screen.items.value = SEGMENT
    assert line_on(screen) == f'df = gio.read_segment("{SEGMENT}")'
    screen.tags.value = ["没有这个标签"]
    with pytest.raises(gio.NotFoundError):
        screen.tags.load()
    assert (screen.code(), line_on(screen)) == ("", "")
    screen.tags.value = []
    assert line_on(screen) == f'df = gio.read_segment("{SEGMENT}")'


@pytest.mark.parametrize("name", ["1x", "class", "a b", "df.x", "None"])
def test_what_is_no_name_for_a_variable_is_told(
    name: str, start: Start, space: dict[str, Any]
) -> None:
    """Before anything is submitted."""
    platform, session = start()
    screen = gio.pick(session=session, value=SEGMENT, into=name)
    assert "no name for a variable" in pressed(screen)._controls.message.value
    with pytest.raises(gio.SettingsError, match="variable"):
        screen.export()
    assert platform.requests == ()
    assert space == {}


def test_a_name_is_the_one_that_python_reads(session: gio.Session, space: dict[str, Any]) -> None:
    """Full-width letters are the same name to Python."""
    pressed(gio.pick(session=session, value="分群1", into="ｄｆ"))
    assert list(space) == ["df"]


def test_nothing_chosen_is_told(session: gio.Session) -> None:
    """In the widget by the button, in the words of the screen; as an error by the method."""
    screen = gio.pick(session=session)
    message = pressed(screen)._controls.message.value
    assert "请先选择 Choose first: 分群 Segment" in message
    assert ".value" not in message
    assert 'role="alert"' in screen._controls.message.value
    with pytest.raises(gio.SettingsError, match="Nothing is chosen"):
        screen.export()


def test_an_error_is_one_line_with_the_job(start: Start, space: dict[str, Any]) -> None:
    """What failed, and the line that gets at the job again; the variable stays as it was."""
    _, session = start("job_error:poll@all")
    screen = pressed(gio.pick(session=session, value=SEGMENT, into="df"))
    assert isinstance(screen.error, gio.JobFailedError)
    assert screen.job is not None
    message = screen._controls.message.value
    assert f"gio.attach(&#x27;{screen.job.id}&#x27;)" in message
    assert 'role="alert"' in message
    assert "\n" not in message
    assert space == {}
    assert screen.result is None


def test_cancel_lets_go_and_says_how_to_go_on(start: Start, space: dict[str, Any]) -> None:
    """The button works while the export runs; the next export can begin."""
    platform, session = start(stage_seconds=0.5)
    screen = gio.pick(session=session, value=SEGMENT, into="df")
    assert screen._controls.cancel.disabled
    screen._controls.export.click()
    until(lambda: steps(platform, "poll"))
    assert screen.is_running
    assert not screen._controls.cancel.disabled
    assert 'role="progressbar"' in screen._controls.progress.value
    screen._controls.cancel.click()
    assert screen.wait(SOON)
    assert screen.job is not None
    assert f"gio.attach(&quot;{screen.job.id}&quot;)" in screen._controls.message.value
    assert 'role="status"' in screen._controls.message.value
    assert screen._controls.cancel.disabled
    assert space == {}
    assert len(pressed(screen).result) == 1000
    assert len(platform.jobs) == 2


def test_a_second_press_starts_no_second_export(start: Start) -> None:
    """Export does nothing while one is on its way."""
    platform, session = start("stall:download@1,seconds=60")
    screen = gio.pick(session=session, value=SEGMENT)
    screen.export()
    until(lambda: platform.played)
    assert screen.export() is screen
    screen._controls.export.click()
    screen.cancel()
    assert screen.wait(SOON)
    assert len(platform.jobs) == 1


def test_an_export_is_over_when_all_that_follows_is_done(start: Start) -> None:
    """Nobody begins another while the end of this one is still told, and takes Cancel from it."""
    platform, session = start()
    screen = gio.pick(session=session, value="分群1")
    held, going = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        held.set()
        going.wait(SOON)

    screen.observe(hold, "result")
    screen.export()
    assert held.wait(SOON)
    assert screen.is_running
    screen.export()
    screen._controls.export.click()
    going.set()
    assert screen.wait(SOON)
    assert not screen.is_running
    assert len(platform.jobs) == 1


def test_two_at_once_begin_one_export(start: Start) -> None:
    """A click while code exports, in another thread, is no second export."""
    platform, session = start("stall:submit@1-,seconds=60")
    screen = gio.pick(session=session, value="分群1")
    gate = threading.Barrier(4)

    def press() -> None:
        gate.wait(SOON)
        screen.export()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    until(lambda: platform.played)
    screen.cancel()
    assert screen.wait(SOON)
    assert len(platform.played) == 1


def finished(session: gio.Session) -> Pick:
    """Give a screen with the result of an export."""
    screen = pressed(gio.pick(session=session, value="分群1", into="").load())
    assert shown(screen) == [True] * 3
    return screen


def shown(screen: Pick) -> list[bool]:
    """Tell whether a summary, a message and a preview are on the screen."""
    controls = screen._controls
    return [bool(part.value) for part in (controls.progress, controls.message, controls.preview)]


@pytest.mark.parametrize("part", ["project", "kind", "item"])
def test_an_old_result_does_not_stand_below_a_new_choice(
    part: str, session: gio.Session, space: dict[str, Any]
) -> None:
    """Summary, message and preview go; ``.result`` stays."""
    screen = finished(session)
    if part == "project":
        screen.projects.value = OTHER_PROJECT
    elif part == "kind":
        screen.kind = "funnel"
    else:
        screen.items.value = SEGMENT
    assert shown(screen) == [False] * 3
    assert screen.result is not None


def test_an_old_result_stays_below_its_own_choice(
    session: gio.Session, space: dict[str, Any]
) -> None:
    """Lists that come or come again, and options, are no other choice."""
    screen = pressed(gio.pick(session=session, value="分群1", into=""))
    screen.load()
    assert screen.items.value == "AVpZBzpK"
    screen.load()
    screen._controls.properties.value = "usr_city"
    assert shown(screen) == [True] * 3


def test_a_change_of_an_option_takes_an_error_away(session: gio.Session) -> None:
    """It may be the very thing that was wrong."""
    for change in (
        lambda it: setattr(it._controls.properties, "value", "usr_city"),
        lambda it: setattr(it._controls.charset, "value", "UTF-8"),
        lambda it: setattr(it, "into", "df"),
        lambda it: setattr(it.tags, "value", ["会员等级"]),
        lambda it: setattr(it.items, "value", "分群1"),
    ):
        screen = pressed(gio.pick(session=session))
        assert screen._controls.message.value
        change(screen)
        assert not screen._controls.message.value


def test_a_screen_without_a_project_says_so_once(start: Start) -> None:
    """Where several are there and none is chosen, or a wrong one: one line beside the project's."""
    _, session = start()
    screen = gio.pick(session=session, project="没有这个")
    screen.show()
    until(lambda: screen.projects.chooser.tone == "error" and not screen.items.chooser.tone)
    said = [picker.chooser.message for picker in (screen.items, screen.tags)]
    assert said == ["Choose a project (项目) first.", ""]
    assert "请先选择 Choose first" in pressed(screen)._controls.message.value


def test_the_line_follows_the_sessions_project(start: Start) -> None:
    """After ``use`` it says which project is on the screen, and that one is exported."""
    _, session = start()
    screen = gio.pick(session=session, value=SEGMENT).load()
    own = screen.projects.value
    assert "project=" not in screen.code()
    session.use(OTHER_PROJECT)
    assert f'project="{PROJECT}"' in screen.code()
    assert pressed(screen).result.attrs["gio"]["project"] == own
    assert line_on(screen) == screen.code()


def test_what_is_chosen_meanwhile_changes_no_export(start: Start, space: dict[str, Any]) -> None:
    """An export is of what was chosen, and goes where it was said, when it began."""
    platform, session = start("slow:submit@1,seconds=0.5")
    screen = gio.pick(session=session, value="分群1", into="df").load()
    screen.export()
    until(lambda: platform.played)
    screen.items.value, screen.into = SEGMENT, "other"
    assert screen.wait(SOON)
    assert screen.result.attrs["gio"]["name"] == "分群1"
    assert list(space) == ["df"]


def test_warnings_are_told_below_the_frame(session: gio.Session) -> None:
    """What a verb would warn of is in the message."""
    screen = pressed(gio.pick(session=session, kind="tag", value="tag_member_points"))
    assert "会员积分" in screen._controls.message.value


def test_the_result_is_observed(session: gio.Session) -> None:
    """Code may go on by itself when the frame is there."""
    screen = gio.pick(session=session, value="分群1")
    seen: list[pd.DataFrame] = []
    screen.observe(lambda change: seen.append(change["new"]), "result")
    pressed(screen)
    pressed(screen)
    assert len(seen) == 2
    assert seen[1] is screen.result


def test_every_control_has_a_name(session: gio.Session) -> None:
    """What ipywidgets makes has a description, which is a label to the front end."""
    screen = gio.pick(session=session)
    controls = screen._controls
    assert all(
        control.description
        for control in (
            *(controls.properties, controls.charset, controls.variable),
            *(controls.export, controls.cancel),
        )
    )
    labels = [picker.chooser.label for picker in (screen.projects, screen.items, screen.tags)]
    assert len({*labels, controls.kind.label} - {""}) == 4


def test_a_preview_is_short_and_harmless() -> None:
    """The first rows and columns with their dtypes; what is in a cell is text."""
    frame = pd.DataFrame({f"c{number}": [f"<b>{number}</b>", None] * 50 for number in range(12)})
    frame["long"] = "x" * 100
    text = preview(frame.assign(long=frame["long"]), rows=3)
    assert text.count("<tr>") == 4
    assert "<b>" not in text
    assert "and 5 more" in text
    assert "–" in text
    assert str(frame["c0"].dtype) in text
    wide = preview(frame[["long"]])
    assert "x" * 39 + "…" in wide
    assert preview(frame.iloc[:0]).count("<tr>") == 1


def test_a_line_to_copy_is_text() -> None:
    """Its quotes and brackets are the line's own, also in the button's script."""
    text = copyable('df = gio.read_segment("<script>")')
    assert "<script>" not in text
    assert text.count("<button") == 1
    assert 'aria-label="Copy the line of Python"' in text
