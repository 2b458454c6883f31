"""The two exports that are compared, and what of them can be."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from gio_pandas.api.models import Kind
from gio_pandas.comparison.equality import as_text, is_text
from gio_pandas.errors import SettingsError
from gio_pandas.exports import notices
from gio_pandas.exports.job import ExportJob
from gio_pandas.titles import cut

__all__ = ["Columns", "Side", "key_columns", "mention_differences", "time_of", "title_of"]

_MOST_NAMED = 10
_THINGS = ("platform", "project", "kind", "id")


@dataclass(frozen=True)
class Side:
    """One of both exports.

    Parameters
    ----------
    word
        ``before`` or ``after``.
    frame
        Its rows, one of each user.
    """

    word: str
    frame: pd.DataFrame

    @classmethod
    def of(cls, word: str, given: Any) -> Side:
        """Take a frame as it is, and read a job; refuse what is no list of users.

        Raises
        ------
        TypeError, SettingsError
            It is neither, or the result of an analysis, or a column's name is not its own.
        """
        frame = given.to_pandas() if isinstance(given, ExportJob) else given
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"{word}= is a DataFrame or a job, not {type(frame).__name__}")
        side = cls(word, _unindexed(frame))
        side._check()
        return side

    @property
    def source(self) -> dict[str, Any]:
        """Where it comes from, as far as that is known."""
        source = self.frame.attrs.get("gio")
        return source if isinstance(source, dict) else {}

    def _check(self) -> None:
        kind, columns = self.source.get("kind"), self.frame.columns
        if kind in [kind for kind in Kind if kind.is_analysis]:
            raise SettingsError(
                f"{self.word} is of {title_of(self.source)}, which is no list of users",
                hint="Pass exports of a segment or a tag.",
            )
        if isinstance(columns, pd.MultiIndex) or columns.has_duplicates:
            twice = columns[columns.duplicated()]
            raise SettingsError(
                f"Columns of {self.word} do not have a name each ({_some(twice)})",
                hint=f"Rename them: {self.word}.columns = […].",
            )

    def ids(self, name: str) -> pd.Series[Any]:
        """Give a column of ids.

        Raises
        ------
        SettingsError
            They are no text, or one is missing.
        """
        column = self.frame[name].reset_index(drop=True)
        if not is_text(column):
            raise SettingsError(
                f"Column {name!r} of {self.word} is {column.dtype}, and ids are text: 007 is not 7",
                hint=f"Read it again as text, such as with dtype={{{name!r}: str}}.",
            )
        missing = column.isna()
        if missing.any():
            raise SettingsError(
                f"{self.word} has rows without {name!r} ({missing.sum():,}, the first at position "
                f"{missing.to_numpy().argmax()})",
                hint=f"Leave them out, {self.word}.dropna(subset=[{name!r}]), or name another "
                "column with on=.",
            )
        return as_text(column)


@dataclass(frozen=True)
class Columns:
    """The columns beside the id's, each in its order.

    Parameters
    ----------
    common
        What both have.
    only_before, only_after
        What one has.
    """

    common: list[Hashable]
    only_before: list[Hashable]
    only_after: list[Hashable]

    @classmethod
    def of(cls, before: Side, after: Side, keys: Iterable[str]) -> Columns:
        """Sort them out; warn of those that cannot be compared."""
        one, other, ids = before.frame.columns, after.frame.columns, list(keys)
        columns = cls(
            [name for name in one if name in other and name not in ids],
            [name for name in one if name not in other],
            [name for name in other if name not in one],
        )
        only = {"before": columns.only_before, "after": columns.only_after}
        said = [f"only {word} has {_some(names)}" for word, names in only.items() if names]
        if said:
            notices.warn(f"Not all columns can be compared: {', '.join(said)}")
        return columns


def key_columns(before: Side, after: Side, on: str | Iterable[str] | None) -> list[str]:
    """Say which columns hold the user's id; see ``diff``.

    Raises
    ------
    SettingsError
        Both have none, or not those that ``on`` names.
    """
    if on is None:
        return [_id_column(before, after)]
    keys = [on] if isinstance(on, str) else list(on)
    if not keys:
        raise SettingsError("on= names no column", hint="Name the one that holds the user's id.")
    for side in (before, after):
        if strange := [key for key in keys if key not in side.frame.columns]:
            raise SettingsError(
                f"on= names {_some(strange)}, which {side.word} does not have",
                hint=f"Its columns: {_some(side.frame.columns)}.",
            )
    return keys


def _unindexed(frame: pd.DataFrame) -> pd.DataFrame:
    """Make columns of what the index holds under a name: ids are often set as the index."""
    if isinstance(frame.columns, pd.MultiIndex):
        return frame
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    return frame.reset_index(level=named) if named else frame


def _id_column(before: Side, after: Side) -> str:
    """Find the column that holds ids: gio_id, an export's first, the first, or one by its name."""
    from gio_pandas.exports.dtypes import Ground, is_identity

    def is_first(side: Side, name: Hashable) -> bool:
        decided = side.source.get("decided_by")
        return isinstance(decided, dict) and decided.get(name) == Ground.FIRST

    one, other = before.frame.columns, after.frame.columns
    both = [name for name in one if name in other]
    own = [name for name in both if name == "gio_id"]
    first = [name for name in both if is_first(before, name) or is_first(after, name)]
    named = [name for name in both if is_identity(str(name))]
    place = [name for name in both[:1] if name == one[0] == other[0]]
    found: list[str] = [*own, *first, *place, *named]
    if not found:
        raise SettingsError(
            f"before ({_some(one)}) and after ({_some(other)}) have no id column in common",
            hint="Name the column that holds the user's id with on=.",
        )
    return found[0]


def mention_differences(before: Side, after: Side) -> None:
    """Warn where the two are not one thing, earlier and later."""
    one, other = before.source, after.source
    both = [name for name in _THINGS if one.get(name) and other.get(name)]
    if differing := [name for name in both if one[name] != other[name]]:
        what = {"id": "thing"}.get(differing[0], differing[0])
        notices.warn(
            f"before and after are not of the same {what}: {_whole(one)}, and {_whole(other)}. "
            "Who entered or left may be due to that alone"
        )
    times = [source.get("submitted") for source in (one, other)]
    then, now = (datetime.fromisoformat(time) if time else None for time in times)
    if then and now and then > now:
        notices.warn(
            f"before was exported later ({time_of(one)}) than after ({time_of(other)}): swap them"
        )


def title_of(source: dict[str, Any]) -> str:
    """Say what was exported, for people; nothing where that is not known."""
    kind, name = source.get("kind"), source.get("name")
    label = next((each.label for each in Kind if each == kind), kind)
    return f"{label} {cut(name)!r}" if label and name else ""


def time_of(source: dict[str, Any]) -> str:
    """Say when it was exported, in this machine's zone; nothing where that is not known."""
    moment = source.get("submitted")
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}" if moment else ""


def _whole(source: dict[str, Any]) -> str:
    project = source.get("project_name") or source.get("project")
    inside = f" in {project!r}" if project else ""
    what = f"{title_of(source)} ({source.get('id')})" if title_of(source) else "a job"
    return f"{what}{inside} on {source.get('platform')}"


def _some(names: Iterable[Hashable]) -> str:
    shown = [str(name) for name in names]
    more = [f"and {len(shown) - _MOST_NAMED} more"] if len(shown) > _MOST_NAMED else []
    return ", ".join([*shown[:_MOST_NAMED], *more]) or "none"
