"""An export's rows on disk: read once, typed when all of them are known, never whole in memory."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Self

import pyarrow as pa

from gio_pandas.exports.decode import read_part
from gio_pandas.exports.dtypes import Look, Memory, Rule, Tally
from gio_pandas.exports.files import Part
from gio_pandas.exports.layout import Layout
from gio_pandas.exports.reading import Crew, for_each_part

__all__ = ["Spool"]

_BLOCK = 1 << 21
"""Bytes of UTF-8 worked on at a time: small, since this is for who has little memory."""


class Spool:
    """The text of all files, in a temporary file that vanishes with the process at the latest.

    Parameters
    ----------
    parts
        The files.
    charset
        What they were asked for in.
    layout
        Their columns.
    folder
        Where there is room; left out, the system's folder for temporary files.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        charset: str,
        layout: Layout,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        self._charset = charset
        self._layout = layout
        self._room = _Room(folder)
        self._rolls = [_Roll(part, layout, self._room) for part in parts]
        self._types: list[pa.DataType] = []
        self._memories: list[Memory] = []

    def __enter__(self) -> Self:
        self._room.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._room.close()

    def fill(self) -> None:
        """Read every file, and decide what each column is."""
        rolls = {roll.part: roll for roll in self._rolls}

        def read(part: Part, crew: Crew) -> None:
            read_part(part, self._charset, rolls[part], crew)

        for_each_part(list(rolls), read, block=_BLOCK)
        for position, rule in enumerate(self._layout.rules):
            seen = set().union(*(roll.tally.seen[position] for roll in self._rolls))
            self._types.append(rule.decide(seen))
        self._memories = self._layout.memories()

    def warn(self) -> None:
        """Warn where a column is not what the platform says it is."""
        for rule, type_ in zip(self._layout.rules, self._types, strict=True):
            rule.warn(type_)

    @property
    def charsets(self) -> list[str]:
        """What each file is written in."""
        return [roll.charset for roll in self._rolls]

    @property
    def rows(self) -> list[int]:
        """How many rows each file has."""
        return [roll.tally.rows for roll in self._rolls]

    @property
    def rules(self) -> list[Rule]:
        """What each column may become."""
        return self._layout.rules

    @property
    def types(self) -> list[pa.DataType]:
        """What each column is; see ``Rule.decide``."""
        return self._types

    def has_missing(self, position: int) -> bool:
        """Whether a column has missing values, in any file."""
        return any(roll.tally.missing[position] for roll in self._rolls)

    @property
    def schema(self) -> pa.Schema:
        """The names and types of the columns."""
        names = [rule.name for rule in self._layout.rules]
        return pa.schema(list(zip(names, self._types, strict=True)))

    def text(self, number: int) -> Iterator[pa.RecordBatch]:
        """Give a file's rows as they were written, some at a time."""
        yield from self._rolls[number].batches()

    def batches(
        self, rows: int, numbers: Iterable[int] | None = None, nbytes: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Give the rows of all files, or of some, as what the columns are, so many at a time.

        With ``nbytes``, a batch of about so many bytes has fewer rows.
        """
        numbers = range(len(self._rolls)) if numbers is None else numbers
        texts = ((batch,) for number in numbers for batch in self.text(number))
        with ThreadPoolExecutor(2, "gio-type") as threads:
            typed = Crew(threads, ahead=3, block=_BLOCK).map(self._typed, texts)
            yield from _regrouped(typed, rows, nbytes)

    def _typed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = zip(self._layout.rules, batch.columns, self._types, self._memories, strict=True)
        typed = [rule.convert(column, type_, memory) for rule, column, type_, memory in columns]
        return pa.record_batch(typed, schema=self.schema)


def _regrouped(
    batches: Iterator[pa.RecordBatch], rows: int, nbytes: int | None
) -> Iterator[pa.RecordBatch]:
    """Make batches of so many rows, or of about so many bytes; the last one may have fewer."""
    held: list[pa.RecordBatch] = []
    have = size = 0
    for batch in batches:
        while have + len(batch) >= rows:
            taken = rows - have
            yield _together([*held, batch.slice(0, taken)])
            batch, held, have, size = batch.slice(taken), [], 0, 0
        if len(batch):
            held.append(batch)
            have, size = have + len(batch), size + batch.nbytes
        if nbytes and size >= nbytes:
            yield _together(held)
            held, have, size = [], 0, 0
    if held:
        yield _together(held)


def _together(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    [batch] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return batch


class _Roll:
    """One file's rows; takes them as they are read."""

    def __init__(self, part: Part, layout: Layout, room: _Room) -> None:
        self.part = part
        self.charset = ""
        self.tally = Tally(())
        self._layout = layout
        self._room = room
        self._spans: list[tuple[int, int]] = []

    def start(self, names: tuple[str, ...], charset: str) -> Sequence[int]:
        self._layout.agree(self.part, names)
        self.charset, self.tally = charset, Tally(self._layout.rules)
        self._spans = []
        return self._layout.positions

    def work(self, batch: pa.RecordBatch) -> tuple[pa.Buffer, Look]:
        named = batch.rename_columns([rule.name for rule in self._layout.rules])
        return _packed(named), self.tally.look(batch)

    def put(self, made: tuple[pa.Buffer, Look], position: int) -> None:
        packed, look = made
        self._spans.append(self._room.put(packed))
        self.tally.add(look)

    def batches(self) -> Iterator[pa.RecordBatch]:
        for start, size in self._spans:
            with pa.ipc.open_stream(self._room.get(start, size)) as reader:
                yield reader.read_next_batch()


def _packed(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


class _Room:
    """Room on disk for the blocks of all files: one file, for a process may not open many."""

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._end = 0
        self._lock = threading.Lock()

    def open(self) -> None:
        # Without a name: nothing stays behind, whatever becomes of the process.
        self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 close() closes it

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # a full disk was told of already
                self._file.close()

    def put(self, block: pa.Buffer) -> tuple[int, int]:
        """Keep a block, and say where it is."""
        assert self._file is not None  # noqa: S101 opened before anything is read
        with self._lock:
            start, self._end = self._end, self._end + block.size
            self._file.seek(start)
            self._file.write(block)
        return start, block.size

    def get(self, start: int, size: int) -> bytes:
        """Give a block back."""
        assert self._file is not None  # noqa: S101 opened before anything is read
        with self._lock:
            self._file.seek(start)
            return self._file.read(size)
