"""Funnels: where the steps are, how many come to each, and what is said of it."""

from __future__ import annotations

import pandas as pd
import pytest

import gio_pandas as gio

from .specs import days, encoding, frame, marks, rows, spec, subtitle, values

STEPS = ["打开应用", "浏览商品", "加入购物车"]


def by_row(**more: object) -> pd.DataFrame:
    """Make a table that has a step in each row."""
    columns = {"步骤": [1, 2, 3], "步骤名称": STEPS, "用户数": [1000, 400, 100]}
    return frame("funnel", {**columns, "转化率": [None, 0.4, 0.25], **more}, "漏斗1")


def by_column() -> pd.DataFrame:
    """Make a table that has a step in each column, and a row for all."""
    columns = {
        "城市": ["总体", "上海", "北京"],
        "打开应用": [1000, 600, 400],
        "浏览商品": [400, 300, 100],
        "加入购物车": [100, 90, 10],
        "总转化率": [0.1, 0.15, 0.025],
    }
    return frame("funnel", columns, "漏斗3")


def test_a_step_in_each_row() -> None:
    """Bars in the table's order, with users, and shares of the step before and of the first."""
    found = spec(by_row())
    assert marks(found)[0] == "bar"
    assert encoding(found, "y", "bar")["sort"] == STEPS
    assert encoding(found, "x", "bar")["field"] == "value"
    assert values(found, "value") == [1000, 400, 100]
    assert values(found, "kept") == [None, 0.4, 0.25]
    assert values(found, "overall") == [1, 0.4, 0.1]
    assert values(found, "label") == ["1,000", "400", "100"]
    assert values(found, "kept_label") == ["", "40.0%", "25.0%"]
    assert found["title"] == "漏斗1"
    assert found["description"] == "Funnel 漏斗1: 3 steps, 1,000 to 100 users (10.00 %)"
    told = {one["title"]: one["field"] for one in encoding(found, "tooltip", "bar")}
    assert told["用户数"] == "value"


def test_a_step_in_each_column_and_a_total() -> None:
    """The row for all is drawn, and it is said which that is."""
    found = spec(by_column())
    assert values(found, "step", group="") == STEPS
    assert values(found, "value") == [1000, 400, 100]
    assert subtitle(found) == "the row 总体"


def test_a_total_is_known_by_its_sum() -> None:
    """Whatever it is called, in whatever language."""
    made = by_column().assign(城市=["Σ", "Shanghai", "Beijing"])
    assert subtitle(spec(made)) == "the row Σ"
    assert values(spec(made.iloc[::-1].reset_index(drop=True)), "value") == [1000, 400, 100]


def test_rows_without_a_total_are_summed() -> None:
    """A funnel by day is that of all days together, and says so."""
    made = by_column().iloc[1:].rename(columns={"城市": "日期"}).assign(日期=days(2))
    found = spec(made)
    assert values(found, "value") == [1000, 400, 100]
    assert subtitle(found) == "summed over 2 rows of 日期"


def test_values_are_compared_side_by_side() -> None:
    """``color`` gives each value a funnel of shares, for they are of different sizes."""
    found = spec(by_column(), color="城市")
    assert found["facet"]["sort"] == ["总体", "上海", "北京"]
    assert encoding(found["spec"], "x", "bar")["field"] == "overall"
    assert values(found, "overall", group="上海") == [1, 0.5, 0.15]
    assert values(found, "value", group="北京") == [400, 100, 10]


def test_conversions_over_time() -> None:
    """``x`` with dates: a line for each later step, as a share of the first."""
    made = by_column().iloc[1:].rename(columns={"城市": "日期"}).assign(日期=days(2))
    found = spec(made, x="日期")
    assert marks(found) == ["line"]
    assert encoding(found, "x", "line")["type"] == "temporal"
    assert values(found, "time", step="浏览商品") == ["2026-06-01T00:00:00", "2026-06-02T00:00:00"]
    assert values(found, "overall", step="加入购物车") == [0.15, 0.025]
    assert values(found, "step", step="打开应用") == []


def test_a_long_table_is_summed_by_step() -> None:
    """A row for each date and step: every step once, and no group counted twice."""
    columns = {
        "日期": [day for day in days(2) for _ in range(4)],
        "城市": ["总体", "总体", "上海", "上海"] * 2,
        "步骤": ["a", "b"] * 4,
        "用户数": [10, 5, 6, 3, 20, 8, 9, 2],
    }
    found = spec(frame("funnel", columns), x="步骤")
    assert values(found, "value") == [30, 13]
    assert "城市: 总体" in subtitle(found)
    assert "summed over 日期" in subtitle(found)


def test_the_same_step_twice_is_two_steps() -> None:
    """Who looks again at goods is at another step, though it is called the same."""
    made = frame("funnel", {"步骤名称": ["看", "买", "看"], "用户数": [9, 5, 2]})
    found = spec(made)
    assert len(set(values(found, "step"))) == 3
    assert values(found, "value") == [9, 5, 2]


@pytest.mark.parametrize(
    ("columns", "counts"),
    [
        ({"Step": ["Open"], "Users": [7]}, [7]),
        ({"a": [7], "b": [3]}, [7, 3]),
        ({"date": days(2), "only": [3, 4]}, [7]),
        ({"n": [1, 2], "Users": [7, 3]}, [7, 3]),
        ({"Step": ["a", "b"], "Users": [0, 0]}, [0, 0]),
        ({"Step": ["a", "b", "c"], "Users": [9, None, 2], "share": [1, None, 0.2]}, [9, None, 2]),
    ],
)
def test_small_and_odd_funnels(columns: dict[str, list[object]], counts: list[object]) -> None:
    """One step, one row, no names, nobody at all, a step without a number."""
    made = frame("funnel", columns).convert_dtypes()
    assert values(spec(made), "value") == counts


@pytest.mark.parametrize(
    "columns",
    [
        {"步骤": ["a", "b"], "进入": [9, 5], "流失": [4, 3]},
        {"步骤": ["a", "b"], "用户数": [5, 9]},
        {"步骤": ["a", "b"], "说明": ["x", "y"]},
        {"x": [1.5, 2.5]},
    ],
)
def test_what_is_not_clear_is_asked(columns: dict[str, list[object]]) -> None:
    """The columns are listed by what they hold, with what to pass."""
    with pytest.raises(gio.SettingsError, match=r"leaves open .*df\.gio\.plot\(x=.*, y=") as told:
        spec(frame("funnel", columns))
    assert all(name in str(told.value) for name in columns)


def test_what_is_asked_for_wins() -> None:
    """``x`` and ``y`` make clear what the table leaves open."""
    made = frame("funnel", {"步骤": ["a", "b"], "进入": [9, 5], "流失": [4, 3]})
    assert values(spec(made, x="步骤", y="流失"), "value") == [4, 3]
    found = spec(by_column(), y=["浏览商品", "打开应用"])
    assert values(found, "step") == ["浏览商品", "打开应用"]
    assert values(spec(by_row(), y="转化率", title="T"), "value") == [None, 0.4, 0.25]


def test_no_rows_are_told() -> None:
    """An empty result is no chart without marks."""
    with pytest.raises(gio.SettingsError, match="漏斗1 has no rows"):
        spec(by_row().iloc[:0])


def test_many_groups_are_cut_to_the_largest() -> None:
    """As many as can be compared, in the table's order, and it is said."""
    columns = {"g": [f"g{i}" for i in range(30)], "a": range(30, 60), "b": [9] * 30}
    found = spec(frame("funnel", columns), color="g")
    assert len(set(values(found, "group"))) == 12
    assert rows(found)[0]["group"] == "g18"
    assert "the 12 largest of 30" in subtitle(found)


def test_steps_in_rows_with_two_counts_are_not_read_as_columns() -> None:
    """A conversion above 100 % is never drawn for want of knowing better."""
    columns = {
        "日期": days(2) * 3,
        "步骤": ["a", "a", "b", "b", "c", "c"],
        "人数": [100, 110, 90, 80, 40, 40],
        "次数": [300, 310, 200, 190, 77, 60],
    }
    with pytest.raises(gio.SettingsError, match=r"df\.gio\.plot"):
        spec(frame("funnel", columns))


def test_a_dimension_is_not_taken_for_the_steps() -> None:
    """Where either of two texts may name the steps, it is asked."""
    columns = {
        "城市": ["北京", "北京", "上海", "上海"],
        "步骤": ["浏览", "支付"] * 2,
        "人数": [1000, 500, 400, 100],
    }
    with pytest.raises(gio.SettingsError, match="which column names the steps"):
        spec(frame("funnel", columns))
    assert values(spec(frame("funnel", columns), x="步骤"), "value") == [1400, 600]


@pytest.mark.parametrize("by", ["日期", "城市"])
def test_totals_are_not_counted_beside_their_parts(by: str) -> None:
    """Who groups by one column counts nobody twice in the other."""
    columns = {
        "日期": [day for day in days(2) for _ in range(3)],
        "城市": ["总体", "北京", "上海"] * 2,
        "浏览": [100, 60, 40, 200, 120, 80],
        "支付": [10, 6, 4, 20, 12, 8],
    }
    told = {"日期": "x", "城市": "color"}
    found = spec(frame("funnel", columns), y=["浏览", "支付"], **{told[by]: by})
    counted = values(found, "value")
    if by == "日期":
        assert counted == [10, 20]
    else:
        assert counted == [300, 30, 180, 18, 120, 12]


def test_one_row_whose_counts_rise_is_no_funnel() -> None:
    """Who left is no step after who paid."""
    columns = {"浏览": [100], "加购": [40], "支付": [10], "流失": [90]}
    with pytest.raises(gio.SettingsError, match="y="):
        spec(frame("funnel", columns))
    found = spec(frame("funnel", columns), y=["浏览", "加购", "支付"])
    assert values(found, "value") == [100, 40, 10]


def test_too_many_steps_are_refused() -> None:
    """A chart of thousands of bars says nothing."""
    columns = {"步骤": [f"s{n}" for n in range(100)], "人数": list(range(1_000, 900, -1))}
    with pytest.raises(gio.SettingsError, match="100 steps"):
        spec(frame("funnel", columns))
