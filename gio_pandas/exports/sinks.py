"""What a finished job becomes: Arrow, pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gio_pandas._version import __version__
from gio_pandas.api.models import Kind
from gio_pandas.errors import DecodeError
from gio_pandas.exports import dtypes
from gio_pandas.exports.decode import TextTable, read_part
from gio_pandas.exports.files import Part

if TYPE_CHECKING:
    import pandas as pd

    from gio_pandas.exports.job import ExportJob, Order

__all__ = ["provenance", "to_arrow", "to_pandas"]


def to_pandas(
    job: ExportJob, *, dtype: Any, dtype_backend: dtypes.DtypeBackend | None
) -> pd.DataFrame:
    """Read a finished job's files into a frame; see ``ExportJob.to_pandas``."""
    parts = _read_parts(job)
    data = _typed(job.order, parts, dtype)
    frame = dtypes.to_frame(data, dtype=dtype, dtype_backend=dtype_backend)
    choice = {"dtype": dtypes.plain(dtype), "dtype_backend": dtype_backend}
    frame.attrs["gio"] = provenance(job, parts, len(frame), choice)
    return frame


def to_arrow(job: ExportJob) -> pa.Table:
    """Read a finished job's files into an Arrow table; see ``ExportJob.to_arrow``."""
    return _typed(job.order, _read_parts(job), None)


def _read_parts(job: ExportJob) -> list[tuple[Part, TextTable]]:
    """Read every file of a job, in order, and refuse them if their columns differ."""
    read: list[tuple[Part, TextTable]] = []
    for part in job.parts():
        table = read_part(part, job.order.charset)
        if read and table.names != read[0][1].names:
            raise DecodeError(
                f"{part.name!r} has the columns {', '.join(table.names)}, but the files before "
                f"it have {', '.join(read[0][1].names)}",
                hint="Export it again; if it comes back, report it to the platform's operator.",
                file=part.uri,
            )
        read.append((part, table))
    return read


def _typed(order: Order, parts: list[tuple[Part, TextTable]], dtype: Any) -> pa.Table:
    """Put the parts together, and type what ``dtype`` does not speak of."""
    headers = parts[0][1].names
    text = pa.concat_tables([table.data for _, table in parts])
    text = text.rename_columns(dtypes.unique_names(headers))
    analysis = order.kind is not None and order.kind.is_analysis
    chosen = dtypes.chosen_dtypes(text.column_names, dtype)
    return dtypes.typed(
        text,
        analysis=analysis,
        value_types=_value_types(order, headers),
        headers=headers,
        # A number asked for is one in the form that analyses print it in, too.
        keep_text=[
            name for name, wanted in chosen.items() if not (analysis and dtypes.is_number(wanted))
        ],
    )


def _value_types(order: Order, names: Sequence[str]) -> Mapping[str, str]:
    """Say which columns are of a type that the platform declares.

    In a tag's export the value stands beside the user's id, whatever its header is.
    """
    known = order.value_types
    if order.kind is Kind.TAG and len(names) == 2 and known and names[1] not in known:
        return {names[1]: next(iter(known.values()))}
    return known


def provenance(
    job: ExportJob, parts: list[tuple[Part, TextTable]], rows: int, choice: Mapping[str, Any]
) -> dict[str, Any]:
    """Say where a frame comes from, in plain values that survive JSON and Parquet."""
    order = job.order
    return {
        "platform": order.platform,
        "project": order.project_id,
        "project_name": order.project_name,
        "kind": job.kind,
        "id": order.item_id,
        "name": order.name,
        "job": job.id,
        "files": [part.name for part, _ in parts],
        "charset": ", ".join(dict.fromkeys(table.charset for _, table in parts)),
        "rows": rows,
        "submitted": _time(job.submitted_at),
        "finished": _time(job.finished_at),
        "read": _time(datetime.now(UTC)),
        "arguments": {**order.arguments, **choice},
        "version": __version__,
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
