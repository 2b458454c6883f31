"""Pickers as plain objects: what is chosen, what is listed when, and the line that does it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
from html import unescape
from pathlib import Path
from typing import Any

import ipywidgets
import nbformat
import pandas as pd
import pytest
from stage import OTHER_PROJECT, PROJECT, SEGMENT, SOON, Start, steps, until

import gio_pandas as gio
from gio_pandas.notebook.choices import Choice
from gio_pandas.notebook.picker import Listing, Picker
from gio_pandas.notebook.pickers import ItemPicker

SECRET = "k-nobody-may-see-this"


PICKED = 'gio.SegmentPicker(value="高价值用户").load()'


def choose(picker: Picker, *values: str) -> None:
    """Choose on the screen: the front end sets the list's trait."""
    picker.chooser.chosen = list(values)


def tone(picker: Picker) -> str:
    """Say what kind of message is below the list."""
    return str(picker.chooser.tone)


def ran(line: str, session: gio.Session, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a line of code as a user would, and give the variable that it sets."""
    monkeypatch.setattr("gio_pandas.current._session", session)
    space: dict[str, Any] = {"gio": gio}
    exec(line, space)
    return space[line.partition(" = ")[0]]


# --- what is chosen ------------------------------------------------------------------------------


def test_nothing_is_asked_before_it_is_wanted(start: Start) -> None:
    """Neither making a picker, nor setting it, nor printing it sends a request."""
    platform, session = start()
    projects = gio.ProjectPicker(session=session)
    pickers: list[Picker] = [
        projects,
        gio.SegmentPicker(session=session, value=SEGMENT),
        gio.TagPicker(project=projects, multiple=True, value=["会员等级"]),
        gio.AnalysisPicker(session=session, kind="funnel"),
    ]
    for picker in pickers:
        assert repr(picker) + picker._repr_html_()
        assert picker.choices is None
    assert platform.requests == ()


def test_a_value_is_set_by_id_key_or_name(session: gio.Session) -> None:
    """It becomes what a verb takes without doubt: an id, of a tag the key."""
    segments = gio.SegmentPicker(session=session).load()
    segments.value = SEGMENT
    assert segments.value == segments.selected.id
    segments.value = "AVpZBzpK"
    assert segments.selected.name == "分群1"
    segments.value = " VIP(北京)用户 "  # as the verbs compare names: NFKC, without blanks
    assert segments.selected.name == "ＶＩＰ（北京）用户"
    segments.value = segments.choices[0]
    assert segments.value == segments.choices[0].id
    segments.value = None
    assert (segments.value, segments.selected) == (None, None)
    tags = gio.TagPicker(session=session).load()
    tags.value = "会员等级"
    assert tags.value == "tag_member_level"
    tags.value = tags.selected.id
    assert tags.value == "tag_member_level"


def test_a_value_set_before_the_list_is_known_is_kept(session: gio.Session) -> None:
    """It is looked up when the list comes, and observers hear of it once."""
    picker = gio.SegmentPicker(session=session, value="分群1")
    seen: list[Any] = []
    picker.observe(lambda change: seen.append(change["new"]), "value")
    picker.observe(lambda change: seen.append(change["new"].name), "selected")
    assert (picker.value, picker.selected) == ("分群1", None)
    assert picker.load() is picker
    assert seen == ["分群1", "AVpZBzpK"] or seen == ["AVpZBzpK", "分群1"]
    assert picker.chooser.chosen == ["AVpZBzpK"]


def test_an_unknown_value_is_an_error_once_the_list_is_known(session: gio.Session) -> None:
    """It names what is like it; what was chosen stays. One set before is told by ``load``."""
    picker = gio.SegmentPicker(session=session).load()
    picker.value = "分群1"
    with pytest.raises(gio.NotFoundError, match=SEGMENT) as caught:
        picker.value = "高价值"
    assert SEGMENT in caught.value.near
    with pytest.raises(gio.AmbiguousNameError, match="新客") as several:
        picker.value = "新客"
    assert [found["name"] for found in several.value.candidates] == ["新客", "新客"]
    with pytest.raises(TypeError, match="text"):
        picker.value = 7
    assert picker.selected.name == "分群1"
    early = gio.SegmentPicker(session=session, value="没有这个")
    with pytest.raises(gio.NotFoundError, match="没有这个"):
        early.load()
    assert tone(early) == "error"
    assert early.selected is None
    assert early.choices is not None
    early.value = SEGMENT
    assert early.selected.name == SEGMENT


def test_several_are_chosen_in_their_order(session: gio.Session) -> None:
    """``multiple=True`` makes lists of both, each thing once."""
    picker = gio.TagPicker(session=session, multiple=True)
    assert (picker.value, picker.selected) == ([], [])
    picker.value = ["RFM分层", "tag_member_level", "会员等级"]
    picker.load()
    assert picker.value == ["tag_rfm", "tag_member_level"]
    assert [choice.name for choice in picker.selected] == ["RFM分层", "会员等级"]
    picker.value = "tag_rfm"
    assert picker.value == ["tag_rfm"]
    picker.value = None
    assert (picker.value, picker.selected, picker.chooser.chosen) == ([], [], [])


def test_what_is_chosen_on_the_screen_is_the_value(session: gio.Session) -> None:
    """Observers of value and selected hear of it."""
    picker = gio.SegmentPicker(session=session).load()
    seen: list[Any] = []
    picker.observe(lambda change: seen.append((change["new"], picker.selected)), "value")
    choose(picker, "AVpZBzpK")
    choose(picker)
    assert seen == [("AVpZBzpK", picker.choices[0]), (None, None)]


def test_what_was_chosen_too_late_is_not_taken(session: gio.Session) -> None:
    """A click on a list that was replaced meanwhile chooses nothing."""
    picker = gio.SegmentPicker(session=session).load()
    choose(picker, "of-another-project")
    assert picker.value is None
    assert picker.chooser.chosen == []
    picker.value = "分群1"
    choose(picker, "of-another-project")
    assert picker.selected.name == "分群1"
    assert picker.chooser.chosen == ["AVpZBzpK"]


def test_two_of_one_key_are_told_apart() -> None:
    """A list with a key twice gives the second under its id."""
    picker = ItemPicker(("tag",), session=gio.Session("http://127.0.0.1:9", api_key="k"))
    first, second = (Choice("tag", id_, name, key="tag_x") for id_, name in ("aA", "bB"))
    picker._take(Listing([first, second]))
    assert [item[0] for item in picker.chooser.items] == ["tag_x", "b"]
    choose(picker, "b")
    assert picker.selected is second


# --- loading -------------------------------------------------------------------------------------


def test_the_list_comes_when_the_picker_is_shown(session: gio.Session) -> None:
    """In the background; the widget says how many there are, with what tells them apart."""
    picker = gio.SegmentPicker(session=session)
    assert isinstance(picker.show(), ipywidgets.Widget)
    until(lambda: picker.choices is not None and tone(picker) == "")
    count = len(session.list_segments())
    assert picker.chooser.message == f"{count:,} segments"
    value, name, _, _, creator, updated, users, id_ = picker.chooser.items[0]
    assert (value, name, id_) == ("AVpZBzpK", "分群1", "AVpZBzpK")
    assert creator
    assert updated
    assert users == 310


def test_showing_again_does_not_ask_again(start: Start) -> None:
    """A picker that is displayed twice is loaded once; ``refresh`` asks anew."""
    platform, session = start()
    picker = gio.AnalysisPicker(session=session, kind="funnel")
    picker.show()
    until(lambda: picker.choices is not None)
    picker.value = "漏斗1"
    asked = steps(platform, "query")
    picker.show()
    assert steps(platform, "query") == asked
    picker.refresh()
    until(lambda: steps(platform, "query") > asked and tone(picker) == "")
    assert picker.selected.name == "漏斗1"


def test_an_error_is_in_the_widget_in_one_line_with_a_retry(start: Start) -> None:
    """Retry asks again, and goes away when the list is there."""
    platform, session = start("graphql_error:query@all")
    picker = gio.SegmentPicker(session=session)
    picker.show()
    until(lambda: tone(picker) == "error")
    assert "\n" not in picker.chooser.message
    assert picker.chooser.message
    assert picker._retry.layout.display == ""
    platform.misbehave()
    picker._retry.click()
    until(lambda: picker.choices is not None and tone(picker) == "")
    assert picker._retry.layout.display == "none"


def test_an_account_without_access_is_told_in_the_widget(no_waits: None) -> None:
    """A platform that is not there is an error of ``load``, and in the widget."""
    with gio.Session("http://127.0.0.1:9", token="t", project=PROJECT) as session:
        picker = gio.SegmentPicker(session=session)
        with pytest.raises(gio.PlatformUnavailableError):
            picker.load()
        assert tone(picker) == "error"
        assert "127.0.0.1:9" in picker.chooser.message


def test_another_project_brings_another_list(session: gio.Session) -> None:
    """Who follows a project picker lets go of what was chosen, and loads again."""
    projects = gio.ProjectPicker(session=session)
    picker = gio.SegmentPicker(project=projects)
    picker.show()
    until(lambda: picker.choices is not None)
    assert projects.selected.name == PROJECT
    picker.value = "分群1"
    ids = {choice.id for choice in picker.choices}
    projects.value = OTHER_PROJECT
    assert (picker.value, picker.selected) == (None, None)
    until(lambda: picker.choices is not None)
    assert not ids & {choice.id for choice in picker.choices}
    picker.value = SEGMENT
    projects.load()  # the same project, listed anew, is no other
    assert picker.selected.name == SEGMENT
    projects.value = None
    until(lambda: "项目" in picker.chooser.message)
    assert picker.choices is None


def test_a_value_waits_for_the_project(session: gio.Session) -> None:
    """What is chosen in code before anything is loaded outlives the project's arrival."""
    projects = gio.ProjectPicker(session=session, value=OTHER_PROJECT)
    picker = gio.SegmentPicker(project=projects, value=SEGMENT).load()
    assert projects.selected.name == OTHER_PROJECT
    assert picker.selected.name == SEGMENT


def test_a_slow_answer_about_the_project_before_is_dropped(start: Start) -> None:
    """However late it comes: the list stays that of the project chosen last."""
    platform, session = start()
    projects = gio.ProjectPicker(session=session).load()
    picker = gio.SegmentPicker(project=projects)
    projects.value = OTHER_PROJECT
    gio.SegmentPicker(session=session, project=OTHER_PROJECT).load()  # warm: only lists follow
    platform.misbehave("slow:query@1,seconds=1")
    picker.show()
    until(lambda: platform.played)
    threads = [thread for thread in threading.enumerate() if thread.name == "gio-list"]
    projects.value = PROJECT
    until(lambda: picker.choices is not None)
    assert picker.choices[0].name == "分群1"
    for thread in threads:
        thread.join(SOON)
    assert picker.choices[0].name == "分群1"
    assert tone(picker) == ""


def test_a_project_is_not_asked_for_while_it_is_on_its_way(start: Start) -> None:
    """Who follows it goes on to load; where none comes by itself it says that one is missing."""
    platform, session = start("slow:query@1,seconds=0.5")
    said: list[str] = []
    projects = gio.ProjectPicker(session=session)
    picker = gio.SegmentPicker(project=projects)
    picker.chooser.observe(lambda change: said.append(change["new"]), "message")
    picker.show()
    until(lambda: picker.choices is not None and tone(picker) == "")
    assert said == ["Loading …", f"{len(picker.choices):,} segments"]
    with gio.Session(platform.url, api_key=platform.api_key) as nowhere:
        several = gio.SegmentPicker(project=gio.ProjectPicker(session=nowhere))
        several.show()
        until(lambda: "项目" in several.chooser.message)
        assert tone(several) == ""


def test_projects_begin_with_the_sessions_or_the_only_one(session: gio.Session) -> None:
    """As the verbs do; what was chosen is not taken back by a second look."""
    picker = gio.ProjectPicker(session=session).load()
    assert picker.selected.name == PROJECT
    picker.value = OTHER_PROJECT
    assert picker.load().selected.name == OTHER_PROJECT
    assert picker.code() == f'gio.use("{OTHER_PROJECT}")'


def test_a_kind_that_may_not_be_listed_hides_no_other(start: Start) -> None:
    """Of all analyses, those that the account may see are there, and the rest is named."""
    platform, session = start()
    session.list_projects()
    session.list_funnels()
    platform.misbehave("graphql_error:query@1-2")  # the second time it asks for fewer fields
    picker = gio.AnalysisPicker(session=session).load()
    assert platform.played
    assert "漏斗分析" in picker.chooser.message
    assert {choice.kind for choice in picker.choices} == {"event", "retention", "frequency"}


def test_there_is_no_other_kind_of_analysis(session: gio.Session) -> None:
    """A slip of the pen is told at once."""
    with pytest.raises(gio.SettingsError, match="funnel"):
        gio.AnalysisPicker(session=session, kind="funnels")


# --- what was listed before ----------------------------------------------------------------------


@pytest.fixture
def known(start: Start) -> tuple[gio.sandbox.Sandbox, gio.Session]:
    """Give a session that has listed projects and segments; what it asks next is held up."""
    platform, session = start()
    gio.SegmentPicker(session=session).load()
    platform.misbehave("slow:query@1,seconds=1")
    return platform, session


def is_settled(picker: Picker) -> bool:
    """Tell whether the platform has answered."""
    return tone(picker) != "busy"


def test_what_was_listed_before_is_there_at_once(known: Any) -> None:
    """And is asked for again behind it; what has not changed is not sent again."""
    platform, session = known
    picker = gio.SegmentPicker(session=session, value=SEGMENT)
    sent: list[Any] = []
    picker.chooser.observe(lambda change: sent.append(len(change["new"])), "items")
    asked = steps(platform, "query")
    picker.show()
    assert tone(picker) == "busy"
    assert picker.selected.name == SEGMENT
    assert len(picker.chooser.items) == len(picker.choices) > 200
    until(lambda: is_settled(picker))
    assert steps(platform, "query") > asked
    assert sent == [len(picker.choices)]
    assert picker.chooser.message == f"{len(picker.choices):,} segments"


def test_all_of_a_list_is_sent_in_one_message(
    session: gio.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody sees the list with what was chosen of it not found there yet."""
    picker = gio.SegmentPicker(session=session, value=SEGMENT, plain=False)
    sent: list[set[str]] = []
    monkeypatch.setattr(
        picker.chooser.comm, "send", lambda data, **_: sent.append(set(data.get("state", ())))
    )
    picker.load()
    (listed,) = [keys for keys in sent if "items" in keys]
    assert {"items", "chosen", "message", "tone"} <= listed


def test_a_value_waits_for_the_fresh_list(known: Any) -> None:
    """What the remembered one lacks may have been made since; one that is gone is told."""
    _, session = known
    picker = gio.SegmentPicker(session=session, value="没有这个")
    picker.show()
    assert tone(picker) == "busy"
    assert (picker.value, picker.chooser.chosen) == ("没有这个", ["没有这个"])
    picker.value = "也没有这个"  # nor is it an error to set one
    assert picker.code() == 'df = gio.read_segment("也没有这个")'
    until(lambda: is_settled(picker))
    assert tone(picker) == "error"
    assert picker.value == "也没有这个"
    assert picker.code() == ""


def test_a_value_that_is_new_is_found_on_the_fresh_list(start: Start) -> None:
    """Its name becomes its id, though the list that was shown first did not have it."""
    _, session = start()
    gio.SegmentPicker(session=session).load()
    project = session.catalog.project()
    session.catalog._known["segment", project.id][1][:] = []  # as if it had been made since
    session.catalog._known["segment", project.id][1].append(session.catalog.segments(project)[3])
    picker = gio.SegmentPicker(session=session, value=SEGMENT)
    picker.show()
    until(lambda: is_settled(picker))
    assert picker.selected.name == SEGMENT


@pytest.mark.parametrize("multiple", [False, True])
def test_what_is_chosen_while_the_list_is_asked_for_stays(known: Any, multiple: bool) -> None:
    """It is chosen on the list that was shown first, beside what that does not have."""
    _, session = known
    early = ["没有这个"] if multiple else None
    picker = gio.SegmentPicker(session=session, multiple=multiple, value=early)
    picker.show()
    choose(picker, *(early or []), "AVpZBzpK")
    assert tone(picker) == "busy"
    assert picker.chooser.chosen == [*(early or []), "AVpZBzpK"]
    until(lambda: is_settled(picker))
    assert picker.chooser.chosen == [*(early or []), "AVpZBzpK"]
    assert picker.value == (["没有这个", "AVpZBzpK"] if multiple else "AVpZBzpK")
    assert tone(picker) == ("error" if multiple else "")


def test_a_remembered_list_outlives_a_platform_that_is_away(known: Any) -> None:
    """The error and Retry are below it."""
    platform, session = known
    platform.misbehave("graphql_error:query@all")
    picker = gio.SegmentPicker(session=session, value=SEGMENT)
    picker.show()
    until(lambda: tone(picker) == "error")
    assert picker._retry.layout.display == ""
    assert picker.selected.name == SEGMENT
    assert picker.code()


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"), [("没有这个", "is not on the list"), ("新客", "is the name of 2")]
)
def test_a_bad_beginning_is_told_once(value: str, said: str, session: gio.Session) -> None:
    """In the message and without Retry, which would not help; a good value takes it away."""
    picker = gio.SegmentPicker(session=session, value=value)
    with pytest.raises(gio.GioError, match=said):
        picker.load()
    assert said in picker.chooser.message
    assert picker._retry.layout.display == "none"
    assert picker.code() == ""
    choose(picker, "AVpZBzpK")
    assert picker.chooser.message == f"{len(picker.choices):,} segments"
    assert tone(picker) == ""


def test_an_observers_mistake_is_its_own(session: gio.Session) -> None:
    """It is raised as it is, and the list says nothing of it."""
    picker = gio.SegmentPicker(session=session, value=SEGMENT)

    def stumble(_: object) -> None:
        raise KeyError("mine")

    picker.observe(stumble, "selected")
    with pytest.raises(KeyError, match="mine"):
        picker.load()
    assert picker.chooser.message == f"{len(picker.choices):,} segments"
    assert tone(picker) == ""
    assert picker.selected.name == SEGMENT
    assert picker.chooser.chosen == [picker.value]


@pytest.mark.parametrize("plain", [True, False, None])
def test_clicks_while_a_list_is_loaded_hold_nobody_up(
    plain: bool | None, session: gio.Session
) -> None:
    """What is chosen on the screen and what is loaded meet in two threads, and both go on."""
    picker = gio.SegmentPicker(session=session, plain=plain).load()
    face = picker.chooser.children[0] if plain is None else picker.chooser
    values = [choice.value for choice in picker.choices[:20]]
    loads = [threading.Thread(target=load_often, args=(picker,), daemon=True) for _ in range(2)]
    for thread in loads:
        thread.start()
    clicks = threading.Thread(target=click_often, args=(face, values, loads), daemon=True)
    clicks.start()
    for thread in (*loads, clicks):
        thread.join(SOON)
        assert not thread.is_alive()
    choose(picker, values[1])
    assert picker.value == values[1]


def load_often(picker: Picker) -> None:
    """Load a list again and again."""
    listing = picker._ask()
    for number in range(60):
        with picker._lock:
            picker._take(Listing(listing.choices[number % 2 :]))  # another one each time


def click_often(face: Any, values: list[str], while_alive: list[threading.Thread]) -> None:
    """Choose one after another, as the front end does."""
    while any(thread.is_alive() for thread in while_alive):
        for value in values:
            if hasattr(face, "_list"):
                options = [value for _, value in face._list.options]
                if value in options:
                    face._list.set_state({"index": options.index(value)})
            else:
                face.set_state({"chosen": [value]})


# --- reading, and the code that does the same ----------------------------------------------------


def test_read_is_the_verb_of_what_is_chosen(session: gio.Session) -> None:
    """With the same options; the frame is kept, and told of."""
    picker = gio.SegmentPicker(session=session, value=SEGMENT)
    seen: list[pd.DataFrame] = []
    picker.observe(lambda change: seen.append(change["new"]), "result")
    frame = picker.read(tags=["会员等级"])
    pd.testing.assert_frame_equal(frame, session.read_segment(SEGMENT, tags=["会员等级"]))
    again = picker.read(tags=["会员等级"])
    assert [one is other for one, other in zip(seen, (frame, again), strict=True)] == [True] * 2
    assert picker.result is again
    job = picker.submit(tags=["会员等级"])
    assert job.kind == "segment"
    assert len(job.to_pandas()) == len(frame)


def test_read_of_several_is_a_list(session: gio.Session) -> None:
    """In the order they were chosen, as ``read_many`` gives it; so is ``submit``."""
    picker = gio.SegmentPicker(session=session, multiple=True, value=["分群2", "分群1"])
    frames = picker.read()
    assert [frame.attrs["gio"]["name"] for frame in frames] == ["分群2", "分群1"]
    assert picker.result is frames
    assert [job.name for job in picker.submit()] == ["分群2", "分群1"]


def test_read_without_a_choice_says_what_to_do(session: gio.Session) -> None:
    """Nothing is exported by accident."""
    with pytest.raises(gio.SettingsError, match=r"Nothing is chosen.*\.value"):
        gio.SegmentPicker(session=session).read()


def test_read_of_any_analysis_knows_its_kind(session: gio.Session) -> None:
    """A picker of all kinds looks the kind up, where the value was set in code."""
    picker = gio.AnalysisPicker(session=session, value="留存1")
    pd.testing.assert_frame_equal(picker.read(), session.read_retention("留存1"))
    assert picker.code() == 'df = gio.read_retention("留存1")'
    assert picker.chooser.items[0][3] == "漏斗分析"


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (lambda s: gio.SegmentPicker(session=s, value=SEGMENT), {"properties": ["usr_city"]}),
        (lambda s: gio.SegmentPicker(session=s, value="A&B 渠道 100%"), {}),
        (lambda s: gio.SegmentPicker(session=s, value=SEGMENT, project=OTHER_PROJECT), {}),
        (lambda s: gio.TagPicker(session=s, value="会员等级"), {"charset": "UTF-8"}),
        (lambda s: gio.TagPicker(session=s, value="平台专属标签", scope="platform"), {}),
        (lambda s: gio.AnalysisPicker(session=s, value="事件1"), {}),
        (lambda s: gio.TagPicker(session=s, multiple=True, value=["RFM分层", "会员等级"]), {}),
        (
            lambda s: gio.SegmentPicker(session=s, multiple=True, value=["分群1", "分群n"]),
            {"tags": ["会员等级"]},
        ),
    ],
)
def test_the_code_does_the_same(
    make: Any, options: dict[str, Any], session: gio.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run in another place, the line gives the frame that the picker gave."""
    picker = make(session).load()
    expected, line = picker.read(**options), picker.code(**options)
    found = ran(line, session, monkeypatch)
    pairs = (
        [(found, expected)]
        if isinstance(found, pd.DataFrame)
        else zip(found, expected, strict=True)
    )
    for one, other in pairs:
        pd.testing.assert_frame_equal(one, other)


def test_the_code_names_what_one_name_means(session: gio.Session) -> None:
    """By name where no other thing has it; else by id. Nothing chosen is no line."""
    picker = gio.SegmentPicker(session=session).load()
    assert picker.code() == ""
    picker.value = SEGMENT
    assert picker.code(target=None) == f'gio.read_segment("{SEGMENT}")'
    twins = [choice.id for choice in picker.choices if choice.name == "新客"]
    for twin in twins:
        picker.value = twin
        assert picker.code() == f'df = gio.read_segment("{twin}")'


def test_the_code_names_another_project(session: gio.Session) -> None:
    """The session's own goes without saying."""
    projects = gio.ProjectPicker(session=session)
    picker = gio.TagPicker(project=projects, value="会员等级").load()
    assert picker.code() == 'df = gio.read_tag("会员等级")'
    projects.value = OTHER_PROJECT
    picker.load()
    picker.value = "会员等级"
    assert picker.code() == f'df = gio.read_tag("会员等级", project="{OTHER_PROJECT}")'
    other = session.read_tag("会员等级", project=OTHER_PROJECT)
    assert picker.read().attrs["gio"]["project"] == other.attrs["gio"]["project"]


@pytest.mark.parametrize("make", [gio.SegmentPicker, gio.TagPicker, gio.AnalysisPicker])
def test_the_project_is_the_one_that_was_listed(make: Any, start: Start) -> None:
    """Whatever the session uses by now: for what is read, for the code, and for the facts."""
    _, session = start()
    value = {"SegmentPicker": SEGMENT, "TagPicker": "会员等级", "AnalysisPicker": "漏斗1"}
    picker = make(session=session, value=value[make.__name__]).load()
    own = session.catalog.project(PROJECT)
    assert "project=" not in picker.code()
    session.use(OTHER_PROJECT)
    assert f'project="{PROJECT}"' in picker.code()
    assert f"project: {PROJECT}" in repr(picker)
    assert picker.read().attrs["gio"]["project"] == own.id
    session.use(own.id)
    assert "project=" not in picker.code()


def test_the_code_says_which_platform_it_is_of(
    sandbox: gio.sandbox.Sandbox, session: gio.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where ``gio.…`` is another one's by now; a project, too, is left out where it is its own."""
    picker = gio.SegmentPicker(session=session, value=SEGMENT).load()
    projects = gio.ProjectPicker(session=session).load()
    line = f'df = gio.read_segment("{SEGMENT}"'
    with gio.connect(sandbox.url, api_key=sandbox.api_key, project=PROJECT):
        assert picker.code() == f"{line})"
    with gio.connect(sandbox.url, api_key=sandbox.api_key, project=OTHER_PROJECT):
        assert picker.code() == f'{line}, project="{PROJECT}")'
        frame = ran(picker.code(), gio.current_session(), monkeypatch)
        pd.testing.assert_frame_equal(frame, picker.read())
        early = gio.SegmentPicker(session=session, value=SEGMENT)
        assert early.code() == picker.code()
    with gio.connect("https://elsewhere.example.cn", api_key="k"):
        there = f'  # after gio.connect("{sandbox.url}")'
        assert picker.code() == f'{line}, project="{PROJECT}"){there}'
        assert projects.code() == f'gio.use("{PROJECT}"){there}'


def test_what_every_picker_must_say_is_abstract() -> None:
    """A picker that leaves something out cannot be made, and says what is missing."""
    with pytest.raises(TypeError, match=r"abstract.*_ask.*_remembered.*_summary.*code"):
        Picker("名")  # type: ignore[abstract]


# --- how it is shown -----------------------------------------------------------------------------


def test_it_says_what_it_is_without_a_front_end(session: gio.Session) -> None:
    """What it is of, what is chosen, and the code: as text and as HTML, with no address."""
    picker = gio.SegmentPicker(session=session, value=SEGMENT).load()
    for text in (repr(picker), picker._repr_html_()):
        assert all(word in text for word in ("分群 Segment", PROJECT, SEGMENT, "gio.read_segment("))
        assert " at 0x" not in text


def test_it_shows_no_secret(no_waits: None) -> None:
    """Neither what it prints nor what it sends to the browser has the key."""
    with gio.Session("http://127.0.0.1:9", api_key=SECRET, project=PROJECT) as session:
        picker = gio.SegmentPicker(session=session, value=SEGMENT)
        with pytest.raises(gio.GioError):
            picker.load()
        shown = [repr(picker), picker._repr_html_(), picker.chooser.message, picker.code()]
        shown.append(json.dumps(picker.chooser.get_state(), default=str))
    assert SECRET not in "".join(shown)


def test_what_is_named_like_html_is_text(session: gio.Session) -> None:
    """A name cannot become a part of the page."""
    picker = gio.SegmentPicker(session=session, value="<img src=x onerror=alert(1)>")
    assert "<img" not in picker._repr_html_()


def test_a_kernel_gets_a_widget_and_what_it_is_without_one(tmp_path: Path) -> None:
    """In a kernel without a browser, as nbconvert and papermill have it, nothing is waited for."""
    code = """
        import gio_pandas as gio
        from IPython.core.interactiveshell import InteractiveShell
        from IPython.utils.capture import capture_output
        shell = InteractiveShell.instance()
        shell.kernel = object()
        gio.connect("sandbox:")
        for picker in (gio.ProjectPicker(), gio.SegmentPicker(), gio.pick()):
            with capture_output() as captured:
                display(picker)
            print([sorted(output.data) for output in captured.outputs if not output.update])
    """
    command = [
        sys.executable,
        "-c",
        "from IPython.display import display\n" + textwrap.dedent(code),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SOON, check=True)
    view = "application/vnd.jupyter.widget-view+json"
    shown = [["text/html", "text/plain"], [view, "text/plain"]]
    assert done.stdout.splitlines() == [str(shown)] * 3


def test_the_lists_can_be_plain_widgets(session: gio.Session) -> None:
    """The same picker where the front end has no anywidget."""
    picker = gio.SegmentPicker(session=session, value=SEGMENT, plain=True).load()
    assert type(picker.chooser).__name__ == "PlainChooser"
    assert picker.selected.name == SEGMENT
    choose(picker, "AVpZBzpK")
    assert picker.selected.name == "分群1"


@pytest.mark.parametrize("name", ["ProjectPicker", "TagPicker", "SegmentPicker", "AnalysisPicker"])
def test_the_face_has_it(name: str) -> None:
    """Completion shows it, and nothing is loaded before it is used."""
    assert name in dir(gio)
    assert name in gio.__all__
    assert getattr(gio, name).__name__ == name


def test_a_notebook_that_runs_by_itself_waits_for_no_click(tmp_path: Path) -> None:
    """Without a browser it comes to its end, and the page says what was picked, and the code."""
    cells = [
        'import gio_pandas as gio\ngio.connect("sandbox:")',
        "gio.pick()",
        PICKED,
        "print(6*7)",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(book, tmp_path / "a.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", "a.ipynb"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=4 * SOON, check=True)
    page = unescape((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert "gio.pick() · 分群 Segment" in page
    assert 'df = gio.read_segment("高价值用户")' in page
    assert ">42" in page
    assert " at 0x" not in page
