"""Quotes in a stream of CSV: whether a table keeps its shape there, and where its rows end."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["QuoteWatch"]

_QUOTE = ord('"')
_BORDERS = frozenset(b",\r\n")
_MAY_BORDER = np.zeros(256, dtype=bool)
_MAY_BORDER[[*_BORDERS, _QUOTE]] = True

_Letters = npt.NDArray[np.uint8]
_Positions = npt.NDArray[np.intp]
_NOWHERE = np.empty(0, dtype=np.intp)


class QuoteWatch:
    """Looks at every quote of a stream of CSV on its way to a parser that forgives too much.

    A quote opens a field where a comma or a line break stands before it, and is a text's own
    elsewhere. Within such a field quotes are doubled, and the one that closes it stands before a
    comma or a line break. Where a field goes on behind its closing quote, ``broken`` says so:
    rows may have run into each other. ``inside`` says whether the stream, so far, ends within
    quotes.

    Parameters
    ----------
    inside
        Whether the stream begins, behind a line break, within quotes.
    """

    def __init__(self, inside: bool = False) -> None:
        self.broken = False
        self.inside = inside
        self._closed = False
        self._held = b"\n"

    def look(self, piece: bytes) -> int:
        """Judge the next piece of a stream of UTF-8, which begins at a record's start.

        Returns
        -------
        int
            How much of the piece is whole records: the place behind its last line break that is
            not within quotes, or 0.
        """
        before, was_inside = len(self._held), self.inside
        text, toggles = self._take(piece)
        return max(_last_border(text, toggles, was_inside) - before, 0)

    def follow(self, piece: bytes) -> None:
        """Judge the next piece, and do not look for whole records in it."""
        self._take(piece)

    def _take(self, piece: bytes) -> tuple[bytes, _Positions]:
        toggles = _NOWHERE
        text = self._held + piece
        if b'"' in piece or len(self._held) > 1:
            toggles = self._judge(np.frombuffer(text, dtype=np.uint8))
        else:
            self._closed = False
        # The last letter is what stands before the next; a quote there is judged then.
        self._held = text[-2:] if piece.endswith(b'"') else text[-1:]
        return text, toggles

    def _judge(self, letters: _Letters) -> _Positions:
        """Judge the quotes between the first letter and the last, which have no neighbours.

        Returns
        -------
        numpy.ndarray
            The positions at which quotes begin or end.
        """
        at = np.flatnonzero(letters[1:-1] == _QUOTE) + 1
        opening = (np.arange(len(at)) + self.inside) % 2 == 0
        neighbours = np.where(opening, letters[at - 1], letters[at + 1])
        # Behind a quote, one opens again what that one closed, unless it was a text's own.
        behind_own = letters[0] == _QUOTE and not self._closed
        if not behind_own and _MAY_BORDER[neighbours].all():
            self.inside ^= bool(len(at) % 2)
            closed_at = at[-1] if len(at) and not self.inside else -1
        else:
            at, closed_at = self._walk(letters, at.tolist())
        self._closed = closed_at == len(letters) - 2
        return at

    def _walk(self, letters: _Letters, at: list[int]) -> tuple[_Positions, int]:
        """Judge them one by one: some are a text's own, and do not open or close anything.

        Returns
        -------
        tuple
            Where quotes begin or end, and where a field was closed last; -1 where none was.
        """
        toggles = []
        closed_at = 0 if self._closed else -1
        for position in at:
            if not self.inside:
                # A quote right behind a closing one was half of a doubled quote.
                doubled = closed_at == position - 1
                self.inside = doubled or int(letters[position - 1]) in _BORDERS
                if not self.inside:
                    continue
            else:
                following = int(letters[position + 1])
                self.broken |= following != _QUOTE and following not in _BORDERS
                self.inside, closed_at = False, position
            toggles.append(position)
        return np.array(toggles, dtype=np.intp), closed_at


def _last_border(text: bytes, toggles: _Positions, was_inside: bool) -> int:
    """Find the place behind the last line break outside of quotes; 0 where there is none.

    A lone return ends a row too, but at the very end it may be half of a pair.
    """
    for line_break in (b"\n", b"\r"):
        end = len(text) - (line_break == b"\r")
        while (at := text.rfind(line_break, 0, end)) >= 0:
            passed = int(np.searchsorted(toggles, at))
            if (passed + was_inside) % 2 == 0:
                return at + 1
            # All is within quotes back to the one that opened them.
            end = int(toggles[passed - 1]) if passed else 0
    return 0
