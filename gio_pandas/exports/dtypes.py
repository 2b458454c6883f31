"""Text columns to typed columns, losslessly; Arrow to pandas.

A column is text until every value of it, in every part, says that it is something else. Each
conversion below takes a column of text and gives the typed one, or None where a single value
would not survive: ``007`` is no number, nor is ``1e10``, nor a number of 16 digits, which is
an identifier.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gio_pandas.errors import DecodeError, SettingsError

__all__ = [
    "DtypeBackend",
    "check_choice",
    "chosen_dtypes",
    "is_identity",
    "is_number",
    "plain",
    "text_dtype",
    "to_frame",
    "typed",
    "unique_names",
]

DtypeBackend = Literal["numpy_nullable", "pyarrow"]
_Conversion = Callable[[pa.ChunkedArray], pa.ChunkedArray | None]

_PACKAGE = __name__.partition(".")[0]
_TEXT = pa.large_string()
_MOST_DIGITS = 10**15
_SAMPLE = 1024

# Where a number is so near to zero that it needs more places, a float has no 15 digits left.
_PLACES = r"\.[0-9]{1,99}"
_DECIMAL = rf"^(0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*){_PLACES})$"
_TOO_PRECISE = r"^-?[0.]*[1-9](\.?[0-9]){15,}$"
_TIME = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_DATE_TIME = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_TIME}$"
_ZONED = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_TIME}(Z|[+-][0-9]{{2}}:[0-9]{{2}})$"
_WHOLE = r"([1-9][0-9]*|[1-9][0-9]{0,2}(,[0-9]{3})+)"
_FORMATTED = rf"^(0|-?{_WHOLE}|-?(0|{_WHOLE}){_PLACES})%?$"


def is_identity(name: str) -> bool:
    """Tell by its header whether a column holds ids, which are text whatever they look like."""
    return name == "gio_id" or name.startswith("id_") or name.endswith(("ID", "_id"))


def unique_names(names: Sequence[str]) -> list[str]:
    """Make headers unique by a number, as pandas does: ``日期, 日期`` to ``日期, 日期.1``."""
    taken = set(names)
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        count = seen.get(name, 0)
        fresh = name
        while count and fresh in taken:
            fresh = f"{name}.{count}"
            count += 1
        seen[name] = max(count, 1)
        taken.add(fresh)
        unique.append(fresh)
    return unique


def typed(
    data: pa.Table,
    *,
    analysis: bool,
    value_types: Mapping[str, str] | None = None,
    headers: Sequence[str] | None = None,
    keep_text: Sequence[str] = (),
) -> pa.Table:
    """Type every column of text that loses nothing by it.

    Parameters
    ----------
    data
        Columns of text, all parts together.
    analysis
        Whether ``1,234``, ``45.20%`` and a lone ``-`` are numbers too. In a list of users the
        first column is its id.
    value_types
        The platform's own ``valueType`` of some columns: INT, DOUBLE, DATE or STRING.
    headers
        What the columns are called in the file, where duplicates have been numbered since.
    keep_text
        Columns to leave alone.

    Returns
    -------
    pyarrow.Table
        The same rows and names; int64, double, timestamp[us] or large_string.
    """
    value_types = value_types or {}
    columns = []
    for position, name in enumerate(data.column_names):
        column = data.column(position)
        header = headers[position] if headers else name
        identity = is_identity(header) or (position == 0 and not analysis)
        if identity or name in keep_text:
            columns.append(column)
        elif header in value_types:
            columns.append(_declared(column, name, value_types[header]))
        else:
            columns.append(_inferred(column, _IN_ANALYSES if analysis else _IN_LISTS))
    return pa.Table.from_arrays(columns, names=data.column_names)


def _inferred(column: pa.ChunkedArray, conversions: Sequence[_Conversion]) -> pa.ChunkedArray:
    if column.null_count == len(column):
        return column
    # Most columns of words are known by their first values; result tables are small as they are.
    head = column.slice(0, _SAMPLE) if conversions is _IN_LISTS else column
    for convert in conversions:
        if convert(head) is not None and (result := convert(column)) is not None:
            return result
    return column


def _declared(column: pa.ChunkedArray, name: str, value_type: str) -> pa.ChunkedArray:
    conversions = _BY_VALUE_TYPE.get(value_type)
    if conversions is None:
        return column if value_type == "STRING" else _inferred(column, _IN_LISTS)
    for convert in conversions:
        if (result := convert(column)) is not None:
            return result
    warnings.warn(
        f"Column {name!r} is {value_type} on the platform, but some of its values are not: "
        "it stays text. Pass dtype= to convert it yourself.",
        stacklevel=_users_level(),
    )
    return column


def _users_level() -> int:
    """Count the frames up to the line outside of this package that asked for the table."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] == _PACKAGE:
        frame, level = frame.f_back, level + 1
    return level


def _integer(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Convert integers in plain form, of at most 15 digits: longer ones are identifiers."""
    numbers = _long_integer(column)
    if numbers is None:
        return None
    inside = pc.and_(pc.less(numbers, _MOST_DIGITS), pc.greater(numbers, -_MOST_DIGITS))
    return numbers if _all(inside) else None


def _long_integer(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Convert integers of 64 bits in plain form: those whose number is written as they were."""
    try:
        numbers = column.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    return numbers if _all(pc.equal(numbers.cast(_TEXT), column)) else None


def _decimal(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Convert decimals in plain form, of at most 15 significant digits."""
    if not _match(column, _DECIMAL) or _is_too_precise(column):
        return None
    return column.cast(pa.float64())


def _is_too_precise(column: pa.ChunkedArray) -> bool:
    longest = pc.max(pc.binary_length(column)).as_py() or 0
    return longest > 15 and _any(pc.match_substring_regex(column, _TOO_PRECISE))


def _formatted(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Convert ``1,234``, ``45.20%`` and a lone ``-`` between numbers, as analyses print them."""
    values = pc.if_else(pc.equal(column, "-"), pa.scalar(None, _TEXT), column)
    if values.null_count == len(values) or not _match(values, _FORMATTED):
        return None
    plain = pc.replace_substring(values, ",", "")
    percent = pc.ends_with(plain, "%")
    digits = pc.utf8_rtrim(plain, "%")
    if _is_too_precise(digits):
        return None
    if not _any(percent) and (integers := _integer(digits)) is not None:
        return integers
    # The exponent, not a division: 45.20e-2 is 0.452 to the last bit.
    exponents = pc.if_else(percent, "e-2", "e0")
    return pc.binary_join_element_wise(digits, exponents.cast(_TEXT), pa.scalar("", _TEXT)).cast(
        pa.float64()
    )


def _date(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Convert ISO dates, ``2021-04-13``, to midnight: those that are written as they were."""
    try:
        days = column.cast(pa.date32())
    except pa.ArrowInvalid:
        return None  # 2021-02-30 has the form of a date, and is none
    is_plain = _all(pc.equal(days.cast(_TEXT), column))
    return _cast_time(days, pa.timestamp("us")) if is_plain else None


def _date_time(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Convert ISO date-times, ``2021-04-13 11:40:00`` or with a ``T``, to microseconds."""
    return _cast_time(column, pa.timestamp("us")) if _match(column, _DATE_TIME) else None


def _zoned(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Convert ISO date-times with an offset from UTC, if all of them have the same one."""
    if not _match(column, _ZONED):
        return None
    known = column.drop_null()
    offsets = pc.unique(pc.replace_substring_regex(known, r"^.*(Z|[+-]..:..)$", r"\1")).to_pylist()
    if len(offsets) > 1:
        return None
    zone = "UTC" if offsets in ([], ["Z"], ["+00:00"]) else offsets[0]
    return _cast_time(column, pa.timestamp("us", tz=zone))


def _cast_time(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray | None:
    try:
        times = column.cast(type_)
    except pa.ArrowInvalid:
        return None  # 2021-02-30 11:40 has the form of a date, and is none
    # Python's years end with 9999, in UTC too: 9999-12-31T23:00:00-08:00 is no instant to it.
    # They are read without the zone, which Arrow does not find on every machine.
    years = pc.year(times.cast(pa.timestamp("us")))
    return times if _all(pc.and_(pc.greater(years, 0), pc.less(years, 10_000))) else None


_IN_LISTS: tuple[_Conversion, ...] = (_integer, _decimal, _date, _date_time, _zoned)
_IN_ANALYSES: tuple[_Conversion, ...] = (*_IN_LISTS, _formatted)
_BY_VALUE_TYPE: dict[str, tuple[_Conversion, ...]] = {
    "INT": (_long_integer,),
    "DOUBLE": (_decimal,),
    "DATE": (_date, _date_time, _zoned),
}


def _match(column: pa.ChunkedArray, pattern: str) -> bool:
    return _all(pc.match_substring_regex(column, pattern))


def _all(truths: pa.ChunkedArray) -> bool:
    """Tell whether all that is not missing is true."""
    return bool(pc.all(truths, min_count=0).as_py())


def _any(truths: pa.ChunkedArray) -> bool:
    return bool(pc.any(truths, min_count=0).as_py())


def to_frame(
    data: pa.Table,
    *,
    dtype: Any = None,
    dtype_backend: DtypeBackend | None = None,
) -> pd.DataFrame:
    """Turn a typed table into a frame.

    Parameters
    ----------
    data
        What ``typed`` gave.
    dtype
        One dtype for all columns, or one by column name; these columns have been kept text.
    dtype_backend
        As pandas' readers take it; None is numpy's dtypes, ``Int64`` for integers with missing
        values, and ``str`` for text (``string[pyarrow]`` on pandas 2).

    Raises
    ------
    DecodeError
        A column cannot be what ``dtype`` asks for.
    """
    columns = {
        name: _series(data.column(position), dtype_backend)
        for position, name in enumerate(data.column_names)
    }
    for name, wanted in chosen_dtypes(data.column_names, dtype).items():
        columns[name] = _convert(columns[name], name, wanted)
    return pd.DataFrame(columns, index=pd.RangeIndex(data.num_rows), copy=False)


def check_choice(dtype: Any, dtype_backend: Any) -> None:
    """Refuse, before anything is submitted, dtypes that pandas does not have.

    Raises
    ------
    SettingsError
        ``dtype`` or ``dtype_backend`` is none of pandas'.
    """
    if dtype_backend not in (None, *get_args(DtypeBackend)):
        raise SettingsError(
            f"dtype_backend={dtype_backend!r} is unknown",
            hint='Use "pyarrow" or "numpy_nullable", or leave it out.',
        )
    for wanted in dtype.values() if isinstance(dtype, Mapping) else [dtype]:
        try:
            pd.api.types.pandas_dtype(wanted)
        except (TypeError, ValueError) as error:
            raise SettingsError(
                f"dtype={wanted!r} is none that pandas knows ({error})",
                hint='Use names such as "Int64", "float64", "str" or "category".',
            ) from error


def chosen_dtypes(names: Sequence[str], dtype: Any) -> dict[str, Any]:
    """Spell ``dtype`` out: what it wants of each column that it speaks of.

    Raises
    ------
    DecodeError
        It names a column that is not there.
    """
    if dtype is None:
        return {}
    if not isinstance(dtype, Mapping):
        return dict.fromkeys(names, dtype)
    strange = [str(name) for name in dtype if name not in names]
    if strange:
        raise DecodeError(
            f"dtype= names {', '.join(strange)}, which the export does not have",
            hint=f"Its columns: {', '.join(names)}.",
        )
    return dict(dtype)


def plain(dtype: Any) -> Any:
    """Write dtypes by their names, which survive JSON."""
    if isinstance(dtype, Mapping):
        return {str(name): plain(wanted) for name, wanted in dtype.items()}
    return dtype.__name__ if isinstance(dtype, type) else None if dtype is None else str(dtype)


def is_number(dtype: Any) -> bool:
    """Tell whether a dtype is of numbers; truth values are none."""
    kind = pd.api.types.pandas_dtype(dtype)
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)


def _convert(series: pd.Series[Any], name: Hashable, dtype: Any) -> pd.Series[Any]:
    try:
        if dtype in (bool, "bool", "boolean"):
            # A text's own truth is whether it is empty: "false" would be true.
            return series.astype(pd.ArrowDtype(pa.bool_())).astype("boolean")
        # On pandas 2 str is object, and what is missing becomes the word "<NA>".
        return series.astype(text_dtype() if dtype in (str, "str") else dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise DecodeError(
            f"Column {name!r} cannot be {dtype} ({error})",
            hint="Leave it out of dtype=, and convert it as you need it.",
        ) from error


def _series(column: pa.ChunkedArray, backend: DtypeBackend | None) -> pd.Series[Any]:
    if backend == "pyarrow" and pa.types.is_large_string(column.type):
        column = column.cast(pa.string())  # what pandas' own readers give
    series: pd.Series[Any] = column.to_pandas(types_mapper=_mapper(column, backend))
    # Numbers and times are a view of Arrow's memory, which must not be written to.
    is_view = backend is None and not pa.types.is_large_string(column.type)
    return series.copy() if is_view else series


def _mapper(
    column: pa.ChunkedArray, backend: DtypeBackend | None
) -> Callable[[pa.DataType], Any] | None:
    if backend == "pyarrow":
        return pd.ArrowDtype
    if pa.types.is_large_string(column.type):
        return lambda _: text_dtype(backend)
    if pa.types.is_integer(column.type) and (column.null_count or backend):
        return lambda _: pd.Int64Dtype()
    if pa.types.is_floating(column.type) and backend:
        return lambda _: pd.Float64Dtype()
    return None


def text_dtype(backend: DtypeBackend | None = None) -> Any:
    """Give what text is: ``str`` on pandas 3, ``string[pyarrow]`` on pandas 2, never object."""
    if backend is None and int(pd.__version__.partition(".")[0]) >= 3:
        return pd.StringDtype("pyarrow", na_value=np.nan)
    return pd.StringDtype("pyarrow")
