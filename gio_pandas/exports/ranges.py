"""Byte ranges of a file: where it is cut, and which of the cuts fell into a quoted text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from gio_pandas.exports.quotes import QuoteWatch

__all__ = ["Ends", "behind_break", "cuts", "data_start", "joined", "spans", "watched"]

# A line break that no other letter has a byte of, as it is found without reading what is before.
_BREAKS = {"utf-8": b"\n", "gb18030": b"\n", "utf-16-le": b"\n\0", "utf-16-be": b"\0\n"}


class Ends(NamedTuple):
    """Whether a range ends within quotes.

    Parameters
    ----------
    from_outside, from_inside
        Where it begins outside of quotes, and where it begins within.
    """

    from_outside: bool
    from_inside: bool


def data_start(first_bytes: bytes, header: bytes, charset: str) -> int | None:
    """Say at which byte of a file its rows begin; None where it cannot be read in ranges.

    Parameters
    ----------
    first_bytes
        How the file begins.
    header
        The header's line in UTF-8, its line break too.
    charset
        What the file is written in, as far as its first bytes tell.
    """
    # ASCII that is taken for GB18030 may turn out UTF-8: that shows in the file as a whole.
    is_doubtful = charset == "gb18030" and first_bytes.isascii()
    if charset not in _BREAKS or is_doubtful or not header.endswith(b"\n"):
        return None
    place: int | None = 0
    for _ in range(header.count(b"\n")):
        if place is not None:
            place = behind_break(first_bytes[place:], place, charset)
    return place


def behind_break(window: bytes, offset: int, charset: str) -> int | None:
    """Find the byte behind the first line break in some of a file's bytes.

    Parameters
    ----------
    window
        The bytes.
    offset
        Where in the file they begin: at a letter's first byte, or within a letter that has no
        byte of a line break.
    charset
        What they are written in.
    """
    mark = _BREAKS[charset]
    at = window.find(mark)
    while at % len(mark) and at >= 0:
        at = window.find(mark, at + 1)
    return None if at < 0 else offset + at + len(mark)


def cuts(begin: int, end: int, blocksize: int, charset: str) -> list[int]:
    """Say near which bytes to cut a file's rows, so that the ranges are of about one size.

    Parameters
    ----------
    begin, end
        Where the rows begin and end.
    blocksize
        How many bytes a range has, at most, if a row ends in the right place.
    charset
        What they are written in.
    """
    width = len(_BREAKS[charset])
    count = -(-(end - begin) // blocksize)
    places = [begin + (end - begin) * number // count for number in range(1, count)]
    return sorted({place - (place - begin) % width for place in places} - {begin})


def spans(begin: int, end: int, borders: Iterable[int | None]) -> list[tuple[int, int]]:
    """Give the ranges between borders; None is a border that was not found."""
    inner = {border for border in borders if border is not None and begin < border < end}
    places = [begin, *sorted(inner), end]
    return list(pairwise(places))


def joined(ends: Sequence[Ends]) -> list[slice]:
    """Say which ranges of a file belong together: those that a quoted text goes on over.

    Parameters
    ----------
    ends
        How each range ends. The first one begins outside of quotes.
    """
    groups: list[slice] = []
    inside = False
    for number, end in enumerate(ends):
        first = groups.pop().start if inside else number
        groups.append(slice(first, number + 1))
        inside = end.from_inside if inside else end.from_outside
    return groups


def watched(text: Iterator[bytes], watches: Sequence[QuoteWatch]) -> Iterator[bytes]:
    """Let watches follow a stream of UTF-8 on its way."""
    for piece in text:
        for watch in watches:
            watch.follow(piece)
        yield piece
