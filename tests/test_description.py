"""``df.gio.describe()``: every column's type, and the reason that decided it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.exports.frames import text_dtype

COLUMNS = ["type", "why", "missing", "distinct", "examples"]
TEXT = str(text_dtype())
TAGS = ["会员等级", "订单交易笔数", "累计消费金额", "最近下单日期", "会员积分"]
PROPERTIES = ["usr_city", "usr_age", "usr_phone", "usr_birthday", "usr_balance"]
pytestmark = pytest.mark.filterwarnings("ignore:Column '会员积分' is INT")


@pytest.fixture
def session(sandbox: embedded.Sandbox) -> Iterator[gio.Session]:
    """Connect to the platform that all tests share."""
    with gio.Session(sandbox.url, api_key=sandbox.api_key, project="默认项目") as session:
        yield session


@pytest.fixture
def frame(session: gio.Session) -> pd.DataFrame:
    """Read a segment with columns of every kind."""
    return session.read_segment("高价值用户", tags=TAGS, properties=PROPERTIES)


def whys(frame: pd.DataFrame) -> dict[str, str]:
    """Give the reasons by column."""
    return frame.gio.describe()["why"].to_dict()


def test_every_column_says_what_it_is_and_why(frame: pd.DataFrame) -> None:
    """A row a column, in the frame's order; the reasons are the rules of the README."""
    table = frame.gio.describe()
    assert list(table.columns) == COLUMNS
    assert list(table.index) == list(frame.columns)
    assert table["type"].tolist() == [str(dtype) for dtype in frame.dtypes]
    assert table["missing"].tolist() == frame.isna().sum().tolist()
    assert table["distinct"].tolist() == frame.nunique().tolist()
    assert table["why"].to_dict() == {
        "gio_id": "ids are always text: it is the first column of a list of users",
        "用户ID": "ids are always text: the name ends in ID",
        "城市": f"the value {frame['城市'].dropna().iloc[0]!r} is no number and no date",
        "年龄": "every value is an integer in plain form; some are missing",
        "手机号": f"the value {frame['手机号'].dropna().iloc[0]!r} has to stay as it is: "
        "a leading zero",
        "生日": "every value is a date or a date-time in ISO form",
        "账户余额": "every value is a number in plain form",
        "会员等级": "the tag is STRING on the platform, which is always text",
        "订单交易笔数": "the tag is INT on the platform, and every value is an integer; "
        "some are missing",
        "累计消费金额": "the tag is DOUBLE on the platform, and every value is a number",
        "最近下单日期": "the tag is DATE on the platform, and every value is a date or a date-time",
        "会员积分": "the tag is INT on the platform, but the value '9223372036854775808' is not",
    }


def test_examples_are_values_of_the_column(frame: pd.DataFrame) -> None:
    """Up to three different ones, as they were written: days without a time."""
    examples = frame.gio.describe()["examples"]
    ids = examples["gio_id"].split(" · ")
    assert ids == frame["gio_id"].head(3).tolist()
    assert examples["生日"].split(" · ")[0] == f"{frame['生日'].dropna().iloc[0]:%Y-%m-%d}"
    assert set(examples["会员等级"].split(" · ")) <= set(frame["会员等级"].dropna())


def test_a_rare_value_is_an_example_too() -> None:
    """Of a column that says nearly always the same, the other values are shown."""
    frame = pd.DataFrame({"x": ["7"] * 5_000 + ["x", None], "y": [[1]] * 5_002})
    assert frame.gio.describe()["examples"].tolist() == ["7 · x", "[1]"]


def test_nothing_is_asked_and_nothing_changed(
    frame: pd.DataFrame, session: gio.Session, sandbox: embedded.Sandbox
) -> None:
    """It works without a platform, and the frame is what it was, its ``attrs`` too."""
    before, attrs = frame.copy(deep=True), pickle.dumps(frame.attrs)
    session.close()
    frame.gio.describe()
    assert not session.is_open
    pd.testing.assert_frame_equal(frame, before)
    assert pickle.dumps(frame.attrs) == attrs


def test_an_analysis_says_how_its_numbers_are_written(session: gio.Session) -> None:
    """What is a number in an analysis alone is said to be read so there."""
    found = whys(session.read_event("事件1"))
    assert found.pop("日期") == "every value is a date or a date-time in ISO form"
    assert (
        found.pop("下单次数") == "every value is an integer in plain form or as analyses print it"
    )
    assert set(found.values()) > {"every value is a number in plain form or as analyses print it"}


def test_the_callers_choice_is_named(session: gio.Session) -> None:
    """``dtype=`` of a column, or of all of them, and ``dtype_backend=``."""
    options: dict[str, Any] = {"tags": ["订单交易笔数"], "properties": ["usr_city", "usr_age"]}
    one = session.read_segment("分群1", dtype={"城市": "category"}, **options)
    assert whys(one)["城市"] == "dtype= asked for it"
    assert whys(one)["年龄"].startswith("every value is an integer")
    every = session.read_segment("分群1", dtype=str, **options)
    assert set(whys(every).values()) == {"dtype= asked for it"}
    arrow = session.read_segment("分群1", dtype_backend="pyarrow", **options)
    assert arrow.gio.describe().loc["年龄", "type"] == "int64[pyarrow]"
    assert whys(arrow)["年龄"] == (
        "every value is an integer in plain form; some are missing (dtype_backend='pyarrow')"
    )


def test_what_is_not_from_the_export_is_said_to_be_so(frame: pd.DataFrame) -> None:
    """Neither a column that was added nor one that was changed is given the export's reason."""
    changed = frame.assign(
        新=1, 城市=frame["城市"].astype("category"), 年龄=frame["年龄"].astype("float64")
    ).rename(columns={"生日": "birthday"})
    found = whys(changed)
    assert found["新"] == found["birthday"] == "not from the export"
    assert found["城市"] == f"changed since the export, where it was {TEXT}"
    assert found["年龄"] == "changed since the export, where it was Int64"
    assert found["手机号"] == whys(frame)["手机号"]


def test_a_reason_that_was_filtered_out_is_not_made_up(frame: pd.DataFrame) -> None:
    """Where the value that decided is gone, what is left does not look like the reason."""
    rest = frame[frame["会员积分"].str.fullmatch(r"\d{1,5}", na=False)]
    assert whys(rest)["会员积分"] == (
        "the tag is INT on the platform, but some of its values were not"
    )
    kept = frame[frame["手机号"].isna()]
    assert whys(kept)["手机号"] == "no value is there that could be a number or a date"


def test_a_file_read_back_says_the_same(frame: pd.DataFrame, tmp_path: Path) -> None:
    """Parquet and pickle keep what decided, whoever wrote them, and however pandas reads them."""
    expected = whys(frame)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_pickle(tmp_path / "a.pickle")
    for again in (
        pd.read_parquet(tmp_path / "a.parquet"),
        pd.read_parquet(tmp_path / "a.parquet", dtype_backend="pyarrow"),
        pd.read_pickle(tmp_path / "a.pickle"),
    ):
        assert whys(again) == expected


def test_our_own_parquet_says_the_same(session: gio.Session, tmp_path: Path) -> None:
    """What ``to_parquet`` wrote, as one file or as a folder of them."""
    job = session.submit_segment("分群1", tags=TAGS[:4], properties=PROPERTIES)
    expected = whys(job.to_pandas())
    job.to_parquet(tmp_path / "a.parquet")
    job.to_parquet(tmp_path / "all/")
    assert whys(pd.read_parquet(tmp_path / "a.parquet")) == expected
    assert whys(pd.read_parquet(tmp_path / "all")) == expected


def test_a_kept_result_says_the_same(session: gio.Session) -> None:
    """What ``reuse=`` gives again is described as what was read first, with its own dtypes."""
    options: dict[str, Any] = {"properties": PROPERTIES, "reuse": "1h"}
    first = whys(session.read_segment("分群2", **options))
    assert whys(session.read_segment("分群2", **options)) == first
    for _ in range(2):
        chosen = session.read_segment("分群2", dtype={"城市": "category"}, **options)
        assert whys(chosen)["城市"] == "dtype= asked for it"
    nullable = session.read_segment("分群2", dtype_backend="numpy_nullable", **options)
    assert not [why for why in whys(nullable).values() if "changed" in why]


ODD = {
    "nothing": pd.DataFrame(),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int64"), "b": pd.Series([], dtype=object)}),
    "no columns": pd.DataFrame(index=range(3)),
    "one name twice": pd.DataFrame([[1, "x"]], columns=["a", "a"]),
    "labels that are no text": pd.DataFrame([[1, 2, 3]], columns=[0, ("t", 1), None]),
    "labels of two levels": pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])
    ),
    "categories": pd.DataFrame({"a": pd.Categorical(["x", None, "x"])}),
    "nested": pd.DataFrame({"a": [[1], {"b": 2}, None], "b": [np.zeros(2), "x", 3]}),
    "Arrow's lists": pd.DataFrame(
        {"a": pd.Series([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64())))}
    ),
    "sparse": pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1])}),
    "times": pd.DataFrame({"a": pd.to_datetime(["2021-01-02", None]), "b": pd.Timedelta("1D")}),
    "periods": pd.DataFrame({"a": pd.period_range("2021", periods=2, freq="D")}),
    "many": pd.DataFrame({f"c{n}": [n] for n in range(300)}),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("attrs", [{}, {"gio": {"columns": {"a": "int64"}}}, {"gio": {"kind": 7}}])
def test_any_frame_is_described(name: str, attrs: dict[str, Any]) -> None:
    """Whatever is in it, and whatever its ``attrs`` say; a row a column, by its label."""
    frame = ODD[name].copy()
    frame.attrs.update(attrs)
    table = frame.gio.describe()
    assert list(table.columns) == COLUMNS
    assert table.index.equals(frame.columns)
    assert table["missing"].tolist() == [int(count) for count in frame.isna().sum()]
    assert repr(table)
    assert "<table" in table._repr_html_()


def test_a_frame_without_a_source_says_what_is_known() -> None:
    """Types, counts and examples; of reasons, that none is known."""
    table = pd.DataFrame({"x": [1, None], "y": [[1], [1]]}).gio.describe()
    assert table["type"].tolist() == ["float64", "object"]
    assert set(table["why"]) == {"not known: the frame does not say where it comes from"}
    assert table["distinct"].tolist() == [1, pd.NA]
    assert table["examples"].tolist() == ["1.0", "[1]"]


def test_a_frame_of_an_older_version_says_so(frame: pd.DataFrame) -> None:
    """Its ``attrs`` do not have what decided: nothing is guessed."""
    del frame.attrs["gio"]["columns"], frame.attrs["gio"]["decided_by"]
    assert set(whys(frame).values()) == {"not known: the frame was read by an older gio_pandas"}


@given(values=st.lists(st.one_of(st.none(), st.text(max_size=60), st.integers()), max_size=20))
def test_counts_and_examples_are_the_frames_own(values: list[Any]) -> None:
    """Whatever the values are: they are counted as pandas does, and shown in one line."""
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object)})
    row = frame.gio.describe().iloc[0]
    assert row["missing"] == sum(value is None for value in values)
    assert row["distinct"] == frame["x"].nunique()
    kept = "\u200c\u200d\u3000"  # which names have, and no font draws
    assert all(letter.isprintable() or letter in kept for letter in row["examples"])
