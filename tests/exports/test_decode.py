"""Decoding: every character that was written, or an error that names the file."""

from __future__ import annotations

import codecs
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gio_pandas import DecodeError, DownloadError
from gio_pandas.exports import charset as charsets
from gio_pandas.exports.charset import candidates, codec_name

from .text import TextTable, read_text

CHARSETS = ("UTF-16LE", "UTF-8", "GBK", "GB18030", "UTF-16BE")
HEADER = "gio_id,城市\n"


@dataclass(frozen=True)
class Bytes:
    """A file whose bytes come in chunks of these sizes, in turn; ``fails`` breaks it in the end."""

    body: bytes
    sizes: tuple[int, ...] = (1 << 16,)
    fails: bool = False
    uri: str = "/jobs/results/DES-1/用户.csv"
    name: str = "用户.csv"
    position: int = 0

    def chunks(self) -> Iterator[bytes]:
        """Give the bytes."""
        position = 0
        for size in cycle(self.sizes):
            if position >= len(self.body):
                break
            yield self.body[position : position + size]
            position += size
        if self.fails:
            raise DownloadError("it broke off", hint="read it again", file=self.uri)


def read(body: bytes, charset: str = "UTF-8", **how: object) -> TextTable:
    """Read a file of these bytes."""
    return read_text(Bytes(body, **how), charset)  # type: ignore[arg-type]


def rows(table: TextTable) -> list[list[str | None]]:
    """List a table's rows."""
    columns = [column.to_pylist() for column in table.data.columns]
    return [list(row) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize(
    ("charset", "expected"),
    [
        ("UTF-16LE", "utf-16-le"),
        ("utf_16_le", "utf-16-le"),
        ("UTF-16", "utf-16-le"),
        ("UTF-8", "utf-8"),
        ("GBK", "gb18030"),
        ("GB2312", "gb18030"),
        ("GB18030", "gb18030"),
        ("BIG5", "big5"),
    ],
)
def test_a_charset_is_read_by_the_codec_that_knows_most(charset: str, expected: str) -> None:
    """GBK files hold letters that Python's GBK lacks; UTF-16 without a mark is little-endian."""
    assert codec_name(charset) == expected


MIXED = "gio_id,城市\n1,北京\n"


@pytest.mark.parametrize(
    ("head", "asked", "expected"),
    [
        (codecs.BOM_UTF8 + b"a,b\n", "UTF-16LE", ("utf-8",)),
        (codecs.BOM_UTF16_LE + "a\n".encode("utf-16-le"), "UTF-8", ("utf-16-le",)),
        (codecs.BOM_UTF16_BE + "a\n".encode("utf-16-be"), "UTF-8", ("utf-16-be",)),
        (codecs.BOM_UTF32_LE + "a\n".encode("utf-32-le"), "UTF-8", ("utf-32-le",)),
        (codecs.BOM_UTF32_BE + "a\n".encode("utf-32-be"), "UTF-8", ("utf-32-be",)),
        (MIXED.encode("utf-16-le"), "UTF-16LE", ("utf-16-le",)),
        (MIXED.encode("utf-16-le"), "UTF-8", ("utf-16-le",)),
        (MIXED.encode("utf-16-le"), "GBK", ("utf-16-le",)),
        (MIXED.encode(), "UTF-16LE", ("utf-8",)),
        (MIXED.encode(), "UTF-8", ("utf-8",)),
        (MIXED.encode(), "GBK", ("utf-8",)),
        (MIXED.encode("gbk"), "UTF-16LE", ("gb18030",)),
        (MIXED.encode("gbk"), "UTF-8", ("gb18030",)),
        (MIXED.encode("gbk"), "GBK", ("gb18030",)),
        (MIXED.encode("utf-16-be"), "UTF-16BE", ("utf-16-be",)),
        (MIXED.encode("utf-16-be"), "UTF-16LE", ()),
        (b"ab\n1\n", "UTF-16LE", ("utf-8", "gb18030")),
        (b"gio_id", "UTF-16LE", ("utf-8", "gb18030")),
        ("gio_id".encode("utf-16-le"), "UTF-16LE", ("utf-16-le",)),
        ("用户ID,性别,等级".encode("gbk"), "UTF-16LE", ("gb18030",)),
        ("用户ID".encode("gbk"), "UTF-16LE", ("gb18030",)),
        ('"用户","性别"'.encode("gbk"), "UTF-16LE", ("gb18030",)),
        ("会员等级".encode("utf-16-le"), "UTF-16LE", ("utf-16-le", "gb18030")),
        (b"\xff\xff\xff\xff\n", "UTF-8", ()),
    ],
)
def test_what_a_file_may_be_written_in(head: bytes, asked: str, expected: tuple[str, ...]) -> None:
    """A mark wins, then what was asked for, then the usual ones; each only if the bytes fit."""
    assert candidates(head, asked) == expected


def test_a_head_that_ends_inside_a_character_still_fits() -> None:
    """The first bytes of a file may end anywhere."""
    whole = MIXED.encode()
    assert all("utf-8" in candidates(whole[:end], "UTF-8") for end in range(1, len(whole)))


@pytest.mark.parametrize("asked", ["UTF-16LE", "UTF-8"])
@pytest.mark.parametrize(
    ("written", "mark"),
    [
        ("UTF-8", ""),
        ("UTF-8", "\ufeff"),
        ("UTF-16LE", ""),
        ("UTF-16LE", "\ufeff"),
        ("UTF-16BE", "\ufeff"),
        ("GB18030", ""),
    ],
)
def test_the_platform_may_write_another_charset(written: str, mark: str, asked: str) -> None:
    """A file is read as what it is, and the table says what that was."""
    table = read((mark + HEADER + "1,𠮷野家😀\n").encode(written), asked)
    assert table.names == ("gio_id", "城市")
    assert rows(table) == [["1", "𠮷野家😀"]]
    assert table.charset == codec_name(written)


@pytest.mark.parametrize("charset", ["UTF-8", "UTF-16LE"])
def test_a_mark_inside_of_a_text_is_a_letter(charset: str) -> None:
    """One mark at the very beginning is dropped, no other."""
    text = "\ufeffa,b\n\ufeff1,x\ufeffy\n\ufeff2,\n"
    expected = [["\ufeff1", "x\ufeffy"], ["\ufeff2", None]]
    assert rows(read(text.encode(charset), charset)) == expected


LETTERS = st.one_of(
    st.characters(codec="utf-8", exclude_characters="\0"),
    st.characters(min_codepoint=0x10000, max_codepoint=0x10FFFF),
    st.sampled_from(',"\r\n\ufeff\u2028\x85\x1e 会😀𠮷'),
)
FIELDS = st.text(LETTERS, max_size=8)
NAMES = st.text(LETTERS, min_size=1, max_size=5)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Draw a header and rows of one width."""
    width = draw(st.integers(1, 4))
    header = draw(st.lists(NAMES, min_size=width, max_size=width))
    body = draw(st.lists(st.lists(FIELDS, min_size=width, max_size=width), max_size=6))
    return [header, *body]


def written(table: list[list[str]], quoting: str, newline: str, *, last: bool) -> str:
    """Write CSV: all quoted, what needs it, or every other field."""
    number = 0

    def field(value: str) -> str:
        nonlocal number
        number += 1
        needs = any(sign in value for sign in ',"\r\n')
        if needs or quoting == "all" or (quoting == "some" and number % 2):
            return '"' + value.replace('"', '""') + '"'
        return value

    text = newline.join(",".join(map(field, row)) for row in table)
    return text + (newline if last else "")


@settings(max_examples=300, deadline=None)
@given(
    table=tables(),
    charset=st.sampled_from(CHARSETS),
    bom=st.booleans(),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4).map(tuple),
    quoting=st.sampled_from(["all", "needed", "some"]),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    last=st.booleans(),
    block=st.sampled_from([1, 2, 3, 5, 8, 13, 40, 1 << 20]),
)
def test_what_was_written_is_what_is_read(
    table: list[list[str]],
    charset: str,
    bom: bool,
    sizes: tuple[int, ...],
    quoting: str,
    newline: str,
    last: bool,
    block: int,
) -> None:
    """Charset, mark, quotes, line ends, chunks and blocks never change a character or a row."""
    # A header alone, without a line break, may be of any charset; so may bytes without ASCII.
    assume(last or len(table) > 1)
    assume(not table[0][0].startswith("\ufeff"))
    assume(last or table[-1] != [""])  # a last blank line without its end is no row
    text = written(table, quoting, newline, last=last)
    marked = bom and charset.startswith("UTF")
    codec = codec_name(charset)
    body = (("\ufeff" if marked else "") + text).encode(codec)
    found = read_text(Bytes(body, sizes), charset, block=block)  # type: ignore[arg-type]
    assert found.charset == codec
    assert list(found.names) == table[0]
    body = [[value or None for value in row] for row in table[1:]]
    assert rows(found) == body


@pytest.mark.parametrize("size", range(1, 24))
@pytest.mark.parametrize("charset", ["UTF-8", "UTF-16LE", "GB18030"])
def test_no_character_is_lost_at_a_chunks_edge(charset: str, size: int) -> None:
    """Chunks may end inside of any character, and of any pair of surrogates."""
    body = (HEADER + "1,𠮷野家😀\n" * 9).encode(charset)
    found = read(body, charset, sizes=(size,))
    assert rows(found) == [["1", "𠮷野家😀"]] * 9


def test_no_character_is_lost_at_the_edge_of_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk of any length is transcoded in pieces that may end inside of a character, too."""
    monkeypatch.setattr(charsets, "CHUNK", 7)
    body = (HEADER + "1,𠮷野家😀\n" * 50).encode("utf-16-le")
    assert rows(read(body, "UTF-16LE")) == [["1", "𠮷野家😀"]] * 50


def test_a_long_file_keeps_every_row() -> None:
    """Several of Arrow's blocks, with line breaks and quotes inside of fields at every edge."""
    body = "gio_id,备注\n" + "".join(f'{n},"第 {n} 行\n""完"""\n' for n in range(300_000))
    found = read(body.encode("utf-16-le"), "UTF-16LE")
    assert found.data.num_rows == 300_000
    assert found.data.column(0).to_pylist() == [str(n) for n in range(300_000)]
    assert found.data.column(1)[299_999].as_py() == '第 299999 行\n"完"'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a,b\n1,\n,2\n,\n", [["1", None], [None, "2"], [None, None]]),
        ('a,b\n"",x\n', [[None, "x"]]),
        ("a,b\n\n1,2\n\n", [["1", "2"]]),
        ("a\n\n1\n\n", [[None], ["1"], [None]]),
        ('a\n""\n', [[None]]),
        ("a,b\nNA,null\nNone,nan\n", [["NA", "null"], ["None", "nan"]]),
        ("a,b\n 1 ,\t\n", [[" 1 ", "\t"]]),
        ('a,b\n1,5" pipe\n', [["1", '5" pipe']]),
        ('a,b\n1,"a""b"\n', [["1", 'a"b']]),
        ("a,b\n1,#x\n", [["1", "#x"]]),
        ("a,b\n1,\\\n", [["1", "\\"]]),
        ("a,b\n1,\x1e\n\x1e,\x1e\n", [["1", "\x1e"], ["\x1e", "\x1e"]]),
    ],
)
def test_a_field_is_what_stands_between_the_commas(
    body: str, expected: list[list[str | None]]
) -> None:
    """An empty field is missing, no word is; blanks stay; a blank line is a row of one column."""
    assert rows(read(body.encode())) == expected


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("gio_id\n", ("gio_id",)),
        ("gio_id", ("gio_id",)),
        ("gio_id\r", ("gio_id",)),
        ("gio_id,城市\r\n", ("gio_id", "城市")),
        ('"gio_id","a,b","c""d","e\nf"\n', ("gio_id", "a,b", 'c"d', "e\nf")),
        ("日期,日期\n", ("日期", "日期")),
        ("a,,b\n", ("a", "", "b")),
        (" a ,b\n", (" a ", "b")),
        ('a,5" x\n', ("a", '5" x')),
        ('id,5" x,"a ""b"\r\n', ("id", '5" x', 'a "b')),
    ],
)
def test_a_header_alone_is_a_table_without_rows(body: str, names: tuple[str, ...]) -> None:
    """A group without users has its columns, as they were written."""
    found = read(body.encode())
    assert found.names == names
    assert (found.data.num_rows, found.data.num_columns) == (0, len(names))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is empty"),
        (codecs.BOM_UTF8, "is empty"),
        (b"\r\n", "blank"),
        (b"\n1\n2\n", "blank"),
        (b",,\n", "blank"),
        (b"\n" * 100_000, "blank"),
        (b"\r" * 100_000, "blank"),
        (codecs.BOM_UTF16_LE, "is empty"),
        (b'"', "quote"),
        (b'""', "blank"),
        (b'"' * 3, "quote"),
        (b'"' * 100_001, "quote"),
        (b"a,b\n1\n", "columns"),
        (b"a,b\n1,2,3\n", "columns"),
        (b'a,b\n1,"2\n', "quote|columns"),
        (b'a\n1\n"2\n3\n', "quote"),
        (b'a,"b\n1,2\n', "quote"),
        (b'a,"' + b"x" * 200_000 + b'"\n1,2\n', "header"),
        (b'a,"' + b"1,2\n" * 400_000, "header"),
    ],
)
def test_what_is_not_a_table_is_an_error_that_names_the_file(body: bytes, reason: str) -> None:
    """A short, long or swallowed row, or no header, is an error, never a part of a table."""
    with pytest.raises(DecodeError, match=rf"^'用户.csv' .*({reason})") as caught:
        read(body)
    assert caught.value.file == "/jobs/results/DES-1/用户.csv"
    assert caught.value.hint


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_what_follows_a_closing_quote_is_malformed(size: int) -> None:
    """``"b"x`` is no field of any CSV, wherever the chunks end."""
    with pytest.raises(DecodeError, match=r"用户.csv"):
        read(b'a,b\n1,"b"x\n', sizes=(size,))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('a,b\n1,5" pipe\n2,' + "x" * 200_000 + "\n", [["1", '5" pipe'], ["2", "x" * 200_000]]),
        ('a,b\r1,5" pipe\r2,3\r', [["1", '5" pipe'], ["2", "3"]]),
    ],
    ids=["long-field", "returns-alone"],
)
def test_a_quote_of_the_texts_own_harms_nobody(body: str, expected: list[list[str]]) -> None:
    """A quote inside of a bare field is a letter, whatever else the file has."""
    assert rows(read(body.encode())) == expected


def test_a_quote_that_is_never_closed_is_found_at_once() -> None:
    """A stray quote in the header costs no more than reading on to the longest header."""
    began = time.monotonic()
    with pytest.raises(DecodeError):
        read(b'gio_id,"na\n' + b"12345678\n" * 110_000)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("charset", ["UTF-8", "UTF-16LE"])
@pytest.mark.parametrize("lines", [1, 30_000])
def test_bytes_of_no_charset_are_an_error_with_their_place(charset: str, lines: int) -> None:
    """The error has the file, the offset of the first bad byte and what was tried."""
    good = (HEADER + "1,2\n" * lines).encode(charset)
    bad = b"\xff\xff\xff" if charset == "UTF-8" else b"\x00\xd8\x00\x00"
    with pytest.raises(DecodeError, match=r"utf-16-le.*utf-8|utf-8.*utf-16-le") as caught:
        read(good + bad + "\n".encode(charset), charset, sizes=(1000,))
    assert caught.value.offset == len(good)
    assert f"{len(good):,}" in str(caught.value)
    assert caught.value.file == "/jobs/results/DES-1/用户.csv"


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_half_a_character_at_the_end_is_an_error(cut: int) -> None:
    """A file that ends inside of a character did not come whole."""
    body = (HEADER + "1,😀").encode("utf-16-le")[:-cut]
    with pytest.raises(DecodeError):
        read(body, "UTF-16LE")


def test_a_late_byte_of_another_charset_begins_the_file_again() -> None:
    """What fits at first and not later is read from its start as the next charset."""
    body = b"gio_id,x\n" + b"1,2\n" * 40_000 + "3,会员\n".encode("gbk")
    found = read(body, "UTF-8")
    assert found.charset == "gb18030"
    assert found.data.num_rows == 40_001
    assert rows(found)[-1] == ["3", "会员"]


@pytest.mark.parametrize("lines", [1, 40_000])
def test_a_download_that_fails_is_that_error(lines: int) -> None:
    """Whatever breaks below, in Arrow's own threads too, comes out as it was."""
    with pytest.raises(DownloadError, match="it broke off"):
        read(b"a,b\n" + b"1,2\n" * lines, fails=True)


@pytest.mark.parametrize("before", ["", "a,b\n" * 40_000], ids=["at once", "after much ASCII"])
def test_chinese_in_utf8_is_never_taken_for_the_gbk_asked_for(before: str) -> None:
    """GBK reads 北京 in UTF-8 as other letters, without an error: the platform chose UTF-8."""
    found = read(f"a,b\n{before}1,北京\n".encode(), charset="GBK")
    assert found.charset == "utf-8"
    assert found.data.column(1)[-1].as_py() == "北京"


@pytest.mark.parametrize("word", ["一", "联通", "北京", "鍖椾"])
def test_short_gbk_stays_gbk(word: str) -> None:
    """Two letters of GBK may look like one of UTF-8, but not like Chinese in UTF-8."""
    found = read(f"a,b\n1,{word}\n".encode("gbk"), charset="GBK")
    assert found.data.column(1)[-1].as_py() == word


@pytest.mark.parametrize("before", [0, 100, 40_000])
@pytest.mark.parametrize("asked", ["UTF-8", "UTF-16LE", "GBK"])
def test_a_nul_is_a_letter(asked: str, before: int) -> None:
    """It stays where it was, at a file's start or far into it, and is no sign of UTF-16."""
    body = "gio_id,城\0市\n" + "12345,北京\n" * before + "1,x\0y\n2,\0\n" + "3,上海\n" * 9
    found = read(body.encode(), asked)
    assert (found.charset, found.names) == ("utf-8", ("gio_id", "城\0市"))
    assert rows(found)[before : before + 3] == [["1", "x\0y"], ["2", "\0"], ["3", "上海"]]


def test_a_nul_in_utf16_is_a_letter() -> None:
    """Beside the NULs that every letter of ASCII has there."""
    found = read("a,b\n1,x\0y\n".encode("utf-16-le"), "UTF-16LE")
    assert rows(found) == [["1", "x\0y"]]


@pytest.mark.parametrize(
    "text", ["gio_id,上海\n", "上海,下\n中,上\n", "上海\n", "a\n" + "上海" * 9 + "\n"]
)
@pytest.mark.parametrize("asked", ["UTF-16LE", "UTF-8", "GBK"])
def test_utf16_whose_bytes_are_ascii_is_utf16(text: str, asked: str) -> None:
    """上海 is the bytes of four letters of ASCII, one of them a line break."""
    assert candidates(text.encode("utf-16-le"), asked)[:1] == ("utf-16-le",)


def test_too_many_nuls_are_an_error_with_their_place() -> None:
    """What may as well be UTF-16 is no text in UTF-8, and the first of them is named."""
    with pytest.raises(DecodeError, match="at byte 4:") as caught:
        read(b"a,b\n\0,\0\n\0,\0\n")
    assert caught.value.offset == 4


@pytest.mark.parametrize("filling", ["x", "\n", 'xxxxxxxxx""', ",", "用户"])
def test_a_long_field_comes_whole(filling: str) -> None:
    """A hundred megabytes of one value, in pieces that are each looked at once."""
    value = filling * (100_000_000 // len(filling.encode()))
    found = read(f'a,b\n1,"{value}"\n2,3\n'.encode())
    assert found.data.column(1)[0].as_py() == value.replace('""', '"')
    assert found.data.column(1)[1].as_py() == "3"


@pytest.mark.parametrize("quote", ['"', ""])
def test_a_longer_field_is_an_error(quote: str) -> None:
    """Of more than 128 MB no row is; the error says so."""
    body = f"a,b\n1,{quote}".encode() + b"x" * 140_000_000 + f"{quote}\n".encode()
    with pytest.raises(DecodeError, match="does not end within 134,217,728 bytes"):
        read(body)


@pytest.mark.parametrize("columns", [20_001, 400_000])
def test_a_table_has_no_so_many_columns(columns: int) -> None:
    """The error names the file and counts them."""
    with pytest.raises(DecodeError, match=f"用户.csv.*has {columns:,} columns"):
        read(b"a" + b"," * (columns - 1) + b"\n")


def test_returns_alone_end_rows() -> None:
    """With blank lines among them."""
    assert rows(read(b"a,b\r1,2\r\r\r3,4\r")) == [["1", "2"], ["3", "4"]]


def test_a_quote_of_a_names_own_swallows_no_row() -> None:
    """A quote in the middle of a name opens nothing: the rows begin behind the first line."""
    found = read(b'id,5" x\nu1,a "b\nu2,3\n')
    assert found.names == ("id", '5" x')
    assert rows(found) == [["u1", 'a "b'], ["u2", "3"]]


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5])
def test_chinese_in_utf8_is_told_wherever_a_chunk_ends(cut: int) -> None:
    """GB18030 is asked for; the first letter beyond ASCII is cut, or is the last of a chunk."""
    before = b"a,b\n" * 20_000 + b"1,"
    body = before + "你好\n".encode() + b"2,x\n"
    found = read(body, charset="GB18030", sizes=(len(before) + cut, 1 << 16))
    assert found.charset == "utf-8"
    assert rows(found)[-2:] == [["1", "你好"], ["2", "x"]]
