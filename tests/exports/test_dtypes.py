"""Types: a conversion that loses anything does not happen."""

from __future__ import annotations

import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gio_pandas import DecodeError
from gio_pandas.exports import frames
from gio_pandas.exports.dtypes import Memory, Piece, is_identity, rules, unique_names
from gio_pandas.exports.frames import chosen_dtypes, text_dtype

IS_PANDAS_3 = int(pd.__version__.partition(".")[0]) >= 3
TEXT = "str" if IS_PANDAS_3 else "string"
MOST, TOO_LONG = "999999999999999", "1000000000000000"


def text(values: list[str], parts: int = 1) -> pa.ChunkedArray:
    """Make a column as a file gives it: the empty field is missing; cut into parts."""
    cells = [value or None for value in values]
    size = max(1, -(-len(cells) // parts))
    chunks = [cells[at : at + size] for at in range(0, len(cells), size)] or [[]]
    return pa.chunked_array([pa.array(chunk, pa.large_string()) for chunk in chunks])


def table(name: str, values: list[str], parts: int = 1) -> pa.Table:
    """Make a list of users with the values in its second column."""
    ids = text([f"u{number}" for number in range(len(values))], parts)
    return pa.table({"gio_id": ids, name: text(values, parts)})


def typed(data: pa.Table, headers: list[str] | None = None, **how: Any) -> pa.Table:
    """Type every column, each of its chunks by itself, as the files of an export are."""
    columns = []
    for column, rule in zip(data.columns, rules(headers or data.column_names, **how), strict=True):
        pieces = [rule.read(chunk) for chunk in column.chunks]
        type_ = rule.decide({piece.seen for piece in pieces})
        rule.warn(type_)
        columns.append(pa.chunked_array([piece.cast(type_) for piece in pieces], type_))
    return pa.table(columns, names=data.column_names)


def to_frame(data: pa.Table, dtype: Any = None, **how: Any) -> pd.DataFrame:
    """Make a frame of typed columns."""
    chosen = chosen_dtypes(data.column_names, dtype)
    columns = [
        frames.Column(name, column.type, column.null_count > 0, iter(column.chunks))
        for name, column in zip(data.column_names, data.columns, strict=True)
    ]
    return frames.to_frame(columns, data.num_rows, dtype=chosen, **how)


def convert(
    values: list[str],
    *,
    analysis: bool = False,
    parts: int = 1,
    value_type: str | None = None,
) -> pa.ChunkedArray:
    """Give what a column of these values becomes."""
    types = {"x": value_type} if value_type else None
    return typed(table("x", values, parts), analysis=analysis, value_types=types)["x"]


def shown(column: pa.ChunkedArray) -> tuple[str, list[Any]]:
    """Say a column's Arrow type and its values."""
    return str(column.type), column.to_pylist()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gio_id", True),
        ("id_$basic_userId", True),
        ("id_", True),
        ("用户ID", True),
        ("userID", True),
        ("order_id", True),
        ("gio_ids", False),
        ("userId", False),
        ("paid", False),
        ("idx", False),
        ("ID卡", False),
        ("usr_age", False),
        ("", False),
    ],
)
def test_an_identity_is_known_by_its_header(name: str, expected: bool) -> None:
    """The ids are gio_id, id_…, …ID and …_id, and nothing else."""
    assert is_identity(name) is expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["a", "b"], ["a", "b"]),
        (["日期", "x", "日期"], ["日期", "x", "日期.1"]),
        (["a", "a", "a"], ["a", "a.1", "a.2"]),
        (["a", "a", "a.1"], ["a", "a.2", "a.1"]),
        (["a.1", "a", "a"], ["a.1", "a", "a.2"]),
        (["a", "a.1", "a.1", "a"], ["a", "a.1", "a.1.1", "a.2"]),
        (["", ""], ["", ".1"]),
    ],
)
def test_duplicate_headers_are_numbered(names: list[str], expected: list[str]) -> None:
    """The first keeps its name, the others get a number that nobody has."""
    assert unique_names(names) == expected


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "a.1", "a.2", "a.1.1", "b.1"]), max_size=8))
def test_numbered_headers_are_unique_and_in_place(names: list[str]) -> None:
    """No two are the same, every first one is as it was, and a number is all that is added."""
    unique = unique_names(names)
    assert len(set(unique)) == len(names)
    for position, (name, fresh) in enumerate(zip(names, unique, strict=True)):
        assert re.fullmatch(re.escape(name) + r"(\.\d+)?", fresh)
        assert fresh == name or name in names[:position]


# Values, the type of their column in lists of users and in analyses alike, and its values; None
# where it stays the text that it was.
ANYWHERE: list[tuple[list[str], str, list[Any] | None]] = [
    (["0", "-12", "7"], "int64", [0, -12, 7]),
    (["0", "", "7"], "int64", [0, None, 7]),
    ([MOST, "-" + MOST], "int64", [int(MOST), -int(MOST)]),
    ([TOO_LONG, "1"], "large_string", None),
    (["-" + TOO_LONG, "1"], "large_string", None),
    (["9007199254740993", ""], "large_string", None),
    (["99999999999999999999", "1"], "large_string", None),
    (["007", "1"], "large_string", None),
    (["-07", "1"], "large_string", None),
    (["-0", "1"], "large_string", None),
    (["+5", "1"], "large_string", None),
    ([" 12", "1"], "large_string", None),
    (["12 ", "1"], "large_string", None),
    (["12\n", "1"], "large_string", None),
    (["１２", "1"], "large_string", None),
    (["١٢", "1"], "large_string", None),
    (["1_000", "1"], "large_string", None),
    (["12.50", "1.5"], "double", [12.5, 1.5]),
    (["12.50", "", "2"], "double", [12.5, None, 2.0]),
    (["0.1", "-0.2"], "double", [0.1, -0.2]),
    (["123456789012.345", "0.5"], "double", [123456789012.345, 0.5]),
    (["0.000123456789012345", "0.5"], "double", [0.000123456789012345, 0.5]),
    (["1234567890123.456", "0.5"], "large_string", None),
    (["0.1234567890123456", "0.5"], "large_string", None),
    ([TOO_LONG, "0.5"], "large_string", None),
    (["0." + "0" * 330 + "1", "0.5"], "large_string", None),
    (["0." + "0" * 309 + "123456789", "0.5"], "large_string", None),
    (["00.5", "1.5"], "large_string", None),
    ([".5", "1.5"], "large_string", None),
    (["5.", "1.5"], "large_string", None),
    (["1.5.2", "1.5"], "large_string", None),
    (["1e10", "2"], "large_string", None),
    (["1.5e3", "2.5"], "large_string", None),
    (["0x1F", "2"], "large_string", None),
    (["inf", "1.5"], "large_string", None),
    (["-inf", "1.5"], "large_string", None),
    (["nan", "1.5"], "large_string", None),
    (["NA", "1"], "large_string", None),
    (["null", "1"], "large_string", None),
    (["None", "1"], "large_string", None),
    (["true", "false"], "large_string", None),
    (
        ["2024-02-29", "", "0001-01-01"],
        "timestamp[us]",
        [datetime(2024, 2, 29), None, datetime(1, 1, 1)],
    ),
    (["9999-12-31"], "timestamp[us]", [datetime(9999, 12, 31)]),
    (["2024-02-30", "2024-02-29"], "large_string", None),
    (["2023-02-29"], "large_string", None),
    (["0000-01-01"], "large_string", None),
    (["2024-2-9"], "large_string", None),
    (["2024/02/09"], "large_string", None),
    (["20240209"], "int64", [20240209]),
    (["2024-02-29", "5"], "large_string", None),
    (["2024-02-29", "2024-02-29 10:00:00"], "large_string", None),
    (["12:30:00"], "large_string", None),
    (["2024-02-29 23:59"], "timestamp[us]", [datetime(2024, 2, 29, 23, 59)]),
    (["2024-02-29T23:59:59"], "timestamp[us]", [datetime(2024, 2, 29, 23, 59, 59)]),
    (
        ["2024-02-29 23:59:59.000001", "1969-12-31 00:00:00.5"],
        "timestamp[us]",
        [datetime(2024, 2, 29, 23, 59, 59, 1), datetime(1969, 12, 31, 0, 0, 0, 500_000)],
    ),
    (["2024-02-29T23:59:59.0000001"], "large_string", None),
    (["2024-02-29T24:00:00"], "large_string", None),
    (["2024-02-29T23:59:60"], "large_string", None),
    (["2024-02-29t23:59:59"], "large_string", None),
    (
        ["2024-02-29T23:59:59Z", ""],
        "timestamp[us, tz=UTC]",
        [datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC), None],
    ),
    (
        ["2024-02-29T23:59:59+08:00"],
        "timestamp[us, tz=+08:00]",
        [datetime(2024, 2, 29, 23, 59, 59, tzinfo=timezone(timedelta(hours=8)))],
    ),
    (["2024-02-29T23:59:59+08:00", "2024-02-29T23:59:59Z"], "large_string", None),
    (["2024-02-29T23:59:59+24:00"], "large_string", None),
    (["9999-12-31T23:59:59-08:00"], "large_string", None),
    (["0001-01-01T00:00:00+08:00"], "large_string", None),
    (["x", ""], "large_string", None),
    (["", ""], "large_string", None),
    ([], "large_string", None),
]
IN_LISTS: list[tuple[list[str], str, list[Any] | None]] = [
    (["1,234", "56"], "large_string", None),
    (["45.20%"], "large_string", None),
    (["-", "5"], "large_string", None),
]
IN_ANALYSES: list[tuple[list[str], str, list[Any] | None]] = [
    (["1,234", "56", "-1,234,567"], "int64", [1234, 56, -1234567]),
    (["1,234", "-", ""], "int64", [1234, None, None]),
    (["-", "5"], "int64", [None, 5]),
    (["-", "1.5"], "double", [None, 1.5]),
    (["1,234.50", "2"], "double", [1234.5, 2.0]),
    (["45.20%", "100%", "-3.07%"], "double", [0.452, 1.0, -0.0307]),
    (["0.29%", "0.57%", "1.1%"], "double", [0.0029, 0.0057, 0.011]),
    (["45.20%", "-"], "double", [0.452, None]),
    (["0%", "0.00%"], "double", [0.0, 0.0]),
    (["-", "-"], "large_string", None),
    (["-", "x"], "large_string", None),
    (["-", "2024-02-29"], "large_string", None),
    (["--", "5"], "large_string", None),
    (["12,34", "5"], "large_string", None),
    (["1,2345", "5"], "large_string", None),
    (["0,123", "5"], "large_string", None),
    (["1234,567", "5"], "large_string", None),
    (["+1,234", "5"], "large_string", None),
    (["007%", "5%"], "large_string", None),
    (["-0%", "5%"], "large_string", None),
    (["%", "5%"], "large_string", None),
    (["45.20%%"], "large_string", None),
    (["1,000,000,000,000,000", "5"], "large_string", None),
    (["0.1234567890123456%", "5%"], "large_string", None),
]


@pytest.mark.parametrize(("values", "kind", "becomes"), ANYWHERE + IN_LISTS)
def test_a_column_of_a_list_is_what_all_its_values_say(
    values: list[str], kind: str, becomes: list[Any] | None
) -> None:
    """In a list of users a column has a type only where every value is plainly of it."""
    expected = [value or None for value in values] if becomes is None else becomes
    assert shown(convert(values)) == (kind, expected)


@pytest.mark.parametrize(("values", "kind", "becomes"), ANYWHERE + IN_ANALYSES)
def test_a_column_of_an_analysis_is_what_all_its_values_say(
    values: list[str], kind: str, becomes: list[Any] | None
) -> None:
    """In a result table thousands, percents and the lone dash are numbers, too."""
    expected = [value or None for value in values] if becomes is None else becomes
    assert shown(convert(values, analysis=True)) == (kind, expected)


@pytest.mark.parametrize("place", [0, 1023, 1024, 1025, 4999])
@pytest.mark.parametrize("odd", ["007", "x", "1e10", TOO_LONG])
def test_one_value_anywhere_keeps_a_column_text(odd: str, place: int) -> None:
    """A value behind the sample that is looked at first counts as the first does."""
    values = [str(number) for number in range(5000)]
    values[place] = odd
    assert shown(convert(values, parts=3)) == ("large_string", values)


def test_values_that_begin_with_a_gap_are_typed() -> None:
    """A column whose first thousands are missing is what the others say."""
    values = [""] * 3000 + ["1.5", "2"]
    assert str(convert(values).type) == "double"
    assert str(convert([*values[:3000], "2024-02-29"]).type) == "timestamp[us]"


def test_the_first_column_of_a_list_is_its_id() -> None:
    """In a list of users, however it is called; in an analysis it is as any other."""
    data = pa.table({"用户": text(["1", "2"])})
    assert str(typed(data, analysis=False)["用户"].type) == "large_string"
    assert str(typed(data, analysis=True)["用户"].type) == "int64"


@pytest.mark.parametrize("analysis", [False, True])
def test_identities_are_text_in_every_place(analysis: bool) -> None:
    """An id that could be a number stays the text that it is, in analyses, too."""
    data = pa.table({"x": text(["1"]), "order_id": text(["1"]), "y": text(["1"])})
    found = typed(data, analysis=analysis)
    assert [str(kind) for kind in found.schema.types][1:] == ["large_string", "int64"]


def test_columns_of_one_name_are_told_apart_by_their_place() -> None:
    """What is typed is the column, not its name."""
    data = pa.Table.from_arrays([text(["a"]), text(["1"]), text(["x"])], names=["gio_id", "n", "n"])
    found = typed(data, analysis=False)
    assert [str(kind) for kind in found.schema.types] == ["large_string", "int64", "large_string"]


def test_a_numbered_header_is_still_an_identity() -> None:
    """The second of two columns of ids is no less one for the number that tells them apart."""
    data = pa.table({"gio_id": text(["a"]), "用户ID": text(["1"]), "用户ID.1": text(["2"])})
    found = typed(data, analysis=False, headers=["gio_id", "用户ID", "用户ID"])
    assert [str(kind) for kind in found.schema.types] == ["large_string"] * 3


def test_a_column_that_is_to_stay_text_does() -> None:
    """``keep_text`` wins over what the values and the platform say."""
    data = pa.table({"gio_id": text(["a"]), "n": text(["1"])})
    found = typed(data, analysis=False, value_types={"n": "INT"}, keep_text=["n"])
    assert shown(found["n"]) == ("large_string", ["1"])


BY_VALUE_TYPE: list[tuple[str, list[str], str, list[Any]]] = [
    ("STRING", ["1", "2"], "large_string", ["1", "2"]),
    ("STRING", ["2024-02-29", ""], "large_string", ["2024-02-29", None]),
    ("INT", ["1", ""], "int64", [1, None]),
    ("INT", ["", ""], "int64", [None, None]),
    ("INT", [], "int64", []),
    ("INT", [TOO_LONG, "-" + TOO_LONG], "int64", [int(TOO_LONG), -int(TOO_LONG)]),
    ("DOUBLE", ["1", "2"], "double", [1.0, 2.0]),
    ("DOUBLE", ["", ""], "double", [None, None]),
    ("DATE", ["2024-02-29"], "timestamp[us]", [datetime(2024, 2, 29)]),
    ("DATE", ["2024-02-29 10:00:00"], "timestamp[us]", [datetime(2024, 2, 29, 10)]),
    ("SOMETHING_NEW", ["1", "2"], "int64", [1, 2]),
]


@pytest.mark.parametrize(("value_type", "values", "kind", "becomes"), BY_VALUE_TYPE)
def test_a_tags_own_type_decides(
    value_type: str, values: list[str], kind: str, becomes: list[Any]
) -> None:
    """What the platform calls a tag is what its column is, without a warning where it fits."""
    assert shown(convert(values, value_type=value_type)) == (kind, becomes)


@pytest.mark.parametrize(
    ("value_type", "values"),
    [
        ("INT", ["1", "未知"]),
        ("INT", ["1", "12.5"]),
        ("INT", ["1", "007"]),
        ("INT", ["1", "1e6"]),
        ("INT", ["1", "9223372036854775808"]),
        ("DOUBLE", ["1.5", "1e6"]),
        ("DOUBLE", ["1.5", "0.1234567890123456"]),
        ("DATE", ["2024-02-29", "2024-02-30"]),
    ],
)
def test_a_type_that_does_not_fit_is_refused_aloud(value_type: str, values: list[str]) -> None:
    """A column that is not what the platform calls it stays text, and a warning names it."""
    with pytest.warns(UserWarning, match=rf"'x' is {value_type} .*dtype="):
        assert shown(convert(values, value_type=value_type)) == ("large_string", values)


def test_an_identity_wins_over_the_platforms_type() -> None:
    """An INT tag that is named as an id is an id."""
    data = table("card_id", ["1"])
    found = typed(data, analysis=False, value_types={"card_id": "INT"})
    assert shown(found["card_id"]) == ("large_string", ["1"])


NUMBERS = st.one_of(
    st.integers(-(10**17), 10**17).map(str),
    st.integers(0, 999).map(lambda number: f"{number:03}"),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9)).map(str),
    st.floats(allow_nan=False, width=32).map(repr),
    st.integers(-(10**13), 10**13).map(lambda number: f"{number:,}"),
    st.decimals(-200, 200, places=2).map(lambda number: f"{number}%"),
    st.from_regex(r"[+-]?[0-9]{0,17}(\.[0-9]{0,17})?%?", fullmatch=True),
)
TIMES = st.one_of(
    st.dates().map(str),
    st.datetimes().map(str),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.datetimes(timezones=st.just(timezone(timedelta(hours=8)))).map(str),
    st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-5][0-9])?", fullmatch=True),
)
ODD = st.sampled_from(["", "-", "NA", "null", "inf", "nan", "true", "0x1F", "-0", " 1", "1 ", "１"])
LETTERS = st.characters(codec="utf-8", exclude_characters="\0")
VALUES = st.one_of(
    *(
        st.lists(st.one_of(kind, st.just("")), min_size=1, max_size=8)
        for kind in (NUMBERS, TIMES, ODD, st.text(LETTERS, max_size=6), st.one_of(NUMBERS, ODD))
    )
)


def meaning(value: str, kind: pa.DataType, *, analysis: bool) -> Any:
    """Read a value by Python's own means."""
    if not value or (value == "-" and analysis):
        return None
    if pa.types.is_integer(kind):
        number = int(value.replace(",", "")) if analysis else int(value)
        plain = f"{number:,}" if "," in value else str(number)
        assert plain == value
        return number
    if pa.types.is_floating(kind):
        digits = value.replace(",", "") if analysis else value
        decimal = Decimal(digits.removesuffix("%")) / (100 if "%" in digits else 1)
        return float(decimal)
    return datetime.fromisoformat(value)


@settings(max_examples=250, deadline=None)
@given(VALUES, st.booleans(), st.integers(1, 4))
def test_a_conversion_that_loses_anything_does_not_happen(
    values: list[str], analysis: bool, parts: int
) -> None:
    """A column stays the text it was, or its values mean what the text says, however it is cut."""
    whole = convert(values, analysis=analysis)
    cut = convert(values, analysis=analysis, parts=parts)
    assert cut.type == whole.type
    assert cut.to_pylist() == whole.to_pylist()
    if whole.type == pa.large_string():
        assert whole.to_pylist() == [value or None for value in values]
    else:
        expected = [meaning(value, whole.type, analysis=analysis) for value in values]
        assert whole.to_pylist() == expected


@settings(max_examples=150, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=6), st.booleans())
def test_a_float_has_every_digit_that_was_written(values: list[str], analysis: bool) -> None:
    """Rounded to as many digits as the text has, a number is the text's number exactly."""
    column = convert(values, analysis=analysis)
    if column.type != pa.float64():
        return
    for value, number in zip(values, column.to_pylist(), strict=True):
        if number is None:
            continue
        wanted = Decimal(value.replace(",", "").removesuffix("%"))
        wanted = wanted.scaleb(-2) if "%" in value else wanted
        digits = len(wanted.as_tuple().digits)
        assert digits <= 15
        assert Decimal(f"{number:.{digits - 1}e}") == wanted


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(NUMBERS, TIMES), min_size=1, max_size=6), st.sampled_from(["INT", "DATE"])
)
def test_a_declared_type_loses_nothing_either(values: list[str], value_type: str) -> None:
    """What the platform declares is believed only as far as every value bears it out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        column = convert(values, value_type=value_type)
    if column.type == pa.large_string():
        assert column.to_pylist() == [value or None for value in values]
    else:
        assert column.to_pylist() == [meaning(v, column.type, analysis=False) for v in values]


def frame_of(values: list[str], **options: Any) -> pd.Series[Any]:
    """Give the series that a column becomes in a frame."""
    keep = ["x"] if options.get("dtype") is not None else []
    data = typed(pa.table({"gio_id": text(["u"] * len(values)), "x": text(values)}), analysis=False)
    raw = pa.table({"gio_id": data["gio_id"], "x": text(values) if keep else data["x"]})
    return to_frame(raw, **options)["x"]


@pytest.mark.parametrize(
    ("values", "plain", "nullable", "arrow"),
    [
        (["a", ""], TEXT, "string", "string[pyarrow]"),
        (["1", "2"], "int64", "Int64", "int64[pyarrow]"),
        (["1", ""], "Int64", "Int64", "int64[pyarrow]"),
        (["1.5", ""], "float64", "Float64", "double[pyarrow]"),
        (["2024-02-29", ""], "datetime64[us]", "datetime64[us]", "timestamp[us][pyarrow]"),
    ],
)
def test_a_frames_dtypes(values: list[str], plain: str, nullable: str, arrow: str) -> None:
    """Each type has its dtype, by itself and in either backend."""
    assert str(frame_of(values).dtype) == plain
    assert str(frame_of(values, dtype_backend="numpy_nullable").dtype) == nullable
    assert str(frame_of(values, dtype_backend="pyarrow").dtype) == arrow


def test_text_is_never_object() -> None:
    """Text is pandas' own: ``str`` on pandas 3, ``string[pyarrow]`` on pandas 2."""
    series = frame_of(["a", ""])
    assert str(series.dtype) == TEXT
    assert series.dtype.storage == "pyarrow"
    assert series.isna().tolist() == [False, True]


def test_an_integer_with_a_gap_is_never_a_float() -> None:
    """Fifteen digits beside a missing value are fifteen digits."""
    assert frame_of([MOST, ""]).tolist() == [int(MOST), pd.NA]


def test_an_offset_becomes_the_frames_time_zone() -> None:
    """A time with an offset is that instant, shown in that zone."""
    series = frame_of(["2024-02-29T08:00:00+08:00"])
    assert series[0] == pd.Timestamp("2024-02-29T00:00:00Z")
    assert series[0].utcoffset() == timedelta(hours=8)


def test_a_frame_without_rows_has_its_columns() -> None:
    """A header alone is a frame of no rows, text as the values would decide."""
    frame = to_frame(typed(table("x", []), analysis=False))
    assert list(frame.columns) == ["gio_id", "x"]
    assert [str(dtype) for dtype in frame.dtypes] == [TEXT, TEXT]
    assert frame.index.equals(pd.RangeIndex(0))


@pytest.mark.parametrize(
    ("values", "dtype", "kind", "becomes"),
    [
        (["007", "1"], "int64", "int64", [7, 1]),
        (["1", ""], "Int64", "Int64", [1, pd.NA]),
        (["1e3", "2"], float, "float64", [1000.0, 2.0]),
        (["1", "2"], str, TEXT, ["1", "2"]),
        (["1", "2"], "str", TEXT, ["1", "2"]),
        (["true", "false", ""], bool, "boolean", [True, False, pd.NA]),
        (["1", "0"], "boolean", "boolean", [True, False]),
        (["a", "b"], "category", "category", ["a", "b"]),
        (["2024-02-29"], "datetime64[ns]", "datetime64[ns]", [pd.Timestamp("2024-02-29")]),
        (["1"], pd.ArrowDtype(pa.int32()), "int32[pyarrow]", [1]),
    ],
)
def test_the_callers_dtype_wins(values: list[str], dtype: Any, kind: str, becomes: Any) -> None:
    """What the caller asks for is made of the text itself, for one column or for all."""
    for wanted in ({"x": dtype}, dtype):
        if wanted is dtype and dtype not in (str, "str", "category"):
            continue  # the ids of all users are no numbers
        series = frame_of(values, dtype=wanted)
        assert str(series.dtype) == kind
        assert series.tolist() == becomes


def test_missing_stays_missing_where_text_is_asked_for() -> None:
    """``dtype=str`` makes no word of a missing value, on pandas 2 either."""
    series = frame_of(["a", ""], dtype=str)
    assert series.dtype == text_dtype()
    assert series.isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["x"], "int64"),
        (["1", ""], "int64"),
        (["300"], "int8"),
        (["-1"], "uint8"),
        (["99999999999999999999"], "int64"),
        (["x"], "Float64"),
        (["x"], "datetime64[ns]"),
        (["maybe"], bool),
        (["x"], "nonsense"),
    ],
)
def test_a_dtype_that_cannot_be_names_the_column(values: list[str], dtype: Any) -> None:
    """A column that cannot be what is asked for is an error in our terms, never another value."""
    with pytest.raises(DecodeError, match=r"'x' cannot be .*dtype="):
        frame_of(values, dtype={"x": dtype})


def test_a_dtype_of_a_column_that_is_not_there_lists_those_that_are() -> None:
    """A slip of the pen in dtype= is found, not passed over."""
    with pytest.raises(DecodeError, match=r"names 年岭, .*gio_id, 年龄"):
        chosen_dtypes(["gio_id", "年龄"], {"年岭": "Int64"})


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(None, {}), ("str", {"a": "str", "b": "str"}), ({"b": int}, {"b": int})],
)
def test_a_dtype_is_spelled_out(dtype: Any, expected: dict[str, Any]) -> None:
    """One dtype is for all columns; a mapping for those it names."""
    assert chosen_dtypes(["a", "b"], dtype) == expected


def test_pieces_may_be_typed_side_by_side() -> None:
    """Threads that share a column's memory change nothing: what one remembers, another may use."""
    rule = rules(["gio_id", "x"], analysis=False)[1]
    pieces = [pa.array([value] * 50, pa.large_string()) for value in ("1", "1.5", "2", "2.5")] * 50
    for _ in range(5):
        memory = Memory()
        with ThreadPoolExecutor(8) as threads:
            read = list(threads.map(lambda piece, memory=memory: rule.read(piece, memory), pieces))
        assert rule.decide({piece.seen for piece in read}) == pa.float64()
        assert [piece.cast(pa.float64())[0].as_py() for piece in read] == [1.0, 1.5, 2.0, 2.5] * 50


@pytest.mark.parametrize("type_", ["large_string", "int64", "double", "date32"])
def test_joined_pieces_are_what_they_were(type_: str) -> None:
    """Large pieces move to memory of their own, with what is missing and wherever they began."""
    texts = pa.array(["2021-04-13", None, "2021-04-14"] * 40_000, pa.large_string())
    numbers = pa.array([1, None, -3] * 40_000, pa.int64())
    values = texts if type_ in ("large_string", "date32") else numbers
    array = values.cast(type_).slice(1, 100_000)
    [joined] = Piece.joined([Piece(array, texts.slice(1, 100_000)), Piece(array, texts[:100_000])])
    assert joined.values.equals(pa.concat_arrays([array, array]))
    assert joined.text.equals(pa.concat_arrays([texts.slice(1, 100_000), texts[:100_000]]))


def test_pieces_that_differ_are_not_joined() -> None:
    """What was written stays beside the values that do not tell it, and beside no others."""
    plain, text = Piece(pa.array([1, 2])), pa.array(["1,234"], pa.large_string())
    formatted = Piece(pa.array([1234]), text)
    joined = Piece.joined([plain, plain, formatted, plain])
    assert [piece.values.to_pylist() for piece in joined] == [[1, 2, 1, 2], [1234], [1, 2]]
    assert [piece.text is None for piece in joined] == [True, False, True]


@pytest.mark.parametrize("start", [0, 1, 2])
def test_a_slice_is_read_as_an_array_of_its_own(start: int) -> None:
    """Arrow 18 breaks some slices; what is read of one is what is written there."""
    [rule] = rules(["n"], analysis=True)
    column = pa.array(["5", "1,234", "-", "45.20%"], pa.large_string())
    piece = rule.read(column.slice(start, 2))
    assert piece.values.to_pylist() == [[5, 1234], [1234, None], [None, 0.452]][start]
