"""What the caller asks of a chart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from gio_pandas.errors import SettingsError
from gio_pandas.plotting.columns import Column, Table

__all__ = ["Asked"]


@dataclass(frozen=True)
class Asked:
    """The columns that were named, and the title.

    Parameters
    ----------
    x, color
        A column's name each.
    y
        A column's name, or several.
    title
        In place of the name of what was exported.
    """

    x: Any = None
    y: Any = None
    color: Any = None
    title: str | None = None

    def column(self, table: Table, argument: Literal["x", "color"]) -> Column | None:
        """Give the column that an argument names; None where it was left out."""
        key = getattr(self, argument)
        return None if key is None else table.find(key, argument)

    def measures(self, table: Table) -> list[Column]:
        """Give the columns that ``y`` names, which hold numbers."""
        if self.y is None:
            return []
        keys = [self.y] if _is_one(self.y, table) else list(self.y)
        if not keys:
            raise SettingsError("y=[] names no column", hint="Leave it out, or name some.")
        found = [table.find(key, "y", "count", "number", "share") for key in keys]
        return list(dict.fromkeys(found))


def _is_one(key: Any, table: Table) -> bool:
    """Tell a column's name, which may be a tuple, from several."""
    if isinstance(key, tuple):
        return any(column.key == key for column in table.columns if isinstance(column.key, tuple))
    return isinstance(key, str) or not isinstance(key, Iterable)
