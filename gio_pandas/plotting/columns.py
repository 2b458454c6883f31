"""What a table's columns are: told from their types and values, never from their names."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from gio_pandas.errors import SettingsError
from gio_pandas.titles import plain

__all__ = [
    "Column",
    "Table",
    "distinct",
    "is_numbering",
    "is_total",
    "label_of",
    "moments",
    "number",
    "read",
    "total_row",
]

Role = Literal["time", "count", "number", "share", "words", "empty"]

_LONGEST_LABEL = 40
_LARGEST = 1e300
"""Beyond it differences of numbers are infinite."""

_WHOLE = 2.0**53
_NO_CHANCE = 1_000
"""From here on a number is not by chance the sum of others."""

_CALENDAR = (np.datetime64("1000-01-01", "us"), np.datetime64("9999-12-31", "us"))
_TOTALS = frozenset(
    [
        *("总体", "合计", "总计", "全部", "整体", "汇总", "总和", "总数", "全体"),
        *("all", "total", "totals", "overall", "sum"),
    ]
)
_SPELLED = {
    "time": "dates",
    "count": "whole numbers",
    "number": "numbers",
    "share": "shares",
    "words": "text",
    "empty": "empty",
}


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

    Parameters
    ----------
    name
        Its name, as it is shown.
    key
        Its name, as the frame has it.
    raw
        What is in it.
    """

    name: str
    key: Any
    raw: pd.Series[Any] = field(repr=False)

    @cached_property
    def role(self) -> Role:
        """What it holds; a share is a number from 0 to 1, such as a percentage that was read."""
        if self.raw.isna().all():
            return "empty"
        if _is_time(self.raw):
            return "time"
        if not _is_number(self.raw):
            return "words"
        return _role_of(self.values, is_float=_is_float(self.raw.dtype))

    @cached_property
    def values(self) -> pd.Series[Any]:
        """Its values: moments without a zone, floats, or text; what is missing is missing."""
        if _is_time(self.raw):
            return _moments(self.raw)
        return _floats(self.raw) if _is_number(self.raw) else _texts(self.raw)

    @property
    def is_axis(self) -> bool:
        """Whether it says what a row is about."""
        return self.role in ("time", "words")

    @property
    def is_measure(self) -> bool:
        """Whether it holds numbers."""
        return self.role in ("count", "number", "share")

    @property
    def is_varied(self) -> bool:
        """Whether it holds more than one value."""
        return int(self.values.nunique()) > 1

    @cached_property
    def labels(self) -> pd.Series[Any]:
        """Its values as short text, of which no two values have the same; None where missing."""
        return label_of(self.values)


@dataclass(frozen=True)
class Table:
    """A frame, by its columns.

    Parameters
    ----------
    columns
        The columns, in order; an index that has a name comes first.
    rows
        How many rows there are.
    name
        What was exported; empty where that is not known.
    id
        Its id on the platform.
    ids
        The names of columns that say who a user is, as far as the export tells.
    """

    columns: tuple[Column, ...]
    rows: int
    name: str = ""
    id: str = ""
    ids: frozenset[str] = frozenset()

    def of(self, *roles: Role) -> list[Column]:
        """Give the columns of some roles, in order."""
        return [column for column in self.columns if column.role in roles]

    def find(self, key: Any, argument: str, *roles: Role) -> Column:
        """Give the column that an argument names.

        Raises
        ------
        SettingsError
            There is none, there are several, or it holds something else.
        """
        named = [c for c in self.columns if c.key is key or _same(c.key, key)]
        named = named or [c for c in self.columns if str(c.key) == str(key)]
        if len(named) != 1:
            raise self._not_one(key, argument, len(named))
        [column] = named
        if column.role == "empty":
            raise SettingsError(
                f"{argument}={key!r}: that column has no values", hint="Choose another one."
            )
        if roles and column.role not in roles:
            raise SettingsError(
                f"{argument}={key!r}: that column holds {_SPELLED[column.role]}",
                hint=f"Choose one of {' or '.join(_SPELLED[role] for role in roles)}.",
            )
        return column

    def _not_one(self, key: Any, argument: str, count: int) -> SettingsError:
        if count:
            return SettingsError(
                f"{argument}={key!r}: {count} columns have that name",
                hint="Rename them: df.columns = […].",
            )
        near = get_close_matches(str(key), [str(c.key) for c in self.columns], n=1, cutoff=0.5)
        guess = f"Did you mean {near[0]!r}?" if near else f"There are {self._listed()}."
        return SettingsError(f"{argument}={key!r}: there is no such column", hint=guess)

    def unclear(self, what: str) -> SettingsError:
        """Say what the table leaves open, which columns there are, and what to pass."""
        axes = [*self.of("time", "words"), *self.of("count")]
        numbers = [c for c in self.of("count", "number", "share") if c not in axes[:1]]
        names = [repr(str(part[0].key)) if part else '"…"' for part in (axes, numbers)]
        return SettingsError(
            f"{self.name or 'The table'} leaves open {what} ({self._listed()})",
            hint=f"Say it: df.gio.plot(x={names[0]}, y={names[1]}).",
        )

    def nothing(self) -> SettingsError:
        """Say that there is nothing to draw."""
        return SettingsError(
            f"{self.name or 'The table'} has no rows: there is nothing to draw",
            hint="Look at its conditions and its time range on the platform.",
        )

    def _listed(self) -> str:
        parts = []
        for role, spelled in _SPELLED.items():
            if names := [plain(c.name, _LONGEST_LABEL) for c in self.columns if c.role == role]:
                more = f" and {len(names) - 12} more" if len(names) > 12 else ""
                parts.append(f"{spelled}: {', '.join(names[:12])}{more}")
        return "; ".join(parts) or "no columns"


def read(frame: pd.DataFrame, name: str = "", key: str = "", ids: Iterable[str] = ()) -> Table:
    """Look at a frame's columns; the frame is left as it is."""
    index = frame.index
    named = [(key, level) for level, key in enumerate(index.names) if key is not None]
    parts: list[tuple[Any, pd.Series[Any]]] = [
        (key, index.get_level_values(level).to_series()) for key, level in named
    ]
    parts += [(key, frame.iloc[:, place]) for place, key in enumerate(frame.columns)]
    columns = [Column(_shown(key), key, raw.reset_index(drop=True)) for key, raw in parts]
    short = plain(name, 2 * _LONGEST_LABEL)
    return Table(tuple(columns), len(frame), short, key, frozenset(ids))


def _shown(key: Any) -> str:
    return plain(str(key), 2 * _LONGEST_LABEL) or " "


def _same(one: Any, other: Any) -> bool:
    try:
        return type(one) is type(other) and bool(one == other)
    except (TypeError, ValueError):
        return False


# --- what a column holds -------------------------------------------------------------------------


def _inferred(raw: pd.Series[Any]) -> str:
    return pd.api.types.infer_dtype(raw, skipna=True) if raw.dtype == object else ""


def _is_float(dtype: Any) -> bool:
    return bool(pd.api.types.is_float_dtype(dtype)) or dtype.kind == "O"


def _is_time(raw: pd.Series[Any]) -> bool:
    return (
        pd.api.types.is_datetime64_any_dtype(raw.dtype)
        or isinstance(raw.dtype, pd.PeriodDtype)
        or str(raw.dtype).startswith(("date32", "date64"))
        or _inferred(raw) in ("date", "datetime", "datetime64")
    ) and bool(_moments(raw).notna().any())


def _is_number(raw: pd.Series[Any]) -> bool:
    if pd.api.types.is_bool_dtype(raw.dtype) or pd.api.types.is_complex_dtype(raw.dtype):
        return False
    counted = ("integer", "floating", "mixed-integer-float", "decimal")
    if not pd.api.types.is_numeric_dtype(raw.dtype) and _inferred(raw) not in counted:
        return False
    try:
        return bool(_floats(raw).notna().any())
    except (OverflowError, TypeError, ValueError):
        return False


def _moments(raw: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(raw.dtype, pd.PeriodDtype):
        raw = raw.dt.to_timestamp()
    try:
        times = pd.to_datetime(raw, errors="coerce")
        if isinstance(times.dtype, pd.DatetimeTZDtype) or getattr(times.dt, "tz", None):
            times = times.dt.tz_localize(None)  # the clock's time, as the frame shows it
        values = times.to_numpy("datetime64[us]", na_value=np.datetime64("NaT", "us"))
    except (AttributeError, OverflowError, TypeError, ValueError):
        return pd.Series(pd.NaT, index=raw.index, dtype="datetime64[us]")
    inside = (values >= _CALENDAR[0]) & (values <= _CALENDAR[1])
    return pd.Series(np.where(inside, values, np.datetime64("NaT", "us")))


def _floats(raw: pd.Series[Any]) -> pd.Series[Any]:
    values = raw.to_numpy("float64", na_value=np.nan)
    return pd.Series(np.where(np.abs(values) < _LARGEST, values, np.nan))


def _texts(raw: pd.Series[Any]) -> pd.Series[Any]:
    present = raw.notna().to_numpy()
    texts = [str(value) for value in raw[present]]
    column = np.full(len(raw), None, dtype=object)
    column[present] = texts
    return pd.Series(column, dtype=object)


def _role_of(values: pd.Series[Any], *, is_float: bool) -> Role:
    numbers = values.dropna().to_numpy()
    small = bool((np.abs(numbers) <= 1).all())
    if is_float and small and ((numbers >= 0).all() or _is_fine(numbers)):
        return "share"
    return "count" if (numbers == np.round(numbers)).all() else "number"


def _is_fine(numbers: Any) -> bool:
    """Tell a percentage that may be negative, which has decimals, from a plain number."""
    return bool((np.abs(numbers - np.round(numbers, 2)) > 1e-9).any())


# --- values, for people and for charts -----------------------------------------------------------


def number(value: float) -> float | int | None:
    """Give a number as JSON has it: whole where it is, None where it is missing."""
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < _WHOLE else float(f"{value:.12g}")


def moments(values: pd.Series[Any]) -> list[str | None]:
    """Give moments as browsers read them by the clock on the wall."""
    texts = np.datetime_as_string(values.to_numpy("datetime64[s]"))
    return [None if text == "NaT" else str(text) for text in texts]


def label_of(values: pd.Series[Any]) -> pd.Series[Any]:
    """Give values as short text; None where one is missing."""
    if values.dtype.kind == "M":
        midnight = (values.dropna() == values.dropna().dt.normalize()).all()
        form = "%Y-%m-%d" if midnight else f"%Y-%m-%d {_clock(values)}"
        said: pd.Series[Any] = values.dt.strftime(form).astype(object)
        return said.where(values.notna(), None)
    if values.dtype.kind == "f":
        texts = [None if v is None else f"{v:,}" for v in map(number, values)]
        return pd.Series(texts, dtype=object)
    return values.map(_shortened(values.dropna().unique()), na_action="ignore")


def _clock(times: pd.Series[Any]) -> str:
    """Give the form of a clock that tells all of these apart."""
    if (times.dropna() == times.dropna().dt.floor("min")).all():
        return "%H:%M"
    return "%H:%M:%S" if not times.dt.microsecond.any() else "%H:%M:%S.%f"


def _shortened(texts: Iterable[str]) -> dict[str, str]:
    """Cut texts so that they still differ: by their ends, and else by a number."""
    labels = {text: plain(text, _LONGEST_LABEL) for text in texts}
    often = Counter(labels.values())
    again: Counter[str] = Counter()
    taken: set[str] = {label for label, count in often.items() if count == 1}
    for text, label in labels.items():
        if often[label] == 1:
            continue
        base = fresh = _by_its_ends(text)
        while fresh in taken:
            again[base] += 1
            fresh = f"{base} ({again[base] + 1})"
        taken.add(fresh)
        labels[text] = fresh
    return labels


def _by_its_ends(text: str) -> str:
    half = _LONGEST_LABEL // 2
    return plain(text if len(text) <= 2 * half else f"{text[: half - 1]}…{text[-half:]}")


def distinct(labels: Iterable[str]) -> list[str]:
    """Make labels differ that were cut to the same, for a chart would make one of them."""
    found: dict[str, None] = {}
    for label in labels:
        while label in found:
            label += "\u2009"  # a blank that is hardly seen
        found[label] = None
    return list(found)


def is_numbering(column: Column) -> bool:
    """Tell what numbers rows from what is counted: 1, 2, 3 …, or years, also again and again."""
    values = column.values.to_numpy()
    if column.role != "count" or np.isnan(values).any():
        return False
    if len(values) < 2:
        return bool(column.key == 0 and values[0] in (0, 1))
    first, last, steps = values.min(), values.max(), np.diff(values)
    is_year = bool(first >= 1900 and last <= 2100)
    if first not in (0, 1) and not is_year:
        return False
    if (steps == 1).all():
        return True
    each, counts = np.unique(values, return_counts=True)
    if len(each) != last - first + 1 or len(each) < (2 if is_year else 3):
        return False
    begins_again = values[0] == first and ((steps == 1) | (values[1:] == first)).all()
    rises = np.isin(steps, (0, 1)).all() and (counts == counts[0]).all()
    return bool((begins_again and (steps != 0).all()) or rises)


def is_total(values: pd.Series[Any]) -> pd.Series[Any]:
    """Say which values are words for all of them."""
    return values.map(lambda v: isinstance(v, str) and v.strip().casefold() in _TOTALS).astype(bool)


def total_row(
    axis: Column, measures: Sequence[Column], shares: Sequence[Column] = ()
) -> int | None:
    """Find the row that counts all the others together, if there is one.

    It is called so, or is the first or the last, and the sum of the others in every measure and
    the whole in every share: of one small number alone that may be chance.
    """
    if len(axis.values) < 2:
        return None
    called = np.flatnonzero(is_total(axis.values).to_numpy())
    if len(called) == 1:
        return int(called[0])
    counts = np.column_stack([column.values.fillna(0).to_numpy() for column in measures])
    ends = [row for row in (0, len(counts) - 1) if _is_sum(counts, row)]
    if len(ends) != 1 or len(counts) < 3 or len(called):
        return None
    [row] = ends
    if shares:
        return row if all(column.values[row] == 1 for column in shares) else None
    telling = (counts[row] > 0).sum() > 1 or counts[row].max() >= _NO_CHANCE
    return row if telling else None


def _is_sum(counts: Any, row: int) -> bool:
    others = counts.sum(axis=0) - counts[row]
    return bool(counts[row].any() and np.allclose(counts[row], others, rtol=1e-9))
