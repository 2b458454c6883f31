"""``df.gio.enrich()``: tags and properties beside a frame, as a look-up by id would find them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.exports.frames import text_dtype

HIGH_VALUE = "高价值用户"
EVERYBODY = "全部用户"
TEXT = text_dtype()
NOT_COVERED = r"of the 1,000 rows are of users who have none of the tags: their properties are"


@pytest.fixture
def session(sandbox: embedded.Sandbox) -> Iterator[gio.Session]:
    """Connect the module's verbs to the platform that all tests share, without a limited rate."""
    known: dict[str, Any] = {"api_key": sandbox.api_key, "requests_per_second": None}
    with gio.connect(sandbox.url, project="默认项目", **known) as session:
        yield session


@pytest.fixture
def users(session: gio.Session) -> pd.DataFrame:
    """Read some users, out of a segment."""
    return session.read_segment(HIGH_VALUE)


def looked_up(ids: pd.Series, table: pd.DataFrame, column: str) -> list[Any]:
    """Give each id's value by a dict; None where it has none."""
    known = dict(zip(table.iloc[:, 0], table[column], strict=True))
    return plain(known.get(one) for one in ids)


def plain(values: Any) -> list[Any]:
    """Give values, None where they are missing."""
    return [None if value is None or pd.isna(value) else value for value in values]


def test_a_tag_is_looked_up_by_the_users_id(users: pd.DataFrame) -> None:
    """One column more for each tag, in the order asked for; the frame itself is left as it is."""
    before = users.copy()
    found = users.gio.enrich(tags=["tag_member_level", "订单交易笔数", "最近下单日期"])
    assert list(found.columns) == ["gio_id", "会员等级", "订单交易笔数", "最近下单日期"]
    for name in found.columns[1:]:
        assert plain(found[name]) == looked_up(users["gio_id"], gio.read_tag(name), name)
    assert found["会员等级"].dtype == TEXT
    assert [str(one) for one in found.dtypes[2:]] == ["Int64", "datetime64[us]"]
    pd.testing.assert_frame_equal(found[users.columns], users)
    pd.testing.assert_frame_equal(users, before)


def test_ids_of_ones_own_are_looked_up(session: gio.Session) -> None:
    """A column by any name, ids more than once, missing ones, an index that repeats itself."""
    orders = pd.DataFrame(
        {"user": ["603549", None, "603542", "603549", "nobody"], "amount": [1, 2, 3, 4, 5]},
        index=[7, 7, 1, 0, 7],
    )
    found = orders.gio.enrich("会员等级", on="user")
    tag = gio.read_tag("会员等级")
    assert plain(found["会员等级"]) == looked_up(orders["user"], tag, "会员等级")
    assert found["会员等级"].iloc[0] == found["会员等级"].iloc[3]
    pd.testing.assert_frame_equal(found.drop(columns="会员等级"), orders)


def test_properties_are_had_from_the_frames_own_segment(users: pd.DataFrame) -> None:
    """Who has no tag has a city: with or without tags, and however few rows are left."""
    city = gio.read_segment(HIGH_VALUE, properties=["usr_city"])
    few = users.iloc[::7]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alone = few.gio.enrich(properties="usr_city")
        both = few.gio.enrich(tags="tag_coupon", properties=["usr_city"])
    assert plain(alone["城市"]) == plain(both["城市"]) == looked_up(few["gio_id"], city, "城市")
    assert list(both.columns) == ["gio_id", "券 & 满减 #敏感度", "城市"]


def test_properties_beside_tags_are_gathered_from_all_of_them(users: pd.DataFrame) -> None:
    """A frame of nowhere: who has any of the tags has properties; how many have not is told."""
    ids = pd.DataFrame({"gio_id": users["gio_id"]})
    ids.attrs.clear()
    with pytest.warns(UserWarning, match=NOT_COVERED) as caught:
        found = ids.gio.enrich(["首选支付方式", "复购率 100%+ 人群"], ["usr_city", "usr_age"])
    assert len(caught) == 1
    tags = [gio.read_tag(name) for name in ("首选支付方式", "复购率 100%+ 人群")]
    covered = ids["gio_id"].isin(pd.concat([tag["gio_id"] for tag in tags]))
    assert str(caught[0].message).startswith(f"{(~covered).sum()} of the")
    assert 'segment="全部用户"' in str(caught[0].message)
    whole = gio.read_segment(EVERYBODY, properties=["usr_city", "usr_age"])
    for name in ("城市", "年龄"):
        expected = looked_up(ids["gio_id"].where(covered, "nobody"), whole, name)
        assert plain(found[name]) == expected
    assert str(found["年龄"].dtype) == "Int64"


def test_one_segment_has_it_all(users: pd.DataFrame, session: gio.Session) -> None:
    """``segment=`` is one export in place of many, and covers whoever is in it."""
    ids = pd.DataFrame({"who": users["gio_id"]})
    submitted = len(gio.jobs())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ids.gio.enrich(
            ["会员等级", "订单交易笔数"], "usr_city", on="who", segment=EVERYBODY
        )
    assert len(gio.jobs()) == submitted + 1
    whole = gio.read_segment(EVERYBODY, tags=["会员等级", "订单交易笔数"], properties=["usr_city"])
    assert set(found.columns) == {"who", "城市", "会员等级", "订单交易笔数"}
    for name in ("城市", "会员等级", "订单交易笔数"):
        assert plain(found[name]) == looked_up(ids["who"], whole, name)


def test_who_is_not_in_the_segment_is_told(users: pd.DataFrame) -> None:
    """There what is missing is not known, rather than not there."""
    few = gio.read_segment("分群n")
    outside = int((~users["gio_id"].isin(few["gio_id"])).sum())
    words = rf"^{outside} of the 1,000 rows are of users who are not in segment \(分群\) '分群n'"
    with pytest.warns(UserWarning, match=words):
        users.gio.enrich(tags="会员等级", segment="分群n")


def test_a_column_of_the_export_by_the_ids_own_name_is_matched(session: gio.Session) -> None:
    """Business ids are found in a segment's export that has them, not among ``gio_id``."""
    whole = gio.read_segment(EVERYBODY, properties=["usr_city"]).dropna(subset="用户ID")
    ids = pd.DataFrame({"用户ID": whole["用户ID"].iloc[5:50].tolist()})
    found = ids.gio.enrich(properties=["usr_city"], on="用户ID", segment=EVERYBODY)
    assert plain(found["城市"]) == plain(whole["城市"].iloc[5:50])


def test_what_was_joined_is_known_afterwards(users: pd.DataFrame) -> None:
    """``attrs`` say of each column where it is from and how many were found; twice adds up."""
    once = users.gio.enrich("会员等级")
    found = once.gio.enrich("订单交易笔数")
    source = found.attrs["gio_enriched"]
    assert json.loads(json.dumps(source)) == source
    assert list(source) == ["会员等级", "订单交易笔数"]
    tag = gio.read_tag("会员等级")
    fact = source["会员等级"]
    assert fact["matched"] == int(users["gio_id"].isin(tag["gio_id"]).sum()) < fact["rows"] == 1000
    assert fact["from"] == "tag (标签) '会员等级'"
    assert len(gio.attach(fact["job"]).to_pandas()) == len(tag)
    assert found.attrs["gio"] == users.attrs["gio"]
    assert "gio_enriched" not in users.attrs
    found.attrs["gio"]["arguments"].clear()
    assert users.attrs["gio"]["arguments"]
    assert list(once.attrs["gio_enriched"]) == ["会员等级"]
    why = found.gio.describe()["why"]
    assert why["会员等级"] == (
        "from tag (标签) '会员等级', by enrich(): the tag is STRING on the platform, "
        "which is always text"
    )
    assert why["gio_id"].startswith("ids are always text")
    assert "会员等级 from tag (标签) '会员等级': " in found.gio.source.loc["joined", "value"]


@pytest.mark.parametrize("backend", ["pyarrow", "numpy_nullable"])
def test_the_joined_columns_are_of_the_frames_backend(session: gio.Session, backend: Any) -> None:
    """A frame that was read with ``dtype_backend`` goes on with it; what is passed wins."""
    users = gio.read_segment("分群1", dtype_backend=backend)
    tags = ["订单交易笔数", "会员等级", "累计消费金额"]
    found = users.gio.enrich(tags)
    expected = gio.read_segment("分群1", tags=tags, dtype_backend=backend)
    for name in tags:
        pd.testing.assert_series_equal(found[name], expected[name])
    other = users.gio.enrich("订单交易笔数", dtype_backend="numpy_nullable")
    assert str(other["订单交易笔数"].dtype) == "Int64"


@pytest.mark.parametrize("dtype", [object, "category", "string[pyarrow]", "string[python]"])
def test_ids_of_every_kind_of_text_are_matched(session: gio.Session, dtype: Any) -> None:
    """However pandas keeps text, it is the same text, and stays as it is."""
    ids = pd.DataFrame({"gio_id": pd.Series(["603542", "603549"], dtype=dtype)})
    found = ids.gio.enrich("是否注册")
    assert found["是否注册"].notna().all()
    assert found["gio_id"].dtype == ids["gio_id"].dtype


def test_ids_in_the_index_are_matched(users: pd.DataFrame) -> None:
    """A level of the index is a column that was put aside."""
    found = users.set_index("gio_id").gio.enrich("会员等级")
    assert plain(found["会员等级"]) == plain(users.gio.enrich("会员等级")["会员等级"])
    assert found.index.equals(pd.Index(users["gio_id"]))


def test_columns_of_two_levels_stay_so(users: pd.DataFrame) -> None:
    """The new one stands beside them, with nothing below its name."""
    wide = pd.DataFrame({("gio_id", ""): users["gio_id"], ("n", "x"): 1})
    wide.columns.names = ["a", "b"]
    found = wide.gio.enrich("会员等级", on=("gio_id", ""))
    assert list(found.columns) == [("gio_id", ""), ("n", "x"), ("会员等级", "")]
    assert list(found.columns.names) == ["a", "b"]


def test_many_columns_are_no_trouble(users: pd.DataFrame) -> None:
    """300 columns, some by the same name, stay in their places."""
    wide = pd.concat(
        [users, *(pd.Series(n, users.index, name=f"c{n % 200}") for n in range(300))], axis=1
    )
    found = wide.gio.enrich("会员等级")
    pd.testing.assert_frame_equal(found.iloc[:, :-1], wide)


def test_no_rows_are_no_trouble(users: pd.DataFrame) -> None:
    """An empty frame has the columns, and nothing is warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = users.iloc[:0].gio.enrich("会员等级", "usr_city")
    assert list(found.columns) == ["gio_id", "会员等级", "城市"]
    assert len(found) == 0


def test_a_tag_that_nobody_has_is_told(users: pd.DataFrame) -> None:
    """A column of missing values is not left to be wondered at."""
    with pytest.warns(UserWarning, match=r"The export of tag \(标签\) '无人标签' has no users"):
        found = users.gio.enrich("无人标签")
    assert found["无人标签"].isna().all()


def test_ids_of_another_kind_are_told(session: gio.Session) -> None:
    """None of them is found: the warning shows one of each, and what to do."""
    ids = pd.DataFrame({"card": ["A-1", "A-2", None]})
    words = r"None of the 2 ids in 'card' \(such as 'A-1'\) is in 'gio_id' .* say by on="
    with pytest.warns(UserWarning, match=words):
        found = ids.gio.enrich("会员等级", on="card")
    assert found.attrs["gio_enriched"]["会员等级"]["matched"] == 0


def test_ids_that_look_alike_are_told_and_not_matched(session: gio.Session) -> None:
    """A blank, a zero before, a .0 behind: each is another id."""
    ids = pd.DataFrame({"gio_id": ["603542", " 603542", "0603542", "603542.0"]})
    with pytest.warns(UserWarning, match=r"3 of the ids differ from ids of the export in blanks"):
        found = ids.gio.enrich("是否注册")
    assert found["是否注册"].isna().tolist() == [False, True, True, True]


def test_exports_are_taken_again(users: pd.DataFrame) -> None:
    """``reuse=`` submits nothing a second time, however the tags are written."""
    first = users.gio.enrich(["会员等级", "订单交易笔数"], reuse="1h")
    submitted = len(gio.jobs())
    again = users.gio.enrich(["tag_member_level", "订单交易笔数"], reuse="1h")
    assert len(gio.jobs()) == submitted
    pd.testing.assert_frame_equal(again, first)


def test_the_frames_own_project_is_meant(session: gio.Session) -> None:
    """The session may have gone on to another one; ``project=`` is still the caller's to say."""
    users = gio.read_segment("分群1")
    gio.use("电商小程序")
    tags = gio.list_tags(project="默认项目")["name"]
    own = tags[tags.str.startswith("默认项目·")].iloc[-1]
    assert own in users.gio.enrich(own).columns
    with pytest.raises(gio.NotFoundError):
        users.gio.enrich(own, project="电商小程序")
    # A segment's id is one of its project's: elsewhere it is no segment, or another one.
    with pytest.raises(gio.SettingsError, match="of no segment"):
        users.gio.enrich(properties="usr_city", project="电商小程序")


def test_another_session_can_be_passed(users: pd.DataFrame, sandbox: embedded.Sandbox) -> None:
    """Like ``refresh``: on the same platform, whichever is current."""
    gio.connect("http://127.0.0.1:1", api_key="k")
    with gio.Session(sandbox.url, api_key=sandbox.api_key) as other:
        found = users.gio.enrich("会员等级", session=other)
    assert found["会员等级"].notna().any()
    with pytest.raises(gio.SettingsError, match=r"The frame's users are of http.* first, or pass"):
        users.gio.enrich("会员等级")
