"""What a comparison of two exports found: who entered, who left, whose values changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import altair as alt

from gio_pandas.comparison.diff import summary
from gio_pandas.errors import SettingsError
from gio_pandas.plotting import canvas, users
from gio_pandas.plotting.asked import Asked
from gio_pandas.plotting.columns import Table
from gio_pandas.titles import plain

__all__ = ["draw"]

_LABELS = {"entered": "进入", "left": "离开", "changed": "变化", "same": "不变"}
_MOST_COLUMNS = 6


def draw(told: Mapping[str, Any], table: Table, asked: Asked) -> Any:
    """Draw how many users entered, left, changed and stayed the same.

    Parameters
    ----------
    told
        The frame's ``attrs["gio_diff"]``, which is of all users, whatever rows are left.
    table
        The frame.
    asked
        ``x`` draws, in place of this, how a column is spread over the frame's users, by what
        happened to them, or by ``color``.

    Raises
    ------
    SettingsError
        There is no such column, or ``y`` or ``color`` is of no use here.
    """
    if asked.x is not None:
        color = "change" if asked.color is None else asked.color
        return users.draw(table, replace(asked, color=color))
    if asked.y is not None or asked.color is not None:
        raise SettingsError(
            "This chart counts users by what happened to them: y= and color= have no use",
            hint="x= chooses a column to draw by it, such as x='城市_after'.",
        )
    rows = [
        {"change": f"{word} {chinese}", "users": told[word], "text": f"{told[word]:,}"}
        for word, chinese in _LABELS.items()
    ]
    return canvas.Layers(
        layer=_bars([row["change"] for row in rows]),
        data=canvas.data(rows),
        width=440,
        height=alt.Step(32),
        **_heading(told, asked).properties(),
    )


def _bars(labels: Sequence[str]) -> list[alt.Chart]:
    base = alt.Chart().encode(
        y=alt.Y(
            "change:N",
            scale=alt.Scale(domain=list(labels)),
            title=None,
            axis=alt.Axis(domain=False, ticks=False, labelPadding=8),
        ),
        x=alt.X("users:Q", title=None, axis=None),
        tooltip=[
            alt.Tooltip("change:N", title="Change"),
            alt.Tooltip("users:Q", title="Users", format=","),
        ],
    )
    color = alt.Color("change:N", scale=canvas.colours(labels, labels[-1:]), legend=None)
    bars = base.mark_bar(height={"band": 0.72}).encode(color=color)
    return [bars, base.mark_text(align="left", dx=6).encode(text="text:N")]


def _heading(told: Mapping[str, Any], asked: Asked) -> canvas.Heading:
    names = [source.get("name") for source in told["sources"] if source and source.get("name")]
    title = asked.title or " → ".join(plain(str(name)) for name in dict.fromkeys(names))
    notes = [f"{told['before']:,} users before, {told['after']:,} after"]
    changed = [f"{plain(name)} {count:,}" for name, count in told["columns"].items() if count]
    if changed:
        more = " …" if len(changed) > _MOST_COLUMNS else ""
        notes.append(f"changed by column: {', '.join(changed[:_MOST_COLUMNS])}{more}")
    return canvas.Heading(title or "Users", tuple(notes), summary(told))
