"""Typed columns to a frame: pandas' dtypes, and the caller's choice of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from gio_pandas.errors import DecodeError, SettingsError

__all__ = [
    "Column",
    "DtypeBackend",
    "check_choice",
    "chosen_dtypes",
    "empty",
    "is_number",
    "plain",
    "spelled",
    "text_choices",
    "text_dtype",
    "to_frame",
]

DtypeBackend = Literal["numpy_nullable", "pyarrow"]


@dataclass
class Column:
    """A typed column, piece by piece.

    Parameters
    ----------
    name
        What it is called.
    type
        What each piece is.
    has_missing
        Whether values are missing, in any piece.
    pieces
        The values; each piece is let go when the next one is taken.
    """

    name: str
    type: pa.DataType
    has_missing: bool
    pieces: Iterator[pa.Array]

    def chunked(self) -> pa.ChunkedArray:
        """Give all pieces."""
        return pa.chunked_array(list(self.pieces), self.type)


def to_frame(
    columns: Iterable[Column],
    rows: int,
    *,
    dtype: Mapping[str, Any],
    dtype_backend: DtypeBackend | None = None,
) -> pd.DataFrame:
    """Turn typed columns into a frame.

    Parameters
    ----------
    columns
        The columns; each is let go before the next is taken.
    rows
        How many there are.
    dtype
        What ``chosen_dtypes`` gave: a dtype by column name; these columns have been kept text.
    dtype_backend
        As pandas' readers take it; None is numpy's dtypes, ``Int64`` for integers with missing
        values, and ``str`` for text (``string[pyarrow]`` on pandas 2).

    Raises
    ------
    DecodeError
        A column cannot be what ``dtype`` asks for.
    """
    made = {}
    for column in columns:
        series = _series(column, rows, dtype_backend)
        wanted = column.name in dtype
        made[column.name] = _convert(series, column.name, dtype[column.name]) if wanted else series
    return pd.DataFrame(made, index=pd.RangeIndex(rows), copy=False)


def empty(schema: pa.Schema, missing: Sequence[bool]) -> pd.DataFrame:
    """Give the frame without its rows: the dtypes of columns, some of which miss values."""
    columns = [
        Column(field.name, field.type, lacks, iter(()))
        for field, lacks in zip(schema, missing, strict=True)
    ]
    return to_frame(columns, 0, dtype={})


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
        except (TypeError, ValueError, NotImplementedError) as error:
            raise SettingsError(
                f"dtype={wanted!r} is none that pandas knows ({error})",
                hint='Use names such as "Int64", "float64", "str" or "category".',
            ) from error


def text_choices(dtype: Any) -> Any:
    """Keep of ``dtype`` what wants text: the one choice that tables beside pandas' know, too."""
    if isinstance(dtype, Mapping):
        return {name: wanted for name, wanted in dtype.items() if _wants_text(wanted)}
    return dtype if dtype is not None and _wants_text(dtype) else None


def _wants_text(dtype: Any) -> bool:
    return dtype is str or pd.api.types.is_string_dtype(pd.api.types.pandas_dtype(dtype))


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
    if isinstance(dtype, type):
        extension = issubclass(dtype, pd.api.extensions.ExtensionDtype)
        return str(dtype()) if extension else dtype.__name__
    return None if dtype is None else str(dtype)


def spelled(frame: pd.DataFrame) -> dict[str, str]:
    """Write the dtype of each column by its name, which survives JSON."""
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}


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


def _series(column: Column, rows: int, backend: DtypeBackend | None) -> pd.Series[Any]:
    is_text = pa.types.is_large_string(column.type)
    if backend is None and not is_text:
        # By hand, piece by piece: Arrow would hold the column twice, or lend its own memory.
        return _in_zone(pd.Series(_filled(column, rows), copy=False), column.type)
    values = column.chunked()
    if backend == "pyarrow" and is_text:
        values = values.cast(pa.string())  # what pandas' own readers give
    series: pd.Series[Any] = values.to_pandas(types_mapper=_mapper(column.type, backend))
    return series


def _in_zone(series: pd.Series[Any], type_: pa.DataType) -> pd.Series[Any]:
    """Show instants in the zone of their type, which is Python's own in every version of Arrow."""
    zone = getattr(type_, "tz", None)
    if zone is None:
        return series
    offset = UTC if zone == "UTC" else datetime.strptime(zone, "%z").tzinfo
    shown: pd.Series[Any] = series.dt.tz_localize(UTC).dt.tz_convert(offset)
    return shown


def _filled(column: Column, rows: int) -> Any:
    """Copy numbers or times into an array of pandas' own."""
    is_time = pa.types.is_timestamp(column.type)
    values = np.empty(rows, "datetime64[us]" if is_time else column.type.to_pandas_dtype())
    nullable = column.has_missing and pa.types.is_integer(column.type)
    mask = np.zeros(rows if nullable else 0, dtype=bool)
    start = 0
    for piece in column.pieces:
        stop = start + len(piece)
        if nullable and piece.null_count:
            mask[start:stop] = piece.is_null().to_numpy(zero_copy_only=False)
            piece = piece.fill_null(0)
        values[start:stop] = piece.to_numpy(zero_copy_only=False)
        start = stop
    return pd.arrays.IntegerArray(values, mask) if nullable else values


def _mapper(
    type_: pa.DataType, backend: DtypeBackend | None
) -> Callable[[pa.DataType], Any] | None:
    if backend == "pyarrow":
        return pd.ArrowDtype
    if pa.types.is_large_string(type_):
        return lambda _: text_dtype(backend)
    if backend and pa.types.is_integer(type_):
        return lambda _: pd.Int64Dtype()
    if backend and pa.types.is_floating(type_):
        return lambda _: pd.Float64Dtype()
    return None


def text_dtype(backend: DtypeBackend | None = None) -> Any:
    """Give what text is: ``str`` on pandas 3, ``string[pyarrow]`` on pandas 2, never object."""
    if backend is None and int(pd.__version__.partition(".")[0]) >= 3:
        return pd.StringDtype("pyarrow", na_value=np.nan)
    return pd.StringDtype("pyarrow")
