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
