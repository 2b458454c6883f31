"""What a finished job becomes in memory: Arrow, pandas, Polars, batches."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gio_pandas._version import __version__
from gio_pandas.errors import SettingsError
from gio_pandas.exports import frames
from gio_pandas.exports.decode import read_part
from gio_pandas.exports.dtypes import Ground, Memory, Piece, Rule
from gio_pandas.exports.files import Part, file_name
from gio_pandas.exports.frames import Column
from gio_pandas.exports.layout import Layout
from gio_pandas.exports.memory import Meter
from gio_pandas.exports.reading import Crew, for_each_part
from gio_pandas.exports.spool import Spool

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from gio_pandas.exports.job import ExportJob

__all__ = [
    "check_polars",
    "iter_batches",
    "provenance",
    "spooled",
    "to_arrow",
    "to_pandas",
    "to_polars",
]

_JOINED = 4 << 20
"""Bytes of a column's pieces that are joined: small ones take more memory than they need."""

_FEW = 32
"""Joined pieces of a column, after which the next ones become larger."""

# Polars knows zones of whole hours.
_POLARS_ZONE = re.compile(r"UTC|[+-](0\d|1[0-2]):00")


def to_pandas(
    job: ExportJob,
    *,
    columns: Sequence[str] | None,
    dtype: Any,
    dtype_backend: frames.DtypeBackend | None,
    memory_limit: int | None,
) -> pd.DataFrame:
    """Read a finished job's files into a frame; see ``ExportJob.to_pandas``."""
    layout = Layout(job.order, columns, dtype)
    shelves = _read(job, layout, memory_limit)
    rows = sum(shelf.rows for shelf in shelves)
    frame = frames.to_frame(
        _columns(layout, shelves), rows, dtype=layout.chosen, dtype_backend=dtype_backend
    )
    choice = {"columns": columns, "dtype": frames.plain(dtype), "dtype_backend": dtype_backend}
    charsets = [shelf.charset for shelf in shelves]
    frame.attrs["gio"] = provenance(job, charsets, rows, choice, frame, layout.rules)
    return frame


def to_arrow(
    job: ExportJob, *, columns: Sequence[str] | None, memory_limit: int | None
) -> pa.Table:
    """Read a finished job's files into an Arrow table; see ``ExportJob.to_arrow``."""
    layout = Layout(job.order, columns, frames.text_choices(job.order.dtype))
    shelves = _read(job, layout, memory_limit)
    return pa.table({column.name: column.chunked() for column in _columns(layout, shelves)})


def check_polars() -> None:
    """Refuse, before anything is waited for, to go on without Polars.

    Raises
    ------
    SettingsError
        It is not installed.
    """
    try:
        import polars  # noqa: F401
    except ModuleNotFoundError as error:
        raise SettingsError(
            "Polars is not installed", hint='Run: python -m pip install "gio-pandas[polars]"'
        ) from error


def to_polars(table: pa.Table) -> pl.DataFrame:
    """Turn what ``to_arrow`` gave into a Polars frame; see ``ExportJob.to_polars``."""
    import polars

    frame = polars.from_arrow(table.cast(pa.schema([_known_to_polars(f) for f in table.schema])))
    assert isinstance(frame, polars.DataFrame)  # noqa: S101 a table has columns
    return frame


def _known_to_polars(field: pa.Field) -> pa.Field:
    """Give the same instants in UTC where Polars has no zone of that offset, such as +05:30."""
    offset = getattr(field.type, "tz", None)
    if offset is None or _POLARS_ZONE.fullmatch(offset):
        return field
    return field.with_type(pa.timestamp("us", "UTC"))


def iter_batches(
    job: ExportJob, rows: int, *, columns: Sequence[str] | None
) -> Generator[pa.RecordBatch, None, None]:
    """Read a finished job's files batch by batch; see ``ExportJob.iter_batches``."""
    with spooled(job, columns, frames.text_choices(job.order.dtype)) as spool:
        spool.warn()
        yield from spool.batches(rows)


@contextmanager
def spooled(
    job: ExportJob, columns: Sequence[str] | None, dtype: Any, folder: str | None = None
) -> Iterator[Spool]:
    """Read a finished job's files to disk, in a folder where there is room, for a while."""
    layout, parts = Layout(job.order, columns, dtype), job.parts()
    with _disk_trouble_told(folder), Spool(parts, job.order.charset, layout, folder) as spool:
        with job.tracker.reading(parts, lambda: sum(spool.rows)):
            spool.fill()
        job.count(sum(spool.rows))
        yield spool


@contextmanager
def _disk_trouble_told(folder: str | None) -> Iterator[None]:
    try:
        yield
    except InterruptedError:
        raise
    except OSError as error:
        raise SettingsError(
            f"The export could not be kept or written on disk ({error})",
            hint=f"Free room in {folder or tempfile.gettempdir()}, or write to another folder "
            "(TMPDIR is where batches are kept meanwhile).",
        ) from error


def _read(job: ExportJob, layout: Layout, memory_limit: int | None) -> list[_Shelf]:
    parts = job.parts()
    meter = Meter(memory_limit, parts)
    shelves = {part: _Shelf(part, layout, meter) for part in parts}

    def read(part: Part, crew: Crew) -> None:
        read_part(part, job.order.charset, shelves[part], crew)
        shelves[part].finish()

    def rows() -> int:
        return sum(shelf.rows for shelf in shelves.values())

    with job.tracker.reading(parts, rows):
        for_each_part(parts, read)
    job.count(rows())
    return list(shelves.values())


class _Shelf:
    """One file's columns, typed piece by piece; takes its rows as they are read."""

    def __init__(self, part: Part, layout: Layout, meter: Meter) -> None:
        self.charset = ""
        self.rows = 0
        self._columns: list[list[Piece]] = []
        self._part = part
        self._layout = layout
        self._meter = meter
        self._nbytes = 0
        self._fresh: list[list[Piece]] = []
        self._fresh_nbytes = 0
        self._memories: list[Memory] = []

    def start(self, names: tuple[str, ...], charset: str) -> Sequence[int]:
        self._layout.agree(self._part, names)
        self.charset, self.rows, self._nbytes = charset, 0, 0
        self._columns = [[] for _ in self._layout.rules]
        self._fresh, self._fresh_nbytes = [], 0
        self._memories = self._layout.memories()
        return self._layout.positions

    def work(self, batch: pa.RecordBatch) -> tuple[int, list[Piece]]:
        return len(batch), self._layout.read(batch, self._memories)

    def put(self, made: tuple[int, list[Piece]], position: int) -> None:
        rows, pieces = made
        nbytes = sum(piece.nbytes for piece in pieces)
        self.rows += rows
        self._nbytes += nbytes
        self._fresh.append(pieces)
        self._fresh_nbytes += nbytes
        if self._fresh_nbytes >= self._enough():
            self.finish()
        self._meter.note(self._part, self._nbytes, position)

    def _enough(self) -> int:
        """Say how many bytes are worth joining: the more there are, so that pieces stay few."""
        joined = len(self._columns[0]) // _FEW
        return _JOINED * (1 + joined) * len(self._columns)

    def finish(self) -> None:
        """Join what has come: in small pieces it would take more memory than it needs."""
        for column, pieces in zip(self._columns, zip(*self._fresh, strict=True), strict=False):
            column += Piece.joined(pieces)
        self._fresh, self._fresh_nbytes = [], 0

    def take(self, number: int) -> list[Piece]:
        """Hand a column over."""
        taken, self._columns[number] = self._columns[number], []
        return taken


def _columns(layout: Layout, shelves: Sequence[_Shelf]) -> Iterator[Column]:
    """Put each column together; its pieces are let go one by one, as they are taken."""
    for position, rule in enumerate(layout.rules):
        pieces = [piece for shelf in shelves for piece in shelf.take(position)]
        type_ = rule.decide({piece.seen for piece in pieces})
        rule.warn(type_)
        missing = any(piece.values.null_count for piece in pieces)
        yield Column(rule.name, type_, missing, _cast(pieces, type_))


def _cast(pieces: list[Piece], type_: pa.DataType) -> Iterator[pa.Array]:
    pieces.reverse()
    while pieces:
        yield pieces.pop().cast(type_)


def provenance(
    job: ExportJob,
    charsets: Sequence[str],
    rows: int,
    choice: Mapping[str, Any],
    frame: pd.DataFrame,
    rules: Sequence[Rule],
) -> dict[str, Any]:
    """Say where a frame comes from, in plain values that survive JSON and Parquet.

    ``columns`` are the dtypes that it was read with; ``decided_by`` says of those that not their
    values alone have decided what did.
    """
    order = job.order
    return {
        "platform": order.platform,
        "project": order.project_id,
        "project_name": order.project_name,
        "kind": job.kind,
        "id": order.item_id,
        "name": order.name,
        "job": job.id,
        "files": [file_name(uri) for uri in job.uris],
        "charset": ", ".join(dict.fromkeys(charsets)),
        "rows": rows,
        "submitted": _time(job.submitted_at),
        "finished": _time(job.finished_at),
        "read": _time(datetime.now(UTC)),
        "arguments": {**order.arguments, **choice},
        "columns": frames.spelled(frame),
        "decided_by": {
            rule.name: rule.ground.value for rule in rules if rule.ground is not Ground.VALUES
        },
        "version": __version__,
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
