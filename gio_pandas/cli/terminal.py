"""What a terminal shows of frames and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gio_pandas.errors import AmbiguousNameError, GioError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ANALYSES", "COLUMNS", "for_terminal", "size", "table", "told"]

ANALYSES = ("funnel", "event", "retention", "frequency")
_ANALYSIS_COLUMNS = ("id", "name", "chart_type", "creator", "updated_at")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "projects": ("id", "name", "owner", "members", "created_at"),
    "tags": ("id", "name", "key", "value_type", "users", "updated_at"),
    "segments": ("id", "name", "users", "scheduler", "creator", "updated_at"),
    "funnels": _ANALYSIS_COLUMNS,
    "events": _ANALYSIS_COLUMNS,
    "retentions": _ANALYSIS_COLUMNS,
    "frequencies": _ANALYSIS_COLUMNS,
}
"""What of a listing fits 100 columns of a terminal; ``--csv`` has all of it."""


def for_terminal(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Keep the columns that a person looks for; of times, the day here where the person is."""
    import pandas as pd

    frame = frame[list(COLUMNS[what])].copy()
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            frame[name] = frame[name].map(_local_day, na_action="ignore")
    return frame


def _local_day(moment: pd.Timestamp) -> str:
    return moment.to_pydatetime().astimezone().date().isoformat()


def table(frame: pd.DataFrame, *, index: bool = False) -> str:
    """Print a frame whole, with Chinese characters as wide as a terminal shows them."""
    import pandas as pd

    with pd.option_context("display.unicode.east_asian_width", True):
        return frame.to_string(index=index, na_rep="NaN" if index else "-")


def size(frame: pd.DataFrame) -> str:
    """Say how many rows and columns a frame has."""
    rows, columns = frame.shape
    return f"{rows:,} row{'s' * (rows != 1)} × {columns} column{'s' * (columns != 1)}"


def told(error: GioError) -> str:
    """Put an error and its notes into one line; the namesakes it lists go below, as a table."""
    line = " ".join(" ".join([*error.args, *getattr(error, "__notes__", ())]).split())
    line = f"{type(error).__name__}: {line}"
    if isinstance(error, AmbiguousNameError) and error.candidates:
        import pandas as pd

        line += f"\n{table(pd.DataFrame(list(error.candidates)))}"
    return line
