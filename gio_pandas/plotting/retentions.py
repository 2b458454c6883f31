"""A retention analysis: who comes back, and when (留存)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
)

__all__ = ["Retention", "draw", "read"]

_MOST_COHORTS, _MOST_PERIODS = 60, 40
_READABLE = 16
"""Columns beyond which a share does not fit into its cell."""


@dataclass(frozen=True)
class Retention:
    """What share came back.

    Parameters
    ----------
    cohorts
        Who began together, in the table's order.
    periods
        How much later, in the table's order.
    shares
        By cohort and period; what is missing is NaN.
    sizes
        How many began, by cohort; empty where the table does not say.
    name
        What the cohorts' column is called.
    notes
        What was left out.
    parts
        Whether a cohort is no total of others, by cohort.
    """

    cohorts: tuple[str, ...]
    periods: tuple[str, ...]
    shares: np.ndarray[Any, Any] = field(repr=False)
    sizes: tuple[float, ...] = ()
    name: str = ""
    notes: tuple[str, ...] = ()
    parts: tuple[bool, ...] = ()

    @property
    def highest(self) -> float:
        """The highest share, without periods in which everybody is there by definition."""
        telling = (np.nan_to_num(self.shares, nan=1.0) != 1.0).any(axis=0)
        values = self.shares[:, telling] if telling.any() else self.shares
        known = values[~np.isnan(values)]
        return float(known.max()) if len(known) and known.max() > 0 else 1.0

    def rows(self) -> list[dict[str, Any]]:
        """Give a row for each cell that holds a share."""
        sizes = self.sizes or (np.nan,) * len(self.cohorts)
        return [
            {
                "cohort": cohort,
                "period": period,
                "share": number(round(float(share), 6)),
                "label": f"{share:.1%}",
                "size": number(size),
                "dark": bool(share > 0.6 * self.highest),
            }
            for cohort, size, shares in zip(self.cohorts, sizes, self.shares, strict=True)
            for period, share in zip(self.periods, shares, strict=True)
            if share == share
        ]


# --- what the table says -------------------------------------------------------------------------


def read(table: Table, asked: Asked) -> Retention:
    """Find cohorts and periods: a column for each period, or a row for each cohort and period.

    Raises
    ------
    SettingsError
        There are no cohorts, or nothing that can be a share of them.
    """
    if not table.rows:
        raise table.nothing()
    cohort = asked.column(table, "x") or next((c for c in table.columns if c.is_axis), None)
    if cohort is None:
        raise table.unclear("who began together")
    if (period := asked.column(table, "color")) is not None:
        return _long(table, cohort, period, asked)
    measures = asked.measures(table)
    size, periods = _periods(table, cohort, measures)
    if len(periods) < 2 and not measures:
        axes = [c for c in table.columns if c.is_axis and c is not cohort]
        counts = [c for c in table.of("count") if c.values.nunique() < table.rows]
        axes += sorted(counts, key=lambda c: not is_numbering(c))
        if len(axes) and cohort.values.duplicated().any():
            return _long(table, cohort, axes[0], asked)
    if not periods:
        raise table.unclear("how many came back")
    return _wide(table, cohort, size, periods)


def _periods(
    table: Table, cohort: Column, measures: Sequence[Column]
) -> tuple[Column | None, list[Column]]:
    """Tell the column that says how many began from those of periods."""
    numbers = [c for c in table.columns if c.is_measure and c is not cohort]
    counts = _without_numbering(table, cohort, [c for c in numbers if c.role == "count"])
    if measures:
        before = [c for c in counts if c not in measures]
        return (before[0] if before else None), list(measures)
    shares = [c for c in numbers if c.role == "share"]
    if shares and len(counts) > 1 and _all_whole(shares):
        raise table.unclear("whether 0 and 1 are shares or users")
    if shares:
        size = counts[0] if counts else None
        first, last = table.columns.index(shares[0]), table.columns.index(shares[-1])
        between = table.columns[first : last + 1]
        # Periods that nobody has lived to see come after the others, and stay blank.
        blank = [c for c in table.columns[last + 1 :] if c.role == "empty"]
        return size, [c for c in between if c.role in ("share", "empty")] + blank
    if len(counts) < 2:
        return None, []
    after = table.columns[table.columns.index(counts[0]) + 1 :]
    return counts[0], [c for c in after if c in counts or c.role == "empty"]


def _without_numbering(table: Table, cohort: Column, counts: Sequence[Column]) -> list[Column]:
    """Leave out numbers of rows: they stand before the cohorts, or others exceed them."""
    places = {column: table.columns.index(column) for column in (cohort, *counts)}
    return [
        c
        for c in counts
        if not (
            is_numbering(c)
            and (
                places[c] < places[cohort]
                or (c is counts[0] and any((o.values > c.values).any() for o in counts[1:]))
            )
        )
    ]


def _all_whole(columns: Sequence[Column]) -> bool:
    return all((c.values.dropna() == c.values.dropna().round()).all() for c in columns)


def _wide(
    table: Table, cohort: Column, size: Column | None, periods: Sequence[Column]
) -> Retention:
    sizes = None if size is None else size.values.to_numpy()
    shares = _shares(table, sizes, periods)
    others = [c for c in table.columns if c.is_axis and c is not cohort and c.is_varied]
    axes = [cohort, *(others if cohort.values.duplicated().any() else ())]
    if pd.DataFrame({place: c.values for place, c in enumerate(axes)}).duplicated().any():
        raise table.unclear("which rows are a cohort's")
    said = [column.labels.fillna("–").astype(str) for column in axes]
    totals = [is_total(column.values).to_numpy() for column in axes]
    retention = Retention(
        tuple(distinct(" · ".join(labels) for labels in zip(*said, strict=True))),
        tuple(distinct(column.name for column in periods)),
        shares,
        () if sizes is None else tuple(sizes),
        ", ".join(column.name for column in axes),
        _left_out(table, periods),
        tuple(map(bool, ~np.any(totals, axis=0))),
    )
    return _trimmed(_checked(table, retention))


def _shares(table: Table, sizes: Any, periods: Sequence[Column]) -> np.ndarray[Any, Any]:
    """Give the periods' shares: users are divided by how many began, also where they are few."""
    blank = np.full(table.rows, np.nan)
    cells = [blank if c.role == "empty" else c.values.to_numpy() for c in periods]
    shares = np.column_stack(cells).astype(float)
    counted = np.array([c.role == "count" for c in periods])
    if counted.any() and (sizes is not None or not _are_shares(shares)):
        given = [c for c in periods if c.role == "share"]
        if sizes is None:
            raise table.unclear("of how many those who came back are a share")
        if given and _all_whole(given):
            raise table.unclear("whether 0 and 1 are shares or users")
        divisors = np.where(sizes > 0, sizes, np.nan)[:, None]
        shares = np.where(counted, shares / divisors, shares)
    return np.where(np.isfinite(shares), shares, np.nan)


def _checked(table: Table, retention: Retention) -> Retention:
    """Refuse shares above the whole: what they were divided by is not who began."""
    if (np.nan_to_num(retention.shares) > 1 + 1e-9).any():
        raise table.unclear("of how many those who came back are a share")
    return retention


def _left_out(table: Table, periods: Sequence[Column]) -> tuple[str, ...]:
    """Name the columns among the periods that hold neither shares nor counts."""
    first, last = (table.columns.index(periods[end]) for end in (0, -1))
    names = [c.name for c in table.columns[first:last] if c.role == "number" and c not in periods]
    return (f"without {', '.join(names)}, which are no shares",) if names else ()


def _are_shares(values: Any) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known) and (known >= 0).all() and (known <= 1).all())


def _long(table: Table, cohort: Column, period: Column, asked: Asked) -> Retention:
    taken = (cohort, period)
    measures = asked.measures(table) or [c for c in table.of("share") if c not in taken]
    if len(measures) != 1:
        raise table.unclear("which column is the share that came back")
    # By their values, for labels are cut, and may be the same.
    keys = [pd.factorize(column.values, use_na_sentinel=False)[0] for column in taken]
    cells = pd.DataFrame({"cohort": keys[0], "period": keys[1], "share": measures[0].values})
    if cells.duplicated(["cohort", "period"]).any():
        raise table.unclear("which rows are a cohort's and a period's")
    if period.is_measure:
        cells = cells.iloc[np.argsort(period.values.to_numpy(), kind="stable")]
    wide = cells.pivot(index="cohort", columns="period", values="share")
    wide = wide.loc[pd.unique(keys[0]), cells["period"].unique()]
    names = [_named(column, key) for column, key in zip(taken, keys, strict=True)]
    cohorts = tuple(distinct(names[0][key] for key in wide.index))
    periods = tuple(distinct(names[1][key] for key in wide.columns.to_list()))
    totals = set(keys[0][is_total(cohort.values).to_numpy()])
    retention = Retention(
        cohorts,
        periods,
        wide.to_numpy(dtype=float),
        name=cohort.name,
        parts=tuple(key not in totals for key in wide.index),
    )
    return _trimmed(_checked(table, retention))


def _named(column: Column, keys: Any) -> dict[Any, str]:
    return dict(zip(keys, column.labels.fillna("–").astype(str), strict=True))


def _trimmed(retention: Retention) -> Retention:
    """Leave out what no screen has room for."""
    cohorts, periods = len(retention.cohorts), len(retention.periods)
    notes = list(retention.notes)
    if cohorts > _MOST_COHORTS:
        notes.append(f"the last {_MOST_COHORTS} of {cohorts:,} rows")
    if periods > _MOST_PERIODS:
        notes.append(f"the first {_MOST_PERIODS} of {periods:,} columns")
    return replace(
        retention,
        cohorts=retention.cohorts[-_MOST_COHORTS:],
        periods=retention.periods[:_MOST_PERIODS],
        shares=retention.shares[-_MOST_COHORTS:, :_MOST_PERIODS],
        sizes=retention.sizes[-_MOST_COHORTS:],
        parts=retention.parts[-_MOST_COHORTS:],
        notes=tuple(notes),
    )


# --- how it is drawn -----------------------------------------------------------------------------


def draw(table: Table, asked: Asked) -> Any:
    """Draw a retention analysis as a map: the darker a cell, the more came back."""
    retention = read(table, asked)
    rows, wide = retention.rows(), len(retention.periods) > _READABLE
    base = alt.Chart().encode(
        x=alt.X(
            "period:N",
            scale=alt.Scale(domain=list(retention.periods)),
            title=None,
            axis=alt.Axis(orient="top", labelAngle=-60 if wide else 0, **_PLAIN),
        ),
        y=alt.Y(
            "cohort:N",
            scale=alt.Scale(domain=list(retention.cohorts)),
            title=None,
            axis=alt.Axis(offset=64 if retention.sizes else 0, **_PLAIN),
        ),
        tooltip=_tooltip(retention),
    )
    layers = [base.mark_rect(stroke="white", strokeWidth=2).encode(color=_shade(retention))]
    if not wide:
        ink = alt.when("datum.dark").then(alt.value("white")).otherwise(alt.value(canvas.INK))
        layers.append(base.mark_text(fontSize=12).encode(text="label:N", color=ink))
    if retention.sizes:
        layers.append(_beside(retention))
    return canvas.Layers(
        layer=layers,
        data=canvas.data(rows),
        width=alt.Step(22 if wide else 62),
        height=alt.Step(24 if wide else 30),
        **_heading(retention, table, asked).properties(),
    )


_PLAIN: dict[str, Any] = {"domain": False, "ticks": False, "labelPadding": 8, "labelLimit": 160}


def _shade(retention: Retention) -> alt.Color:
    scale = alt.Scale(domain=[0, retention.highest], range=list(canvas.SHADES), clamp=True)
    return alt.Color("share:Q", scale=scale, legend=None)


def _beside(retention: Retention) -> Any:
    """Write how many began between their name and their cells."""
    sizes = [
        {"cohort": cohort, "text": "–" if size != size else f"{number(size):,}"}
        for cohort, size in zip(retention.cohorts, retention.sizes, strict=True)
    ]
    chart = alt.Chart(canvas.data(sizes, name="sizes"))
    return chart.mark_text(align="right", color=canvas.MUTED).encode(
        x=alt.value(-10), y="cohort:N", text="text:N"
    )


def _tooltip(retention: Retention) -> list[alt.Tooltip]:
    found = [
        alt.Tooltip("cohort:N", title=retention.name),
        alt.Tooltip("period:N", title="Period"),
        alt.Tooltip("share:Q", title="Came back", format=".2%"),
    ]
    size = alt.Tooltip("size:Q", title="Began", format=",")
    return [*found, size] if retention.sizes else found


def _heading(retention: Retention, table: Table, asked: Asked) -> canvas.Heading:
    name = " ".join(["Retention", table.name]).strip()
    counts = f"{len(retention.cohorts)} cohorts, {len(retention.periods)} periods"
    parts = retention.shares[list(retention.parts)] if any(retention.parts) else retention.shares
    last = [column[~np.isnan(column)] for column in parts.T]
    means = [float(column.mean()) for column in last if len(column)]
    told = f", {means[0]:.1%} to {means[-1]:.1%}".replace("%", " %") if means else ""
    title = asked.title or table.name or "Retention"
    return canvas.Heading(title, retention.notes, f"{name}: {counts}{told}")
