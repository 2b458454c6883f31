"""Broken tables are told from odd ones by their quotes, whatever pieces a stream comes in."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gio_pandas.exports.quotes import QuoteWatch

FIELDS = st.text(alphabet='a",\n\r用', max_size=5)
TABLES = st.lists(st.lists(FIELDS, min_size=2, max_size=3), max_size=5)
OWN_QUOTES = st.sampled_from(['5" pipe', 'a""b', 'x"', '用"户"'])


def is_broken(text: bytes, size: int) -> bool:
    """Watch a stream in pieces of a size."""
    watch = QuoteWatch()
    for start in range(0, len(text), size):
        watch.look(text[start : start + size])
    watch.look(b"\n")
    return watch.broken


def written(rows: list[list[str]], quoting: int, line_end: str) -> str:
    """Write a table as Python's own CSV writer does."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting, lineterminator=line_end).writerows(rows)
    return text.getvalue()


@given(
    TABLES,
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n"]),
    st.lists(OWN_QUOTES, max_size=2),
    st.integers(1, 9),
)
def test_what_a_csv_writer_writes_is_not_broken(
    rows: list[list[str]], quoting: int, line_end: str, own: list[str], size: int
) -> None:
    """Nor is a text's own quote in a field without quotes around it, before or between."""
    half = written(rows, quoting, line_end)
    text = half.join(["", *(f"1,{field}{line_end}" for field in own), ""])
    assert not is_broken(text.encode(), size)


@given(st.text(alphabet='a",\n', max_size=12), st.integers(1, 5))
def test_it_judges_as_the_csv_module_does(text: str, size: int) -> None:
    """A field that goes on behind its closing quote is refused by both, and nothing else."""
    try:
        list(csv.reader(io.StringIO(text + "\n", newline=""), strict=True))
        refused = False
    except csv.Error as error:
        refused = "expected after" in str(error)
    assert is_broken(text.encode() + b"\n", size) is refused


@pytest.mark.parametrize("size", [1, 2, 3, 64])
@pytest.mark.parametrize("text", [b'1,"b"x\n', b'1,"x\n2,"y\n', b'5"x,"b"x\n', b'"a" ,1\n'])
def test_a_field_that_goes_on_behind_its_closing_quote_is_broken(text: bytes, size: int) -> None:
    """Rows may have run into each other there."""
    assert is_broken(text, size)


def test_a_field_of_any_length_and_any_line_end_will_do() -> None:
    """Where a text has a quote of its own, long fields and lone returns are still fine."""
    assert not is_broken(b'1,5" pipe\r2,"' + b"x" * 300_000 + b'"\r', 1 << 16)
