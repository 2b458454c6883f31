"""What a table must hold to be the one that was exported, and what is wrong where it is not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Facts", "faults", "merged", "of_column", "of_table"]

Facts = dict[str, Any]
"""Figures that two columns of the same values share, whatever the columns' types are."""

_TEXT = "text"
_INTEGER = "integer"
_DECIMAL = "decimal"
_DATE = "date"


def of_column(column: Any, kind: str) -> Facts:
    """Sum up a column.

    Parameters
    ----------
    column
        A pyarrow array or chunked array.
    kind
        What its values are: text, integer, decimal or date.

    Returns
    -------
    dict
        ``kind``; ``values``, how many are not missing; and for text ``letters`` and ``zeros``
        (values with a leading zero), else ``sum`` (of dates: the days since 1970).
    """
    facts: Facts = {"kind": kind, "values": len(column) - column.null_count}
    if kind == _TEXT:
        facts["letters"] = pc.sum(pc.utf8_length(column)).as_py() or 0
        facts["zeros"] = pc.sum(pc.starts_with(column, "0")).as_py() or 0
    else:
        values = column if kind != _DATE else _days(column)
        facts["sum"] = pc.sum(values).as_py() or 0
    return facts


def of_table(columns: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Facts]:
    """Sum up columns by name."""
    return {name: of_column(column, kinds[name]) for name, column in columns.items()}


def merged(answers: Iterable[Mapping[str, Facts]]) -> dict[str, Facts]:
    """Add up the facts of tables that stand below each other."""
    total: dict[str, Facts] = {}
    for answer in answers:
        for name, facts in answer.items():
            known = total.setdefault(name, {"kind": facts["kind"]})
            for figure, value in facts.items():
                if figure != "kind":
                    known[figure] = known.get(figure, 0) + value
    return total


def faults(columns: Mapping[str, Any], expected: Mapping[str, Facts], rows: int) -> list[str]:
    """Say what is wrong with a table that was read.

    Parameters
    ----------
    columns
        pyarrow columns by name.
    expected
        What was written, by column.
    rows
        How many rows were written.

    Returns
    -------
    list of str
        One sentence each, empty where the table is right. A number may be of any numeric type,
        a date may be text; an identifier that is a number is wrong.
    """
    found: list[str] = []
    for name, facts in expected.items():
        if name not in columns:
            found.append(f"{name} is not there")
            continue
        column = columns[name]
        if len(column) != rows:
            return [f"{len(column):,} rows of {rows:,}"]
        found += _column_faults(name, column, facts)
    return found


def _column_faults(name: str, column: Any, facts: Facts) -> list[str]:
    if not _fits(column.type, facts["kind"]):
        lost = f", {facts['zeros']:,} lost a zero" if facts.get("zeros") else ""
        return [f"{name} is {column.type}, not {facts['kind']}{lost}"]
    seen = of_column(column, facts["kind"])
    if seen["values"] < facts["values"]:
        return [f"{name}: {facts['values'] - seen['values']:,} values are missing"]
    if seen["values"] > facts["values"]:
        return [f"{name}: {seen['values'] - facts['values']:,} missing values are not missing"]
    return [
        f"{name}: {figure} is {seen[figure]:,}, not {value:,}"
        for figure, value in facts.items()
        if figure != "kind" and not _same(seen[figure], value)
    ]


def _same(seen: float, expected: float) -> bool:
    # Sums of decimals depend on their order a little; those of whole numbers do not.
    return math.isclose(seen, expected, rel_tol=1e-9 if isinstance(expected, float) else 0)


def _fits(type_: pa.DataType, kind: str) -> bool:
    if kind == _TEXT:
        return _is_text(type_)
    if kind == _DATE:
        return _is_text(type_) or pa.types.is_temporal(type_)
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_))


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or _is_view(type_))


def _is_view(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string_view(type_))


def _days(column: Any) -> Any:
    if _is_text(column.type):
        column = pc.strptime(column, "%Y-%m-%d", "s")
    return column.cast(pa.date32()).cast(pa.int32())
