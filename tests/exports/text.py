"""A file's rows as they were written, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa

from gio_pandas.exports.decode import read_part
from gio_pandas.exports.files import Part
from gio_pandas.exports.reading import Crew


@dataclass
class TextTable:
    """Takes all columns of a file as text."""

    names: tuple[str, ...] = ()
    charset: str = ""
    batches: list[pa.RecordBatch] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)

    @property
    def data(self) -> pa.Table:
        """All rows."""
        columns = [(str(position), pa.large_string()) for position in range(len(self.names))]
        return pa.Table.from_batches(self.batches, pa.schema(columns))

    def start(self, names: tuple[str, ...], charset: str) -> Sequence[int]:
        """Forget what came of the file before."""
        self.names, self.charset, self.batches, self.positions = names, charset, [], []
        return range(len(names))

    def work(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Leave it as it is."""
        return batch

    def put(self, made: pa.RecordBatch, position: int) -> None:
        """Keep it."""
        self.batches.append(made)
        self.positions.append(position)


def read_text(part: Part, charset: str, block: int = 1 << 20) -> TextTable:
    """Read a file, in blocks of a size."""
    table = TextTable()
    with ThreadPoolExecutor(2) as threads:
        read_part(part, charset, table, Crew(threads, ahead=3, block=block))
    return table
