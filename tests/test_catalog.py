"""Names to ids, never a guess; listings to frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from gio_pandas import AmbiguousNameError, GraphQLError, NotFoundError, PermissionDeniedError
from gio_pandas.api.models import Analysis, Kind, Project, Segment, Tag
from gio_pandas.catalog import Catalog, match, near_names, to_frame
from gio_pandas.exports.frames import text_dtype

TEXT = str(text_dtype())
DEFAULT = Project(id="WlGk4Daj", name="默认项目")
TAGS = [
    Tag(id="Tg000001", name="会员等级", key="tag_level"),
    Tag(id="Tg000002", name="ＶＩＰ（全角）", key="tag_vip"),
    Tag(id="Tg000003", name=" 两边有空格 ", key="tag_blank"),
    Tag(id="Tg000004", name="tag_level", key="tag_other"),
    Tag(id="aBcDeFgH", name="Tg000001", key="tag_case"),
    Tag(id="AbCdEfGh", name="", key=None),
]
SEGMENTS = [
    Segment(id="Sg000001", name="高价值用户", creator="王小明"),
    Segment(id="Sg000002", name="新客", creator="李雷", updated_at="2021-04-13T00:00:00Z"),
    Segment(id="Sg000003", name="新客", created_at="2020-01-01T00:00:00Z"),
]


@dataclass
class Platform:
    """Lists what it has, and counts how often it is asked."""

    tags_: list[Tag] = field(default_factory=lambda: list(TAGS))
    segments_: list[Segment] = field(default_factory=lambda: list(SEGMENTS))
    platform_tags: list[Tag] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    now: float = 0.0

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    def projects(self) -> list[Project]:
        """List the projects."""
        self.asked["projects"] += 1
        return [DEFAULT]

    def data_center_tags(self) -> list[Tag]:
        """List the platform's tags."""
        self.asked["data_center_tags"] += 1
        return list(self.platform_tags)

    def tags(self, project_id: str) -> list[Tag]:
        """List a project's tags."""
        self.asked["tags"] += 1
        return list(self.tags_)

    def segments(self, project_id: str) -> list[Segment]:
        """List a project's segments."""
        self.asked["segments"] += 1
        return list(self.segments_)

    def analyses(self, kind: Kind, project_id: str) -> list[Analysis]:
        """List one analysis of each kind."""
        self.asked[kind] += 1
        return [Analysis(id=f"{kind.value:_<8}"[:8], name=f"{kind.value} 1")]


def catalog(platform: Platform) -> Catalog:
    """Make a catalog with the platform's clock."""
    return Catalog(platform, clock=platform.clock)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("Tg000002", ["Tg000002"]),
        (" Tg000002\n", ["Tg000002"]),
        ("tg000002", []),
        ("tag_vip", ["Tg000002"]),
        ("TAG_VIP", []),
        ("会员等级", ["Tg000001"]),
        ("　会员等级　", ["Tg000001"]),
        ("会员等", []),
        ("VIP(全角)", ["Tg000002"]),
        ("ＶＩＰ（全角）", ["Tg000002"]),
        ("vip(全角)", []),
        ("两边有空格", ["Tg000003"]),
        ("两边 有空格", []),
        ("tag_level", ["Tg000001"]),
        ("Tg000001", ["Tg000001"]),
        ("aBcDeFgH", ["aBcDeFgH"]),
        ("AbCdEfGh", ["AbCdEfGh"]),
        ("ABCDEFGH", []),
        ("", []),
        (" ", []),
    ],
)
def test_a_word_means_an_id_or_key_before_a_name(wanted: str, expected: list[str]) -> None:
    """Ids and keys are exact; names are NFKC and trimmed; nothing is ever nearly found."""
    assert [tag.id for tag in match(TAGS, wanted)] == expected


@pytest.mark.parametrize("wanted", [7, None, ["会员等级"], b"x"])
def test_a_name_is_text(wanted: Any) -> None:
    """What is no text is a TypeError that shows it."""
    with pytest.raises(TypeError, match="is text, not"):
        match(TAGS, wanted)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("高价值", ["高价值用户", "高价值用户（北京）"]),
        ("高价值客户", ["高价值用户", "高价值用户（北京）"]),
        ("ｖｉｐ", ["VIP"]),
        ("完全不同", []),
        ("", []),
    ],
)
def test_near_names_are_those_that_look_alike(wanted: str, expected: list[str]) -> None:
    """Names that hold the word come first, then similar ones, as they are written."""
    names = ["高价值用户（北京）", "高价值用户", "VIP", "流失预警"]
    assert near_names(names, wanted) == expected


def test_near_names_are_five_at_most() -> None:
    """A hint is no listing."""
    assert len(near_names([f"近7天登录{number}" for number in range(50)], "近7天登录")) == 5


def test_a_listing_is_remembered_for_a_minute() -> None:
    """Names are looked up once, and again when what is known is old."""
    platform = Platform()
    known = catalog(platform)
    for _ in range(3):
        assert known.find_segment("高价值用户", DEFAULT).id == "Sg000001"
    assert platform.asked["segments"] == 1
    platform.now = 59.9
    known.find_segment("Sg000002", DEFAULT)
    assert platform.asked["segments"] == 1
    platform.now = 60.1
    known.find_segment("Sg000002", DEFAULT)
    assert platform.asked["segments"] == 2


def test_a_miss_looks_again_before_it_fails() -> None:
    """What was made a moment ago is found."""
    platform = Platform()
    known = catalog(platform)
    known.find_segment("高价值用户", DEFAULT)
    platform.segments_.append(Segment(id="Sg000009", name="刚刚创建"))
    assert known.find_segment("刚刚创建", DEFAULT).id == "Sg000009"
    assert platform.asked["segments"] == 2
    with pytest.raises(NotFoundError):
        known.find_segment("没有", DEFAULT)
    assert platform.asked["segments"] == 3


def test_an_ambiguity_looks_again_before_it_fails() -> None:
    """A namesake that was renamed a moment ago stands in nobody's way."""
    platform = Platform()
    known = catalog(platform)
    known.find_segment("高价值用户", DEFAULT)
    del platform.segments_[2]
    assert known.find_segment("新客", DEFAULT).id == "Sg000002"


def test_a_listing_that_is_shown_is_remembered() -> None:
    """Listing first and reading then asks once, but every listing is fresh."""
    platform = Platform()
    known = catalog(platform)
    known.segments(DEFAULT)
    known.segments(DEFAULT)
    known.find_segment("高价值用户", DEFAULT)
    assert platform.asked["segments"] == 2


def test_what_is_not_there_is_an_error_with_near_names() -> None:
    """The error says what was looked for and where, and lists what looks like it."""
    with pytest.raises(NotFoundError) as caught:
        catalog(Platform()).find_segment("高价值客户", DEFAULT)
    assert caught.value.near == ("高价值用户",)
    what = "There is no segment (分群) '高价值客户' in project '默认项目'."
    assert str(caught.value) == f"{what} Similar names: '高价值用户'."


def test_a_key_that_is_nearly_right_is_near() -> None:
    """A tag's key is a word as its name is; ids look like nothing."""
    with pytest.raises(NotFoundError) as caught:
        catalog(Platform()).find_tag("tag_lvel", DEFAULT)
    assert caught.value.near[0] == "tag_level"
    with pytest.raises(NotFoundError) as caught:
        catalog(Platform()).find_tag("AbCdEfG", DEFAULT)
    assert "AbCdEfGh" not in caught.value.near


@pytest.mark.parametrize(
    ("kind", "verb"),
    [
        (Kind.FUNNEL, "list_funnels"),
        (Kind.EVENT, "list_events"),
        (Kind.RETENTION, "list_retentions"),
        (Kind.FREQUENCY, "list_frequencies"),
    ],
)
def test_where_nothing_is_near_the_listing_is_named(kind: Kind, verb: str) -> None:
    """The next step is the verb that lists this kind."""
    with pytest.raises(NotFoundError, match=rf"Of 1 in all, none is like it: gio\.{verb}\(\)"):
        catalog(Platform()).find_analysis(kind, "完全不同", DEFAULT)


DAYS = [(2021, 4, 13), (2020, 1, 1)]


def test_namesakes_are_an_error_with_a_table() -> None:
    """Several of a name: their ids, names, creators and last changes, and no guess."""
    with pytest.raises(AmbiguousNameError) as caught:
        catalog(Platform()).find_segment("新客", DEFAULT)
    error = caught.value
    # In this machine's zone, as pickers show them.
    times = [f"{datetime(*day, tzinfo=UTC).astimezone():%Y-%m-%d %H:%M}" for day in DAYS]
    assert error.candidates == (
        {"id": "Sg000002", "name": "新客", "creator": "李雷", "updated": times[0]},
        {"id": "Sg000003", "name": "新客", "creator": "-", "updated": times[1]},
    )
    first, header, *rows = str(error).splitlines()
    assert "not unique" in first
    assert "'Sg000002'" in first
    assert header.split() == ["id", "name", "creator", "updated"]
    assert [row.split()[0] for row in rows] == ["Sg000002", "Sg000003"]


def test_a_namesake_is_found_by_its_id() -> None:
    """An id is never ambiguous."""
    assert catalog(Platform()).find_segment("Sg000003", DEFAULT) is SEGMENTS[2]


def test_a_tag_is_looked_for_in_the_project_then_on_the_platform() -> None:
    """A tag that only the platform has is found from a project, too."""
    platform = Platform(platform_tags=[Tag(id="Pt000001", name="平台标签", key="tag_p"), TAGS[0]])
    known = catalog(platform)
    assert known.find_tag("tag_level", DEFAULT) is TAGS[0]
    assert platform.asked["data_center_tags"] == 0
    assert known.find_tag("平台标签", DEFAULT).id == "Pt000001"
    assert known.find_tag("平台标签", None).id == "Pt000001"
    with pytest.raises(NotFoundError, match="in project '默认项目'"):
        known.find_tag("没有的", DEFAULT)
    with pytest.raises(NotFoundError):
        known.find_tag("会员等级9", None)


def test_a_tag_that_only_the_platform_has_is_remembered() -> None:
    """Both listings are asked for once, however many of its tags are looked up."""
    platform = Platform(platform_tags=[Tag(id="Pt000001", name="平台标签", key="tag_p")])
    known = catalog(platform)
    for _ in range(3):
        assert known.find_tag("tag_p", DEFAULT).id == "Pt000001"
    assert (platform.asked["tags"], platform.asked["data_center_tags"]) == (1, 1)


def test_a_projects_own_tag_comes_before_the_platforms_namesake() -> None:
    """Also where the platform's listing is known already and the project's is not."""
    platform = Platform(platform_tags=[Tag(id="Pt000001", name=TAGS[0].name, key="tag_p")])
    known = catalog(platform)
    assert known.find_tag(TAGS[0].name, None).id == "Pt000001"
    assert known.find_tag(TAGS[0].name, DEFAULT) is TAGS[0]


@pytest.mark.parametrize("refusal", [PermissionDeniedError, GraphQLError])
def test_a_project_is_known_by_its_id_where_projects_may_not_be_listed(
    refusal: type[PermissionDeniedError | GraphQLError],
) -> None:
    """An account without the right to the list may have the right to a project; not by name."""

    class Closed(Platform):
        def projects(self) -> list[Project]:
            raise refusal("no", hint="ask")

    assert catalog(Closed()).find_project("WlGk4Daj").id == "WlGk4Daj"
    with pytest.raises(refusal):
        catalog(Closed()).find_project("默认项目")


def test_a_project_is_found_by_id_and_name() -> None:
    """Projects are looked up as everything else is."""
    known = catalog(Platform())
    assert known.find_project("WlGk4Daj") is known.find_project(" 默认项目 ")
    with pytest.raises(NotFoundError, match=r"project \(项目\) '别的'.*list_projects"):
        known.find_project("别的")


def test_the_project_that_is_meant_can_be_chosen() -> None:
    """Where none is named; one that is not there leaves what was chosen before."""
    known = catalog(Platform())
    assert known.choose("默认项目").id == known.project().id == "WlGk4Daj"
    with pytest.raises(NotFoundError):
        known.choose("别的")
    assert known.project().id == "WlGk4Daj"


@pytest.mark.parametrize(
    ("model", "first"),
    [
        (Project, ["id", "name"]),
        (Tag, ["id", "name", "key", "type"]),
        (Segment, ["id", "name"]),
        (Analysis, ["id", "name"]),
    ],
)
def test_a_listing_of_nothing_has_its_columns(model: type, first: list[str]) -> None:
    """Columns and their dtypes are there without a single item."""
    frame = to_frame([], model)
    assert list(frame.columns[: len(first)]) == first
    assert sorted(frame.columns) == sorted(known.name for known in fields(model))
    assert len(frame) == 0
    assert "object" not in map(str, frame.dtypes)
    assert frame.dtypes.equals(to_frame([model(id="a", name="b")], model).dtypes)


def test_a_listings_dtypes() -> None:
    """Text, whole numbers, shares, truths and times in UTC; missing is missing in each."""
    tags = [
        Tag(
            id="a",
            name="甲",
            users=7,
            users_ratio=0.5,
            is_array=True,
            created_at="2021-04-13T11:40:00+08:00",
            updated_at="2021-04-13T03:40:00.123Z",
        ),
        Tag(id="b", name="乙"),
    ]
    frame = to_frame(tags, Tag)
    assert str(frame["name"].dtype) == str(frame["key"].dtype) == TEXT
    assert str(frame["users"].dtype) == "Int64"
    assert str(frame["users_ratio"].dtype) == "Float64"
    assert str(frame["is_array"].dtype) == "boolean"
    assert frame["created_at"][0] == pd.Timestamp("2021-04-13T03:40:00Z")
    assert str(frame["created_at"].dt.tz) == "UTC"
    assert frame.loc[1, ["key", "users", "users_ratio", "created_at"]].isna().all()
    assert frame.index.equals(pd.RangeIndex(2))


@pytest.mark.parametrize("moment", [None, "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.5+08:00"])
def test_times_are_of_one_dtype_whatever_they_are(moment: str | None) -> None:
    """Microseconds in UTC, also where there are none."""
    frame = to_frame([Project(id="a", name="甲", created_at=moment)], Project)
    assert str(frame["created_at"].dtype) == "datetime64[us, UTC]"


def test_a_time_that_is_none_is_shown_as_it_came() -> None:
    """A platform with other ideas of a time breaks no listing."""
    frame = to_frame([Project(id="a", name="甲", created_at="昨天")], Project)
    assert frame["created_at"].tolist() == ["昨天"]
