"""Records: a stream is cut where rows end, and nowhere else."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gio_pandas.exports.quotes import QuoteWatch
from gio_pandas.exports.records import MalformedError, blocks, split_header

from .served import cut

TEXTS = st.text(alphabet='a",\n\r用', max_size=24)


def parsed(text: str) -> list[list[str]]:
    """Read rows as Python's own reader does, without blank lines."""
    return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]


def is_table(text: str) -> bool:
    """Say whether Python's own reader takes it."""
    try:
        parsed(text)
    except csv.Error:
        return False
    return True


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_a_border_stands_behind_a_line_break_outside_of_quotes(text: str) -> None:
    """Cut there, the halves have the rows of the whole, as Python's own reader sees them."""
    assume(is_table(text))
    body = text.encode()
    border = QuoteWatch().look(body)
    halves = body[:border].decode(), body[border:].decode()
    assert border == 0 or halves[0][-1] in "\r\n"
    assert parsed(halves[0]) + parsed(halves[1]) == parsed(text)


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.lists(st.integers(1, 9), min_size=1, max_size=3), st.integers(1, 20))
def test_blocks_are_whole_rows(text: str, sizes: list[int], size: int) -> None:
    """Whatever the chunks are, each block is rows, and all of them are the stream."""
    assume(is_table(text))
    found = list(blocks(cut(text.encode(), sizes), size))
    assert b"".join(found).decode() == text
    assert [row for block in found for row in parsed(block.decode())] == parsed(text)
    assert all(block[-1:] in (b"\n", b"\r") for block in found[:-1])


@settings(max_examples=300, deadline=None)
@given(TEXTS.filter(bool), st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_a_header_is_the_first_row(text: str, sizes: list[int]) -> None:
    """Its line may have quoted line breaks, and ends as Python's own reader sees it."""
    assume(is_table(text + "\n"))
    first = next(csv.reader(io.StringIO(text, newline="")), [])
    assume(any(first) and not any('"' in name and name[0] != '"' for name in first))
    assume(text.count('"') == 0 or all('"' not in name for name in first))
    names, rest = split_header(cut(text.encode(), sizes))
    assert names == tuple(first)
    assert [list(names), *parsed(b"".join(rest).decode())] == parsed(text)


def test_rows_with_many_line_breaks_are_cut_as_fast_as_others() -> None:
    """A long text of one value is looked through once, not once for each of its lines."""
    lines = b'"' + b"line\n" * 200_000 + b'"\n'
    assert [len(block) for block in blocks(iter([b"a\n", lines]), 1)] == [2, len(lines)]


def test_a_row_of_nothing_but_line_breaks_is_looked_through_once() -> None:
    """Within quotes none of them ends it, and none is looked at by itself."""
    body = b'"' + b"\n" * 20_000_000 + b'"\n1\n'
    assert [len(block) for block in blocks(cut(body, [1 << 16]), 1 << 22)] == [len(body)]


def test_a_header_in_many_pieces_is_not_looked_at_for_each() -> None:
    """A byte at a time costs no more than a few looks."""
    names, rest = split_header(cut(b"a" * 120_000 + b",b\n1,2\n", [1]))
    assert (len(names[0]), names[1:], b"".join(rest)) == (120_000, ("b",), b"1,2\n")


@pytest.mark.parametrize("width", [20_000, 20_001, 500_000])
def test_no_table_has_so_many_columns(width: int) -> None:
    """A header of twenty thousand names is one, and a longer one an error that counts them."""
    header = b"a" + b"," * (width - 1) + b"\n"
    if width == 20_000:
        assert len(split_header(iter([header]))[0]) == width
        return
    with pytest.raises(MalformedError, match=f"has {width:,} columns, and no export more than"):
        split_header(iter([header]))


@pytest.mark.parametrize("unit", [b"a", b",", b'"', b"'", b'",', b'"\n', "用".encode(), b'"a,""'])
def test_a_header_without_an_end_is_an_error(unit: bytes) -> None:
    """Whatever it is made of, no more than a megabyte of it is looked at."""
    taken = 0

    def stream() -> Iterator[bytes]:
        nonlocal taken
        piece = unit * ((1 << 16) // len(unit))
        first = b'"' + unit if unit in (b'"\n', b'"a,""') else unit
        yield first
        while True:
            taken += len(piece)
            yield piece

    with pytest.raises(MalformedError, match=r"no header line ends|odd or never closed|blank"):
        split_header(stream())
    assert taken <= 3 << 20


_PEAK = """
import resource, sys
from gio_pandas.exports.records import MalformedError, blocks

def stream():
    yield b'1,"'
    for _ in range(16_000):  # a gigabyte
        yield b"x,1\\n" * 16_384

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    list(blocks(stream(), 1 << 22))
except MalformedError as error:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10, error)
"""


def test_a_quote_that_is_never_closed_holds_no_whole_file() -> None:
    """A row ends within 128 MB, or the file is none: of a gigabyte no more than that is held."""
    pytest.importorskip("resource")
    command = [sys.executable, "-c", _PEAK]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    taken, _, words = found.partition(" ")
    assert "does not end within 134,217,728 bytes" in words
    assert int(taken) < 200


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'1,"2\n', "never closed"),
        (b'1,"2"x\n', "behind its closing quote"),
        (b'"1"\n"2"x', "behind its closing quote"),
        (b'1,"', "never closed"),
    ],
)
def test_what_is_no_table_is_refused(body: bytes, reason: str, size: int) -> None:
    """Wherever the chunks end."""
    with pytest.raises(MalformedError, match=reason):
        list(blocks(cut(body, [size]), 4))


def test_nothing_is_read_ahead_of_what_is_asked_for() -> None:
    """A block comes as soon as its bytes have."""
    asked: list[int] = []

    def stream() -> Iterator[bytes]:
        for number in range(5):
            asked.append(number)
            yield b"1,2\n"

    found = blocks(stream(), 4)
    assert (next(found), asked) == (b"1,2\n", [0])
