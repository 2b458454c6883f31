"""What a finished job becomes on disk: Parquet, CSV, or the files as they are."""

from __future__ import annotations

import codecs
import json
import os
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gio_pandas.errors import SettingsError
from gio_pandas.exports import frames
from gio_pandas.exports.dtypes import TEXT
from gio_pandas.exports.files import ChangedFileError, Part
from gio_pandas.exports.reading import Crew, for_each_part
from gio_pandas.exports.sinks import provenance, spooled
from gio_pandas.exports.spool import Spool
from gio_pandas.exports.targets import Target, safe_name, target

if TYPE_CHECKING:
    import pandas as pd

    from gio_pandas.exports.job import ExportJob

__all__ = ["csv_target", "download", "download_target", "parquet_target", "to_csv", "to_parquet"]

_COMPRESSIONS = ("zstd", "snappy", "gzip", "lz4", "none")
_PART_FILE = r"part-\d{5,}\.parquet"
_ANY_FILE = r"(?s).*"
_NO_FILE = r"(?!)"
_ROW_GROUP = 131_072
_GROUP_BYTES = 1 << 25
"""A row group's rows or bytes: enough for a reader to skip by, few enough to be held in memory."""

_NEEDS_QUOTES = r'[",\r\n]'
_NEEDS_QUOTES_ALONE = rf"{_NEEDS_QUOTES}|^\s*$"
_LINE_END = "\r\n"
"""With this one, a lone return within a text is quoted too (RFC 4180)."""


def parquet_target(path: str | os.PathLike[str], compression: str) -> Target:
    """Check where Parquet is to be written, and how, before anything is waited for.

    Raises
    ------
    SettingsError
        It could not be written in the end.
    """
    if compression not in _COMPRESSIONS:
        raise SettingsError(
            f"compression={compression!r} is unknown", hint=f"Use {', '.join(_COMPRESSIONS)}."
        )
    found = target(path)
    found.check(_pattern(found))
    return found


def csv_target(path: str | os.PathLike[str], encoding: str) -> Target:
    """Check where CSV is to be written, and in what, before anything is waited for.

    Raises
    ------
    SettingsError
        It could not be written in the end.
    """
    try:
        "a".encode(encoding)
    except (LookupError, ValueError) as error:  # none, or none of text
        raise SettingsError(
            f"encoding={encoding!r} is unknown", hint='Use "utf-8-sig", "utf-8" or "gb18030".'
        ) from error
    found = target(path)
    found.check(None)
    return found


def download_target(folder: str | os.PathLike[str]) -> Target:
    """Check where files are to be saved, before anything is waited for.

    Raises
    ------
    SettingsError
        It is no folder of this machine's.
    """
    found = target(folder)
    if found.local_folder is None:
        raise SettingsError(
            f"download() saves to a folder of this machine, not to {found.path}",
            hint="Name a folder; to_parquet and to_csv write to addresses, too.",
        )
    found.check(_ANY_FILE)
    return found


def _pattern(found: Target) -> str | None:
    """Say what the part files are called; None where all goes into one file."""
    return None if found.path.lower().endswith(".parquet") else _PART_FILE


def to_parquet(
    job: ExportJob,
    found: Target,
    *,
    columns: Sequence[str] | None,
    compression: str,
    dtype: Any = None,
) -> list[str]:
    """Write a finished job's files as Parquet; see ``ExportJob.to_parquet``.

    The columns of ``dtype`` are written as text.
    """
    with spooled(job, columns, dtype, found.local_folder) as spool:
        spool.warn()
        schema = _schema(job, spool, columns, dtype)
        numbers = range(len(spool.rows))
        pattern = _pattern(found)
        files = {f"part-{number:05}.parquet": [number] for number in numbers}
        with found.writing(pattern) as open_:
            for name, held in (files if pattern else {"": list(numbers)}).items():
                with (
                    open_(name) as stream,
                    pq.ParquetWriter(stream, schema, compression=compression) as writer,
                ):
                    for batch in spool.batches(_ROW_GROUP, held, _GROUP_BYTES):
                        writer.write_batch(batch)
    return [f"{found.path.rstrip('/')}/{name}" for name in files] if pattern else [found.path]


def _schema(job: ExportJob, spool: Spool, columns: Sequence[str] | None, dtype: Any) -> pa.Schema:
    """Give the columns with what pandas keeps beside them: its dtypes, and a frame's ``attrs``."""
    frame = frames.empty(spool.schema, [spool.has_missing(n) for n in range(len(spool.types))])
    choice = {"columns": columns, "dtype": frames.plain(dtype)}
    source = provenance(job, spool.charsets, sum(spool.rows), choice, frame, spool.rules)
    attrs = {b"PANDAS_ATTRS": json.dumps({"gio": source}).encode()}
    return spool.schema.with_metadata({**_pandas_metadata(frame), **attrs})


def _pandas_metadata(frame: pd.DataFrame) -> dict[bytes, bytes]:
    metadata = pa.Schema.from_pandas(frame, preserve_index=False).metadata
    known = json.loads(metadata[b"pandas"])
    for column in known["columns"]:
        if column["numpy_type"] == "string":  # on pandas 2, which would take it for Python's
            column["numpy_type"] = "string[pyarrow]"
    return {**metadata, b"pandas": json.dumps(known).encode()}


def to_csv(job: ExportJob, found: Target, *, columns: Sequence[str] | None, encoding: str) -> str:
    """Write a finished job's files as one CSV file; see ``ExportJob.to_csv``."""
    with (
        spooled(job, columns, None, found.local_folder) as spool,
        found.writing(None) as open_,
        open_("") as stream,
    ):
        for piece in _encoded(_csv(spool), encoding):
            stream.write(piece)
    return found.path


def _encoded(texts: Iterator[str], encoding: str) -> Iterator[bytes]:
    encoder = codecs.getincrementalencoder(encoding)()
    try:
        for text in texts:
            yield encoder.encode(text)
    except UnicodeEncodeError as error:
        raise SettingsError(
            f"encoding={encoding!r} has no {error.object[error.start]!r}, which the export has",
            hint='Leave encoding= out, or use "gb18030".',
        ) from error


def _csv(spool: Spool) -> Iterator[str]:
    yield _lines([pa.array([name], TEXT) for name in spool.schema.names])
    for number in range(len(spool.rows)):
        for batch in spool.text(number):
            yield _lines(batch.columns)


def _lines(columns: Sequence[pa.Array]) -> str:
    """Write rows as CSV, quotes only where they are needed."""
    # A row of one missing value would be a blank line, which readers pass over; one of blanks, too.
    alone = len(columns) == 1
    pattern, missing = (_NEEDS_QUOTES_ALONE, '""') if alone else (_NEEDS_QUOTES, "")
    fields = [pc.fill_null(_quoted(column, pattern), missing) for column in columns]
    rows = pc.binary_join_element_wise(*fields, pa.scalar(",", TEXT))
    return _LINE_END.join([*rows.to_pylist(), ""])


def _quoted(column: pa.Array, pattern: str) -> pa.Array:
    needs = pc.match_substring_regex(column, pattern)
    if not pc.any(needs).as_py():
        return column
    quote, nothing = pa.scalar('"', TEXT), pa.scalar("", TEXT)
    doubled = pc.replace_substring(column, '"', '""')
    return pc.if_else(needs, pc.binary_join_element_wise(quote, doubled, quote, nothing), column)


def download(job: ExportJob, place: Target) -> list[Path]:
    """Save a finished job's files as they are; see ``ExportJob.download``."""
    parts = job.parts()
    names = dict(zip(parts, _distinct([safe_name(part.name) for part in parts]), strict=True))
    with place.writing(_NO_FILE) as open_:

        def save(part: Part, _: Crew) -> None:
            with open_(names[part]) as stream:
                try:
                    _save(part, stream)
                except ChangedFileError:
                    stream.seek(0)
                    stream.truncate()
                    _save(part, stream)  # the new one, from its beginning

        with job.tracker.reading(parts):
            for_each_part(parts, save)
    return [Path(place.path).expanduser() / names[part] for part in parts]


def _save(part: Part, stream: BinaryIO) -> None:
    with closing(part.chunks()) as chunks:
        for chunk in chunks:
            stream.write(chunk)


def _distinct(names: Sequence[str]) -> list[str]:
    """Tell apart by a number what has the same name, in whatever case it is written."""
    taken: set[str] = set()
    used: dict[str, int] = {}
    given = []
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        fresh, number = name, used.get(name, 0)
        while _folded(fresh) in taken:
            number += 1
            fresh = f"{stem}.{number}{dot}{suffix}" if stem else f"{name}.{number}"
        used[name] = number
        taken.add(_folded(fresh))
        given.append(fresh)
    return given


def _folded(name: str) -> str:
    """Write a name in the one way that no file system tells apart from its others."""
    return unicodedata.normalize("NFC", name.casefold())
