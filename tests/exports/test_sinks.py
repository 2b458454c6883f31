"""Sinks: every part of a job in one table, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gio_pandas as gio
from gio_pandas.api.downloads import Reply
from gio_pandas.api.models import JobResult, Kind
from gio_pandas.exports.frames import text_dtype
from gio_pandas.exports.job import ExportJob, Order

TEXT = str(text_dtype())


@dataclass
class Platform:
    """Has finished a job of these files."""

    bodies: tuple[bytes, ...]

    def job_result(self, job_id: str, *, timeout: float | None = None) -> JobResult:
        """Say that it is finished."""
        uris = tuple(f"/jobs/DES-1/用户_{number}.csv" for number in range(len(self.bodies)))
        return JobResult(stage="FINISH", uris=uris)

    @contextmanager
    def download(
        self, url: str, *, start: int = 0, validator: str | None = None
    ) -> Iterator[Reply]:
        """Give a file by the number in its name."""
        body = self.bodies[int(url.rpartition("_")[2].removesuffix(".csv"))]
        yield Reply(0, len(body), None, False, "text/csv", iter([body]))


def job(*bodies: bytes | str, kind: Kind | None = Kind.SEGMENT, **order: Any) -> ExportJob:
    """Make a finished job of these files."""
    files = tuple(body.encode() if isinstance(body, str) else body for body in bodies)
    known = {"platform": "https://cdp.example.cn", "kind": kind, "charset": "UTF-8"}
    submitted = datetime.now(UTC)
    return ExportJob(Platform(files), "an-id", Order(**{**known, **order}), submitted_at=submitted)


def dtypes(frame: pd.DataFrame) -> list[str]:
    """List a frame's dtypes."""
    return [str(dtype) for dtype in frame.dtypes]


@pytest.mark.parametrize("parts", [1, 2])
def test_a_frame_can_be_written_to(parts: int) -> None:
    """Numbers, times and texts are the caller's own, missing values or none."""
    rows = ["1,1,1,1.5,2021-04-13,2021-04-13T11:40:00+08:00", "2,2,,2.5,2021-04-14,"]
    frame = job(*["\n".join(["gio_id,n,m,x,d,z", *rows]) + "\n"] * parts).to_pandas()
    for name in frame.columns:
        frame.loc[1, name] = frame.loc[0, name]
    assert frame.iloc[1].equals(frame.iloc[0])
    frame["n"] += 1
    frame.loc[frame["x"] > 1, "x"] = 0.0
    assert (frame["n"].iloc[0], frame["x"].sum()) == (2, 0.0)


def test_what_to_pandas_was_given_is_in_the_provenance() -> None:
    """``refresh`` runs with the dtypes that the frame was made with."""
    frame = job("gio_id,n\n1,2\n").to_pandas(dtype={"n": str}, dtype_backend="pyarrow")
    assert frame.attrs["gio"]["arguments"] == {
        "columns": None,
        "dtype": {"n": "str"},
        "dtype_backend": "pyarrow",
    }


def test_parts_are_read_in_order() -> None:
    """Every row of every part, in the order that the platform names them, under one index."""
    frame = job("gio_id,n\n9,1\n", "gio_id,n\n", "gio_id,n\n1,2\n3,4\n").to_pandas()
    assert frame["gio_id"].tolist() == ["9", "1", "3"]
    assert frame["n"].tolist() == [1, 2, 4]
    assert frame.index.equals(pd.RangeIndex(3))


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("odd", ["007", "x", "1e10"])
def test_one_value_in_any_part_keeps_a_column_text(odd: str, place: int) -> None:
    """A type is decided over all parts together."""
    values = ["1", "2", "3"]
    values[place] = odd
    frame = job(*(f"gio_id,n\nu,{value}\n" for value in values)).to_pandas()
    assert dtypes(frame) == [TEXT, TEXT]
    assert frame["n"].tolist() == values


@pytest.mark.parametrize("place", [0, 1])
def test_a_gap_in_any_part_makes_an_integer_nullable(place: int) -> None:
    """An integer with a missing value anywhere is Int64."""
    values = ["1", "2"]
    values[place] = ""
    frame = job(*(f"gio_id,n\nu,{value}\n" for value in values)).to_pandas()
    assert str(frame["n"].dtype) == "Int64"


def test_parts_may_be_of_different_charsets() -> None:
    """Each file is read as what it is, and the provenance names them all."""
    bodies = ["gio_id,城市\n1,北京\n".encode(charset) for charset in ("utf-8", "gbk")]
    frame = job(*bodies).to_pandas()
    assert frame["城市"].tolist() == ["北京", "北京"]
    assert frame.attrs["gio"]["charset"] == "utf-8, gb18030"


@pytest.mark.parametrize(
    "second",
    ["gio_id,m\n1,2\n", "n,gio_id\n1,2\n", "gio_id\n1\n", "gio_id,n,m\n1,2,3\n", "1,2\n"],
)
def test_a_part_of_other_columns_is_an_error_that_names_it(second: str) -> None:
    """Parts are never stacked where their headers differ."""
    with pytest.raises(
        gio.DecodeError, match=r"'用户_1.csv' has the columns .*gio_id, n"
    ) as caught:
        job("gio_id,n\n1,2\n", second).to_pandas()
    assert caught.value.file == "/jobs/DES-1/用户_1.csv"


def test_duplicate_headers_survive() -> None:
    """Each column is there, with its own type, under a name of its own."""
    frame = job("日期,日期,日期.1\n1,x,2021-04-13\n", kind=Kind.EVENT).to_pandas()
    assert list(frame.columns) == ["日期", "日期.2", "日期.1"]
    assert dtypes(frame) == ["int64", TEXT, "datetime64[us]"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.SEGMENT, [TEXT, TEXT, TEXT]),
        (Kind.TAG, [TEXT, TEXT, TEXT]),
        (None, [TEXT, TEXT, TEXT]),
        (Kind.FUNNEL, ["int64", "int64", "float64"]),
        (Kind.EVENT, ["int64", "int64", "float64"]),
        (Kind.RETENTION, ["int64", "int64", "float64"]),
        (Kind.FREQUENCY, ["int64", "int64", "float64"]),
        (Kind.ANALYSIS, ["int64", "int64", "float64"]),
    ],
)
def test_what_an_analysis_prints_is_numbers_there_alone(
    kind: Kind | None, expected: list[str]
) -> None:
    """Thousands and percents are numbers in analyses; a job of no known kind keeps its text."""
    frame = job('步骤,用户数,转化率\n1,"1,234",45.20%\n', kind=kind).to_pandas()
    assert dtypes(frame) == expected


@pytest.mark.parametrize("header", ["tag_points", "会员积分", "标签值"])
def test_a_tags_type_is_that_of_the_column_beside_the_id(header: str) -> None:
    """In a tag's export its column is known by key, by name, or by its place."""
    types = {"tag_points": "STRING", "会员积分": "STRING"}
    found = job(f"gio_id,{header}\nu,1\n", kind=Kind.TAG, value_types=types).to_pandas()
    assert found[header].tolist() == ["1"]


def test_a_tags_place_is_not_guessed_among_several_columns() -> None:
    """With properties beside it, only its key or its name tells a tag's column."""
    types = {"tag_points": "STRING"}
    found = job("gio_id,年龄,积分\nu,1,2\n", kind=Kind.TAG, value_types=types).to_pandas()
    assert dtypes(found) == [TEXT, "int64", "int64"]


def test_an_arrow_table_has_the_frames_types() -> None:
    """The same rows and columns, in Arrow's types."""
    found = job("gio_id,n,f,d,s\nu,1,1.5,2021-04-13,x\nv,,,,\n").to_arrow()
    assert found.schema.types == [
        pa.large_string(),
        pa.int64(),
        pa.float64(),
        pa.timestamp("us"),
        pa.large_string(),
    ]
    assert found.column_names == ["gio_id", "n", "f", "d", "s"]
    assert [column[1].as_py() for column in found.columns] == ["v", None, None, None, None]


def test_a_header_alone_is_a_frame_with_columns() -> None:
    """A group without users has its columns, and a tag's type where it is known."""
    found = job("gio_id,城市,积分\n", value_types={"积分": "INT"})
    frame = found.to_pandas()
    assert list(frame.columns) == ["gio_id", "城市", "积分"]
    assert dtypes(frame) == [TEXT, TEXT, "int64"]
    assert (len(frame), found.to_arrow().num_rows) == (0, 0)


def test_a_dtype_for_a_column_that_is_not_there_is_an_error() -> None:
    """It lists the columns that there are."""
    with pytest.raises(gio.DecodeError, match=r"names 年岭.*gio_id, 年龄"):
        job("gio_id,年龄\n1,2\n").to_pandas(dtype={"年岭": "str"})


def test_provenance_is_plain_and_whole() -> None:
    """What a frame says of itself survives JSON, and has all that was promised."""
    arguments = {"tags": ["Tg000001"], "properties": [], "charset": "UTF-8"}
    order = {
        "item_id": "qgQMXnD3",
        "name": "高价值用户",
        "project_id": "WlGk4Daj",
        "project_name": "默认项目",
        "arguments": arguments,
    }
    source = job("gio_id\n1\n", "gio_id\n2\n", **order).to_pandas().attrs["gio"]
    assert json.loads(json.dumps(source)) == source
    times = [pd.Timestamp(source.pop(name)) for name in ("submitted", "finished", "read")]
    assert times == sorted(times)
    assert all(str(time.tz) == "UTC" for time in times)
    assert source == {
        "platform": "https://cdp.example.cn",
        "project": "WlGk4Daj",
        "project_name": "默认项目",
        "kind": "segment",
        "id": "qgQMXnD3",
        "name": "高价值用户",
        "job": "an-id",
        "files": ["用户_0.csv", "用户_1.csv"],
        "charset": "utf-8",
        "rows": 2,
        "arguments": {**arguments, "columns": None, "dtype": None, "dtype_backend": None},
        "columns": {"gio_id": str(text_dtype())},
        "decided_by": {"gio_id": "first column"},
        "version": gio.__version__,
    }


def test_what_is_wanted_as_text_is_text_in_every_table(tmp_path: Path) -> None:
    """``dtype=`` wins over what the values say, in Arrow, batches and Parquet, too."""
    found = job("gio_id,code,n\nu,1,2\n", dtype={"code": "str", "n": "float64"})
    found.to_parquet(tmp_path / "users.parquet")
    types = {"to_arrow": found.to_arrow().schema, "batch": next(found.iter_batches()).schema}
    types["parquet"] = pq.read_schema(tmp_path / "users.parquet")
    for schema in types.values():
        assert [str(schema.field(name).type) for name in ("code", "n")] == ["large_string", "int64"]
    assert dtypes(found.to_pandas()) == [TEXT, TEXT, "float64"]
    assert dtypes(pd.read_parquet(tmp_path / "users.parquet"))[1] == TEXT
