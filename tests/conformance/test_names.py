"""Names: compared as they read, and never guessed."""

from __future__ import annotations

import pytest

import gio_pandas as gio

from .conftest import Connect, Serve
from .frames import (
    TWO_PROJECTS,
    VIP,
    VIP_ID,
)
from .world import OTHER_PROJECT, World, segment, tag


@pytest.mark.parametrize("asked", ["VIP 用户", "ＶＩＰ　用户", "  VIP 用户\n", "VIP\u00a0用户"])
@pytest.mark.parametrize("named", ["VIP 用户", "ＶＩＰ　用户", " VIP 用户 "])
def test_a_name_is_compared_as_it_reads(
    serve: Serve, connect: Connect, named: str, asked: str
) -> None:
    """Full-width letters and outer blanks make no other name."""
    world = World().with_segments(segment("Sg000001", "VIP用户"), segment("Sg000002", named))
    platform = serve(world)
    connect(platform).read_segment(asked)
    assert platform.submitted[0]["segmentId"] == "Sg000002"


@pytest.mark.parametrize(
    ("verb", "asked", "near"),
    [
        ("read_segment", "高价值用", VIP),
        ("read_segment", "qgqmxnd3", VIP),
        ("read_tag", "tag_rmf", "tag_rfm"),
        ("read_tag", "会员等极", "会员等级"),
        ("read_funnel", "漏斗", "漏斗1"),
        ("read_event", "事件分析", "事件分析1"),
        ("read_retention", "留存", "留存1"),
        ("read_frequency", "分布", "分布1"),
    ],
)
def test_a_name_that_is_nearly_right_is_not_guessed(
    serve: Serve, connect: Connect, verb: str, asked: str, near: str
) -> None:
    """A name that nothing has is an error that lists near ones; no job starts."""
    platform = serve()
    with pytest.raises(gio.NotFoundError) as caught:
        getattr(connect(platform), verb)(asked)
    assert asked in str(caught.value)
    if asked != "qgqmxnd3":
        assert near in str(caught.value)
    assert platform.submits == 0


@pytest.mark.parametrize("asked", ["双胞胎", "双胞胎 "])
def test_a_name_of_two_is_an_error_with_a_table(serve: Serve, connect: Connect, asked: str) -> None:
    """Of two segments of one name the error shows id, name, creator and time."""
    world = World().with_segments(
        segment("Sg000001", "双胞胎", creator="甲"), segment("Sg000002", "双胞胎", creator="乙")
    )
    platform = serve(world)
    with pytest.raises(gio.AmbiguousNameError) as caught:
        connect(platform).read_segment(asked)
    for part in ("Sg000001", "Sg000002", "双胞胎", "甲", "乙", "2021-04-14"):
        assert part in str(caught.value)
    assert len(str(caught.value).splitlines()) >= 3
    assert platform.submits == 0


def test_an_id_comes_before_a_name(serve: Serve, connect: Connect) -> None:
    """A segment that is named as another's id does not take its place."""
    world = World().with_segments(segment("Sg000001", VIP_ID), segment(VIP_ID, "别的"))
    platform = serve(world)
    connect(platform).read_segment(VIP_ID)
    assert [job["segmentId"] for job in platform.submitted] == [VIP_ID]


def test_a_key_comes_before_a_name(serve: Serve, connect: Connect) -> None:
    """A tag that is named as another's key does not take its place."""
    twins = (tag("Tg000008", "tag_x", "tag_rfm"), tag("Tg000009", "tag_rfm", "别的"))
    platform = serve(World(tags=twins))
    connect(platform).read_tag("tag_rfm")
    assert [job["tagKey"] for job in platform.submitted] == ["tag_rfm"]


def test_names_that_read_the_same_are_ambiguous(serve: Serve, connect: Connect) -> None:
    """Two names that differ in the width of their letters are one to the reader."""
    world = World().with_segments(segment("Sg000001", "VIP"), segment("Sg000002", "ＶＩＰ"))
    session = connect(serve(world))
    with pytest.raises(gio.AmbiguousNameError, match="Sg000002"):
        session.read_segment("VIP")


def test_a_miss_looks_again(serve: Serve, connect: Connect) -> None:
    """A segment made after the listing was remembered is found."""
    platform = serve()
    session = connect(platform)
    session.read_segment(VIP)
    platform.world = platform.world.with_segments(segment("Sg000009", "新分群"))
    assert len(session.read_segment("新分群")) == 3


def test_names_are_looked_up_once(serve: Serve, connect: Connect) -> None:
    """A second read of a name asks no listing again."""
    platform = serve()
    session = connect(platform)
    session.read_segment(VIP)
    queries = len(platform.asked("query"))
    session.read_segment("分群1")
    assert len(platform.asked("query")) == queries


@pytest.mark.parametrize("where", ["session", "verb"])
@pytest.mark.parametrize("asked", [OTHER_PROJECT, "第二项目", " 第二项目"])
def test_a_project_is_given_by_name_or_id(
    serve: Serve, connect: Connect, asked: str, where: str
) -> None:
    """The session's project is the default, the verb's wins."""
    platform = serve(TWO_PROJECTS)
    if where == "session":
        connect(platform, project=asked).read_segment(VIP)
    else:
        connect(platform).read_segment(VIP, project=asked)
    assert [job["projectId"] for job in platform.submitted] == [OTHER_PROJECT]


def test_the_only_project_need_not_be_named(serve: Serve, connect: Connect) -> None:
    """Where there is one project it is the one meant."""
    assert len(connect(serve(), project=None).read_segment(VIP)) == 3


def test_of_several_projects_one_must_be_named(serve: Serve, connect: Connect) -> None:
    """No project set and several to choose from is an error that names them."""
    platform = serve(TWO_PROJECTS)
    with pytest.raises(gio.GioError, match=r"project") as caught:
        connect(platform, project=None).read_segment(VIP)
    assert "第二项目" in str(caught.value)
    assert platform.submits == 0


def test_a_tag_needs_no_project(serve: Serve, connect: Connect) -> None:
    """Tags are the platform's: they are read with several projects and none set."""
    platform = serve(TWO_PROJECTS)
    assert len(connect(platform, project=None).read_tag("会员等级")) == 3


def test_a_project_that_is_not_there_is_not_found(serve: Serve, connect: Connect) -> None:
    """A project's name is looked up as any other."""
    with pytest.raises(gio.NotFoundError, match="默认项目"):
        connect(serve(), project="默认项").read_segment(VIP)
