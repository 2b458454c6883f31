"""An event analysis: measures over time, or by something else (事件分析)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from gio_pandas.errors import SettingsError
from gio_pandas.plotting import canvas
from gio_pandas.plotting.asked import Asked
from gio_pandas.plotting.columns import (
    Column,
    Table,
    distinct,
    is_numbering,
    label_of,
    moments,
    number,
)
from gio_pandas.plotting.points import Points, gather

__all__ = ["Events", "Panel", "draw", "read"]

_MOST_POINTS, _MOST_PANELS, _MOST_BARS = 5_000, 6, 30
_SAME_SCALE = 10
"""How many times larger than another a measure may be, to be read on the same scale."""

_WIDTH = 580


@dataclass(frozen=True)
class Panel:
    """What shares one scale.

    Parameters
    ----------
    title
        What is measured.
    series
        The lines' names, in the order of their legend.
    rows
        A row for each point.
    is_share
        Whether the values are shares.
    others
        The series among them that stand for many.
    """

    title: str
    series: tuple[str, ...]
    rows: tuple[dict[str, Any], ...] = field(repr=False)
    is_share: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Events:
    """What an event analysis measures.

    Parameters
    ----------
    axis
        What it is drawn along.
    panels
        The measures, by scale.
    notes
        What was summed or left out.
    """

    axis: Column
    panels: tuple[Panel, ...]
    notes: tuple[str, ...] = ()


# --- what the table says -------------------------------------------------------------------------


def read(table: Table, asked: Asked) -> Events:
    """Find what is measured, along what, and what is told apart.

    Raises
    ------
    SettingsError
        There is nothing to measure, or nothing to draw it along.
    """
    if not table.rows:
        raise table.nothing()
    axis = asked.column(table, "x") or _axis(table)
    measures = asked.measures(table)
    is_chosen = bool(measures)
    numbers = [c for c in table.columns if c.is_measure and c is not axis]
    numberings = [c for c in numbers if _only_numbers_rows(c, axis, table)]
    left = [] if is_chosen or len(numberings) == len(numbers) else numberings
    measures = measures or [c for c in numbers if c not in left]
    if axis is None or not measures:
        raise table.unclear("what is measured, and along what")
    then = None if is_chosen or asked.color is not None else _earlier(table, axis)
    if then is not None:
        return _two_periods(table, axis, then, measures)
    color = asked.column(table, "color") or _told_apart(table, axis)
    notes = [] if len(measures) <= _MOST_PANELS else [f"the first {_MOST_PANELS} measures"]
    notes += [f"without {c.name}, which numbers rows" for c in left]
    points = gather(table, axis, measures[:_MOST_PANELS], color, is_chosen=is_chosen)
    points = replace(points, notes=(*points.notes, *notes))
    points = _not_too_many(points, axis, table)
    return Events(axis, tuple(_panels(points, axis)), points.notes)


def _axis(table: Table) -> Column | None:
    """Take dates, else hours or years beside text, else text, else numbers that rise by one."""
    times, words = table.of("time"), table.of("words")
    counts = table.of("count", "number", "share")
    again = [c for c in table.of("count") if is_numbering(c) and c.values.duplicated().any()]
    if not times and words and again and len(counts) > 1:
        return again[0]
    if times or words:
        return (times or words)[0]
    found = table.of("count")[:1]
    rising = [c for c in found if len(c.values) > 2 and (np.diff(c.values) == 1).all()]
    return rising[0] if rising and len(table.of("count", "number", "share")) > 1 else None


def _only_numbers_rows(column: Column, axis: Column | None, table: Table) -> bool:
    """Tell 序号 before what it numbers, and hours that begin again, from what is counted."""
    if axis is None or len(column.values) < 3 or not is_numbering(column):
        return False
    is_before = table.columns.index(column) < table.columns.index(axis)
    return is_before or bool(column.values.duplicated().any())


def _told_apart(table: Table, axis: Column) -> Column | None:
    varied = (c for c in table.of("words") if c is not axis and c.is_varied)
    return next(varied, None) if axis.values.duplicated().any() else None


def _not_too_many(points: Points, axis: Column, table: Table) -> Points:
    places = points.values.index.get_level_values("at").unique()
    if axis.role == "words" and len(places) > _MOST_BARS:
        if (moments := _written_times(places)) is not None:
            word, chosen = (
                f"last {_MOST_BARS}",
                moments.sort_values(kind="stable").index[-_MOST_BARS:],
            )
        else:
            order = points.values[0].groupby(level="at", sort=False).sum().abs()
            chosen = order.sort_values(ascending=False, kind="stable").index[:_MOST_BARS]
            word = f"{_MOST_BARS} largest"
        kept = points.values[points.values.index.get_level_values("at").isin(chosen)]
        note = f"{axis.name}: the {word} of {len(places):,}"
        return replace(points, values=kept, notes=(*points.notes, note))
    if points.values.size > _MOST_POINTS:
        raise SettingsError(
            f"{table.name or 'The table'} has {points.values.size:,} points along {axis.name}, "
            "which is more than can be read",
            hint="Sum them up first: df.groupby(…).sum(), or df.resample(…).",
        )
    return points


_TIME = re.compile(r"\d{4}(\D+\d+|\d{4}\b)|\d{1,2}[:/-]\d{1,2}|\d{1,2}月")
"""How a date, a week or an hour begins that is kept as text."""


def _written_times(places: pd.Index[Any]) -> pd.Series[Any] | None:
    """Give the numbers in text that is all dates, weeks or hours, by which it has an order."""
    if not all(_TIME.match(place) for place in places):
        return None
    parts = [tuple(map(int, re.findall(r"\d+", place))) for place in places]
    return pd.Series(parts, index=places, dtype=object)


# --- two periods, side by side -------------------------------------------------------------------


def _earlier(table: Table, axis: Column) -> Column | None:
    """Find the dates of a period that is compared: under the same name, which a reader numbers."""
    if axis.role != "time" or axis.values.duplicated().any() or table.of("words"):
        return None
    return next((c for c in table.of("time") if _is_again(c, axis)), None)


def _is_again(column: Column, first: Column) -> bool:
    return column is not first and bool(
        re.fullmatch(re.escape(str(first.key)) + r"\.\d+", str(column.key))
    )


def _two_periods(table: Table, axis: Column, then: Column, measures: Sequence[Column]) -> Events:
    """Draw a measure and the same of the other period over each other."""
    names = distinct([_range(axis), _range(then)])
    panels, taken = [], set()
    for column in measures[:_MOST_PANELS]:
        again = next((c for c in measures if _is_again(c, column)), None)
        if column in taken:
            continue
        pairs = [(names[0], axis, column)]
        if again is not None:
            taken.add(again)
            pairs.append((names[1], then, again))
        rows = [row for name, when, what in pairs for row in _compared(name, axis, when, what)]
        series = tuple(name for name, *_ in pairs)
        is_share = all(what.role == "share" for *_, what in pairs)
        panels.append(Panel(column.name, series, tuple(rows), is_share))
    return Events(axis, tuple(panels))


def _range(column: Column) -> str:
    labels = label_of(column.values.dropna().sort_values())
    return f"{labels.iloc[0]} – {labels.iloc[-1]}"


def _compared(name: str, axis: Column, when: Column, what: Column) -> list[dict[str, Any]]:
    cells = zip(moments(axis.values), when.labels, what.values, strict=True)
    return [
        {"at": at, "when": said, "series": name, "value": number(value)}
        for at, said, value in cells
        if at is not None
    ]


# --- panels --------------------------------------------------------------------------------------


def _panels(points: Points, axis: Column) -> list[Panel]:
    if points.groups != ("",):
        return [
            Panel(
                column.name,
                points.groups,
                tuple(_rows(points, axis, {place: ""})),
                column.role == "share",
                points.others,
            )
            for place, column in enumerate(points.measures)
        ]
    names = distinct(column.name for column in points.measures)
    return [
        Panel(
            names[places[0]] if len(places) == 1 else "",
            tuple(names[place] for place in places),
            tuple(_rows(points, axis, {place: names[place] for place in places})),
            points.measures[places[0]].role == "share",
        )
        for places in _by_scale(points)
    ]


def _by_scale(points: Points) -> list[list[int]]:
    """Put measures together that can be read on one scale, in the table's order."""
    panels: list[list[int]] = []
    sizes = points.values.abs().max().fillna(0)
    for place, column in enumerate(points.measures):
        for panel in panels:
            known = points.measures[panel[0]]
            high, low = max(sizes[place], sizes[panel[0]]), min(sizes[place], sizes[panel[0]])
            if column.role == known.role and (high == low or 0 < high <= _SAME_SCALE * low):
                panel.append(place)
                break
        else:
            panels.append([place])
    return panels


def _rows(points: Points, axis: Column, names: dict[int, str]) -> list[dict[str, Any]]:
    at = pd.Series(points.values.index.get_level_values("at"))
    groups = points.values.index.get_level_values("group")
    places: Sequence[Any] = moments(at) if axis.role == "time" else list(at)
    places = [number(float(p)) for p in places] if axis.is_measure else places
    values = {place: points.values[place].to_list() for place in names}
    cells = zip(places, label_of(at), groups, range(len(at)), strict=True)
    return [
        {
            "at": p,
            "when": said,
            "series": name or group,
            "value": number(values[place][row]),
        }
        for p, said, group, row in cells
        for place, name in names.items()
    ]


# --- how it is drawn -----------------------------------------------------------------------------


def draw(table: Table, asked: Asked) -> Any:
    """Draw an event analysis: lines over time, bars of anything else; a panel for each scale."""
    events = read(table, asked)
    heading = _heading(events, table, asked)
    view = _bars if events.axis.role == "words" else _lines
    views = [view(events, place) for place in range(len(events.panels))]
    if len(views) == 1:
        # One view says by itself what it measures.
        return views[0].properties(**heading.properties())
    return canvas.Stack(
        vconcat=views,
        spacing=26,
        resolve=alt.Resolve(scale=alt.ScaleResolveMap(color="independent")),
        **heading.properties(),
    )


def _lines(events: Events, place: int) -> Any:
    panel, axis = events.panels[place], events.axis
    height = 280 if len(events.panels) == 1 else 130
    is_time = axis.role == "time"
    along = canvas.calendar(axis.values) if is_time else alt.Axis(tickMinStep=1, grid=False)
    many = len(panel.rows) > 60 * len(panel.series)
    mark: dict[str, Any] = {"strokeWidth": 2, "point": False if many else {"size": 36}}
    return (
        canvas.Chart(canvas.data(panel.rows, name=f"panel_{place}"), title=_title(events, place))
        .mark_line(**mark)
        .encode(
            x=alt.X(
                "at:T" if is_time else "at:Q", title=None if is_time else axis.name, axis=along
            ),
            y=alt.Y("value:Q", title=None, axis=canvas.scaled(is_share=panel.is_share)),
            color=_color(panel),
            tooltip=_tooltip(events, panel),
        )
        .properties(width=_WIDTH, height=height)
    )


def _bars(events: Events, place: int) -> Any:
    panel = events.panels[place]
    order = list(dict.fromkeys(row["at"] for row in panel.rows))
    several = len(panel.series) > 1
    chart = (
        canvas.Chart(canvas.data(panel.rows, name=f"panel_{place}"), title=_title(events, place))
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=alt.X("value:Q", title=None, axis=canvas.scaled(is_share=panel.is_share)),
            y=alt.Y("at:N", sort=order, title=None, axis=alt.Axis(domain=False, ticks=False)),
            color=_color(panel),
            tooltip=_tooltip(events, panel),
        )
    )
    if several:
        chart = chart.encode(yOffset=alt.YOffset("series:N", sort=list(panel.series)))
    step = alt.Step(max(26, 14 * len(panel.series)), **{"for": "position"})
    return chart.properties(width=_WIDTH - 80, height=step)


def _title(events: Events, place: int) -> Any:
    """Name a panel's measure above it, where its legend does not."""
    title = events.panels[place].title
    return canvas.subtitled(title) if title else alt.Undefined


def _color(panel: Panel) -> Any:
    if len(panel.series) == 1:
        return alt.value(canvas.ACCENT)
    scale = canvas.colours(panel.series, panel.others)
    return alt.Color("series:N", title=None, scale=scale, sort=list(panel.series))


def _tooltip(events: Events, panel: Panel) -> list[alt.Tooltip]:
    value = alt.Tooltip(
        "value:Q", title=panel.title or "Value", format=".2%" if panel.is_share else ",.2~f"
    )
    found = [alt.Tooltip("when:N", title=events.axis.name), value]
    named = len(panel.series) > 1
    return [*found, alt.Tooltip("series:N", title="Series")] if named else found


def _heading(events: Events, table: Table, asked: Asked) -> canvas.Heading:
    name = " ".join(["Event analysis", table.name]).strip()
    series = list(dict.fromkeys(name for panel in events.panels for name in panel.series))
    places = {row["at"] for panel in events.panels for row in panel.rows}
    along, is_time = f"{len(places):,} ", events.axis.role == "time"
    along += ("date" if is_time else "value") + "s" * (len(places) != 1)
    if is_time:
        along += f", {_range(events.axis)}".replace(" – ", " to ")
    told = f"{len(series)} series" if len(series) > 1 else events.panels[0].title or series[0]
    title = asked.title or table.name or "Event analysis"
    if len(events.panels) == 1 and events.panels[0].title:
        notes = (events.panels[0].title, *events.notes)
    else:
        notes = events.notes
    return canvas.Heading(title, notes, f"{name}: {told} by {events.axis.name}, {along}")
