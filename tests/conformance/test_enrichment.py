"""``df.gio.enrich()`` with lists of users of every shape, and what is refused before a submit."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gio_pandas as gio

from .conftest import Connect, Serve
from .platform import Platform
from .tables import Table
from .world import World, tag

IDS = ["603542", "9007199254740993123", "0071", "nobody"]
RFM = ["金,卡", None, "银卡", None]


def frame(*ids: str | None, name: str = "gio_id", **more: list[Any]) -> pd.DataFrame:
    """Make a frame of a caller's own."""
    return pd.DataFrame({name: list(ids), **more})


def plain(column: pd.Series) -> list[Any]:
    """Give a column's values, None where they are missing."""
    return [None if pd.isna(value) else value for value in column]


@pytest.fixture
def open_session(connect: Connect) -> Connect:
    """Open a session that may ask as often as it likes."""
    return lambda platform, **more: connect(platform, requests_per_second=None, **more)


@pytest.mark.parametrize(
    "table",
    [
        Table(("gio_id", "会员等级"), (("603542", "金,卡"), ("0071", "银卡"))),
        Table(("gio_id", "tag_rfm"), (("603542", "金,卡"), ("0071", "银卡"))),
        Table(("用户", "标签值"), (("603542", "金,卡"), ("0071", "银卡"))),
        Table(("gio_id", "id_x", "会员等级"), (("603542", "1", "金,卡"), ("0071", "2", "银卡"))),
        Table(("gio_id", "用户ID", "值"), (("603542", "1", "金,卡"), ("0071", "2", "银卡"))),
        Table(("gio_id", "tag_rfm", "day"), (("603542", "金,卡", "d"), ("0071", "银卡", "d"))),
        Table(("gio_id", "tag_rfm"), (("", "?"), ("603542", "金,卡"), ("", "!"), ("0071", "银卡"))),
        Table(("gio_id", "tag_rfm"), (("603542", "金,卡"), ("0071", "银卡"), ("0071", "银卡"))),
        Table(
            ("gio_id", "tag_rfm"), (("603542", "金,卡"), ("0071", "银卡"), ("7", "a"), ("7", "b"))
        ),
    ],
    ids=lambda table: "-".join(table.header),
)
def test_the_tag_is_found_in_every_shape(serve: Serve, open_session: Connect, table: Table) -> None:
    """By its name or key, else by its place; users are the first column, whatever it is called."""
    session = open_session(serve(table=table))
    given = frame(*IDS, name="who", n=[1, 2, 3, 4])
    found = given.gio.enrich("会员等级", on="who", session=session)
    [name] = [one for one in found if one not in given]
    assert name in table.header[1:]
    assert plain(found[name]) == RFM
    pd.testing.assert_frame_equal(found[["who", "n"]], given)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (("gio_id",), "does not tell which column is the tag.*the users alone"),
        (("gio_id", "甲", "乙"), "does not tell which column is the tag.*甲, 乙"),
    ],
)
def test_a_tag_that_cannot_be_told_is_an_error(
    serve: Serve, open_session: Connect, header: tuple[str, ...], words: str
) -> None:
    """Nothing is taken for a tag by guess."""
    table = Table(header, (tuple("603542" for _ in header),))
    with pytest.raises(gio.DecodeError, match=words):
        frame("603542").gio.enrich("会员等级", session=open_session(serve(table=table)))


@pytest.mark.parametrize(
    "header", [("gio_id", "会员等级", "会员等级"), ("gio_id", "会员等级", "tag_rfm")]
)
def test_a_property_headed_like_the_tag_is_not_taken_for_it(
    serve: Serve, open_session: Connect, header: tuple[str, ...]
) -> None:
    """Which of both is the tag is not told by their order."""
    table = Table(header, (("603542", "of the property", "of the tag"),))
    session = open_session(serve(table=table))
    with pytest.raises(gio.DecodeError, match="does not tell which column is the tag"):
        frame("603542").gio.enrich("会员等级", "usr_level", session=session)


def test_two_values_of_one_user_are_an_error(serve: Serve, open_session: Connect) -> None:
    """Neither is chosen by chance; whose they are is told."""
    rows = (("603542", "a"), ("0071", "b"), ("603542", "c"))
    session = open_session(serve(table=Table(("gio_id", "tag_rfm"), rows)))
    words = r"tag \(标签\) '会员等级' has 1 users in several rows .*'603542'.*gio\.read_tag"
    with pytest.raises(gio.DecodeError, match=words):
        frame("603542").gio.enrich("会员等级", session=session)


def test_a_property_that_does_not_come_is_an_error(serve: Serve, open_session: Connect) -> None:
    """A platform may leave out what it does not know: that is told, and nothing is given."""
    table = Table(("gio_id", "usr_city"), (("603542", "北京"),))
    session = open_session(serve(table=table))
    with pytest.raises(gio.DecodeError, match=r"Of 3 columns .* segment .* has 1: usr_city"):
        frame("603542").gio.enrich(
            "会员等级", ["usr_city", "usr_x"], segment="分群1", session=session
        )


def test_a_header_that_the_frame_has_already_is_an_error(
    serve: Serve, open_session: Connect
) -> None:
    """A name that only the export tells is held against the frame's when it is there."""
    session = open_session(serve(table=Table(("用户", "标签值"), (("603542", "x"),))))
    with pytest.raises(gio.SettingsError, match=r"has a column '标签值' already.*rename.*reuse="):
        frame("603542", 标签值=[1]).gio.enrich("会员等级", session=session)


def test_tags_of_one_name_are_told_apart(serve: Serve, open_session: Connect) -> None:
    """By a number, as columns of one name are everywhere."""
    tags = (tag("Tg000001", "tag_rfm", "等级"), tag("Tg000002", "tag_code", "等级"))
    session = open_session(serve(World(tags=tags), header="name"))
    found = frame("603542").gio.enrich(["tag_rfm", "tag_code"], session=session)
    assert found.iloc[0].tolist() == ["603542", "金,卡", "1"]
    assert list(found.columns) == ["gio_id", "等级", "等级.1"]


def test_properties_of_one_kind_in_each_list_are_one_column(
    serve: Serve, open_session: Connect
) -> None:
    """A tag and a property come from each of two lists; the property is there once."""
    platform = serve()
    given = frame(*IDS)
    with pytest.warns(UserWarning, match=r"^1 of the 4 rows"):
        found = given.gio.enrich(
            ["tag_rfm", "tag_code"], ["usr_age", "usr_city"], session=open_session(platform)
        )
    assert list(found.columns) == ["gio_id", "tag_rfm", "tag_code", "usr_age", "usr_city"]
    assert plain(found["usr_age"]) == [31, 28, 45, None]
    assert str(found["usr_age"].dtype) == "Int64"
    assert platform.submits == 2


REFUSED: dict[str, tuple[pd.DataFrame, dict[str, Any], type[Exception], str]] = {
    "nothing": (frame("1"), {}, gio.SettingsError, "nothing to add"),
    "unknown tag": (frame("1"), {"tags": "会员登记"}, gio.NotFoundError, "会员等级"),
    "one of two unknown": (frame("1"), {"tags": ["tag_rfm", "x"]}, gio.NotFoundError, "'x'"),
    "unknown segment": (
        frame("1"),
        {"tags": "tag_rfm", "segment": "高价值"},
        gio.NotFoundError,
        "高价值用户",
    ),
    "no ids": (
        frame("1", name="user_id"),
        {"tags": "tag_rfm"},
        gio.SettingsError,
        r"no column 'gio_id'.*on=.*'user_id'",
    ),
    "no such column": (
        frame("1", name="uid", city=["北京"]),
        {"tags": "tag_rfm", "on": "user"},
        gio.SettingsError,
        r"no column 'user'.*such as 'uid'\.",
    ),
    "two columns": (
        pd.DataFrame([["1", "2"]], columns=["gio_id", "gio_id"]),
        {"tags": "tag_rfm"},
        gio.SettingsError,
        "2 columns are called 'gio_id'",
    ),
    "whole numbers": (
        pd.DataFrame({"gio_id": [603542]}),
        {"tags": "tag_rfm"},
        gio.SettingsError,
        r"'gio_id' is int64, not text.*leading zeros.*dtype=\{'gio_id': str\}",
    ),
    "floats": (
        pd.DataFrame({"gio_id": [603542.0, None]}),
        {"tags": "tag_rfm"},
        gio.SettingsError,
        "is float64, not text",
    ),
    "mixed values": (
        pd.DataFrame({"gio_id": ["603542", 71]}),
        {"tags": "tag_rfm"},
        gio.SettingsError,
        "values that are no text",
    ),
    "categories of numbers": (
        pd.DataFrame({"gio_id": pd.Categorical([1, 2])}),
        {"tags": "tag_rfm"},
        gio.SettingsError,
        "values that are no text",
    ),
    "a column by the tag's name": (
        frame("1", 会员等级=["x"]),
        {"tags": "tag_rfm"},
        gio.SettingsError,
        r"column '会员等级' already.*df\.drop",
    ),
    "a column by the tag's key": (
        frame("1", tag_rfm=["x"]),
        {"tags": "会员等级"},
        gio.SettingsError,
        "column 'tag_rfm' already",
    ),
    "a column by the property's key": (
        frame("1", usr_city=["x"]),
        {"tags": "tag_rfm", "properties": "usr_city"},
        gio.SettingsError,
        "column 'usr_city' already",
    ),
    "properties of nobody": (
        frame("1"),
        {"properties": ["usr_city"]},
        gio.SettingsError,
        r"of no segment.*segment=\"全部用户\"",
    ),
    "another option": (frame("1"), {"tags": "tag_rfm", "dtype": "str"}, TypeError, "'dtype'"),
    "tags that are no text": (frame("1"), {"tags": [7]}, TypeError, "names as text, not 7"),
    "a frame of tags": (frame("1"), {"tags": frame("1")}, TypeError, "not a frame"),
    "another backend": (
        frame("1"),
        {"tags": "tag_rfm", "dtype_backend": "x"},
        gio.SettingsError,
        "dtype_backend='x' is unknown",
    ),
    "no span": (frame("1"), {"tags": "tag_rfm", "reuse": "soon"}, gio.SettingsError, "no span"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_before_a_submit(
    serve: Serve, open_session: Connect, name: str
) -> None:
    """One line that says what to do; the platform has started nothing."""
    given, asked, kind, words = REFUSED[name]
    platform = serve()
    before = given.copy()
    with pytest.raises(kind, match=words) as caught:
        given.gio.enrich(**asked, session=open_session(platform))
    assert "\n" not in str(caught.value)
    assert platform.submits == 0
    pd.testing.assert_frame_equal(given, before)


def test_without_a_session_nothing_is_joined() -> None:
    """Like every verb: it says how to connect."""
    with pytest.raises(gio.SettingsError, match="connect"):
        frame("1").gio.enrich("会员等级")


def test_a_failed_export_is_an_error_and_no_half_result(
    serve: Serve, open_session: Connect
) -> None:
    """Of several exports one fails: there is no frame without its column."""
    session = open_session(serve(stages=("RUNNING", "ERROR")))
    with pytest.raises(gio.JobFailedError):
        frame("603542").gio.enrich(["tag_rfm", "tag_code"], session=session)


ANY_ID = st.sampled_from(["1", "2", "3", "0071", "用户", "é"])
WANTED = st.lists(st.tuples(st.one_of(st.none(), ANY_ID), st.integers(0, 3)), max_size=8)
KNOWN = st.dictionaries(
    ANY_ID, st.tuples(*[st.sampled_from(["", "1", "2", "x", "007", "1.5"])] * 2), max_size=6
)
NOT_FOUND = ("rows are of users", "None of the", "has no users")


def written(value: Any) -> str | None:
    """Write a value as the platform did."""
    return f"{value:g}" if isinstance(value, float) else value and str(value)


@pytest.fixture
def lists(serve: Serve, open_session: Connect) -> tuple[Platform, gio.Session]:
    """Open a platform whose users may change, and a session on it."""
    platform = serve()
    return platform, open_session(platform)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=WANTED, known=KNOWN)
def test_a_join_is_a_look_up_in_a_dict(
    lists: tuple[Platform, gio.Session],
    wanted: list[tuple[str | None, int]],
    known: dict[str, tuple[str, str]],
) -> None:
    """Over a socket: rows, their order, index and dtypes stay, each value is its user's own."""
    platform, session = lists
    rows = known.items()
    users = [{"gio_id": one, "tag_rfm": level, "usr_city": city} for one, (level, city) in rows]
    platform.world = replace(World(), users=tuple(users))
    ids, labels = [one for one, _ in wanted], [label for _, label in wanted]
    given = pd.DataFrame(
        {"u": pd.Series(ids, dtype="string[pyarrow]"), "n": range(len(ids))}
    ).set_index(pd.Index(labels, name="row", dtype="int64"))
    before = given.copy()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = given.gio.enrich("tag_rfm", "usr_city", on="u", session=session)
    pd.testing.assert_frame_equal(found[["u", "n"]], before)
    pd.testing.assert_frame_equal(given, before)
    for position, name in enumerate(("tag_rfm", "usr_city")):
        expected = [known[one][position] or None if one in known else None for one in ids]
        assert [written(value) for value in plain(found[name])] == expected
    missed = [one for one in ids if one is not None and one not in known]
    told = [one for one in caught if any(words in str(one.message) for words in NOT_FOUND)]
    assert len(told) == bool(missed)
