"""Quotes in odd places are seen, whatever the pieces are that a stream comes in."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gio_pandas.exports.quotes import QuoteWatch, check_strictly

FIELDS = st.text(alphabet='a",\n\r用', max_size=5)
TABLES = st.lists(st.lists(FIELDS, min_size=2, max_size=3), max_size=5)


def pieces(text: bytes, size: int) -> list[bytes]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def watched(text: bytes, size: int) -> QuoteWatch:
    watch = QuoteWatch()
    assert b"".join(watch.watch(iter(pieces(text, size)))) == text
    return watch


@given(
    TABLES,
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 9),
)
def test_what_a_csv_writer_writes_is_never_odd(
    rows: list[list[str]], quoting: int, line_end: str, size: int
) -> None:
    """Quotes around fields, doubled quotes and quoted line breaks are where they belong."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting, lineterminator=line_end).writerows(rows)
    assert not watched(text.getvalue().encode(), size).odd


@pytest.mark.parametrize("size", [1, 2, 3, 64])
@pytest.mark.parametrize(
    "text", [b'1,"b"x\n', b'1,"x\n2,"y\n', b'1,5"x\n', b'a"\n', b'"a" ,1\n', b'1,"a""\n,"b"\n']
)
def test_a_quote_in_an_odd_place_is_seen(text: bytes, size: int) -> None:
    """Before a closing quote's field goes on, or behind a field that began without one."""
    assert watched(text + b"\x1e\n", size).odd


@pytest.mark.parametrize("text", [b'1,"b"x\n', b'1,"x\n2,"y\n', b'1,"x'])
def test_a_broken_table_fails_the_strict_reading(text: bytes) -> None:
    """What goes on behind a closing quote, or never closes, is no CSV."""
    with pytest.raises(csv.Error):
        check_strictly(iter(pieces(text, 3)))


@pytest.mark.parametrize("text", [b'1,5"x\n', b'1,5"\n2,"a\nb"\n', '1,"用""户"\n'.encode()])
def test_a_texts_own_quotes_pass_the_strict_reading(text: bytes) -> None:
    """A quote within a field that has none around it is a text's own."""
    check_strictly(iter(pieces(text, 1 << 16)))
