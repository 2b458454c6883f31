"""A stream of CSV, cut at its records: the header, then blocks of whole rows."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator

from gio_pandas.exports.quotes import QuoteWatch

__all__ = ["MalformedError", "blocks", "split_header"]

_LONGEST_HEADER = 1 << 20
_MOST_COLUMNS = 20_000
"""A platform gives at most 60 attributes; a table of each day of ten years has fewer, too."""

_LONGEST_RECORD = 1 << 27
_HEADER_PIECE = 1 << 16
# A quote opens a field at its start alone; behind a letter it is the name's own.
_RECORD = re.compile(rb'(?:"(?:[^"]++|"")*+"|[^",\r\n][^,\r\n]*+|,)*+(\r\n|\n|\r(?!\Z))')


class MalformedError(Exception):
    """The bytes are no table; the message says why."""


def split_header(stream: Iterator[bytes]) -> tuple[tuple[str, ...], Iterator[bytes]]:
    """Take the first record off a stream of UTF-8.

    Parameters
    ----------
    stream
        A file from its start, in pieces of any size.

    Returns
    -------
    tuple
        The names in the header; none where the file is empty. And the stream behind it.

    Raises
    ------
    MalformedError
        No header ends within a megabyte, it has more than 20,000 columns, or it is none.
    """
    seen = b""
    stream = _gathered(stream, _HEADER_PIECE)  # each piece is a look at all of it
    for piece in stream:
        seen += piece
        end = _record_end(seen)
        if end is None and len(seen) > _LONGEST_HEADER:
            raise MalformedError(f"no header line ends within {_LONGEST_HEADER:,} bytes")
        if end is not None:
            return _header(seen[:end]), itertools.chain([seen[end:]], stream)
    return _header(seen) if seen else (), iter(())


def _record_end(text: bytes) -> int | None:
    """Find where the first record ends: behind the first line break outside of quotes.

    A return at the very end may be half of a pair, and is not taken for one.
    """
    record = _RECORD.match(text)
    return record.end() if record else None


def _header(record: bytes) -> tuple[str, ...]:
    try:
        found = list(csv.reader(io.StringIO(record.decode(), newline=""), strict=True))
    except csv.Error as error:
        raise MalformedError(
            f"a quote in the header line is odd or never closed: {error}"
        ) from error
    if len(found) != 1 or not any(found[0]):
        raise MalformedError("its header line is blank")
    if len(found[0]) > _MOST_COLUMNS:
        raise MalformedError(
            f"its header line has {len(found[0]):,} columns, and no export more than "
            f"{_MOST_COLUMNS:,}"
        )
    return tuple(found[0])


def blocks(stream: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Cut a stream of UTF-8 where rows end, line breaks within quotes or not.

    Parameters
    ----------
    stream
        The rows, in pieces of any size.
    size
        About how many bytes a block has; a row is never cut.

    Yields
    ------
    bytes
        Whole rows; the last one may lack its line break.

    Raises
    ------
    MalformedError
        A quote stands where rows may have run into each other, is never closed, or a row has no
        end within 128 MB.
    """
    watch = QuoteWatch()
    held: list[bytes] = []
    for piece in _gathered(stream, size):
        end = watch.look(piece)
        _refuse_broken(watch)
        if end:
            yield b"".join([*held, memoryview(piece)[:end]])
            held = [piece[end:]]
        else:
            held.append(piece)
            _refuse_endless(held)
    # What the end of the file closes, a line break would close too.
    watch.look(b"\n")
    _refuse_broken(watch)
    if watch.inside:
        raise MalformedError("a quote is never closed")
    if rest := b"".join(held):
        yield rest


def _gathered(stream: Iterator[bytes], size: int) -> Iterator[bytes]:
    pieces: list[bytes] = []
    have = 0
    for piece in stream:
        pieces.append(piece)
        have += len(piece)
        if have >= size:
            yield b"".join(pieces)
            pieces, have = [], 0
    if have:
        yield b"".join(pieces)


def _refuse_broken(watch: QuoteWatch) -> None:
    if watch.broken:
        raise MalformedError("a field goes on behind its closing quote")


def _refuse_endless(held: list[bytes]) -> None:
    if sum(map(len, held)) > _LONGEST_RECORD:
        raise MalformedError(f"a row does not end within {_LONGEST_RECORD:,} bytes")
