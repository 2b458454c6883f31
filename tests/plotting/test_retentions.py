"""Retention: who began together, when they came back, and which share."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import gio_pandas as gio

from .specs import days, encoding, frame, marks, rows, spec, subtitle, values


def wide(**more: Any) -> pd.DataFrame:
    """Make a triangle of shares."""
    columns = {
        "起始日期": days(3),
        "用户数": [1000, 500, 200],
        "当天": [1.0, 1.0, 1.0],
        "第1天": [0.4, 0.3, None],
        "第2天": [0.2, None, None],
    }
    return frame("retention", columns | more, "留存1")


def test_shares_are_a_map() -> None:
    """A row for each beginning, a column for each period, and in each cell its percentage."""
    found = spec(wide())
    assert marks(found)[:2] == ["rect", "text"]
    assert encoding(found, "y", "rect")["scale"]["domain"] == [
        "2026-06-01",
        "2026-06-02",
        "2026-06-03",
    ]
    assert encoding(found, "x", "rect")["scale"]["domain"] == ["当天", "第1天", "第2天"]
    assert encoding(found, "color", "rect")["field"] == "share"
    assert values(found, "label", cohort="2026-06-01") == ["100.0%", "40.0%", "20.0%"]
    assert values(found, "text") == ["1,000", "500", "200"]
    assert found["description"] == "Retention 留存1: 3 cohorts, 3 periods, 100.0 % to 20.0 %"


def test_what_is_missing_stays_blank() -> None:
    """A period that has not come yet has no cell; one that all lack still has its column."""
    found = spec(wide(第3天=pd.Series([None] * 3, dtype="float64")))
    assert len(values(found, "share")) == 6
    assert encoding(found, "x", "rect")["scale"]["domain"][-1] == "第3天"


def test_counts_become_shares_of_who_began() -> None:
    """The first column of counts is how many began."""
    counts = {"当天": [1000, 500, 200], "第1天": [400, 150, None], "第2天": [200, None, None]}
    made = wide(**counts).astype({"第1天": "Int64", "第2天": "Int64"})
    assert values(spec(made), "share") == values(spec(wide()), "share")


def test_full_periods_do_not_pale_the_others() -> None:
    """The first period is everybody by definition: shades are for what differs."""
    assert encoding(spec(wide()), "color", "rect")["scale"]["domain"] == [0, 0.4]


def test_a_row_for_each_cell() -> None:
    """A long table is a map, too."""
    columns = {
        "cohort": ["w1", "w1", "w2"],
        "week": [0, 1, 0],
        "rate": [1.0, 0.25, 0.9],
    }
    found = spec(frame("retention", columns))
    assert [(row["cohort"], row["period"], row["share"]) for row in rows(found)] == [
        ("w1", "0", 1),
        ("w1", "1", 0.25),
        ("w2", "0", 0.9),
    ]
    assert spec(frame("retention", columns), x="cohort", color="week") == found


def test_columns_can_be_chosen() -> None:
    """``y`` is the periods, ``x`` the beginnings."""
    found = spec(wide(), y=["第2天", "第1天"])
    assert encoding(found, "x", "rect")["scale"]["domain"] == ["第2天", "第1天"]
    assert values(found, "size") == [1000, 1000, 500]


def test_many_cohorts_are_cut_and_it_is_said() -> None:
    """The last of them, and cells without text where it would not fit."""
    columns = {"d": days(90)} | {f"p{i}": [0.5 - i / 200] * 90 for i in range(50)}
    found = spec(frame("retention", columns))
    assert len(encoding(found, "y", "rect")["scale"]["domain"]) == 60
    assert marks(found) == ["rect"]
    assert subtitle(found) == "the last 60 of 90 rows · the first 40 of 50 columns"


@pytest.mark.parametrize(
    "columns",
    [{"n": [1, 2], "s": [0.5, 0.6]}, {"d": days(2), "n": [5, 6]}, {"d": days(2), "t": ["a", "b"]}],
)
def test_what_is_not_clear_is_asked(columns: dict[str, list[Any]]) -> None:
    """Nobody who began together, or nothing that came back."""
    with pytest.raises(gio.SettingsError, match=r"leaves open .*df\.gio\.plot\("):
        spec(frame("retention", columns))


def test_no_share_of_nobody() -> None:
    """Where nobody began there is no cell, and no infinity."""
    found = spec(frame("retention", {"c": ["a", "b"], "n": [0, 10], "d1": [3, 5], "d2": [2, 1]}))
    assert values(found, "share") == [0.5, 0.1]


def test_few_users_are_no_shares() -> None:
    """One of five is 20 %, not 100 %."""
    columns = {"d": ["a", "b"], "n": [5, 8], "d1": [1, 0], "d2": [0, 1]}
    assert values(spec(frame("retention", columns)), "share") == [0.2, 0, 0, 0.125]


def test_numbers_of_rows_are_not_who_began() -> None:
    """The size is counted; what would give more than the whole is refused."""
    columns = {"序号": [1, 2, 3], "d": list("abc"), "n": [50, 80, 60], "d1": [10, 20, 30]}
    assert values(spec(frame("retention", columns)), "share") == [0.2, 0.25, 0.5]
    with pytest.raises(gio.SettingsError, match="of how many"):
        spec(frame("retention", {"d": ["a", "b"], "n": [5, 8], "d1": [50, 80]}))


def test_rows_of_a_dimension_are_told_apart() -> None:
    """Each row says what it is of, and the total counts nobody again in what is told."""
    columns = {"d": ["w"] * 3, "p": ["总体", "iOS", "a"], "n": [30, 10, 20]}
    found = spec(frame("retention", columns | {"d1": [0.5, 0.4, 0.6], "d2": [0.4, 0.2, 0.2]}))
    assert encoding(found, "y", "rect")["scale"]["domain"] == ["w · 总体", "w · iOS", "w · a"]
    assert found["description"].endswith("50.0 % to 20.0 %")
