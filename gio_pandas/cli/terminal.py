"""What a terminal shows of frames and errors."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from gio_pandas.errors import AmbiguousNameError, GioError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "KINDS",
    "LISTINGS",
    "for_terminal",
    "in_commands",
    "show",
    "table",
    "told",
    "warnings_in_a_line",
]

KINDS = ("segment", "tag", "funnel", "event", "retention", "frequency")
"""What can be exported."""

LISTINGS = ("projects", "tags", "segments", "funnels", "events", "retentions", "frequencies")
"""What can be listed."""

_ANALYSIS_COLUMNS = ("id", "name", "chart_type", "creator", "updated_at")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "projects": ("id", "name", "owner", "members", "created_at"),
    "tags": ("id", "name", "key", "value_type", "users", "updated_at"),
    "segments": ("id", "name", "users", "scheduler", "creator", "updated_at"),
    "funnels": _ANALYSIS_COLUMNS,
    "events": _ANALYSIS_COLUMNS,
    "retentions": _ANALYSIS_COLUMNS,
    "frequencies": _ANALYSIS_COLUMNS,
    "jobs": ("submitted_at", "kind", "name", "stage", "rows", "id"),
    "results": ("submitted_at", "kind", "name", "rows", "bytes", "id"),
}
"""What of a listing fits 100 columns of a terminal; ``--csv`` has all of it."""


def show(frame: pd.DataFrame, what: str, *, as_csv: bool) -> None:
    """Print a listing: as a table of what a person looks for, or whole, as CSV."""
    if as_csv:
        # As bytes: CSV is UTF-8 whatever the console's own code page is.
        click.echo(frame.to_csv(index=False, lineterminator="\n").encode(), nl=False)
        return
    if len(frame):
        click.echo(table(for_terminal(frame, what)))
    count = f"{len(frame):,} {what}"
    click.echo(count if len(frame) != 1 else count.removesuffix("s"), err=True)


def for_terminal(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Keep the columns that a person looks for; times are those of the person's own clock."""
    import pandas as pd

    frame = frame[list(_COLUMNS[what])].copy()
    form = "%Y-%m-%d" if what in LISTINGS else "%Y-%m-%d %H:%M"
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            frame[name] = [
                moment.to_pydatetime().astimezone().strftime(form) if pd.notna(moment) else None
                for moment in frame[name]
            ]
    return frame


def table(frame: pd.DataFrame, *, index: bool = False) -> str:
    """Print a frame whole, with Chinese characters as wide as a terminal shows them."""
    import pandas as pd

    with pd.option_context("display.unicode.east_asian_width", True):
        return frame.to_string(index=index, na_rep="NaN" if index else "-")


def in_commands(message: str) -> str:
    """Say in commands what a message says in Python: how a job is had again, and listed."""
    message = re.sub(r"gio\.attach\('([^']*)'\)", r"gio-pandas attach \1 -o FILE", message)
    return message.replace("gio.jobs()", "gio-pandas jobs")


def told(error: GioError) -> str:
    """Put an error and its notes into one line; the namesakes it lists go below, as a table."""
    line = " ".join(" ".join([*error.args, *getattr(error, "__notes__", ())]).split())
    line = f"{type(error).__name__}: {in_commands(line)}"
    if isinstance(error, AmbiguousNameError) and error.candidates:
        import pandas as pd

        line += f"\n{table(pd.DataFrame(list(error.candidates)))}"
    return line


@contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Print warnings as a terminal's reader wants them, without the line of code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for warning in caught:
        click.echo(f"Warning: {warning.message}", err=True)
