"""Tags and segments: how many users, and how what is known of them is spread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import gio_pandas as gio

from .specs import days, encoding, frame, marks, rows, spec, subtitle, values


def tag(given: Any, name: str = "标签") -> pd.DataFrame:
    """Make a tag's export."""
    return frame("tag", {"gio_id": [str(i) for i in range(len(given))], name: given}, name)


def test_words_are_counted_the_most_frequent_first() -> None:
    """With the others together, and those without a value."""
    given = [f"w{i}" for i in range(25) for _ in range(30 - i)] + [None] * 7
    found = spec(tag(given))
    assert encoding(found, "y", "bar")["scale"]["domain"][:2] == ["w0", "w1"]
    last = rows(found)[-2:]
    assert [(row["label"], row["users"]) for row in last] == [("(5 others)", 40), ("(missing)", 7)]
    assert sum(values(found, "users")) == len(given)
    assert subtitle(found) == f"{len(given):,} users · 7 without a value"
    assert rows(found)[0]["text"] == f"30 · {30 / len(given):.1%}"


def test_few_whole_numbers_have_a_bar_each() -> None:
    """From the least to the greatest, around the number itself."""
    found = spec(tag([1, 1, 2, 4]))
    assert [(row["label"], row["start"], row["end"], row["users"]) for row in rows(found)] == [
        ("1", 0.5, 1.5, 2),
        ("2", 1.5, 2.5, 1),
        ("4", 3.5, 4.5, 1),
    ]
    assert encoding(found, "x", "bar")["scale"]["domain"] == [0.5, 4.5]


def test_numbers_are_cut_at_round_ones() -> None:
    """Some dozens of bars; every user in one of them."""
    found = spec(tag(np.linspace(0, 80_000, 5_001).round(2)))
    starts, ends = values(found, "start"), values(found, "end")
    assert 10 < len(starts) <= 40
    assert starts[:2] == [0, 5_000]
    assert starts[1:] == ends[:-1]
    assert sum(values(found, "users")) == 5_001


def test_one_number_far_off_does_not_flatten_the_rest() -> None:
    """It is left out, and said."""
    found = spec(tag([*range(1, 1_000), 10**9]))
    assert max(values(found, "end")) <= 1_000
    assert "without " in subtitle(found)
    assert "up to 1,000,000,000" in subtitle(found)


@pytest.mark.parametrize(
    ("given", "first"),
    [
        (days(5), "2026-06-01"),
        (pd.date_range("2026-01-01", periods=300), "2025-12-29"),
        (pd.date_range("2024-01-15", periods=700), "2024-01"),
        (pd.date_range("2000-01-01", periods=60, freq="YS"), "2000"),
        (pd.date_range("2026-06-01 08:30", periods=30, freq="h"), "2026-06-01 08"),
    ],
)
def test_dates_are_counted_by_what_fits(given: Any, first: str) -> None:
    """Hours, days, weeks from Monday, months, years: at most some dozens."""
    found = spec(tag(given))
    assert values(found, "label")[0] == first
    assert encoding(found, "x", "bar")["type"] == "temporal"
    assert sum(values(found, "users")) == len(given)
    assert len(rows(found)) <= 62


@pytest.mark.parametrize("kind", ["words", "numbers", "dates"])
def test_a_million_users_are_some_dozens_of_rows(kind: str) -> None:
    """They are counted here, and not sent to a browser."""
    drawn = np.random.default_rng(1).integers(0, 900, 1_000_000)
    given = {
        "words": pd.Series(drawn).astype(str).astype("category"),
        "numbers": drawn,
        "dates": pd.Timestamp("2024-01-01") + pd.to_timedelta(drawn, unit="D"),
    }[kind]
    made = frame("tag", {"gio_id": np.arange(1_000_000), "t": given})
    found = spec(made, x="t")
    assert len(rows(found)) <= 62
    assert sum(values(found, "users")) == 1_000_000


def test_a_tags_own_column_is_drawn() -> None:
    """In the detailed form it is the one that is called like the tag."""
    columns = {"gio_id": ["a", "b"], "level": ["x", "y"], "会员等级": ["金", "金"]}
    assert values(spec(frame("tag", columns, "会员等级")), "label") == ["金"]


def test_a_segment_is_its_size() -> None:
    """Plainly, also where nobody is in it."""
    for count, shown in ((1_234, "1,234"), (0, "0")):
        made = frame("segment", {"gio_id": pd.Series(["x"] * count, dtype="str")}, "高价值用户")
        found = spec(made)
        assert marks(found) == ["text", "text"]
        assert values(found, "users") == [shown]
        assert found["description"] == f"高价值用户: {shown} users"


def test_a_segments_columns_are_drawn_small() -> None:
    """What was asked for, without who the users are; the rest is named."""
    columns = {
        "gio_id": [str(i) for i in range(100)],
        "phone": [f"138{i:08}" for i in range(100)],
        **{f"c{i}": list("ab") * 50 for i in range(6)},
    }
    found = spec(frame("segment", columns))
    assert [view["title"]["text"] for view in found["concat"]] == ["c0", "c1", "c2", "c3"]
    assert subtitle(found) == "100 users · x= shows more: c4, c5"


def test_a_column_is_chosen_and_told_apart() -> None:
    """``x`` is what is spread, ``color`` divides the bars; they add up to the users."""
    columns = {
        "gio_id": list("abcdef"),
        "城市": ["上海", "上海", "北京", "上海", None, "北京"],
        "等级": ["金", "银", "金", None, "金", "金"],
        "金额": [1.5, 2.5, 3.5, None, 2.5, 1.5],
    }
    made = frame("segment", columns)
    found = spec(made, x="城市", color="等级")
    assert [(row["label"], row["group"], row["low"], row["high"]) for row in rows(found)] == [
        ("上海", "金", 0, 1),
        ("上海", "银", 1, 2),
        ("上海", "(missing)", 2, 3),
        ("北京", "金", 0, 2),
        ("(missing)", "金", 0, 1),
    ]
    assert sum(values(spec(made, x="金额", color="等级"), "users")) == 5


def test_y_has_no_meaning_here() -> None:
    """Users are counted; that is said before anything is drawn."""
    with pytest.raises(gio.SettingsError, match=r"y='c': this chart counts users\. Leave y out"):
        spec(frame("segment", {"gio_id": ["a"], "c": [1]}), y="c")


@pytest.mark.parametrize(
    "given",
    [
        [round(0.05 * i, 2) for i in range(31)],
        [round(1 + 0.1 * i, 1) for i in range(41)],
        [round(-0.3 + 0.01 * i, 2) for i in range(77)],
    ],
)
def test_bars_are_cut_where_they_say(given: list[float]) -> None:
    """A decimal at an edge is in the bar that begins there, as it is written."""
    found = rows(spec(tag(given)))
    for row in found:
        low, high = (float(part) for part in row["label"].split(" – "))
        assert row["users"] == sum(low <= value < high for value in given)
    assert sum(row["users"] for row in found) == len(given)


@pytest.mark.parametrize("value", [9.9, -0.001, 2.0**60, 123_456_789_012.5])
def test_one_number_for_all_is_one_bar(value: float) -> None:
    """There is no range to cut, and no bar without a width."""
    [row] = rows(spec(tag([value] * 100)))
    assert row["users"] == 100
    assert row["high"] == 100


def test_large_numbers_have_bars_with_a_width() -> None:
    """However near to each other they are."""
    found = rows(spec(tag([2**60, 2**60 + 2**20, 2**60 + 2**21] * 5)))
    assert sum(row["users"] for row in found) == 15
    assert all(row["end"] > row["start"] for row in found)


def test_who_the_users_are_is_not_drawn_unasked() -> None:
    """Numbers of phones of some, ids in a small frame, ids by name, place or key."""
    phones = [f"138{i:08}" for i in range(30)]
    columns = {
        "会员": ["金", "银"] * 50,
        "gio_id": [str(i) for i in range(100)],
        "手机": [*phones, *[None] * 70],
        "邀请人_id": ["a", "b"] * 50,
        "客户": ["c", "d"] * 50,
    }
    made = frame("segment", columns)
    made.attrs["gio"]["keys"] = {"客户": "usr_customer_id"}
    drawn = spec(made)
    assert subtitle(drawn) == "会员 · 100 users"
    assert not set(phones) & set(values(drawn, "label"))
    assert set(values(spec(made.head(10)[["会员", "gio_id"]]), "label")) == {"金", "银"}
    assert set(values(spec(made, x="手机"), "label")) & set(phones)


def test_profiles_are_drawn_like_a_segment() -> None:
    """By what was asked for."""
    made = frame("profiles", {"gio_id": list("abcd"), "等级": ["金", "金", "银", "金"]})
    assert values(spec(made), "users") == [3, 1]


def test_values_that_begin_alike_stay_apart() -> None:
    """What differs after the letters that are shown is not one value."""
    page = "https://shop.example.com/category/item/long/path/"
    made = frame(
        "segment", {"gio_id": list("abcdefgh"), "页面": [f"{page}{i}" for i in "11122233"]}
    )
    assert values(spec(made), "users") == [3, 3, 2]
    assert [label[-2:] for label in values(spec(made), "label")] == ["/1", "/2", "/3"]
