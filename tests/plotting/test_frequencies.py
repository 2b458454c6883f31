"""Frequency analyses: ranges in the table's own order, and no total among them."""

from __future__ import annotations

from typing import Any

import pytest

import gio_pandas as gio

from .specs import days, encoding, frame, marks, spec, subtitle, values

RANGES = ["1次", "2次", "3-5次", "50次以上", "11-20次"]


def listed(total: str = "合计") -> Any:
    """Make a table with a range in each row."""
    columns = {
        "次数区间": [*RANGES, total],
        "用户数": [50, 20, 15, 10, 5, 100],
        "占比": [0.5, 0.2, 0.15, 0.1, 0.05, 1.0],
    }
    return frame("frequency", columns, "分布1")


@pytest.mark.parametrize("total", ["合计", "Total ", "Σ everyone"])
def test_ranges_keep_their_order_and_the_total_goes(total: str) -> None:
    """Bars as the table has them; the total is known by its name or its sum, and said."""
    found = spec(listed(total))
    assert marks(found)[0] == "bar"
    assert encoding(found, "x", "bar")["scale"]["domain"] == RANGES
    assert values(found, "value") == [50, 20, 15, 10, 5]
    assert values(found, "share") == [0.5, 0.2, 0.15, 0.1, 0.05]
    assert subtitle(found) == f"用户数 · without the total, {total}: 100"
    assert found["description"] == "Frequency 分布1: 5 ranges, 100 in all"


def test_a_largest_range_is_no_total() -> None:
    """All are drawn, though the first happens to be the sum of the others: it is not the whole."""
    found = spec(listed().iloc[:-1])
    assert values(found, "value") == [50, 20, 15, 10, 5]
    assert subtitle(found) == "用户数"


def test_a_column_for_each_range() -> None:
    """By day: stacked shares, the ranges in the table's order, without the column of all."""
    columns = {
        "日期": days(2),
        "总人数": [100, 200],
        "1次": [0.7, 0.6],
        "2次": [0.3, 0.38],
        "10次以上": [None, 0.02],
    }
    found = spec(frame("frequency", columns))
    assert encoding(found, "color", "bar")["scale"]["domain"] == ["1次", "2次", "10次以上"]
    assert encoding(found, "y", "bar")["scale"] == {"domain": [0, 1]}
    assert encoding(found, "order", "bar")["field"] == "order"
    assert values(found, "value", group="2026-06-01") == [0.7, 0.3]
    assert encoding(found, "x", "bar")["scale"]["domain"] == ["2026-06-01", "2026-06-02"]


def test_counts_for_each_range_leave_their_sum_out() -> None:
    """The column that is the sum of the others is not stacked upon them."""
    columns = {"日期": days(2), "all": [3, 7], "1": [1, 3], "2": [2, 4]}
    found = spec(frame("frequency", columns))
    assert encoding(found, "color", "bar")["scale"]["domain"] == ["1", "2"]
    assert values(found, "value") == [1, 2, 3, 4]


def test_a_row_for_each_date_and_range() -> None:
    """A long table is stacked, too."""
    columns = {"d": days(1) * 2 + days(1, "2026-06-02"), "r": ["1", "2", "1"], "n": [5, 6, 7]}
    found = spec(frame("frequency", columns))
    assert values(found, "value", bucket="1") == [5, 7]


def test_numbers_are_ranges_where_there_is_no_text() -> None:
    """1, 2, 3 … times."""
    found = spec(frame("frequency", {"times": [1, 2, 10], "users": [9, 5, 1]}))
    assert encoding(found, "x", "bar")["scale"]["domain"] == ["1", "2", "10"]
    assert values(found, "value") == [9, 5, 1]


def test_columns_can_be_chosen() -> None:
    """``y`` draws the shares; several are stacked."""
    assert values(spec(listed(), y="占比"), "label")[0] == "50.0%"
    columns = {"r": ["a", "b"], "n": [1, 2], "m": [3, 4]}
    assert values(spec(frame("frequency", columns), y=["n", "m"]), "value") == [1, 3, 2, 4]


@pytest.mark.parametrize("columns", [{"n": [3, 1]}, {"r": ["a"]}, {"s": [0.5]}])
def test_what_is_not_clear_is_asked(columns: dict[str, list[Any]]) -> None:
    """No ranges, or nothing that is counted."""
    with pytest.raises(gio.SettingsError, match=r"leaves open .*df\.gio\.plot\("):
        spec(frame("frequency", columns))


def test_shares_are_of_all_also_where_some_are_not_drawn() -> None:
    """Of 100 ranges 60 are drawn, and each is a hundredth."""
    found = spec(frame("frequency", {"r": [f"r{i}" for i in range(100)], "n": [5] * 100}))
    assert set(values(found, "share")) == {0.01}


def test_averages_are_no_part_of_a_whole() -> None:
    """Only what is counted has a share of all."""
    found = spec(frame("frequency", {"r": ["a", "b"], "n": [1.5, 2.5]}))
    assert values(found, "share") == [None, None]


def test_numbers_of_rows_are_not_drawn() -> None:
    """What is counted is."""
    found = spec(frame("frequency", {"序号": [1, 2, 3], "r": list("abc"), "n": [9, 5, 1]}))
    assert values(found, "value") == [9, 5, 1]


@pytest.mark.parametrize("more", [{"平台": ["总体", "iOS"] * 2}, {"平台": ["安卓", "iOS"] * 2}])
def test_nobody_is_counted_twice(more: dict[str, list[str]]) -> None:
    """Two dimensions beside the dates are not summed over unasked."""
    columns = {"日期": days(1) * 4, "r": ["1", "1", "2", "2"]} | more | {"n": [30, 10, 20, 5]}
    with pytest.raises(gio.SettingsError, match="which of its dimensions"):
        spec(frame("frequency", columns))


def test_what_may_be_all_is_not_stacked_upon_its_parts() -> None:
    """Where some are in no range the sum does not tell: the ranges are asked for."""
    made = frame("frequency", {"d": days(2), "all": [100, 100], "1": [50, 40], "2": [20, 30]})
    with pytest.raises(gio.SettingsError, match="all of the others"):
        spec(made)
    assert values(spec(made, y=["1", "2"]), "value") == [50, 20, 40, 30]


@pytest.mark.parametrize(
    ("name", "whole", "is_refused"),
    [("总人数", [100, 100], True), ("n", [72, 74], True), ("1次", [300, 290], False)],
)
def test_a_column_that_may_be_all_of_the_others(
    name: str, whole: list[int], is_refused: bool
) -> None:
    """A total is not stacked onto its parts; a range that most are in is a range."""
    table = frame("frequency", {"日期": days(2), name: whole, "2次": [50, 40], "3次": [20, 30]})
    if not is_refused:
        assert values(spec(table), "value") == [300, 50, 20, 290, 40, 30]
        return
    with pytest.raises(gio.SettingsError, match=r"all of the others: y=\["):
        spec(table)
