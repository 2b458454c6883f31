"""Why a column is what it is: the reason is true of the rules, and names what decided."""

from __future__ import annotations

import re

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gio_pandas.exports import frames
from gio_pandas.exports.dtypes import TEXT, Ground, rule, rules
from gio_pandas.exports.reasons import reason

LISTS, ANALYSES = (rule("x", Ground.VALUES, analysis=analysis) for analysis in (False, True))


def text(*values: str | None) -> pd.Series:
    """Make a column of text, as it is read."""
    return pd.Series(list(values), dtype=frames.text_dtype())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["1", "2", "007"], "the value '007' has to stay as it is: a leading zero"),
        (["1.5", "2", "1e10"], "the value '1e10' has to stay as it is: an exponent"),
        (["0x1F"], "the value '0x1F' has to stay as it is: hexadecimal"),
        (["1", "1234567890123456"], "'1234567890123456' has to stay as it is: more than 15 digits"),
        (["1", "0.1234567890123456"], "more than 15 significant digits"),
        (["1", "+2"], "the value '+2' has to stay as it is: a plus sign"),
        (["-0"], "a minus before zero"),
        (["7", " 8"], "the value ' 8' has to stay as it is: a blank at its edge"),
        (["1,234"], "commas, which are read in analyses alone"),
        (["45.20%"], "a percent sign, which is read in analyses alone"),
        (["2021-02-28", "2021-02-30"], "'2021-02-30' has to stay as it is: no day of the calendar"),
        (["2021/02/28"], "not as ISO writes times"),
        (["1", "张三"], "the value '张三' is no number and no date"),
        (["true"], "the value 'true' is no number and no date"),
        (["1", "2021-04-13"], "mixed kinds: '1' is an integer, '2021-04-13' is a date"),
        (["1.5", "2021-04-13"], "mixed kinds: '1.5' is a number, '2021-04-13' is a date"),
        (
            ["2021-04-13", "2021-04-13 10:00"],
            "mixed kinds: '2021-04-13' is a date, '2021-04-13 10:00' is a date-time",
        ),
        (
            ["2021-04-13T10:00Z", "2021-04-13T10:00+08:00"],
            "mixed kinds: '2021-04-13T10:00Z' is a date-time of UTC, "
            "'2021-04-13T10:00+08:00' is a date-time of +08:00",
        ),
        ([None, None], "no value is there"),
        ([], "no value is there"),
        (["1", "2"], "a value that is no longer here was no number and no date"),
    ],
)
def test_text_names_the_value_that_kept_it_text(values: list[str | None], said: str) -> None:
    """Wherever that value stands, and however many others would have been something else."""
    assert said in reason(LISTS, text(*values))
    assert said in reason(LISTS, text(None, *values, None))


@pytest.mark.parametrize("position", [0, 1, 2, 511, 512, 513, 999])
def test_the_first_misfit_is_found_wherever_it_stands(position: int) -> None:
    """It is looked for in ever larger steps; none is stepped over, and a later one is not told."""
    values = ["7"] * 1000
    values[position:] = ["x", *values[position + 2 :], "y"]
    assert reason(LISTS, text(*values)) == "the value 'x' is no number and no date"


def test_a_lone_dash_in_an_analysis_is_explained() -> None:
    """It is missing between numbers, and a word elsewhere."""
    assert "there is '-' alone" in reason(ANALYSES, text("-", "-"))
    assert "'2021-04-13' is a date, '-' is a missing" in reason(ANALYSES, text("2021-04-13", "-"))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pd.Series([1, 2]), "every value is an integer in plain form"),
        (pd.Series([1, None], dtype="Int64"), "an integer in plain form; some are missing"),
        (pd.Series([1.5, None]), "every value is a number in plain form"),
        (pd.Series(pd.to_datetime(["2021-04-13"])), "a date or a date-time in ISO form"),
        (
            pd.Series(pd.to_datetime(["2021-04-13T10:00Z"])),
            "every value is a date-time of UTC in ISO form",
        ),
    ],
)
def test_numbers_and_times_say_what_all_values_are(column: pd.Series, said: str) -> None:
    """In lists in plain form alone, in analyses as those print them, too."""
    assert reason(LISTS, column).endswith(said)
    in_analyses = reason(ANALYSES, column)
    assert ("as analyses print it" in in_analyses) == pd.api.types.is_numeric_dtype(column)


@pytest.mark.parametrize(
    ("ground", "name", "said"),
    [
        (Ground.FIRST, "用户", "ids are always text: it is the first column of a list of users"),
        (Ground.NAME, "gio_id", "ids are always text: the name is gio_id"),
        (Ground.NAME, "id_$basic_userId", "ids are always text: the name begins with id_"),
        (Ground.NAME, "用户ID", "ids are always text: the name ends in ID"),
        (Ground.NAME, "card_id", "ids are always text: the name ends in _id"),
        (Ground.NAME, "card_id.1", "ids are always text: the name is that of another column"),
        (Ground.CHOICE, "x", "dtype= asked for it"),
        (Ground.STRING, "x", "the tag is STRING on the platform, which is always text"),
        (Ground.INT, "x", "the tag is INT on the platform, but some of its values were not"),
    ],
)
def test_what_decides_without_the_values_is_named(ground: Ground, name: str, said: str) -> None:
    """A name, a place, the tag's own type."""
    assert said in reason(rule(name, ground, analysis=False), text("1"))


def test_a_tag_that_is_not_what_it_is_declared_to_be_names_the_value() -> None:
    """The platform says INT, and a value says otherwise."""
    found = reason(rule("x", Ground.INT, analysis=False), text("1", "未知", "2"))
    assert found == "the tag is INT on the platform, but the value '未知' is not"
    fits = reason(rule("x", Ground.DATE, analysis=False), pd.Series(pd.to_datetime(["2021-01-02"])))
    assert fits == "the tag is DATE on the platform, and every value is a date or a date-time"


def test_a_long_value_is_told_in_part() -> None:
    """A page of text does not become a page of reasons, nor break its line."""
    found = reason(LISTS, text("a\nb" * 100_000))
    assert len(found) < 100
    assert found.isprintable()


VALUES = st.one_of(
    st.sampled_from(["1", "007", "1.5", "2021-04-13", "2021-04-13 10:00", "-", "1,234", "5%", "x"]),
    st.text(alphabet="0123456789.-+eE,% ", min_size=1, max_size=20),
    st.none(),
)


@given(values=st.lists(VALUES, max_size=30), analysis=st.booleans())
def test_the_reason_is_the_rules_own(values: list[str | None], analysis: bool) -> None:
    """The value that is named is the one that made it text: up to it, it was something else."""
    [decides] = (
        rules(["n"], analysis=analysis) if analysis else rules(["", "n"], analysis=False)[1:]
    )
    column = pa.array(values, TEXT)
    type_ = decides.decide({decides.read(column).seen})
    found = reason(decides, text(*values))
    if type_ != TEXT:
        return
    there = [value for value in values if value is not None]
    if not there:
        assert "no value is there" in found
        return
    named = re.search(
        r"the value '(.*)' (has|is no)|alone|mixed kinds: '.*' is .*, '(.*)' is", found
    )
    assert named is not None, found
    misfit = named[1] or named[3]
    if misfit is None:
        return
    place = values.index(misfit)
    assert decides.decide({decides.read(column.slice(0, place + 1)).seen}) == TEXT
    before = [value for value in values[:place] if value not in (None, "-")]
    if before:
        assert decides.decide({decides.read(pa.array(before, TEXT)).seen}) != TEXT
