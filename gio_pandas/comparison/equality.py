"""When two columns have the same value in a row, whatever dtypes they have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["as_text", "is_text", "same_values"]

_PLAIN_DECIMAL = r"(0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]+)"
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}.*)?"
_ZONED = r".*:.*(Z|[+-][0-9]{2}:?[0-9]{2})"
_EXACT = 2.0**53
"""Below it every whole number is a float of its own."""


def same_values(one: pd.Series[Any], other: pd.Series[Any]) -> NDArray[np.bool_]:
    """Tell in which rows two columns of the same length have the same value.

    What is missing equals what is missing, 1 equals 1.0, and text is equal letter by letter. What
    is a number or a time here and text there is equal where the text is one that such a column
    would have been read from: a column that is of numbers today is text tomorrow, when one value
    of it is none.

    Parameters
    ----------
    one, other
        Columns of any dtypes; rows are told by their places, not by the index.

    Returns
    -------
    numpy.ndarray
        A truth value per row.
    """
    one, other = _plain(one), _plain(other)
    missing, also_missing = _missing(one), _missing(other)
    same: NDArray[np.bool_] = missing & also_missing
    both = ~(missing | also_missing)
    if both.any():
        same[both] = _equal(one[both], other[both])
    return same


def is_text(column: pd.Series[Any]) -> bool:
    """Tell whether a column is of text; one without any value is, if it is of no other type."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.categories.to_series()
    if column.dtype == object:
        return pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty")
    return pd.api.types.is_string_dtype(column.dtype)


def as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give a column of text in the dtype that text is read in, if it is in none of pandas' own."""
    from gio_pandas.exports.frames import text_dtype

    is_own = column.dtype != object and not isinstance(column.dtype, pd.CategoricalDtype)
    return column if is_own else column.astype(text_dtype())


def _plain(column: pd.Series[Any]) -> pd.Series[Any]:
    """Undo what hides the type of the values: categories, objects, days beside times."""
    column = column.reset_index(drop=True)
    if isinstance(column.dtype, pd.CategoricalDtype):
        values: Any = column.cat.categories
        # As nullable ones: what is missing makes no float of a number.
        known = pd.Series(pd.array(values))
        column = known.reindex(column.cat.codes).reset_index(drop=True)
    if column.dtype == object:
        column = as_text(column) if is_text(column) else column.infer_objects()
    if str(column.dtype).startswith("date32"):
        column = column.astype("timestamp[us][pyarrow]")
    return column


def _missing(column: pd.Series[Any]) -> NDArray[np.bool_]:
    missing = column.isna().to_numpy(dtype=bool)
    if column.dtype.kind == "f":  # the nullable ones can have nan beside what is missing
        missing = missing | np.isnan(column.to_numpy(dtype="float64", na_value=np.nan))
    return missing


def _family(column: pd.Series[Any]) -> str:
    if is_text(column):
        return "text"
    return {**dict.fromkeys("biuf", "number"), "M": "time"}.get(column.dtype.kind, "object")


def _equal(one: pd.Series[Any], other: pd.Series[Any]) -> NDArray[np.bool_]:
    """Compare values of which none is missing."""
    families = _family(one), _family(other)
    if families == ("text", "text"):
        return _equal_texts(one, other)
    if families == ("number", "number"):
        return _equal_numbers(one.to_numpy(), other.to_numpy())
    if families == ("time", "time"):
        return _equal_times(one, other)
    if families[0] == "text":
        return _written_as(one, other, families[1])
    if families[1] == "text":
        return _written_as(other, one, families[0])
    pairs = zip(one.tolist(), other.tolist(), strict=True)
    return np.fromiter((np.array_equal(*pair) for pair in pairs), bool, len(one))


def _equal_texts(one: pd.Series[Any], other: pd.Series[Any]) -> NDArray[np.bool_]:
    from gio_pandas.exports.frames import text_dtype

    first, second = (column.astype(text_dtype()).array for column in (one, other))
    return np.asarray(first == second, dtype=bool)


def _equal_numbers(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    same = np.asarray(one == other, dtype=bool)
    if "f" in (one.dtype.kind, other.dtype.kind) and one.dtype.kind != other.dtype.kind:
        # Compared as floats; large whole numbers share one.
        large = same & (np.abs(one.astype("float64")) >= _EXACT)
        pairs = zip(one[large].tolist(), other[large].tolist(), strict=True)
        same[large] = [first == second for first, second in pairs]
    return same


def _equal_times(one: pd.Series[Any], other: pd.Series[Any]) -> NDArray[np.bool_]:
    if (one.dt.tz is None) != (other.dt.tz is None):
        return np.zeros(len(one), dtype=bool)
    first, second = _instants(one), _instants(other)
    return (first == second).to_numpy(dtype=bool)


def _instants(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give times of any dtype as numpy's, those with a zone in UTC."""
    if column.dt.tz is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    return pd.Series(column.to_numpy(dtype=f"datetime64[{column.dt.unit}]"))


def _written_as(text: pd.Series[Any], column: pd.Series[Any], family: str) -> NDArray[np.bool_]:
    """Tell which texts are such values as an export writes them."""
    text = as_text(text).reset_index(drop=True)
    if column.dtype.kind in "iu":
        return _equal_texts(text, pd.Series(column.to_numpy()).astype("str"))
    if column.dtype.kind == "f":
        plain = text.where(text.str.fullmatch(_PLAIN_DECIMAL).astype(bool))
        numbers = pd.to_numeric(plain, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
        same = np.asarray(numbers == column.to_numpy(), dtype=bool)
        # Large whole numbers share a float: these are equal as they are written.
        for row in np.flatnonzero(same & (np.abs(numbers) >= _EXACT)):
            same[row] = Decimal(text[row]) == Decimal(float(column.iloc[row]))
        return same
    if family == "time":
        zoned = column.dt.tz is not None
        # Times with an offset and times without one are never the same, and do not mix.
        like = text.str.fullmatch(_MOMENT) & (text.str.fullmatch(_ZONED) == zoned)
        plain = text.where(like.astype(bool)).astype(object)
        return _equal_times(
            pd.to_datetime(plain, errors="coerce", format="ISO8601", utc=zoned), column
        )
    return np.zeros(len(text), dtype=bool)
