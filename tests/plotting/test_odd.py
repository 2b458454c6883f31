"""Tables that nobody has seen: a chart or one clear error, and never anything else."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pandas as pd
from hypothesis import HealthCheck, given, settings

import gio_pandas as gio
from gio_pandas import plotting

from .specs import rows

MOST_ROWS = 3_000
NAMES = ["日期", "日期.1", "a.b[c]:Q", "q\"'", "x", "", 1, ("a", 1), None]
CELLS = {
    "counts": st.integers(0, 2_000),
    "falling": st.integers(0, 2_000),
    "whole": st.integers(-5, 50) | st.none(),
    "ids": st.integers(-(10**18), 10**18),
    "huge": st.integers(-(10**400), 10**400),
    "numbers": st.floats() | st.none(),
    "shares": st.floats(0, 1) | st.none(),
    "decimals": st.decimals(allow_nan=False) | st.none(),
    "words": st.sampled_from(["a", "b", "总体", " Total", None, "x" * 99, "a.b:Q", "a\nb", ""]),
    "text": st.text(max_size=4) | st.none(),
    "dates": st.dates() | st.none(),
    "times": st.datetimes() | st.none(),
    "zoned": st.datetimes(timezones=st.timezones()),
    "nothing": st.none(),
    "switches": st.booleans() | st.none(),
    "lists": st.lists(st.integers(), max_size=2),
    "mixed": st.none() | st.integers(0, 9) | st.text(max_size=2) | st.dates(),
}


@st.composite
def columns(draw: st.DrawFn, count: int) -> pd.Series[Any]:
    """Make a column of a kind, of the types that pandas has for it."""
    kind = draw(st.sampled_from(sorted(CELLS)))
    cells = draw(st.lists(CELLS[kind], min_size=count, max_size=count))
    if kind == "falling":
        cells = sorted(cells, reverse=True)
    column = pd.Series(cells, dtype=object)
    match draw(st.sampled_from(["object", "inferred", "category"])):
        case "inferred" if kind not in ("huge", "decimals", "lists", "zoned"):
            return column.infer_objects()
        case "category" if kind not in ("huge", "lists"):
            return column.astype("category")
    return column


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """Make a table of some columns, whose names may be the same."""
    count = draw(st.integers(0, 6))
    made = draw(st.lists(columns(count), max_size=5))
    table = pd.concat(made, axis=1) if made else pd.DataFrame(index=range(count))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=len(made), max_size=len(made)))
    return table.set_axis(pd.Index(names, dtype=object, tupleize_cols=False), axis=1)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(tables(), st.sampled_from(plotting.KINDS), st.data())
def test_a_chart_or_one_clear_error(table: pd.DataFrame, kind: str, data: st.DataObject) -> None:
    """The specification is valid JSON of Altair's schema, and the frame is as it was."""
    some = st.sampled_from([None, *table.columns])
    asked = {name: data.draw(some) for name in ("x", "y", "color")}
    before = table.copy(deep=True)
    found, refused = {}, None
    try:
        found = plotting.chart(table, kind, **asked).to_dict()
    except gio.SettingsError as error:
        refused = error
    json.dumps(found, allow_nan=False)
    assert len(rows(found)) < MOST_ROWS
    assert refused is None or (refused.hint and len(str(refused).splitlines()) == 1)
    pd.testing.assert_frame_equal(table, before)
