"""CSV and Parquet: in the encoding and compression asked for, every value as it was written."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import gio_pandas as gio
from gio_pandas.api.models import Kind

from .served import Platform, blocks_of, job, serve

ROWS = [["gio_id", "城市"], ["1", "北京"], ["2", "上海,\r\n浦东"], ["3", 'a"b']]
BODY = 'gio_id,城市\n1,北京\n2,"上海,\r\n浦东"\n3,"a""b"\n'


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "UTF-16LE", "utf-32", "utf-7"]
)
def test_csv_is_in_the_encoding_asked_for(encoding: str, place: Path) -> None:
    """One byte order mark at most, however many blocks there are, and every letter."""
    with blocks_of(5):
        written = Path(job(BODY, charset="UTF-8").to_csv(place / "a.csv", encoding=encoding))
    text = written.read_bytes().decode(encoding)
    assert "\ufeff" not in text
    assert list(csv.reader(io.StringIO(text, newline=""))) == ROWS


def test_csv_opens_in_excel(place: Path) -> None:
    """UTF-8 with a mark, unless another encoding is asked for."""
    body = Path(job(BODY).to_csv(place / "a.csv")).read_bytes()
    assert body.startswith(codecs.BOM_UTF8)
    assert body.count(codecs.BOM_UTF8) == 1


@pytest.mark.parametrize("encoding", ["", "nonsense", "rot13", "hex", "base64", "undefined", "a\0"])
def test_an_unknown_encoding_is_refused_before_the_wait(encoding: str, place: Path) -> None:
    """So is one that is none of text."""
    platform = Platform([BODY.encode()])
    with pytest.raises(gio.SettingsError, match=r"encoding=.*utf-8-sig"):
        serve(platform).to_csv(place / "a.csv", encoding=encoding)
    assert (platform.asked, list(place.iterdir())) == (0, [])


@pytest.mark.parametrize(
    ("encoding", "letter"), [("ascii", "城"), ("gbk", "😀"), ("latin-1", "户")]
)
def test_a_letter_that_the_encoding_lacks_is_an_error(
    encoding: str, letter: str, place: Path
) -> None:
    """It is never written as another one, and nothing is left."""
    (place / "old.csv").write_text("old")
    export = job(f"gio_id,n\n1,2\n2,{letter}\n")
    for name in ("old.csv", "new.csv"):
        with pytest.raises(gio.SettingsError, match=f"{encoding}.*{letter}.*gb18030"):
            export.to_csv(place / name, encoding=encoding)
    assert [path.name for path in place.iterdir()] == ["old.csv"]
    assert (place / "old.csv").read_text() == "old"


def test_every_value_is_written_as_it_was(place: Path) -> None:
    """Nothing is typed on the way: zeros, places and dashes stay."""
    body = "步骤,a,b,c\nx,007,12.50,-\ny,1e10,45.20%,\n"
    written = Path(job(body, kind=Kind.FUNNEL).to_csv(place / "a.csv", encoding="utf-8"))
    assert written.read_bytes().decode() == body.replace("\n", "\r\n")


@pytest.mark.parametrize("value", ["", " ", "\t", "\u3000", "x"])
def test_one_column_keeps_its_rows(value: str, place: Path) -> None:
    """A row of nothing, or of blanks, is one to readers that pass over blank lines, too."""
    path = job(f"用户\nu\n{value}\nv\n", kind=Kind.EVENT).to_csv(place / "a.csv")
    found = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert found["用户"].tolist() == ["u", value, "v"]


def test_one_chosen_column_keeps_its_rows(place: Path) -> None:
    """What is one column in the end counts."""
    path = job("gio_id,n\nu,\nv,1\n").to_csv(place / "a.csv", columns=["n"])
    assert pd.read_csv(path, dtype=str, keep_default_na=False)["n"].tolist() == ["", "1"]


def test_a_header_is_quoted_where_it_needs_to_be(place: Path) -> None:
    """Commas, quotes and line breaks in names come back from CSV and Parquet."""
    names = ["gio_id", "a,b", 'c"d', "e\nf", "g\rh"]
    line = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    export = job(f"{line}\n1,2,3,4,5\n")
    assert list(pd.read_csv(export.to_csv(place / "a.csv")).columns) == names
    assert list(pd.read_parquet(*export.to_parquet(place / "a.parquet")).columns) == names


def test_parquet_is_read_with_the_dtypes_of_the_frame(place: Path) -> None:
    """Those of text, too, which pandas 2 would take for Python's own."""
    export = job(BODY)
    frame = pd.read_parquet(*export.to_parquet(place / "a.parquet"))
    assert [repr(dtype) for dtype in frame.dtypes] == [repr(d) for d in export.to_pandas().dtypes]


@pytest.mark.parametrize(
    ("compression", "codec"),
    [
        ("zstd", "ZSTD"),
        ("snappy", "SNAPPY"),
        ("gzip", "GZIP"),
        ("lz4", "LZ4"),
        ("none", "UNCOMPRESSED"),
    ],
)
def test_parquet_is_compressed_as_asked(compression: str, codec: str, place: Path) -> None:
    """Each by its name, and all of them are read."""
    [path] = job(BODY).to_parquet(place / "a.parquet", compression=compression)
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == codec
    assert pd.read_parquet(path)["城市"].tolist() == [row[1] for row in ROWS[1:]]


def test_each_file_of_an_export_is_a_part_file(place: Path) -> None:
    """In order, all of the same schema, typed over all of them together."""
    export = job("gio_id,n\n1,\n", "gio_id,n\n", "gio_id,n\n2,1.5\n")
    files = export.to_parquet(place / "users")
    assert [pq.read_table(file).num_rows for file in files] == [1, 0, 1]
    assert {str(pq.read_schema(file).field("n").type) for file in files} == {"double"}
    frame = pd.read_parquet(place / "users")
    assert frame["gio_id"].tolist() == ["1", "2"]
    assert frame.attrs["gio"]["rows"] == 2


def test_a_long_export_has_several_row_groups(place: Path) -> None:
    """Readers skip by them."""
    body = "gio_id,n\n" + "".join(f"u{n},{n}\n" for n in range(300_000))
    [path] = job(body).to_parquet(place / "a.parquet")
    groups = pq.ParquetFile(path).metadata
    assert groups.num_row_groups == 3
    assert pd.read_parquet(path)["n"].tolist() == list(range(300_000))
