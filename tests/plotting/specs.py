"""Frames as ``gio.read_…`` gives them, and what stands in a chart's specification."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from gio_pandas import plotting


def frame(kind: str, columns: Mapping[str, Sequence[Any]], name: str = "图1") -> pd.DataFrame:
    """Make a frame of a kind."""
    made = pd.DataFrame(columns)
    made.attrs["gio"] = {"kind": kind, "name": name}
    return made


def days(count: int, first: str = "2026-06-01") -> list[pd.Timestamp]:
    """Give days in a row."""
    return list(pd.date_range(first, periods=count))


def spec(made: pd.DataFrame, **asked: Any) -> dict[str, Any]:
    """Draw a frame, as it is sent to a browser."""
    found = plotting.chart(made, **asked).to_dict()
    found: dict[str, Any] = json.loads(json.dumps(found, allow_nan=False))
    return found


def views(part: Any) -> Iterator[dict[str, Any]]:
    """Give every view of a specification, the outer ones first."""
    if isinstance(part, dict):
        if "mark" in part:
            yield part
        for inner in part.values():
            yield from views(inner)
    if isinstance(part, list):
        for inner in part:
            yield from views(inner)


def marks(found: dict[str, Any]) -> list[str]:
    """Say what is drawn."""
    return [view["mark"]["type"] for view in views(found)]


def rows(found: Any, **having: Any) -> list[dict[str, Any]]:
    """Give all rows that are drawn, or those that have some values."""
    if isinstance(found, dict):
        own = found["data"]["values"] if "values" in found.get("data", {}) else []
        inner = [row for part in found.values() for row in rows(part)]
        every = [*own, *inner] if "mark" in found or "layer" in found or own else inner
        return [row for row in every if all(row.get(k) == v for k, v in having.items())]
    return [row for part in found for row in rows(part)] if isinstance(found, list) else []


def values(found: Any, field: str, **having: Any) -> list[Any]:
    """Give one field of the rows that are drawn."""
    return [row[field] for row in rows(found, **having) if field in row]


def encoding(found: dict[str, Any], channel: str, mark: str) -> dict[str, Any]:
    """Give what the first view of a mark does with a channel."""
    drawn = next(view for view in views(found) if view["mark"]["type"] == mark)
    encoded: dict[str, Any] = drawn["encoding"][channel]
    return encoded


def subtitle(found: dict[str, Any]) -> str:
    """Give what is said below the title."""
    title = found["title"]
    return " · ".join(title["subtitle"]) if isinstance(title, dict) else ""
