"""A frequency analysis: how many do it how often (分布)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from gio_pandas.plotting import canvas
from gio_pandas.plotting.asked import Asked
from gio_pandas.plotting.columns import (
    Column,
    Table,
    distinct,
    is_numbering,
    is_total,
    number,
    total_row,
)

__all__ = ["Frequencies", "draw", "read"]

_MOST_BUCKETS, _MOST_ROWS = 60, 60
_NEARLY = 0.8
"""Of a whole its ranges have at least so much, if some are too small to be shown."""

_LIKE_A_TOTAL = re.compile(r"总|合计|全部|整体|\b(all|total|overall|sum)\b")
_FEW = 16
"""Bars beyond which there is no room for a number on each."""


@dataclass(frozen=True)
class Frequencies:
    """How many there are in each range.

    Parameters
    ----------
    buckets
        The ranges, in the table's order.
    groups
        The rows' dates or whatever they are about; one without a name where a row is a range.
    values
        By group and range; what is missing is NaN.
    is_share
        Whether they are shares.
    measure
        What is counted.
    along
        What the ranges', or the groups', column is called.
    notes
        What was left out or summed.
    wholes
        What each group adds up to, with what is not drawn; empty where a sum has no meaning.
    """

    buckets: tuple[str, ...]
    groups: tuple[str, ...]
    values: np.ndarray[Any, Any] = field(repr=False)
    is_share: bool = False
    measure: str = ""
    along: str = ""
    notes: tuple[str, ...] = ()
    wholes: tuple[float, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """Give a row for each group and range that has a value."""
        wholes = self.wholes or (1.0 if self.is_share else 0.0,) * len(self.groups)
        return [
            {
                "group": group,
                "bucket": bucket,
                "order": place,
                "value": number(float(value)),
                "label": f"{value:.1%}" if self.is_share else f"{number(float(value)):,}",
                "share": number(round(value / whole, 6)) if whole > 0 else None,
            }
            for group, values, whole in zip(self.groups, self.values, wholes, strict=True)
            for place, (bucket, value) in enumerate(zip(self.buckets, values, strict=True))
            if value == value
        ]


# --- what the table says -------------------------------------------------------------------------


def read(table: Table, asked: Asked) -> Frequencies:
    """Find the ranges: in rows, or a column for each.

    Raises
    ------
    SettingsError
        There are none, or nothing is counted.
    """
    if not table.rows:
        raise table.nothing()
    axis = asked.column(table, "x") or _axis(table)
    if axis is None:
        raise table.unclear("what its ranges are")
    measures = asked.measures(table)
    counted = [c for c in table.columns if c.is_measure and c is not axis]
    counted = [c for c in counted if not is_numbering(c)] or counted
    color = asked.column(table, "color") or _second(table, axis)
    _once(table, axis, color, measures or counted)
    if color is not None:
        return _long(table, axis, color, measures or _first(counted))
    buckets = measures if len(measures) > 1 else [] if measures else _buckets(axis, counted)
    if buckets:
        if not measures and _has_whole(buckets):
            raise table.unclear("whether a column is all of the others: y=[…] names the ranges")
        return _wide(axis, buckets)
    if not counted and not measures:
        raise table.unclear("what is counted")
    return _list(table, axis, (measures or _first(counted))[0])


def _axis(table: Table) -> Column | None:
    """Take dates, else text, else whole numbers that rise: 1, 2, 3 … times."""
    axes = [*table.of("time"), *table.of("words")]
    if axes:
        return axes[0]
    rising = [c for c in table.of("count")[:1] if (np.diff(c.values) > 0).all()]
    return rising[0] if rising and len(table.of("count", "number", "share")) > 1 else None


def _once(table: Table, axis: Column, color: Column | None, measures: Sequence[Column]) -> None:
    """Refuse to sum over what else rows are about, or to choose a range's column among several."""
    drawn = (axis, color)
    if axis.values.duplicated().any() and any(
        c.is_axis and c.is_varied and c not in drawn for c in table.columns
    ):
        raise table.unclear("which of its dimensions are drawn: choose their rows first, df[…]")
    if color is not None and color.role == "words" and len(_buckets(axis, measures)) > 1:
        raise table.unclear("whether its ranges are rows or columns: leave one dimension, or count")


def _second(table: Table, axis: Column) -> Column | None:
    """Give what else a row is about, where each of the axis has several."""
    if not axis.values.duplicated().any():
        return None
    return next((c for c in table.columns if c.is_axis and c is not axis and c.is_varied), None)


def _first(counted: Sequence[Column]) -> list[Column]:
    return ([c for c in counted if c.role == "count"] or list(counted))[:1]


def _buckets(axis: Column, counted: Sequence[Column]) -> list[Column]:
    """Give the columns that are a range each: shares, else counts without their sum."""
    shares = [c for c in counted if c.role == "share"]
    if len(shares) > 1:
        return shares
    counts = [c for c in counted if c.role == "count"]
    values = [c.values.fillna(0).to_numpy() for c in counts]
    for place, column in enumerate(values) if len(counts) > 2 else ():
        if column.any() and np.array_equal(column, sum(values) - column):
            return [c for c in counts if c is not counts[place]]
    return counts if axis.role == "time" and len(counts) > 1 else []


def _has_whole(buckets: Sequence[Column]) -> bool:
    """Tell whether the first or the last may count all, also those in no range.

    A first range that has more users than the rest together is common; one that has just a few
    more in every row, or is called a total, is likely to be the whole.
    """
    values = [c.values.fillna(0).to_numpy() for c in buckets]
    if len(values) < 3:
        return False
    for column, whole in ((buckets[end], values[end]) for end in (0, -1)):
        rest = sum(values) - whole
        nearly = 0.0 if _LIKE_A_TOTAL.search(column.name.casefold()) else _NEARLY
        if column.role == "count" and ((rest <= whole) & (rest >= nearly * whole)).all():
            return True
    return False


def _list(table: Table, axis: Column, measure: Column) -> Frequencies:
    labels, values = axis.labels.fillna("–").astype(str), measure.values
    notes = []
    counts = [measure] if measure.role != "share" else table.of("count") or [measure]
    total = total_row(axis, counts, table.of("share")) if axis.role == "words" else None
    if total is not None:
        notes.append(f"without the total, {labels[total]}: {_told(values[total], measure)}")
        labels, values = labels.drop(total), values.drop(total)
    whole = (float(values.sum()),) if measure.role == "count" and not (values < 0).any() else ()
    others = [c.name for c in table.of("count") if c not in (axis, measure)]
    if others and measure.role == "count":
        notes.append(f"without {', '.join(others[:6])}")
    if len(labels) > _MOST_BUCKETS:
        notes.append(f"the first {_MOST_BUCKETS} of {len(labels):,}")
    return Frequencies(
        tuple(distinct(labels[:_MOST_BUCKETS])),
        ("",),
        values[:_MOST_BUCKETS].to_numpy()[None, :],
        measure.role == "share",
        measure.name,
        axis.name,
        tuple(notes),
        whole,
    )


def _told(value: float, measure: Column) -> str:
    if value != value:
        return "–"
    return f"{value:.1%}" if measure.role == "share" else f"{number(value):,}"


def _wide(axis: Column, buckets: Sequence[Column]) -> Frequencies:
    labels = axis.labels.fillna("–").astype(str)
    cells = np.column_stack([column.values.to_numpy() for column in buckets])
    notes = []
    totals = is_total(axis.values).to_numpy()
    if totals.any() and not totals.all():
        notes.append(f"without the total, {labels[totals].iloc[0]}")
        labels, cells = labels[~totals], cells[~totals]
    if len(labels) > _MOST_ROWS:
        notes.append(f"the last {_MOST_ROWS} of {len(labels):,} rows")
    return Frequencies(
        tuple(distinct(column.name for column in buckets)),
        tuple(distinct(labels[-_MOST_ROWS:])),
        cells[-_MOST_ROWS:],
        all(column.role == "share" for column in buckets),
        "",
        axis.name,
        tuple(notes),
    )


def _long(table: Table, axis: Column, color: Column, measures: Sequence[Column]) -> Frequencies:
    if not measures:
        raise table.unclear("what is counted")
    measure, notes = measures[0], []
    keys = [column.labels.fillna("–").astype(str) for column in (axis, color)]
    rows = pd.DataFrame({"group": keys[0], "bucket": keys[1], "value": measure.values})
    for column in (axis, color):
        totals = is_total(column.values)[rows.index]
        if totals.any() and not totals.all():
            notes.append(f"without the total, {column.labels[totals.index[totals]].iloc[0]}")
            rows = rows[~totals]
    if rows.duplicated(["group", "bucket"]).any():
        if measure.role == "share":
            raise table.unclear("how rows of the same are put together")
        notes.append("rows of the same are summed")
    wide = rows.groupby(["group", "bucket"], sort=False)["value"].sum(min_count=1).unstack()
    wide = wide.loc[rows["group"].unique(), rows["bucket"].unique()]
    if len(wide) > _MOST_ROWS:
        notes.append(f"the last {_MOST_ROWS} of {len(wide):,} rows")
    if len(wide.columns) > _MOST_BUCKETS:
        notes.append(f"the first {_MOST_BUCKETS} of {len(wide.columns):,} ranges")
    wide = wide.iloc[-_MOST_ROWS:, :_MOST_BUCKETS]
    is_share = measure.role == "share"
    names = tuple(map(str, wide.columns)), tuple(map(str, wide.index))
    return Frequencies(
        *names, wide.to_numpy(dtype=float), is_share, measure.name, axis.name, tuple(notes)
    )


# --- how it is drawn -----------------------------------------------------------------------------


def draw(table: Table, asked: Asked) -> Any:
    """Draw a frequency analysis as bars, in the table's own order."""
    found = read(table, asked)
    heading = _heading(found, table, asked)
    return _bars(found, heading) if found.groups == ("",) else _stacked(found, heading)


def _bars(found: Frequencies, heading: canvas.Heading) -> Any:
    tooltip = [
        alt.Tooltip("bucket:N", title=found.along),
        alt.Tooltip("label:N", title=found.measure),
        *([] if not found.wholes else [alt.Tooltip("share:Q", title="Of all", format=".2%")]),
    ]
    labelled = len(found.buckets) <= _FEW
    axis = None if labelled else canvas.scaled(is_share=found.is_share)
    steep = max(map(len, found.buckets), default=0) > 8 or len(found.buckets) > _FEW
    base = alt.Chart().encode(
        x=alt.X(
            "bucket:N",
            scale=alt.Scale(domain=list(found.buckets)),
            title=found.along,
            axis=alt.Axis(labelAngle=-40 if steep else 0, ticks=False, labelPadding=6),
        ),
        y=alt.Y("value:Q", title=found.measure, axis=axis),
        tooltip=tooltip,
    )
    layers = [base.mark_bar(color=canvas.ACCENT, cornerRadiusEnd=3, width={"band": 0.72})]
    if labelled:
        layers.append(base.mark_text(dy=-22 if found.wholes else -8).encode(text="label:N"))
    if labelled and found.wholes:
        shares = base.mark_text(dy=-8, color=canvas.MUTED, fontSize=11)
        layers.append(shares.encode(text=alt.Text("share:Q", format=".1%")))
    width = alt.Step(max(18, min(74, 900 // max(1, len(found.buckets)))))
    return canvas.Layers(
        layer=layers,
        data=canvas.data(found.rows()),
        width=width,
        height=280,
        **heading.properties(),
    )


def _stacked(found: Frequencies, heading: canvas.Heading) -> Any:
    ramp = alt.Scale(domain=list(found.buckets), range=_ramp(len(found.buckets)))
    axis = canvas.scaled(is_share=found.is_share)
    value = alt.Tooltip("value:Q", title="Value", format=".2%" if found.is_share else ",")
    chart = canvas.Chart(
        canvas.data(found.rows()),
        width=alt.Step(max(14, min(42, 640 // len(found.groups)))),
        height=300,
        **heading.properties(),
    )
    return chart.mark_bar(width={"band": 0.86}).encode(
        x=alt.X(
            "group:N",
            scale=alt.Scale(domain=list(found.groups)),
            title=None,
            axis=alt.Axis(labelAngle=-50, ticks=False, labelPadding=6),
        ),
        y=alt.Y("value:Q", title=found.measure or None, axis=axis, scale=_whole(found)),
        color=alt.Color("bucket:N", title=None, scale=ramp, sort=list(found.buckets)),
        order=alt.Order("order:Q"),
        tooltip=[
            alt.Tooltip("group:N", title=found.along),
            alt.Tooltip("bucket:N", title="Range"),
            value,
        ],
    )


def _whole(found: Frequencies) -> alt.Scale:
    """Let shares that add up to one fill the height."""
    sums = np.nansum(found.values, axis=1)
    fits = found.is_share and (found.values >= 0)[~np.isnan(found.values)].all()
    return alt.Scale(domain=[0, 1]) if fits and (sums <= 1.001).all() else alt.Scale()


_RAMP = ("#dbe9f6", "#a8cfe3", "#5fa8cf", "#2f7fb8", "#1d5a96", "#3b3a7a", "#2a1b4d")


def _ramp(count: int) -> list[str]:
    """Give as many shades, from light to dark, for ranges have an order."""
    at = np.linspace(0, len(_RAMP) - 1, count)
    shades = [[int(shade[i : i + 2], 16) for shade in _RAMP] for i in (1, 3, 5)]
    parts = [np.interp(at, range(len(_RAMP)), part).round().astype(int) for part in shades]
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in zip(*parts, strict=True)]


def _heading(found: Frequencies, table: Table, asked: Asked) -> canvas.Heading:
    name = " ".join(["Frequency", table.name]).strip()
    told = f"{len(found.buckets)} ranges"
    if found.groups != ("",):
        told += f" by {len(found.groups)} of {found.along}"
    elif found.wholes:
        told += f", {number(found.wholes[0]):,} in all"
    title = asked.title or table.name or "Frequency"
    measure = [found.measure] if found.groups == ("",) else []
    return canvas.Heading(title, (*measure, *found.notes), f"{name}: {told}")
