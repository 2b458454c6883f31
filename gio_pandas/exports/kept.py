"""A result that was kept, read again: what the sinks in memory give, from Parquet."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from gio_pandas.exports import frames
from gio_pandas.exports.frames import Column
from gio_pandas.exports.memory import refuse

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Kept"]


class Kept:
    """A Parquet file that ``to_parquet`` wrote.

    Parameters
    ----------
    file
        The file, open.
    """

    def __init__(self, file: pa.NativeFile) -> None:
        self._file = pq.ParquetFile(file)

    @property
    def source(self) -> dict[str, Any]:
        """The provenance of the result; see ``df.gio.source``."""
        attrs = json.loads(self._file.schema_arrow.metadata[b"PANDAS_ATTRS"])
        source: dict[str, Any] = attrs["gio"]
        return source

    def to_pandas(
        self,
        *,
        columns: Sequence[str] | None,
        dtype: Any,
        dtype_backend: frames.DtypeBackend | None,
        memory_limit: int | None,
    ) -> pd.DataFrame:
        """Give what ``sinks.to_pandas`` gave, or would have given, of the job."""
        table = self.to_arrow(memory_limit=memory_limit)
        pieces = (
            Column(name, column.type, bool(column.null_count), iter(column.chunks))
            for name, column in zip(table.column_names, table.columns, strict=True)
        )
        # What it names beside the columns that are wanted was checked when the result was kept.
        if isinstance(dtype, Mapping):
            chosen = {name: dtype[name] for name in table.column_names if name in dtype}
        else:
            chosen = frames.chosen_dtypes(table.column_names, dtype)
        frame = frames.to_frame(pieces, len(table), dtype=chosen, dtype_backend=dtype_backend)
        choice = {"columns": columns, "dtype": frames.plain(dtype), "dtype_backend": dtype_backend}
        source = self.source
        arguments = {**source["arguments"], **choice}
        read = frames.spelled(frame)
        frame.attrs["gio"] = {**source, "arguments": arguments, "columns": read}
        return frame

    def to_arrow(self, *, memory_limit: int | None) -> pa.Table:
        """Give the table, if it is not going to need more memory than the limit."""
        rows = self._file.metadata.num_rows
        groups, have, taken = [], 0, 0
        for number in range(self._file.num_row_groups):
            group = self._file.read_row_group(number)
            have, taken = have + len(group), taken + group.nbytes
            refuse(taken * rows / max(have, 1), memory_limit)
            groups.append(group)
        schema = pa.schema([(field.name, field.type) for field in self._file.schema_arrow])
        return pa.concat_tables(
            [group.replace_schema_metadata(None) for group in groups] or [schema.empty_table()]
        )

    def iter_batches(
        self, rows: int, *, columns: Sequence[str] | None
    ) -> Generator[pa.RecordBatch, None, None]:
        """Give the rows, so many at a time; ``columns`` are those that were kept."""
        if not self._file.num_row_groups:  # which older versions of Arrow stumble over
            return
        for batch in self._file.iter_batches(rows):
            yield batch.replace_schema_metadata(None)
