"""Ranges: wherever a file is cut, its ranges hold the rows of the file, and no others."""

from __future__ import annotations

import csv
import io
import zlib

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gio_pandas import DecodeError
from gio_pandas.exports.files import ChangedFileError, Part, Span
from gio_pandas.exports.job import ExportJob
from gio_pandas.exports.quotes import QuoteWatch
from gio_pandas.exports.ranges import (
    Ends,
    behind_break,
    cuts,
    data_start,
    joined,
    spans,
    watched,
)

from .ranged import RangedPlatform, ranged_job

CHARSETS = {"UTF-16LE": "utf-16-le", "UTF-8": "utf-8", "GBK": "gb18030"}
FIELDS = st.one_of(
    st.text(alphabet='a",\n\r用户😀਀Ċ\ufeff', max_size=6),
    st.sampled_from(["", "1", "-3", "4.5", "2021-04-13", "007", "北京\n\n\n", '""', "a\r\nb"]),
)
ROWS = st.lists(st.tuples(st.sampled_from(["u1", "\ufeffu2"]), FIELDS, FIELDS), max_size=12)


def table(rows: list[tuple[str, ...]], quoting: int, line_end: str) -> str:
    """Write rows under a header as Python's own CSV writer does."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting, lineterminator=line_end).writerows([("gio_id", "城市", "n")])
    csv.writer(text, quoting=quoting, lineterminator=line_end).writerows(rows)
    return text.getvalue()


def check_ranges(job: ExportJob, blocksize: int) -> None:
    """Hold the frame, partition by partition, against that of ``to_pandas``."""
    try:
        whole = job.to_pandas()
    except DecodeError:
        with pytest.raises(DecodeError):
            job.to_dask(blocksize=blocksize)
        return
    lazy = job.to_dask(blocksize=blocksize)
    parts = [lazy.get_partition(n).compute(scheduler="sync") for n in range(lazy.npartitions)]
    assert all(part.dtypes.equals(whole.dtypes) for part in [lazy._meta, *parts])
    assert lazy.divisions[:-1] == tuple(part.index[0] if len(whole) else None for part in parts)
    pd.testing.assert_frame_equal(pd.concat(parts), whole)


@settings(max_examples=150, deadline=None)
@given(
    rows=ROWS,
    charset=st.sampled_from(sorted(CHARSETS)),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    blocksize=st.integers(1, 60),
    mark=st.booleans(),
)
def test_ranges_hold_the_rows_of_the_file(
    rows: list[tuple[str, ...]],
    charset: str,
    quoting: int,
    line_end: str,
    blocksize: int,
    mark: bool,
) -> None:
    """Any table, any charset, cut anywhere: the rows, types and index that ``to_pandas`` gives."""
    text = table(rows, quoting, line_end)
    begin = "\ufeff" if mark and charset != "GBK" else ""
    body = (begin + text).encode(CHARSETS[charset])
    job, _ = ranged_job(body, charset=charset)
    check_ranges(job, blocksize)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='a",\n\r用', max_size=30), st.integers(1, 12))
@example('u,"1\nv,2\nw,3\n', 3)
@example('u,1\n"v"w,2\n', 2)
def test_what_is_no_table_as_a_whole_is_none_in_ranges(rows: str, blocksize: int) -> None:
    """Ranges neither forgive what ``to_pandas`` refuses, nor refuse what it reads."""
    job, _ = ranged_job(f"gio_id,n\n{rows}".encode())
    check_ranges(job, blocksize)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"gio_id,n\n" + b"u,1\n" * 20_000 + "v,用户\n".encode("gbk"), id="charset"),
        pytest.param(b"gio_id,n\r" + b"u,1\r" * 999, id="lone returns"),
        pytest.param("gio_id,n\nu,客戶\n".encode("big5"), id="another charset"),
        pytest.param(b"gio_id,n\nu," + b"1" * 200_000 + b"\n", id="a long row"),
    ],
)
def test_what_cannot_be_cut_is_read_as_a_whole(body: bytes) -> None:
    """A charset that turns out another one, line ends that are none, a row without an end."""
    job, _ = ranged_job(body, charset="Big5" if b"\xab\xc8" in body else "UTF-8")
    lazy = job.to_dask(blocksize=1_000)
    assert lazy.npartitions == 1
    pd.testing.assert_frame_equal(lazy.compute(scheduler="sync"), job.to_pandas())


def test_a_long_file_is_read_in_ranges() -> None:
    """Each byte of the rows is asked for once in each pass, beside a few to find the borders."""
    body = b"gio_id,n\n" + b"u,1\n" * 250_000
    job, platform = ranged_job(body)
    lazy = job.to_dask(blocksize=300_000)
    assert lazy.npartitions == 4
    platform.asked.clear()
    lazy.compute(scheduler="sync")
    assert sum((stop or 0) - start for start, stop in platform.asked) == len(body) - 9


def test_ranges_are_of_about_one_size() -> None:
    """A file of a little more than a block is two halves, not a block and a rest."""
    assert cuts(10, 210, 200, "utf-8") == []
    assert cuts(10, 212, 200, "utf-8") == [111]
    assert cuts(10, 1010, 200, "utf-8") == [210, 410, 610, 810]


def test_a_cut_is_no_half_of_a_letter_in_utf_16() -> None:
    """A cut is an even number of bytes away from where the rows begin."""
    assert all((place - 12) % 2 == 0 for place in cuts(12, 211, 15, "utf-16-le"))
    assert cuts(12, 20, 1, "utf-16-le") == [14, 16, 18]


@pytest.mark.parametrize(
    ("text", "charset", "found"),
    [
        ("ab\nc", "utf-8", 103),
        ("用\n", "gb18030", 103),
        ("ab", "utf-8", None),
        ("a\n", "utf-16-le", 104),
        ("a\n", "utf-16-be", 104),
        ("\u0a78\u6200\n", "utf-16-le", 106),  # 78 0a 00 62 0a 00
        ("\u6200\u0a78\n", "utf-16-be", 106),  # 62 00 0a 78 00 0a
    ],
)
def test_a_line_break_is_a_letter(text: str, charset: str, found: int | None) -> None:
    """The two bytes of one, across the halves of two letters, are none."""
    assert behind_break(text.encode(charset), 100, charset) == found


@pytest.mark.parametrize(
    ("header", "charset", "begin"),
    [
        ("a,用\n", "utf-8", 6),
        ("a,用\r\n", "utf-16-le", 10),
        ('a,"b\nc"\n', "utf-8", 8),
        ("a,用\n", "gb18030", 5),
        ("a,b\n", "gb18030", None),  # the rest may turn out UTF-8
        ("a,b\r", "utf-8", None),
        ("a,b\n", "big5", None),
    ],
)
def test_rows_begin_behind_the_header(header: str, charset: str, begin: int | None) -> None:
    """Where that cannot be told from the first bytes, the file is read as a whole."""
    first_bytes = (header + "1,2\n").encode(charset)
    assert data_start(first_bytes, header.encode(), charset) == begin


def test_borders_that_were_not_found_make_ranges_larger() -> None:
    """Nothing is lost or read twice between ranges."""
    assert spans(5, 50, [20, None, 20, 50, 30]) == [(5, 20), (20, 30), (30, 50)]
    assert spans(5, 50, []) == [(5, 50)]


@given(st.lists(st.text(alphabet='a",\n', max_size=8).map(lambda text: text + "\n"), max_size=6))
def test_ranges_that_begin_within_quotes_belong_to_those_before(texts: list[str]) -> None:
    """Each range's two ways of ending, strung together, tell what the whole stream tells."""
    ends, begins_within, whole = [], [], QuoteWatch()
    for text in texts:
        begins_within.append(whole.inside)
        whole.look(text.encode())
        watches = QuoteWatch(), QuoteWatch(inside=True)
        assert b"".join(watched(iter([text.encode()]), watches)) == text.encode()
        ends.append(Ends(*(watch.inside for watch in watches)))
    groups = joined(ends)
    starts = [number for number, within in enumerate(begins_within) if not within]
    assert [group.start for group in groups] == starts
    assert [group.stop for group in groups] == [*starts[1:], len(texts)][: len(starts)]


def span_of(platform: RangedPlatform, span: Span) -> bytes:
    """Download some bytes of the first file."""
    return b"".join(Part(platform, "/jobs/DES-1/用户_0.csv", span=span).chunks())


def test_some_bytes_of_a_file() -> None:
    """They are what was asked for, whether or not the platform can send them alone."""
    platform = RangedPlatform([b"0123456789"])
    part = Part(platform, "/jobs/DES-1/用户_0.csv", span=Span(stop=4))
    assert b"".join(part.chunks()) == b"0123"
    assert (part.partial, part.size) == (True, 10)
    assert span_of(platform, Span(4, 7, 10, part.validator)) == b"456"
    assert span_of(platform, Span(stop=99)) == b"0123456789"
    assert span_of(RangedPlatform([b"0123456789"], ranges=False), Span(stop=4)) == b"0123"


def test_a_transfer_of_some_bytes_is_taken_up_where_it_broke() -> None:
    """What is still missing is asked for, and no more."""
    platform = RangedPlatform([b"0123456789"], breaks=[2, 0, 1])
    known = Span(3, 9, 10, f'"{zlib.crc32(b"0123456789"):x}"')
    part = Part(platform, "/jobs/DES-1/用户_0.csv", sleep=lambda _: None, span=known)
    assert b"".join(part.chunks()) == b"345678"
    assert platform.asked == [(3, 9), (5, 9), (5, 9), (6, 9)]


@pytest.mark.parametrize("span", [Span(4, 7, 10, '"other"'), Span(0, 7, 9), Span(0, 7, 10, '"x"')])
def test_some_bytes_of_a_file_that_changed_are_an_error(span: Span) -> None:
    """Neither its validator nor its size may be another one."""
    with pytest.raises(ChangedFileError, match="changed on the platform"):
        span_of(RangedPlatform([b"0123456789"]), span)
