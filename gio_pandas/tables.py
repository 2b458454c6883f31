"""Tables about tables: small frames of text, shown whole."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from html import escape
from numbers import Integral

import pandas as pd

from gio_pandas.titles import plain

__all__ = ["Table"]

_MOST_LETTERS = 100_000


class Table(pd.DataFrame):
    """A frame whose every cell is shown, where pandas would cut long ones and leave rows out.

    What is taken out of it is a plain ``DataFrame``. It takes what ``DataFrame`` takes.
    """

    def __repr__(self) -> str:
        lines = _cells(self)
        widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
        return "\n".join(_line(line, widths) for line in lines)

    def _repr_html_(self) -> str:
        from gio_pandas.notebook import theme

        style = f"{_CELL};border-bottom:1px solid {theme.BORDER}"
        head, *body = _cells(self)
        top = _row(["th"] * len(head), head, f"{style};color:{theme.MUTED};font-weight:normal")
        rows = [_row(["th", *["td"] * (len(head) - 1)], line, style) for line in body]
        return (
            f'<div class="gio-table" style="{theme.BASE}max-width:none;overflow-x:auto">'
            '<table style="border-collapse:collapse;font-size:inherit">'
            f"<thead>{top}</thead><tbody>{''.join(rows)}</tbody></table></div>"
        )


_CELL = (
    "padding:3px 16px 3px 0;text-align:left;vertical-align:top;white-space:pre-wrap;"
    "overflow-wrap:break-word;max-width:40em"
)


def _cells(frame: pd.DataFrame) -> list[list[str]]:
    """Write the labels and values of a frame; a table without columns has its labels."""
    columns = [frame.iloc[:, number] for number in range(len(frame.columns))]
    body = zip(map(str, frame.index), *columns, strict=True)
    head = ["", *map(_text, frame.columns)]
    return [head, *(list(map(_text, line)) for line in body)]


def _text(value: object) -> str:
    if isinstance(value, Integral):
        return f"{int(value):,}"
    return "–" if value is pd.NA or value is None else plain(str(value), _MOST_LETTERS)


def _line(cells: Sequence[str], widths: Iterable[int]) -> str:
    padded = (
        cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)
    )
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Count the places that a text takes on a terminal, where Chinese letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _row(tags: Iterable[str], cells: Iterable[str], style: str) -> str:
    written = "".join(
        f'<{tag} style="{style}">{escape(cell)}</{tag}>'
        for tag, cell in zip(tags, cells, strict=True)
    )
    return f"<tr>{written}</tr>"
