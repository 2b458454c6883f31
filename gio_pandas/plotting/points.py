"""Points of lines and bars: rows that say the same are summed where that can be, and it is said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gio_pandas.plotting.columns import Column, Table, is_total, total_row

__all__ = ["Points", "gather"]

_MOST_GROUPS = 7


@dataclass(frozen=True)
class Points:
    """Values by place and group.

    Parameters
    ----------
    values
        A column for each measure, by its place in ``measures``; the index has two levels: where
        along the axis (moments, numbers or labels), and the group; both in the table's order.
    measures
        What is measured.
    groups
        The groups, in the order of their legend; one without a name where there are none.
    others
        The groups among them that stand for many.
    notes
        What was summed or left out.
    """

    values: pd.DataFrame = field(repr=False)
    measures: tuple[Column, ...]
    groups: tuple[str, ...]
    others: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def gather(
    table: Table,
    axis: Column,
    measures: Sequence[Column],
    color: Column | None,
    *,
    is_chosen: bool = False,
) -> Points:
    """Gather a table's values along an axis.

    Parameters
    ----------
    table
        The table.
    axis
        What they are drawn along.
    measures
        What is drawn.
    color
        What is told apart.
    is_chosen
        Whether the measures were named by the caller: numbers are summed then, too.

    Raises
    ------
    SettingsError
        Rows would have to be summed of which no sum has a meaning.
    """
    rest = [c for c in table.columns if c.is_axis and c not in (axis, color)]
    notes: list[str] = []
    rows = _counted_once(axis, color, measures, rest, notes)
    along = axis.labels if axis.role == "words" else axis.values
    groups = pd.Series("", index=along.index) if color is None else color.labels.fillna("–")
    frame = pd.DataFrame({"at": along, "group": groups.astype(str)}).loc[rows]
    for place, column in enumerate(measures):
        frame[place] = column.values
    if axis.role == "words":
        frame["at"] = frame["at"].fillna("–").astype(str)
    frame = frame.dropna(subset=["at"])
    taken = tuple(measures)
    if frame.duplicated(["at", "group"]).any():
        taken = _summable(table, measures, is_chosen, notes)
        varied = [c.name for c in rest if c.values[frame.index].nunique() > 1]
        notes.append(
            f"summed over {', '.join(varied)}" if varied else "rows of the same are summed"
        )
    places = [place for place, column in enumerate(measures) if column in taken]
    summed = frame.groupby(["at", "group"], sort=False)[places].sum(min_count=1)
    summed.columns = pd.RangeIndex(len(places))
    return _few(Points(summed, taken, tuple(frame["group"].unique())), color, notes)


def _counted_once(
    axis: Column,
    color: Column | None,
    measures: Sequence[Column],
    rest: Iterable[Column],
    notes: list[str],
) -> pd.Index[int]:
    """Leave out rows that count others again: of those not drawn, totals alone are enough."""
    keep = pd.Series(True, index=axis.values.index)
    for column in rest:
        totals = is_total(column.values) & keep
        if totals.any() and (keep & ~totals).any():
            keep = totals
            notes.append(f"{column.name}: {column.values[totals].iloc[0]}")
    drawn = [c for c in (axis, color) if c is not None and c.role == "words"]
    for column in drawn:
        totals = is_total(column.values) & keep
        if color is None and not totals.any():
            row = total_row(column, [c for c in measures if c.role == "count"] or measures)
            totals = pd.Series(keep.index == row, index=keep.index)
        if totals.any() and (keep & ~totals).any():
            notes.append(f"without the total, {column.labels[totals].iloc[0]}")
            keep &= ~totals
    return keep.index[keep]


def _summable(
    table: Table, measures: Sequence[Column], is_chosen: bool, notes: list[str]
) -> tuple[Column, ...]:
    roles = ("count", "number") if is_chosen else ("count",)
    taken = tuple(column for column in measures if column.role in roles)
    if not taken:
        raise table.unclear("how rows of the same are put together")
    if left := [column.name for column in measures if column not in taken]:
        notes.append(f"without {', '.join(left)}, which cannot be summed")
    return taken


def _few(points: Points, color: Column | None, notes: list[str]) -> Points:
    """Keep the largest groups; the others are one where they can be summed."""
    if color is None or len(points.groups) <= _MOST_GROUPS + 1:
        return Points(points.values, points.measures, points.groups, (), tuple(notes))
    sizes = points.values[0].abs().groupby(level="group").sum()
    largest = set(sizes.sort_values(ascending=False, kind="stable").index[:_MOST_GROUPS])
    kept = tuple(group for group in points.groups if group in largest)
    count = len(points.groups) - len(kept)
    groups = points.values.index.get_level_values("group")
    if any(column.role != "count" for column in points.measures):
        notes.append(f"{color.name}: the {len(kept)} largest of {len(points.groups):,}")
        values = points.values[groups.isin(largest)]
        return Points(values, points.measures, kept, (), tuple(notes))
    name = f"{count:,} others"
    index = pd.MultiIndex.from_arrays(
        [points.values.index.get_level_values("at"), np.where(groups.isin(largest), groups, name)],
        names=["at", "group"],
    )
    grouped = points.values.set_axis(index).groupby(level=["at", "group"], sort=False)
    summed: pd.DataFrame = grouped.sum(min_count=1)
    return Points(summed, points.measures, (*kept, name), (name,), tuple(notes))
