"""What is seen of a frame: its first rows, and its dtypes."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

from gio_pandas.notebook import theme

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["preview"]

_COLUMNS = 8
_LETTERS = 40
_CELL = (
    "padding:3px 12px 3px 0;text-align:left;white-space:nowrap;"
    f"border-bottom:1px solid {theme.BORDER}"
)
_MUTED = f"color:{theme.MUTED};font-weight:normal"


def preview(frame: pd.DataFrame, rows: int = 5) -> str:
    """Write the beginning of a frame as HTML.

    Parameters
    ----------
    frame
        Of which the first columns are shown, each with its dtype.
    rows
        How many are shown.
    """
    shown = frame.iloc[:rows, :_COLUMNS]
    heads = [
        f'{escape(_short(name))}<div style="{_MUTED}">{escape(str(dtype))}</div>'
        for name, dtype in zip(shown.columns, shown.dtypes, strict=True)
    ]
    more = len(frame.columns) - len(heads)
    if more > 0:
        heads.append(f'<span style="{_MUTED}">and {more:,} more</span>')
    body = "".join(_row("td", map(_cell, line)) for line in shown.itertuples(index=False))
    return (
        f'<div class="gio-preview" style="{theme.BASE}overflow-x:auto" role="region" tabindex="0" '
        'aria-label="First rows"><table style="border-collapse:collapse;font-size:inherit">'
        f"<thead>{_row('th', heads)}</thead><tbody>{body}</tbody></table></div>"
    )


def _row(tag: str, cells: Iterable[str]) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    written = "".join(f'<{tag}{scope} style="{_CELL}">{cell}</{tag}>' for cell in cells)
    return f"<tr>{written}</tr>"


def _cell(value: Any) -> str:
    import pandas as pd

    is_missing = value is None or value is pd.NA or value is pd.NaT
    if is_missing or (isinstance(value, float) and value != value):
        return f'<span style="color:{theme.MUTED}">–</span>'
    return escape(_short(value))


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
