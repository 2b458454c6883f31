"""Charts of what was exported, by its kind; Altair is used here alone, and loaded late."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gio_pandas.errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["KINDS", "chart", "check", "picture_target", "save"]

_DRAWN_BY: Mapping[str, str] = {
    "segment": "users",
    "tag": "users",
    "profiles": "users",
    "funnel": "funnels",
    "event": "events",
    "retention": "retentions",
    "frequency": "frequencies",
}
KINDS = tuple(_DRAWN_BY)
"""What has a chart."""

_FORMS = (".png", ".svg", ".html")


def chart(
    frame: pd.DataFrame,
    kind: str | None = None,
    *,
    x: Any = None,
    y: Any = None,
    color: Any = None,
    title: str | None = None,
) -> Any:
    """Draw a frame.

    What is drawn is told from the kind of export and from the columns' types and values, for their
    names and languages differ from platform to platform:

    - ``funnel`` 漏斗: steps as bars, with the conversion from step to step and in all, from a table
      that has a step in each row or in each column. ``color`` compares the values of a column;
      ``x``, the conversions by date.
    - ``retention`` 留存: a row for each beginning, a column for each period after it, and in each
      cell the share that came back. Where a row is one cell, ``color`` is the periods' column.
    - ``event`` 事件分析: a line for each measure over time, or bars where there is no time.
    - ``frequency`` 分布: bars in the table's own order.
    - ``tag`` 标签, ``segment`` 分群, ``profiles`` 用户画像: how many users, and how a column
      (``x``) is spread over them.
    - What ``gio.diff`` gave: how many users entered, left, changed and stayed the same.

    Parameters
    ----------
    frame
        What ``gio.read_…`` gave, or a part of it; it is not changed.
    kind
        One of the above; left out, what the frame was read as.
    x
        The column to draw along: the steps' names, dates, ranges, or what is spread.
    y
        The column to measure, or a list of some.
    color
        The column whose values are told apart.
    title
        Left out, the name of what was exported.

    Returns
    -------
    altair.TopLevelMixin
        An Altair chart: a notebook shows it, without a network, and ``save`` writes it.

    Raises
    ------
    SettingsError
        The table leaves open what to draw, a column is not there, or Altair is not installed.
    """
    check()
    from gio_pandas.comparison.diff import told_of
    from gio_pandas.plotting.asked import Asked
    from gio_pandas.plotting.columns import read

    asked = Asked(x, y, color, None if title is None else str(title))
    told = told_of(frame)
    if kind in (None, "diff") and told is not None:
        from gio_pandas.plotting import changes

        return changes.draw(told, read(frame), asked)
    known = frame.attrs.get("gio")
    source = known if isinstance(known, dict) else {}
    drawn_by = _DRAWN_BY.get(str(kind or source.get("kind")))
    if drawn_by is None:
        raise SettingsError(
            f"There is no chart of {kind!r}"
            if kind
            else "This frame does not say what it was read as",
            hint=f"Say it: df.gio.plot(kind) with {', '.join(map(repr, KINDS))}.",
        )
    draw = importlib.import_module(f"{__name__}.{drawn_by}").draw
    name, key = (str(source.get(part) or "") for part in ("name", "id"))
    return draw(read(frame, name, key, _ids(source)), asked)


def _ids(source: Mapping[str, Any]) -> list[str]:
    """Give the columns that hold ids by their place or name, or by their key on the platform."""
    from gio_pandas.exports.dtypes import Ground, is_identity

    grounds, keys = (
        found if isinstance(found := source.get(part), Mapping) else {}
        for part in ("decided_by", "keys")
    )
    own = [str(name) for name, ground in grounds.items() if ground in (Ground.FIRST, Ground.NAME)]
    return [*own, *(str(name) for name, key in keys.items() if is_identity(str(key)))]


def check() -> None:
    """Refuse, before anything is waited for, to go on without Altair.

    Raises
    ------
    SettingsError
        It is not installed.
    """
    if importlib.util.find_spec("altair") is None:
        raise SettingsError(
            "Altair is not installed, which draws charts",
            hint='Run: python -m pip install "gio-pandas[plot]"',
        )


def save(chart: Any, path: str | os.PathLike[str]) -> None:
    """Write a chart to a file: whole, or not at all.

    Parameters
    ----------
    chart
        An Altair chart.
    path
        It ends in ``.png`` (twice the size on the screen), ``.svg``, or ``.html``, a page that
        needs no network.

    Raises
    ------
    SettingsError
        The path ends in something else or cannot be written, or what draws is not installed.
    """
    target = picture_target(path)
    from gio_pandas.plotting.canvas import drawn

    form = os.fspath(path).lower().rpartition(".")[2]
    content = drawn(chart.to_dict(), form)
    with target.writing(None) as open_, open_("") as file:
        file.write(content)


def picture_target(path: str | os.PathLike[str]) -> Any:
    """Refuse, before anything is waited for, what a chart cannot be written to.

    Raises
    ------
    SettingsError
        It ends in something else than ``.png``, ``.svg`` or ``.html``, or cannot be written.
    """
    check()
    from gio_pandas.exports.targets import target

    if not os.fspath(path).lower().endswith(_FORMS):
        raise SettingsError(
            f"{os.fspath(path)!r} is no picture that can be written",
            hint=f"End it in {', '.join(_FORMS[:-1])} or {_FORMS[-1]}.",
        )
    found = target(path)
    found.check(None)
    return found
