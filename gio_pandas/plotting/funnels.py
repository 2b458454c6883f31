"""A funnel: how many come to each step (漏斗)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    moments,
    number,
    total_row,
)

__all__ = ["Funnel", "draw", "read"]

_MOST_GROUPS, _MOST_STEPS, _MOST_POINTS = 12, 60, 5_000
_WIDTH, _STEP = 400, 46


@dataclass(frozen=True)
class Funnel:
    """How many came to each step.

    Parameters
    ----------
    steps
        The steps' names, in order.
    groups
        How many, by group and step; one group without a name where all are counted together.
    measure
        What is counted; empty where the table does not say.
    times
        The groups as moments, where they are moments.
    notes
        What was summed or left out.
    """

    steps: tuple[str, ...]
    groups: Mapping[str, tuple[float, ...]]
    measure: str = ""
    times: Mapping[str, str] | None = None
    notes: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """Give a row for each group and step, with the conversions."""
        return [
            {"group": group, "order": place, "step": step, **_conversion(counts, place)}
            for group, counts in self.groups.items()
            for place, step in enumerate(self.steps)
        ]


def _conversion(counts: Sequence[float], place: int) -> dict[str, Any]:
    now, first = counts[place], counts[0]
    before = counts[place - 1] if place else np.nan
    return {
        "value": number(now),
        "label": "–" if np.isnan(now) else f"{number(now):,}",
        "kept": (kept := _share(now, before)),
        "overall": (overall := _share(now, first)),
        "kept_label": "" if kept is None else f"{kept:.1%}",
        "overall_label": "" if overall is None else f"{overall:.1%}",
    }


def _share(part: float, whole: float) -> float | int | None:
    return number(round(part / whole, 6)) if whole > 0 else None


# --- what the table says -------------------------------------------------------------------------


def read(table: Table, asked: Asked) -> Funnel:
    """Find the steps in a table that has one in each row, or one in each column.

    Raises
    ------
    SettingsError
        It may be either, or neither.
    """
    if not table.rows:
        raise table.nothing()
    measures = asked.measures(table)
    counts = measures or _counts(table)
    if len(measures) != 1 and _is_by_column(table, counts, asked):
        return _by_column(table, counts, asked)
    if asked.x is not None or asked.color is not None or measures or _falls(counts[:1], axis=0):
        return _by_row(table, (measures or counts or table.of("number", "share"))[:1], asked)
    raise table.unclear("what its steps are")


def _counts(table: Table) -> list[Column]:
    return [c for c in table.of("count") if not is_numbering(c) and (c.values.dropna() >= 0).all()]


def _is_by_column(table: Table, counts: Sequence[Column], asked: Asked) -> bool:
    if len(counts) < 2:  # dates alone are no names of steps
        return len(counts) == 1 and bool(table.of("time")) and not table.of("words")
    if len(asked.measures(table)) > 1:
        return True
    if not _falls(counts, axis=1):
        if table.rows == 1:
            raise table.unclear("what its steps are: y=[…] names their columns")
        return False
    if table.rows == 1:
        return True
    if table.of("time"):
        if len(counts) == 2 and any(c.is_varied for c in table.of("words")):
            raise table.unclear("whether a row or a column is a step")
        return True
    # Steps may fall from row to row, too, with those who left beside those who came.
    if len(counts) == 2 and _falls(counts[:1], axis=0) and not asked.color:
        if asked.x is not None:
            return False
        raise table.unclear("whether a row or a column is a step")
    return not any(is_numbering(column) for column in table.of("count"))


def _falls(counts: Sequence[Column], axis: int) -> bool:
    if not counts:
        return False
    values = np.column_stack([column.values.to_numpy() for column in counts])
    return not (np.diff(values, axis=axis) > 0).any()


def _by_column(table: Table, counts: Sequence[Column], asked: Asked) -> Funnel:
    steps = tuple(distinct(column.name for column in counts))
    values = pd.DataFrame({place: column.values for place, column in enumerate(counts)})
    by = asked.column(table, "color") or asked.column(table, "x")
    axes = [column for column in table.columns if column.is_axis and column is not by]
    if by is not None:
        whole, notes = _without_totals(values, axes)
        if by.values[whole.index].duplicated().any():
            notes.append(f"summed{' over' if axes else ''}{_of(axes).removeprefix(' of')}")
        return _grouped(whole, by, steps, notes)
    total = total_row(axes[0], counts) if len(axes) == 1 else None
    if total is not None:
        label = axes[0].labels[total]
        said = "that sums the others" if pd.isna(label) else str(label)
        return Funnel(steps, {"": tuple(values.iloc[total].to_list())}, notes=(f"the row {said}",))
    whole, notes = _without_totals(values, axes)
    summed = tuple(whole.sum(min_count=1))
    if len(whole) > 1:
        notes.append(f"summed over {len(whole):,} rows{_of(axes)}")
    return Funnel(steps, {"": summed}, notes=tuple(notes))


def _of(axes: Sequence[Column]) -> str:
    return f" of {', '.join(column.name for column in axes)}" if axes else ""


def _without_totals(values: pd.DataFrame, axes: Sequence[Column]) -> tuple[pd.DataFrame, list[str]]:
    """Count nobody twice: of rows for all and rows for each, take those for all."""
    notes = []
    for column in axes:
        totals = is_total(column.values)[values.index]
        if totals.any() and not totals.all():
            values = values[totals]
            notes.append(f"{column.name}: {column.values[values.index[0]]}")
    return values, notes


def _by_row(table: Table, measures: Sequence[Column], asked: Asked) -> Funnel:
    if not measures:
        raise table.unclear("what is counted")
    [measure] = measures
    color = asked.column(table, "color")
    axes = [c for c in table.columns if c.is_axis and c is not color]
    names = asked.column(table, "x") or _only([c for c in axes if c.role == "words"], table)
    names = names or next((c for c in table.of("count") if is_numbering(c)), None)
    if names is None:
        raise table.unclear("which column names the steps")
    labels = names.labels.fillna("–").astype(str)
    others = [c for c in axes if c is not names and c.is_varied]
    if color is None and not (others and labels.duplicated().any()):
        steps = tuple(distinct(labels))
        return Funnel(steps, {"": tuple(measure.values)}, measure.name)
    values = measure.values.to_frame(0)
    values, notes = _without_totals(values, others)
    if others:
        notes.append(f"summed over {', '.join(column.name for column in others)}")
    wide = _pivoted(values[0], labels, color)
    groups = _few(wide, "" if color is None else color.name, notes)
    return Funnel(tuple(wide.columns), groups, measure.name, notes=tuple(notes))


def _only(words: Sequence[Column], table: Table) -> Column | None:
    """Take the one text that differs, or any of those that say the same of each row."""
    varied = [c for c in words if c.is_varied] or list(words)
    codes = [pd.factorize(c.values)[0] for c in varied]
    if any(not np.array_equal(codes[0], others) for others in codes[1:]):
        raise table.unclear("which column names the steps")
    return varied[0] if varied else None


def _pivoted(values: pd.Series[Any], steps: pd.Series[Any], color: Column | None) -> pd.DataFrame:
    """Sum by group and step, both in the table's order."""
    groups = steps.map(lambda _: "") if color is None else color.labels.fillna("–").astype(str)
    keys = pd.DataFrame({"group": groups, "step": steps, "value": values}).loc[values.index]
    summed = keys.groupby(["group", "step"], sort=False)["value"].sum(min_count=1)
    wide = summed.unstack()
    return wide.loc[keys["group"].unique(), keys["step"].unique()]


def _grouped(values: pd.DataFrame, by: Column, steps: tuple[str, ...], notes: list[str]) -> Funnel:
    known = by.values[values.index]
    labels = by.labels[values.index].fillna("–").astype(str)
    wide = values.groupby(labels, sort=False).sum(min_count=1)
    if by.role == "time":
        times = dict(zip(labels[known.notna()], filter(None, moments(known)), strict=True))
        groups = {label: tuple(wide.loc[label]) for label in times}
        return Funnel(steps, groups, "", times, tuple(notes))
    return Funnel(steps, _few(wide, by.name, notes), "", notes=tuple(notes))


def _few(wide: pd.DataFrame, name: str, notes: list[str]) -> dict[str, tuple[float, ...]]:
    shown = wide
    if len(wide) > _MOST_GROUPS:
        first = wide.iloc[:, 0].sort_values(ascending=False, kind="stable")
        shown = wide[wide.index.isin(first.index[:_MOST_GROUPS])]
        notes.append(f"{name}: the {_MOST_GROUPS} largest of {len(wide):,}")
    return {
        str(group): tuple(counts) for group, counts in zip(shown.index, shown.values, strict=True)
    }


# --- how it is drawn -----------------------------------------------------------------------------


def draw(table: Table, asked: Asked) -> Any:
    """Draw a funnel's steps as bars, with the conversion from step to step and in all."""
    funnel = read(table, asked)
    if len(funnel.steps) > _MOST_STEPS or len(funnel.steps) * len(funnel.groups) > _MOST_POINTS:
        raise table.unclear(
            f"which of its {len(funnel.steps):,} steps and {len(funnel.groups):,} rows to draw"
        )
    heading = canvas.Heading(
        asked.title or table.name or "Funnel", funnel.notes, _words(funnel, table)
    )
    if funnel.times is not None:
        return _over_time(funnel, heading)
    return _bars(funnel, heading) if len(funnel.groups) == 1 else _compared(funnel, heading)


def _words(funnel: Funnel, table: Table) -> str:
    name = " ".join(["Funnel", table.name]).strip()
    steps = f"{len(funnel.steps)} step{'s' * (len(funnel.steps) != 1)}"
    if len(funnel.groups) != 1:
        return f"{name}: {steps}, {len(funnel.groups)} groups"
    rows = funnel.rows()
    first, last = rows[0], rows[-1]
    share = "" if last["overall"] is None else f" ({last['overall']:.2%})".replace("%", " %")
    return f"{name}: {steps}, {first['label']} to {last['label']} users{share}"


def _tooltip(funnel: Funnel, *more: alt.Tooltip) -> list[alt.Tooltip]:
    return [
        *more,
        alt.Tooltip("step:N", title="Step"),
        alt.Tooltip("value:Q", title=funnel.measure or "Users", format=",.6~r"),
        alt.Tooltip("kept:Q", title="Of the step before", format=".2%"),
        alt.Tooltip("overall:Q", title="Of the first step", format=".2%"),
    ]


def _bars(funnel: Funnel, heading: canvas.Heading) -> Any:
    rows = funnel.rows()
    y = alt.Y("step:N", sort=list(funnel.steps), title=None, axis=_step_axis())
    base = alt.Chart().encode(y=y, tooltip=_tooltip(funnel))
    bars = base.mark_bar(color=canvas.ACCENT, cornerRadiusEnd=3, height={"band": 0.68}).encode(
        x=alt.X("value:Q", title=None, axis=None)
    )
    label = base.mark_text(align="left", dx=7, fontWeight=600).encode(
        x=alt.X("value:Q"), text="label:N"
    )
    columns = [
        _beside(base, _WIDTH + 150, "kept", "Of the step before", len(rows)),
        _beside(base, _WIDTH + 260, "overall", "Of the first step", len(rows)),
    ]
    return canvas.Layers(
        layer=[bars, label, *(part for pair in columns for part in pair)],
        data=canvas.data(rows),
        width=_WIDTH,
        height=alt.Step(_STEP),
        **heading.properties(),
    )


def _step_axis() -> alt.Axis:
    return alt.Axis(domain=False, ticks=False, labelPadding=10, labelFontSize=13)


def _beside(base: Any, at: int, field: str, title: str, rows: int) -> tuple[Any, Any]:
    """Write a column of shares to the right of the bars."""
    shares = base.mark_text(align="right", color=canvas.INK).encode(
        x=alt.value(at), text=f"{field}_label:N"
    )
    header = (
        alt.Chart(canvas.data([{"title": title}], name=f"header_{field}"))
        .mark_text(align="right", color=canvas.MUTED, fontSize=11)
        .encode(x=alt.value(at), y=alt.value(-4), text="title:N")
    )
    return shares, header


def _compared(funnel: Funnel, heading: canvas.Heading) -> Any:
    """Draw a funnel for each group by shares, for groups are of different sizes."""
    rows = [
        {**row, "text": " · ".join(filter(None, (row["overall_label"], row["label"])))}
        for row in funnel.rows()
    ]
    y = alt.Y("step:N", sort=list(funnel.steps), title=None, axis=_step_axis())
    base = alt.Chart().encode(y=y, tooltip=_tooltip(funnel, alt.Tooltip("group:N", title="Group")))
    x = alt.X("overall:Q", title=None, axis=None)
    bars = base.mark_bar(color=canvas.ACCENT, cornerRadiusEnd=2, height={"band": 0.7}).encode(x=x)
    text = base.mark_text(align="left", dx=5, fontSize=11).encode(x=x, text="text:N")
    view = alt.layer(bars, text).properties(width=150, height=alt.Step(22))
    groups = alt.Facet("group:N", sort=list(funnel.groups), title=None)
    return canvas.Facets(
        data=canvas.data(rows),
        facet=groups,
        spec=view,
        columns=3,
        spacing={"row": 22, "column": 70},
        **heading.properties(),
    )


def _over_time(funnel: Funnel, heading: canvas.Heading) -> Any:
    """Draw the share of the first step that comes to each later one, by date."""
    times = funnel.times or {}
    later = list(funnel.steps[1:]) or list(funnel.steps)
    rows = [row | {"time": times[row["group"]]} for row in funnel.rows() if row["step"] in later]
    return (
        canvas.Chart(canvas.data(rows), width=560, height=280, **heading.properties())
        .mark_line(point={"size": 40}, strokeWidth=2)
        .encode(
            x=alt.X(
                "time:T",
                title=None,
                axis=canvas.calendar(pd.Series(pd.to_datetime(list(times.values())))),
            ),
            y=alt.Y("overall:Q", title="Of the first step", axis=alt.Axis(format="%")),
            color=alt.Color("step:N", title=None, sort=later, scale=canvas.colours(later)),
            tooltip=_tooltip(funnel, alt.Tooltip("group:N", title="Date")),
        )
    )
