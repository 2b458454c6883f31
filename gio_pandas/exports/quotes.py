"""Quotes in a stream of CSV: whether each stands where a table keeps its shape."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["QuoteWatch"]

_QUOTE = ord('"')
_BORDERS = frozenset(b",\r\n")
_MAY_BORDER = np.zeros(256, dtype=bool)
_MAY_BORDER[[*_BORDERS, _QUOTE]] = True

_Letters = npt.NDArray[np.uint8]


class QuoteWatch:
    """Looks at every quote of a stream of CSV on its way to a parser that forgives too much.

    A quote opens a field where a comma or a line break stands before it, and is a text's own
    elsewhere. Within such a field quotes are doubled, and the one that closes it stands before a
    comma or a line break. Where a field goes on behind its closing quote, ``broken`` says so:
    rows may have run into each other.
    """

    def __init__(self) -> None:
        self.broken = False
        self._inside = False
        self._closed = False
        self._held = b"\n"

    def watch(self, stream: Iterator[bytes]) -> Iterator[bytes]:
        """Pass a stream of UTF-8 on, unchanged; it begins at a record's start."""
        for piece in stream:
            text = self._held + piece
            if b'"' in piece or len(self._held) > 1:
                self._look(np.frombuffer(text, dtype=np.uint8))
            else:
                self._closed = False
            # The last letter is what stands before the next; a quote there is judged then.
            self._held = text[-2:] if piece.endswith(b'"') else text[-1:]
            yield piece

    def _look(self, letters: _Letters) -> None:
        """Judge the quotes between the first letter and the last, which have no neighbours."""
        at = np.flatnonzero(letters[1:-1] == _QUOTE) + 1
        opening = (np.arange(len(at)) + self._inside) % 2 == 0
        neighbours = np.where(opening, letters[at - 1], letters[at + 1])
        # Behind a quote, one opens again what that one closed, unless it was a text's own.
        behind_own = letters[0] == _QUOTE and not self._closed
        if not behind_own and _MAY_BORDER[neighbours].all():
            self._inside ^= bool(len(at) % 2)
            closed_at = at[-1] if len(at) and not self._inside else -1
        else:
            closed_at = self._walk(letters, at.tolist())
        self._closed = closed_at == len(letters) - 2

    def _walk(self, letters: _Letters, at: list[int]) -> int:
        """Judge them one by one: some are a text's own, and do not open or close anything.

        Returns
        -------
        int
            Where a field was closed last; -1 where none was.
        """
        closed_at = 0 if self._closed else -1
        for position in at:
            if not self._inside:
                # A quote right behind a closing one was half of a doubled quote.
                doubled = closed_at == position - 1
                self._inside = doubled or int(letters[position - 1]) in _BORDERS
            else:
                following = int(letters[position + 1])
                self.broken |= following != _QUOTE and following not in _BORDERS
                self._inside, closed_at = False, position
        return closed_at
