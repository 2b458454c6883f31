"""What some words mean, and the verb that looks through everything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.search import Index, fold

CALLED = [
    ("高价值用户（北京）", "Sg000001"),
    ("高价值用户", "Sg000002"),
    ("北京 高净值", "Sg000003"),
    ("付费 ＶＩＰ", "Sg000004"),
    ("Paying users", "Sg000005"),
    ("用户高价值", "Sg000006"),
]


@pytest.fixture
def session(sandbox: embedded.Sandbox) -> Iterator[gio.Session]:
    """Open a session of the first project."""
    with gio.Session(sandbox.url, api_key=sandbox.api_key, project="默认项目") as opened:
        yield opened


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("高价值用户", [1, 0]),
        ("  高价值用户\u3000", [1, 0]),
        ("高价值 用户", [0, 1, 5]),
        ("用户 高价值", [0, 1, 5]),
        ("北京 高", [2, 0]),
        ("vip", [3]),
        ("ＰＡＹＩＮＧ", [4]),
        ("sg000003", [2]),
        ("Sg00000", [0, 1, 2, 3, 4, 5]),
        ("", [0, 1, 2, 3, 4, 5]),
        ("没有", []),
        ("高价值\n用户", [0, 1, 5]),
    ],
)
def test_words_are_looked_for_in_whatever_order(words: str, expected: list[int]) -> None:
    """Full-width or not, in capitals or not; what is called just that comes first."""
    assert Index(CALLED).find(words) == expected


def test_what_is_said_of_a_thing_counts_less_than_its_name() -> None:
    """A description is searched, too, and comes after every name."""
    index = Index([("甲",), ("付费乙",)], ["付费的人", None])
    assert index.find("付费") == [1, 0]


def test_as_many_as_are_enough() -> None:
    """A limit cuts what answers worst."""
    assert Index(CALLED).find("高价值用户", 1) == [1]


def test_a_text_is_compared_without_width_case_and_blanks() -> None:
    """Ligatures, full-width letters and blanks are no difference."""
    assert fold("\u3000ＶＩＰ ﬁn ") == "vip fin"


def test_everything_of_a_project_is_searched(session: gio.Session) -> None:
    """Segments, tags by key, analyses and projects, what answers best on top."""
    found = session.search("高价值用户")
    assert found.columns[:5].tolist() == ["id", "name", "key", "kind", "project"]
    assert found.loc[0, ["name", "kind", "project"]].tolist() == [
        "高价值用户",
        "segment",
        "默认项目",
    ]
    assert session.search("TAG_PAYMENT_TIMES").loc[0, "kind"] == "tag"
    assert session.search("漏斗1").loc[0, "kind"] == "funnel"
    assert session.search("默认项目").loc[0, "kind"] == "project"
    assert str(found["updated_at"].dtype) == "datetime64[us, UTC]"


def test_nothing_found_is_an_empty_frame_with_its_columns(session: gio.Session) -> None:
    """What is not there is no error: it was looked for."""
    found = session.search("绝对没有这个")
    assert len(found) == 0
    assert "updated_at" in found.columns


def test_without_a_project_all_are_searched(sandbox: embedded.Sandbox) -> None:
    """Who does not know where a thing is does not know its project either."""
    with gio.Session(sandbox.url, api_key=sandbox.api_key) as session:
        assert session.search("")["project"].nunique() == len(session.list_projects())


def test_what_may_not_be_listed_is_left_out_and_said() -> None:
    """Half an answer is never given in silence."""
    with embedded.start(stage_seconds=0, faults=["403:query@2"]) as platform:
        session = gio.Session(platform.url, api_key=platform.api_key, project="默认项目")
        with pytest.warns(UserWarning, match="Not searched.*segment"), session:
            found = session.search("")
    assert "segment" not in set(found["kind"])
    assert {"tag", "funnel"} <= set(found["kind"])


def test_a_session_remembers_what_it_listed_and_asks_nothing(sandbox: embedded.Sandbox) -> None:
    """None where nothing was listed; and a project that is known by name is no question either."""
    with gio.Session(sandbox.url, api_key=sandbox.api_key, project="默认项目") as session:
        assert session.catalog.remembered("segment") is None
        assert session.catalog.remembered("project") is None
        listed = session.catalog.items("segment")
        before = len(sandbox.requests)
        assert session.catalog.remembered("segment") == listed
        assert session.catalog.remembered("segment", project="默认项目") == listed
        assert session.catalog.remembered("tag") is None
        assert session.catalog.remembered("segment", project="没有这个项目") is None
        assert len(sandbox.requests) == before


def test_what_is_asked_for_is_what_is_listed(session: gio.Session) -> None:
    """Items and listings are of the same things, in the same order."""
    for kind in ("project", "tag", "segment", "funnel", "event", "retention", "frequency"):
        plural = "frequencies" if kind == "frequency" else f"{kind}s"
        listed = getattr(session, f"list_{plural}")()
        assert [item.id for item in session.catalog.items(kind)] == listed["id"].tolist()
    with pytest.raises(gio.SettingsError, match="no kind 'segmant'"):
        session.catalog.items("segmant")
