"""Reading: every value is what was written, whatever the charset, the uris and the parts."""

from __future__ import annotations

import re

import pytest

import gio_pandas as gio

from .conftest import Connect, Serve
from .frames import (
    BEYOND_GBK,
    CHARSETS,
    CHARSETS_AND_GBK,
    HANDLES,
    ONE_OF_EACH,
    STRANGE,
    TEXT,
    VIP,
    cells,
    column,
    expect,
    strange_table,
    user_list,
)
from .tables import Table, Writing


@pytest.mark.parametrize(("charset", "bom"), CHARSETS_AND_GBK)
@pytest.mark.parametrize(("verb", "handle"), HANDLES)
def test_every_value_is_what_was_written(
    serve: Serve, connect: Connect, verb: str, handle: str, charset: str, bom: bool
) -> None:
    """Every kind, by name, id and key, in every charset: the frame is the table."""
    table = strange_table(STRANGE if charset == "GBK" else STRANGE + BEYOND_GBK)
    platform = serve(table=table, writing=Writing(bom=bom))
    frame = getattr(connect(platform), verb)(handle, charset=charset)
    expect(frame, table)
    assert [job["charset"] for job in platform.submitted] == [charset]


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("uris", ["raw", "encoded", "encoded-slashes", "absolute"])
@pytest.mark.parametrize(("charset", "bom"), CHARSETS)
def test_every_part_is_read_whatever_the_uris_look_like(
    serve: Serve, connect: Connect, charset: str, bom: bool, uris: str, parts: int
) -> None:
    """Parts are read in order; their headers and BOMs are no rows; uris come raw and encoded."""
    table = strange_table(STRANGE + BEYOND_GBK)
    platform = serve(table=table, writing=Writing(bom=bom), uris=uris, parts=parts)
    expect(connect(platform).read_segment(VIP, charset=charset), table)
    assert len(platform.asked("download")) == parts


@pytest.mark.parametrize("bom", [False, True])
@pytest.mark.parametrize("quote_all", [False, True])
@pytest.mark.parametrize("final_newline", [False, True])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_way_to_write_csv_is_read(
    serve: Serve, connect: Connect, newline: str, final_newline: bool, quote_all: bool, bom: bool
) -> None:
    """Line ends of both kinds, quoted numbers, and no line end at the end change nothing."""
    table = strange_table(STRANGE)
    writing = Writing(newline=newline, quote_all=quote_all, final_newline=final_newline, bom=bom)
    expect(connect(serve(table=table, writing=writing)).read_segment(VIP), table)


def test_a_dozen_parts_come_in_the_platforms_order(serve: Serve, connect: Connect) -> None:
    """The order of the uris is the order of the rows: the tenth part is not the second."""
    table = Table.of(gio_id=[f"u{n}" for n in range(24)])
    expect(connect(serve(table=table, parts=12)).read_segment(VIP), table)


def test_each_part_has_a_charset_of_its_own(serve: Serve, connect: Connect) -> None:
    """A part of ASCII alone does not decide how the next one is read."""
    table = Table(("gio_id", "usr_x"), (("u1", "a"), ("u2", "北京"), ("u3", "😀")))
    platform = serve(table=table, parts=3, charset="GB18030")
    expect(connect(platform).read_segment(VIP), table)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("charset", ["UTF-16LE", "UTF-8"])
@pytest.mark.parametrize(
    "ids", [["1", "", "3"], ["", "2"], ["1", ""], ["", "", ""], ["1", "", "", "4"]]
)
def test_a_blank_line_in_a_file_of_one_column_is_a_missing_value(
    serve: Serve, connect: Connect, ids: list[str], charset: str, newline: str
) -> None:
    """A user without an id is a row."""
    table = Table.of(gio_id=ids)
    platform = serve(table=table, writing=Writing(newline=newline))
    expect(connect(platform).read_segment(VIP, charset=charset), table)


@pytest.mark.parametrize("charset", ["UTF-16LE", "UTF-8", "GB18030"])
@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_no_character_is_lost_at_the_edge_of_a_chunk(
    serve: Serve, connect: Connect, charset: str, offset: int
) -> None:
    """A long file of wide characters and broken lines is read whole, wherever it is cut."""
    values = ["x" * offset, *[f"用户😀{n}\n，𠮷" for n in range(30_000)]]
    table = Table(("gio_id", "usr_x"), tuple((str(n), v) for n, v in enumerate(values)))
    frame = connect(serve(table=table, transfer="chunked")).read_segment(VIP, charset=charset)
    expected = [value or None for value in values]
    assert column(frame["usr_x"]) == (TEXT, expected)


@pytest.mark.parametrize(
    ("asked", "written", "values"),
    [
        ("UTF-16LE", "UTF-8", ["北京", "上海"]),
        ("UTF-16LE", "UTF-8", ["北京", "上海1"]),
        ("UTF-16LE", "UTF-8", ["ab", "cd"]),
        ("UTF-16LE", "UTF-8", ["ab", "cde"]),
        ("UTF-16LE", "GBK", ["北京", "上海"]),
        ("UTF-16LE", "GBK", ["北京", "上海1"]),
        ("UTF-16LE", "GB18030", ["𠮷野家", "😀"]),
        ("UTF-8", "UTF-16LE", ["北京", "上海"]),
        ("UTF-8", "UTF-16LE", ["ab", "cd"]),
        ("UTF-8", "GBK", ["北京", "上海"]),
        ("GBK", "UTF-8", ["北京", "上海市"]),
        ("GBK", "UTF-16LE", ["北京", "上海"]),
        ("GBK", "UTF-16LE", ["ab", "cd"]),
    ],
)
@pytest.mark.parametrize("bom", [False, True])
def test_a_charset_that_was_not_asked_for_is_noticed(
    serve: Serve, connect: Connect, asked: str, written: str, values: list[str], bom: bool
) -> None:
    """Where the platform writes another charset the frame is right; it is never gibberish."""
    if bom and written == "GBK":
        pytest.skip("GBK has no BOM")
    table = user_list(values)
    platform = serve(table=table, charset=written, writing=Writing(bom=bom))
    expect(connect(platform).read_segment(VIP, charset=asked), table)


def test_without_a_charset_that_fits_the_offset_is_named(serve: Serve, connect: Connect) -> None:
    """Bytes of no charset are a DecodeError with the file and the offset."""
    platform = serve(bodies=(b"gio_id,usr_x\r\nu1,\xff\xff\x81\xff\r\n",))
    with pytest.raises(gio.DecodeError, match=r"下载用户列表\.csv") as caught:
        connect(platform).read_segment(VIP, charset="UTF-8")
    assert re.search(r"\b\d+\b", str(caught.value))


def test_duplicate_headers_survive(serve: Serve, connect: Connect) -> None:
    """Of two columns of the same name, both are kept."""
    table = Table(("日期", "日期", "x", "日期"), (("a", "b", "c", "d"), ("e", "f", "g", "h")))
    frame = connect(serve(table=table)).read_funnel("漏斗1")
    assert list(frame.columns) == ["日期", "日期.1", "x", "日期.2"]
    assert cells(frame) == [list(row) for row in table.rows]


def test_a_made_name_never_covers_a_real_one(serve: Serve, connect: Connect) -> None:
    """A column that is already called as a duplicate would be keeps its values and a name."""
    table = Table(("日期", "日期", "日期.1"), (("a", "b", "c"),))
    frame = connect(serve(table=table)).read_funnel("漏斗1")
    assert frame.columns.is_unique
    assert cells(frame) == [["a", "b", "c"]]


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("charset", ["UTF-16LE", "UTF-8", "GBK"])
@pytest.mark.parametrize("final_newline", [False, True])
@pytest.mark.parametrize(("verb", "handle"), ONE_OF_EACH[:3])
def test_nobody_is_an_empty_frame_with_its_columns(
    serve: Serve,
    connect: Connect,
    verb: str,
    handle: str,
    final_newline: bool,
    charset: str,
    parts: int,
) -> None:
    """A header alone, in one file or in several, is a frame without rows."""
    table = Table(("gio_id", "性别", "tag_rfm"))
    platform = serve(table=table, parts=parts, writing=Writing(final_newline=final_newline))
    frame = getattr(connect(platform), verb)(handle, charset=charset)
    assert list(frame.columns) == list(table.header)
    assert len(frame) == 0
    assert str(frame["gio_id"].dtype) == TEXT


def test_a_part_without_rows_between_others_changes_nothing(serve: Serve, connect: Connect) -> None:
    """A header alone among other parts is no error and no reason for another type."""
    bodies = (b"gio_id,n\nu1,1\n", b"gio_id,n\n", b"gio_id,n\nu2,2\n")
    frame = connect(serve(bodies=bodies)).read_segment(VIP, charset="UTF-8")
    assert column(frame["n"]) == ("int64", [1, 2])
    assert list(frame["gio_id"]) == ["u1", "u2"]


@pytest.mark.parametrize("header", ["key", "name"])
@pytest.mark.parametrize("tags", [["会员等级", "Tg000001"], ["Tg000002", "订单交易笔数"]])
def test_a_segment_comes_with_the_tags_and_properties_asked_for(
    serve: Serve, connect: Connect, tags: list[str], header: str
) -> None:
    """Tags are given by name or id, properties by key, and the header may hold either."""
    platform = serve(header=header)
    frame = connect(platform).read_segment(VIP, tags=tags, properties=["usr_city", "usr_age"])
    assert [job["tags"] for job in platform.submitted] == [["Tg000002", "Tg000001"]]
    names = ["tag_rfm", "tag_payment_times"] if header == "key" else ["会员等级", "订单交易笔数"]
    assert list(frame.columns) == ["gio_id", "usr_city", "usr_age", *names]
    assert column(frame[names[0]]) == (TEXT, ["金,卡", None, "银卡"])
    assert column(frame[names[1]]) == ("Int64", [7, None, 12])
    assert column(frame["usr_city"]) == (TEXT, ["北京", None, 'Xi"an'])
    assert column(frame["usr_age"]) == ("int64", [31, 28, 45])


def test_a_tag_comes_with_the_properties_asked_for(serve: Serve, connect: Connect) -> None:
    """A tag export's properties, detail and file name reach the platform."""
    platform = serve()
    frame = connect(platform).read_tag(
        "会员等级", properties=["usr_gender"], detail=True, file_name="我的 导出"
    )
    assert list(frame.columns) == ["gio_id", "tag_rfm", "usr_gender"]
    (job,) = platform.submitted
    assert (job["detailExport"], job["exportFileName"]) == (True, "我的 导出")
