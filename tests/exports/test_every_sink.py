"""Every sink gives the same rows, and the types that all values of a column allow."""

from __future__ import annotations

import csv
import io
import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gio_pandas.api.models import Kind
from gio_pandas.exports.frames import text_dtype
from gio_pandas.exports.job import ExportJob

from .served import Platform, blocks_of, job, serve

TEXT = str(text_dtype())

# Each is a column's own kind of value; a column may have a little of another kind, too.
POOLS: list[list[str]] = [
    ["0", "-12", "7", "999999999999999", "-999999999999999"],
    ["1", "1000000000000000", "-1000000000000000", "9007199254740993", "9223372036854775808"],
    ["1", "007", "-0", "+5", "0x1F", "1e10", " 1", "１２"],
    ["12.50", "-0.0", "0.1", "123456789012.345", "3"],
    ["1.5", "0.1234567890123456", "00.5", ".5", "5.", "1.5e3", "inf", "nan"],
    ["2024-02-29", "0001-01-01", "9999-12-31"],
    ["2024-02-29", "2024-02-30", "2024-2-9", "20240209", "0000-01-01"],
    ["2024-02-29 23:59", "1969-12-31T00:00:00.5", "2021-04-13 11:40:00"],
    ["2024-02-29T23:59:60", "2024-02-29T24:00:00", "2024-02-29 10:00:00.1234567"],
    ["2024-02-29T23:59:59Z", "2024-02-29 23:59:59.5+00:00", "1999-01-01T00:00Z"],
    ["2024-02-29T23:59:59+08:00", "2021-04-13 11:40:00+08:00"],
    ["2024-02-29T23:59:59+05:30", "2021-04-13 11:40:00+05:30"],
    ["2024-02-29T23:59:59Z", "2024-02-29T23:59:59+08:00", "9999-12-31T23:59:59-08:00"],
    ["-", "1,234", "-1,234,567", "56", "0"],
    ["-", "45.20%", "100%", "-3.07%", "1,234.50", "7"],
    ["-", "12,34", "0,123", "007%", "-0%", "--"],
    ["-"],
    [""],
    ["NA", "null", "None", "true", "false"],
    ['say "hi"', "a,b", "a\nb", "a\r\nb", "a\rb", '"', ",", "\n", "\r", '",\n"'],
    ["北京", "会员等级", "上海", "𠮷野家", "😀", "\u2028", "x\ufeffy", " "],
]
VALUES = st.sampled_from(sorted({value for pool in POOLS for value in pool}))
HEADERS = ["城市", "订单ID", "order_id", "id_x", "n", "a,b", 'c"d', "e\nf", " ", "日期"]
KINDS = [Kind.SEGMENT, Kind.TAG, Kind.FUNNEL, Kind.EVENT, None]


@dataclass(frozen=True)
class Export:
    """What a platform wrote: a header, and rows in several files; and how it is read."""

    kind: Kind | None
    header: list[str]
    files: list[list[list[str]]]
    charset: str
    mark: bool
    quoting: str
    newline: str
    sizes: tuple[int, ...]
    block: int

    @property
    def texts(self) -> list[str]:
        """The files, as text."""
        return [self._written([self.header, *rows]) for rows in self.files]

    def _written(self, table: list[list[str]]) -> str:
        lines = [",".join(self._field(value, row) for value in row) for row in table]
        return "".join(line + self.newline for line in lines)

    def _field(self, value: str, row: list[str]) -> str:
        if self.quoting == "all" or any(sign in value for sign in ',"\r\n') or row == [""]:
            return '"' + value.replace('"', '""') + '"'
        return value

    def job(self) -> ExportJob:
        """Give the finished job."""
        codec = "gb18030" if self.charset == "GBK" else self.charset
        mark = "\ufeff" if self.mark and self.charset != "GBK" else ""
        bodies = [(mark + text).encode(codec) for text in self.texts]
        return serve(Platform(bodies, sizes=self.sizes), self.kind, charset=self.charset)


@st.composite
def columns_of(draw: st.DrawFn, rows: int) -> list[str]:
    """Draw a column: of one kind of value, or nearly so."""
    pool = st.sampled_from(draw(st.sampled_from(POOLS)))
    gaps = st.sampled_from(["", ""]) if draw(st.booleans()) else pool
    odd = VALUES if draw(st.integers(0, 4)) == 0 else pool
    value = st.one_of(pool, pool, pool, gaps, odd)
    return draw(st.lists(value, min_size=rows, max_size=rows))


@st.composite
def exports(draw: st.DrawFn) -> Export:
    """Draw an export."""
    count, width = draw(st.integers(0, 9)), draw(st.integers(1, 4))
    ids = st.lists(st.sampled_from(["u1", "1", "007"]), min_size=count, max_size=count)
    first = columns_of(count) if draw(st.booleans()) else ids
    columns = [draw(first), *(draw(columns_of(count)) for _ in range(width - 1))]
    rows = [list(row) for row in zip(*columns, strict=True)]
    files = draw(st.integers(1, 4))
    ends = sorted(draw(st.lists(st.integers(0, count), min_size=files - 1, max_size=files - 1)))
    header = draw(st.permutations(HEADERS).map(lambda names: names[:width]))
    return Export(
        kind=draw(st.sampled_from(KINDS)),
        header=draw(st.sampled_from([header, ["gio_id", *header[1:]]])),
        files=[rows[a:b] for a, b in zip([0, *ends], [*ends, count], strict=True)],
        charset=draw(st.sampled_from(["UTF-16LE", "UTF-8", "GBK"])),
        mark=draw(st.booleans()),
        quoting=draw(st.sampled_from(["all", "needed"])),
        newline=draw(st.sampled_from(["\n", "\r\n", "\r"])),
        sizes=draw(st.lists(st.integers(1, 50), min_size=1, max_size=3).map(tuple)),
        block=draw(st.sampled_from([1, 2, 3, 7, 20, 60, 1 << 20])),
    )


# --- the oracle: Python's own csv module, and the promise about types in plain Python ------------


def table_of(export: Export) -> list[list[str]]:
    """Read the rows of all files."""
    rows = []
    for text in export.texts:
        header, *body = csv.reader(io.StringIO(text, newline=""), strict=True)
        assert header == export.header
        rows += body
    return rows


DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"


def integer(value: str) -> int:
    """Read an integer in plain form of at most 15 digits."""
    if not re.fullmatch(r"0|-?[1-9][0-9]{0,14}", value):
        raise ValueError
    return int(value)


def decimal(value: str) -> float:
    """Read a decimal in plain form of at most 15 significant digits."""
    if not re.fullmatch(r"0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]+", value):
        raise ValueError
    if len(value.replace(".", "").lstrip("-0")) > 15:
        raise ValueError
    return float(value)


def day(value: str) -> datetime:
    """Read an ISO date."""
    if not re.fullmatch(DAY, value):
        raise ValueError
    return datetime.combine(date.fromisoformat(value), datetime.min.time())


def moment(value: str) -> datetime:
    """Read an ISO date-time."""
    if not re.fullmatch(DAY + TIME, value) or value[11:13] == "24":
        raise ValueError
    return datetime.fromisoformat(value)


def instant(value: str) -> datetime:
    """Read an ISO date-time with an offset."""
    if not re.fullmatch(DAY + TIME + r"(Z|[+-][0-9]{2}:[0-9]{2})", value) or value[11:13] == "24":
        raise ValueError
    found = datetime.fromisoformat(value)
    try:
        found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError from error
    return found


def without_commas(value: str) -> str:
    """Read thousands."""
    if "," in value and not re.fullmatch(r"-?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?%?", value):
        raise ValueError
    return value.replace(",", "")


def count(value: str) -> int | None:
    """Read an integer as analyses print it."""
    return None if value == "-" else integer(without_commas(value))


def share(value: str) -> float | None:
    """Read a decimal or a percentage as analyses print it."""
    if value == "-":
        return None
    digits = without_commas(value)
    number = decimal(digits.removesuffix("%"))
    return float(Decimal(digits.removesuffix("%")).scaleb(-2)) if "%" in digits else number


def typed(values: Sequence[str], *, may: bool, analysis: bool) -> tuple[str, list[Any]]:
    """Say what a column is, in Arrow's words, and its values: the first reading that all allow."""
    readings: list[tuple[str, Any]] = [
        ("int64", integer),
        ("double", decimal),
        ("timestamp[us]", day),
        ("timestamp[us]", moment),
        ("zoned", instant),
        *([("int64", count), ("double", share)] if analysis else []),
    ]
    present = [value for value in values if value]
    for name, read in readings if may and present else []:
        try:
            found = [read(value) if value else None for value in values]
        except ValueError:
            continue
        if all(value is None for value in found):
            break  # dashes alone
        if name == "zoned":
            offsets = {value.utcoffset() for value in found if value is not None}
            if len(offsets) > 1:
                break
            name = f"timestamp[us, tz={'UTC' if not max(offsets) else present[0][-6:]}]"
        return name, found
    return "large_string", [value or None for value in values]


def is_identity(name: str) -> bool:
    """Say whether a column is named as ids are."""
    return bool(re.fullmatch(r"gio_id|id_.*|.*ID|.*_id", name, re.DOTALL))


def oracle(export: Export) -> dict[str, tuple[str, list[Any]]]:
    """Say what each column of an export is, and what is in it."""
    rows = table_of(export)
    analysis = export.kind in (Kind.FUNNEL, Kind.EVENT)
    return {
        name: typed(
            [row[at] for row in rows],
            may=not is_identity(name) and (at > 0 or analysis),
            analysis=analysis,
        )
        for at, name in enumerate(export.header)
    }


def dtype_of(kind: str, values: list[Any]) -> str:
    """Say what pandas calls it."""
    if kind == "int64":
        return "Int64" if None in values else "int64"
    if found := re.fullmatch(r"timestamp\[us(?:, tz=(.*))?\]", kind):
        zone = found[1] and ("UTC" if found[1] == "UTC" else f"UTC{found[1]}")
        return f"datetime64[us, {zone}]" if zone else "datetime64[us]"
    return {"double": "float64", "large_string": TEXT}[kind]


# --- the sinks -----------------------------------------------------------------------------------


def plain(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """List a frame's values; what is missing is None."""
    return {
        name: [None if pd.isna(value) else value for value in frame[name].tolist()]
        for name in frame.columns
    }


def named(dtype: Any) -> str:
    """Name a dtype; where old versions read Parquet, an offset is pytz's own."""
    found = re.search(r"pytz\.FixedOffset\((-?\d+)\)", str(dtype))
    if found is None:
        return str(dtype)
    hours, minutes = divmod(abs(int(found[1])), 60)
    sign = "-" if found[1].startswith("-") else "+"
    return str(dtype).replace(found[0], f"UTC{sign}{hours:02}:{minutes:02}")


def agree(frame: pd.DataFrame, expected: dict[str, tuple[str, list[Any]]]) -> None:
    """Hold a frame against what it should be."""
    assert list(frame.columns) == list(expected)
    assert {name: named(dtype) for name, dtype in frame.dtypes.items()} == {
        name: dtype_of(*column) for name, column in expected.items()
    }
    assert plain(frame) == {name: values for name, (_, values) in expected.items()}
    rows = len(next(iter(expected.values()))[1])
    assert frame.index.equals(pd.RangeIndex(rows))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give a folder for all examples."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@settings(max_examples=60, deadline=None)
@given(export=exports(), rows=st.integers(1, 5), picked=st.randoms(use_true_random=False))
def test_every_sink_holds_the_same_rows(
    folder: Path, export: Export, rows: int, picked: Any
) -> None:
    """Frames, Arrow, Polars, batches, Parquet and CSV: what an independent reader says."""
    expected = oracle(export)
    job = export.job()
    types = {name: kind for name, (kind, _) in expected.items()}
    values = {name: column for name, (_, column) in expected.items()}
    with blocks_of(export.block):
        frame = job.to_pandas()
        agree(frame, expected)

        arrow = job.to_arrow()
        assert {field.name: str(field.type) for field in arrow.schema} == types
        assert arrow.to_pydict() == values

        polars = job.to_polars()
        assert polars.to_dict(as_series=False) == values

        batches = list(job.iter_batches(rows))
        assert all(len(batch) == rows for batch in batches[:-1])
        assert pa.Table.from_batches(batches, arrow.schema).equals(arrow)
        assert all(batch.schema.equals(arrow.schema) for batch in batches)

        for path in (folder / "one.parquet", folder / "many"):
            job.to_parquet(path)
            assert pq.read_table(path).equals(arrow)
            again = pd.read_parquet(path)
            agree(again, expected)
            assert again.attrs["gio"]["rows"] == len(frame)
            assert again.attrs["gio"]["job"] == "an-id"
        parts = sorted(entry.name for entry in (folder / "many").iterdir())
        assert parts == [f"part-{number:05}.parquet" for number in range(len(export.files))]

        written = Path(job.to_csv(folder / "all.csv", encoding="utf-8")).read_bytes().decode()
        told = [export.header, *table_of(export)]
        assert list(csv.reader(io.StringIO(written, newline=""), strict=True)) == told
        words = pd.read_csv(io.StringIO(written, newline=""), dtype=str, keep_default_na=False)
        assert [list(words.columns), *words.to_numpy().tolist()] == told

        names = picked.sample(export.header, picked.randint(1, len(export.header)))
        chosen = {name: expected[name] for name in names}
        agree(job.to_pandas(columns=iter(names)), chosen)
        assert job.to_arrow(columns=names).equals(arrow.select(names))
        job.to_parquet(folder / "one.parquet", columns=names)
        agree(pd.read_parquet(folder / "one.parquet"), chosen)


@settings(max_examples=100, deadline=None)
@given(export=exports())
def test_types_do_not_depend_on_where_blocks_or_files_end(export: Export) -> None:
    """The same rows in one file and one block, and cut to pieces, are the same frame."""
    with blocks_of(export.block):
        cut = export.job().to_pandas()
    rows = [row for file in export.files for row in file]
    whole = Export(**{**vars(export), "files": [rows], "sizes": (1 << 20,)}).job().to_pandas()
    pd.testing.assert_frame_equal(cut, whole, check_flags=False)


LATE: list[tuple[str, str]] = [
    ("2024-02-29T23:59:59Z", "timestamp[us, tz=UTC]"),
    ("2024-02-29T23:59:59+08:00", "timestamp[us, tz=+08:00]"),
    ("2024-02-29", "timestamp[us]"),
    ("2024-02-29 10:00", "timestamp[us]"),
    ("5", "int64"),
    ("1.5", "double"),
    ("45%", "double"),
    ("1,234", "int64"),
    ("x", "large_string"),
]


@pytest.mark.parametrize(("value", "kind"), LATE)
@pytest.mark.parametrize("gap", ["", "-"])
@pytest.mark.parametrize("before", [1023, 1024, 1025, 3000])
def test_a_first_value_behind_thousands_of_gaps_is_typed(
    value: str, kind: str, gap: str, before: int
) -> None:
    """However long a block begins with nothing, or with dashes, the values decide."""
    lines = [f'u,"{gap}"', *[f'u,"{gap}"'] * (before - 1), f'u,"{value}"']
    body = "\n".join(["a,x", *lines]) + "\n"
    found = job(body, kind=Kind.EVENT).to_arrow().schema.field("x").type
    if gap == "-" and "timestamp" in kind:
        kind = "large_string"
    assert str(found) == kind


def test_dashes_between_whole_numbers_are_missing_in_parquet_too(tmp_path: Path) -> None:
    """A frame's integers with gaps come back as what they were, where the gaps were dashes."""
    export = job("a,n\nx,1\ny,-\n", kind=Kind.EVENT)
    export.to_parquet(tmp_path / "a.parquet")
    again = pd.read_parquet(tmp_path / "a.parquet")
    frame = export.to_pandas()
    again["a"] = again["a"].astype(frame["a"].dtype)  # pandas 2 reads text as another kind of text
    pd.testing.assert_frame_equal(again, frame, check_flags=False)
    assert str(again["n"].dtype) == "Int64"


@pytest.mark.parametrize("offset", ["+05:30", "-03:30", "+13:45", "-12:00", "+23:59", "+14:00"])
def test_polars_has_every_instant(offset: str) -> None:
    """Where Polars has no zone of an offset, the instants are in UTC; nothing is lost."""
    export = job(f"gio_id,t\nu,2024-02-29T10:00:00{offset}\nv,\n")
    [[instant], [missing]] = export.to_polars(columns=["t"]).rows()
    assert (instant, missing) == (datetime.fromisoformat(f"2024-02-29T10:00:00{offset}"), None)


def test_duplicate_headers_are_told_apart_in_every_sink(tmp_path: Path) -> None:
    """Each column has a name of its own, which ``columns=`` takes, too."""
    export = job("日期,日期,x\n1,a,2\n", kind=Kind.EVENT)
    names = ["日期", "日期.1", "x"]
    assert list(export.to_pandas().columns) == names
    assert export.to_polars().columns == names
    assert next(export.iter_batches()).schema.names == names
    assert list(pd.read_parquet(*export.to_parquet(tmp_path / "a.parquet")).columns) == names
    assert Path(export.to_csv(tmp_path / "a.csv")).read_text("utf-8-sig").split()[0] == (
        "日期,日期.1,x"
    )
    assert export.to_pandas(columns=["日期.1"])["日期.1"].tolist() == ["a"]


@pytest.mark.parametrize("files", [1, 3])
def test_a_header_alone_is_an_export_in_every_sink(tmp_path: Path, files: int) -> None:
    """A group without users has its columns, and a tag's declared type, everywhere."""
    export = job(*["gio_id,城市,积分\n"] * files, value_types={"积分": "INT"})
    dtypes = [TEXT, TEXT, "int64"]
    assert export.to_arrow().num_rows == 0
    assert export.to_polars().shape == (0, 3)
    assert list(export.iter_batches()) == []
    for path in (tmp_path / "a.parquet", tmp_path / "many"):
        assert len(export.to_parquet(path)) == (1 if path.suffix else files)
        frame = pd.read_parquet(path)
        assert [str(dtype) for dtype in frame.dtypes] == dtypes
        assert frame.shape == (0, 3)
    export.to_csv(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == "\ufeffgio_id,城市,积分\r\n".encode()


def test_a_declared_type_that_does_not_fit_is_told_once_in_every_sink(tmp_path: Path) -> None:
    """A tag that is not what the platform says stays text, and a warning names it."""
    export = job("gio_id,积分\nu,x\n", value_types={"积分": "INT"})
    for sink in (
        export.to_pandas,
        export.to_arrow,
        export.to_polars,
        lambda: list(export.iter_batches()),
        lambda: export.to_parquet(tmp_path / "a.parquet"),
    ):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            sink()
        assert len(told) == 1
        assert "积分" in str(told[0].message)
