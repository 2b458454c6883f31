"""``gio.diff``: what two exports differ in, as a frame."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gio_pandas.comparison.equality import as_text, is_text, same_values
from gio_pandas.comparison.pairs import Ids, Pairs
from gio_pandas.comparison.sides import (
    Columns,
    Side,
    key_columns,
    mention_differences,
    time_of,
    title_of,
)
from gio_pandas.current import current_session
from gio_pandas.docstrings import explained
from gio_pandas.errors import SettingsError
from gio_pandas.exports.job import ExportJob
from gio_pandas.exports.specs import read_kind
from gio_pandas.session import Session

__all__ = ["diff", "summary", "told_of"]

_WORDS = {"entered": "进入", "left": "离开", "changed": "变化", "same": "不变"}
_ENTERED, _LEFT, _CHANGED, _SAME = range(4)


@explained(Session.read_segment, Session.read_tag)
def diff(
    before: pd.DataFrame | ExportJob | str,
    after: pd.DataFrame | ExportJob | None = None,
    *,
    kind: str | None = None,
    since: str | date | timedelta | None = None,
    on: str | Sequence[str] | None = None,
    keep_same: bool = False,
    session: Session | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Compare two exports of a segment (分群) or a tag (标签), user by user.

    ``gio.diff(before, after)`` compares two frames or jobs. ``gio.diff("高价值用户",
    kind="segment", since="7d")`` compares an earlier export from this machine, whose result
    ``reuse=`` has kept or the platform still has (``gio.earlier_job``), with a new one, whose
    result is kept in turn.

    Values are compared as values: what is missing equals what is missing, 1 equals 1.0 and, where
    the column is of text in one of both, ``"1"``; text is equal letter by letter.

    Parameters
    ----------
    before
        The earlier export; or the name or id (a tag's key, too) of what is to be exported again.
    after
        The later export; left out with a name.
    kind
        With a name: ``"segment"`` or ``"tag"``.
    since
        With a name: about when the earlier export was submitted: how long ago, such as ``"7d"``,
        or a day or a time. Of the exports that are nine tenths as old, or older, it is the one
        nearest to that. Left out, it is the newest.
    on
        The column that holds the user's id, or several that together tell rows apart. Left out,
        ``gio_id``; where not both have that, the first column, if it is the same, else the first
        identity column (``id_…``, ``…ID``) that both have.
    keep_same
        Whether users of whom nothing changed have a row, too.
    session
        With a name: what it is exported with; left out, the current session.
    reuse
        With a name: how old a job may be that stands for the new export. Left out, there is a new
        one, and its result is kept.

    Returns
    -------
    pandas.DataFrame
        One row per user who entered, left, or has another value, in the order of ``before``, then
        those who entered in that of ``after``. The id column, as text; ``change``, a Categorical
        of ``entered`` (进入), ``left`` (离开), ``changed`` (变化), with ``keep_same`` also ``same``
        (不变); then of each other column that both have ``…_before`` and ``…_after``, in the
        dtypes that they have there; integers with gaps are ``Int64``, text ``str`` (on pandas 2
        ``string[pyarrow]``). A name that is taken gets a number, such as ``change.1``. Columns
        that only one of both has are left out, with a warning.

        ``df.gio`` shows the summary, which ``attrs["gio_diff"]`` has: how many users were there
        ``before`` and ``after``, and how many ``entered``, ``left``, ``changed`` and stayed the
        ``same``; ``columns``: of how many users each differs; ``on``, ``only_before`` and
        ``only_after``; ``sources``: where both come from.

    Raises
    ------
    SettingsError
        The frames cannot be compared: an id is missing, no text, or there twice; both have no id
        column in common; two columns have one name; it is the result of an analysis.
    NotFoundError, AmbiguousNameError
        No export of that time is known, or its result is neither kept nor still on the platform;
        nothing was submitted. Or nothing, or more than one thing, has that name.
    SubmitUncertainError
        As ``submit_segment``.
    JobFailedError, JobTimeoutError, DownloadError, DecodeError, MemoryLimitError
        As ``ExportJob.to_pandas``.

    Warns
    -----
    UserWarning
        The two are not of the same thing, or in the wrong order; only one of both has a column;
        ids of who entered and who left differ in blanks or zeros in front alone.

    Examples
    --------
    >>> monday = pd.DataFrame({"gio_id": ["1", "2", "3"], "会员等级": ["金卡", "银卡", "银卡"]})
    >>> friday = pd.DataFrame({"gio_id": ["2", "3", "4"], "会员等级": ["金卡", "银卡", "金卡"]})
    >>> changes = gio.diff(monday, friday)
    >>> changes[["gio_id", "change"]]
      gio_id   change
    0      1     left
    1      2  changed
    2      4  entered
    >>> changes.gio
    3 users before, 3 after: 1 entered (进入), 1 left (离开), 1 changed (变化), 1 same (不变)
    """
    if isinstance(before, str):
        checked = _checked_kind(kind, after)
        session = session or current_session()
        before, after = _then_and_now(session, before, checked, since, options)
    else:
        _refuse({"kind": kind, "since": since, "session": session, **options})
    return _compared(Side.of("before", before), Side.of("after", after), on, keep_same)


def told_of(frame: pd.DataFrame) -> dict[str, Any] | None:
    """Give what a frame's ``attrs["gio_diff"]`` says; None where it has none that is whole."""
    told = frame.attrs.get("gio_diff")
    counts = ("before", "after", *_WORDS)
    if not isinstance(told, dict) or not all(isinstance(told.get(each), int) for each in counts):
        return None
    return told


def summary(told: Mapping[str, Any]) -> str:
    """Say in a line what ``attrs["gio_diff"]`` says."""
    sources = [source or {} for source in told.get("sources", (None, None))]
    names = dict.fromkeys(filter(None, map(title_of, sources)))
    whose = f"{' → '.join(names)}: " if names else ""
    then, now = (f" ({when})" if (when := time_of(source)) else "" for source in sources)
    found = ", ".join(f"{told[word]:,} {word} ({chinese})" for word, chinese in _WORDS.items())
    return f"{whose}{told['before']:,} users before{then}, {told['after']:,} after{now}: {found}"


def _checked_kind(kind: str | None, after: Any) -> str:
    if after is not None:
        raise TypeError("with a name there is no after=: it is exported anew")
    if kind is None or read_kind(kind).is_analysis:
        raise SettingsError(
            "diff compares lists of users, and "
            + ("kind= is missing" if kind is None else f"kind={kind!r} is none"),
            hint='Pass kind="segment" or kind="tag" with the name.',
        )
    return kind


def _refuse(arguments: Mapping[str, Any]) -> None:
    if given := [name for name, value in arguments.items() if value is not None]:
        raise TypeError(f"{given[0]}= goes with a name, and not with frames or jobs")


def _then_and_now(
    session: Session, name: str, kind: str, since: Any, options: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the earlier export first: where that fails, nothing is submitted."""
    then = session.earlier_job(name, kind=kind, since=since, **options).to_pandas()
    if not options.get("reuse"):
        options = {**options, "reuse": "1d", "refresh": True}  # new, and kept
    now: pd.DataFrame = getattr(session, f"read_{kind}")(name, **options)
    return then, now


def _compared(
    before: Side, after: Side, on: str | Sequence[str] | None, keep_same: bool
) -> pd.DataFrame:
    keys = key_columns(before, after, on)
    mention_differences(before, after)
    columns = Columns.of(before, after, keys)
    ids = Ids.of(before, after, keys)
    pairs = ids.pairs()
    ids.mention_near(pairs)
    differs = _differing(before, after, columns.common, pairs)
    change = _change(pairs, differs.values())
    shown = np.ones(len(change), dtype=bool) if keep_same else change != _SAME
    words = list(_WORDS) if keep_same else list(_WORDS)[:_SAME]
    said = pd.Series(pd.Categorical.from_codes(change[shown], dtype=pd.CategoricalDtype(words)))
    frame = _table(before, after, ids, columns.common, pairs.where(shown), said)
    counts = np.bincount(change, minlength=len(_WORDS)).tolist()
    frame.attrs["gio_diff"] = {
        "before": len(before.frame),
        "after": len(after.frame),
        **dict(zip(_WORDS, counts, strict=True)),
        "columns": {str(name): int(where.sum()) for name, where in differs.items()},
        "on": keys,
        "only_before": [str(name) for name in columns.only_before],
        "only_after": [str(name) for name in columns.only_after],
        "sources": [before.source or None, after.source or None],
    }
    return frame


def _differing(
    before: Side, after: Side, names: Iterable[Hashable], pairs: Pairs
) -> dict[Hashable, NDArray[np.bool_]]:
    """Tell of each column for which pairs it has two values."""
    common = ~(pairs.entered | pairs.left)
    rows = pairs.where(common)
    found = {}
    for name in names:
        one, other = before.frame[name].take(rows.before), after.frame[name].take(rows.after)
        found[name] = np.zeros(len(common), dtype=bool)
        found[name][common] = ~same_values(one, other)
    return found


def _change(pairs: Pairs, differs: Iterable[NDArray[np.bool_]]) -> NDArray[np.int8]:
    """Say what happened to each user."""
    change = np.full(len(pairs.before), _SAME, dtype="int8")
    for where in differs:
        change[where] = _CHANGED
    change[pairs.left] = _LEFT
    change[pairs.entered] = _ENTERED
    return change


def _table(
    before: Side,
    after: Side,
    ids: Ids,
    names: Iterable[Hashable],
    pairs: Pairs,
    change: pd.Series[Any],
) -> pd.DataFrame:
    from gio_pandas.exports.dtypes import unique_names

    columns: list[tuple[str, Any]] = [*ids.taken(pairs).items(), ("change", change)]
    for name in names:
        columns.append((f"{name}_before", _taken(before.frame[name], pairs.before)))
        columns.append((f"{name}_after", _taken(after.frame[name], pairs.after)))
    # Suffixes keep all of them apart but ids that are called so.
    unique = unique_names([name for name, _ in columns])
    made = {name: column for name, (_, column) in zip(unique, columns, strict=True)}
    return pd.DataFrame(made, copy=False)


def _taken(column: pd.Series[Any], places: NDArray[np.int64]) -> pd.Series[Any]:
    """Give the values at some places; nothing where there is none (-1)."""
    column = column.reset_index(drop=True)
    if column.dtype == object and is_text(column):
        column = as_text(column)
    elif isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub" and (places < 0).any():
        column = pd.Series(pd.array(column.to_numpy()))  # which can miss values
    return column.reindex(places).reset_index(drop=True)
