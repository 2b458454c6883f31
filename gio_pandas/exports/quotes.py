"""Quotes that stand where no CSV writer puts one: the sign of a table that lost its shape."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import numpy as np

__all__ = ["QuoteWatch", "check_strictly"]

_QUOTE = ord('"')
_BORDERS = np.zeros(256, dtype=bool)
_BORDERS[list(b',\r\n"')] = True


class QuoteWatch:
    """Looks at every quote of a stream of CSV on its way to a parser that forgives too much.

    A quote that opens a field stands behind a comma or a line break, one that closes it before
    one, and within a field quotes are doubled. ``odd`` says whether one stood elsewhere: then
    rows may have run into each other, and the file has to be read strictly.
    """

    def __init__(self) -> None:
        self.odd = False
        self._inside = 0
        self._held = b"\n"

    def watch(self, stream: Iterator[bytes]) -> Iterator[bytes]:
        """Pass a stream of UTF-8 on, unchanged; it begins at a record's start."""
        for piece in stream:
            if b'"' in piece or len(self._held) > 1:
                self._look(self._held + piece)
            self._held = _tail(self._held + piece if len(piece) < 2 else piece)
            yield piece

    def _look(self, text: bytes) -> None:
        """Judge the quotes between the first byte, which was judged before, and the last."""
        letters = np.frombuffer(text, dtype=np.uint8)
        at = np.flatnonzero(letters[1:-1] == _QUOTE) + 1
        opening = (np.arange(len(at)) + self._inside) % 2 == 0
        fine = _BORDERS[np.where(opening, letters[at - 1], letters[at + 1])]
        self.odd = self.odd or not bool(fine.all())
        self._inside = (self._inside + len(at)) % 2


def _tail(text: bytes) -> bytes:
    """Keep what the next look needs: the last byte, and a quote there that is not judged yet."""
    return text[-2:] if text.endswith(b'"') else text[-1:]


def check_strictly(stream: Iterator[bytes]) -> None:
    """Read a stream of UTF-8 as CSV to the letter.

    Raises
    ------
    csv.Error
        A field goes on behind its closing quote, or a quote is never closed.
    """
    for _ in csv.reader(_lines(stream), strict=True):
        pass


def _lines(stream: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for piece in stream:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.decode() + "\n"
    if rest:
        yield rest.decode()
