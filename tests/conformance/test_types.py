"""Types: a column becomes something else than text only where nothing is lost by it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from .conftest import Connect, Serve
from .frames import (
    TEXT,
    VIP,
    cells,
    column,
    expect_dates,
    read_column,
    user_list,
)
from .tables import Table
from .world import World

INT_15 = "999999999999999"
INT_16 = "1000000000000000"
# values, the dtype expected, and what the values become (None: they stay the text they were)
ANYWHERE: list[tuple[list[str], str, list[Any] | None]] = [
    (["0", "-12", "7"], "int64", [0, -12, 7]),
    (["0", "", "7"], "Int64", [0, None, 7]),
    (["", "", "7"], "Int64", [None, None, 7]),
    ([INT_15, f"-{INT_15}"], "int64", [int(INT_15), -int(INT_15)]),
    ([INT_15, ""], "Int64", [int(INT_15), None]),
    ([INT_16, "1"], TEXT, None),
    (["9007199254740993", ""], TEXT, None),
    (["007", "1"], TEXT, None),
    (["00", "1"], TEXT, None),
    (["-07", "1"], TEXT, None),
    (["+5", "1"], TEXT, None),
    (["-0", "1"], TEXT, None),
    ([" 12", "1"], TEXT, None),
    (["12 ", "1"], TEXT, None),
    (["1\n", "1"], TEXT, None),
    (["1_000", "1"], TEXT, None),
    (["１２", "1"], TEXT, None),
    (["١٢", "1"], TEXT, None),
    (["12.50", "1.5"], "float64", [12.5, 1.5]),
    (["0.10", "-1.5"], "float64", [0.1, -1.5]),
    (["1.5", "2"], "float64", [1.5, 2.0]),
    (["0.000000000000001", "1.5"], "float64", [1e-15, 1.5]),
    (["123456789012.345", "0.5"], "float64", [123456789012.345, 0.5]),
    (["1234567890123.456", "0.5"], TEXT, None),
    (["0.1234567890123456", "0.5"], TEXT, None),
    (["1.5", INT_16], TEXT, None),
    (["00.5", "1.5"], TEXT, None),
    (["+1.5", "1.5"], TEXT, None),
    (["1.5.2", "1.5"], TEXT, None),
    (["1e10", "2"], TEXT, None),
    (["1E5", "2.5"], TEXT, None),
    (["0x1F", "2"], TEXT, None),
    (["inf", "1.5"], TEXT, None),
    (["-inf", "1.5"], TEXT, None),
    (["nan", "1.5"], TEXT, None),
    (["NaN", "1"], TEXT, None),
    (["true", "false"], TEXT, None),
    (["NA", "1"], TEXT, None),
    (["null", "1"], TEXT, None),
    (["None", "1"], TEXT, None),
    (["2024-02-29", "1999-12-31"], "datetime64", ["2024-02-29", "1999-12-31"]),
    (["2024-02-29", ""], "datetime64", ["2024-02-29", None]),
    (["9999-12-31", "0001-01-01"], "datetime64", None),
    (["2024-02-30", "2024-02-29"], TEXT, None),
    (["2023-02-29"], TEXT, None),
    (["2024-13-01"], TEXT, None),
    (["2024-2-9"], TEXT, None),
    (["2024/02/09"], TEXT, None),
    (["2024年2月9日"], TEXT, None),
    (["20240209", "20240210"], "int64", [20240209, 20240210]),
    (["12:30:00"], TEXT, None),
    (["2024-02-29T23:59:59", "1970-01-01T00:00:00"], "datetime64", None),
    (["2024-02-29T23:59:59Z", "1970-01-01T00:00:00Z"], "datetime64", None),
    (["2024-02-29T24:00:00"], TEXT, None),
    (["2024-02-29T23:59:60"], TEXT, None),
    (["2024-02-29", "x"], TEXT, None),
    (["2024-02-29", "5"], TEXT, None),
    (["x", ""], TEXT, None),
]
IN_USER_LISTS: list[tuple[list[str], str, list[Any] | None]] = [
    (["1,234", "56"], TEXT, None),
    (["45.20%", "1.00%"], TEXT, None),
    (["-", "5"], TEXT, None),
]
IN_ANALYSES: list[tuple[list[str], str, list[Any] | None]] = [
    (["1,234", "56"], "int64", [1234, 56]),
    (["1,234,567", "-", "56"], "Int64", [1234567, None, 56]),
    (["1,234", ""], "Int64", [1234, None]),
    (["45.20%", "100%"], "float64", [0.452, 1.0]),
    (["0.07%", "0.29%"], "float64", [0.0007, 0.0029]),
    (["45.20%", "-"], "float64", [0.452, None]),
    (["-", "5"], "Int64", [None, 5]),
    (["-", "1.5"], "float64", [None, 1.5]),
    (["-", "x"], TEXT, None),
    (["12,34", "5"], TEXT, None),
    (["1,2345", "5"], TEXT, None),
    (["0,123", "5"], TEXT, None),
    (["45.20%%"], TEXT, None),
    (["%"], TEXT, None),
    (["--", "5"], TEXT, None),
]


def expect_column(
    series: pd.Series, values: list[str], dtype: str, becomes: list[Any] | None
) -> None:
    """Hold a column to its dtype and to its values, none of which may lose anything."""
    if dtype == "datetime64":
        expect_dates(series, becomes or values)
        return
    expected = [value or None for value in values] if becomes is None else becomes
    assert column(series) == (dtype, expected)


@pytest.mark.parametrize(("values", "dtype", "becomes"), ANYWHERE + IN_USER_LISTS)
def test_a_user_lists_column_becomes_what_loses_nothing(
    serve: Serve, connect: Connect, values: list[str], dtype: str, becomes: list[Any] | None
) -> None:
    """A column of a user list is a number or a date only where every value of it is one."""
    series = read_column(connect(serve(table=user_list(values))))
    expect_column(series, values, dtype, becomes)


@pytest.mark.parametrize(("values", "dtype", "becomes"), ANYWHERE + IN_ANALYSES)
def test_an_analysis_column_becomes_what_loses_nothing(
    serve: Serve, connect: Connect, values: list[str], dtype: str, becomes: list[Any] | None
) -> None:
    """An analysis knows thousands, percents and a lone dash beside."""
    table = Table(("步骤", "x"), tuple(("a", value) for value in values))
    frame = connect(serve(table=table)).read_funnel("漏斗1")
    expect_column(frame["x"], values, dtype, becomes)


@pytest.mark.parametrize(
    "values",
    [
        ["2024-02-29 01:02:03", "2024-02-29 00:00:00"],
        ["2024-02-29T01:02", "2024-02-29T00:00"],
        ["2024-02-29T01:02:03.123", "2024-02-29T01:02:03.120"],
        ["2024-02-29T01:02:03.123456789", "2024-02-29T01:02:03.000000001"],
        ["2024-02-29T01:02:03+08:00", "2024-02-29T01:02:04+08:00"],
        ["2024-02-29T01:02:03+08:00", "2024-02-29T01:02:04Z"],
        ["2024-02-29T01:02:03", "2024-02-29T01:02:04Z"],
        ["20240229T010203", "20240229T010204"],
        ["2024-W09-4", "2024-W09-5"],
    ],
)
def test_a_rarer_date_is_text_or_the_same_moment(
    serve: Serve, connect: Connect, values: list[str]
) -> None:
    """Neither a fraction of a second nor a zone is lost, be the column dates or text."""
    series = read_column(connect(serve(table=user_list(values))))
    for read, written in zip(series, values, strict=True):
        stamp = pd.Timestamp(written) if isinstance(read, pd.Timestamp) else written
        assert read == stamp
        if isinstance(read, pd.Timestamp):
            assert read.utcoffset() == pd.Timestamp(written).utcoffset()


def test_a_column_of_nothing_is_all_missing(serve: Serve, connect: Connect) -> None:
    """A column with no value keeps its place and its rows."""
    series = read_column(connect(serve(table=user_list(["", "", ""]))))
    assert series.isna().tolist() == [True, True, True]


@pytest.mark.parametrize("late", ["007", "x", "1e10", INT_16])
def test_one_value_in_the_last_part_keeps_a_column_text(
    serve: Serve, connect: Connect, late: str
) -> None:
    """A type is given for every value, in every part."""
    values = ["1", "2", "3", "4", "5", late]
    series = read_column(connect(serve(table=user_list(values), parts=3)))
    assert column(series) == (TEXT, values)


def test_a_missing_value_in_the_last_part_makes_an_integer_nullable(
    serve: Serve, connect: Connect
) -> None:
    """An integer with missing values is Int64, wherever they are."""
    series = read_column(connect(serve(table=user_list(["1", "2", "3", ""]), parts=2)))
    assert column(series) == ("Int64", [1, 2, 3, None])


def test_a_late_word_in_a_long_file_keeps_a_column_text(serve: Serve, connect: Connect) -> None:
    """The hundred thousandth value counts as the first does."""
    values = [*map(str, range(100_000)), "007"]
    series = read_column(connect(serve(table=user_list(values))))
    assert column(series) == (TEXT, values)


@pytest.mark.parametrize("name", ["gio_id", "id_$basic_userId", "userID", "order_id", "用户ID"])
@pytest.mark.parametrize("verb", ["read_segment", "read_funnel"])
def test_identities_are_text(serve: Serve, connect: Connect, verb: str, name: str) -> None:
    """A column that is named as an identity is never a number."""
    table = Table(("x", name), (("a", "1"), ("b", "2")))
    handle = VIP if verb == "read_segment" else "漏斗1"
    frame = getattr(connect(serve(table=table)), verb)(handle)
    assert column(frame[name]) == (TEXT, ["1", "2"])


@pytest.mark.parametrize(("verb", "handle"), [("read_segment", VIP), ("read_tag", "tag_rfm")])
def test_the_first_column_of_a_user_list_is_text(
    serve: Serve, connect: Connect, verb: str, handle: str
) -> None:
    """Whatever it is called, the first column holds the users."""
    table = Table(("用户", "y"), (("1", "1"), ("2", "2")))
    frame = getattr(connect(serve(table=table)), verb)(handle)
    assert column(frame["用户"]) == (TEXT, ["1", "2"])


def test_the_first_column_of_an_analysis_is_as_any_other(serve: Serve, connect: Connect) -> None:
    """An analysis may begin with a number or a date."""
    table = Table(("步骤", "日期"), (("1", "2021-04-01"), ("2", "2021-04-02")))
    frame = connect(serve(table=table)).read_funnel("漏斗1")
    assert column(frame["步骤"]) == ("int64", [1, 2])
    expect_dates(frame["日期"], ["2021-04-01", "2021-04-02"])


TAG_TYPES: list[tuple[str, list[str], str, list[Any]]] = [
    ("STRING", ["1", "2"], TEXT, ["1", "2"]),
    ("STRING", ["2024-02-29", ""], TEXT, ["2024-02-29", None]),
    ("INT", ["1", "2"], "int64", [1, 2]),
    ("INT", ["1", ""], "Int64", [1, None]),
    ("DOUBLE", ["1", "2"], "float64", [1.0, 2.0]),
    ("DOUBLE", ["1.5", ""], "float64", [1.5, None]),
]


@pytest.mark.parametrize("header", ["key", "name"])
@pytest.mark.parametrize("way", ["tag", "segment"])
@pytest.mark.parametrize(("value_type", "values", "dtype", "becomes"), TAG_TYPES)
def test_a_tags_own_type_decides(
    serve: Serve,
    connect: Connect,
    value_type: str,
    values: list[str],
    dtype: str,
    becomes: list[Any],
    way: str,
    header: str,
) -> None:
    """The platform's type of a tag decides its column's, in tag exports and in segments."""
    name = "tag_code" if header == "key" else "渠道编号"
    platform = serve(
        World().with_tag_type("tag_code", value_type), table=user_list(values, name), header=header
    )
    session = connect(platform)
    if way == "tag":
        frame = session.read_tag("tag_code")
    else:
        frame = session.read_segment(VIP, tags=["渠道编号"])
    assert column(frame[name]) == (dtype, becomes)


def test_a_date_tag_is_dates(serve: Serve, connect: Connect) -> None:
    """A tag of type DATE becomes points in time."""
    frame = connect(serve()).read_tag("最近下单日")
    expect_dates(frame["tag_last_day"], ["2021-04-01", "2021-03-31", None])


@pytest.mark.parametrize("odd", ["007", "x", "1.5"])
def test_an_integer_tag_that_does_not_fit_stays_text(
    serve: Serve, connect: Connect, odd: str
) -> None:
    """A value that is no integer in plain form keeps an INT tag text, and a warning says so."""
    table = user_list(["1", odd], "tag_payment_times")
    session = connect(serve(table=table))
    with pytest.warns(Warning, match="tag_payment_times|订单交易笔数"):
        frame = session.read_tag("tag_payment_times")
    assert column(frame["tag_payment_times"]) == (TEXT, ["1", odd])


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (["1", "2"], {"usr_x": "str"}, (TEXT, ["1", "2"])),
        (["1", "2"], {"usr_x": "float64"}, ("float64", [1.0, 2.0])),
        (["007", "1"], {"usr_x": "int64"}, ("int64", [7, 1])),
        (["1", ""], {"usr_x": "Int64"}, ("Int64", [1, None])),
        (["a", "b"], {"usr_x": "category"}, ("category", ["a", "b"])),
        (["1e3", "2"], {"usr_x": "float64"}, ("float64", [1000.0, 2.0])),
    ],
)
def test_the_callers_dtype_wins(
    serve: Serve, connect: Connect, values: list[str], dtype: Any, expected: tuple[str, list[Any]]
) -> None:
    """What the caller asks for is what a column becomes."""
    series = read_column(connect(serve(table=user_list(values))), dtype=dtype)
    assert column(series) == expected


def test_the_callers_dtype_wins_over_an_identity(serve: Serve, connect: Connect) -> None:
    """Even a user's id becomes a number where the caller says so."""
    session = connect(serve(table=Table.of(gio_id=["1", "2"])))
    frame = session.read_segment(VIP, dtype={"gio_id": "int64"})
    assert column(frame["gio_id"]) == ("int64", [1, 2])


@pytest.mark.parametrize(
    ("backend", "dtypes"),
    [
        ("pyarrow", ["string[pyarrow]", "int64[pyarrow]", "double[pyarrow]"]),
        ("numpy_nullable", ["string", "Int64", "Float64"]),
    ],
)
def test_the_callers_backend_is_used(
    serve: Serve, connect: Connect, backend: str, dtypes: list[str]
) -> None:
    """``dtype_backend`` means what it means in pandas."""
    table = Table(("gio_id", "n", "f"), (("u1", "1", "1.5"), ("u2", "", "")))
    frame = connect(serve(table=table)).read_segment(VIP, dtype_backend=backend)
    assert [str(dtype) for dtype in frame.dtypes] == dtypes
    assert cells(frame) == [["u1", 1, 1.5], ["u2", None, None]]
