"""Tables about tables: shown whole, as text and as HTML, and frames all the same."""

from __future__ import annotations

import pickle

import pandas as pd

from gio_pandas.tables import Table

LONG = "一个很长的值 " * 60
NASTY = "<script>alert('x')</script>&"


def test_nothing_is_cut_off() -> None:
    """Neither a long cell nor a row of many, where pandas would put dots."""
    table = Table({"value": [LONG.strip()] * 200}, index=[f"row {n}" for n in range(200)])
    for shown in (repr(table), table._repr_html_()):
        assert shown.count(LONG.strip()) == 200
        assert "row 199" in shown
        assert "..." not in shown
        assert "…" not in shown


def test_columns_stand_below_each_other_in_chinese_too() -> None:
    """A Chinese letter takes two places of a terminal."""
    table = Table({"why": ["城市", "id"], "n": [1234, 5]}, index=["甲", "b"])
    assert repr(table).splitlines() == ["    why   n", "甲  城市  1,234", "b   id    5"]


def test_html_is_escaped_and_of_the_notebooks_own_colours() -> None:
    """What is in a cell or a label is text, whatever it looks like."""
    page = Table({NASTY: [NASTY]}, index=[NASTY])._repr_html_()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 3
    assert "var(--jp-" in page


def test_a_line_stays_a_line() -> None:
    """What would break it, or turn it around, is a blank."""
    shown = repr(Table({"value": ["a\nb\u202ec\t"]}, index=["x"]))
    assert shown.splitlines()[1:] == ["x  a b c"]


def test_missing_values_and_empty_tables_are_shown() -> None:
    """A dash where nothing is; the head alone where there are no rows; labels without columns."""
    table = Table({"n": pd.array([1, None], dtype="Int64")})
    assert repr(table).splitlines()[1:] == ["0  1", "1  –"]
    assert repr(Table({"n": []})).split() == ["n"]
    assert repr(Table(index=["a"])).split() == ["a"]
    assert "<table" in Table(index=["a"])._repr_html_()


def test_it_is_a_frame() -> None:
    """What is taken out of it is a plain frame, and it is copied and pickled as any."""
    table = Table({"n": [1, 2]})
    assert isinstance(table, pd.DataFrame)
    assert type(table.head(1)) is pd.DataFrame
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(table)), table)
    pd.testing.assert_frame_equal(pd.DataFrame(table), pd.DataFrame({"n": [1, 2]}))
