"""Which columns are read, and as what: the caller's choice, in every sink that it applies to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import gio_pandas as gio
from gio_pandas import sandbox as embedded
from gio_pandas.api.models import Kind
from gio_pandas.exports.frames import text_dtype

from .served import Platform, blocks_of, job, serve

TEXT = str(text_dtype())
BODY = "gio_id,n,x,d,w\n1,007,1.50,2021-04-13,a\n2,8,,2021-04-14,\n"
ANALYSIS = '步骤,人数,比例\na,"1,234",45.20%\nb,-,100%\n'


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    """Name a frame's dtypes."""
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["w", "gio_id"], ["w", "gio_id"]),
        ("x", ["x"]),
        (iter(["d", "n"]), ["d", "n"]),
        (("n", "n", "x"), ["n", "x"]),
        (pd.Index(["x", "w"]), ["x", "w"]),
    ],
)
def test_columns_come_in_the_order_wanted(columns: Any, expected: list[str]) -> None:
    """Any iterable of names, or one name; each column once."""
    assert list(job(BODY).to_pandas(columns=columns).columns) == expected


def test_a_column_that_is_not_there_lists_those_that_are(place: Path) -> None:
    """In every sink, and nothing is written."""
    export = job(BODY)
    for sink in (
        export.to_pandas,
        export.to_arrow,
        export.to_polars,
        lambda **how: list(export.iter_batches(**how)),
        lambda **how: export.to_parquet(place / "a.parquet", **how),
        lambda **how: export.to_csv(place / "a.csv", **how),
    ):
        with pytest.raises(gio.DecodeError, match=r"names 城市.*gio_id, n, x, d, w"):
            sink(columns=["n", "城市"])
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("columns", "error"), [([], ValueError), ([1], TypeError), ([None], TypeError)]
)
def test_what_names_no_column_is_refused_before_the_wait(columns: Any, error: Any) -> None:
    """As Python refuses arguments of its own."""
    platform = Platform([BODY.encode()])
    for sink in ("to_pandas", "to_arrow", "to_polars", "iter_batches"):
        with pytest.raises(error, match="columns="):
            getattr(serve(platform), sink)(columns=columns)
    assert platform.asked == 0


@pytest.mark.parametrize("block", [1, 1 << 20])
@pytest.mark.parametrize(
    ("dtype", "becomes"),
    [
        ({"n": "int64"}, {"n": "int64", "x": "float64"}),
        ({"n": str, "x": str}, {"n": TEXT, "x": TEXT}),
        ({"x": "category"}, {"n": TEXT, "x": "category"}),
        ({"d": "str"}, {"d": TEXT}),
        (str, dict.fromkeys(["n", "x", "d", "w"], TEXT)),
        ({"x": "Float64", "n": "Int8"}, {"x": "Float64", "n": "Int8"}),
    ],
)
def test_a_dtype_wins_with_and_without_a_choice_of_columns(
    dtype: Any, becomes: dict[str, str], block: int
) -> None:
    """A column is made of its own text, whatever blocks it came in and beside what."""
    with blocks_of(block):
        whole = job(BODY, BODY.replace("007", "9")).to_pandas(dtype=dtype)
        chosen = job(BODY, BODY.replace("007", "9")).to_pandas(dtype=dtype, columns=["w", *becomes])
    assert {name: dtypes(whole)[name] for name in becomes} == becomes
    pd.testing.assert_frame_equal(chosen, whole[list(chosen.columns)], check_flags=False)
    if becomes.get("n") == TEXT:
        assert chosen["n"].tolist() == ["007", "8", "9", "8"]


def test_a_dtype_of_a_column_that_is_not_selected_does_nothing() -> None:
    """It is a column of the export all the same; one that is none is an error still."""
    frame = job(BODY).to_pandas(columns=["w"], dtype={"n": "datetime64[ns]"})
    assert dtypes(frame) == {"w": TEXT}
    with pytest.raises(gio.DecodeError, match="dtype= names nn"):
        job(BODY).to_pandas(columns=["w"], dtype={"nn": "str"})


def test_a_number_asked_of_an_analysis_is_read_as_it_is_printed() -> None:
    """Thousands, percents and dashes are no obstacle to a dtype of numbers; text stays as it is."""
    export = job(ANALYSIS, kind=Kind.FUNNEL)
    numbers = export.to_pandas(dtype={"人数": "Int32", "比例": "float32"})
    assert dtypes(numbers)["人数"] == "Int32"
    assert numbers["人数"].tolist() == [1234, pd.NA]
    assert numbers["比例"].tolist() == pytest.approx([0.452, 1.0])
    words = export.to_pandas(dtype={"人数": str}, columns=["人数"])
    assert words["人数"].tolist() == ["1,234", "-"]


@pytest.mark.parametrize("block", [1, 1 << 20])
@pytest.mark.parametrize(
    ("backend", "becomes"),
    [
        ("numpy_nullable", ["string", "string", "Float64", "datetime64[us]", "string"]),
        (
            "pyarrow",
            ["string[pyarrow]"] * 2
            + ["double[pyarrow]", "timestamp[us][pyarrow]", "string[pyarrow]"],
        ),
    ],
)
def test_a_backend_is_for_all_columns(backend: Any, becomes: list[str], block: int) -> None:
    """Whatever blocks they came in, and chosen or not."""
    with blocks_of(block):
        whole = job(BODY, BODY).to_pandas(dtype_backend=backend)
        chosen = job(BODY, BODY).to_pandas(dtype_backend=backend, columns=["x", "n"])
    assert [str(dtype) for dtype in whole.dtypes] == becomes
    pd.testing.assert_frame_equal(chosen, whole[["x", "n"]], check_flags=False)


def test_what_was_submitted_with_is_for_every_sink(place: Path) -> None:
    """``submit_…(columns=…, dtype=…, dtype_backend=…)``; what a sink is given wins."""
    export = job(BODY, columns=["x", "n"], dtype={"n": str}, dtype_backend="numpy_nullable")
    names = ["x", "n"]
    assert dtypes(export.to_pandas()) == {"x": "Float64", "n": TEXT}
    assert export.to_arrow().column_names == names
    assert export.to_polars().columns == names
    assert next(export.iter_batches()).schema.names == names
    assert list(pd.read_parquet(*export.to_parquet(place / "a.parquet")).columns) == names
    assert list(pd.read_csv(export.to_csv(place / "a.csv")).columns) == names
    assert [path.read_text("utf-8") for path in export.download(place / "raw")] == [BODY]
    assert list(export.to_pandas(columns=["w"]).columns) == ["w"]
    assert export.to_arrow(columns=["d"]).column_names == ["d"]


def test_a_choice_of_columns_is_read_from_a_platform(sandbox: embedded.Sandbox) -> None:
    """``read_segment(columns=…)`` is what a choice afterwards is; a job remembers its limit."""
    asked: dict[str, Any] = {"properties": ["usr_city", "usr_age"]}
    with gio.Session(sandbox.url, api_key=sandbox.api_key, project="默认项目") as session:
        whole = session.read_segment("高价值用户", **asked)
        names = [whole.columns[2], whole.columns[0]]
        frame = session.read_segment("高价值用户", columns=names, **asked)
        pd.testing.assert_frame_equal(frame, whole[names], check_flags=False)
        assert frame.attrs["gio"]["arguments"]["columns"] == names
        small = session.submit_segment("高价值用户", columns=names, memory_limit=10, **asked)
        assert small.to_csv(Path.home() / "a.csv")
        assert sum(map(len, small.iter_batches())) == len(whole)
        for sink in (small.to_pandas, small.to_arrow, small.to_polars):
            with pytest.raises(gio.MemoryLimitError, match=r"gio.attach|to_parquet"):
                sink()
        assert small.to_polars(memory_limit="1 GB").columns == names
