"""What a worker does: it looks at some of an export's rows, or makes a frame of them."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gio_pandas.errors import DecodeError
from gio_pandas.exports import credentials, frames, ranges
from gio_pandas.exports.charset import to_utf8
from gio_pandas.exports.decode import Taker, read_part, read_rows
from gio_pandas.exports.dtypes import Look, Rule, Seen, Tally
from gio_pandas.exports.files import ChangedFileError, Downloads, Part, Span
from gio_pandas.exports.quotes import QuoteWatch
from gio_pandas.exports.reading import Crew

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Partition",
    "Reader",
    "Report",
    "Section",
    "Source",
    "SummedPart",
    "look",
    "look_at",
]


_BLOCK = 1 << 22


@dataclass(frozen=True)
class Section:
    """A file of an export, or some of its rows.

    Parameters
    ----------
    uri
        The file on the platform.
    span
        Its bytes; all of them where left out.
    charset
        What these are written in; None for a whole file, which is asked itself.
    """

    uri: str
    span: Span = field(default_factory=Span)
    charset: str | None = None

    def part(self, platform: Downloads) -> SummedPart:
        """Give it ready to be read."""
        return SummedPart(platform, self.uri, span=self.span)


@dataclass(frozen=True)
class Source:
    """What the sections of an export have in common.

    Parameters
    ----------
    key, url
        What the way in to the platform is asked for by, and the platform's address.
    charset
        What the files were asked for in.
    headers
        The header that each file has.
    positions, rules
        Which columns are wanted, and what each may become.
    """

    key: str = field(repr=False)
    url: str
    charset: str
    headers: tuple[str, ...]
    positions: tuple[int, ...] = field(repr=False)
    rules: tuple[Rule, ...] = field(repr=False)


@dataclass(frozen=True)
class Report:
    """What a look at a section tells.

    Parameters
    ----------
    names
        The header, where it is a whole file; if it is another one than it should be, nothing else.
    charset
        What it is written in.
    rows, checksum
        How many rows it has, and the CRC-32 of its bytes.
    seen, missing
        Of each column, what its pieces can be, and how many values are missing.
    ends
        How it ends, where it is not a whole file.
    failure
        Why it is no table, if it begins where a row does.
    is_text
        Whether its bytes are in the charset that they were taken for.
    """

    names: tuple[str, ...]
    charset: str = ""
    rows: int = 0
    checksum: int = 0
    seen: tuple[frozenset[Seen], ...] = ()
    missing: tuple[int, ...] = ()
    ends: ranges.Ends | None = None
    failure: DecodeError | None = None
    is_text: bool = True


@dataclass(frozen=True)
class Partition:
    """A section whose rows are known.

    Parameters
    ----------
    section
        Where they are.
    first, rows
        The number of the first row in the export, and how many there are.
    checksum
        The CRC-32 of their bytes.
    """

    section: Section
    first: int
    rows: int
    checksum: int


class SummedPart(Part):
    """A file whose bytes are summed up on their way."""

    checksum = 0

    def chunks(self) -> Generator[bytes, None, None]:
        """Download it; see ``Part.chunks``."""
        self.checksum = 0
        with closing(super().chunks()) as chunks:
            for chunk in chunks:
                self.checksum = zlib.crc32(chunk, self.checksum)
                yield chunk


def look(section: Section, source: Source) -> Report:
    """Look at a section in a worker; see ``look_at``."""
    part = section.part(credentials.line(source.key, source.url))
    with ThreadPoolExecutor(1, "gio-parse") as threads:
        return look_at(part, section, source, Crew(threads, ahead=2, block=_BLOCK))


def look_at(part: SummedPart, section: Section, source: Source, crew: Crew) -> Report:
    """Read a section, and keep nothing of it but what its columns' types depend on.

    Raises
    ------
    DecodeError
        A whole file is in none of the charsets, or not the table that its header says.
    DownloadError, AuthenticationError
        The file is missing, changed, or never came whole.
    """
    counter = _Counter(source)
    try:
        if section.charset is None:
            read_part(part, source.charset, counter, crew)
            return counter.report(part)
        return _look_at_range(part, section.charset, source, counter, crew)
    except _OtherColumnsError as error:
        return Report(names=error.names)


def _look_at_range(
    part: SummedPart, charset: str, source: Source, counter: _Counter, crew: Crew
) -> Report:
    watches = QuoteWatch(), QuoteWatch(inside=True)
    failure = None
    with closing(part.chunks()) as chunks:
        text = ranges.watched(to_utf8(chunks, charset, from_start=False), watches)
        try:
            try:
                read_rows(text, source.headers, charset, part, counter, crew)
            except DecodeError as error:
                failure = error  # unless it begins within quotes
                deque(text, maxlen=0)
        except UnicodeDecodeError:
            return Report(names=(), is_text=False)
    ends = ranges.Ends(*(watch.inside for watch in watches))
    return replace(counter.report(part), ends=ends, failure=failure)


class _OtherColumnsError(Exception):
    """A file has another header than the export."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(names)
        self.names = names


class _Counter:
    """Takes rows and counts them; keeps nothing else of them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._charset = ""
        self._tally = Tally(source.rules)

    def start(self, names: tuple[str, ...], charset: str) -> Sequence[int]:
        if names != self._source.headers:
            raise _OtherColumnsError(names)
        self._charset, self._tally = charset, Tally(self._source.rules)
        return self._source.positions

    def work(self, batch: pa.RecordBatch) -> Look:
        return self._tally.look(batch)

    def put(self, made: Look, position: int) -> None:
        self._tally.add(made)

    def report(self, part: SummedPart) -> Report:
        return Report(
            names=self._source.headers,
            charset=self._charset,
            rows=self._tally.rows,
            checksum=part.checksum,
            seen=tuple(frozenset(seen) for seen in self._tally.seen),
            missing=tuple(self._tally.missing),
        )


@dataclass(frozen=True)
class Reader:
    """Makes frames of partitions, whose columns are known to be of these types.

    Parameters
    ----------
    source
        What the partitions have in common.
    types, missing
        What each column is, and whether it has missing values, in any partition.
    dtype, dtype_backend
        As ``frames.to_frame``.
    attrs
        What is put into each frame's ``attrs``.
    """

    source: Source
    types: tuple[pa.DataType, ...] = field(repr=False)
    missing: tuple[bool, ...] = field(repr=False)
    dtype: Mapping[str, Any] = field(repr=False)
    dtype_backend: frames.DtypeBackend | None = field(repr=False)
    attrs: Mapping[str, Any] = field(repr=False)

    def __call__(self, partition: Partition, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Download a partition and give its frame, or some columns of it.

        Raises
        ------
        ChangedFileError
            The file is not the one that was looked at.
        DownloadError, AuthenticationError, SettingsError
            See each.
        """
        source = self.source
        part = partition.section.part(credentials.line(source.key, source.url))
        names = [rule.name for rule in source.rules]
        wanted = range(len(names)) if columns is None else [names.index(name) for name in columns]
        shelf = _Shelf(self, list(wanted))
        try:
            with ThreadPoolExecutor(1, "gio-parse") as threads:
                _read(part, partition.section, source, shelf, Crew(threads, ahead=2, block=_BLOCK))
        except _OtherColumnsError:
            raise _changed(part) from None
        if (shelf.rows, part.checksum) != (partition.rows, partition.checksum):
            raise _changed(part)
        return self.frame(shelf.columns(), partition.first, partition.rows)

    def frame(self, columns: list[frames.Column], first: int, rows: int) -> pd.DataFrame:
        """Put typed columns together, with the rows' numbers in the export as their index."""
        import pandas as pd

        chosen = {c.name: self.dtype[c.name] for c in columns if c.name in self.dtype}
        frame = frames.to_frame(columns, rows, dtype=chosen, dtype_backend=self.dtype_backend)
        frame.index = pd.RangeIndex(first, first + rows)
        frame.attrs.update(self.attrs)
        return frame

    def empty(self) -> pd.DataFrame:
        """Give the frame that every partition is like, without rows."""
        return self.frame(_Shelf(self, list(range(len(self.types)))).columns(), 0, 0)


def _read(part: Part, section: Section, source: Source, taker: Taker[Any], crew: Crew) -> None:
    if section.charset is None:
        read_part(part, source.charset, taker, crew)
        return
    with closing(part.chunks()) as chunks:
        text = to_utf8(chunks, section.charset, from_start=False)
        read_rows(text, source.headers, section.charset, part, taker, crew)


def _changed(part: Part) -> ChangedFileError:
    return ChangedFileError(
        f"{part.name!r} changed on the platform after its columns' types were decided",
        hint="Call job.to_dask() again: it looks at the files anew.",
        file=part.uri,
    )


class _Shelf:
    """Takes rows, as what their columns are."""

    def __init__(self, reader: Reader, wanted: list[int]) -> None:
        self.rows = 0
        self._reader = reader
        self._wanted = wanted
        self._pieces: list[list[pa.Array]] = [[] for _ in wanted]

    def start(self, names: tuple[str, ...], charset: str) -> Sequence[int]:
        source = self._reader.source
        if names != source.headers:
            raise _OtherColumnsError(names)
        self.rows = 0
        self._pieces = [[] for _ in self._wanted]
        return [source.positions[number] for number in self._wanted]

    def work(self, batch: pa.RecordBatch) -> tuple[int, list[pa.Array]]:
        reader = self._reader
        rules = [(reader.source.rules[n], reader.types[n]) for n in self._wanted]
        columns = zip(rules, batch.columns, strict=True)
        return len(batch), [rule.convert(column, type_) for (rule, type_), column in columns]

    def put(self, made: tuple[int, list[pa.Array]], position: int) -> None:
        self.rows += made[0]
        for pieces, piece in zip(self._pieces, made[1], strict=True):
            pieces.append(piece)

    def columns(self) -> list[frames.Column]:
        """Give the columns; once."""
        reader = self._reader
        return [
            frames.Column(
                reader.source.rules[number].name,
                reader.types[number],
                reader.missing[number],
                iter(pieces),
            )
            for number, pieces in zip(self._wanted, self._pieces, strict=True)
        ]
