"""Users found again in lists of users: as a plain look-up in a dict would find them."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gio_pandas.exports.dtypes import Ground, rule
from gio_pandas.exports.frames import text_dtype
from gio_pandas.exports.joining import Found, Wanted, joined

IDS = st.one_of(st.none(), st.sampled_from(["1", "01", " 1", "1.0", "a", "A", "é", "用户"]))
TEXTS = st.one_of(st.none(), st.text(max_size=5), st.sampled_from(["1", "2", "3.5", "007"]))
LIST = st.lists(st.tuples(IDS, TEXTS), max_size=12)
ANYTHING = rule("x", Ground.STRING, analysis=False)


def text(values: list[str | None], dtype: object = None) -> pd.Series:
    """Make a column of text."""
    return pd.Series(values, dtype=dtype or text_dtype())


def plain(column: pd.Series) -> list[object]:
    """Give a column's values, None where they are missing."""
    return [None if pd.isna(value) else value for value in column]


@given(ids=st.lists(IDS, max_size=12), rows=LIST)
def test_a_list_is_looked_up_as_a_dict_is(
    ids: list[str | None], rows: list[tuple[str | None, str | None]]
) -> None:
    """Each row has the value of its user's first row, none where there is none, in its order."""
    known, texts = [one for one, _ in rows], [value for _, value in rows]
    first = {user: value for user, value in reversed(rows) if user is not None}
    wanted = Wanted(text(ids))
    found = wanted.find(text(known))
    column = joined(ANYTHING, [text(texts)], wanted.spread(found.rows))
    assert plain(column) == [first.get(user) if user is not None else None for user in ids]
    again = [n for n, user in enumerate(known) if user in ids and user and known.count(user) > 1]
    assert found.again.tolist() == again


@pytest.mark.parametrize("dtype", [object, "string[python]", "string[pyarrow]", "category"])
def test_text_of_every_kind_is_looked_up(dtype: object) -> None:
    """However pandas keeps text, it is the same text."""
    wanted = Wanted(text(["b", None, "a", "b"], dtype))
    found = wanted.find(text(["a", "b", "c"], dtype))
    assert wanted.spread(found.rows).tolist() == [1, -1, 0, 1]


@given(ids=st.lists(IDS, max_size=6), known=st.lists(IDS, max_size=6))
def test_who_looks_like_somebody_is_paired_and_not_matched(
    ids: list[str | None], known: list[str | None]
) -> None:
    """Blanks at the ends, leading zeros and a trailing .0 are told of; nothing else is alike."""

    def bare(one: str) -> str:
        return one.strip().removesuffix(".0").lstrip("0")

    wanted = Wanted(text(ids))
    found = wanted.find(text(known))
    there = {one for one in known if one is not None}
    missed = {one for one in ids if one is not None} - there
    alike = {one for one in missed if bare(one) in {bare(other) for other in there}}
    pairs = wanted.lookalikes([found])
    assert {ours for ours, _ in pairs} == alike
    assert all(bare(ours) == bare(theirs) and theirs in there for ours, theirs in pairs)


def test_a_column_of_several_lists_is_of_one_type() -> None:
    """All lists decide together: what is a number in one and a word in another is text as written.

    Rows are counted through the lists, and nothing is lost of what was written.
    """
    values = rule("x", Ground.VALUES, analysis=False)
    rows = np.array([2, 0, -1], dtype="int64")
    numbers = joined(values, [text(["1", "2"]), text(["3"])], rows)
    assert (plain(numbers), str(numbers.dtype)) == ([3, 1, None], "Int64")
    mixed = joined(values, [text(["1.50", "2"]), text(["x"])], rows)
    assert (plain(mixed), mixed.dtype) == (["x", "1.50", None], text_dtype())


def test_the_whole_list_decides_and_not_the_rows_that_are_taken() -> None:
    """A column is of the same type for whoever joins it."""
    column = joined(
        rule("x", Ground.VALUES, analysis=False), [text(["1", "x"])], np.array([0, 0], "int64")
    )
    assert (plain(column), column.dtype) == (["1", "1"], text_dtype())


@pytest.mark.parametrize(
    ("texts", "rows", "dtype"),
    [
        (["1", "2"], [0, 1], "int64"),
        (["1", "2"], [0, -1], "Int64"),
        (["1", None], [0, 0], "int64"),
        (["1.5", "2"], [-1, 1], "float64"),
        (["2021-04-13"], [-1, 0], "datetime64[us]"),
        ([], [-1], str(text_dtype())),
        ([], [], str(text_dtype())),
    ],
)
def test_gaps_cost_no_type(texts: list[str | None], rows: list[int], dtype: str) -> None:
    """Integers with gaps are Int64; nothing becomes a float or an object by being joined."""
    column = joined(
        rule("x", Ground.VALUES, analysis=False), [text(texts)], np.array(rows, "int64")
    )
    assert str(column.dtype) == dtype
    assert len(column) == len(rows)


def test_the_backend_is_the_callers() -> None:
    """``dtype_backend`` is that of pandas' readers."""
    column = joined(
        rule("x", Ground.INT, analysis=False), [text(["1"])], np.array([0, -1]), "pyarrow"
    )
    assert str(column.dtype) == "int64[pyarrow]"


def test_values_that_are_not_what_the_tag_declares_are_warned_of() -> None:
    """As where a tag is read: the column stays text, and says so."""
    with pytest.warns(UserWarning, match="'x' is INT on the platform"):
        column = joined(
            rule("x", Ground.INT, analysis=False), [text(["1", "?"])], np.array([1, 0], "int64")
        )
    assert plain(column) == ["?", "1"]


def test_many_lists_are_counted_through() -> None:
    """What a list says is taken at its own rows, behind those of the lists before."""
    lists = [[f"{n}-{row}" for row in range(n)] for n in range(1, 6)]
    starts = [0, *accumulate(map(len, lists))][:-1]
    rows = np.array([start + len(one) - 1 for start, one in zip(starts, lists, strict=True)])
    column = joined(ANYTHING, [text(one) for one in lists], rows)
    assert plain(column) == [one[-1] for one in lists]


def test_nobody_is_looked_up_in_nothing() -> None:
    """No rows, no lists' rows: empty answers and no error."""
    nobody = Wanted(text([]))
    found = nobody.find(text(["a"]))
    assert isinstance(found, Found)
    assert nobody.spread(found.rows).tolist() == []
    assert nobody.lookalikes([found]) == []
    missing = Wanted(text([None, None]))
    assert missing.spread(missing.find(text([])).rows).tolist() == [-1, -1]
