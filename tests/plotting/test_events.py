"""Event analyses: lines over time, bars without; what is put together, and what is not."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import gio_pandas as gio
from gio_pandas import plotting

from .specs import days, encoding, frame, marks, rows, spec, subtitle, values, views


def titles(found: dict[str, Any]) -> list[Any]:
    """Give the panels' titles."""
    return [view.get("title", {}).get("text") for view in views(found)]


def test_a_measure_is_a_line() -> None:
    """Over dates as they are read by the clock on the wall; a gap stays a gap."""
    made = frame("event", {"日期": days(3), "次数": [5, None, 7]}, "事件1").convert_dtypes()
    found = spec(made)
    assert marks(found) == ["line"]
    assert encoding(found, "x", "line") | {"axis": 0} == {
        "field": "at",
        "type": "temporal",
        "title": None,
        "axis": 0,
    }
    assert values(found, "at")[0] == "2026-06-01T00:00:00"
    assert values(found, "value") == [5, None, 7]
    assert subtitle(found) == "次数"
    assert found["description"].startswith(
        "Event analysis 事件1: 次数 by 日期, 3 dates, 2026-06-01"
    )


def test_scales_that_differ_have_panels_of_their_own() -> None:
    """Counts near each other share one; ratios, shares and large sums do not."""
    columns = {
        "日期": days(2),
        "次数": [2000, 3000],
        "用户数": [900, 1000],
        "人均": [2.22, 3.0],
        "金额": [123456.5, 99999.9],
        "转化率": [0.1, 0.2],
        "退款次数": [3, 4],
    }
    found = spec(frame("event", columns))
    assert titles(found) == [None, "人均", "金额", "转化率", "退款次数"]
    assert values(found["vconcat"][0], "series") == ["次数", "用户数"] * 2
    assert encoding(found["vconcat"][3], "y", "line")["axis"]["format"] == "~%"
    assert all("scale" not in view["encoding"]["y"] for view in views(found))


def test_two_periods_lie_over_each_other() -> None:
    """``日期.1`` and ``访问用户量.1`` are of another period: each point has its own date."""
    columns = {
        "日期": days(2, "2026-06-16"),
        "访问用户量": [10, 20],
        "日期.1": days(2, "2026-06-02"),
        "访问用户量.1": [11, 21],
        "环比": [-0.0909, -0.0476],
    }
    found = spec(frame("event", columns))
    assert titles(found) == ["访问用户量", "环比"]
    first = rows(found["vconcat"][0])
    assert [(row["at"][:10], row["when"], row["series"], row["value"]) for row in first] == [
        ("2026-06-16", "2026-06-16", "2026-06-16 – 2026-06-17", 10),
        ("2026-06-17", "2026-06-17", "2026-06-16 – 2026-06-17", 20),
        ("2026-06-16", "2026-06-02", "2026-06-02 – 2026-06-03", 11),
        ("2026-06-17", "2026-06-03", "2026-06-02 – 2026-06-03", 21),
    ]
    assert encoding(found["vconcat"][1], "y", "line")["axis"]["format"] == "~%"


def test_a_dimension_is_told_apart_by_colour() -> None:
    """The first text column; another one is summed over, and that is said."""
    columns = {
        "日期": [day for day in days(2) for _ in range(4)],
        "城市": ["上海", "上海", "北京", "北京"] * 2,
        "平台": ["iOS", "H5"] * 4,
        "浏览量": [1, 2, 3, 4, 5, 6, 7, 8],
    }
    found = spec(frame("event", columns))
    assert encoding(found, "color", "line")["sort"] == ["上海", "北京"]
    assert values(found, "value", series="上海") == [3, 11]
    assert subtitle(found) == "浏览量 · summed over 平台"
    chosen = spec(frame("event", columns), color="平台")
    assert values(chosen, "value", series="iOS") == [4, 12]


def test_totals_are_not_counted_again() -> None:
    """The row for all is left out beside its parts, and enough where the parts are not drawn."""
    columns = {
        "日期": [day for day in days(2) for _ in range(6)],
        "城市": ["Total", "Total", "上海", "上海", "北京", "北京"] * 2,
        "平台": ["全部", "iOS"] * 6,
        "浏览量": [10, 5, 6, 3, 4, 2] * 2,
    }
    found = spec(frame("event", columns))
    assert values(found, "value", series="上海") == [6, 6]
    assert set(values(found, "series")) == {"上海", "北京"}
    assert "平台: 全部" in subtitle(found)
    assert "without the total, Total" in subtitle(found)


def test_what_cannot_be_summed_is_left_out() -> None:
    """Shares of parts have no sum: without another measure that is an error."""
    columns = {
        "日期": [day for day in days(2) for _ in range(2)],
        "平台": ["iOS", "H5"] * 2,
        "次数": [1, 2, 3, 4],
        "转化率": [0.1, 0.2, 0.3, 0.4],
    }
    found = spec(frame("event", columns), color="平台")
    assert len(values(found, "value")) == 8
    found = spec(
        frame("event", columns | {"渠道": ["a", "a", "b", "b"]}), x="渠道", y=["次数", "转化率"]
    )
    assert values(found, "value", series="iOS") == [1, 3, 0.1, 0.3]
    same = frame("event", columns | {"日期": days(1) * 4})
    assert "without 转化率, which cannot be summed" in subtitle(spec(same))
    with pytest.raises(gio.SettingsError, match="leaves open how rows of the same"):
        spec(same, y="转化率")


def test_many_values_are_the_largest_and_others() -> None:
    """No rainbow: seven, and one grey line for the rest, whose sum is kept."""
    columns = {
        "日期": [day for day in days(2) for _ in range(20)],
        "城市": [f"c{i}" for i in range(20)] * 2,
        "n": list(range(20)) * 2,
    }
    found = spec(frame("event", columns))
    color = encoding(found, "color", "line")
    assert color["sort"] == [*(f"c{i}" for i in range(13, 20)), "13 others"]
    assert len(set(color["scale"]["range"])) == 8
    assert values(found, "value", series="13 others") == [sum(range(13))] * 2


def test_no_time_is_bars_in_the_tables_order() -> None:
    """Along the first text column; hours and weeks that are text are no dates."""
    found = spec(frame("event", {"周": ["2026-W02", "2026-W10", "2026-W09"], "次数": [3, 1, 2]}))
    assert marks(found) == ["bar"]
    assert encoding(found, "y", "bar")["sort"] == ["2026-W02", "2026-W10", "2026-W09"]
    assert values(found, "value") == [3, 1, 2]


def test_hours_as_numbers_are_an_axis() -> None:
    """Whole numbers that rise by one, where there is neither a date nor text."""
    found = spec(frame("event", {"hour": range(24), "n": range(24, 48)}))
    assert encoding(found, "x", "line")["type"] == "quantitative"
    assert values(found, "at")[:3] == [0, 1, 2]
    assert values(found, "value")[:3] == [24, 25, 26]


def test_hours_as_times_keep_their_clock() -> None:
    """A zone is taken away, not turned into another one: the axis says what the table says."""
    times = pd.date_range("2026-06-01 22:00", periods=3, freq="h", tz="Asia/Shanghai")
    found = spec(frame("event", {"t": times, "n": [1, 2, 3]}))
    assert values(found, "at") == [
        "2026-06-01T22:00:00",
        "2026-06-01T23:00:00",
        "2026-06-02T00:00:00",
    ]
    assert values(found, "when")[0] == "2026-06-01 22:00"


def test_an_index_that_has_a_name_is_a_column() -> None:
    """After ``set_index`` the dates are still there."""
    made = frame("event", {"日期": days(2), "n": [1, 2]})
    kept = made.set_index("日期")
    kept.attrs = made.attrs
    assert spec(kept) == spec(made)


@pytest.mark.parametrize(
    "columns",
    [{"n": [5, 3]}, {"日期": days(2)}, {"a": ["x"], "b": ["y"]}, {"日期": days(1), "n": [None]}],
)
def test_what_is_not_clear_is_asked(columns: dict[str, list[Any]]) -> None:
    """Nothing to measure, or nothing to draw it along: the columns are listed."""
    with pytest.raises(gio.SettingsError, match=r"leaves open .*df\.gio\.plot\(") as told:
        spec(frame("event", columns))
    assert all(name in str(told.value) for name in columns)


def test_more_points_than_can_be_read_are_refused() -> None:
    """A chart of a hundred thousand points helps nobody, and stops a browser."""
    times = pd.date_range("2026-01-01", periods=6_000, freq="min")
    with pytest.raises(gio.SettingsError, match=r"6,000 points along t.*Sum them up"):
        spec(frame("event", {"t": times, "n": range(6_000)}))


def test_long_values_that_begin_alike_have_a_bar_each() -> None:
    """Also where both ends are the same; moments differ by their seconds."""
    page = "https://shop.example.com/category/item/"
    ends = ["1/long/path/to/somewhere", "2/long/path/to/somewhere", "2/long/path/to/somewhere"]
    found = spec(frame("event", {"页面": [page + end for end in ends], "次数": [10, 20, 5]}))
    assert values(found, "value") == [10, 25]
    assert len(set(values(found, "at"))) == 2
    moments = pd.to_datetime(["2026-06-01 10:00:01", "2026-06-01 10:00:02"] * 2)
    columns = {"日期": [*days(1) * 2, *days(1, "2026-06-02") * 2], "t": moments, "n": [1, 2, 3, 4]}
    found = spec(frame("event", columns), x="日期", color="t")
    assert values(found, "value") == [1, 2, 3, 4]


@pytest.mark.parametrize("form", ["%Y-%m-%d 周%w", "%Y年%m月%d日", "%Y%m%d", "%Y-W%W/%u"])
@pytest.mark.parametrize("step", [1, -1])
def test_dates_that_are_text_are_the_last_ones(form: str, step: int) -> None:
    """Not the largest, which would leave gaps; in the table's order."""
    written = [day.strftime(form) for day in days(45)][::step]
    found = spec(frame("event", {"日期": written, "次数": [*range(45, 0, -1)][::step]}))
    assert values(found, "value") == [*range(30, 0, -1)][::step]
    assert "日期: the last 30 of 45" in subtitle(found)


def test_numbers_of_rows_and_hours_are_not_measured() -> None:
    """``序号`` is left out, and said; hours that begin again are what a line goes along."""
    found = spec(frame("event", {"序号": [1, 2, 3], "页面": list("abc"), "PV": [9, 5, 7]}))
    assert values(found, "value") == [9, 5, 7]
    assert "without 序号, which numbers rows" in subtitle(found)
    columns = {"小时": [0, 0, 1, 1, 2, 2], "平台": ["iOS", "H5"] * 3, "PV": [5, 9, 6, 8, 7, 4]}
    for made in (columns, {name: columns[name] for name in ("平台", "小时", "PV")}):
        found = spec(frame("event", made))
        assert marks(found) == ["line"]
        assert values(found, "at", series="iOS") == [0, 1, 2]
        assert values(found, "value", series="iOS") == [5, 6, 7]
    found = spec(frame("event", {"城市": list("abc"), "次数": [1, 2, 3], "用户数": [1, 1, 1]}))
    assert values(found, "series")[:2] == ["次数", "用户数"]


def test_hours_of_a_day_can_be_drawn() -> None:
    """Vega fails over ticks of hours, which its schema allows: the axis asks for none."""
    times = pd.date_range("2026-06-01", periods=24, freq="h")
    chart = plotting.chart(frame("event", {"t": times, "n": range(24)}))
    assert "image/png" in chart._repr_mimebundle_()[0]
