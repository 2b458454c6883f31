"""The ways to read an export that are measured beside each other."""

from __future__ import annotations

import importlib
import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import answers
from benchmarks.data import CHARSETS, Dataset
from benchmarks.measurement import Trial
from benchmarks.sources import HttpSource, Source, from_json

__all__ = ["LABELS", "WAYS", "begin", "columns"]

Read = Callable[[], Any]
Way = Callable[[Source], Read]

_IDS = ("gio_id", "login_id")


def _gio(source: Source) -> Read:
    return source.job().to_pandas  # type: ignore[no-any-return]


def _gio_parquet(source: Source) -> Read:
    job = source.job()
    folder = Path(tempfile.mkdtemp(prefix="gio-bench-"))

    def read() -> Path:
        job.to_parquet(folder / "users")
        return folder

    return read


def _gio_file(source: Source) -> Read:
    assert isinstance(source, HttpSource)
    job = source.attach()
    folder = Path(tempfile.mkdtemp(prefix="gio-bench-"))

    def read() -> Path:
        job.download(folder)
        return folder

    return read


def _httpx_file(source: Source) -> Read:
    assert isinstance(source, HttpSource)
    folder = Path(tempfile.mkdtemp(prefix="gio-bench-"))

    def read() -> Path:
        source.save(folder)
        return folder

    return read


def _script(source: Source) -> Read:
    return _pandas(source, {})


def _script_text(source: Source) -> Read:
    return _pandas(source, {"dtype": dict.fromkeys(_IDS, str)})


def _script_pyarrow(source: Source) -> Read:
    return _pandas(source, {"engine": "pyarrow"})


def _pandas(source: Source, options: Mapping[str, Any]) -> Read:
    import pandas as pd

    codec = CHARSETS[source.charset]

    def read() -> Any:
        frames = [
            pd.read_csv(io.BytesIO(content), encoding=codec, **options) for content in _each(source)
        ]
        return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)

    return read


def _pyarrow_csv(source: Source) -> Read:
    import pandas  # noqa: F401  # before the clock starts
    import pyarrow as pa
    from pyarrow import csv

    charset = csv.ReadOptions(encoding=CHARSETS[source.charset])
    breaks = csv.ParseOptions(newlines_in_values=True)

    def read() -> Any:
        tables = [
            csv.read_csv(io.BytesIO(content), read_options=charset, parse_options=breaks)
            for content in _each(source)
        ]
        return pa.concat_tables(tables).to_pandas()

    return read


def _polars(source: Source) -> Read:
    polars = importlib.import_module("polars")
    codec = CHARSETS[source.charset]

    def read() -> Any:
        return polars.concat(
            [polars.read_csv(content, encoding=codec) for content in _each(source)]
        )

    return read


def _curl(source: Source) -> Read:
    assert isinstance(source, HttpSource)
    links, headers = source.links, source.headers
    folder = Path(tempfile.mkdtemp(prefix="gio-bench-"))

    def read() -> Path:
        command = ["curl", "--silent", "--fail", "--noproxy", "*"]
        for name, value in headers.items():
            command += ["--header", f"{name}: {value}"]
        for number, link in enumerate(links):
            command += ["--output", str(folder / f"{number}.csv"), link]
        subprocess.run(command, check=True)
        return folder

    return read


def _utf8_guessed(source: Source) -> Read:
    return _utf8(source, {})


def _utf8_text(source: Source) -> Read:
    return _utf8(source, {"column_types": dict.fromkeys(_IDS, "string")})


def _utf8(source: Source, types: Mapping[str, Any]) -> Read:
    """Parse the same table, which is UTF-8 in memory before the clock starts, into Arrow."""
    import pyarrow as pa
    from pyarrow import csv

    codec = CHARSETS[source.charset]
    files = [content.decode(codec).encode() for content in source.fetch()]
    breaks = csv.ParseOptions(newlines_in_values=True)
    convert = csv.ConvertOptions(strings_can_be_null=True, null_values=[""], **types)

    def read() -> Any:
        return pa.concat_tables(
            csv.read_csv(pa.BufferReader(content), parse_options=breaks, convert_options=convert)
            for content in files
        )

    return read


def _each(source: Source) -> Iterator[bytes]:
    yield from source.fetch()


WAYS: Mapping[str, Way] = {
    "gio": _gio,
    "script": _script,
    "script_text": _script_text,
    "script_pyarrow": _script_pyarrow,
    "pyarrow_csv": _pyarrow_csv,
    "polars": _polars,
    "curl": _curl,
    "gio_parquet": _gio_parquet,
    "gio_file": _gio_file,
    "httpx_file": _httpx_file,
    "utf8_guessed": _utf8_guessed,
    "utf8_text": _utf8_text,
}

LABELS: Mapping[str, str] = {
    "gio": "gio_pandas",
    "script": "(a) httpx + pd.read_csv",
    "script_text": "(b) the same, ids dtype=str",
    "script_pyarrow": '(c) pd.read_csv(engine="pyarrow")',
    "pyarrow_csv": "(d) pyarrow.csv, encoding=",
    "polars": "(e) polars.read_csv",
    "curl": "(f) curl to a file",
    "gio_parquet": "gio_pandas to Parquet",
    "gio_file": "gio_pandas to a file",
    "httpx_file": "httpx to a file",
    "utf8_guessed": "pyarrow.csv of UTF-8, types guessed",
    "utf8_text": "pyarrow.csv of UTF-8, ids as text",
}


class _Reading(Trial):
    def __init__(self, read: Read, dataset: Dataset) -> None:
        self._read = read
        self._dataset = dataset

    def run(self) -> Any:
        return self._read()

    def faults(self, result: Any) -> list[str]:
        dataset = self._dataset
        if isinstance(result, Path):
            try:
                return _folder_faults(result, dataset)
            finally:
                shutil.rmtree(result)
        return answers.faults(columns(result), dataset.columns, dataset.rows)


def begin(*, way: str, dataset: Any, source: Any, warm: Any) -> Trial:
    """Make everything ready for one reading, with a first small one behind it.

    Parameters
    ----------
    way
        One of ``WAYS``.
    dataset, source
        What is read, and from where; as plain values.
    warm
        A small source of the same kind: what a way imports and opens late is there then.
    """
    made = WAYS[way](from_json(warm))()
    if isinstance(made, Path):
        shutil.rmtree(made)
    del made
    return _Reading(WAYS[way](from_json(source)), Dataset.from_json(dataset))


def _folder_faults(folder: Path, dataset: Dataset) -> list[str]:
    files = sorted(folder.glob("*.csv"))
    if not files:
        return answers.faults(_ParquetColumns(folder), dataset.columns, dataset.rows)
    size = sum(file.stat().st_size for file in files)
    return [] if size == dataset.size else [f"{size:,} bytes of {dataset.size:,}"]


def columns(result: Any) -> Mapping[str, Any]:
    """Give a result's columns as Arrow arrays, by name, whatever library it is of."""
    import pyarrow as pa

    if hasattr(result, "to_arrow"):
        result = result.to_arrow()
    if isinstance(result, pa.Table):
        return dict(zip(result.column_names, result.columns, strict=True))
    return {name: _array(result[name]) for name in result.columns}


def _array(series: Any) -> Any:
    import pyarrow as pa

    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # numbers and text in one column
        return pa.nulls(len(series))


class _ParquetColumns(Mapping[str, Any]):
    """The columns of a folder of Parquet files, read one at a time."""

    def __init__(self, folder: Path) -> None:
        dataset = importlib.import_module("pyarrow.dataset")
        self._data = dataset.dataset(folder, format="parquet")

    def __getitem__(self, name: str) -> Any:
        return self._data.to_table(columns=[name]).column(0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._data.schema.names)

    def __len__(self) -> int:
        return len(self._data.schema.names)
