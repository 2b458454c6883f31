"""What a frame's columns are, and why: ``df.gio.describe()``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gio_pandas.api.models import Kind
from gio_pandas.exports import dtypes, frames, reasons
from gio_pandas.tables import Table
from gio_pandas.titles import plain

__all__ = ["describe"]

_EXAMPLES = 3
_LOOKED_AT = 1_000
_MOST_LETTERS = 40
_MIDNIGHT = re.compile(r"^(\d{4,}-\d{2}-\d{2})[ T]00:00:00$")
_FAMILIES = {
    "text": re.compile(r"str|(large_)?string(\[.*\])?"),
    "integer": re.compile(r"[Uu]?[Ii]nt\d+(\[.*\])?"),
    "decimal": re.compile(r"[Ff]loat\d+(\[.*\])?|(double|float)(\[.*\])?"),
    "time": re.compile(r"datetime64.*|timestamp.*"),
    "categories": re.compile(r"category|dictionary.*"),
}


@dataclass(frozen=True)
class _Fact:
    """What is known of the export that a column came out of.

    Parameters
    ----------
    dtype
        What it was read as.
    ground
        What decided that.
    analysis
        Whether it is an analysis's.
    arguments
        What the verb was given.
    told
        What is said before the reason.
    """

    dtype: str
    ground: dtypes.Ground
    analysis: bool
    arguments: Mapping[str, Any]
    told: str = ""


def describe(frame: pd.DataFrame) -> Table:
    """Say what each column of a frame is, and why; see ``GioAccessor.describe``."""
    source, added = (_mapping(frame.attrs.get(key)) for key in ("gio", "gio_enriched"))
    columns = [frame.iloc[:, number] for number in range(len(frame.columns))]
    return Table(
        {
            "type": pd.array([str(one.dtype) for one in columns], dtype=frames.text_dtype()),
            "why": pd.array([_why(one, source, added) for one in columns], frames.text_dtype()),
            "missing": np.array([int(one.isna().sum()) for one in columns], dtype="int64"),
            "distinct": pd.array([_distinct(one) for one in columns], dtype="Int64"),
            "examples": pd.array([_examples(one) for one in columns], frames.text_dtype()),
        },
        index=frame.columns,
    )


def _why(column: pd.Series[Any], source: Mapping[str, Any], added: Mapping[str, Any]) -> str:
    if not source and not added:
        return "not known: the frame does not say where it comes from"
    fact = _fact(column.name, source, added)
    if fact is None and source and not isinstance(source.get("columns"), Mapping):
        return "not known: the frame was read by an older gio_pandas"
    if fact is None:
        return "not from the export"
    if not _is_as_read(column, fact):
        return f"changed since the export, where it was {fact.dtype}"
    return fact.told + _reason(column, fact)


def _fact(name: Any, source: Mapping[str, Any], added: Mapping[str, Any]) -> _Fact | None:
    if not isinstance(name, str):
        return None
    if known := _mapping(added.get(name)):
        told = f"from {known.get('from')}, by enrich(): "
        ground = _ground(known.get("decided_by"))
        return _Fact(str(known.get("dtype")), ground, False, {}, told)
    dtype = _mapping(source.get("columns")).get(name)
    if dtype is None:
        return None
    ground = _ground(_mapping(source.get("decided_by")).get(name))
    return _Fact(str(dtype), ground, _is_analysis(source), _mapping(source.get("arguments")))


def _reason(column: pd.Series[Any], fact: _Fact) -> str:
    name, chosen = str(column.name), fact.arguments.get("dtype")
    if chosen is not None and (not isinstance(chosen, Mapping) or name in chosen):
        return "dtype= asked for it"
    said = reasons.reason(dtypes.rule(name, fact.ground, analysis=fact.analysis), column)
    backend = fact.arguments.get("dtype_backend")
    return f"{said} (dtype_backend={backend!r})" if backend else said


def _is_as_read(column: pd.Series[Any], fact: _Fact) -> bool:
    """Tell whether a column has the dtype that it was read with, or one that says the same."""
    dtype = str(column.dtype)
    return dtype == fact.dtype or _family(dtype) == _family(fact.dtype) is not None


def _family(dtype: str) -> str | None:
    return next((name for name, form in _FAMILIES.items() if form.fullmatch(dtype)), None)


def _ground(word: Any) -> dtypes.Ground:
    known = [ground for ground in dtypes.Ground if ground == word]
    return known[0] if known else dtypes.Ground.VALUES


def _is_analysis(source: Mapping[str, Any]) -> bool:
    return any(kind == source.get("kind") and kind.is_analysis for kind in Kind)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _distinct(column: pd.Series[Any]) -> int | Any:
    """Count different values; missing where they are lists and the like, which have no order."""
    try:
        return int(column.nunique())
    except (TypeError, ValueError, NotImplementedError):
        return pd.NA


def _examples(column: pd.Series[Any]) -> str:
    """Write a few different values, those that come first."""
    there = np.flatnonzero(column.notna().to_numpy(dtype=bool))
    texts = _texts(column.iloc[there[:_LOOKED_AT]])
    if len(texts) < _EXAMPLES and len(there) > _LOOKED_AT:
        with suppress(TypeError, ValueError, NotImplementedError):  # lists, as in _distinct
            texts = _texts(column.iloc[there].drop_duplicates().iloc[:_EXAMPLES])
    return " · ".join(texts[:_EXAMPLES])


def _texts(values: pd.Series[Any]) -> list[str]:
    return list(dict.fromkeys(map(_written, values)))


def _written(value: Any) -> str:
    """Write a value as it was, as far as it still tells; a text with blanks at its ends quoted."""
    text = _MIDNIGHT.sub(r"\1", str(value))
    shown = plain(text, _MOST_LETTERS)
    return shown if text == text.strip() != "" else repr(shown)
