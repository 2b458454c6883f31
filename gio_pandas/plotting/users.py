"""A list of users: how many there are, and how what is known of them is spread (标签, 分群)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from gio_pandas.errors import SettingsError
from gio_pandas.exports.dtypes import is_identity
from gio_pandas.plotting import canvas
from gio_pandas.plotting.asked import Asked
from gio_pandas.plotting.columns import Column, Table, distinct, number

__all__ = ["Spread", "draw", "spread"]

_MOST_WORDS, _FEW_WORDS, _MOST_GROUPS, _MOST_VIEWS = 20, 8, 7, 4
_MOST_BINS = 60
_BINS = 30
_LARGEST_WHOLE = 1e10
"""Up to it the halves around a whole number are written out."""

_MISSING = "(missing)"


@dataclass(frozen=True)
class Spread:
    """How many users have which value.

    Parameters
    ----------
    name
        What the value is called.
    form
        ``words``, ``values`` (whole numbers), ``bins`` or ``times``.
    bins
        A row for each bar: ``label``; and ``start`` and ``end``, where it has them.
    counts
        How many users, by bar and group.
    groups
        The groups; one without a name where there are none.
    many
        The groups among them that stand for others, or for a missing value.
    users, missing
        How many users there are, and how many of them have no value.
    notes
        What was left out.
    """

    name: str
    form: str
    bins: tuple[dict[str, Any], ...]
    counts: np.ndarray[Any, Any] = field(repr=False)
    groups: tuple[str, ...]
    many: tuple[str, ...]
    users: int
    missing: int
    notes: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """Give a row for each bar and group."""
        return [
            {**bar, "group": group, "users": int(count), "low": int(top - count), "high": int(top)}
            | {"share": self._share(count), "text": f"{count:,} · {self._share(count):.1%}"}
            for bar, counts in zip(self.bins, self.counts, strict=True)
            for group, count, top in zip(self.groups, counts, counts.cumsum(), strict=True)
            if count
        ]

    def _share(self, count: int) -> float:
        return round(int(count) / self.users, 6)


# --- how values are spread -----------------------------------------------------------------------


def spread(column: Column, color: Column | None = None, most: int = _MOST_WORDS) -> Spread:
    """Count users by the value of a column, here, so that no chart holds a row a user."""
    groups, labels, many = _groups(color, len(column.raw))
    known = column.values.notna().to_numpy()
    bins, places, form, notes = _binned(column, most)
    counts = np.zeros((len(bins), len(labels)), dtype=int)
    inside = places >= 0
    np.add.at(counts, (places[inside], groups[inside]), 1)
    missing = int((~known).sum())
    return Spread(
        column.name, form, tuple(bins), counts, labels, many, len(known), missing, tuple(notes)
    )


def _groups(
    color: Column | None, rows: int
) -> tuple[np.ndarray[Any, Any], tuple[str, ...], tuple[str, ...]]:
    if color is None:
        return np.zeros(rows, dtype=int), ("",), ()
    bins, places = _by_word(color.labels, _MOST_GROUPS)
    return (
        places,
        tuple(bar["label"] for bar in bins),
        tuple(bar["label"] for bar in bins if bar["many"]),
    )


def _binned(
    column: Column, most: int
) -> tuple[list[dict[str, Any]], np.ndarray[Any, Any], str, list[str]]:
    """Give the bars, which of them each row belongs to (none: -1), and what was left out."""
    if column.role == "time":
        return *_by_time(column.values), "times", []
    if column.is_measure and not _is_one_decimal(column.values):
        return *_by_number(column.values), "bins", _far_off(column.values)
    return *_by_word(column.labels, most), "words", []


def _is_one_decimal(values: pd.Series[Any]) -> bool:
    """Tell one number for all that has no whole ones around it: there is no range to cut."""
    known = values.dropna().unique()
    return len(known) == 1 and (known[0] != round(known[0]) or abs(known[0]) > _LARGEST_WHOLE)


def _by_word(
    values: pd.Series[Any], most: int
) -> tuple[list[dict[str, Any]], np.ndarray[Any, Any]]:
    counts = values.value_counts(sort=False).sort_values(ascending=False, kind="stable")
    top, rest = [str(word) for word in counts.index[:most]], len(counts) - most
    places = pd.Categorical(values, categories=counts.index).codes.astype(int)
    labels = list(top)
    places = np.where(places >= len(top), len(top), places)
    if rest > 0:
        labels.append(f"({rest:,} other{'s' * (rest != 1)})")
    missing = values.isna().to_numpy()
    if missing.any():
        places = np.where(missing, len(labels), places)
        labels.append(_MISSING)
    many = [False] * len(top) + [True] * (len(labels) - len(top))
    bars = zip(distinct(labels), many, strict=True)
    return [{"label": label, "many": many} for label, many in bars], places


def _by_number(values: pd.Series[Any]) -> tuple[list[dict[str, Any]], np.ndarray[Any, Any]]:
    numbers = values.to_numpy()
    known = numbers[~np.isnan(numbers)]
    low, high = _telling(known)
    whole = bool((known == np.round(known)).all())
    # A bar for each number.
    each = whole and high - low < _MOST_BINS and max(-low, high) <= _LARGEST_WHOLE
    edges = np.arange(low, high + 2) - 0.5 if each else _edges(low, high, whole)
    places = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    places[~((numbers >= low) & (numbers <= high))] = -1
    bars = [
        {
            "label": _said(start + 0.5) if each else f"{_said(start)} – {_said(end)}",
            "start": number(float(start)),
            "end": number(float(end)),
        }
        for start, end in pairwise(edges)
    ]
    return bars, places


def _far_off(values: pd.Series[Any]) -> list[str]:
    known = values.dropna().to_numpy()
    (low, high), (least, most) = _telling(known), (known.min(), known.max())
    outside = int(((known < low) | (known > high)).sum())
    ends = [f"down to {_round(least)}"] * bool(least < low) + [f"up to {_round(most)}"] * bool(
        most > high
    )
    return [f"without {outside:,} far off, {' and '.join(ends)}"] if outside else []


def _said(value: float) -> str:
    return f"{number(float(value)):,}"


def _round(value: float) -> str:
    return f"{number(float(f'{value:.6g}')):,}"


def _telling(known: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Give the range that most values are in: one that is far off would make the rest one bar."""
    low, first, last, high = np.quantile(known, [0, 0.01, 0.99, 1])
    room = 2 * (last - first)
    if room <= 0:
        return float(low), float(high)
    return float(low if first - low <= room else first), float(
        high if high - last <= room else last
    )


def _edges(low: float, high: float, whole: bool) -> np.ndarray[Any, Any]:
    """Cut a range at round numbers, which are exactly those that are written."""
    least = 1e-9 * max(abs(low), abs(high), 1e-280)  # narrower bars would be written alike
    width = max((high - low) / _BINS, least, 1.0 if whole else 0.0)
    power = 10.0 ** np.floor(np.log10(width))
    parts = (1, 2, 5, 10) if whole and power == 1 else (1, 2, 2.5, 5, 10)
    step = next(part * power for part in parts if part * power >= width * 0.999)
    digits = 1 - int(np.floor(np.log10(width)))
    places = np.arange(np.floor(low / step) - 1, np.floor(high / step) + 3)
    edges = np.array([round(float(place * step), digits) for place in places])
    first, last = np.searchsorted(edges, [low, high], side="right")
    return edges[first - 1 : last + 1]


def _by_time(values: pd.Series[Any]) -> tuple[list[dict[str, Any]], np.ndarray[Any, Any]]:
    times = values.to_numpy("datetime64[us]")
    known = ~np.isnat(times)
    unit, size = _unit(times[known])
    if unit == "W":  # weeks begin on Mondays
        whole = (times.astype("datetime64[D]").astype(int) + 3) // 7
    else:
        whole = times.astype(f"datetime64[{unit}]").astype(int) // size
    first = int(whole[known].min())
    places = np.where(known, whole - first, -1)
    indexes = np.arange(first, first + int(places.max()) + 2)
    starts = (
        (indexes * 7 - 3).astype("datetime64[D]")
        if unit == "W"
        else (indexes * size).astype(f"datetime64[{unit}]")
    )
    texts = np.datetime_as_string(starts.astype("datetime64[s]"))
    labels = np.datetime_as_string(starts)
    bars = [
        {"label": str(label).replace("T", " "), "start": str(a), "end": str(b)}
        for label, a, b in zip(labels[:-1], texts[:-1], texts[1:], strict=True)
    ]
    return bars, places


_UNITS = (("h", 1 / 24, 1), ("D", 1, 1), ("W", 7, 1), ("M", 30, 1), ("M", 91, 3), ("Y", 366, 1))


def _unit(times: np.ndarray[Any, Any]) -> tuple[Any, int]:
    """Choose hours, days, weeks, months, quarters or years, so that some dozens are enough."""
    days = (times.max() - times.min()) / np.timedelta64(1, "D")
    midnight = (times == times.astype("datetime64[D]")).all()
    for unit, length, size in _UNITS:
        if days / length < _MOST_BINS and not (unit == "h" and (midnight or days > 2)):
            return unit, size
    return "Y", int(np.ceil(days / 366 / _MOST_BINS))


# --- what is drawn -------------------------------------------------------------------------------


def draw(table: Table, asked: Asked) -> Any:
    """Draw how many users there are, and how a column, or some, are spread over them."""
    if asked.y is not None:
        raise SettingsError(
            f"y={asked.y!r}: this chart counts users", hint="Leave y out; x chooses what is spread."
        )
    color = asked.column(table, "color")
    chosen = asked.column(table, "x")
    columns = [chosen] if chosen is not None else _telling_columns(table)
    if chosen is None and color is not None and len(columns) > 1:
        columns = [column for column in columns if column is not color]
    most = _MOST_WORDS if len(columns) == 1 else _FEW_WORDS
    views = [spread(column, color, most) for column in columns[:_MOST_VIEWS]]
    heading = _heading(table, asked, views, columns)
    if not views:
        return _number(table, heading)
    if len(views) == 1:
        return _view(views[0], 0).properties(**heading.properties())
    small = [_view(one, place, title=True) for place, one in enumerate(views)]
    return canvas.Cells(
        concat=small,
        columns=2,
        spacing={"row": 34, "column": 46},
        resolve=alt.Resolve(scale=alt.ScaleResolveMap(color="shared" if color else "independent")),
        **heading.properties(),
    )


def _telling_columns(table: Table) -> list[Column]:
    """Leave out who the users are: columns of ids, and text that is another for almost each.

    Where no column is known to hold ids, the first one does. Of a tag's export its own column is
    enough, where one is called like it.
    """
    ids = [c for c in table.columns if str(c.key) in table.ids or is_identity(str(c.key))]
    ids = ids or list(table.columns[:1])
    filled = [column for column in table.columns if column.role != "empty"]
    own = [column for column in filled if str(column.key) in (table.name, table.id)]
    return [c for c in own or filled if c not in ids and not _tells_who(c)]


def _tells_who(column: Column) -> bool:
    """Tell what differs from user to user, among those who have it."""
    known = column.values.dropna()
    return column.role == "words" and int(known.nunique()) > 0.5 * len(known)


def _heading(
    table: Table, asked: Asked, views: Sequence[Spread], columns: Sequence[Column]
) -> canvas.Heading:
    users = f"{table.rows:,} user{'s' * (table.rows != 1)}"
    notes = [users] if views else []
    for one in views:
        prefix = f"{one.name}: " if len(views) > 1 else ""
        if len(views) == 1 and one.name != table.name:
            notes.insert(0, one.name)
        if one.missing:
            notes.append(f"{prefix}{one.missing:,} without a value")
        notes += [f"{prefix}{note}" for note in one.notes]
    if not views and len(table.columns) > 1 and table.rows:
        notes.append(f"x= draws {', '.join(c.name for c in table.columns[1:7])}")
    more = [column.name for column in columns[len(views) :]]
    if more:
        notes.append(f"x= shows more: {', '.join(more[:6])}")
    told = f"{table.name or 'Users'}: {users}"
    if views:
        told += f" by {', '.join(one.name for one in views)}"
    return canvas.Heading(asked.title or table.name or "Users", tuple(notes), told)


# --- how it is drawn -----------------------------------------------------------------------------


def _number(table: Table, heading: canvas.Heading) -> Any:
    """Write how many users there are, plainly."""
    base = alt.Chart(canvas.data([{"users": f"{table.rows:,}", "unit": "users 用户"}]))
    left: dict[str, Any] = {"align": "left", "baseline": "middle"}
    big = base.mark_text(fontSize=44, fontWeight=600, color=canvas.ACCENT, **left).encode(
        x=alt.value(0), y=alt.value(28), text="users:N"
    )
    unit = base.mark_text(fontSize=14, color=canvas.MUTED, **left).encode(
        x=alt.value(0), y=alt.value(68), text="unit:N"
    )
    return canvas.Layers(layer=[big, unit], width=280, height=84, **heading.properties())


def _view(one: Spread, place: int, *, title: bool = False) -> Any:
    rows = canvas.data(one.rows(), name=f"spread_{place}")
    head = {"title": canvas.subtitled(one.name)} if title else {}
    draw_it = _words if one.form == "words" else _histogram
    return draw_it(one, small=title).properties(data=rows, **head)


def _words(one: Spread, *, small: bool) -> Any:
    axis = alt.Axis(domain=False, ticks=False, labelPadding=8, labelLimit=140 if small else 260)
    order = [bar["label"] for bar in one.bins]
    base = canvas.Chart().encode(
        y=alt.Y("label:N", scale=alt.Scale(domain=order), title=None, axis=axis),
        tooltip=_tooltip(one),
    )
    bars = base.mark_bar(height={"band": 0.72}).encode(
        x=alt.X("low:Q", title=None, axis=None), x2="high", color=_color(one)
    )
    sides: dict[str, Any] = {
        "width": 220 if small else 440,
        "height": alt.Step(20 if small else 26),
    }
    if len(one.groups) > 1:
        return bars.encode(x=alt.X("low:Q", title="Users", axis=_few_ticks())).properties(**sides)
    text = base.mark_text(align="left", dx=6, fontSize=11).encode(x="high:Q", text="text:N")
    return canvas.Layers(layer=[bars, text], **sides)


def _few_ticks() -> alt.Axis:
    return alt.Axis(tickCount=5, tickMinStep=1)


def _histogram(one: Spread, *, small: bool) -> Any:
    if one.form == "times":
        edges = [one.bins[0]["start"], one.bins[-1]["end"]]
        ends = pd.Series(pd.to_datetime(edges, format="ISO8601"))
        x: Any = alt.X("start:T", title=None, axis=canvas.calendar(ends))
    else:
        x = alt.X("start:Q", title=None, axis=alt.Axis(grid=False, tickCount=8), scale=_inside(one))
    bars = canvas.Chart(width=330 if small else 580, height=180 if small else 280)
    return bars.mark_bar(stroke="white", strokeWidth=0.6).encode(
        x=x,
        x2="end",
        y=alt.Y("low:Q", title="Users", axis=_few_ticks()),
        y2="high",
        color=_color(one),
        tooltip=_tooltip(one),
    )


def _inside(one: Spread) -> alt.Scale:
    return alt.Scale(zero=False, nice=False, domain=[one.bins[0]["start"], one.bins[-1]["end"]])


def _color(one: Spread) -> Any:
    if len(one.groups) == 1:
        blue = alt.value(canvas.ACCENT)
        if one.form != "words":
            return blue
        return alt.when("datum.many").then(alt.value(canvas.OTHERS)).otherwise(blue)
    return alt.Color(
        "group:N", title=None, scale=canvas.colours(one.groups, one.many), sort=list(one.groups)
    )


def _tooltip(one: Spread) -> list[alt.Tooltip]:
    found = [
        alt.Tooltip("label:N", title=one.name),
        alt.Tooltip("users:Q", title="Users", format=","),
        alt.Tooltip("share:Q", title="Of all", format=".2%"),
    ]
    return [*found, alt.Tooltip("group:N", title="Group")] if len(one.groups) > 1 else found
